# What tests/crash*.bats and tests/budget*.bats do, for longer and harder, and under the sanitizers.

load ../common
load ../lib/situations
load ../lib/record

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	echo "$SEED" >seed
	data "$PWD/data" 300 1K-150K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 3 --seed 1 --batch-size 4 -o data.trace 2>&1
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	SEED=$(cat seed) LIST=$PWD/data.list SUMS=$PWD/data.sums
	echo "TEST_SEED=$SEED"
	RANDOM=$((SEED % 32768))
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_ROOT=$PWD/data OPT4_CACHE=5M
	export SLOWSTORE_ROOT=$PWD/data
}

# none_left: no session of this dataset, once a keeper has had its second
none_left() {
	for _ in {1..100}; do
		[ -n "$(find /dev/shm -path "*opt4-$(id -u)/data-*" -prune)" ] || return 0
		sleep .1
	done
	find /dev/shm
	return 1
}

@test "500 workers killed and stopped at random beside 4 that go on: right bytes, the budget held, nothing left" {
	local i victim kills=0
	export OPT4_POLICY=lru OPT4_PREFETCH=off OPT4_DIR=/dev/shm/opt4-test-long SLOWSTORE_LATENCY=1ms
	holder
	start account "$B/tests/session_samples" "$OPT4_DIR/index"
	LD_PRELOAD=$LIB within 560 "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 4 --hold 4 --seconds 240 >"$BATS_TEST_TMPDIR/others" 3>&- &
	local others=$!
	for i in {1..100}; do
		rm -f "$BATS_TEST_TMPDIR/pids"
		LD_PRELOAD=$LIB:$SLOWSTORE "$PYTHON" "$REPO/tests/lib/churn.py" "$SUMS" --procs 5 --hold 2 --seconds 60 --seed "$SEED$i" --may-die \
			--pids "$BATS_TEST_TMPDIR/pids" >/dev/null 3>&- &
		while [ ! -s "$BATS_TEST_TMPDIR/pids" ]; do sleep .02; done
		sleep .$((RANDOM % 10))$((RANDOM % 10))
		for victim in $(cat "$BATS_TEST_TMPDIR/pids"); do
			[ $((RANDOM % 2)) = 0 ] || { kill -STOP "$victim"; sleep .0$((RANDOM % 10)); }
			kill -9 "$victim" && kills=$((kills + 1))
		done
		wait $!
	done
	wait $others || { cat "$BATS_TEST_TMPDIR/others"; return 1; }
	LD_PRELOAD=$LIB cat "$(head -1 "$LIST")" >/dev/null
	"$OPT4" stat --json "$OPT4_DIR" >"$BATS_TEST_TMPDIR/now"
	local lies=$(find "$OPT4_DIR/objects" "$OPT4_DIR/dead" -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')
	local thinks=$(($(json "['used_bytes']" <"$BATS_TEST_TMPDIR/now") + $(json "['lingering_bytes']" <"$BATS_TEST_TMPDIR/now")))
	echo "lies $lies, thinks $thinks"; cat "$BATS_TEST_TMPDIR/others"
	finish account
	echo "account: $said"
	local over=${said##* }
	of() { json "['$1']" <"$BATS_TEST_TMPDIR/others"; }
	record kills "workers, some stopped first" "$kills" 0 0 "$(of reads)" "$(of wrong)" "$(of slowest)" - "$over"
	[ "$over" = 0 ] && [ $kills = 500 ]
	calc "$lies <= $thinks <= $lies + 600000"
	finish holder
	[ "$(stat_of errors)" = 0 ]
	[ ! -e "$OPT4_DIR" ]
}

@test "1,000 damaged traces" {
	head -20 "$SUMS" >few.sums
	OPT4_DIR=/dev/shm/opt4-test-long OPT4_PREFETCH=off within 900 "$PYTHON" "$REPO/tests/lib/damage.py" "$PWD/data.trace" \
		few.sums 1000 "$SEED" "$PWD/data"
}

@test "500 jobs that come and go on one root, 25 at a time: sessions made, joined and removed under each other's feet" {
	local round i jobs want=$(xargs -a "$LIST" cat | sha256sum)
	job() {
		sleep ".$((RANDOM % 10))"
		[ "$(LD_PRELOAD=$LIB xargs -a "$LIST" -n "$1" cat | sha256sum)" = "$want" ] || echo "wrong bytes" >>"$BATS_TEST_TMPDIR/wrong"
	}
	for round in {1..20}; do
		jobs=()
		for i in {1..25}; do
			job $((RANDOM % 100 + 10)) 3>&- &
			jobs+=($!)
		done
		wait "${jobs[@]}"   # not for all: bats' own clock is one
	done
	[ ! -e "$BATS_TEST_TMPDIR/wrong" ]
	none_left
}

@test "built with the address and undefined behaviour sanitizers: every policy churning, readers and threads" {
	local asan=$BATS_FILE_TMPDIR/asan libs policy
	for lib in libasan.so libubsan.so; do
		libs+=$(gcc -print-file-name=$lib):
		[ -e "$(gcc -print-file-name=$lib)" ] || skip "gcc has no $lib"
	done
	make -C "$REPO" B="$asan" CFLAGS="-fsanitize=address,undefined -fno-omit-frame-pointer" LDFLAGS="-fsanitize=address,undefined" "$asan/libopt4.so" >/dev/null
	export ASAN_OPTIONS=detect_leaks=0:log_path=$BATS_TEST_TMPDIR/found UBSAN_OPTIONS=print_stacktrace=1:log_path=$BATS_TEST_TMPDIR/found
	for policy in opt lru lfu fifo random keep; do
		OPT4_POLICY=$policy OPT4_TRACE=$PWD/data.trace LD_PRELOAD=$libs$asan/libopt4.so within 200 "$PYTHON" "$REPO/tests/lib/churn.py" \
			"$SUMS" --procs 4 --count 400 --hold 3
	done
	OPT4_TRACE=$PWD/data.trace LD_PRELOAD=$libs$asan/libopt4.so within 200 "$PYTHON" "$REPO/tests/lib/readers.py" \
		open,unbuffered,seek,readinto,pread,preadv,mmap,sendfile,dup,copyfile,text "$LIST" --threads 4 --rounds 3 | wc -l
	cat "$BATS_TEST_TMPDIR"/found* 2>/dev/null || true
	[ -z "$(ls "$BATS_TEST_TMPDIR" | grep found)" ]
}
