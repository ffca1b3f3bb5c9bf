# What a hostile user tried: each as it goes without opt4.

load common

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
	run within 100 valgrind -q --trace-children=no --child-silent-after-fork=no --error-exitcode=9 "$OPT4" run --quiet --root data -- true
	echo "$output"
	[ "$status" = 0 ] && [ -z "$output" ]
}
