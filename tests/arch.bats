# Other machines and older C libraries: built for aarch64 by a cross compiler and run under qemu-user; nothing needed
# that glibc 2.28 does not have. What only a whole Python can show there is in tests/long/arch.bats.
load common

ARM=$B/aarch64             # a build of its own, kept from run to run
SYSROOT=/usr/aarch64-linux-gnu
CROSS=aarch64-linux-gnu-gcc

cross_or_skip() {
	command -v "$CROSS" >/dev/null && QEMU=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) ||
		skip "no cross compiler or qemu; as root: tests/setup.sh cross"
	export QEMU_LD_PREFIX=$SYSROOT
}

# cross_make TARGET...: each warning is an error. uthash.h is any machine's, but not the rest of its folder.
cross_make() {
	mkdir -p "$ARM/include"
	cp "$(echo '#include <uthash.h>' | ${CC:-cc} -M -x c - | tr ' ' '\n' | grep '/uthash\.h$')" "$ARM/include/"
	env -u CFLAGS -u LDFLAGS -u MAKEFLAGS make -s -C "$REPO" -j2 B=build/aarch64 CC="$CROSS" NCURSES= OPTFLAGS=-O2 \
		CFLAGS="-Werror -isystem build/aarch64/include" "$@"
}

# cross_cc PROGRAM SOURCE...: a test's own program, and a script that runs it here.
cross_cc() {
	"$CROSS" -std=gnu11 -O1 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -o "$1.arm" "${@:2}"
	printf '#!/bin/sh\nexec %s -L %s "%s" "$@"\n' "$QEMU" "$SYSROOT" "$1.arm" >"$1"
	chmod +x "$1"
}

@test "aarch64: the library, the tools and the tests' programs build without a warning" {
	cross_or_skip
	cross_make all test-bins
	file=$("$CROSS" -print-prog-name=objdump)
	"$file" -f "$ARM/libopt4.so" | grep -q aarch64
	# And no jump of vfork's that a machine which checks branches would stop at.
	"$file" -d --disassemble=vfork "$ARM/libopt4.so" | grep -qE 'br[[:space:]]+x16'
}

@test "aarch64: who rewrites what is read without a lock holds its new bytes back behind the odd number" {
	cross_or_skip
	cross_make all
	# A store or exchange that releases keeps only what is before it in its place: a barrier must follow.
	for place in store/record:rec_set hook/fd:fd_install hook/path:; do
		run "$("$CROSS" -print-prog-name=objdump)" -d --no-show-raw-insn "$ARM/preload/${place%%:*}.o"
		body=$(sed -n "/<${place#*:}.*>:/,/^$/p" <<<"$output")
		[ -n "$body" ]
		grep -A4 -E '[[:space:]](stlr|stlxr|cas|bl[[:space:]].*cas)' <<<"$body" | grep -qE '[[:space:]]dmb[[:space:]]' || { echo "$place: no barrier"; return 1; }
	done
}

# A program of tests/hook under qemu: plain, over the fake session, with the library; each must print the same.
situation() {
	local t=$BATS_TEST_TMPDIR/$1.${2/:/.} lib
	for lib in plain fake real; do
		mkdir -p "$t/$lib/d/sub"
		"$PYTHON" -c "
import random, sys
r = random.Random(5)
for n in [*'abcdefghij', 'sub/a', 'sub/b']:
    open(f'{sys.argv[1]}/{n}.jpg', 'wb').write(r.randbytes(100000))" "$t/$lib/d"
	done
	sleep .05
	shm=$(mktemp -d /dev/shm/opt4-arch.XXXXXX)
	within 100 "$QEMU" "$ARM/tests/hook/$1" "$2" "$t/plain/d" >"$t/plain.out" 2>&1 </dev/null
	FAKE_ROOT=$t/fake/d FAKE_DIR=$shm FAKE_LOG=$t/log within 100 "$QEMU" -E LD_PRELOAD="$ARM/tests/hook/libfake.so" \
		"$ARM/tests/hook/$1" "$2" "$t/fake/d" >"$t/fake.out" 2>&1 </dev/null
	OPT4_ROOT=$t/real/d OPT4_DIR=$shm/session OPT4_LOG=$t/real.log OPT4_STATS=$t/stats OPT4_CACHE=8M within 100 "$QEMU" \
		-E LD_PRELOAD="$ARM/libopt4.so" "$ARM/tests/hook/$1" "$2" "$t/real/d" >"$t/real.out" 2>&1 </dev/null
	rm -rf "$shm"
	tail -n1 "$t/plain.out" | grep -qx done || { cat "$t/plain.out"; return 1; }
	for lib in fake real; do
		diff "$t/plain.out" "$t/$lib.out" && diff -r --no-dereference "$t/plain/d" "$t/$lib/d" || { echo "$1 $2: not as plain with $lib"; return 1; }
	done
	[ -z "${UNCACHED:-}" ] || return 0
	grep -q '^fetch' "$t/log" && [ "$(json "['fills']" <"$t/stats")" -gt 0 ] || { echo "$1 $2: nothing was cached"; return 1; }
}

teardown() { rm -rf /dev/shm/opt4-arch.??????; }

@test "aarch64: a program sees under the hooks what it sees without (under qemu)" {
	cross_or_skip
	cross_make all test-bins
	# Not those in which a program runs itself anew: this machine can't without qemu before its name.
	situation access reads
	situation access openers
	situation access paths
	for case in dup_offset scm_rights fork_between vforks raw_reuse flags streams freopens seeks signals threads; do
		situation calls "$case"
	done
	for case in write_seen names locks modes; do situation change "$case"; done
	for case in calls walks beside; do situation odd "$case"; done
	seed
	situation random "$SEED:300"
	# under qemu /proc/self/stat is made up: processes may look dead to each other, and the session goes; the bytes are right
	UNCACHED=1 situation crowd 4
}

@test "aarch64: opt over several axes, fifo and lfu at their limits, the follower follows, a trace is read (under qemu)" {
	cross_or_skip
	cd "$REPO"
	cross_cc "$BATS_TEST_TMPDIR/axes" tests/policy/axes.c policy/*.c
	cross_cc "$BATS_TEST_TMPDIR/limits" tests/policy/limits.c policy/*.c
	cross_cc "$BATS_TEST_TMPDIR/situations" tests/follow/{situations,plan,job,play,cache}.c preload/*/follow*.c policy/*.c
	cross_cc "$BATS_TEST_TMPDIR/reader" tests/trace/reader.c preload/*/trace.c
	seed
	within 250 "$BATS_TEST_TMPDIR/axes" "$SEED" 3
	within 250 "$BATS_TEST_TMPDIR/limits" "$SEED"
	within 250 "$BATS_TEST_TMPDIR/situations" right-ranks
	within 250 "$BATS_TEST_TMPDIR/situations" workers-die
	dataset "$BATS_TEST_TMPDIR/d" 60
	within 60 "$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$BATS_TEST_TMPDIR/d" --epochs 2 --seed 7 --batch-size 4 --workers 2 -o "$BATS_TEST_TMPDIR/run.trace"
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/reader.here" tests/trace/reader.c preload/*/trace.c
	"$BATS_TEST_TMPDIR/reader.here" walk "$BATS_TEST_TMPDIR/run.trace" >"$BATS_TEST_TMPDIR/here"
	"$BATS_TEST_TMPDIR/reader" walk "$BATS_TEST_TMPDIR/run.trace" | cmp - "$BATS_TEST_TMPDIR/here"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/here")" -ge 60 ]
}

@test "nothing is needed of the C library that glibc 2.28 does not have" {
	# It would tell: this one asks for an interface of 2.30.
	echo '#include <dirent.h>
int main(void) { char b[99]; return (int)getdents64(0, b, sizeof b); }' | ${CC:-cc} -D_GNU_SOURCE -x c -o "$BATS_TEST_TMPDIR/new" -
	run /usr/bin/env python3 "$REPO/tests/lib/versions.py" 2.28 "$BATS_TEST_TMPDIR/new"
	[ "$output" = "$BATS_TEST_TMPDIR/new: getdents64@GLIBC_2.30" ]
	[ "$status" = 1 ]
	run /usr/bin/env python3 "$REPO/tests/lib/versions.py" 2.28 "$LIB" "$OPT4" "$B/opt4d"
	echo "$output"
	[ "$status" = 0 ]
}
