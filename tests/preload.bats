# LD_PRELOAD: our entry, and nobody else's, is taken out for a program whose loader could not load the library; folders
# with a space, a colon or a dollar on the way to it.
load common

EXECS=$B/tests/hook/execs

setup() { cd "$BATS_TEST_TMPDIR"; }

# Programs that print their arguments' number and LD_PRELOAD: of musl, of 32 bit, of this machine; and two libraries whose
# names have ours as a part.
programs() {
	mkdir -p "$1/libopt4.so.d"
	cat >"$1/show.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	printf("args %d preload %s\n", argc, getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "none");
	return 7;
}
C
	${CC:-cc} -o "$1/here" "$1/show.c"
	echo 'int nothing;' | ${CC:-cc} -shared -nostdlib -fPIC -x c -o "$1/mylibopt4.so" -
	cp "$1/mylibopt4.so" "$1/libopt4.so.d/other.so"
	MUSL=
	! musl-gcc -o "$1/musl" "$1/show.c" 2>/dev/null || MUSL=$1/musl
	# Without 32-bit headers: only the two calls that are needed.
	cat >"$1/show32.c" <<'C'
extern int printf(const char *, ...), fflush(void *);
extern void _exit(int);
extern char *getenv(const char *);
__attribute__((force_align_arg_pointer)) void start(long *sp)
{
	printf("args %d preload %s\n", (int)*sp, getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "none");
	fflush(0);
	_exit(7);
}
__asm__(".globl _start\n_start: movl %esp, %eax\npushl %eax\ncall start\n");
C
	BITS32=
	[ ! -e /lib/ld-linux.so.2 ] || ! gcc -m32 -fno-stack-protector -nostdlib -fno-pic -no-pie -o "$1/bits32" "$1/show32.c" /lib32/libc.so.6 \
		-Wl,--dynamic-linker=/lib/ld-linux.so.2 2>/dev/null || BITS32=$1/bits32
	[ -n "$MUSL$BITS32" ] || skip "neither musl-gcc nor a 32-bit C library; as root: tests/setup.sh cross"
}

@test "exec of a program that the library can't be loaded into: it is left out there, and only it" {
	programs "$PWD/p"
	PATH=$PWD/p:$PATH
	ways=$("$EXECS" ways)
	[ "$(wc -w <<<"$ways")" -ge 18 ]
	[ -z "$MUSL" ] || printf '#! %s\n' "$MUSL" >p/script
	[ -z "$MUSL" ] || chmod +x p/script
	others=$PWD/p/mylibopt4.so:$PWD/p/libopt4.so.d/other.so
	for target in $MUSL $BITS32 ${MUSL:+$PWD/p/script}; do
		# What one of another class makes of the others is not ours to mend: as without us.
		args=2 list=$others
		[ "$target" != "$PWD/p/script" ] || args=3
		[ "$target" != "$BITS32" ] || list=none
		for way in $ways; do
			status=0
			if [ "$list" = none ]; then
				out=$(LD_PRELOAD=$LIB "$EXECS" "$way" "$target" 2>&1) || status=$?
			else
				out=$(LD_PRELOAD="$PWD/p/mylibopt4.so $LIB:$PWD/p/libopt4.so.d/other.so" "$EXECS" "$way" "$target" 2>&1) || status=$?
			fi
			[ "$way" = no_env ] && want=none || want=$list
			[ "$status" = 7 ] && [ "$out" = "args $args preload $want" ] || { echo "$way $target: $status: $out"; return 1; }
		done
	done
	# One that it can be loaded into keeps the variable as it was, to the byte; and so does what is no program.
	list=" $PWD/p/mylibopt4.so $LIB:"
	for way in $ways; do
		[ "$way" != no_env ] || continue
		status=0
		out=$(LD_PRELOAD=$list "$EXECS" "$way" "$PWD/p/here" 2>&1) || status=$?
		[ "$status" = 7 ] && [ "$out" = "args 2 preload $list" ] || { echo "$way: $status: $out"; return 1; }
	done
}

@test "under opt4 run a shell, env and Python start such programs without a word of the loader's" {
	programs "$PWD/p"
	dataset d 20
	for target in $MUSL $BITS32; do
		for job in "sh -c '$target; $target'" "env $target" "'$PYTHON' -c 'import subprocess; subprocess.run([\"$target\"]); subprocess.run([\"$target\"], close_fds=False)'" \
			"bash -c '$target & wait; exec $target'" "xargs -n1 -a p/show.c $target"; do
			run bash -c "'$OPT4' run --quiet --root d -- $job 2>&1 </dev/null"
			echo "$output"
			grep -q 'args . preload none' <<<"$output"
			[ -z "$(grep -v 'args . preload none' <<<"$output")" ]
		done
	done
	no_session
}
