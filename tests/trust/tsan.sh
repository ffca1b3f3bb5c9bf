#!/bin/bash
# tsan.sh BUILD [SECONDS]: the session's shared state under the thread sanitizer, each mode of tests/trust/threads.c so long.
# BUILD/trust/tsan.txt: `mode accesses wrong hits evictions ahead orders reports`, a line each.
set -u
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
mkdir -p "$build/trust"
: >"$build/trust/tsan.txt"
# io_sync=0: a file read and written puts nothing in an order; exitcode=0: reports are counted here;
# history_size: where both sides of a race were, else no suppression knows it
export TSAN_OPTIONS="suppressions=$here/tsan.supp log_path=$build/trust/tsan.found exitcode=0 io_sync=0 history_size=7"
for mode in threads lru opt keeper live replay opt4d; do
	rm -f "$build"/trust/tsan.found.*
	out=$(PATH=$build/tests/trust/tsan:$PATH timeout -k 5 300 "$build/tests/trust/threads" $mode "${2:-5}" 2>"$build/trust/tsan.messages")
	rc=$?
	reports=$(cat "$build"/trust/tsan.found.* 2>/dev/null | grep -c '^WARNING')
	echo "tsan: $mode: ${out:-nothing}, $reports reports"
	echo "$mode ${out//[^0-9 ]/} $reports" | tr -s ' ' >>"$build/trust/tsan.txt"
	if [ $rc = 0 ] && [ "$reports" = 0 ]; then
		passed=$((passed + 1))
		continue
	fi
	failed=$((failed + 1))
	echo "tsan: $mode: exit status $rc"
	tail -5 "$build/trust/tsan.messages"
	[ "$reports" = 0 ] || grep -h -A25 '^WARNING' "$build"/trust/tsan.found.* | head -60
done
rm -f "$build/trust/tsan.messages"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
