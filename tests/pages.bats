# A machine with pages of 64 KiB, where a file of 110 KiB takes 128: everything is counted in its pages. It is a preload that
# answers as such a machine does; the traces are the same.
load common

setup_file() {
	seed
	echo "$SEED" >"$BATS_FILE_TMPDIR/seed"
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/alike" 120 112640
	dataset "$PWD/real" 200 ~60K
	trace_of real
	LD_PRELOAD=$B/tests/bigpages.so trace_of real again
	cmp real.trace realagain.trace
}
trace_of() {
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/$1" --epochs 3 --seed "$(cat seed)" --batch-size 8 --replacement -o "$1$2.trace" 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show "$1$2.trace" --json >"$1.order"
}
setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats BIG=$B/tests/bigpages.so
}
of() { json "['$1']" <"$OPT4_STATS"; }

@test "110 KiB take 128: 64 files in 8 MiB, and no page above the budget" {
	OPT4_ROOT=$PWD/alike OPT4_CACHE=8M LD_PRELOAD=$LIB:$BIG within 60 "$PYTHON" -c "
import glob
for p in sorted(glob.glob('alike/**/*.jpg', recursive=True)) * 2: open(p, 'rb').read()"
	[ "$(of resident_files) $(of used_bytes) $(of peak_bytes) $(of budget_bytes)" = "64 8388608 8388608 8388608" ]
	[ "$(of hits)" = 64 ]
}

@test "hits, epoch by epoch, as the oracles' with those pages; the plan says the same" {
	PAGE=65536 LIB=$LIB:$BIG within 200 "$PYTHON" "$REPO/tests/lib/exact.py" "$PWD/real" "$PWD/real.trace" "$PWD/real.order" \
		--policies opt,lru --budgets 25,50 --workers 0
	LD_PRELOAD=$BIG "$OPT4" plan --trace real.trace --cache 25%,50% --policy opt,lru --json >plan.json
	"$OPT4" plan --trace real.trace --cache 25%,50% --policy opt,lru --json >small.json
	cmp -s plan.json small.json && return 1
	OPT4_TRACE=$PWD/real.trace OPT4_CACHE=25% OPT4_POLICY=opt OPT4_PREFETCH=off LD_PRELOAD=$LIB:$BIG within 60 "$PYTHON" \
		"$REPO/tests/lib/follow_order.py" "$PWD/real" real.order --workers 0 >/dev/null
	[ "$(of hits)" = "$(json "[0]['hits']" <plan.json)" ]
}

@test "the keeper counts so, too; --cache N% is of whole pages; who looks on from a machine with others sees the same" {
	cat >train.py <<-'END'
		import os, subprocess, torch
		from torchvision.datasets import DatasetFolder
		ds = DatasetFolder("alike", lambda p: len(open(p, "rb").read()), extensions=("jpg",))
		for _ in range(2):
		    for x, y in torch.utils.data.DataLoader(ds, 4, shuffle=True, num_workers=2): pass
		env = dict(os.environ, LD_PRELOAD="")
		print(subprocess.run([os.environ["OPT4"], "stat", "--json"], stdout=subprocess.PIPE, env=env, check=True).stdout.decode())
	END
	LD_PRELOAD=$BIG within 100 "$OPT4" run --cache 50% --stats "$OPT4_STATS" -- "$PYTHON" train.py >seen
	[ "$(of budget_bytes)" = $((120 * 131072 / 2)) ]
	[ "$(of used_bytes)" = $(($(of resident_files) * 131072)) ]
	calc "$(of peak_bytes) <= $(of budget_bytes)"
	[ "$(json "['budget_bytes']" <seen)" = "$(of budget_bytes)" ]
}
