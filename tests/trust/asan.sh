#!/bin/bash
# asan.sh BUILD [FILE.bats...]: the suite (default all of tests/*.bats) with library, tools and keeper built with the address and
# undefined behaviour sanitizers. Works on a copy of the tree below BUILD/asan. Needs root: /etc/ld.so.preload, seen by
# nobody else (a mount namespace with an overlay), brings the sanitizers' runtime into every program before our library.
# Results: BUILD/trust/asan.txt, lines `file passed failed skipped reports`; the last line printed is
# `N passed, N failed[, N skipped]`, where a file with a report counts as one failed. Exit 0: nothing failed.
#
# A report counts if a frame of ours is anywhere in it. Where there is none, the program goes on and the report is not
# counted: the runtime finds fault with mawk (memcmp of a whole buffer against a shorter string), and in a forked child
# with memory where a thread's stack was that the child has not got any more. (What stops cat and dd, and the options: asan_first.c.)
set -u
sanitizers() {
	export ASAN_OPTIONS=log_path=$1/found
	export UBSAN_OPTIONS=print_stacktrace=1:log_path=$1/found
}

one() {
	local file=$1 ours reports dir passed failed skipped
	dir=$build/found/$(basename "$1" .bats)
	rm -rf "$dir" && mkdir -p "$dir" && chmod 1777 "$dir"   # some tests act as another user
	sanitizers "$dir"
	BATS_TEST_TIMEOUT=600 OPT4_TEST_LANES=1 tests/run.sh "$file" >"$dir/out" 2>&1
	grep -A12 '^not ok' "$dir/out"
	read -r passed failed skipped < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\?$/\1 \2 \4/p' "$dir/out" | tail -1)
	ours=$(grep -lE ' (preload|policy|tools/opt4d?)/[a-z0-9_/]*\.c:|libopt4\.so|build/opt4d?\b' "$dir"/found.* 2>/dev/null)
	reports=$(wc -w <<<"$ours")
	[ -z "$ours" ] || head -qn 30 $ours
	echo "asan $file: ${passed:-0} passed, ${failed:-1} failed, ${skipped:-0} skipped, $reports reports"
	echo "$file ${passed:-0} ${failed:-1} ${skipped:-0} $reports" >>"$RESULTS"
}

if [ "$1" = --one ]; then
	build=$2
	one "$3"
	exit 0
fi
build=$(realpath "$1")
shift
cd "$(dirname "$0")/../.." || exit 1
if [ -z "${SUITE_ASAN:-}" ]; then
	[ $# -gt 0 ] || set -- tests/*.bats
	[ "$(id -u)" = 0 ] || { echo "opt4: asan: needs root, to bring the runtime into every program" >&2; echo "0 passed, 1 failed"; exit 1; }
	tree=$build/asan
	mkdir -p "$tree" "$build/trust"
	for f in $(git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f -not -path './build/*'); do
		[ -e "$f" ] && ! cmp -s "$f" "$tree/$f" && cp --parents -p "$f" "$tree/"
	done
	# Null paths are handed down on purpose: EFAULT is the kernel's to say.
	link="-fsanitize=address,undefined" flags="$link -fno-sanitize=nonnull-attribute -fno-omit-frame-pointer"
	make -s -C "$tree" CFLAGS="$flags" LDFLAGS="$link" all >"$tree/make.log" 2>&1 &&
		make -s -C "$tree" LDFLAGS="$link" test-bins >"$tree/make.log" 2>&1 &&
		"${CC:-cc}" -shared -fPIC -O1 -o "$tree/build/asan_first.so" "$tree/tests/trust/asan_first.c" ||
		{ tail -5 "$tree/make.log"; echo "0 passed, 1 failed"; exit 1; }
	SUITE_ASAN=$link exec unshare -m --propagation private "$0" "$build" "$@"
fi
tree=$build/asan
ns=$(mktemp -d)
mount -t tmpfs tmpfs "$ns" && mkdir "$ns/up" "$ns/work" && mount -t overlay -o "lowerdir=/etc,upperdir=$ns/up,workdir=$ns/work" overlay /etc || exit 1
mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm
cd "$tree" || exit 1
export SUITE_ASAN RESULTS=$tree/build/asan.run
: >"$RESULTS"
sanitizers "$tree"
for lib in libasan.so libubsan.so; do realpath "$(gcc -print-file-name=$lib)"; done >"$ns/preload"
{ echo "$tree/build/asan_first.so"; cat "$ns/preload"; } >/etc/ld.so.preload
mkdir -p "$tree/build/bin"
for name in ps pgrep pkill chromium chromium-browser google-chrome; do
	! command -v $name >/dev/null || ln -sf "$tree/tests/trust/without.sh" "$tree/build/bin/$name"
done
export PATH=$tree/build/bin:$PATH
lanes=${OPT4_TEST_LANES:-$(nproc)}
printf '%s\0' "$@" | xargs -0 -n 1 -P "$lanes" tests/trust/asan.sh --one "$tree"
{ grep -svFf <(sed 's/ .*/ /' "$RESULTS") "$build/trust/asan.txt"; cat "$RESULTS"; } | sort >"$RESULTS.all"   # of the others their last run counts
mv "$RESULTS.all" "$build/trust/asan.txt"
awk -v files=$# '{ p += $2; f += $3 + ($5 > 0); s += $4 } END { f += files - NR
	print p + 0 " passed, " f + 0 " failed" (s ? ", " s " skipped" : ""); exit f > 0 || p == 0 }' "$RESULTS"
