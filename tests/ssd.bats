# The second tier: a folder on a local disk that outlives jobs. Here the disk is an image mounted by loop.

load common
load ssd/disk

@test "a folder that can't hold it is refused in one line before the job starts" {
	local dir=$BATS_TEST_TMPDIR/d
	refused() {
		run "$OPT4" run --ssd "$1" -- touch "$BATS_TEST_TMPDIR/ran"
		echo "$output"
		[ "$status" = 1 ] && [ "${#lines[@]}" = 1 ] && [[ $output == "opt4: --ssd: $1: "*"$2"* ]] && [ ! -e "$BATS_TEST_TMPDIR/ran" ]
	}
	mkdir "$dir"
	refused "$dir/none" "no such folder"
	ln -s "$dir" "$dir/link"
	refused "$dir/link" "symbolic link"
	touch "$dir/file"
	refused "$dir/file" "no folder"
	refused /dev/shm "in memory"
	mkdir "$dir/theirs" && chown 1 "$dir/theirs"
	refused "$dir/theirs" "another user's"
	mkdir -p "$dir/inner/opt4-0" && chown 1 "$dir/inner/opt4-0"
	refused "$dir/inner" "another user's"
	rm -r "$dir/inner/opt4-0" && ln -s "$dir" "$dir/inner/opt4-0"
	refused "$dir/inner" "no folder"
	mount -o remount,ro "$DISK"
	refused "$DISK" "read-only"
	if command -v bindfs >/dev/null && bindfs "$dir" "$dir/theirs" 2>/dev/null; then
		refused "$dir/theirs" "FUSE" || { umount "$dir/theirs"; return 1; }
		umount "$dir/theirs"
	fi
	mkdir -p "$dir/data/inner"
	run "$OPT4" run --root "$dir/data" --ssd "$dir/data/inner" -- touch "$BATS_TEST_TMPDIR/ran"
	[ "$status" = 1 ] && [ "${#lines[@]}" = 1 ] && [[ $output == *"within the dataset"* ]] && [ ! -e "$BATS_TEST_TMPDIR/ran" ]
	OPT4_SSD=$ROOT job 1
	grep 'within the dataset' "$OPT4_LOG"
	[ ! -e "$ROOT/opt4-0" ]
	run "$OPT4" run --ssd "$dir" --ssd-size much -- true
	[ "$status" = 2 ]
	run "$OPT4" run --ssd-size 1G -- true
	[ "$status" = 2 ]
}

@test "with a trace: R + S of the dataset is hit, the SSD is written once, and the next job's first epoch comes from it" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=30% OPT4_CACHE=10%
	coproc WATCH { "$PYTHON" "$REPO/tests/ssd/watch.py" $((DATA * 3 / 10)) "$DISK/opt4-0"; }
	local in=${WATCH[1]} out=${WATCH[0]}
	with_trace
	left
	echo >&"$in"
	read -r samples most over <&"$out"
	echo "$samples samples, $most of $((DATA * 3 / 10)), $over over"
	[ "$samples" -gt 10 ] && [ "$over" = 0 ] && [ "$most" -gt $((DATA / 4)) ]
	cat "$OPT4_STATS"
	calc "$(epoch 2 origin_bytes) <= .62 * $DATA"      # 300 files: .61 and one file
	calc "$(tier 1 written_bytes) <= 1.05 * .3 * $DATA"
	calc "$(tier 0 peak_bytes) <= $(tier 0 budget_bytes) and $(tier 1 peak_bytes) <= $(tier 1 budget_bytes)"
	[ "$(stat errors)" = 0 ]
	no_session
	with_trace
	left
	cat "$OPT4_STATS"
	calc "$(epoch 0 origin_bytes) <= .72 * $DATA"
	calc "$(tier 1 written_bytes) <= .02 * $DATA"
	"$OPT4" report "$OPT4_STATS" -o "$BATS_TEST_TMPDIR/page.html"
	grep -q 'written to the SSD' "$BATS_TEST_TMPDIR/page.html"
	! grep OPT4_SSD "$OPT4_LOG"
}

@test "keep, lru and the others, without a trace: what has gone there stays there" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=30% OPT4_CACHE=$((DATA / 10))
	OPT4_SSD_SIZE=$((DATA * 3 / 10))
	for OPT4_POLICY in keep lru random; do
		export OPT4_POLICY
		job 2 .003
		left
		echo "$OPT4_POLICY: $(cat "$OPT4_STATS")"
		calc "$(tier 1 used_bytes) >= .27 * $DATA"
		calc "$(tier 1 hits) >= .25 * $N"
		calc "$(tier 1 written_bytes) <= .31 * $DATA"
		no_session
		job 1
		left
		calc "$(tier 1 hits) >= .25 * $N and $(tier 1 written_bytes) < .03 * $DATA"
		no_session
		"$OPT4" clean --ssd "$DISK"
		[ -z "$(ls -A "$DISK" | grep -v lost+found)" ]
	done
}

@test "every way to read a file, from the SSD" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	job 3 .002
	left
	no_session
	find "$ROOT" -type f | sort | head -40 >"$BATS_TEST_TMPDIR/files"
	ways=$("$PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import readers; print(",".join(r for r in readers.READERS if r not in ("pil", "read_file", "torch_load")))' "$REPO/tests/lib")
	"$PYTHON" "$REPO/tests/lib/readers.py" "$ways" "$BATS_TEST_TMPDIR/files" >"$BATS_TEST_TMPDIR/plain"
	LD_PRELOAD=$LIB within 60 "$PYTHON" "$REPO/tests/lib/readers.py" "$ways" "$BATS_TEST_TMPDIR/files" >"$BATS_TEST_TMPDIR/cached"
	cmp "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/cached"
	left
	calc "$(tier 1 hits) > 40"
	calc "$(stat misses) < $(stat hits) / 4"
	# identity: what stat says of a descriptor is the original's
	LD_PRELOAD=$LIB tar -C "$ROOT" -cf "$BATS_TEST_TMPDIR/tar" .
	tar -C "$ROOT" -df "$BATS_TEST_TMPDIR/tar"
}

@test "a file that has changed since is read anew" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	cp -a "$ROOT" "$BATS_TEST_TMPDIR/copy"
	export ROOT=$BATS_TEST_TMPDIR/copy OPT4_ROOT=$BATS_TEST_TMPDIR/copy
	job 2 .003
	left
	no_session
	cp "$SUMS" "$BATS_TEST_TMPDIR/sums"
	local one
	for one in $(cd "$ROOT" && find . -type f -printf '%P\n' | sort | head -20); do
		head -c 5000 /dev/urandom >"$ROOT/$one"
		sed -i "s,^$one .*,$one $(sha256sum <"$ROOT/$one" | cut -d' ' -f1)," "$BATS_TEST_TMPDIR/sums"
	done
	sleep .1
	SUMS=$BATS_TEST_TMPDIR/sums job 2 .003
	left
	[ "$(stat invalidated)" -ge 1 ]
}

@test "objects zeroed behind our back are never given to anybody; it is said once" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	job 2 .003
	left
	no_session
	n=$(find "$DISK" -path '*/objects/*' -type f | wc -l)
	[ "$n" -gt $((N / 2)) ]
	find "$DISK" -path '*/objects/*' -type f | sort | awk 'NR % 3 == 0' | while read -r f; do
		dd if=/dev/zero of="$f" bs="$(stat_size "$f")" count=1 conv=notrunc status=none
	done
	find "$DISK" -path '*/objects/*' -type f | sort | awk 'NR % 7 == 0' | xargs truncate -s 100
	find "$DISK" -path '*/objects/*' -type f | sort | awk 'NR % 11 == 0' | xargs rm
	job 2 .003
	left
	cat "$OPT4_LOG" "$OPT4_STATS"
	[ "$(grep -c 'is not what was written' "$OPT4_LOG")" = 1 ]
	calc "$(stat errors) >= $n / 3"
}
stat_size() { command stat -c %s "$1"; }

@test "a log cut short, or of garbage, costs no more than what it names" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	job 2 .003
	left
	no_session
	log=$(echo "$DISK"/opt4-0/*/sealed)
	truncate -s $(($(stat_size "$log") * 2 / 3 + 3)) "$log"
	job 1
	left
	calc "$(tier 1 hits) >= .2 * $N and $(tier 1 hits) < .8 * $N"
	no_session
	head -c 100000 /dev/urandom >"$log"
	job 2 .003
	left
	no_session
	# what nobody names has been removed, and what is there is charged
	calc "$(tier 1 used_bytes) == $(find "$DISK" -path '*/objects/*' -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')"
}

@test "the job and its keeper killed: what was not sealed is not trusted and does not stay" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	for wait in .3 .6 1 2; do
		LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 50 "$SEED" .001 &
		pid=$!
		sleep $wait
		keeper=$(pgrep -f "^opt4d $(sessions)\$" || true)   # its name has the root's hash: nobody else's
		kill -9 $pid $keeper
		wait $pid || true
		job 1
		left
		no_session
		calc "$(tier 1 used_bytes) == $(find "$DISK" -path '*/objects/*' -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')"
		[ -z "$(find "$DISK" -path '*/new/*' -type f)" ]
	done
}

@test "full, read-only, removed, unplugged in mid-job: the job goes on, with the right bytes" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep OPT4_SSD_SIZE=90M
	umount "$DISK" && disk 10M                  # full below its budget
	job 2 .003
	left
	no_session
	in_job() {
		LD_PRELOAD="$LIB" within 60 "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 4 "$SEED" .002 >"$BATS_TEST_TMPDIR/out" &
		sleep 1.5
		"$@"
		wait $!
		cat "$BATS_TEST_TMPDIR/out"
		[ "$(cat "$BATS_TEST_TMPDIR/out")" = "read $((N * 4)) wrong 0 failed 0" ] || return 1
		no_session
	}
	umount "$DISK" && disk 100M
	in_job rm -rf "$DISK/opt4-0"
	read_only() { for _ in {1..100}; do mount -o remount,ro "$DISK" && return; sleep .05; done; }
	in_job read_only
	mount -o remount,rw "$DISK"
	rm -rf "$DISK"/opt4-0
	in_job umount -l "$DISK"
}

@test "what lies there of files that are gone makes room, though nobody opens them" {
	cp -a "$ROOT" "$BATS_TEST_TMPDIR/copy"
	export ROOT=$BATS_TEST_TMPDIR/copy OPT4_ROOT=$BATS_TEST_TMPDIR/copy OPT4_SSD=$DISK OPT4_SSD_SIZE=$((DATA / 4)) OPT4_CACHE=1M OPT4_POLICY=keep
	job 2 .002
	left
	no_session
	# half of the dataset goes, and comes back under other names
	local f
	while read -r f; do mv "$ROOT/$f" "$ROOT/${f%.jpg}_new.jpg"; done < <(cut -d' ' -f1 "$SUMS" | awk 'NR % 2')
	awk 'NR % 2 { sub(/\.jpg /, "_new.jpg ") } { print }' "$SUMS" >"$BATS_TEST_TMPDIR/sums"
	SUMS=$BATS_TEST_TMPDIR/sums job 4 .003
	left
	cat "$OPT4_STATS"
	calc "$(tier 1 written_bytes) >= .06 * $DATA"
}

@test "others fill the disk: what lies there gives way until a twentieth is free again" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	free() { df -B1 --output=avail,size "$DISK" | tail -1; }
	LD_PRELOAD="$LIB" within 60 "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 6 "$SEED" .002 >"$BATS_TEST_TMPDIR/out" &
	local job=$!
	sleep 2
	before=$(find "$DISK" -path '*/objects/*' -type f | wc -l)
	read -r avail size < <(free)
	fallocate -l $((avail - size / 50)) "$DISK/others"
	for _ in {1..50}; do
		read -r avail size < <(free)
		[ "$avail" -lt $((size / 20 - 200000)) ] || break
		sleep .1
	done
	free
	[ "$avail" -ge $((size / 20 - 200000)) ]
	after=$(find "$DISK" -path '*/objects/*' -type f | wc -l)
	wait $job
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "read $((N * 6)) wrong 0 failed 0" ]
	[ "$after" -lt "$before" ]
}

@test "reads that fail with EIO are of the original; the object is dropped, said once" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	job 3 .002
	left
	no_session
	# the objects alone: where the folder's own files can't be read either, the whole disk is given up
	SLOWSTORE_ROOT=$(find "$DISK" -name objects -type d)
	export SLOWSTORE_ROOT SLOWSTORE_STATE=$BATS_TEST_TMPDIR/state SLOWSTORE_LATENCY=0 SLOWSTORE_FAIL=eio:5
	within 60 env LD_PRELOAD="$LIB:$SLOWSTORE" "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 2 "$SEED" .001 >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out" "$OPT4_LOG"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "read $((N * 2)) wrong 0 failed 0" ]
	[ "$(grep -c 'the original is read' "$OPT4_LOG")" = 1 ]
	[ "$(stat errors)" -ge 1 ]
}

@test "an uneven future: with replacement, and one rank of four, R + S hit what Belady hits, but for 2.5 points" {
	dataset "$BATS_TEST_TMPDIR/even" 600 20000
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$BATS_TEST_TMPDIR/even" >"$BATS_TEST_TMPDIR/sums.json"
	cd "$BATS_TEST_TMPDIR"
	export OPT4_ROOT=$PWD/even OPT4_SSD=$DISK OPT4_SSD_SIZE=30% OPT4_CACHE=10% OPT4_TRACE=$PWD/uneven.trace
	for how in "--epochs 3 --replacement" "--epochs 8 --world-size 4 --ranks 0"; do
		"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder even --seed "$SEED" --batch-size 8 --workers 2 $how -o uneven.trace 2>/dev/null
		"$PYTHON" "$OPT4_TRACE_TOOL" show uneven.trace --json >uneven.json
		within 120 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/keeper/reader.py" uneven.json even --workers 2 --sums sums.json --compute .02 >out
		cat out
		[ "$(json "['wrong']" <out)" = 0 ]
		left
		best=$("$PYTHON" "$REPO/tests/ssd/belady.py" uneven.json .4)
		echo "$how: Belady $best, $(json "['reuse_ratio']" <"$OPT4_STATS") $(json "['tiers']" <"$OPT4_STATS")"
		calc "$(json "['reuse_ratio']" <"$OPT4_STATS") >= $best - .025"
		[ "$(tier 1 evictions)" -gt 0 ]
		no_session
		"$OPT4" clean --ssd "$DISK"
	done
}

@test "opt4 stat, ls and clean know it" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep OPT4_SSD_SIZE=3M
	OPT4_KEEP=1 job 2 .003
	left
	"$OPT4" stat | grep -E '^ssd .*files.*of 3.0 MiB'
	"$OPT4" ls | grep -E 'ssd .*'"$DISK"
	"$OPT4" clean --all
	"$OPT4" clean --ssd "$DISK"
	[ ! -e "$DISK/opt4-0" ]
}

@test "warm: what fits is there, nothing is read twice, the job begins with it" {
	local size=$((DATA * 3 / 10)) cache=$((DATA / 10))
	warm() { "$OPT4" warm --root "$ROOT" --cache $cache --ssd "$DISK" --ssd-size $size "$@" 2>&1 | tee "$BATS_TEST_TMPDIR/said"; }
	warm
	[[ $(cat "$BATS_TEST_TMPDIR/said") =~ ([0-9]+)" of "[0-9]+" files are there".*" "([0-9]+)" read just now" ]]
	local there=${BASH_REMATCH[1]} read=${BASH_REMATCH[2]}
	[ "$there" = "$read" ]
	calc "$there >= .2 * $N"
	warm
	[[ $(cat "$BATS_TEST_TMPDIR/said") =~ ([0-9]+)" of "[0-9]+" files are there".*" "([0-9]+)" read just now" ]]
	[ "${BASH_REMATCH[2]}" -le 5 ]              # what just did not fit
	OPT4_SSD=$DISK OPT4_SSD_SIZE=$size OPT4_CACHE=$cache OPT4_POLICY=keep job 1
	left
	calc "$(stat origin_bytes) <= .66 * $DATA and $(stat hits) >= .3 * $N"
	"$OPT4" clean --all
	no_session
	# by the trace: what the job needs first
	"$OPT4" clean --ssd "$DISK"
	"$OPT4" warm --trace order.trace --root "$ROOT" --cache $cache --quiet
	first=$("$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json | head -15 | json_lines)
	"$OPT4" stat --json | json "['resident_files']"
	OPT4_STATS= OPT4_CACHE=$cache OPT4_KEEP=1 OPT4_POLICY=keep LD_PRELOAD=$LIB "$PYTHON" -c 'import sys
for path in sys.argv[1:]: sys.stdout.buffer.write(open(path, "rb").read())' $first >"$BATS_TEST_TMPDIR/bytes"
	cat $first | cmp - "$BATS_TEST_TMPDIR/bytes"
	"$OPT4" stat --json | json "['hits']" | tee "$BATS_TEST_TMPDIR/hits" | grep -x "1[0-5]"
	"$OPT4" clean --all
	# broken off
	SLOWSTORE_ROOT=$ROOT SLOWSTORE_LATENCY=50ms SLOWSTORE_STATE=$BATS_TEST_TMPDIR/state LD_PRELOAD=$SLOWSTORE "$OPT4" warm --root "$ROOT" --cache 100M 2>"$BATS_TEST_TMPDIR/said" &
	sleep .5
	kill -INT $!
	wait $! && return 1 || [ $? = 130 ]
	cat "$BATS_TEST_TMPDIR/said"
	"$OPT4" warm --root "$ROOT" --cache 100M 2>&1 | tee "$BATS_TEST_TMPDIR/said"
	grep "$N of $N files are there" "$BATS_TEST_TMPDIR/said"
	"$OPT4" clean --all
}
json_lines() { "$PYTHON" -c 'import json, os, sys
for line in sys.stdin: print(os.path.join(os.environ["ROOT"], json.loads(line)["path"]))'; }
