# A good guest: what people do around a job goes as it does without opt4.

load common
load lib/situations

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 40 4096
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 3 --seed "$SEED" --batch-size 4 -o run.trace
}

setup() { cd "$BATS_FILE_TMPDIR"; }

# heard WAY TRIES: under opt4 run each signal comes as often as plain.
heard() {
	within 60 "$PYTHON" "$REPO/tests/guest/signals.py" "$B/tests/heard" "$1" 1 >"plain.$1" &
	within 60 "$PYTHON" "$REPO/tests/guest/signals.py" "$B/tests/heard" "$1" "$2" "$OPT4" run --quiet --root data -- >"opt4.$1"
	wait $!
	echo "$1: plain $(<"plain.$1"); opt4 $(<"opt4.$1")"
	[ "$(cut -d' ' -f2- "plain.$1")" = "$(cut -d' ' -f2- "opt4.$1")" ] && ! grep -q '{}' "plain.$1"
}

# together FUNCTION...: at the same time
together() {
	local pids=() p
	for p in "$@"; do $p & pids+=($!); done
	for p in "${pids[@]}"; do wait "$p"; done
}

@test "a signal to opt4 run's number comes to the job once; queued values too" {
	together "heard pid 1" "heard queue 1"
}

@test "a signal to the group comes once: kill -- -PGID, where it leads a session, typed at a terminal, by timeout" {
	together "heard group 1" "heard session 1" "heard typed 1" "heard timeout 1"
}

@test "a signal to each process in turn, and to all of one command line, comes once" {
	together "heard each 1" "heard name 2"
}

@test "signals while the job starts are neither lost nor doubled" { heard start 10; }

@test "stopped, continued, in the background and the foreground: as a shell expects" {
	"$PYTHON" "$REPO/tests/guest/jobs.py" >plain &
	"$PYTHON" "$REPO/tests/guest/jobs.py" "$OPT4" run --quiet --root data -- >opt4
	wait $!
	diff plain opt4
	[ "$(grep -c Stopped plain)" -ge 3 ]
}

@test "kill -9 of opt4 run is one of the job; the job's end by a signal is opt4 run's" {
	"$OPT4" run --root data -- sh -c 'echo $$ >pid; exec sleep 60' &
	until [ -s pid ]; do sleep .05; done
	kill -9 $!
	wait $! || [ $? = 137 ]
	for _ in {1..40}; do kill -0 "$(cat pid)" 2>/dev/null || break; sleep .05; done
	! kill -0 "$(cat pid)" 2>/dev/null
	for sig in INT TERM KILL; do
		# (what runs in the background of a script has INT ignored)
		"$PYTHON" -c 'import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
end = subprocess.call(sys.argv[2:], stderr=subprocess.DEVNULL)
assert end == -signal.Signals["SIG" + sys.argv[1]], end' $sig "$OPT4" run --root data -- sh -c "kill -$sig \$\$"
	done
}

@test "a group that is killed with all that there was of it: its session goes within seconds, however little it holds, but not one that is to stay" {
	all() { # COMMAND..., which leads a group
		rm -f pid9
		setsid -w "$@" &
		until [ -s pid9 ]; do sleep .05; done
		[ -n "$(sessions)" ]
		kill -9 -- "-$(ps -o pgid= -p "$(cat pid9)" | tr -d ' ')"
		wait $! || true
		while kill -0 "$(cat pid9)" 2>/dev/null; do sleep .05; done
	}
	local job='cat data/c00/*1.jpg >/dev/null; echo $$ >pid9; exec sleep 60'
	all "$OPT4" run --quiet --root data -- sh -c "$job"
	no_session
	all env LD_PRELOAD="$LIB" OPT4_ROOT="$PWD/data" sh -c "$job"
	no_session
	# (where nothing is to be fetched ahead nobody is there: the next run)
	all "$OPT4" run --quiet --root data --prefetch off -- sh -c "$job"
	[ -n "$(sessions)" ]
	mkdir another
	[ -z "$(run_opt4 --root another -- true 2>&1 | grep -v 'no file of the dataset')" ]
	[ -z "$(sessions)" ]
	# who is alive, or is to stay, stays
	"$OPT4" run --quiet --root data --keep -- sh -c 'cat data/*/* >/dev/null'
	run_opt4 --quiet --root another -- true
	[ -n "$(sessions)" ]
	"$OPT4" clean --all
}

@test "ignored and blocked signals, and a mask, are the job's as without" {
	local show='grep -E "^(SigBlk|SigIgn|SigCgt|SigPnd|ShdPnd)" /proc/self/status'
	for with in "" "nohup" "env --ignore-signal=CHLD --block-signal=USR1,34"; do
		$with sh -c "exec $show" >plain 2>/dev/null
		$with "$OPT4" run --quiet --root data -- sh -c "exec $show" >opt4 2>/dev/null
		diff plain opt4
	done
	[ "$(env --ignore-signal=CHLD "$OPT4" run --quiet --root data -- sh -c 'exit 3'; echo $?)" = 3 ]
}


@test "TMPDIR missing, read-only, full, a file: the job starts all the same, and is cached" {
	local job='cat data/*/* >/dev/null; echo ran'
	touch file
	for tmp in /nonsuch /proc file "$PWD/file"; do
		[ "$(TMPDIR=$tmp run_opt4 --quiet -- sh -c "$job")" = ran ]
	done
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	mkdir -p full root
	unshare -m sh -c 'mount -t tmpfs -o size=4k tmpfs full && head -c 4096 /dev/zero >full/x
		TMPDIR=$PWD/full "$OPT4" run --quiet -- sh -c "$0"' "$job" | grep -qx ran
	[ -z "${SUITE_ASAN:-}" ] || return 0    # its runtime needs /proc
	# nothing can be written anywhere
	unshare -m sh -c 'mount -o remount,bind,ro /tmp 2>/dev/null; mount --bind / root && mount -o remount,bind,ro root
		for d in tmp var/tmp dev dev/shm; do mount -t tmpfs -o ro tmpfs root/$d; done
		TMPDIR= chroot root "$OPT4" run --quiet -- sh -c "echo ran"' | grep -qx ran
}

@test "no /proc: the job runs, nothing is left, and it is said" {
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers' runtime needs /proc"
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	mkdir -p bare
	run within 60 unshare -m sh -c 'mount --bind / bare && mount --bind /dev/shm bare/dev/shm
		chroot bare "$OPT4" run --root "$PWD/data" -- sh -c "cat $PWD/data/*/* | wc -c"
		OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB chroot bare cat "$PWD"/data/*/* | wc -c; ls -A /dev/shm'
	echo "$output"
	[ "$(grep -cx "$((40 * 4096))" <<<"$output")" = 2 ]
	[[ "$output" == *"opt4: "*"/proc"* ]]
	[ -z "$(sessions)" ]
}

# says TEXT OPTION... -- CMD...: the last words are one line with that text
says() {
	local text=$1
	shift
	run run_opt4 "$@"
	echo "$* -> $output"
	[ "${#lines[@]}" = 1 ] && [[ "$output" == "opt4: "*"$text"* ]]
}

@test "nothing was cached: the last words are the true reason, once" {
	cc -static -o static -x c - <<<'int main(void) { return 0; }' 2>/dev/null || cp "$(command -v ldconfig)" static
	says "the library came into no process" -- ./static
	says "the library came into no process" --root data -- ./static
	says "Python did not run here with opt4 in it" -- sh -c "env -u LD_PRELOAD $PYTHON -c 1"
	says "no DataLoader of torch's was seen" -- "$PYTHON" -c 1
	says "no file of the dataset was read" --root data -- true
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	run within 60 unshare -m sh -c 'mount -o remount,bind,ro /dev/shm && "$OPT4" run --root data -- sh -c "for i in 1 2 3; do cat data/*/* & done >/dev/null; wait"'
	echo "$output"
	[ "${#lines[@]}" = 1 ]
	[[ "$output" == *"Read-only file system"* ]]
}

@test "less is cached than could be: what was found while the session was made is said, and is in opt4 stat" {
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	run within 60 unshare -m sh -c 'mount -t tmpfs -o size=80m tmpfs /dev/shm
		"$OPT4" run --root data -- sh -c "cat data/*/* >/dev/null"
		"$OPT4" run --root data --cache 200M -- sh -c "cat data/*/* >/dev/null; $OPT4 stat"'
	echo "$output"
	[ "$(grep -c "no cache: 80 MiB free in /dev/shm" <<<"$output")" = 1 ]
	[ "$(grep -c "room for 4[0-9] of 200 MiB" <<<"$output")" -ge 1 ]
}

# lost JOB...: the session that the job made is told of, counted and removed, whatever has become of its root
lost() {
	cp -a data moving
	sleep .05
	run run_opt4 --root moving --stats lost.json -- "$@"
	echo "$output"
	[[ "${lines[0]}" == "opt4: 80 accesses: 40 hits,"* ]]
	[ "$(json "['hits']" <lost.json)" = 40 ]
	[ -z "$(find /dev/shm -path '*opt4-*' -name index)" ]
	rm -rf moving moved lost.json
}

@test "dropped root, a dataset renamed, made anew or mounted over: the job's session is counted and removed" {
	local twice='cat moving/*/* moving/*/* >/dev/null'
	lost sh -c "$twice; mv moving moved"
	lost sh -c "$twice; mv moving moved; mkdir moving"
	[ "$(id -u)" = 0 ] && unshare -mn true 2>/dev/null || skip "needs root and namespaces"
	lost unshare -m sh -c "$twice; mount -t tmpfs tmpfs moving"
	lost unshare -n sh -c "$twice"
	others_may
	chmod a+rx "$BATS_FILE_TMPDIR" "$(dirname "$BATS_FILE_TMPDIR")"
	lost setpriv --reuid 65534 --clear-groups sh -c "$twice"
}

@test "what waits for all that it has traced or all its descendants ends with the job: strace -f, subreapers, process 1" {
	local job='cat data/*/* >/dev/null; for i in $(seq 100); do sleep .1; cat data/*/* >/dev/null
		pgrep -f "^opt4d $(echo /dev/shm/opt4-*/data-*)" >keepers && break; done'
	ends() {
		rm -f keepers
		timeout -k 1 60 "$@"
		[ -s keepers ]     # else nothing was tried
	}
	ends "$OPT4" run --quiet --trace run.trace -- strace -f -o /dev/null sh -c "$job"
	LD_PRELOAD=$LIB OPT4_TRACE=run.trace ends strace -f -o /dev/null sh -c "$job"
	ends "$OPT4" run --quiet --trace run.trace -- "$PYTHON" "$REPO/tests/guest/reaper.py" "$job"
	ends "$PYTHON" "$REPO/tests/guest/reaper.py" "$OPT4 run --quiet --trace run.trace -- sh -c '$job'"
	# one that is a client itself
	ends "$OPT4" run --quiet --trace run.trace -- "$PYTHON" "$REPO/tests/guest/reaper.py" "$job" data/*/*
	[ "$(id -u)" = 0 ] && unshare -p -f true 2>/dev/null || skip "needs root and pid namespaces"
	ends unshare -p -f --mount-proc "$OPT4" run --quiet --trace run.trace -- sh -c "$job"
	ends unshare -p -f --mount-proc env LD_PRELOAD="$LIB" OPT4_TRACE="$PWD/run.trace" "$PYTHON" "$REPO/tests/guest/reaper.py" "$job" data/*/*
}

@test "the keeper that has left while nothing was asked for is there again when it is" {
	run_opt4 --quiet --trace run.trace --stats st.json -- "$PYTHON" "$REPO/tests/guest/reaper.py" \
		'cat data/*/* >/dev/null; sleep 2; pgrep -f "^opt4d $(echo /dev/shm/opt4-*/data-*)" >left; cat data/*/* >/dev/null; sleep .3; pgrep -f "^opt4d $(echo /dev/shm/opt4-*/data-*)" >back; true'
	[ ! -s left ]
	[ -s back ]
}

@test "a container killed and started again on a kept /dev/shm: the dead one counts as dead, others' live ones as alive" {
	[ "$(id -u)" = 0 ] && unshare -p -f true 2>/dev/null || skip "needs root and pid namespaces"
	box() { unshare -p -f --mount-proc --kill-child "$@"; }
	unshare -p -f --mount-proc --kill-child "$OPT4" run --quiet --trace run.trace -- sh -c 'cat data/*/* >/dev/null; touch up; sleep 60' &
	until [ -e up ]; do sleep .05; done
	# a second one at the same time finds the first alive, and leaves it its session
	box "$OPT4" run --quiet --trace run.trace --stats second.json -- sh -c 'cat data/*/* >/dev/null'
	[ "$(json "['fills']" <second.json)" = 40 ]
	[ -n "$(sessions)" ]
	"$OPT4" ls | grep -q " live "
	kill -9 $!
	wait $! || true
	sleep .2
	"$OPT4" ls | grep -q " stale "
	box "$OPT4" run --quiet --trace run.trace --stats third.json -- sh -c 'cat data/*/* >/dev/null; for i in 1 2 3 4 5 6 7 8 9; do
		sleep .1; cat data/*/* >/dev/null; pgrep opt4d >keeper && break; done'
	[ -s keeper ]
	[ "$(json "['fills']" <third.json)" = 40 ]
	no_session
}

@test "a job in a pid namespace of its own is opt4 run's all the same" {
	[ "$(id -u)" = 0 ] && unshare -p -f true 2>/dev/null || skip "needs root and pid namespaces"
	run run_opt4 --root data --stats inner.json -- unshare -p -f sh -c 'sh -c "cat data/*/* data/*/* >/dev/null; sleep .1"'
	echo "$output"
	[ "$(json "['hits']" <inner.json)" = 40 ]
	[[ "${lines[0]}" == "opt4: 80 accesses: 40 hits,"* ]]
	no_session
}

@test "who holds a slot says so without a descriptor, and not by its children" {
	"$OPT4" run --quiet --root data -- "$PYTHON" -c 'import os, glob, time
before = sorted(os.listdir("/proc/self/fd"))
for f in glob.glob("data/*/*"): open(f, "rb").read()
assert sorted(os.listdir("/proc/self/fd")) == before
os.closerange(3, 999)
maps = lambda: any("/alive" in line for line in open("/proc/self/maps"))
assert maps()
if os.fork() == 0: os._exit(maps())
assert os.wait()[1] == 0'
}

@test "a root by another name: its real one, a link to it, a link above it, a bind mount; by open and by stdio" {
	mkdir -p deep/er
	mv data deep/er/data
	ln -sfn deep/er data     # a link above
	ln -sfn "$PWD/deep/er/data" link
	both() { # ROOT NAME: of files opened by NAME twice, half are hits
		"$OPT4" run --quiet --root "$1" --stats names.json -- sh -c 'cat "$0"/*/* >/dev/null; md5sum "$0"/*/* >/dev/null' "$2"
		echo "$1 $2 $(json "['hits']" <names.json)"
		[ "$(json "['accesses']" <names.json)" = 80 ] && [ "$(json "['hits']" <names.json)" = 40 ]
	}
	both "$PWD/deep/er/data" link
	both "$PWD/deep/er/data" "$PWD/link"
	both "$PWD/deep/er/data" "$PWD/data/data"
	both link "$PWD/deep/er/data"
	both "$PWD/data/data" link
	if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
		mkdir -p bound
		unshare -m sh -c 'mount --bind deep/er/data bound && "$OPT4" run --quiet --root deep/er/data --stats names.json -- sh -c "cat bound/*/* bound/*/* >/dev/null"'
		[ "$(json "['hits']" <names.json)" = 40 ]
	fi
	# the link leads elsewhere later: never another's bytes
	cp -a deep/er/data other
	find other -type f -exec sh -c 'echo changed >"$1"' sh {} \;
	ln -sfn "$PWD/deep/er/data" link
	"$OPT4" run --quiet --root deep/er/data -- sh -c 'cat link/*/* link/*/* >/dev/null; ln -sfn "$PWD/other" link; cat link/*/*' | sort | uniq -c | grep -q "^ *40 changed$"
	rm data
	mv deep/er/data data
}

@test "somebody empties /dev/shm in the middle: cached again, by the same process and by those forked later; right bytes all along" {
	[ "$TEST_SHM" = own ] || skip "needs a /dev/shm of its own"
	for how in main forked; do
		for with in "--root data" "--trace run.trace"; do
			run_opt4 --quiet $with --stats back.json -- "$PYTHON" "$REPO/tests/guest/emptied.py" $how
			[ "$(json "['hits']" <back.json)" -ge 80 ]
			[ "$(json "['fills']" <back.json)" -le 45 ]
			no_session
		done
	done
}

@test "a filter of system calls that ends who makes a socket, or denies it: the job runs, and is cached" {
	"$B/tests/filter" kill true || [ $? != 77 ] || skip "no filters here"
	local twice='cat data/*/* data/*/* | wc -c'
	[ "$("$OPT4" run --quiet --root data --stats filter.json -- "$B/tests/filter" kill sh -c "$twice")" = $((80 * 4096)) ]
	[ "$(json "['hits']" <filter.json)" = 40 ]
	[ "$("$B/tests/filter" deny "$OPT4" run --quiet --root data -- sh -c "$twice" 2>/dev/null)" = $((80 * 4096)) ]
	no_session
}
