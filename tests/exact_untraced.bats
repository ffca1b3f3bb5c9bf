# Without a trace the table of files grows while the job runs, and the policy's state is made anew each time.

load common

@test "lru keeps its order when its state grows: hits as an OrderedDict's, over 6,000 files no trace names" {
	seed
	dataset "$BATS_TEST_TMPDIR/data" 6000 1000
	sleep .1
	export OPT4_LIVE=0 OPT4_PREFETCH=off OPT4_ROOT=$BATS_TEST_TMPDIR/data OPT4_POLICY=lru OPT4_CACHE=$((5000 * 4096))
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats.json
	output=$(opt4_preload python3 "$REPO/tests/lib/lru_untraced.py" "$OPT4_ROOT" 5000 20000 "$SEED")
	read -r accesses hits <<<"$output"
	[ "$(json "['accesses']" <"$OPT4_STATS")" = "$accesses" ]
	[ "$(json "['hits']" <"$OPT4_STATS")" = "$hits" ]
	[ "$hits" -gt 5000 ]
}
