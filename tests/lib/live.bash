# live.bash - jobs of tests/live/jobs.py, plain and preloaded: for the bats files about the live order.

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 400 4096
	VENV=$REPO/.venv-torch-current/bin/python
	[ -x "$VENV" ] && [ -e "$REPO/.venv-torch-current/complete" ] || VENV=
	export SEED VENV BATS_TEST_TIMEOUT=600
}

setup_live() {
	echo "TEST_SEED=$SEED"
	cd "$BATS_FILE_TMPDIR"
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log PYTHONDONTWRITEBYTECODE=1
}

# live SECONDS COMMAND...: half of the dataset fits, nothing is prefetched
live() { OPT4_ROOT=$PWD/data OPT4_CACHE=800K OPT4_PREFETCH=${PREFETCH:-off} LD_PRELOAD=$LIB within "$@"; }
stat_of() { json "['$1']" <"$OPT4_STATS"; }
jobs_py() { echo "-W ignore $REPO/tests/live/jobs.py data"; }

# same PYTHON JOB...: losses and all generators' states, plain and preloaded
same() {
	local python=$1
	shift
	within 250 "$python" $(jobs_py) "$@" >"$BATS_TEST_TMPDIR/plain"
	live 250 "$python" $(jobs_py) "$@" >"$BATS_TEST_TMPDIR/live"
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/live"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/live")" = $# ]
	calc "$(stat_of live_epochs) >= $#"
	[ "$(stat_of errors)" = 0 ]
	no_session
}
