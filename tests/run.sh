#!/bin/bash
# run.sh [FILE.bats...]: runs the suite (default tests/*.bats) and prints each test; the last line is
# `N passed, N failed[, N skipped]`. Exit 0 only if something ran and nothing failed.
#
# Each run has a temporary directory of its own, not on tmpfs (the library leaves files there alone), and
# as root a /dev/shm of its own, so that what a test leaves behind is found out, file by file.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ -z "${OPT4_TEST_SHM:-}" ]; then
	export OPT4_TEST_SHM=shared
	if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm 2>/dev/null; then
		OPT4_TEST_SHM=own exec unshare -m --propagation private \
			sh -c 'mount -t tmpfs -o size=50%,mode=1777 tmpfs /dev/shm && exec "$@"' sh "$0" "$@"
	fi
fi

PYTHON=$(tests/setup.sh python) && tests/setup.sh bats strace || { echo "0 passed, 1 failed"; exit 1; }
export PYTHON
unset "${!OPT4_@}" "${!SLOWSTORE_@}" LD_PRELOAD   # the suite starts from the defaults
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}

for base in "${TMPDIR:-/tmp}" /var/tmp build; do
	[ "$(stat -f -c %T "$base" 2>/dev/null)" != tmpfs ] && [ -w "$base" ] && break
done
TMPDIR=$(mktemp -d "$(realpath "$base")/o4t.XXXX") || { echo "0 passed, 1 failed"; exit 1; }
export TMPDIR
chmod 711 "$TMPDIR"   # some tests act as another user
trap 'chmod -R u+rwX "$TMPDIR" 2>/dev/null; rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

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

passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- tests/*.bats
for file in "$@"; do
	before=$(ours)
	echo "# $file"
	planned=-1 seen=0
	while IFS= read -r line; do
		case $line in
		1..*) planned=${line#1..}; continue ;;
		"ok "*"# skip"*) skipped=$((skipped + 1)) seen=$((seen + 1)) ;;
		"ok "*) passed=$((passed + 1)) seen=$((seen + 1)) ;;
		"not ok "*) failed=$((failed + 1)) seen=$((seen + 1)) ;;
		esac
		echo "$line"
	done < <(bats --tap --timing "$file" 2>&1 </dev/null)
	if [ $planned -lt 0 ] || [ $seen -lt $planned ]; then
		echo "not ok $file: $seen of ${planned/-1/an unknown number of} tests were run"
		failed=$((failed + 1))
	fi
	if left_behind; then
		echo "not ok $file: left behind:" $left
		failed=$((failed + 1))
	fi
done
summary="$passed passed, $failed failed"
[ $skipped -gt 0 ] && summary+=", $skipped skipped"
echo "$summary"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
