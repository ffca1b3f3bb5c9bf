#!/bin/bash
# asan.sh BUILD [FILE.bats...]: the suite's quick part with a library, tools and keeper built with the address and undefined behaviour
# sanitizers. Works on a copy of the tree below BUILD/asan. Needs root: /etc/ld.so.preload, seen by nobody else (a mount
# namespace with an overlay), brings the sanitizers' runtime into every program before our library.
# Only reports with a frame of ours count: the runtime also stops coreutils' dd and cat (aligned_alloc) and mawk (memcmp) for
# what they do themselves, so files of the suite that lean on those fail here for that reason.
# Results: BUILD/trust/asan.txt, lines `file passed failed reports`. Exit 0: all passed and the sanitizers reported nothing.
set -u
build=$(realpath "$1")
shift
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- tests/trust.bats tests/hook.bats tests/bytes.bats
if [ -z "${SUITE_ASAN:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "opt4: asan: needs root, to bring the runtime into every program" >&2; exit 1; }
	tree=$build/asan
	mkdir -p "$tree" "$build/trust"
	for f in $(git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f -not -path './build/*'); do
		[ -e "$f" ] && ! cmp -s "$f" "$tree/$f" && cp --parents -p "$f" "$tree/"
	done
	# Null paths are handed down on purpose: EFAULT is the kernel's to say.
	flags="-fsanitize=address,undefined -fno-sanitize=nonnull-attribute -fno-omit-frame-pointer"
	make -s -C "$tree" CFLAGS="$flags" LDFLAGS="-fsanitize=address,undefined" all >"$tree/make.log" 2>&1 || { tail -5 "$tree/make.log"; exit 1; }
	make -s -C "$tree" test-bins >"$tree/make.log" 2>&1 || { tail -5 "$tree/make.log"; exit 1; }
	SUITE_ASAN=1 exec unshare -m --propagation private "$0" "$build" "$@"
fi
tree=$build/asan
ns=$(mktemp -d)
mount -t tmpfs tmpfs "$ns" && mkdir "$ns/up" "$ns/work" && mount -t overlay -o "lowerdir=/etc,upperdir=$ns/up,workdir=$ns/work" overlay /etc || exit 1
mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm
export OPT4_TEST_SHM=own ASAN_OPTIONS=detect_leaks=0:log_path=$tree/found:verify_asan_link_order=0 UBSAN_OPTIONS=print_stacktrace=1:log_path=$tree/found
rm -f "$tree"/found.*
: >"$build/trust/asan.txt"
for lib in libasan.so libubsan.so; do realpath "$(gcc -print-file-name=$lib)"; done >/etc/ld.so.preload
bad=0
cd "$tree" || exit 1
for file; do
	rm -f "$tree"/found.*
	BATS_TEST_TIMEOUT=600 tests/run.sh "$file" >"$tree/out" 2>&1
	grep -A8 '^not ok' "$tree/out"
	read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$tree/out" | tail -1)
	ours=$(grep -lE ' (preload|policy|tools/opt4d?)/[a-z0-9_/]*\.c:|libopt4\.so|/opt4d' "$tree"/found.* 2>/dev/null)
	reports=$(wc -w <<<"$ours")
	[ -z "$ours" ] || head -qn 30 $ours
	echo "asan $file: ${passed:-0} passed, ${failed:-0} failed, $reports reports"
	echo "$file ${passed:-0} ${failed:-0} $reports" >>"$build/trust/asan.txt"
	[ "${failed:-1}" = 0 ] && [ "$reports" = 0 ] || bad=1
done
exit $bad
