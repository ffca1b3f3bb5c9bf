# What `opt4 run` says within the first minute (here: seconds), where what is cached is less than it could be.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 200 3000
	cat >job.py <<-'END'
		import glob, io, random, sys, time
		from torch.utils.data import DataLoader, IterableDataset
		root, kind, *late = sys.argv[1:]
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
		class Other(Images):
		    def __getitem__(self, i):
		        i = random.randrange(len(files))
		        return Images.__getitem__(self, i)
		if kind == "loop":
		    for e in range(4):
		        for p in random.sample(files, len(files)):
		            time.sleep(.008)
		            load(p)
		    sys.exit()
		d = {"images": Images, "memory": Memory, "stream": Stream, "other": Other}[kind]()
		loader = DataLoader(d, 4, shuffle=kind != "stream")
		time.sleep(float(*late))
		for e in range(4):
		    print(sum(int(b.sum()) for b in loader))
	END
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_MINUTE=2 PYTHONDONTWRITEBYTECODE=1
	STATS=$BATS_TEST_TMPDIR/stats
}

# minute [OPTION...] -- COMMAND...: what opt4 run said before the job's last line came (stderr, the job's stdout with it)
minute() {
	run_opt4 --stats "$STATS" "$@" 2>&1 | awk '/ accesses: /{ exit } { print }' >"$BATS_TEST_TMPDIR/said"
	cat "$BATS_TEST_TMPDIR/said"
	grep '^opt4: ' "$BATS_TEST_TMPDIR/said" || true
}
job() { echo "$PYTHON -W ignore job.py $PWD/data $*"; }

@test "all is well: nothing is said" {
	run minute --cache 50% -- $(job images)
	[[ $output != *opt4:* ]]
	[ "$(json "['advice']" <"$STATS")" = null ]
}

@test "a model that is loaded first: nothing is wrong with that" {
	run minute --root "$PWD/data" --cache 50% -- $(job images 7)
	[[ $output != *opt4:* ]]
	[ "$(json "['advice']" <"$STATS")" = null ]
}

@test "no order: what is cached, by which rule, and what to do" {
	run minute --cache 50% -- $(job stream)
	[[ $output == *"opt4: $PWD/data: cached as by keep, nothing is fetched ahead: no DataLoader"* ]]
	[[ $(json "['advice']" <"$STATS") == *"opt4.order(paths)"* ]]
	[ "$(grep -c ^opt4: "$BATS_TEST_TMPDIR/said")" = 1 ]
}

@test "no DataLoader at all: the same" {
	run minute --cache 50% -- $(job loop 0)
	[[ $output == *"opt4: $PWD/data: cached as by keep, nothing is fetched ahead: no DataLoader"* ]]
	[ "$(grep -c ^opt4: "$BATS_TEST_TMPDIR/said")" = 1 ]
	calc "$(json "['accesses']" <"$STATS") > 600"
}

@test "nothing is cached, and why: samples from memory" {
	run minute --cache 50% -- $(job memory)
	[[ $output == *"opt4: nothing is cached: samples are fetched, but no file of theirs is opened"* ]]
}

@test "a cache too small" {
	run minute --root "$PWD/data" --cache 4% -- $(job images)
	[[ $output == *"opt4: $PWD/data: the cache holds 4.0 % of the dataset"* ]]
}

@test "an order that is not followed" {
	"$OPT4_TRACE_TOOL" imagefolder data --epochs 4 --seed 5 --batch-size 4 -o "$BATS_TEST_TMPDIR/trace" >/dev/null 2>&1
	OPT4_LIVE=0 run minute --trace "$BATS_TEST_TMPDIR/trace" --cache 50% -- $(job images)
	[[ $output == *"the job does not follow $BATS_TEST_TMPDIR/trace; make the trace again"* ]]
	[ "$(json "['gate']" <"$STATS")" = shut ]
}

@test "an order that a dataset does not keep to" {
	run minute --cache 50% -- $(job other)
	[[ $output == *"opt4: $PWD/data: cached as by keep, nothing is fetched ahead: "* ]]
	[ "$(grep -c ^opt4: "$BATS_TEST_TMPDIR/said")" = 1 ]
}

# inside SIZE COMMAND: as minute, with a /dev/shm of SIZE
inside() {
	unshare -m bash -c "mount -t tmpfs -o size=$1 tmpfs /dev/shm && . '$REPO/tests/common.bash' && STATS=$STATS && $(declare -f minute) && $2"
}

@test "no room for a cache, and one that has to give way" {
	[ "$(id -u)" = 0 ] || skip "needs root, for a /dev/shm of its own"
	run inside 128K "minute -- $(job images)"
	[[ $output == *"opt4: no cache: 0 MiB free in /dev/shm; make it larger"* ]]
	run inside 40M "minute --cache 600K -- bash -c '(until [ -e /dev/shm/opt4-* ]; do sleep .1; done; head -c 39M /dev/zero >/dev/shm/others) & exec $(job images)'"
	[[ $output == *"opt4: $PWD/data: the cache gives way: others need the room"* ]]
}

@test "Python without the library, and no library at all; nothing with --quiet" {
	run minute -- bash -c 'sleep 8; echo end'
	[[ $output == *"opt4: run: no Python has run with opt4 in it so far"* ]]
	run minute -- env -u LD_PRELOAD -u PYTHONPATH $(job images)
	[[ $output == *"opt4: run: "*"so far"* ]]
	run minute -- "$PYTHON" -c 'import time; time.sleep(8)'
	[[ $output == *"opt4: run: no loader of torch's has been seen so far: nothing is cached; "*"--root"* ]]
	run_opt4 --quiet -- $(job stream) 2>"$BATS_TEST_TMPDIR/err"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}
