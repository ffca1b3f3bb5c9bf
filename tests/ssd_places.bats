# The second tier: how much is written there, and the file systems that it may lie on.

load common
load ssd/disk

@test "--ssd-writes: a day's drive writes are the most that goes there, over two jobs; without it all does" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=80M OPT4_CACHE=2M
	OPT4_SSD_WRITES=.04 job 2 .005       # of a disk of 100 MB
	left
	calc "0 < $(tier 1 written_bytes) <= .04 * 100 * 1024 * 1024 * 1.01"
	written=$(tier 1 written_bytes)
	OPT4_SSD_WRITES=.04 job 2 .005
	left
	calc "$written + $(tier 1 written_bytes) <= .04 * 100 * 1024 * 1024 * 1.02"
	[ "$(tier 1 resident_files)" -gt 0 ]
	job 2 .005
	left
	calc "$(tier 1 resident_files) > $N * .5"
	run_opt4 --ssd "$DISK" --ssd-writes .x -- touch ran && return 1
	[ ! -e ran ]
	"$OPT4" clean --ssd "$DISK" --all
	[ -z "$(ls "$DISK"/opt4-0 2>/dev/null)" ]
}

# place FS: the disk is such a file system now
place() {
	umount -l "$DISK"
	rm -f "$BATS_TEST_TMPDIR/image"
	case $1 in
	overlay)
		disk 100M && mkdir -p "$DISK/lower" "$DISK/upper" "$DISK/work" "$BATS_TEST_TMPDIR/over"
		mount -t overlay -o "lowerdir=$DISK/lower,upperdir=$DISK/upper,workdir=$DISK/work" overlay "$BATS_TEST_TMPDIR/over" && DISK=$BATS_TEST_TMPDIR/over ;;
	*)
		truncate -s 400M "$BATS_TEST_TMPDIR/image"
		"mkfs.$1" -q "$BATS_TEST_TMPDIR/image" && mount -o loop "$BATS_TEST_TMPDIR/image" "$DISK" ;;
	esac
}

# served FS: a job fills a part of the tier there, within its budget at every instant; the next job finds it; with changed originals
served() {
	place "$1" || skip "no $1 here"
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=6M OPT4_CACHE=2M OPT4_REVALIDATE=always
	coproc WATCH { "$PYTHON" "$REPO/tests/ssd/watch.py" $((6 << 20)) "$DISK/opt4-0"; }
	local in=${WATCH[1]} out=${WATCH[0]} samples most over
	job 3
	left
	first=$(tier 1 resident_files)
	calc "$first > 50 and $(stat errors) == 0"
	job 1
	left
	calc "$(tier 1 hits) >= .9 * $first and $(tier 1 written_bytes) <= .05 * 6 * 1024 * 1024 and $(stat errors) == 0"
	find "$ROOT" -type f | head -n 100 | xargs touch
	sleep .05
	job 2
	left
	echo >&"$in"
	read -r samples most over <&"$out"
	echo "$1: $first files, $samples samples, $most of $((6 << 20)), $over over"
	calc "$samples > 10 and $over == 0 and $(stat errors) == 0"
	"$OPT4" clean --ssd "$DISK" --all
	[ -z "$(ls "$DISK"/opt4-0 2>/dev/null)" ]
}

@test "on ext4" { served ext4; }
@test "on xfs" {
	command -v mkfs.xfs >/dev/null || skip "no xfsprogs"
	served xfs
}
@test "on btrfs" {
	command -v mkfs.btrfs >/dev/null || skip "no btrfs-progs"
	served btrfs
}
@test "on overlay, as a container has it" {
	served overlay
	umount -l "$DISK"
	DISK=$BATS_TEST_TMPDIR/disk
}

@test "a disk that can't be read: who reads by stdio or by a mapping gets the original's bytes, too" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=30M OPT4_CACHE=2M OPT4_POLICY=keep
	cat >"$BATS_TEST_TMPDIR/drop.py" <<'P'
import os, sys
for d, _, names in os.walk(sys.argv[1]):
    for n in names:
        fd = os.open(os.path.join(d, n), os.O_RDONLY)
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
P
	# all in one session, since what an earlier one left is read whole before it is given to anybody: half of the disk goes, and
	# nothing of it is in memory
	cat >"$BATS_TEST_TMPDIR/steps" <<'S'
"$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 4 "$SEED" .002
sleep 3
sync
python3 "$BATS_TEST_TMPDIR/drop.py" "$DISK/opt4-0" 2>/dev/null
truncate -s 9M "$BATS_TEST_TMPDIR/image"
"$PYTHON" "$REPO/tests/ssd/ways.py" "$ROOT" "$SUMS"
S
	within 100 env LD_PRELOAD="$LIB" bash "$BATS_TEST_TMPDIR/steps" >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out" "$OPT4_LOG"
	[ "$(tail -n 2 "$BATS_TEST_TMPDIR/out")" = "by_stdio read 30 wrong 0 failed 0
by_map read 30 wrong 0 failed 0" ]
	[ "$(stat errors)" -ge 1 ]
	umount -l "$DISK"
}
