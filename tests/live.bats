# Without a trace: the order of each epoch comes from the running DataLoader, and the program computes what it would.

load common
load lib/live

setup() { setup_live; }

@test "losses and generators are as without: fork, spawn, forkserver, no worker, persistent ones, watched datasets" {
	same "$PYTHON" signatures no-workers one-worker generator persistent spawn forkserver watched watched-alone no-batches
}

@test "losses and generators are as without: every sampler, and ones of the user's own" {
	same "$PYTHON" sequential replacement more-than-all weighted part own-sampler own-batches endless
}

@test "an endless sampler is known by windows, and train.py | cat ends when train.py does" {
	live 60 "$PYTHON" $(jobs_py) endless | within 60 cat >"$BATS_TEST_TMPDIR/out"
	[ "${PIPESTATUS[*]}" = "0 0" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 1 ]
	calc "$(stat_of live_epochs) > 0 and $(stat_of match_ratio) > .98"
}

@test "losses and generators are as without: subsets, validation, loaders zipped, left, broken off, made again and again" {
	same "$PYTHON" subset concat left-early train-val zipped broken-off again-and-again seeded-alike
}

@test "the same under the current torch (tests/long/live.bats: more of it)" {
	[ -n "$VENV" ] || skip "no .venv-torch-current: make test-torch-current makes it"
	same "$VENV" generator watched
}

# later JOB [FIRST]: exact OPT's hits in each epoch from FIRST on are the half that fits; .99 of it at least
later() {
	local e
	live 120 "$PYTHON" $(jobs_py) "$1"
	for e in $(seq "${2:-1}" "${3:-2}"); do
		calc "$(json "['epochs'][$e]['reuse_ratio']" <"$OPT4_STATS") >= .99 * .5"
	done
	calc "$(stat_of match_ratio) > .99"
	[ "$(stat_of gate)" = open ]
	[ "$(stat_of policy)" = opt ]
}

@test "from the second epoch on as many hits as exact OPT with the whole future: 0, 1, 4 workers, persistent ones" {
	local job
	for job in no-workers one-worker generator persistent; do later $job; done
}

@test "the same with spawned workers, and with a dataset that must be watched first" {
	later spawn 1 1
	later watched
	[ "$(stat_of live_epochs)" = 2 ]
}

@test "more samples than are dealt with in the program itself (tests/long/live.bats: other ways)" {
	many "$PYTHON" auto many-workers
}

@test "orders replayed outside the program are torch's" {
	${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -Werror -o "$BATS_TEST_TMPDIR/replay" "$REPO/tests/live/replay.c" "$REPO/tools/opt4d/replay.c"
	"$PYTHON" -W ignore "$REPO/tests/live/replay.py" "$BATS_TEST_TMPDIR/replay" "$SEED"
	[ -z "$VENV" ] || "$VENV" -W ignore "$REPO/tests/live/replay.py" "$BATS_TEST_TMPDIR/replay" "$SEED"
}

@test "residents that are filed in shares, while files come and go, lie in the end as if filed at once" {
	${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/filing" \
		"$REPO/tests/live/filing.c" "$B"/preload/{base,store,order,session,live}/*.o "$B"/policy/*.o ${SUITE_ASAN:-} -ldl -pthread
	mkdir -p many
	OPT4_CACHE=8M within 60 "$BATS_TEST_TMPDIR/filing" "$PWD/many" "$SEED"
	no_session
}

@test "two ranks by mp.spawn: each its own order, one cache; as without" {
	local set_epoch
	for set_epoch in "" --no-set-epoch; do
		within 120 "$PYTHON" -W ignore "$REPO/tests/live/ranks.py" data $set_epoch >"$BATS_TEST_TMPDIR/plain"
		live 120 "$PYTHON" -W ignore "$REPO/tests/live/ranks.py" data $set_epoch >"$BATS_TEST_TMPDIR/live"
		diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/live"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/live")" = 2 ]
		[ "$(stat_of live_epochs)" = 6 ]
		calc "$(stat_of match_ratio) > .98"
		# which rank is ahead is the machine's affair: what they exchange may come to grief on a file that is open
		for e in 1 2; do calc "$(json "['epochs'][$e]['reuse_ratio']" <"$OPT4_STATS") >= .93 * .5"; done
	done
}

@test "what can fit is fetched ahead of the job" {
	PREFETCH=auto live 120 "$PYTHON" $(jobs_py) generator
	calc "$(stat_of prefetched) > 0"
	[ "$(stat_of accesses)" = 1200 ]
	calc "$(stat_of match_ratio) > .99"
}

@test "a loader that is made makes the session and starts the keeper: its first epoch does not wait for them" {
	local dir=/dev/shm/opt4-made$$
	cat >made.py <<-'END'
		import glob, os, sys, time
		from torch.utils.data import DataLoader, IterableDataset
		root, session = sys.argv[1:]
		def command(line):
		    try:
		        with open(line) as f:
		            return f.read()
		    except OSError:    # it has ended
		        return ""
		def keeper():
		    return any(command(line).startswith("opt4d\0" + session) for line in glob.glob("/proc/[0-9]*/cmdline"))
		class Images:
		    samples = [(os.path.join(d, f), 0) for d, _, names in os.walk(root) for f in names]
		    __len__ = lambda self: len(self.samples)
		    __getitem__ = lambda self, i: i
		class Endless(IterableDataset):
		    pass
		DataLoader(Endless())
		print(os.path.exists(session), keeper())
		loader = DataLoader(Images(), 4, shuffle=True)
		for _ in range(400):
		    if keeper():
		        break
		    time.sleep(.05)
		print(os.path.exists(session), keeper())
	END
	OPT4_DIR=$dir PREFETCH=auto live 60 "$PYTHON" -W ignore made.py "$PWD/data" "$dir" >out
	cat out
	[ "$(cat out)" = "False False"$'\n'"True True" ]
	until [ ! -e "$dir" ]; do sleep .05; done
}

@test "fetching ahead costs no fetch more, though no size is known before: the cache is full after each epoch" {
	local n=240 least used reads
	export OPT4_DIR=/dev/shm/opt4-ahead$$ OPT4_ROOT=$PWD/small SLOWSTORE_ROOT=$PWD/small SLOWSTORE_LATENCY=5
	dataset "$OPT4_ROOT" $n ~40K
	OPT4_CACHE=$(($(du -sk --apparent-size "$OPT4_ROOT" | cut -f1) / 3))K within 120 env LD_PRELOAD="$LIB:$SLOWSTORE" \
		python3 "$REPO/tests/live/reader.py" "$OPT4_ROOT" "$SEED" --epochs 4 --compute .02 --opt4 "$OPT4" >found
	least=$(json "['least']" <found)
	used=$(json "['used']" <found)
	reads=$(python3 -c 'import json; print([round((1 - e["reuse_ratio"]) * e["accesses"]) for e in json.load(open("'"$OPT4_STATS"'"))["epochs"]])')
	echo "least $least, read $reads, used $used: $(cat "$OPT4_STATS")"
	[ "$(stat_of accesses)" = $((4 * n)) ]
	[ "$(stat_of errors)" = 0 ]
	calc "$(stat_of prefetched) >= .3 * sum($reads)"
	calc "sum($reads) <= 1.02 * sum($least)"
	# what is fetched ahead takes the place of as much, not of more
	calc "min($used[1:]) >= .9"
}

@test "opt4 run with neither trace nor root: the loader's own dataset tells where it is" {
	run_opt4 --cache 800K --prefetch off --stats "$OPT4_STATS" -- "$PYTHON" $(jobs_py) generator >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	"$PYTHON" $(jobs_py) generator | diff - "$BATS_TEST_TMPDIR/out"
	grep -q '1200 accesses' "$BATS_TEST_TMPDIR/err"
	[ "$(stat_of root)" = "$(realpath data)" ]
	[ "$(stat_of live_epochs)" = 3 ]
	no_session
	run run_opt4 -- "$PYTHON" -c 'import torch.utils.data'
	[ $status = 0 ]
	[[ $output == *"no DataLoader of torch's over a folder of images was seen; name the dataset with --root"* ]]
	[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'opt4-run*')" ]
}

@test "a budget in percent is of the loader's dataset" {
	run_opt4 --cache 25% --prefetch off --quiet --stats "$OPT4_STATS" -- "$PYTHON" $(jobs_py) generator
	[ "$(stat_of budget_bytes)" = 409600 ]
	[ "$(stat_of dataset_bytes)" = 1638400 ]
	for e in 1 2; do calc "$(json "['epochs'][$e]['reuse_ratio']" <"$OPT4_STATS") >= .99 * .25"; done
}

@test "a wrong trace: the live order takes its place at once; a right one is left alone" {
	"$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 3 --seed 4 --batch-size 8 --workers 4 -o wrong.trace
	"$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 3 --seed 3 --batch-size 8 --workers 4 -o right.trace
	OPT4_TRACE=$PWD/wrong.trace live 120 "$PYTHON" $(jobs_py) generator
	[ "$(stat_of live_epochs)" = 3 ]
	calc "$(json "['epochs'][2]['reuse_ratio']" <"$OPT4_STATS") >= .95 * .5"
	OPT4_TRACE=$PWD/right.trace live 120 "$PYTHON" $(jobs_py) generator
	[ "$(stat_of live_epochs)" = 0 ]
	[ "$(stat_of hits)" = 400 ]
}

@test "OPT4_LIVE=0, -I, -E and -S: as before" {
	local how
	for how in -I -E -S; do
		live 60 /usr/bin/env python3 $how -c 'import sys; assert not any("opt4" in m.lower() for m in sys.modules), sys.modules; print(open(sys.argv[1], "rb").read(1))' data/c00/*0.jpg
	done
	OPT4_LIVE=0 live 60 "$PYTHON" $(jobs_py) generator
	[ "$(stat_of live_epochs)" = 0 ]
	[ "$(stat_of policy)" = keep ]
	[ "$(stat_of hits)" = 400 ]
}

@test "the sitecustomize that it hides runs, sys.path is the program's own, and nothing of torch is imported" {
	mkdir -p site
	echo 'import sys; sys.seen_by_site = list(sys.path)' >site/sitecustomize.py
	cat >site/look.py <<'EOF'
import sys
print(getattr(sys, "seen_by_site", None) is not None, sys.modules["sitecustomize"].__file__, sys.path[1:])
print(sorted(m for m in sys.modules))
EOF
	PYTHONPATH=$PWD/site "$PYTHON" site/look.py >"$BATS_TEST_TMPDIR/plain"
	PYTHONPATH=$PWD/site live 60 "$PYTHON" site/look.py >"$BATS_TEST_TMPDIR/live"
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/live"
	grep -q "True $PWD/site/sitecustomize.py" "$BATS_TEST_TMPDIR/live"
	echo 'raise RuntimeError("its own trouble")' >site/sitecustomize.py
	PYTHONPATH=$PWD/site "$PYTHON" -c 'print(1)' >"$BATS_TEST_TMPDIR/plain" 2>&1
	PYTHONPATH=$PWD/site live 60 "$PYTHON" -c 'print(1)' >"$BATS_TEST_TMPDIR/live" 2>&1
	[ "$(tail -1 "$BATS_TEST_TMPDIR/live")" = 1 ]
	grep -q "its own trouble" "$BATS_TEST_TMPDIR/live"
}

@test "Ctrl-C in the middle of an epoch ends the program as it would; nothing stays" {
	interrupted "$PYTHON"
}
