#!/bin/bash
# run.sh BUILD FOLDER SANITIZERS SECONDS RUNS JOBS LENGTH TARGET...: FOLDER's targets, each for so long, or, with RUNS above 0,
# for so many executions, in JOBS processes that share what they find, by inputs of at most LENGTH bytes (0: as libFuzzer
# likes), from its corpus in tests/fuzz/corpus/TARGET (what is new stays in BUILD). Results: BUILD/trust/fuzz.txt, lines
# `target executions seconds findings sanitizers`. Exit 0: no finding.
set -u
build=$(realpath "$1") folder=$(realpath "$2") san=$3 seconds=$4 runs=$5 jobs=$6 len=$7 bad=0
here=$(cd "$(dirname "$0")" && pwd)
shift 7
mkdir -p "$build/trust"
for target; do
	work=$build/trust/fuzz/$target
	mkdir -p "$work/corpus" "$here/corpus/$target"
	rm -f "$work/$san"-* "$work/$san".log*
	limit=-max_total_time=$seconds
	[ "$runs" = 0 ] || limit=-runs=$(((runs + jobs - 1) / jobs))
	began=$SECONDS failed=0 pids=()
	for ((i = 0; i < jobs; i++)); do
		"$folder/$target" $limit -max_len="$len" -timeout=60 -report_slow_units=60 -reload=30 -rss_limit_mb=2000 -print_final_stats=1 -entropic=0 -artifact_prefix="$work/$san-" \
			"$work/corpus" "$here/corpus/$target" >"$work/$san.log$i" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
		rc=$?
		[ $rc = 0 ] || [ $rc = 72 ] || failed=$((failed + 1))   # 72: it was interrupted (SIGINT), and counts as far as it came
	done
	took=$((SECONDS - began))
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$san".log* | awk '{ n += $1 } END { print n + 0 }')
	found=$(find "$work" -maxdepth 1 -type f -name "$san-*" | wc -l)
	[ $failed = 0 ] || { bad=1; [ "$found" -gt 0 ] || found=$failed; grep -h -m3 -E 'ERROR|SUMMARY|runtime error' "$work/$san".log*; }
	echo "fuzz $target: $execs executions in $took s, $found findings"
	sed -i "/^$target .* $san\$/d" "$build/trust/fuzz.txt" 2>/dev/null
	echo "$target $execs $took $found $san" >>"$build/trust/fuzz.txt"
done
exit $bad
