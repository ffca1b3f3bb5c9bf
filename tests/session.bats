# A session's life: who starts it, who joins it, who ends it, and that nothing stays behind.

load common
load lib/situations

setup_file() {
	file_data 96 1K-60K
}

setup() {
	test_data
}

# ours: sessions of this dataset; none by the default name may be left. A keeper leaves within a second.
ours() { find /dev/shm -path "*opt4-$(id -u)/data-*" -prune; }
none_left() {
	for _ in {1..100}; do
		[ -n "$(ours)" ] || return 0
		sleep .1
	done
	echo "left: $(ours)"
	return 1
}

# trace NAME ROOT SEED: 3 epochs in batches of 8
trace() { "$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$2" --epochs 3 --seed "$3" --batch-size 8 --workers 2 -o "$1.trace" 2>&1; }

@test "plain LD_PRELOAD, 3 epochs, workers that leave between epochs: hits in epochs 2 and 3, nothing left" {
	trace one "$PWD/data" 5
	for prefetch in off auto; do
		OPT4_TRACE=$PWD/one.trace OPT4_CACHE=50% OPT4_PREFETCH=$prefetch within 100 env LD_PRELOAD="$LIB" "$PYTHON" \
			"$REPO/tests/lib/torch_job.py" data --seed 5 --workers 2 --epochs 3 2>&1
		cat "$OPT4_STATS"
		for epoch in 1 2; do
			[ "$(json "['epochs'][$epoch]['epoch']" <"$OPT4_STATS")" = $epoch ]
			[ "$(json "['epochs'][$epoch]['accesses']" <"$OPT4_STATS")" = 96 ]
			calc "$(json "['epochs'][$epoch]['hits']" <"$OPT4_STATS") >= 40"
		done
		calc "$(stat_of match_ratio) > .99"
		none_left
	done
}

@test "without a trace, by root alone: the same" {
	# with no order learned from the loader: tests/live.bats has that
	OPT4_LIVE=0 OPT4_ROOT=$PWD/data OPT4_CACHE=5M within 100 env LD_PRELOAD="$LIB" "$PYTHON" \
		"$REPO/tests/lib/torch_job.py" data --seed 5 --workers 2 --epochs 3 2>&1
	[ "$(stat_of policy)" = keep ]
	[ "$(stat_of hits)" = 192 ]
	none_left
}

@test "two jobs at once on one root, other traces, one with a file more; then a third trace on what was kept" {
	local a b
	cp -r data more
	trace less "$PWD/more" 11
	SEED=$((SEED + 1)) dataset "$PWD/extra" 1 7000
	mkdir -p more/c00 && cp "$(find extra -type f)" more/c00/f000001b.jpg
	sleep .1
	trace more "$PWD/more" 12
	job() { "$PYTHON" "$REPO/tests/lib/follow_order.py" more "$1.order" 2>"$BATS_TEST_TMPDIR/$1.err"; }
	for name in less more; do
		"$PYTHON" "$OPT4_TRACE_TOOL" show $name.trace --json >$name.order
		job $name >$name.plain
	done
	for cache in 100% 30%; do
		for name in less more; do
			OPT4_TRACE=$PWD/$name.trace OPT4_CACHE=$cache OPT4_PREFETCH=off LD_PRELOAD=$LIB OPT4_STATS=$BATS_TEST_TMPDIR/$name.stats \
				within 60 "$PYTHON" "$REPO/tests/lib/follow_order.py" more $name.order >$name.opt4 3>&- &
			[ $name = less ] && a=$! || b=$!
		done
		wait $a
		wait $b
		for name in less more; do cmp $name.plain $name.opt4; done
		[ -z "$(find /dev/shm -path "*opt4-$(id -u)/more-*" -prune)" ]
	done
	# one after the other within one session, for sure
	LIST=less.list
	find "$PWD/more" -type f | sort >less.list
	export OPT4_TRACE=$PWD/less.trace OPT4_CACHE=60% OPT4_KEEP=1 OPT4_PREFETCH=off
	holder
	for name in more less more; do
		OPT4_TRACE=$PWD/$name.trace LD_PRELOAD=$LIB "$PYTHON" "$REPO/tests/lib/follow_order.py" more $name.order | cmp - $name.plain
	done
	finish holder
	calc "$(stat_of hits) > 200"
	[ "$(stat_of errors)" = 0 ]
	# kept; and a third trace, of a seed of its own, over what is there
	[ -n "$(find /dev/shm -path "*opt4-$(id -u)/more-*" -prune)" ]
	trace third "$PWD/more" 13
	"$PYTHON" "$OPT4_TRACE_TOOL" show third.trace --json >third.order
	"$PYTHON" "$REPO/tests/lib/follow_order.py" more third.order >third.plain
	OPT4_TRACE=$PWD/third.trace LD_PRELOAD=$LIB "$PYTHON" "$REPO/tests/lib/follow_order.py" more third.order | cmp - third.plain
	[ "$(stat_of accesses)" = 291 ]
	calc "$(json "['epochs'][0]['hits']" <"$OPT4_STATS") > 30"     # what was kept serves the first epoch
	# changed while nobody was there: its new bytes
	f=$(head -1 less.list)
	printf changed | dd of="$f" conv=notrunc status=none
	sleep .1
	OPT4_REVALIDATE=never OPT4_TRACE=$PWD/third.trace LD_PRELOAD=$LIB cat "$f" | cmp - "$f"
	"$OPT4" clean --all
	[ -z "$(find /dev/shm -path "*opt4-$(id -u)/more-*" -prune)" ]
}

@test "jobs that end at the same moment: one of them is the last" {
	local round jobs
	mkfifo "$BATS_TEST_TMPDIR/gate"
	for round in {1..60}; do
		# Both ends are open before any of them starts: one that comes late would wait for ever for the other end.
		exec 6<>"$BATS_TEST_TMPDIR/gate"
		exec 7>"$BATS_TEST_TMPDIR/gate" 8<"$BATS_TEST_TMPDIR/gate" 6>&-
		jobs=
		for _ in {1..6}; do
			OPT4_ROOT=$PWD/data OPT4_PREFETCH=off OPT4_STATS= LD_PRELOAD=$LIB within 30 cat "$(head -1 "$LIST")" - <&8 >/dev/null 3>&- 7>&- &
			jobs="$jobs $!"
		done
		sleep .05
		exec 7>&- 8>&-      # end of file for all six
		wait $jobs
		[ -z "$(ours)" ] || { echo "round $round: $(ours)"; return 1; }
	done
}

@test "a job that comes while the last one leaves: cached all the same, and nothing stays" {
	# The session's own files lie on a slow store for the second: the first ends while that one maps them.
	export OPT4_ROOT=$PWD/data OPT4_DIR=/dev/shm/opt4-test-meet OPT4_PREFETCH=off SLOWSTORE_ROOT=/dev/shm/opt4-test-meet SLOWSTORE_LATENCY=700
	local file other
	file=$(head -1 "$LIST")
	LD_PRELOAD=$LIB sh -c 'cat "$1"; sleep 1.3' sh "$file" >/dev/null &
	other=$!
	sleep .3
	OPT4_STATS=$BATS_TEST_TMPDIR/meet within 60 env LD_PRELOAD="$LIB:$SLOWSTORE" sh -c 'cat "$1" >/dev/null; cat "$1" >/dev/null' sh "$file"
	wait "$other"
	[ "$(json "['hits'] + d['late']" <"$BATS_TEST_TMPDIR/meet")" -ge 1 ]
	[ ! -e "$OPT4_DIR" ]
}

@test "python train.py | cat ends when train.py does, and at once" {
	OPT4_ROOT=$PWD/data OPT4_CACHE=5M OPT4_PREFETCH=4 LD_PRELOAD=$LIB "$PYTHON" "$REPO/tests/lib/follow_order.py" data <(printf '{"path": "%s", "epoch": 0}\n' \
		$(find data -type f -printf '%P\n')) | within 10 cat >"$BATS_TEST_TMPDIR/out"
	[ "${PIPESTATUS[*]}" = "0 0" ]
	[ "$(wc -c <"$BATS_TEST_TMPDIR/out")" = 65 ]
	none_left
}

@test "waitpid(-1) and SIGCHLD in the program see no child of ours, before, during and after" {
	cat >"$BATS_TEST_TMPDIR/children.py" <<'EOP'
import os, signal, sys, time
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
def childless():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return "none"
states = [childless()]
for round in range(2):
    for path in open(sys.argv[1]):
        with open(path.rstrip("\n"), "rb") as f:
            f.read()
    states.append(childless())
time.sleep(.5)
states.append(childless())
print(seen, set(states))
EOP
	trace one "$PWD/data" 5
	for settings in "OPT4_ROOT=$PWD/data OPT4_CACHE=5M" "OPT4_TRACE=$PWD/one.trace OPT4_CACHE=50% OPT4_PREFETCH=auto"; do
		[ "$(env $settings LD_PRELOAD="$LIB" "$PYTHON" "$BATS_TEST_TMPDIR/children.py" "$LIST")" = "[] {'none'}" ]
		none_left
	done
}

@test "Ctrl-C and SIGTERM end the job as they would, and nothing stays" {
	local signal
	trace one "$PWD/data" 5
	for signal in INT TERM HUP; do
		rm -f "$BATS_TEST_TMPDIR/pids"
		# a session of its own, as at a terminal: the signal goes to all
		OPT4_TRACE=$PWD/one.trace OPT4_CACHE=50% LD_PRELOAD=$LIB setsid -f "$PYTHON" -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the suite itself runs in the background,
signal.signal(signal.SIGHUP, signal.SIG_DFL)              # and this one under nohup
open(sys.argv[1], "w").write(str(os.getpid()))
sys.argv = ["churn.py", sys.argv[2], "--procs", "2", "--seconds", "60"]
exec(open(os.environ["REPO"] + "/tests/lib/churn.py").read())' "$BATS_TEST_TMPDIR/pids" "$SUMS" >/dev/null 2>&1 3>&-
		while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
		sleep .5
		[ -n "$(ours)" ]
		group=$(cat "$BATS_TEST_TMPDIR/pids")
		kill -$signal -- "-$group"
		for _ in {1..100}; do kill -0 -- "-$group" 2>/dev/null || break; sleep .05; done
		fails kill -0 -- "-$group" 2>/dev/null
		# a signal that kills leaves the session to the keeper, or to the next run
		OPT4_TRACE=$PWD/one.trace OPT4_CACHE=50% LD_PRELOAD=$LIB cat "$(head -1 "$LIST")" >/dev/null
		none_left
	done
}

@test "kill -9 of everything, where no keeper is: the next run cleans up; so does opt4 clean" {
	local how
	export OPT4_PREFETCH=off
	for how in run clean; do
		rm -f "$BATS_TEST_TMPDIR/pids"
		OPT4_ROOT=$PWD/data OPT4_CACHE=5M LD_PRELOAD=$LIB "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 2 --seconds 60 \
			--pids "$BATS_TEST_TMPDIR/pids" >/dev/null 3>&- &
		while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
		sleep .5
		kill -9 $! $(cat "$BATS_TEST_TMPDIR/pids")
		wait $! || true
		[ -n "$(ours)" ]
		if [ $how = run ]; then
			OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB cat "$(head -1 "$LIST")" >/dev/null
		else
			"$OPT4" clean --all
		fi
		none_left
	done
}

@test "exec, a shell's loop of short programs, a daemon that outlives its parent: one session, and none in the end" {
	export OPT4_ROOT=$PWD/data OPT4_CACHE=5M
	LD_PRELOAD=$LIB bash -c 'exec bash -c "for i in 1 2; do while read -r f; do cat \"\$f\"; done <$0; done | sha256sum"' "$LIST" >"$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "$(cat $(cat "$LIST") $(cat "$LIST") | sha256sum)" ]
	[ "$(stat_of hits)" = 96 ]
	none_left
	LD_PRELOAD=$LIB bash -c 'cat "$(head -1 "$0")" >/dev/null; (sleep .5; xargs -a "$0" cat >"$1") >/dev/null 2>&1 &' "$LIST" "$BATS_TEST_TMPDIR/late" 3>&-
	sleep 1.5
	cmp "$BATS_TEST_TMPDIR/late" <(xargs -a "$LIST" cat)
	none_left
}

@test "OPT4_DIR in use for another root: refused, and the job reads its originals" {
	data "$PWD/second" 20 1K-9K
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER OPT4_CACHE=5M
	LIST=$PWD/data.list OPT4_ROOT=$PWD/data
	export OPT4_ROOT
	holder
	cut -c67- second.sums | OPT4_ROOT=$PWD/second OPT4_STATS= LD_PRELOAD=$LIB xargs sha256sum | cmp - second.sums
	grep -q 'opt4: .*another root' "$OPT4_LOG"
	[ "$(find "$OPT4_DIR/objects" -type f | wc -l)" = 1 ]
	finish holder
	[ ! -e "$OPT4_DIR" ]
}

@test "OPT4_DIR below a folder of the user's: the session goes, the folder stays, whatever its name" {
	local folder
	for folder in "/dev/shm/opt4-bench.$$" "/dev/shm/opt4-$$x"; do
		mkdir -m 700 "$folder"
		OPT4_DIR=$folder/session OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB within 30 cat data/*/* >/dev/null
		for _ in {1..100}; do [ -e "$folder/session" ] || break; sleep .1; done
		ls -la "$folder"
		rmdir "$folder"
	done
}
