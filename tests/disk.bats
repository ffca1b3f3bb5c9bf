# A spinning disk: which one it is, and the elevator on the slow store's model of one. Counts and bytes, no clock.

load common

N=600 E=2

setup_file() {
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/disk$$
	dataset "$ROOT" $N 30K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs $E --seed "$SEED" --batch-size 4 --workers 2 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	head -$N order.json >one.json
	sync -f "$ROOT"
	sleep .1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_TRACE=$PWD/order.trace OPT4_CACHE=25% OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
	export SLOWSTORE_ROOT=$ROOT SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store
	# 10 ms a seek among these files, 150 MB/s; waits a tenth of it
	export SLOWSTORE_DISK=1.3:8:4 SLOWSTORE_SPAN=100000000 SLOWSTORE_BANDWIDTH=150M SLOWSTORE_SCALE=10
	unset SLOWSTORE_LATENCY SLOWSTORE_FAIL OPT4_PREFETCH OPT4_ELEVATOR OPT4_KEEP OPT4_POLICY
}

teardown() { no_session; }

# shas WORKERS [PRELOAD]: what came, in its order, a line an epoch.
shas() {
	within 120 env LD_PRELOAD="${2:-}" python3 "$REPO/bench/disk/job.py" order.json "$ROOT" --workers "${1:-2}" | json "['epochs']" |
		python3 -c "import json, sys; [print(e['sha']) for e in json.load(sys.stdin)]"
}
stat() { json "$1" <"$OPT4_STATS"; }

@test "disk: does it rotate: partitions, device mapper and md down to the disks; what a virtual disk says is not believed" {
	local sys=$BATS_TEST_TMPDIR/sys bin=$BATS_TEST_TMPDIR/rotates
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -o "$bin" "$REPO/tests/lib/rotates.c" "$REPO/tools/opt4d/disk/rotates.c"
	mkdir -p "$sys/dev/block" "$sys/block"
	# disk NAME MAJ:MIN ROTATIONAL [RPM|scsi]
	disk() {
		mkdir -p "$sys/block/$1/queue" "$sys/block/$1/slaves" "$sys/block/$1/device"
		echo "$3" >"$sys/block/$1/queue/rotational"
		ln -s "../../block/$1" "$sys/dev/block/$2"
		case ${4:-} in
		scsi) echo 6 >"$sys/block/$1/device/scsi_level" ;;
		?*) printf "\\0\\xb1\\0\\x3c$(printf '\\x%02x\\x%02x' $(($4 / 256)) $(($4 % 256)))" >"$sys/block/$1/device/vpd_pgb1" ;;
		esac
	}
	part() { # NAME of DISK MAJ:MIN
		mkdir -p "$sys/block/$2/$1"
		echo 1 >"$sys/block/$2/$1/partition"
		ln -s "../../block/$2/$1" "$sys/dev/block/$3"
	}
	over() { # NAME MAJ:MIN SLAVE...
		disk "$1" "$2" 1
		for s in "${@:3}"; do ln -s "$(cd "$sys" && readlink -f "block/$s")" "$sys/block/$1/slaves/$(basename "$s")"; done
	}
	disk sda 8:0 1 7200
	disk sdb 8:16 0 1
	disk sdc 8:32 1 scsi     # a kernel that does not show the page
	disk sdd 8:48 1 0        # a virtual one: speed not told
	disk sde 8:64 1 1        # does not rotate, whatever the flag says
	disk vda 254:0 1
	disk nvme0n1 259:0 0
	part sda1 sda 8:1
	part vda1 vda 254:1
	over dm-0 253:0 sda/sda1
	over md0 9:0 sda sdc
	over md1 9:1 sda sdb
	over dm-1 253:1 md0
	over dm-2 253:2 sda vda/vda1
	is() { got=$("$bin" "$sys" "${1%:*}" "${1#*:}"); [ "$got" = "$2" ] || { echo "$1: $got, not $2"; return 1; }; }
	is 8:0 rotates; is 8:1 rotates; is 8:32 rotates; is 253:0 rotates; is 9:0 rotates; is 253:1 rotates
	is 8:16 not; is 259:0 not; is 9:1 not
	is 8:48 unknown; is 8:64 unknown; is 254:0 unknown; is 254:1 unknown; is 253:2 unknown; is 7:7 unknown
	ln -s "$sys/block/dm-3" "$sys/dev/block/253:3"
	mkdir -p "$sys/block/dm-3/slaves"
	ln -s "$sys/block/dm-3" "$sys/block/dm-3/slaves/dm-3"
	is 253:3 unknown         # a circle
	printf '30 1 0:25 / /data rw,noatime shared:1 - btrfs /dev/sda1 rw\n31 1 0:26 / /x rw - overlay overlay rw,lowerdir=/a\n' >"$BATS_TEST_TMPDIR/mountinfo"
	[ "$("$bin" source "$BATS_TEST_TMPDIR/mountinfo" 0 25)" = /dev/sda1 ]
	[ "$("$bin" source "$BATS_TEST_TMPDIR/mountinfo" 0 26)" = none ]
	[ "$("$bin" source "$BATS_TEST_TMPDIR/mountinfo" 8 1)" = none ]
}

@test "disk: order and bytes are plain's, with 0, 1, 4 and 16 workers" {
	shas 2 >"$BATS_TEST_TMPDIR/plain"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/plain")" = $E ]
	for w in 0 1 4 16; do
		OPT4_ELEVATOR=on SLOWSTORE_SCALE=20 shas $w "$LIB:$SLOWSTORE" >"$BATS_TEST_TMPDIR/elevator"
		diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/elevator" || { echo "$w workers"; return 1; }
		[ "$(stat "['accesses']")" = $((E * N)) ]
		[ "$(stat "['disk']['elevator']")" = true ]
		no_session
	done
}

@test "disk: the elevator takes fewer seeks and less of the arm's time than the order of need" {
	for how in off on; do
		rm -f "$SLOWSTORE_STATE"
		OPT4_ELEVATOR=$how shas 2 "$LIB:$SLOWSTORE" >/dev/null
		eval "$how"_seeks="$(store_stat seeks)" "$how"_ns="$(store_stat disk_ns)"
		echo "$how: $(stat "['disk']") seeks $(store_stat seeks) arm $(store_stat disk_ns) late $(stat "['late']") misses $(stat "['misses']")"
		[ "$(stat "['disk']['elevator']")" = "$([ $how = on ] && echo true || echo false)" ]
		calc "$(stat "['used_bytes']") <= $(stat "['budget_bytes']") and $(stat "['peak_bytes']") <= $(stat "['budget_bytes']")"
		no_session
	done
	[ "$(stat "['disk']['runs']")" -ge 2 ]
	calc "$on_seeks < $off_seeks"    # how much fewer depends on how the files lie
	calc "$on_ns * 1.3 < $off_ns"
	# what it has fetched is read: nothing goes for what is needed later
	calc "$(stat "['prefetch_wasted']") <= $N * $E / 20"
}

@test "disk: inodes are warmed in the order of the disk: not a seek each, and none is left to the fetches" {
	export SLOWSTORE_COLD=1 OPT4_ELEVATOR=on OPT4_DIR=/dev/shm/disk-inodes-$$
	mkfifo "$BATS_TEST_TMPDIR/go"
	within 100 env LD_PRELOAD="$LIB:$SLOWSTORE" python3 -c "
import json, sys
paths = ['$ROOT/' + json.loads(line)['path'] for line in open('one.json')]
open(paths[0], 'rb').read()
open('$BATS_TEST_TMPDIR/go').read()
for p in paths[1:]:
    open(p, 'rb').read()" 3>&- &
	job=$!
	for _ in {1..300}; do
		[ "$("$OPT4" stat --json "$OPT4_DIR" 2>/dev/null | json "['disk']['elevator']" 2>/dev/null)" != true ] || break
		sleep .1
	done
	before=$(store_stat cold_inodes)
	: >"$BATS_TEST_TMPDIR/go"
	wait $job
	echo "$before inodes read by themselves until the map was made, $(store_stat cold_inodes) in all"
	[ "$before" -le $((N / 3)) ]
	[ "$(store_stat cold_inodes)" = "$before" ]
}

@test "disk: the keeper is killed at any moment: order and bytes are plain's" {
	shas 2 >"$BATS_TEST_TMPDIR/plain"
	(for _ in {1..12}; do sleep .3; pkill -9 -f "opt4d /.*/$(basename "$ROOT")-" && echo killed >>"$BATS_TEST_TMPDIR/killed"; done) 3>&- &
	OPT4_ELEVATOR=on SLOWSTORE_SCALE=30 shas 4 "$LIB:$SLOWSTORE" >"$BATS_TEST_TMPDIR/elevator"
	kill $! 2>/dev/null || true
	wait $! || true
	[ -s "$BATS_TEST_TMPDIR/killed" ]
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/elevator"
	no_session
}

@test "disk: files whose originals fail, or are gone, keep nobody waiting" {
	export SLOWSTORE_FAIL=eio:10 SLOWSTORE_SCALE=100
	OPT4_ELEVATOR=on within 100 env LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/tests/keeper/reader.py" order.json "$ROOT" --workers 2 --errors \
		>"$BATS_TEST_TMPDIR/result"
	[ "$(json "['failed']" <"$BATS_TEST_TMPDIR/result")" -ge 3 ]
	no_session
}

@test "disk: where nothing rotates nothing changes: no place is asked, the same calls on originals" {
	command -v strace >/dev/null || skip "strace is wanted"
	unset SLOWSTORE_ROOT
	calls() { # what the job's processes and the keeper's ask of the dataset, by kind and file
		rm -rf "$BATS_TEST_TMPDIR/trace"
		mkdir "$BATS_TEST_TMPDIR/trace"
		OPT4_PREFETCH=off within 100 strace -ff -qq -y -e trace=openat,ioctl,newfstatat,getdents64,read,pread64,lseek -o "$BATS_TEST_TMPDIR/trace/t" \
			env LD_PRELOAD="$LIB" python3 "$REPO/bench/disk/job.py" one.json "$ROOT" --workers 0 >/dev/null
		cat "$BATS_TEST_TMPDIR"/trace/* | grep -F "$ROOT/" | sed 's/[0-9]*<\([^>]*\)>/\1/; s/0x[0-9a-f]*//g; s/ = .*//' | sort
		no_session
	}
	calls >"$BATS_TEST_TMPDIR/auto"
	OPT4_ELEVATOR=off calls >"$BATS_TEST_TMPDIR/off"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/off")" -ge $N ]
	diff "$BATS_TEST_TMPDIR/auto" "$BATS_TEST_TMPDIR/off"
	# and the keeper's
	unset OPT4_PREFETCH
	for how in auto on; do
		OPT4_ELEVATOR=$how within 100 strace -f -qq -e trace=ioctl -o "$BATS_TEST_TMPDIR/ioctl.$how" env LD_PRELOAD="$LIB" \
			python3 "$REPO/bench/disk/job.py" one.json "$ROOT" --workers 0 >/dev/null
		no_session
	done
	[ "$(grep -c FIEMAP "$BATS_TEST_TMPDIR/ioctl.on")" -ge $((N / 2)) ]     # the test sees them
	[ "$(grep -c FIEMAP "$BATS_TEST_TMPDIR/ioctl.auto")" = 0 ]
}

@test "disk: opt4 warm reads by extents where the disk has an arm" {
	unset OPT4_TRACE OPT4_STATS
	export OPT4_DIR=/dev/shm/disk-warm-$$ SLOWSTORE_SCALE=50
	OPT4_ELEVATOR=on OPT4_CACHE=64M LD_PRELOAD=$SLOWSTORE within 60 "$OPT4" warm --root "$ROOT" --quiet
	echo "seeks $(store_stat seeks)"
	[ "$(store_stat first_reads)" = $N ]
	gaps=$(PYTHONDONTWRITEBYTECODE=1 python3 -c "
import os, sys
sys.path.insert(0, '$REPO/bench/disk')
from disk import place
files = sorted((place(p) or 0, os.path.getsize(p)) for p in (os.path.join(d, f) for d, _, names in os.walk('$ROOT') for f in names))
print(sum(a + (n + 4095) // 4096 * 4096 != b for (a, n), (b, _) in zip(files, files[1:])))")
	echo "$gaps gaps between the files as they lie"
	[ "$(store_stat seeks)" -le $((gaps + N / 20)) ]
	"$OPT4" clean "$OPT4_DIR"
}
