#!/bin/bash
# run.sh BUILD SECONDS TARGET...: each target for so long, from its corpus in tests/fuzz/corpus/TARGET (what is new there stays in
# BUILD). Results: BUILD/trust/fuzz.txt, lines `target executions seconds findings`. Exit 0: no finding.
set -u
build=$(realpath "$1") seconds=$2 bad=0
here=$(cd "$(dirname "$0")" && pwd)
shift 2
mkdir -p "$build/trust"
for target; do
	work=$build/trust/fuzz/$target
	mkdir -p "$work/corpus" "$here/corpus/$target"
	before=$(find "$work" -maxdepth 1 -type f -name '*-*' | wc -l)
	"$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2000 -print_final_stats=1 -artifact_prefix="$work/" \
		"$work/corpus" "$here/corpus/$target" >"$work/log" 2>&1
	rc=$?
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
	found=$(($(find "$work" -maxdepth 1 -type f -name '*-*' | wc -l) - before))
	[ $rc = 0 ] || { bad=1; [ $found -gt 0 ] || found=1; grep -m3 -E 'ERROR|SUMMARY|runtime error' "$work/log"; }
	echo "fuzz $target: ${execs:-0} executions in $seconds s, $found findings"
	sed -i "/^$target /d" "$build/trust/fuzz.txt" 2>/dev/null
	echo "$target ${execs:-0} $seconds $found" >>"$build/trust/fuzz.txt"
done
exit $bad
