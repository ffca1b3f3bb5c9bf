#!/bin/bash
# keeper.sh BUILD: the calls of opt4d fail in turn (the 1st, 2nd, 5th, 20th of each name, and every one), with errnos they can
# give, while a job reads a traced dataset that the keeper fetches ahead. The job must get its bytes, end, and leave nothing.
# Appends to BUILD/trust/keeper_faults.txt: `call errno tried fired findings`. Exit 0: nothing found.
set -u
build=$(realpath "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$("$here/setup.sh" python)}
mkdir -p "$build/trust"
top=$(mktemp -d "${TMPDIR:-/var/tmp}/o4k.XXXX")
trap 'rm -rf "$top" /dev/shm/opt4-kf.$$' EXIT
unset "${!OPT4_@}" LD_PRELOAD
"$python" "$here/dataset.py" --seed 3 "$top/d" 60 20000 2
sleep .05
"$python" "$build/opt4-trace" imagefolder "$top/d" --epochs 1 --seed 1 --batch-size 4 --workers 1 -o "$top/t" >/dev/null 2>&1 || exit 1
"$python" "$build/opt4-trace" show "$top/t" --json | python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["path"])' >"$top/order"
want=$(cd "$top/d" && xargs cat <"$top/order" | sha256sum)
found=0 total=0

# once FAULT: the outcome in $why ("" = right); fired in $fired.
once() {
	rm -f "$top/counts"
	why=
	got=$(cd "$top/d" && FAULT=$1 FAULT_PROGRAM=opt4d FAULT_COUNTS=$top/counts FAULT_ROOT=$top/d OPT4_TRACE=$top/t OPT4_DIR=/dev/shm/opt4-kf.$$ \
		OPT4_CACHE=400K OPT4_LIVE=0 LD_PRELOAD=$build/libopt4.so:$build/tests/faults/libfaults.so \
		timeout -k 1 20 sh -c 'head -n 8 "$0" | xargs cat; sleep .15; tail -n +9 "$0" | xargs cat' "$top/order" | sha256sum)
	[ "$got" = "$want" ] || why="wrong bytes"
	for _ in {1..30}; do [ -e /dev/shm/opt4-kf.$$ ] || break; sleep .1; done
	[ ! -e /dev/shm/opt4-kf.$$ ] || { why+=" left behind"; rm -rf /dev/shm/opt4-kf.$$; }
	fired=$(awk '{ n += $3 } END { print n + 0 }' "$top/counts" 2>/dev/null)
}

once none:0:0
[ -z "$why" ] || { echo "without a fault: $why"; exit 1; }
cp "$top/counts" "$top/dry"
: >"$build/trust/keeper_faults.txt"
while read -r call errors; do
	n=$(awk -v c="$call" '$1 == c { print $2 }' "$top/dry")
	[ "${n:-0}" -gt 0 ] || continue
	for e in $errors; do
		no=$(python3 -c "import errno; print({'short': -1, 'nothing': -2}.get('$e') or getattr(errno, '$e'))")
		tried=0 hit=0 bad=0
		for when in 1 2 5 20 0; do
			[ $when -le "$n" ] || continue
			once "$call:$no:$when"
			tried=$((tried + 1))
			[ "${fired:-0}" = 0 ] || hit=$((hit + 1))
			[ -z "$why" ] || { bad=$((bad + 1)); echo "finding: $call $e at $when of $n: $why"; }
		done
		echo "$call $e $tried $hit $bad" >>"$build/trust/keeper_faults.txt"
		total=$((total + tried)) found=$((found + bad))
	done
done <<'TABLE'
open EMFILE EACCES EIO
read EIO EINTR
pread EIO ESTALE short nothing
preadv2 EIO
pwrite ENOSPC EIO short
fstat EIO ESTALE
fstatat EIO ENOENT
stat EIO
statvfs EIO
access EACCES
mmap ENOMEM
fallocate ENOSPC EINTR
linkat ENOSPC EEXIST
rename EIO
unlink EIO
fchmod EPERM
futimens EPERM
posix_fadvise EINVAL
fcntl EINVAL EAGAIN
flock ENOLCK
readlink EIO
getrlimit EPERM
pthread_create EAGAIN
futex EINTR EAGAIN
getdents64 EIO
cachestat ENOSYS
unlinkat EIO
rmdir EBUSY
dup EMFILE
TABLE
echo "keeper: $total faults tried, $found findings"
[ $found = 0 ]
