# disk.bash: a dataset, a trace of it, and a disk for the second tier, an image mounted by loop; for tests/ssd*.bats.
N=300

setup_file() {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/store
	dataset "$ROOT" $N ~40K
	(cd "$ROOT" && find . -type f -printf '%P\n' | sort | while read -r f; do echo "$f $(sha256sum <"$f" | cut -d' ' -f1)"; done) >sums
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 3 --seed "$SEED" --batch-size 8 --workers 2 -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$ROOT" >sums.json
	export SUMS=$PWD/sums DATA=$(find "$ROOT" -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n }')
}

setup() {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	cd "$BATS_FILE_TMPDIR"
	export DISK=$BATS_TEST_TMPDIR/disk OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_ROOT=$ROOT
	mkdir -p "$DISK"
	disk 100M
}

teardown() {
	[ "$(id -u)" = 0 ] || return 0
	umount -l "$DISK" 2>/dev/null || true
	no_session
}

disk() {
	truncate -s "$1" "$BATS_TEST_TMPDIR/image"
	mkfs.ext4 -q -F "$BATS_TEST_TMPDIR/image"
	mount -o loop "$BATS_TEST_TMPDIR/image" "$DISK" || skip "no image can be mounted here"
}

stat() { json "['$1']" <"$OPT4_STATS"; }
tier() { json "['tiers'][$1]['$2']" <"$OPT4_STATS"; }
epoch() { json "['epochs'][$1]['$2']" <"$OPT4_STATS"; }

# job [ROUNDS [PAUSE]]: reads all; nothing wrong, nothing failed. with_trace: by the trace, two workers.
job() {
	within 120 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" "${1:-2}" "$SEED" "${2:-.001}" >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "read $(($N * ${1:-2})) wrong 0 failed 0" ]
}
with_trace() {
	OPT4_TRACE=$BATS_FILE_TMPDIR/order.trace within 120 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/keeper/reader.py" order.json "$ROOT" \
		--workers 2 --sums sums.json --compute .01 >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(json "['wrong']" <"$BATS_TEST_TMPDIR/out") $(json "['failed']" <"$BATS_TEST_TMPDIR/out")" = "0 0" ]
}
# left: the keeper has left the folder in order (the session is gone before)
left() {
	for _ in {1..100}; do
		grep -qs clean "$DISK"/opt4-0/*/owner && return 0
		sleep .1
	done
	return 1
}
