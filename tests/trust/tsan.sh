#!/bin/bash
# tsan.sh BUILD [SECONDS]: the session's shared state under the thread sanitizer. BUILD/trust/tsan.txt: `accesses wrong reports`.
set -u
build=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build/trust"
echo "tsan: 8 threads in the place of processes, over one mapping: open hits, fetch, stat, invalidate, write, evict (lru)"
rm -f "$build"/trust/tsan.found.*
out=$(TSAN_OPTIONS="suppressions=$here/tsan.supp log_path=$(realpath "$build")/trust/tsan.found exitcode=0" timeout -k 5 300 "$build/tests/trust/threads" "${2:-10}")
rc=$?
reports=$(cat "$build"/trust/tsan.found.* 2>/dev/null | grep -c '^WARNING')
echo "tsan: $out, $reports reports"
echo "$out" | sed -n 's/^\([0-9]*\) accesses, \([0-9]*\) wrong.*/\1 \2 '"$reports"'/p' >"$build/trust/tsan.txt"
[ "$reports" = 0 ] || grep -h -A25 '^WARNING' "$build"/trust/tsan.found.* | head -60
if [ $rc = 0 ] && [ "$reports" = 0 ]; then
	echo "1 passed, 0 failed"
else
	echo "0 passed, 1 failed"
	exit 1
fi
