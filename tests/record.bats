# opt4 run --record: the trace of what the loaders dispatched, against what was asked for by other accounts.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 400 4096
	export SEED PYTHONDONTWRITEBYTECODE=1
}

setup() {
	echo "TEST_SEED=$SEED"
	cd "$BATS_FILE_TMPDIR"
	STATS=$BATS_TEST_TMPDIR/stats
}

record() {
	local out=$1
	shift
	run_opt4 --cache 800K --prefetch off --quiet --record "$out" "$@"
}
jobs_py() { echo "-W ignore $REPO/tests/live/jobs.py data"; }
order() { "$OPT4_TRACE_TOOL" show "$1" --json; }

@test "a shuffled job: the trace that its replay makes, batch by batch; the next run follows it to the end" {
	"$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 3 --seed 3 --batch-size 8 --workers 4 -o replayed.trace
	record recorded.trace -- "$PYTHON" $(jobs_py) generator
	diff <(order replayed.trace) <(order recorded.trace)
	"$OPT4_TRACE_TOOL" check recorded.trace
	OPT4_LIVE=0 run_opt4 --trace recorded.trace --cache 800K --prefetch off --stats "$STATS" -- "$PYTHON" $(jobs_py) generator
	[ "$(json "['matched']" <"$STATS")" = 1200 ]
	[ "$(json "['hits']" <"$STATS")" = 400 ]
	no_session
}

@test "training and validation are phases; epochs left early hold what was dispatched" {
	record phases.trace -- "$PYTHON" $(jobs_py) train-val
	[ "$("$OPT4_TRACE_TOOL" show phases.trace --json | json_lines 'len({(e["epoch"], e["phase"]) for e in d})')" = 6 ]
	[ "$(order phases.trace | json_lines 'sum(e["phase"] == 0 for e in d), sum(e["phase"] == 1 for e in d)')" = "(888, 300)" ]
	record left.trace -- "$PYTHON" $(jobs_py) left-early
	# 11 batches taken, and 2 a worker sent ahead
	[ "$(order left.trace | json_lines 'len(d), len({e["epoch"] for e in d})')" = "(408, 3)" ]
}

# json_lines EXPR: of the list d of objects on stdin
json_lines() {
	/usr/bin/env python3 -c 'import json, sys
d = [json.loads(l) for l in sys.stdin]
print(eval(sys.argv[1]))' "$1"
}

@test "a dataset that says nothing of its files, two a sample, by spawned workers or none" {
	record watched.trace --root data -- "$PYTHON" $(jobs_py) watched
	[ "$(order watched.trace | json_lines 'len(d), len({e["path"] for e in d})')" = "(1200, 400)" ]
	# the two of a sample stand side by side, as its dataset sorts them
	[ "$(order watched.trace | json_lines 'all(a["path"] < b["path"] and a["batch"] == b["batch"] for a, b in zip(d[::2], d[1::2]))')" = True ]
	OPT4_LIVE=0 run_opt4 --trace watched.trace --cache 800K --prefetch off --stats "$STATS" -- "$PYTHON" $(jobs_py) watched
	calc "$(json "['match_ratio']" <"$STATS") > .99"
}

@test "indices that are no places in the dataset: names, ids, tuples, objects with fields" {
	python3 "$REPO/tests/live/reach.py" make "$PWD/reach"
	local kind
	for kind in key-name key-ids key-dataclass key-alone class-number numbered-class index-size; do
		(cd "$REPO/tests/live" && record "$BATS_TEST_TMPDIR/$kind.trace" -- "$PYTHON" -W ignore kinds.py "$BATS_FILE_TMPDIR/reach" "$kind" 2)
		echo "$kind"
		[ "$(order "$BATS_TEST_TMPDIR/$kind.trace" | json_lines 'len(d), len({e["path"] for e in d}), sorted({e["epoch"] for e in d})')" = "(1600, 400, [0, 1, 2, 3])" ]
		(cd "$REPO/tests/live" && OPT4_LIVE=0 run_opt4 --trace "$BATS_TEST_TMPDIR/$kind.trace" --cache 50% --prefetch off --stats "$STATS" -- "$PYTHON" -W ignore kinds.py "$BATS_FILE_TMPDIR/reach" "$kind" 2)
		calc "$(json "['match_ratio']" <"$STATS") > .99 and $(json "['matched']" <"$STATS") >= 1584"
	done
}

@test "two ranks: each its stream" {
	record ranks.trace -- "$PYTHON" -W ignore "$REPO/tests/live/ranks.py" data
	[ "$(order ranks.trace | json_lines 'sorted({(e["rank"], e["epoch"]) for e in d}), len(d)')" = "([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)], 1200)" ]
	[ "$(order ranks.trace | json_lines '[len({e["path"] for e in d if e["epoch"] == k}) for k in (0, 1, 2)]')" = "[400, 400, 400]" ]
}

@test "what can't be recorded is said, and the status is 1; the job's own status comes first" {
	run record none.trace --root data -- cat data/c00/f000000.jpg
	[ $status = 1 ]
	[[ $output == *"opt4: run: --record: no order was seen"* ]]
	run record none.trace --root data -- "$PYTHON" -I -W ignore "$REPO/tests/live/jobs.py" data generator
	[ $status = 1 ]
	run record none.trace --root data -- sh -c 'exit 7'
	[ $status = 7 ]
	[ ! -e none.trace ]
	OPT4_LIVE=0 run record none.trace -- true
	[ $status = 2 ]
	run record /nowhere/none.trace -- "$PYTHON" $(jobs_py) no-workers
	[ $status = 1 ]
	[[ $output == *"/nowhere"* ]]
	no_session
	[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'opt4-run*')" ]
}
