# What a hostile user tried: each as it goes without opt4.

load common
load lib/situations

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 60 20000
}

setup() { cd "$BATS_FILE_TMPDIR"; }

# alike CMD...: the same output and status under opt4 run and by plain preload
alike() {
	local plain how
	plain=$("$@" 2>&1; echo "$?")
	for how in "$OPT4 run --quiet --root data --" "env LD_PRELOAD=$LIB OPT4_ROOT=$PWD/data"; do
		run within 60 $how "$@"
		echo "$how $*: $output, $status; plain $plain"
		[ "$output"$'\n'"$status" = "$plain" ]
		no_session
	done
}

@test "a handler that was installed just now leaves open and read by longjmp: nobody waits for what it held" {
	alike "$B/tests/jumps" 100 data/*/*
}

@test "threads with a small stack, handlers with one of their own: the originals are read, nothing overruns" {
	local size
	for size in 16384 24576 40960 65536 262144; do
		alike "$B/tests/stacks" thread $size data/*/*
		alike "$B/tests/stacks" handler $size data/*/*
	done
	[ -z "${SUITE_ASAN:-}" ] || return 0    # the sanitizers' frames are larger
	# SIGSTKSZ, as it was for long: what the processor saves, and some 4 KiB
	alike "$B/tests/stacks" log 8192
	alike "$B/tests/stacks" log 8192 data/*/*
	# where there is room, it is cached
	run_opt4 --quiet --root data --stats st.json -- "$B/tests/stacks" thread 262144 data/*/*
	[ "$(json "['fills']" <st.json)" = 60 ]
}

@test "few descriptors: no folders of a session that could not be made stay behind" {
	local n
	for n in 10 8 7 6 5; do
		# shellcheck disable=SC2016
		sh -c 'ulimit -n $0; OPT4_ROOT=$1/data LD_PRELOAD=$2 exec md5sum data/c00/f000000.jpg' $n "$PWD" "$LIB" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- >few
		md5sum data/c00/f000000.jpg | diff - few
		no_session
	done
}

@test "opt4 run under a memory checker: nothing that was not set is handed to the kernel" {
	command -v valgrind >/dev/null || skip "no valgrind"
	[ -z "${SUITE_ASAN:-}" ] || skip "two memory checkers at once"
	run within 100 valgrind -q --trace-children=no --child-silent-after-fork=no --error-exitcode=9 "$OPT4" run --quiet --root data -- true
	echo "$output"
	[ "$status" = 0 ] && [ -z "$output" ]
}

@test "a process that drops its rights in the middle: the session is not taken for lost, and is removed in the end" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	others_may
	chmod a+rx "$BATS_FILE_TMPDIR" "$(dirname "$BATS_FILE_TMPDIR")"
	run run_opt4 --root data --stats st.json -- "$PYTHON" -c 'import glob, os
files = sorted(glob.glob("data/*/*"))
read = lambda: [open(f, "rb").read() for f in files]
was = read()
os.setgroups([]); os.setgid(54321); os.setuid(54321)
assert read() == was and read() == was'
	echo "$output"
	[ "$status" = 0 ] && [[ "$output" != *"has been removed"* ]]
	[ "$(json "['fills']" <st.json)" = 60 ]
	no_session
}

@test "a user namespace in which the owner has another number: the session is counted, and goes" {
	[ "$(id -u)" = 0 ] && unshare -U true 2>/dev/null || skip "needs root and user namespaces"
	[ "$TEST_SHM" = own ] || skip "needs a /dev/shm of its own"
	others_may
	run run_opt4 --root data --stats st.json -- unshare -U sh -c 'cat data/*/* data/*/* | wc -c'
	echo "$output"
	[ "${lines[0]}" = 2400000 ]
	[ "$(json "['hits']" <st.json)" = 60 ]
	for _ in {1..30}; do [ -z "$(ls -A /dev/shm)" ] && break; sleep .1; done
	[ -z "$(ls -A /dev/shm)" ]
}

@test "programs with a sanitizer's runtime, linked or preloaded, run; the user's options stay" {
	echo 'int main(void) { return 3; }' | cc -fsanitize=address -x c -o sane - 2>/dev/null && [ "$(./sane; echo $?)" = 3 ] || skip "no sanitizer here"
	run run_opt4 --quiet --root data -- ./sane
	[ "$status" = 3 ] && [ -z "$output" ]
	lib=$(cc -print-file-name=libasan.so)
	run env LD_PRELOAD="$lib" ASAN_OPTIONS=detect_leaks=0 "$OPT4" run --quiet --root data -- sh -c 'echo "$ASAN_OPTIONS"; cat data/*/* data/*/* | wc -c'
	echo "$output"
	[ "$output" = "verify_asan_link_order=0:detect_leaks=0"$'\n'2400000 ]
}

# denied CALL ERROR CMD...: to that program alone; its children may
denied() { within 60 strace -qq -o /dev/null -e "inject=$1:error=$2" "${@:3}"; }

@test "opt4 run is denied a system call, or the kernel is short of memory: the job's output and status are what they are" {
	local call
	for call in poll:ENOMEM poll:ENOSYS signalfd4:ENOSYS socketpair:EPERM epoll_create1:EPERM prctl:EPERM recvmsg:EPERM waitid:EPERM; do
		run denied "${call%:*}" "${call#*:}" "$OPT4" run --quiet --root data -- sh -c 'cat data/*/* | wc -c; exit 3'
		echo "$call: $output, $status"
		[ "$status" = 3 ] && [ "${lines[-1]}" = 1200000 ]
	done
	sleep .1
	no_session
}

@test "locks are denied: the originals are read, and nobody waits for a lock that never comes" {
	OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB strace -c -o calls -e trace=flock -e inject=flock:error=EPERM cat data/*/* | cmp - <(cat data/*/*)
	[ "$(awk '$NF == "flock" { print $4 }' calls)" -lt 20 ]
	rm -rf "/dev/shm/opt4-$(id -u)"
}
