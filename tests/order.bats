# The order from any program: opt4.order(), opt4 run --order LIST, opt4-trace paths; over a plain pool of threads.
load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 400 4096
	"$PYTHON" "$REPO/tests/order/job.py" data 3 list >list
	"$PYTHON" "$REPO/tests/order/job.py" data 3 plain >plain
	export SEED PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$REPO/tools/python
}

setup() {
	echo "TEST_SEED=$SEED"
	cd "$BATS_FILE_TMPDIR"
	STATS=$BATS_TEST_TMPDIR/stats
}

job() { "$PYTHON" "$REPO/tests/order/job.py" data 3 "$@"; }
stat_of() { json "['$1']" <"$STATS"; }
reuse() { json "['epochs'][$1]['reuse_ratio']" <"$STATS"; }

# cached: half of the dataset fits, and the later epochs have nearly what the bound allows. How much of an order is matched where
# threads pass each other is the machine's affair, and the gate may shut for it.
cached() {
	[ "$(stat_of policy)" = opt ]
	calc "$(stat_of accesses) > 1140"   # while one thread makes the session, the others read the originals
	calc "$(reuse 1) >= .94 * .5 and $(reuse 2) >= .94 * .5"
	no_session
}

@test "opt4-trace paths: the list comes back, epoch by epoch; one list may come several times; standard input, relative paths" {
	"$OPT4_TRACE_TOOL" paths list -o t
	"$OPT4_TRACE_TOOL" check t
	"$OPT4_TRACE_TOOL" show t --json | "$PYTHON" -c '
import json, sys
epochs = open("list").read().rstrip("\n").split("\n\n")
want = [(e, p) for e, lines in enumerate(epochs) for p in lines.split("\n")]
got = [json.loads(l) for l in sys.stdin]
assert len(want) == 1200 and len({p for _, p in want}) == 400
assert [e["epoch"] for e in got] == [e for e, _ in want]
assert all(p.endswith("/" + g["path"]) for g, (_, p) in zip(got, want))'
	sed '/^$/q' list >one
	"$OPT4_TRACE_TOOL" paths - --epochs 4 --batch-size 8 -o t4 <one
	[ "$("$OPT4_TRACE_TOOL" info t4 --json | json "['accesses']")" = 1600 ]
	(cd data && find . -name '*.jpg') | "$OPT4_TRACE_TOOL" paths - --root data -o tr
	[ "$("$OPT4_TRACE_TOOL" info tr --json | json "['files']")" = 400 ]
}

@test "opt4-trace paths: what is wrong is said" {
	run "$OPT4_TRACE_TOOL" paths /dev/null -o t
	[ "$status" = 1 ]
	[[ $output == "opt4: /dev/null: no path in it; give a path a line" ]]
	echo data/missing.jpg >wrong
	run "$OPT4_TRACE_TOOL" paths wrong -o t
	[ "$status" = 1 ]
	[[ $output == "opt4: "*"missing.jpg: No such file or directory; "* ]]
	run "$OPT4_TRACE_TOOL" paths list --epochs 2 -o t
	[ "$status" = 1 ]
	[[ $output == *"3 epochs already"* ]]
}

@test "opt4 run --order: hits at the bound, bytes as plain, nothing left; a wrong list is refused before the job" {
	TMPDIR=$BATS_TEST_TMPDIR run_opt4 --cache 800K --prefetch off --stats "$STATS" --order list -- "$PYTHON" "$REPO/tests/order/job.py" data 3 plain | cmp - plain
	cached
	[ -z "$(ls "$BATS_TEST_TMPDIR" | grep opt4)" ]
	run run_opt4 --order missing -- touch ran
	[ "$status" = 1 ]
	[[ $output == "opt4: --order: missing: No such file or directory; "* ]]
	run run_opt4 --order list --trace t -- touch ran
	[ "$status" = 2 ]
	[ ! -e ran ]
}

@test "opt4.order() in a pool of threads: hits at the bound, bytes as plain; without the library nothing happens" {
	job told | cmp - plain
	run_opt4 --cache 800K --prefetch off --stats "$STATS" -- "$PYTHON" "$REPO/tests/order/job.py" data 3 told | cmp - plain
	cached
	[ "$(stat_of live_epochs)" = 3 ]
}

@test "opt4.order() on a slow store: what comes is fetched ahead, and little of it in vain" {
	export SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=5ms
	run_opt4 --cache 800K --stats "$STATS" -- sh -c 'LD_PRELOAD=$LD_PRELOAD:$SLOWSTORE SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store exec "$PYTHON" "$REPO/tests/order/job.py" data 3 told' | cmp - plain
	cached
	calc "$(stat_of prefetched) > 20"
	calc "$(stat_of prefetch_wasted) <= .03 * $(stat_of accesses)"
}

@test "opt4.order(): the same file several times, another list each epoch, a list that is too short, forked readers" {
	run_opt4 --cache 800K --prefetch off --stats "$STATS" -- "$PYTHON" "$REPO/tests/order/odd.py" data
	[ "$(stat_of errors)" = 0 ]
	no_session
}

# loop NAME [OPTION...]: bench/order/loops.py, plain and told, on its own order; half of the dataset fits
loop() {
	"$PYTHON" -W ignore "$REPO/bench/order/loops.py" "$1" data 3 plain >"$BATS_TEST_TMPDIR/plain" 2>/dev/null
	run_opt4 --cache 800K --prefetch off --stats "$STATS" "${@:2}" -- "$PYTHON" -W ignore "$REPO/bench/order/loops.py" "$1" data 3 told | cmp - "$BATS_TEST_TMPDIR/plain"
	cached
	[ "$(stat_of live_epochs)" = 3 ]
	[ "$1" = tf ] || calc "$(stat_of match_ratio) >= .5"    # without the order followed it is 0
}

@test "other loaders' loops with one line more: tf.data, DALI, fastai, in their manner: hits at the bound, the order followed, bytes as plain" {
	for name in tf dali fastai; do
		echo "$name"
		loop "$name"
	done
}

@test "opt4.order(): accesses that pass each other within a batch are matched all the same" {
	for how in "4 16" "8 16" "16 16" "30 64" "60 128"; do
		run_opt4 --cache 800K --prefetch off --stats "$STATS" -- "$PYTHON" "$REPO/tests/order/passing.py" data $how
		echo "$how: match $(stat_of match_ratio), reuse $(reuse 1) $(reuse 2)"
		calc "$(stat_of match_ratio) >= .95"
		calc "$(reuse 1) >= .47 and $(reuse 2) >= .47"
	done
}

@test "Ray, in its manner: actors that were started before the order was told, by another process, read by it" {
	loop ray --root "$PWD/data"
}

@test "what other loaders will read is fetched ahead, as for a DataLoader" {
	export SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=5ms
	for name in tf dali fastai ray torch; do
		how=told
		[ "$name" = torch ] && how=plain
		run_opt4 --root "$PWD/data" --cache 800K --stats "$STATS" -- sh -c 'LD_PRELOAD=$LD_PRELOAD:$SLOWSTORE SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store exec "$PYTHON" -W ignore "$REPO/bench/order/loops.py" "$@"' sh "$name" data 3 "$how" >/dev/null
		echo "$name: $(stat_of prefetched) prefetched, match $(stat_of match_ratio)"
		cached
		calc "$(stat_of prefetched) > 0"
		calc "$(stat_of prefetch_wasted) <= .03 * $(stat_of accesses)"
	done
}
