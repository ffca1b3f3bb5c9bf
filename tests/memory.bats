# Memory that the machine is short of, and files of other sizes than usual.
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	dataset "$PWD/data" 60 200000
	export OPT4_ROOT=$PWD/data OPT4_STATS=$PWD/stats OPT4_LOG=$PWD/log
	reads="import glob, sys
for p in sorted(glob.glob('data/**/*.jpg', recursive=True)) * 2: open(p, 'rb').read()"
}
need_root() { [ "$(id -u)" = 0 ] || skip "needs root: $1"; }
# available MIB CMD...: a machine of 16 GiB of which so much is available
available() {
	sed "s/^MemTotal:.*/MemTotal: 16777216 kB/; s/^MemAvailable:.*/MemAvailable: $(($1 * 1024)) kB/" /proc/meminfo >meminfo
	shift
	unshare -m --propagation private sh -c 'mount --bind meminfo /proc/meminfo && exec "$@"' sh "$@"
}
of() { json "['$1']" <"$OPT4_STATS"; }

@test "without a cgroup: no cache grows, and none stays, where the machine has little left" {
	need_root "another /proc/meminfo"
	LD_PRELOAD=$LIB OPT4_CACHE=100M available 8000 "$PYTHON" -c "$reads"
	[ "$(of hits)" = 60 ]
	LD_PRELOAD=$LIB OPT4_CACHE=100M available 300 "$PYTHON" -c "$reads"
	[ "$(of resident_files)" = 0 ]
	# it falls in mid-job
	LD_PRELOAD=$LIB OPT4_CACHE=100M available 8000 "$PYTHON" -c "$reads
import re, time
text = open('meminfo').read()
f = open('meminfo', 'r+'); f.write(re.sub('MemAvailable: .*', 'MemAvailable: 300000 kB', text)); f.truncate(); f.close()
time.sleep(.3)
open(p, 'rb').read()"
	[ "$(of evictions)" -ge 60 ]
	# the default is half of what is there
	LD_PRELOAD=$LIB available 1000 "$PYTHON" -c "$reads"
	[ "$(of budget_bytes)" = $((500 << 20)) ]
}

@test "a container without a memory limit: an eighth, and it is said" {
	need_root "a namespace of its own"
	plain=$(LD_PRELOAD=$LIB available 8000 "$PYTHON" -c "$reads" && of budget_bytes)
	KUBERNETES_SERVICE_HOST=10.0.0.1 LD_PRELOAD=$LIB available 8000 "$PYTHON" -c "$reads"
	[ "$(of budget_bytes)" = $((plain / 4)) ]
	grep -q "an eighth of what is free, in a container without a memory limit" log
}

@test "files of 80 MB with a cache of 1 GiB are cached; larger than an eighth are counted, and it is said" {
	mkdir large
	for i in 1 2 3 4 5 6; do truncate -s 80M large/$i.jpg; done
	sleep .05
	OPT4_ROOT=$PWD/large OPT4_CACHE=1G opt4_preload "$PYTHON" -c "${reads/data/large}"
	[ "$(of fills) $(of hits) $(of too_large)" = "6 6 0" ]
	[ -z "$(grep "stay uncached" log)" ]
	OPT4_ROOT=$PWD/large OPT4_CACHE=600M opt4_preload "$PYTHON" -c "${reads/data/large}"
	[ "$(of fills) $(of too_large)" = "0 12" ]
	[ "$(grep -c 'files of more than 75 MiB stay uncached (one has 80)' log)" = 1 ]
}

@test "one large stray among small files is still left alone" {
	truncate -s 80M data/zz.jpg
	sleep .05
	OPT4_CACHE=1G opt4_preload "$PYTHON" -c "$reads"
	[ "$(of fills) $(of too_large)" = "60 2" ]
}

@test "--cache N%: each file is looked at once, of many most beside the job, which sets the budget right" {
	cat >train.py <<-'END'
		import json, subprocess, sys, time, torch
		from torchvision.datasets import DatasetFolder
		ds = DatasetFolder("data", lambda p: len(open(p, "rb").read()), extensions=("jpg",))
		for x, y in torch.utils.data.DataLoader(ds, 4, shuffle=True, num_workers=1): pass
		for _ in range(600):
		    if json.loads(subprocess.check_output([sys.argv[1], "stat", "--json"]))["budget_bytes"] == int(sys.argv[2]): break
		    time.sleep(.05)
	END
	unset OPT4_ROOT
	strace -f -qq -e trace=stat,newfstatat,statx -o trace "$OPT4" run --cache 50% --stats stats -- "$PYTHON" train.py "$OPT4" $((60 * 49 * 4096 / 2))
	[ "$(of budget_bytes)" = $((60 * 49 * 4096 / 2)) ]
	main=$(grep 'train.py' trace | head -1 | cut -d' ' -f1)
	calc "$(grep -c '\.jpg"' trace) < 4 * 60"
	# some of the files here are ten times as large
	"$PYTHON" "$REPO/tests/dataset.py" --seed 2 data 400 5000
	want=$(find data -name '*.jpg' -printf '%s\n' | awk '{ p += int(($1 + 4095) / 4096) } END { print int(p * 4096 / 2 / 4096) * 4096 }')
	n=$(find data -name '*.jpg' | wc -l)
	sleep .1
	strace -f -qq -e trace=stat,newfstatat,statx -o trace "$OPT4" run --cache 50% --stats stats -- "$PYTHON" train.py "$OPT4" "$want"
	[ "$(of budget_bytes)" = "$want" ]
	main=$(grep 'train.py' trace | head -1 | cut -d' ' -f1)
	calc "$(grep "^$main " trace | grep -c '\.jpg"') <= 64 + 8"        # and some that name the dataset's folders
	! ls /dev/shm/opt4-*/*/live.*.size 2>/dev/null
}

@test "--cache N%: of all that the job's loaders read: masks that no list names, a second loader's dataset; each file once" {
	rm -r data
	dataset "$PWD/data/train" 40 9000
	for f in data/train/*/*.jpg; do head -c 20000 /dev/urandom >"${f%.jpg}.png"; done
	"$PYTHON" "$REPO/tests/dataset.py" --seed 2 data/val 24 5000
	sleep .1
	cat >train.py <<-'END'
		import sys, torch
		from torchvision.datasets import DatasetFolder
		def both(p): return len(open(p, "rb").read()) + len(open(p[:-3] + "png", "rb").read())
		make = lambda at, read: torch.utils.data.DataLoader(DatasetFolder(at, read, extensions=("jpg",)), 4, shuffle=True, num_workers=int(sys.argv[1]))
		train, val = make("data/train", both), make("data/val", lambda p: len(open(p, "rb").read()))
		folds = make("data/train", lambda p: len(open(p, "rb").read()))        # files that others name, too
		for _ in range(3):
		    for loader in train, val, folds:
		        for x, y in loader: pass
	END
	unset OPT4_ROOT
	whole=$(((40 * 3 + 40 * 5 + 24 * 2) * 4096))
	for workers in 0 2; do
		"$OPT4" run --cache 50% --stats stats -- "$PYTHON" train.py $workers
		[ "$(of budget_bytes) $(of dataset_bytes)" = "$((whole / 2)) $whole" ]
		calc "$(of peak_bytes) <= $whole / 2"
	done
	"$OPT4" run --cache 100000 --stats stats -- "$PYTHON" train.py 0
	[ "$(of budget_bytes)" = $((100000 / 4096 * 4096)) ]                          # a size stays one
}
