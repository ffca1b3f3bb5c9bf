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

@test "four readers that evict each other's files as soon as they are filled: the account is the store's to the byte" {
	dataset "$BATS_TEST_TMPDIR/data" 200 ~20K
	sleep .1
	export OPT4_LIVE=0 OPT4_PREFETCH=off OPT4_ROOT=$BATS_TEST_TMPDIR/data OPT4_POLICY=lru OPT4_CACHE=100K OPT4_MAXFILE=100K
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats.json SLOWSTORE_ROOT=$OPT4_ROOT SLOWSTORE_LATENCY=0
	LD_PRELOAD=$LIB slow python3 - "$OPT4_ROOT" <<-'E'
	import os, random, sys
	files = sorted(os.path.join(d, f) for d, _, names in os.walk(sys.argv[1]) for f in names)
	for w in range(4):
	    if not os.fork():
	        random.Random(w).shuffle(files)
	        for name in files * 10:
	            with open(name, "rb", buffering=0) as f:
	                f.read()
	        os._exit(0)
	for w in range(4):
	    assert os.wait()[1] == 0
	E
	head -40 "$OPT4_STATS"
	store_stat bytes
	[ "$(json "['accesses']" <"$OPT4_STATS")" = 8000 ]
	[ "$(json "['evictions']" <"$OPT4_STATS")" -gt 4000 ]
	[ "$(json "['origin_bytes']" <"$OPT4_STATS")" = "$(store_stat bytes)" ]
}
