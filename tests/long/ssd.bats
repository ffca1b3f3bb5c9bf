# The second tier, killed and cut off at random moments. KILLS, CUTS in the environment: how often.

load ../common

N=200

setup() {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	seed
	RANDOM=$((SEED % 32768))
	cd "$BATS_TEST_TMPDIR"
	export ROOT=$PWD/store SUMS=$PWD/sums DISK=$PWD/disk
	dataset "$ROOT" $N ~40K
	(cd "$ROOT" && find . -type f -printf '%P\n' | sort | while read -r f; do echo "$f $(sha256sum <"$f" | cut -d' ' -f1)"; done) >sums
	mkdir -p "$DISK"
	truncate -s 60M image
	mkfs.ext4 -q -F image
	mount -o loop image "$DISK" || skip "no image can be mounted here"
	export OPT4_ROOT=$ROOT OPT4_SSD=$DISK OPT4_SSD_SIZE=4M OPT4_CACHE=1M OPT4_STATS=$PWD/stats OPT4_LOG=$PWD/log
}

teardown() {
	[ "$(id -u)" = 0 ] || return 0
	umount -l "$DISK" 2>/dev/null || true
	no_session
}

begin() {
	LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 1000 $RANDOM .0005 2>>errors 3>&- &
	job=$!
}
keeper() { pgrep -f "^opt4d $(sessions)\$" || true; }
# whole: a job that ends by itself; then what is charged is what lies there, and within the budget
whole() {
	within 60 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 1 $RANDOM >out
	[ "$(cat out)" = "read $N wrong 0 failed 0" ] || { cat out; return 1; }
	no_session || return 1
	# what the keeper moved since the job's last word: a session without one says what is charged
	OPT4_PREFETCH=off within 60 env LD_PRELOAD="$LIB" cat "$(find "$ROOT" -type f -print -quit)" >/dev/null
	no_session || return 1
	local there
	there=$(find "$DISK" -path '*/objects/*' -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')
	calc "$(json "['tiers'][1]['used_bytes']" <stats) == $there and $there <= 4 << 20" || return 1
}

@test "job and keeper killed 200 times, at any moment: never a wrong byte, and the budget holds" {
	local i n=${KILLS:-200}
	for ((i = 0; i < n; i++)); do
		OPT4_POLICY=$([ $((i % 3)) = 0 ] && echo lru || echo keep) begin
		sleep ".$((RANDOM % 50 + 10))"
		k=$(keeper)
		[ $((RANDOM % 2)) = 0 ] && [ -n "$k" ] && { kill -9 $k; sleep ".$((RANDOM % 40 + 10))"; }
		kill -9 $job $(keeper)
		wait $job || true
		[ $((i % 10)) != 9 ] || whole
	done
	[ ! -s errors ] || { cat errors; false; }
	whole
}

@test "power cut: what an image copied while it is written holds is right, or is not used" {
	local i
	for ((i = 0; i < ${CUTS:-20}; i++)); do
		OPT4_POLICY=keep OPT4_SSD_SIZE=40M begin
		sleep "$((RANDOM % 3)).$((RANDOM % 90 + 10))"
		cp --sparse=always image cut
		kill -9 $job $(keeper)
		wait $job || true
		no_session || "$OPT4" clean --all
		umount -l "$DISK"
		mv cut image
		e2fsck -fy image >/dev/null 2>&1 || true
		mount -o loop image "$DISK"
		OPT4_SSD_SIZE=4M whole
		"$OPT4" clean --ssd "$DISK" --all
	done
	[ ! -s errors ] || { cat errors; false; }
}
