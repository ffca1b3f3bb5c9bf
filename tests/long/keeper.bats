# The keeper killed 200 times in one job, and by jobs of other kinds.

load ../common
load ../lib/record

setup() {
	seed
	cd "$BATS_TEST_TMPDIR"
	ROOT=$PWD/kept$$
	dataset "$ROOT" 600 ~40K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 30 --seed "$SEED" --batch-size 8 --workers 4 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$ROOT" >sums.json
	export OPT4_TRACE=$PWD/order.trace OPT4_STATS=$PWD/stats OPT4_CACHE=30%
	export SLOWSTORE_ROOT=$ROOT SLOWSTORE_LATENCY=15
	sleep .1
}

@test "kill -9 of the keeper, 200 times: right bytes, no more charged than there is, nothing left behind" {
	within 280 env LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/tests/keeper/reader.py" order.json "$ROOT" --workers 4 \
		--sums sums.json --compute .1 >result &
	local all=$! kills=0 p deadline=$((SECONDS + 260))
	while [ $kills -lt 200 ] && [ $SECONDS -lt $deadline ] && kill -0 $all 2>/dev/null; do
		sleep ".$(printf %03d $((RANDOM % 400)))"
		for p in $(pgrep -f "opt4d /.*/$(basename "$ROOT")-"); do
			kill -9 "$p" 2>/dev/null && kills=$((kills + 1))
		done
	done
	wait $all
	echo "kills $kills: $(cat result)"
	cat stats
	record kills "the keeper of a job with a trace" 0 $kills 0 "$(json "['read']" <result)" "$(json "['wrong']" <result)" - - \
		"$(calc "$(json "['peak_bytes']" <stats) <= $(json "['budget_bytes']" <stats)" >/dev/null && echo 0 || echo yes)"
	[ $kills = 200 ]
	[ "$(json "['wrong']" <result)" = 0 ] && [ "$(json "['read']" <result)" = 18000 ]
	calc "$(json "['peak_bytes']" <stats) <= $(json "['budget_bytes']" <stats)"
	# what was charged and never given back: at most a file a few kills
	calc "$(json "['used_bytes']" <stats) <= $(json "['budget_bytes']" <stats)"
	no_session
}
