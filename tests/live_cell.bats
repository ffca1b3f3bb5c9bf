# A sampler that is not torch's own is run ahead in a child that is locked in: nobody sees anything of it.

load common
load lib/live

setup() { setup_live; }

@test "out of the child leads no way: files, sockets, pipes, shared memory, signals, threads, forks, io_uring, ..." {
	mkdir -p "$BATS_TEST_TMPDIR/ways"
	live 120 "$PYTHON" -W ignore "$REPO/tests/live/cell.py" "$BATS_TEST_TMPDIR/ways" >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(grep -c 'ended by' "$BATS_TEST_TMPDIR/out")" = 38 ]
	[ "$(grep 'kept$' "$BATS_TEST_TMPDIR/out" | cut -d' ' -f1 | xargs)" = "value shared-memory memmap tensor sysv inside" ]
	[ "$(tail -1 "$BATS_TEST_TMPDIR/out")" = "nobody's child" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = 45 ]
}

# effects JOB...: as without, to the last count and word
effects() {
	local job
	for job; do
		PYTHONHASHSEED=0 within 200 "$PYTHON" -W ignore "$REPO/tests/live/effects.py" data "$BATS_TEST_TMPDIR/plain" "$job" >"$BATS_TEST_TMPDIR/$job.plain"
		PYTHONHASHSEED=0 live 200 "$PYTHON" -W ignore "$REPO/tests/live/effects.py" data "$BATS_TEST_TMPDIR/live" "$job" >"$BATS_TEST_TMPDIR/$job.live"
		diff "$BATS_TEST_TMPDIR/$job.plain" "$BATS_TEST_TMPDIR/$job.live"
	done
}

@test "samplers with side effects have them once: counters in shared memory, files, signals, words" {
	effects counter
	grep -q '\[0, 1, 2, 3\] 4$' "$BATS_TEST_TMPDIR/counter.live"
	calc "$(stat_of live_epochs) == 4 and $(stat_of match_ratio) > .98"
	effects appends shared-tensor signals prints random-module
}

@test "fork handlers of the program's run for its own forks only, and no warning comes of ours" {
	effects at-fork
	calc "$(stat_of live_epochs) == 4"
}

@test "a sampler that broadcasts its seed: the ranks' children end at once" {
	effects broadcasts
}
