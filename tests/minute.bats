# What `opt4 run` says within the first minute (here: seconds), where what is cached is less than it could be.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 200 3000
	cat >job.py <<-'END'
		import glob, io, sys, time
		from torch.utils.data import DataLoader, IterableDataset
		root, kind = sys.argv[1:3]
		files = sorted(glob.glob(root + "/*/*.jpg"))
		def load(p):
		    with open(p, "rb") as f:
		        return f.read()[0]
		class Images:
		    def __init__(self):
		        self.files = files
		    def __len__(self):
		        return len(files)
		    def __getitem__(self, i):
		        time.sleep(.008)
		        return load(self.files[i])
		class Memory(Images):
		    def __init__(self):
		        self.data = list(map(load, files))
		    def __getitem__(self, i):
		        time.sleep(.008)
		        return self.data[i]
		class Stream(IterableDataset):
		    def __iter__(self):
		        for p in files:
		            time.sleep(.008)
		            yield load(p)
		d = {"images": Images, "memory": Memory, "stream": Stream}[kind]()
		for e in range(4):
		    print(sum(int(b.sum()) for b in DataLoader(d, 4, shuffle=kind != "stream")))
	END
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_MINUTE=3 PYTHONDONTWRITEBYTECODE=1
	STATS=$BATS_TEST_TMPDIR/stats
}

# minute [OPTION...] -- COMMAND...: what opt4 run said before the job's last line came (stderr, the job's stdout with it)
minute() {
	run_opt4 --stats "$STATS" "$@" 2>&1 | awk '/ accesses: /{ exit } { print }' >"$BATS_TEST_TMPDIR/said"
	cat "$BATS_TEST_TMPDIR/said"
	grep '^opt4: ' "$BATS_TEST_TMPDIR/said" || true
}
job() { echo "$PYTHON -W ignore job.py $PWD/data $1"; }

@test "all is well: nothing is said" {
	run minute --cache 50% -- $(job images)
	[[ $output != *opt4:* ]]
	[ "$(json "['advice']" <"$STATS")" = null ]
}

@test "no order: what is cached, by which rule, and what to do" {
	run minute --cache 50% -- $(job stream)
	[[ $output == *"opt4: $PWD/data: cached as by keep, nothing is fetched ahead: no DataLoader"* ]]
	[[ $(json "['advice']" <"$STATS") == *"opt4.order(paths)"* ]]
	[ "$(grep -c ^opt4: "$BATS_TEST_TMPDIR/said")" = 1 ]
}

@test "nothing is cached, and why: samples from memory" {
	run minute --cache 50% -- $(job memory)
	[[ $output == *"opt4: nothing is cached: samples are fetched, but no file of theirs is opened"* ]]
}

@test "a cache too small" {
	OPT4_MINUTE=3 run minute --root "$PWD/data" --cache 4% -- $(job images)
	[[ $output == *"opt4: $PWD/data: the cache holds 4.0 % of the dataset"* ]]
}

@test "an order that is not followed" {
	"$OPT4_TRACE_TOOL" imagefolder data --epochs 4 --seed 5 --batch-size 4 -o "$BATS_TEST_TMPDIR/trace" >/dev/null 2>&1
	OPT4_LIVE=0 run minute --trace "$BATS_TEST_TMPDIR/trace" --cache 50% -- $(job images)
	[[ $output == *"the job does not follow $BATS_TEST_TMPDIR/trace; make the trace again"* ]]
	[ "$(json "['gate']" <"$STATS")" = shut ]
}

@test "Python without the library, and no library at all; nothing with --quiet" {
	run minute -- bash -c 'sleep 8; echo end'
	[[ $output == *"opt4: run: no Python has run with opt4 in it so far"* ]]
	run minute -- env -u LD_PRELOAD -u PYTHONPATH $(job images)
	[[ $output == *"opt4: run: "*"so far"* ]]
	run_opt4 --quiet -- $(job stream) 2>"$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}
