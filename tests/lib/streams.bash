# streams.bash - several loaders over three folders, a, b and c, of a slow store: for the bats files about loaders in turn, left, made anew.
# The file that loads it sets FILES, in each folder, and LATENCY, ms; where they take long LIMIT, seconds a test.

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	local d
	for d in a b c; do dataset "$PWD/data/$d" $FILES 4096 2; done
	export SEED
	[ -z "${LIMIT:-}" ] || export BATS_TEST_TIMEOUT=$LIMIT
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log PYTHONDONTWRITEBYTECODE=1
	export SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=$LATENCY
}

stat_of() { json "['$1']" <"$OPT4_STATS"; }
