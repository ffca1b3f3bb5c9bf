# What the keeper fetches from, file system by file system: O_DIRECT where it is taken, plain reads by themselves where
# it is not, the right bytes from each, and nothing twice in memory.

load common

N=60

setup_file() {
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/store
	dataset "$ROOT" $N ~40K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 1 --seed "$SEED" --batch-size 4 --workers 2 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$ROOT" >sums.json
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	mkdir -p "$BATS_TEST_TMPDIR/mnt"
	export OPT4_TRACE=$PWD/order.trace OPT4_CACHE=100% OPT4_STATS=$BATS_TEST_TMPDIR/stats MNT=$BATS_TEST_TMPDIR/mnt
}

teardown() { no_session; }

stat() { json "['$1']" <"$OPT4_STATS"; }

# cached DIR: pages of its files in the page cache. uncache DIR: none from now on.
cached() { find "$1" -type f -exec fincore -b -n -o PAGES {} + | awk '{ n += $1 } END { print n + 0 }'; }
uncache() {
	python3 -c 'import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        fd = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)' "$1"
}

# largest DIR: pages of its largest file.
largest() { find "$1" -type f -printf '%s\n' | awk '{ n = int(($1 + 4095) / 4096); if (n > most) most = n } END { print most }'; }

# fetched DIR: a job on it; all that it reads is right, and the keeper brings most of it.
fetched() {
	local direct
	for direct in on auto; do
		uncache "$1"
		OPT4_ROOT=$1 OPT4_DIRECT=$direct within 60 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/keeper/reader.py" order.json "$1" \
			--workers 2 --sums sums.json --compute .08 --limit 15 >"$BATS_TEST_TMPDIR/result"
		echo "$direct: $(cat "$BATS_TEST_TMPDIR/result") $(cached "$1") pages $(grep -v late_files "$OPT4_STATS")"
		[ "$(json "['read']" <"$BATS_TEST_TMPDIR/result")" = $N ] || return 1
		[ "$(stat errors)" = 0 ] || return 1
		calc "$(stat prefetched) >= 0.3 * $N" || return 1
		# but for what the job read past the cache by itself, where a machine under load lets a fill take too long
		[ "$(cached "$1")" -le $(($(stat bypassed) * $(largest "$1"))) ] || return 1
		no_session
	done
}

root_only() { [ "$(id -u)" = 0 ] || skip "mounting needs root"; }

@test "the file system that the tests are on" {
	fetched "$ROOT"
}

@test "overlay" {
	root_only
	mkdir -p "$BATS_TEST_TMPDIR/up" "$BATS_TEST_TMPDIR/work"
	mount -t overlay -o "lowerdir=$ROOT,upperdir=$BATS_TEST_TMPDIR/up,workdir=$BATS_TEST_TMPDIR/work" opt4 "$MNT" ||
		skip "no overlay can be mounted here"
	fetched "$MNT" || { umount "$MNT"; return 1; }
	umount "$MNT"
}

@test "FUSE" {
	root_only
	command -v bindfs >/dev/null || skip "bindfs is not installed: apt-get install bindfs"
	bindfs "$ROOT" "$MNT" || skip "no FUSE can be mounted here"
	fetched "$MNT" || { umount "$MNT"; return 1; }
	umount "$MNT"
}

@test "tmpfs: files stay the original's, and the job is as without" {
	root_only
	mount -t tmpfs opt4 "$MNT" || skip "no tmpfs can be mounted here"
	cp -r "$ROOT/." "$MNT"
	OPT4_ROOT=$MNT OPT4_DIRECT=on within 60 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/keeper/reader.py" order.json "$MNT" \
		--workers 2 --sums sums.json >"$BATS_TEST_TMPDIR/result"
	umount "$MNT"
	[ "$(json "['read']" <"$BATS_TEST_TMPDIR/result")" = $N ]
	[ ! -e "$OPT4_STATS" ] || [ "$(stat fills)" = 0 ]
}
