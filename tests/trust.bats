# Trust: a preload runs inside everything that a job starts. Each situation runs once plain and once preloaded, and must
# print the same and leave the same files. (make test-suites has other people's tests; tests/hook.bats the hooks' own.)
load common

setup() { B_EAGER=$B/tests/suites/libeager.so; }

files() {
	mkdir -p "$1"
	"$PYTHON" -c "
import random, sys
r = random.Random(5)
for n in 'abcdefgh':
    open(f'{sys.argv[1]}/{n}.jpg', 'wb').write(r.randbytes(100000))" "$1"
}

# situation CASE [FILLS]: plain, preloaded, and with a library for which no file is too young to be cached. At least FILLS
# (default 1) files must have been cached, or the test has shown nothing.
situation() {
	local t=$BATS_TEST_TMPDIR/$1 lib
	for lib in plain real eager; do files "$t/$lib/d"; done
	sleep .05
	(cd "$t" && within 60 "$B/tests/trust/process" "$1" plain/d >plain.out 2>&1 </dev/null) || { cat "$t/plain.out"; return 1; }
	tail -n1 "$t/plain.out" | grep -qx done
	for lib in real eager; do
		local pre=$LIB
		[ $lib = real ] || pre=$B_EAGER
		(cd "$t" && OPT4_ROOT=$t/$lib/d OPT4_LOG=$t/$lib.log OPT4_STATS=$t/$lib.stats OPT4_CACHE=${CACHE:-8M} LD_PRELOAD=$pre \
			within 60 "$B/tests/trust/process" "$1" $lib/d >$lib.out 2>&1 </dev/null) || { cat "$t/$lib.out"; return 1; }
		diff "$t/plain.out" "$t/$lib.out" && diff -r "$t/plain" "$t/$lib" || { echo "$1: not as plain ($lib)"; return 1; }
		[ "${2:-1}" = 0 ] || [ "$(json "['fills']" <"$t/$lib.stats")" -ge "${2:-1}" ] || { echo "$1: nothing was cached ($lib)"; cat "$t/$lib.log"; head -40 "$t/$lib.stats"; return 1; }
	done
}

@test "children by posix_spawn, vfork, system and popen share offsets" { situation spawns; }
@test "closefrom, and other files put over every descriptor" { situation close_all 8; }
@test "dup2 over descriptors of ours" { situation dup_over 2; }
@test "no descriptor to spare" {
	situation few 0   # nothing can be cached: nothing may break
	[ "$(json "['accesses']" <"$BATS_TEST_TMPDIR/few/real.stats")" -gt 60 ]
}
@test "a seccomp filter that knows only what the program needs" { situation filtered; }
@test "seteuid and setuid" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	situation credentials
}
@test "RLIMIT_FSIZE: reading raises no SIGXFSZ" { situation file_size 0; }
@test "handlers that leave by siglongjmp" {
	situation longjmps 8
	[ "$(json "['hits']" <"$BATS_TEST_TMPDIR/longjmps/real.stats")" -gt 2000 ]
}
@test "threads cancelled in open and read" {
	situation cancels 8
	[ "$(json "['hits']" <"$BATS_TEST_TMPDIR/cancels/real.stats")" -gt 100 ]
}
@test "files of the mkstemp family are written as others read them" { situation temporary 0; }
@test "owner, mode, times and attributes changed by name show at once" { situation metas; }
@test "no child, signal, descriptor or variable that the program could notice" { situation quiet; }

@test "handlers that interrupt malloc: no allocation while they open files, with evictions going on" {
	[ -z "${SUITE_ASAN:-}" ] || skip "the program brings a malloc of its own"
	files "$BATS_TEST_TMPDIR/d"
	sleep .05
	cd "$BATS_TEST_TMPDIR"
	within 60 "$B/tests/trust/handler" 0 d/*.jpg >plain
	OPT4_ROOT=$PWD/d OPT4_CACHE=420K OPT4_MAXFILE=200K OPT4_POLICY=random OPT4_STATS=$PWD/stats LD_PRELOAD=$LIB \
		within 60 "$B/tests/trust/handler" 0 d/*.jpg >real
	diff plain real
	[ "$(json "['evictions']" <stats)" -gt 100 ] && [ "$(json "['hits']" <stats)" -gt 20 ]
	# And the job's own process may end there. (timeout is not the job: env sets the library for the program alone.)
	within 60 env OPT4_ROOT="$PWD/d" OPT4_CACHE=420K OPT4_MAXFILE=200K LD_PRELOAD="$LIB" "$B/tests/trust/handler" 200 d/*.jpg >end
	[ "$(cat end)" = "$(head -1 plain)" ]
	no_session
}

@test "30,000 opens: no growth, at most 1 MiB of its own, no descriptor kept" {
	cd "$BATS_TEST_TMPDIR"
	dataset d 60 5000
	sleep .05
	within 60 "$B/tests/trust/grow" 30000 $(find "$PWD/d" -name '*.jpg') >plain
	# The cache holds half of them: fills and evictions go on all the time.
	OPT4_ROOT=$PWD/d OPT4_CACHE=240K OPT4_MAXFILE=64K OPT4_POLICY=random OPT4_STATS=$PWD/stats LD_PRELOAD=$LIB \
		within 120 "$B/tests/trust/grow" 30000 $(find "$PWD/d" -name '*.jpg') >real
	read -r grew all held <real
	read -r _ plain plain_held <plain
	echo "grew by $grew KiB, $((all - plain)) more than plain, $held descriptors (plain $plain_held)"
	[ "$grew" -le 256 ] && [ $((all - plain)) -le 1024 ] && [ "$held" = "$plain_held" ]
	[ "$(json "['evictions']" <stats)" -gt 1000 ] && [ "$(json "['hits']" <stats)" -gt 1000 ]
}

# Seen: a worker that evicted while others opened was killed by SIGIO.
@test "an evicted object that somebody is about to open: nobody dies of the lease" {
	cd "$BATS_TEST_TMPDIR"
	files d
	sleep .05
	OPT4_ROOT=$PWD/d OPT4_STATS=$PWD/stats OPT4_CACHE=200K OPT4_MAXFILE=150K OPT4_POLICY=lru OPT4_PREFETCH=off LEASES=$PWD/leases \
		LD_PRELOAD=$LIB:$B/tests/trust/lease.so within 30 "$PYTHON" -S -c "
for i in range(20):
    for n in 'abcdefgh':
        assert len(open(f'd/{n}.jpg', 'rb').read()) == 100000"
	[ "$(json "['evictions']" <stats)" -gt 100 ]
	[ "$(stat -c %s leases)" -gt 100 ]
}
