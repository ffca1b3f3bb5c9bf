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
		PYTHONHASHSEED=0 within 200 "$PYTHON" -W ignore "$REPO/tests/live/effects.py" data "$BATS_TEST_TMPDIR/of-plain" "$job" >"$BATS_TEST_TMPDIR/$job.plain"
		PYTHONHASHSEED=0 live 200 "$PYTHON" -W ignore "$REPO/tests/live/effects.py" data "$BATS_TEST_TMPDIR/of-live" "$job" >"$BATS_TEST_TMPDIR/$job.live"
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
	calc "$(stat_of live_epochs) >= 1"
}

@test "a sampler that broadcasts its seed: the ranks' children end at once" {
	effects broadcasts
}

@test "as process 1, to whom orphans come: nobody's child all the same" {
	unshare -p -f --mount-proc true 2>/dev/null || skip "no pid namespaces here"
	mkdir -p "$BATS_TEST_TMPDIR/ways"
	live 120 unshare -p -f --mount-proc "$PYTHON" -W ignore "$REPO/tests/live/cell.py" "$BATS_TEST_TMPDIR/ways" >"$BATS_TEST_TMPDIR/out"
	grep -q '^inside kept' "$BATS_TEST_TMPDIR/out"
	[ "$(tail -1 "$BATS_TEST_TMPDIR/out")" = "nobody's child" ]
}

@test "where the kernel locks nobody in: torch's own samplers only, and nothing else runs twice" {
	cat >refuse.c <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <linux/seccomp.h>
		#include <sys/prctl.h>
		int prctl(int what, ...)
		{
			long a, b, c, d;
			__builtin_va_list args;
			__builtin_va_start(args, what);
			a = __builtin_va_arg(args, long);
			b = __builtin_va_arg(args, long);
			c = __builtin_va_arg(args, long);
			d = __builtin_va_arg(args, long);
			__builtin_va_end(args);
			if (what == PR_SET_SECCOMP) {
				errno = EINVAL;
				return -1;
			}
			return ((int (*)(int, ...))dlsym(RTLD_NEXT, "prctl"))(what, a, b, c, d);
		}
	END
	${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o "$BATS_TEST_TMPDIR/refuse.so" refuse.c -ldl
	LIB="$BATS_TEST_TMPDIR/refuse.so:$LIB"
	effects counter
	[ "$(stat_of live_epochs)" = 0 ]
	effects appends
	same "$PYTHON" generator
	calc "$(stat_of live_epochs) == 3 and $(stat_of match_ratio) > .98"
	# one whose order is drawn in a child, of torch's own: as without. Whether it is known before the job is over is the machine's affair
	alike 1 "$PYTHON" $(jobs_py) many-weighted
	[ "$(stat_of errors)" = 0 ]
	no_session
}
