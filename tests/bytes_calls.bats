# Training comes to the same losses; what a hit costs the original, as strace sees it.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	"$PYTHON" "$REPO/tests/lib/jpegs.py" "$PWD/images" 64 "$SEED"
	find "$PWD/images" -name '*.jpg' | sort >files
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/images" --epochs 3 --seed 7 --batch-size 8 -o order.trace 2>&1
	sleep .1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_PREFETCH=off OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
	export OPT4_ROOT=$PWD/images OPT4_CACHE=100% OPT4_TRACE=$PWD/order.trace
}

@test "losses of a training run with augmentation equal those without opt4 to the last digit" {
	"$PYTHON" "$REPO/tests/lib/train.py" images 2 2>/dev/null >plain
	[ "$(wc -l <plain)" = 24 ]
	for cache in 100% 30%; do
		OPT4_CACHE=$cache within 100 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/train.py" images 2 2>/dev/null >opt4
		diff plain opt4
		calc "$(json "['hits']" <"$OPT4_STATS") > 0"
	done
}

# calls SLEEP: hits.py under strace; then of_round N prints the calls of that round that name the original
calls() {
	within 100 strace -f -y -o "$BATS_TEST_TMPDIR/calls" -E LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/hits.py" "${list:-files}" "$1"
}
of_round() {
	awk -v from="/round-$1\"" 'index($0, from) { on = 1; next } /"\/round-/ { on = 0 } on' "$BATS_TEST_TMPDIR/calls" |
		grep -F "$BATS_FILE_TMPDIR/images" || true
}
n_files=64

@test "no look at the original due: a hit makes no system call on it" {
	OPT4_REVALIDATE=never calls 0
	[ "$(of_round 0 | wc -l)" -gt $((3 * n_files)) ]    # what a miss does is seen
	[ -z "$(of_round 1)" ]
	[ -z "$(of_round 2)" ]
	[ "$(json "['hits']" <"$OPT4_STATS")" = $((2 * n_files)) ]
}

@test "a look due at every open: a hit makes exactly one stat" {
	OPT4_REVALIDATE=always calls 0
	for round in 1 2; do
		of_round $round | sort | head -3
		[ "$(of_round $round | wc -l)" = $n_files ]
		[ "$(of_round $round | grep -c 'stat.*(AT_FDCWD')" = $n_files ]
		[ "$(of_round $round | grep -oE 'f[0-9]+\.jpg' | sort -u | wc -l)" = $n_files ]
	done
	[ "$(json "['hits']" <"$OPT4_STATS")" = $((2 * n_files)) ]
}

@test "a look due after a time: one stat then, and none right after it" {
	head -16 files >few
	n_files=16
	list=few OPT4_REVALIDATE=1500ms calls 2
	of_round 1 | head -3
	[ "$(of_round 1 | grep -c 'stat.*(AT_FDCWD')" = $n_files ]
	[ "$(of_round 1 | wc -l)" = $n_files ]
	[ -z "$(of_round 2)" ]
}
