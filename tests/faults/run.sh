#!/bin/bash
# run.sh BUILD [CALL...]: the fault table: BUILD/trust/faults.txt, lines `call errno tried fired findings`.
# Exit 0: nothing found.
set -u
build=$(realpath "$1")
shift
mkdir -p "$build/trust"
top=$(mktemp -d "${TMPDIR:-/var/tmp}/o4f.XXXX")
shm=$(mktemp -d /dev/shm/opt4-faults.XXXXXX)
trap 'rm -rf "$top" "$shm"' EXIT
mkdir "$top/d"
unset "${!OPT4_@}"
# eager: what the driver writes afresh for each child is never too young.
env OPT4_ROOT="$top/d" OPT4_DIR="$shm/s" OPT4_CACHE=160K OPT4_MAXFILE=64K OPT4_POLICY=lru OPT4_LIVE=0 FAULT_ROOT="$top/d" OPT4_LOG="$top/log" \
	LD_PRELOAD="$build/tests/suites/libeager.so:$build/tests/faults/libfaults.so" \
	"$build/tests/faults/drive" "$top/d" "$top/table" "$@"
rc=$?
# Calls that were chosen replace their own lines of an earlier table.
if [ $# -gt 0 ] && [ -e "$build/trust/faults.txt" ]; then
	for call; do sed -i "/^$call /d" "$build/trust/faults.txt"; done
	cat "$top/table" >>"$build/trust/faults.txt"
else
	cp "$top/table" "$build/trust/faults.txt"
fi
exit $rc
