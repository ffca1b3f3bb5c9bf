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

# live SECONDS COMMAND...: half of the dataset ($DATA, else data) fits, nothing is prefetched
live() { OPT4_ROOT=$PWD/${DATA:-data} OPT4_CACHE=${CACHE:-800K} OPT4_PREFETCH=${PREFETCH:-off} LD_PRELOAD=$LIB within "$@"; }
stat_of() { json "['$1']" <"$OPT4_STATS"; }
jobs_py() { echo "-W ignore $REPO/tests/live/${JOBS:-jobs.py} ${DATA:-data}"; }

# alike LINES COMMAND...: prints so many lines, plain and preloaded the same (in any order)
alike() {
	local lines=$1
	shift
	within 250 "$@" | sort >"$BATS_TEST_TMPDIR/plain"
	live 250 "$@" | sort >"$BATS_TEST_TMPDIR/live"
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/live"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/live")" = "$lines" ]
}

# same PYTHON JOB...: losses and all generators' states, plain and preloaded
same() {
	local python=$1
	shift
	alike $# "$python" $(jobs_py) "$@"
	calc "$(stat_of live_epochs) >= $#"
	[ "$(stat_of errors)" = 0 ]
	no_session
}

# learned ORDERS EPOCH...: so many orders were learned and followed; those epochs have exact OPT's hits: the half that fits
learned() {
	local e
	[ "$(stat_of live_epochs)" = "$1" ]
	calc "$(stat_of match_ratio) > .99"
	[ "$(stat_of gate)" = open ]
	[ "$(stat_of policy)" = opt ]
	for e in "${@:2}"; do calc "$(json "['epochs'][$e]['reuse_ratio']" <"$OPT4_STATS") >= ${LEAST:-.99 * .5}"; done
}

# many PYTHON PREFETCH JOB: a job of so many samples that others replay the order and name the files while it runs. How soon the order is there is the
# machine's affair: the workers come into it late, and each has found its place some accesses later, though each file is named 22 times.
many() {
	PREFETCH=$2 same "$1" "$3"
	# what is read before the order is there counts in its epoch, too
	[ "$(json "['epochs'].__len__()" <"$OPT4_STATS")" = 2 ]
	calc "$(stat_of matched) > 0 and $(stat_of diverged) <= 40 + .005 * $(stat_of matched)"
	[ "$(stat_of gate)" = open ]
}

# interrupted PYTHON: Ctrl-C ends the program as it would
interrupted() {
	run live 60 "$1" -W ignore "$REPO/tests/live/interrupted.py" data
	[ $status = 130 ]
	[[ $output == *"interrupted 7"* ]]
	# Python ends itself by the signal: the session is the next run's to remove
	OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB cat data/c00/f000000.jpg >/dev/null
	no_session
}
