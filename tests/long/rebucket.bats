# A re-bucketed run, killed at random moments: keeper, or keeper and job, which then resumes at one epoch or another. KILLS in the
# environment: how often. Order and bytes must be plain's.

load ../common

N=600 E=3

setup() {
	seed
	RANDOM=$((SEED % 32768))
	cd "$BATS_TEST_TMPDIR"
	export ROOT=$PWD/rebucket$$ BUCKETS=$PWD/buckets
	dataset "$ROOT" $N ~30K
	mkdir buckets
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs $E --seed "$SEED" --batch-size 4 --workers 2 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	sync -f "$ROOT"
	sleep .1
	job 2 order.json >plain
	export OPT4_TRACE=$PWD/order.trace OPT4_CACHE=15% OPT4_STATS=$PWD/stats OPT4_LOG=$PWD/log OPT4_ELEVATOR=on OPT4_REBUCKET=$BUCKETS
	export SLOWSTORE_ROOT=$ROOT:$BUCKETS SLOWSTORE_STATE=$PWD/store SLOWSTORE_DISK=1.3:8:4 SLOWSTORE_SPAN=100000000
	export SLOWSTORE_BANDWIDTH=150M SLOWSTORE_SCALE=20 PRELOAD=$LIB:$SLOWSTORE
}

teardown() { no_session; }

job() { # WORKERS ORDER
	timeout -k 5 120 env LD_PRELOAD="${PRELOAD:-}" python3 "$REPO/bench/disk/job.py" "$2" "$ROOT" --workers "$1" | json "['epochs']" |
		python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]"
}
kill_keeper() { pkill -9 -f "opt4d /.*/$(basename "$ROOT")-" || true; }

@test "rebucket: keeper and job killed at 50 moments: what goes on, and what resumes, is as plain" {
	local i from used=0
	for ((i = 0; i < ${KILLS:-50}; i++)); do
		setsid bash -c 'exec env LD_PRELOAD="$PRELOAD" python3 "$0" order.json "$ROOT" --workers 4 >result' "$REPO/bench/disk/job.py" 3>&- &
		job=$!
		sleep "$((RANDOM % 3)).$((RANDOM % 10))"
		kill_keeper
		if [ $((i % 2)) = 0 ]; then
			wait $job
			json "['epochs']" <result | python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]" | diff plain - || { echo "kill $i"; return 1; }
		else
			kill -9 -$job 2>/dev/null || true
			wait $job || true
			from=$((RANDOM % E))
			sed -n "$((from * N + 1)),\$p" order.json >later.json
			job $((RANDOM % 5)) later.json | diff <(tail -n +$((from + 1)) plain) - || { echo "kill $i, from epoch $from"; return 1; }
		fi
		no_session
		[ "$(json "['disk']['bucket_read_bytes']" <stats)" = 0 ] || used=$((used + 1))
	done
	echo "$used of $i runs read from buckets"
	[ $used -ge $((i / 3)) ]
	[ -z "$(find buckets -mindepth 1)" ]
}
