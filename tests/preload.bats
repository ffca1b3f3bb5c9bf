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
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers come by /etc/ld.so.preload, into which the loader of such programs looks, too"
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
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers come by /etc/ld.so.preload, into which the loader of such programs looks, too"
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
		# And as the job itself: said in a line.
		run run_opt4 --quiet --root d -- "$target"
		[ "$status" = 7 ]
		[ "${#lines[@]}" = 2 ]
		[[ "$output" = *"opt4: run: $target: "*"args 1 preload none"* ]]
	done
	no_session
}

# A build of opt4 in a folder that LD_PRELOAD can't name.
moved() {
	mkdir -p "$1"
	cp -r "$B/libopt4.so" "$B/opt4" "$B/opt4d" "$B/opt4_live" "$1/"
	OPT4=$1/opt4
}

@test "a space, a colon, a dollar on the way to the library: the job is cached by a link that goes when it ends" {
	dataset d 20
	before=$(find /dev/shm "$TMPDIR" -maxdepth 2 -name '*lib.*' | sort)
	for folder in 'a b' 'a:b' 'with $LIB and $ORIGIN' ' :'; do
		moved "$PWD/$folder/c"
		run_opt4 --root d --stats stats -- sh -c 'find d -type f -exec cat {} + >sum; find d -type f -exec cat {} + >sum; env >vars' 2>err
		cat err
		! grep -qi 'ld.so\|cannot' err
		[ "$(json "['hits']" <stats)" = 20 ]
		list=$(sed -n 's/^LD_PRELOAD=//p' vars)
		[ "${list##*/}" = libopt4.so ]
		[[ $list != *[\ :\$]* ]]
		[ ! -e "$list" ]
		rm -rf "$PWD/${folder:?}"
	done
	no_session
	[ "$(find /dev/shm "$TMPDIR" -maxdepth 2 -name '*lib.*' | sort)" = "$before" ]
}

@test "a colon on the way to the Python side: the order is learned all the same" {
	dataset d 24 100-900
	moved "$PWD/a :b"
	cat >job.py <<'P'
import sys, torch, torchvision
data = torchvision.datasets.ImageFolder(sys.argv[1], loader=lambda path: open(path, "rb").read()[:1])
data.transform = lambda raw: raw[0]
for epoch in range(2):
    for batch in torch.utils.data.DataLoader(data, batch_size=4, shuffle=True, num_workers=1):
        pass
P
	run_opt4 --stats stats -- "$PYTHON" -W ignore job.py d
	[ "$(json "['live_epochs']" <stats)" = 2 ]
	[ "$(json "['policy']" <stats)" = opt ]
}

@test "the link stays while something of the job runs on in the background, and the next run sweeps it up" {
	dataset d 5
	moved "$PWD/a b"
	run_opt4 --quiet --root d -- sh -c 'sleep 60 >/dev/null 2>&1 & echo $! >pid; echo "$LD_PRELOAD" >list'
	list=$(cat list)
	[ -e "$list" ]
	run_opt4 --quiet --root d -- true
	[ -e "$list" ]
	kill "$(cat pid)"
	while kill -0 "$(cat pid)" 2>/dev/null; do sleep .05; done
	run_opt4 --quiet --root d -- true
	[ ! -e "$(dirname "$(dirname "$list")")" ]
	no_session
}

@test "where no folder takes the link, a line says so and the job runs" {
	unshare -m true 2>/dev/null || skip "needs the right to mount: run the tests as root"
	folder=$(mktemp -d "$B/a b.XXXXXX")   # not below /tmp, which is covered
	moved "$folder"
	mkdir -m 777 open                     # anybody may put another folder in the place of one in it
	run unshare -m --propagation private sh -c 'mount -t tmpfs -o ro tmpfs /dev/shm && mount --bind "$1" /tmp && cd / &&
		exec env -u TMPDIR -u XDG_RUNTIME_DIR OPT4_LIVE=0 "$2/opt4" run --root "$3" -- sh -c "echo ran; exit 3"' sh "$PWD/open" "$folder" "$REPO/tests"
	rm -rf "$folder"
	echo "$output"
	[ "$status" = 3 ]
	grep -qx ran <<<"$output"
	[ "$(grep -c "^opt4: run: .*LD_PRELOAD can't name" <<<"$output")" = 1 ]
	! grep -q 'ld.so' <<<"$output"
}

@test "other preloads are kept, compared whole: those whose names have ours as a part, and two of ours are one" {
	programs "$PWD/p"
	others=$PWD/p/mylibopt4.so:$PWD/p/libopt4.so.d/other.so
	out=$(LD_PRELOAD="$PWD/p/mylibopt4.so $PWD/p/libopt4.so.d/other.so" OPT4_LIVE=0 run_opt4 --root "$PWD" --quiet -- "$PWD/p/here" || true)
	[ "$out" = "args 1 preload $LIB:$others" ]
	cp "$LIB" p/libopt4.so
	out=$(LD_PRELOAD="$PWD/p/libopt4.so:$PWD/p/mylibopt4.so" OPT4_LIVE=0 run_opt4 --root "$PWD" --quiet -- "$PWD/p/here" || true)
	[ "$out" = "args 1 preload $LIB:$PWD/p/mylibopt4.so" ]
	# The keeper has the others and not ours.
	dataset d 20
	within 100 "$PYTHON" "$OPT4_TRACE_TOOL" imagefolder d --epochs 1 --seed 7 --batch-size 4 -o t.trace
	LD_PRELOAD=$others run_opt4 --quiet --trace t.trace -- sh -c 'cat d/*/* >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do
		for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" = "$0" ] && tr "\0" "\n" <$p/environ >its && grep -qx "OPT4_TRACE=$PWD/t.trace" its &&
			grep "^LD_PRELOAD=" its >keeper && exit; done; sleep .1; done' "$B/opt4d"
	[ "$(cat keeper)" = "LD_PRELOAD=$others" ]
	no_session
}
