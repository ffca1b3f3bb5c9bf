# Re-bucketing: the next epoch written down in its order (opt4 run --rebucket), on the slow store's model of a disk. Counts, bytes and
# shas, no clock.

load common

N=900 E=3

setup_file() {
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/rebucket$$ BUCKETS=$PWD/buckets
	dataset "$ROOT" $N 24K-36K
	mkdir "$BUCKETS"
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs $E --seed "$SEED" --batch-size 4 --workers 2 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	sync -f "$ROOT"
	sleep .1
	python3 "$REPO/bench/disk/job.py" order.json "$ROOT" --workers 2 | json "['epochs']" |
		python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]" >plain
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_TRACE=$PWD/order.trace OPT4_CACHE=15% OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
	export OPT4_ELEVATOR=on OPT4_REBUCKET=$BUCKETS
	# 10 ms a seek, 150 MB/s; waits a fraction of it
	export SLOWSTORE_ROOT=$ROOT:$BUCKETS SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store SLOWSTORE_DISK=1.3:8:4 SLOWSTORE_SPAN=100000000
	export SLOWSTORE_BANDWIDTH=150M SLOWSTORE_SCALE=30
	unset SLOWSTORE_LATENCY SLOWSTORE_FAIL OPT4_PREFETCH OPT4_KEEP OPT4_POLICY OPT4_SSD
	mounted=
}

teardown() {
	no_session
	[ -z "$mounted" ] || umount "$mounted"
}

# job WORKERS [ORDER]: what came, in its order, a line an epoch; what the slow store had counted by then into epochs.
job() {
	within 120 env LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/bench/disk/job.py" "${2:-order.json}" "$ROOT" --workers "$1" \
		--state "$SLOWSTORE_STATE" --stat "$B/slowstore-stat" >"$BATS_TEST_TMPDIR/result" || return 1
	json "['epochs']" <"$BATS_TEST_TMPDIR/result" | python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]"
}
second() { # what the slow store counted in the second epoch
	json "['epochs']" <"$BATS_TEST_TMPDIR/result" | python3 -c "import json, sys; e = json.load(sys.stdin); print(e[1]['store']['$1'] - e[0]['store']['$1'])"
}
stat() { json "$1" <"$OPT4_STATS"; }
said() { cat "$OPT4_LOG"; grep -q "$1" "$OPT4_LOG"; }
nothing_left() { [ -z "$(find "${1:-$BUCKETS}" -mindepth 1)" ]; }
killer() { # kills TIMES at any moment, not the job that waits for it
	for _ in $(seq "$1"); do
		sleep ".$((RANDOM % 8 + 1))"
		pkill -9 -f "opt4d /.*/$(basename "$ROOT")-" && echo killed >>"$BATS_TEST_TMPDIR/killed"
	done
	true
}

@test "rebucket: order and bytes are plain's, with 0, 1, 4 and 16 workers; the budget holds, and nothing is left" {
	export SLOWSTORE_SCALE=40
	for w in 0 1 4 16; do
		job $w | diff plain - || { echo "$w workers"; return 1; }
		no_session
		[ "$(stat "['accesses']")" = $((E * N)) ]
		[ "$(stat "['disk']['rebucket']")" = true ]
		[ "$(stat "['disk']['bucket_read_bytes']")" -gt 0 ]
		calc "$(stat "['peak_bytes']") <= $(stat "['budget_bytes']")"
		nothing_left
	done
	said "first epoch"
}

@test "rebucket: the second epoch comes from buckets: some files a seek, and each byte is read and written once" {
	export SLOWSTORE_SCALE=10
	bytes=$(find "$ROOT" -type f -printf '%s\n' | paste -sd+ | bc)
	job 2 | diff plain -
	no_session
	on_seeks=$(second seeks) on_ns=$(second disk_ns) moved=$(($(second bytes) + $(second bytes_written)))
	echo "$(stat "['disk']") seeks $on_seeks arm $on_ns moved $moved of $bytes"
	calc "$on_seeks * 1.5 < $N"      # of so few files: buckets of 60, whose pieces are of a few
	calc "1.5 * $bytes < $moved <= 2.2 * $bytes"
}

@test "rebucket: the keeper is killed at any moment: order and bytes are plain's; the next one goes on" {
	export SLOWSTORE_SCALE=10
	killer 12 3>&- &
	job 4 | diff plain -
	kill $! 2>/dev/null || true
	wait $! || true
	[ -s "$BATS_TEST_TMPDIR/killed" ]
	no_session
	nothing_left
}

@test "rebucket: job and keeper are killed, and the job resumes at another epoch: what was left is swept, order and bytes are plain's" {
	local own=$BUCKETS/opt4-$(id -u) left
	sed -n "$((N + 1)),\$p" order.json >later.json
	for _ in 1 2; do
		# slower than it is killed
		setsid env SLOWSTORE_SCALE=2 LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/bench/disk/job.py" order.json "$ROOT" --workers 2 >/dev/null 3>&- &
		job=$!
		for _ in {1..100}; do
			[ -z "$(find "$BUCKETS" -name 'log.*')" ] || break
			sleep .1
		done
		sleep ".$((RANDOM % 9))"
		pkill -9 -f "opt4d /.*/$(basename "$ROOT")-" || true
		kill -9 -$job 2>/dev/null || true
		wait $job || true
		pkill -9 -f "opt4d /.*/$(basename "$ROOT")-" || true
		left=$(find "$own" -name lock)
		[ -n "$left" ]
		echo left >"$(dirname "$left")/log.999"    # of another trace, or boot
		"$OPT4" clean --all
		job 4 later.json | diff <(tail -n +2 plain) -
		no_session
		nothing_left
	done
}

@test "rebucket: an original that changes meanwhile is read as it is now" {
	within 100 env LD_PRELOAD="$LIB:$SLOWSTORE" python3 - "$ROOT" <<-'END' >"$BATS_TEST_TMPDIR/wrong"
		import json, os, subprocess, sys
		epochs, root = {}, sys.argv[1]
		for line in open("order.json"):
		    d = json.loads(line)
		    epochs.setdefault(d["epoch"], []).append(os.path.join(root, d["path"]))
		new = {}
		for e in sorted(epochs):
		    for i, path in enumerate(epochs[e]):
		        if e == 1 and i == 100:        # by others: they don't tell us
		            changed = epochs[e][90:850:10]
		            code = "import sys\nfor p in sys.stdin.read().split('\\n')[:-1]:\n    n = len(open(p, 'rb').read())\n    open(p, 'r+b').write(p.encode()[-20:].ljust(n, b'x'))"
		            subprocess.run([sys.executable, "-c", code], input="\n".join(changed) + "\n", text=True, check=True, env={"PATH": os.environ["PATH"]})
		            new = {p: p.encode()[-20:] for p in changed}
		        with open(path, "rb", buffering=0) as f:
		            got = f.read()
		        if path in new and got != new[path].ljust(len(got), b"x"):
		            print("old bytes of", path)
	END
	[ "$(stat "['disk']['bucket_read_bytes']")" -gt 0 ]
	diff /dev/null "$BATS_TEST_TMPDIR/wrong"
	rm -rf "$ROOT"
	SEED=$SEED dataset "$ROOT" $N 24K-36K          # as it was, for the others
	python3 "$REPO/bench/disk/job.py" order.json "$ROOT" --workers 2 | json "['epochs']" |
		python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]" | diff plain -
}

@test "rebucket: a disk without room is refused with numbers; one that gets full costs misses only" {
	[ "$(id -u)" = 0 ] || skip "mounts an image: root only"
	mkdir "$BATS_TEST_TMPDIR/disk"
	for size in 24M 120M; do
		truncate -s $size "$BATS_TEST_TMPDIR/image"
		mkfs.ext4 -q -F "$BATS_TEST_TMPDIR/image"
		mount -o loop "$BATS_TEST_TMPDIR/image" "$BATS_TEST_TMPDIR/disk" || skip "no image can be mounted here"
		mounted=$BATS_TEST_TMPDIR/disk
		rmdir "$mounted/lost+found"
		export OPT4_REBUCKET=$mounted SLOWSTORE_ROOT=$ROOT:$mounted
		rm -f "$OPT4_LOG"
		if [ $size = 24M ]; then
			job 2 | diff plain -
			said "OPT4_REBUCKET: .*: [0-9.]* GB are free .*, [0-9.]* are wanted"
			[ "$(stat "['disk']['rebucket']")" = false ]
		else
			(until [ -n "$(find "$mounted" -name 'log.*')" ]; do sleep .05; done
			 dd if=/dev/zero of="$mounted/full" bs=64K 2>/dev/null || true) 3>&- &
			job 2 | diff plain -
			kill $! 2>/dev/null || true
			wait $! || true
			rm -f "$mounted/full"
		fi
		no_session
		nothing_left "$mounted"
		umount "$mounted"
		mounted=
	done
}

@test "rebucket: refused before the job: a link, another user's, within the dataset, no trace" {
	ln -s "$BUCKETS" "$BATS_TEST_TMPDIR/link"
	unset OPT4_REBUCKET
	run "$OPT4" run --trace order.trace --rebucket "$BATS_TEST_TMPDIR/link" -- true
	[ "$status" = 1 ] && [[ $output == "opt4: --rebucket: "*"symbolic link"* ]]
	run "$OPT4" run --trace order.trace --rebucket /dev/shm -- true
	[ "$status" = 1 ] && [[ $output == *"in memory"* ]]
	run "$OPT4" run --trace order.trace --root "$ROOT" --rebucket "$ROOT" -- true
	[ "$status" = 1 ] && [[ $output == *"within the dataset"* ]]
	run "$OPT4" run --rebucket "$BUCKETS" -- true
	if [ -z "$OPT4_TRACE" ]; then [ "$status" = 2 ] && [[ $output == *"--trace"* ]]; fi
	run env -u OPT4_TRACE "$OPT4" run --rebucket "$BUCKETS" -- true
	[ "$status" = 2 ] && [[ $output == *"--trace"* ]]
	OPT4_REBUCKET=$BATS_TEST_TMPDIR/link run "$OPT4" doctor
	[[ $output == *"OPT4_REBUCKET"* ]]
	# of a folder that is within the dataset without opt4 run the keeper says so
	mkdir "$ROOT/within"
	OPT4_REBUCKET=$ROOT/within job 2 | diff plain -
	rmdir "$ROOT/within"
	said "within the dataset"
}

@test "rebucket: on a device that does not rotate the folder is not looked at, and it is said" {
	unset OPT4_ELEVATOR
	export OPT4_REBUCKET=$BATS_TEST_TMPDIR/untouched
	mkdir "$OPT4_REBUCKET"
	if command -v strace >/dev/null; then
		within 100 strace -f -qq -e trace=file -o "$BATS_TEST_TMPDIR/calls" env LD_PRELOAD="$LIB" \
			python3 "$REPO/bench/disk/job.py" order.json "$ROOT" --workers 0 >/dev/null
		grep -q "$ROOT/" "$BATS_TEST_TMPDIR/calls"      # the test sees calls
		[ "$(grep -v execve "$BATS_TEST_TMPDIR/calls" | grep -c "$OPT4_REBUCKET")" = 0 ]
	else
		job 2 | diff plain -
	fi
	said "does not rotate"
	nothing_left "$OPT4_REBUCKET"
}

@test "rebucket: clean removes what a killed job left, and nothing that is in use" {
	local own=$BUCKETS/opt4-$(id -u)
	mkdir -p "$own/rebucket-0123456789abcdef"
	chmod 700 "$own" "$own/rebucket-0123456789abcdef"
	touch "$own/rebucket-0123456789abcdef/"{lock,log.1,log.20}
	mkdir "$own/rebucket-0123456789abcdee"
	touch "$own/rebucket-0123456789abcdee/mine"
	run "$OPT4" clean --rebucket "$BUCKETS"
	[ "$status" = 1 ]
	[ ! -e "$own/rebucket-0123456789abcdef" ]
	[ -e "$own/rebucket-0123456789abcdee/mine" ]
	rm -r "$own"
}
