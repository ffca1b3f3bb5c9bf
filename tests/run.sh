#!/bin/bash
# run.sh [FILE.bats...]: runs the suite (default tests/*.bats) and prints each test; the last line is
# `N passed, N failed[, N skipped]`. Exit 0 only if something ran and nothing failed.
#
# As many files run at a time as there are cores (OPT4_TEST_LANES), each with a temporary directory of its own, not on
# tmpfs (the library leaves files there alone), and as root a /dev/shm of its own, so that what a test leaves behind is
# found out, file by file. Without the right to mount one, one file runs at a time.
set -u
cd "$(dirname "$0")/.." || exit 1

# What is ours in /dev/shm. A keeper leaves within a second of its job: so look for some more.
ours() { find /dev/shm -mindepth 1 -name '*opt4*' 2>/dev/null | sort; }
left_behind() {
	local i
	for i in {1..50}; do
		left=$(comm -13 <(echo "$before") <(ours))
		[ -z "$left" ] && return 1
		sleep .1
	done
}

# One file: its lines to stdout, when it is through; its counts to $TEST_COUNTS.
one() {
	local file=$1 passed=0 failed=0 skipped=0 planned=-1 seen=0 line
	out=$TEST_COUNTS.$$
	TMPDIR=$(mktemp -d "$TEST_TMP/o4t.XXXX") || exit 1
	export TMPDIR
	chmod 711 "$TMPDIR"   # some tests act as another user
	trap 'chmod -R u+rwX "$TMPDIR" 2>/dev/null; rm -rf "$TMPDIR" "$out"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	before=$(ours)
	while IFS= read -r line; do
		case $line in
		1..*) planned=${line#1..}; continue ;;
		"ok "*"# skip"*) skipped=$((skipped + 1)) seen=$((seen + 1)) ;;
		"ok "*) passed=$((passed + 1)) seen=$((seen + 1)) ;;
		"not ok "*) failed=$((failed + 1)) seen=$((seen + 1)) ;;
		esac
		echo "$line"
	done < <(bats --tap --timing "$file" 2>&1 </dev/null) >"$out"
	if [ $planned -lt 0 ] || [ $seen -lt $planned ]; then
		echo "not ok $file: $seen of ${planned/-1/an unknown number of} tests were run" >>"$out"
		failed=$((failed + 1))
	fi
	if left_behind; then
		echo "not ok $file: left behind:" $left >>"$out"
		failed=$((failed + 1))
	fi
	exec 8>>"$TEST_COUNTS"
	flock 8
	echo "$passed $failed $skipped" >&8
	echo "# $file"
	cat "$out"
}

if [ "${1:-}" = --one ]; then
	if [ "$TEST_SHM" = own ] && [ -z "${TEST_MOUNTED:-}" ]; then
		TEST_MOUNTED=1 exec unshare -m --propagation private \
			sh -c 'mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm && exec "$@"' sh "$0" "$@"
	fi
	unset TEST_MOUNTED
	one "$2"
	exit
fi

lanes=${OPT4_TEST_LANES:-$(nproc)}
unset "${!OPT4_@}" "${!SLOWSTORE_@}" LD_PRELOAD   # the suite starts from the defaults
TEST_SHM=shared
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm 2>/dev/null; then
	TEST_SHM=own
else
	lanes=1
fi
# python3 may be a script that looks for the one to run, a second each time on a busy machine; the tests start some thousand.
if [ "$(head -c 2 "$(command -v python3)" | tr -d '\0')" = '#!' ]; then
	PATH=$(python3 -c 'import os, sys; print(os.path.dirname(sys.executable))'):$PATH
fi
PYTHON=$(tests/setup.sh python) && tests/setup.sh bats strace || { echo "0 passed, 1 failed"; exit 1; }
for base in "${TMPDIR:-/tmp}" /var/tmp build; do
	[ "$(stat -f -c %T "$base" 2>/dev/null)" != tmpfs ] && [ -w "$base" ] && break
done
TEST_TMP=$(realpath "$base")
TEST_COUNTS=$(mktemp "$TEST_TMP/o4c.XXXX") || { echo "0 passed, 1 failed"; exit 1; }
trap 'rm -f "$TEST_COUNTS"' EXIT
export PYTHON TEST_SHM TEST_TMP TEST_COUNTS
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}

[ $# -gt 0 ] || set -- tests/*.bats
# the longest first, so that no lane is left with one at the end
printf '%s\0' "$@" | awk -v RS='\0' '{ print (/\/(live|trace|keeper|follow|bytes|exact|hook|record)\.bats$/ ? 0 : 1), $0 }' | sort -s -n -k1,1 |
	cut -d' ' -f2- | tr '\n' '\0' | xargs -0 -n 1 -P "$lanes" "$0" --one

read -r passed failed skipped files < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0, NR }' "$TEST_COUNTS")
if [ "$files" -ne $# ]; then
	echo "not ok: $files of $# files were run"
	failed=$((failed + 1))
fi
summary="$passed passed, $failed failed"
[ "$skipped" -gt 0 ] && summary+=", $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
