# Processes that stop or die at the worst moment: the others go on, and what they left is mended.

load common
load lib/situations

setup_file() {
	file_data 200 1K-100K
}

setup() {
	test_data
	RANDOM=$((SEED % 32768))
	export OPT4_PREFETCH=off OPT4_ROOT=$PWD/data
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER OPT4_POLICY=lru OPT4_CACHE=5M
	export SLOWSTORE_ROOT=$PWD/data
}

teardown() {
	rm -rf "$OPT4_DIR"
}

slowest() { json "['slowest']" <<<"$churned"; }

# balanced: what the session thinks it has is what lies there; who dies between two instructions may leave a file's
# worth of charge behind, never the other way round
balanced() {
	local lies
	"$OPT4" stat --json "$OPT4_DIR" >"$BATS_TEST_TMPDIR/now"
	lies=$(find "$OPT4_DIR/objects" "$OPT4_DIR/dead" -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')
	calc "$lies <= $(json "['used_bytes']" <"$BATS_TEST_TMPDIR/now") + $(json "['lingering_bytes']" <"$BATS_TEST_TMPDIR/now") <= $lies + 102400"
}

# mended: the same, once a process has come that finds the dead
mended() {
	LD_PRELOAD=$LIB cat "$(tail -1 "$LIST")" >/dev/null
	balanced
}

@test "a worker stopped with the session lock held: the others go on, each wait bounded" {
	holder
	kill -STOP "$holder"
	start lock "$B/tests/lock_holder" "$OPT4_DIR/index" "$holder"
	churn "$SUMS" --procs 4 --count 150
	echo "$churned"
	calc "$(slowest) < 3"
	# and when it goes on, all is as it was
	finish lock
	kill -CONT "$holder"
	sleep 1.1    # those who had waited in vain only try for a second
	churn "$SUMS" --procs 4 --count 150
	finish holder
	calc "$(stat_of hits) > 100"
	calc "$(stat_of lock_timeouts) > 0"
	[ "$(stat_of errors)" = 0 ]
	[ ! -e "$OPT4_DIR" ]
}

@test "a worker killed with the session lock held: another takes it over" {
	holder
	start second env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/holder.py" "$(sed -n 2p "$LIST")"
	local second=${line#ready }
	start lock "$B/tests/lock_holder" "$OPT4_DIR/index" "$second"
	kill -9 "$second"
	churn "$SUMS" --procs 4 --count 300
	finish lock
	calc "$(slowest) < 3"
	balanced
	finish holder
	calc "$(stat_of hits) > 100"
	calc "$(stat_of repairs) > 0"
	[ "$(stat_of errors)" = 0 ]
	finish second || true
}

@test "workers stopped at random moments, in the middle of slow fills too: the others go on" {
	local i victim
	export SLOWSTORE_LATENCY=20ms
	holder
	LD_PRELOAD=$LIB:$SLOWSTORE "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 3 --seconds 60 --pids "$BATS_TEST_TMPDIR/pids" >/dev/null 3>&- &
	local others=$!
	while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .05; done
	for i in 1 2 3; do
		sleep .$((RANDOM % 10))
		xargs kill -STOP <"$BATS_TEST_TMPDIR/pids"
		churned=$(within 60 env LD_PRELOAD="$LIB:$SLOWSTORE" "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 2 --count 60 --seed "$SEED$i")
		echo "$churned"
		calc "$(slowest) < 3"
		xargs kill -CONT <"$BATS_TEST_TMPDIR/pids"
	done
	kill -9 $others $(cat "$BATS_TEST_TMPDIR/pids")
	wait $others || true
	mended
	finish holder
	[ "$(stat_of errors)" = 0 ]
}

@test "kill -9 of workers in the middle of fills, again and again: nothing leaks, bytes stay right" {
	local i
	export SLOWSTORE_LATENCY=5ms
	holder
	for i in {1..8}; do
		rm -f "$BATS_TEST_TMPDIR/pids"
		LD_PRELOAD=$LIB:$SLOWSTORE "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 3 --hold 2 --seconds 20 --seed "$i" --may-die \
			--pids "$BATS_TEST_TMPDIR/pids" >/dev/null 3>&- &
		while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
		sleep .$((RANDOM % 4))$((RANDOM % 10))
		xargs kill -9 <"$BATS_TEST_TMPDIR/pids"
		wait $!
	done
	unset SLOWSTORE_LATENCY
	churn "$SUMS" --procs 4 --count 200
	mended
	finish holder
	calc "$(stat_of hits) > 100"
	calc "$(stat_of peak_bytes) <= 5 << 20"
	[ "$(stat_of errors)" = 0 ]
	[ ! -e "$OPT4_DIR" ]
}

@test "kill -9 of everything: the next run cleans up after it and leaves nothing" {
	local i
	export SLOWSTORE_LATENCY=5ms
	for i in 1 2 3; do
		rm -f "$BATS_TEST_TMPDIR/pids"
		LD_PRELOAD=$LIB:$SLOWSTORE "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 3 --hold 2 --seconds 20 \
			--pids "$BATS_TEST_TMPDIR/pids" >/dev/null 3>&- &
		while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
		# the last round's session stands: who is killed sooner may have removed the dead one and made none yet
		if [ $i = 3 ]; then
			while [ ! -e "$OPT4_DIR/index" ]; do sleep .02; done
		fi
		sleep .$((RANDOM % 10))
		kill -9 $! $(cat "$BATS_TEST_TMPDIR/pids")
		wait $! || true
	done
	[ -e "$OPT4_DIR/index" ]
	unset SLOWSTORE_LATENCY
	churn "$SUMS" --procs 4 --count 100
	[ "$(stat_of accesses)" -le 400 ]    # a session of its own, not the dead one's
	[ "$(stat_of errors)" = 0 ]
	[ ! -e "$OPT4_DIR" ]
}

@test "kill -9 of the main process alone: its workers read on, the next run is right and leaves nothing" {
	LD_PRELOAD=$LIB "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 3 --seconds 3 --pids "$BATS_TEST_TMPDIR/pids" \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
	sleep .5
	kill -9 $!
	wait $! || true
	churn "$SUMS" --procs 2 --count 100
	sleep 3.5
	cat "$BATS_TEST_TMPDIR/out"
	fails grep -q wrong "$BATS_TEST_TMPDIR/out"
	churn "$SUMS" --procs 1 --count 100
	[ ! -e "$OPT4_DIR" ]
}
