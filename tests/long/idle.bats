# What nobody asks for is given back in time (minutes).
load ../common

setup() {
	cd "$BATS_TEST_TMPDIR"
	dataset "$PWD/data" 200 100000
}

@test "a job that keeps what it decoded, and reads nothing any more: the cache shrinks after a minute" {
	cat >job.py <<-'END'
		import json, os, subprocess, time, torch
		from torchvision.datasets import DatasetFolder
		ds = DatasetFolder("data", lambda p: len(open(p, "rb").read()), extensions=("jpg",))
		for x, y in torch.utils.data.DataLoader(ds, 8, shuffle=True, num_workers=2): pass
		def used():
		    env = dict(os.environ, LD_PRELOAD="")
		    return json.loads(subprocess.run([os.environ["OPT4"], "stat", "--json"], stdout=subprocess.PIPE, env=env, check=True).stdout)["used_bytes"]
		first = used()
		time.sleep(40)
		assert used() == first, (used(), first)
		time.sleep(60)
		print(first, used())
	END
	said=$(within 250 "$OPT4" run --cache 100M -- "$PYTHON" job.py)
	calc "${said#* } < ${said% *} / 2"
}

@test "files that nobody asks for while the others are read again and again go; those stay" {
	cat >job.py <<-'END'
		import json, os, subprocess, time, torch
		from torchvision.datasets import DatasetFolder
		ds = DatasetFolder("data", lambda p: len(open(p, "rb").read()), extensions=("jpg",))
		def epoch(which):
		    for x, y in torch.utils.data.DataLoader(torch.utils.data.Subset(ds, which), 4, shuffle=True, num_workers=1): pass
		def resident():
		    env = dict(os.environ, LD_PRELOAD="")
		    return json.loads(subprocess.run([os.environ["OPT4"], "stat", "--json"], stdout=subprocess.PIPE, env=env, check=True).stdout)["resident_files"]
		epoch(range(200))
		first = resident()
		for _ in range(50): epoch(range(20))
		time.sleep(3)
		print(first, resident())
	END
	said=$(within 250 "$OPT4" run --cache 100M --stats stats -- "$PYTHON" job.py)
	[ "$said" = "200 20" ] || { echo "$said"; return 1; }
	calc "$(json "['fills']" <stats) <= 205"
}
