# The keeper: bytes are there before they are asked for, and the job never depends on it. The job is
# tests/keeper/reader.py, which reads as a DataLoader's workers do, on a store of 10 ms a file.

load common

N=400 W=2

setup_file() {
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/keeper$$
	dataset "$ROOT" $N ~40K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 3 --seed "$SEED" --batch-size 8 --workers $W -o order.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show order.trace --json >order.json
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$ROOT" >sums.json
	sleep .1    # what has changed this very moment is not cached
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_TRACE=$PWD/order.trace OPT4_CACHE=50% OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
	export SLOWSTORE_ROOT=$ROOT SLOWSTORE_LATENCY=10 SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store
	unset SLOWSTORE_FAIL SLOWSTORE_BANDWIDTH OPT4_PREFETCH OPT4_KEEP OPT4_POLICY
}

teardown() {
	[ -z "${job:-}" ] || kill -9 "$job" 2>/dev/null || true
	no_session
}

# job [OPTION...]: the whole job, its result in ./result; every byte read is compared.
job() {
	within "${LIMIT:-120}" env LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/tests/keeper/reader.py" order.json "$ROOT" \
		--workers $W --sums sums.json --pidfile "$BATS_TEST_TMPDIR/pid" "$@" >"$BATS_TEST_TMPDIR/result"
}

stat() { json "['$1']" <"$OPT4_STATS"; }
result() { json "['$1']" <"$BATS_TEST_TMPDIR/result"; }
keeper() { pgrep -f "opt4d /.*/keeper$(basename "$ROOT" | tr -cd 0-9)-"; }
show_keepers() { for p in $(keeper); do ps -o pid,ppid,stat,etime,args -p "$p"; done; true; }
gone_keeper() {
	for _ in {1..100}; do
		[ -n "$(keeper)" ] || return 0
		sleep .1
	done
	show_keepers
	return 1
}
await_keeper() {
	for _ in {1..200}; do
		keeper >/dev/null && return 0
		sleep .05
	done
	echo "no keeper came"
	return 1
}
# Only the keepers that are there now; the job goes on.
kill_keeper() {
	local p
	for p in $(keeper); do
		kill "-$1" "$p" 2>/dev/null || true
	done
}

@test "the first epoch, too, finds its files there; no more is read than Belady would" {
	local least
	job --compute .01
	echo "$(cat "$OPT4_STATS") the store gave $(store_stat bytes) bytes"
	[ "$(result wrong)" = 0 ]
	[ "$(stat accesses)" = $((3 * N)) ]
	# the store is ten times slower than the job; what the first batches wait for is all that is missed
	calc "$(stat hits) >= 0.85 * $(stat accesses)"
	calc "$(json "['epochs'][2]['hits']" <"$OPT4_STATS") >= 0.95 * $N"
	least=$("$OPT4" plan --trace order.trace --cache "$(stat budget_bytes)" --policy opt --json | json "[0]['origin_bytes']")
	echo "Belady: $least bytes"
	calc "$(stat origin_bytes) <= 1.01 * $least"
	calc "$(stat prefetch_wasted) <= 0.01 * $(stat prefetched)"
	# our own account is what the store saw
	[ "$(stat origin_bytes)" = "$(store_stat bytes)" ]
	calc "$(stat peak_bytes) <= $(stat budget_bytes)"
}

@test "fetching ahead costs no fetch more than Belady's, in a small dataset, too" {
	local small=$PWD/small$$ w c least
	dataset "$small" 200 8000
	for w in 2 4; do
		c=$((200 / w))
		"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$small" --epochs 4 --seed "$SEED" --batch-size 8 --workers $w -o small.trace
		"$PYTHON" "$OPT4_TRACE_TOOL" show small.trace --json >small.json
		least=$(python3 "$REPO/tests/keeper/belady.py" small.json $c | json "['fetched']")
		SLOWSTORE_ROOT=$small OPT4_TRACE=$PWD/small.trace OPT4_CACHE=$((c * 8192)) within 60 env LD_PRELOAD="$LIB:$SLOWSTORE" \
			python3 "$REPO/tests/keeper/reader.py" small.json "$small" --workers $w --compute .01 >small
		echo "$w workers, $c files, least $least: $(cat small) $(cat "$OPT4_STATS")"
		[ "$(stat accesses)" = 800 ]
		calc "round((1 - $(stat reuse_ratio)) * 800) <= 1.01 * $least"
		# and yet it runs ahead: most of what must be fetched is there in time
		calc "$(stat misses) <= 0.5 * $least"
		calc "$(stat prefetch_wasted) <= 0.01 * $(stat prefetched)"
	done
}

@test "OPT4_PREFETCH=off: no keeper, nothing prefetched" {
	SLOWSTORE_LATENCY=1 OPT4_PREFETCH=off job &
	local all=$!
	for _ in {1..20}; do
		[ -z "$(keeper)" ]
		sleep .05
	done
	wait $all
	[ "$(stat prefetched)" = 0 ]
}

@test "OPT4_PREFETCH=2: never more than two batches ahead" {
	OPT4_PREFETCH=2 OPT4_CACHE=100% job --compute .05 --limit 10 --linger 1
	[ "$(result wrong)" = 0 ]
	[ "$(stat accesses)" = 80 ]
	calc "0 < $(stat fills) - $(stat accesses) <= 2 * 8"
}

@test "a process of its own: parent, session, descriptors, folder, signals, niceness, preloads" {
	job --compute .01 --linger 2 3>"$BATS_TEST_TMPDIR/three" &
	local all=$! p
	await_keeper
	for _ in {1..40}; do
		p=$(keeper)
		[ -z "$p" ] || ! grep -q slowstore.so "/proc/$p/maps" || break
		sleep .05
	done
	sleep .3
	[ "$(wc -w <<<"$p")" = 1 ]
	[ "$(readlink "/proc/$p/fd/0" "/proc/$p/fd/1" "/proc/$p/fd/2" | sort -u)" = /dev/null ]
	[ -z "$(ls -l "/proc/$p/fd" 2>/dev/null | grep three)" ]
	[ "$(readlink "/proc/$p/cwd")" = / ]
	[ "$(ps -o ppid= -p "$p" | tr -d ' ')" != "$(cat "$BATS_TEST_TMPDIR/pid")" ]
	[ "$(ps -o sid= -p "$p" | tr -d ' ')" = "$p" ]
	calc "$(ps -o ni= -p "$p") > $(ps -o ni= -p "$(cat "$BATS_TEST_TMPDIR/pid")")"
	# SIGHUP 1, SIGINT 2, SIGIO 29 ignored; nothing else, nothing blocked
	[ "$(awk '/^SigIgn/ { print $2 }' "/proc/$p/status")" = 0000000010000003 ]
	[ "$(awk '/^SigBlk/ { print $2 }' "/proc/$p/status")" = 0000000000000000 ]
	grep -q slowstore.so "/proc/$p/maps"
	[ -z "$(grep libopt4.so "/proc/$p/maps")" ]
	tr '\0' '\n' <"/proc/$p/environ" | grep -x "LD_PRELOAD=$SLOWSTORE"
	wait $all
	no_session
	[ -z "$(keeper)" ]
}

@test "the program sees no child and no SIGCHLD of ours; a pipe ends with it" {
	within 60 env LD_PRELOAD="$LIB" python3 "$REPO/tests/keeper/children.py" "$ROOT" $N | cat >out
	cat out
	[ "$(cat out)" = "children: none, signals: 0, threads: 1" ]
}

@test "kill -9 of the keeper at random moments, 20 times: right bytes, the budget kept, another takes over" {
	local all kills=0 last=0 p different=0 deadline=$((SECONDS + 150))
	# where starting a keeper takes long, one job does not live through so many
	while [ $kills -lt 20 ] && [ $SECONDS -lt $deadline ]; do
		SLOWSTORE_LATENCY=20 job --compute .1 &
		all=$!
		while [ $kills -lt 20 ] && kill -0 $all 2>/dev/null; do
			sleep ".$(printf %03d $((RANDOM % 500)))"
			for p in $(keeper); do
				[ "$p" = $last ] || different=$((different + 1))
				last=$p
				kill -9 "$p" 2>/dev/null && kills=$((kills + 1))
			done
		done
		wait $all
		echo "kills $kills, keepers $different"
		[ "$(result wrong)" = 0 ] && [ "$(result read)" = $((3 * N)) ]
		calc "$(stat peak_bytes) <= $(stat budget_bytes)"
		calc "$(stat used_bytes) + $(stat lingering_bytes) <= $(stat budget_bytes)"
		no_session
	done
	[ $kills -ge 20 ]
	[ $different -ge 5 ]
}

@test "a keeper that is stopped costs what demand costs; it goes on when it may" {
	job --compute .01 &
	local all=$!
	await_keeper
	sleep .5
	kill_keeper STOP
	sleep 2
	kill_keeper CONT
	wait $all
	[ "$(result wrong)" = 0 ] && [ "$(result read)" = $((3 * N)) ]
	calc "$(stat peak_bytes) <= $(stat budget_bytes)"
}

@test "a keeper that is stopped for good: the job ends all the same, and takes the session with it" {
	job --compute .01 &
	local all=$!
	await_keeper
	sleep .5
	kill_keeper STOP
	wait $all
	[ "$(result wrong)" = 0 ] && [ "$(result read)" = $((3 * N)) ]
	local left
	left=$(sessions) || true
	kill_keeper CONT
	[ -z "$left" ]
	# what it was fetching (64 at most) is read past the cache, all else is cached on demand
	calc "(1 - $(stat reuse_ratio)) * 3 * $N <= 1.05 * 2 * $N + 2 * 64"
	gone_keeper
}

@test "a store that fails: the reader sees the original's own answer, everything else is prefetched" {
	local struck
	for fault in eio:50 enoent:50 short:50; do
		rm -f "$SLOWSTORE_STATE"
		SLOWSTORE_FAIL=$fault SLOWSTORE_LATENCY=0 within 60 env LD_PRELOAD="$SLOWSTORE" python3 "$REPO/tests/keeper/reader.py" order.json \
			"$ROOT" --workers $W --sums sums.json --errors >plain
		struck=$(store_stat failures)
		rm -f "$SLOWSTORE_STATE"
		SLOWSTORE_FAIL=$fault job --compute .01 --errors
		echo "$fault: struck $struck, $(store_stat failures); $(cat plain) $(cat "$BATS_TEST_TMPDIR/result")"
		for what in read failed wrong; do
			[ "$(result $what)" = "$(json "['$what']" <plain)" ]
		done
		calc "$(stat hits) >= 0.8 * $(stat accesses)"
		# what failed is not asked for again and again
		calc "$(store_stat failures) <= 3 * $struck"
		calc "$(stat peak_bytes) <= $(stat budget_bytes)"
	done
}

@test "a store that hangs on some files holds up nothing else" {
	SLOWSTORE_FAIL=hang:4:200 job --compute .01
	cat "$OPT4_STATS"
	[ "$(result wrong)" = 0 ] && [ "$(result read)" = $((3 * N)) ]
	# the files that hung are missed, their readers hang as they would have; all others come in time
	calc "$(stat hits) >= 0.8 * $(stat accesses)"
}

@test "kill -9 of the whole job: the keeper removes the session and writes the statistics" {
	within 60 setsid env LD_PRELOAD="$LIB:$SLOWSTORE" python3 "$REPO/tests/keeper/reader.py" order.json "$ROOT" --compute .05 \
		--pidfile "$BATS_TEST_TMPDIR/pid" >/dev/null 2>&1 &
	await_keeper
	sleep .5
	[ -n "$(sessions)" ]
	local main
	main=$(cat "$BATS_TEST_TMPDIR/pid")
	kill -9 "$main" $(pgrep -P "$main")
	no_session
	gone_keeper
	calc "$(stat accesses) > 0"
}

@test "OPT4_KEEP=1: the session stays, the keeper leaves, the next job's keeper goes on from it" {
	OPT4_KEEP=1 job
	gone_keeper
	[ -n "$(sessions)" ]
	job
	[ "$(result wrong)" = 0 ]
	calc "$(stat fills) <= 2.4 * $N"
	no_session
}

@test "what is due for a look is looked at ahead: the reader's open makes no call on the original" {
	"$REPO/tests/setup.sh" strace
	export OPT4_CACHE=100% SLOWSTORE_LATENCY=0
	OPT4_KEEP=1 job
	gone_keeper
	# what another job left behind is due once, however long a look holds
	OPT4_REVALIDATE=60s within 100 strace -f -e trace=%file -o calls -E LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/keeper/reader.py" \
		order.json "$ROOT" --workers $W --sums sums.json --compute .02 --limit 40
	no_session
	# r: a reader's look, k: the keeper's, which opens no object
	awk -v root="$ROOT/" 'NR == FNR { if (/"[^"]*\/objects\//) reader[$1] = 1; next }
		index($0, root) && !/resumed/ { printf "%s", $1 in reader ? "r" : "k" }' calls calls >looks
	echo "$(cat looks) $(cat "$OPT4_STATS")"
	[ "$(stat hits)" = 320 ] && [ "$(stat misses)" = 0 ]
	[ "$(wc -c <looks)" -ge 320 ]
	# readers look for themselves until the keeper has come and is ahead of them, and then no more
	[[ "$(tr -cd k <looks | wc -c)" -ge 100 && "$(tail -c 80 looks)" != *r* ]]
}

@test "the order is not the trace's: prefetch stops, the bytes stay right" {
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 3 --seed $((SEED + 1)) --batch-size 8 --workers $W -o other.trace
	OPT4_TRACE=$PWD/other.trace job --compute .01
	cat "$OPT4_STATS"
	[ "$(result wrong)" = 0 ]
	[ "$(stat gate)" = shut ]
	# nothing is fetched for the wrong order but what it began with, before it was found out: the empty cache at most
	calc "$(stat prefetched_bytes) <= $(stat budget_bytes)"
	calc "$(stat origin_opens) <= 2.3 * $N"
}

@test "keep, lru: what is free is filled ahead, nothing is evicted for it" {
	for policy in keep lru; do
		OPT4_POLICY=$policy job --compute .01
		[ "$(result wrong)" = 0 ]
		[ "$(stat prefetch_wasted)" = 0 ]
		calc "$(stat prefetched) > 0.3 * $N"
		calc "$(stat peak_bytes) <= $(stat budget_bytes)"
	done
}

@test "two jobs on one root, two traces: one keeper fetches for both" {
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 3 --seed $((SEED + 1)) --batch-size 8 --workers $W -o second.trace
	"$PYTHON" "$OPT4_TRACE_TOOL" show second.trace --json >second.json
	job --compute .02 --linger 2 &
	local all=$!
	await_keeper
	OPT4_STATS=$BATS_TEST_TMPDIR/stats2 OPT4_TRACE=$PWD/second.trace within 100 env LD_PRELOAD="$LIB:$SLOWSTORE" \
		python3 "$REPO/tests/keeper/reader.py" second.json "$ROOT" --workers $W --sums sums.json --compute .01 >second &
	local other=$!
	sleep 1
	show_keepers
	[ "$(wc -w <<<"$(keeper)")" = 1 ]
	wait $all
	wait $other
	[ "$(json "['wrong']" <second)" = 0 ] && [ "$(result wrong)" = 0 ]
	local last=$OPT4_STATS
	[ "$OPT4_STATS" -nt "$BATS_TEST_TMPDIR/stats2" ] || last=$BATS_TEST_TMPDIR/stats2
	cat "$last"
	[ "$(json "['accesses']" <"$last")" = $((6 * N)) ]
	calc "$(json "['hits']" <"$last") >= 0.85 * 6 * $N"
}

@test "no opt4d to be found: the job runs, and the log says so" {
	cp "$LIB" "$BATS_TEST_TMPDIR/libopt4.so"
	SLOWSTORE_LATENCY=1 PATH=/usr/bin:/bin LIB=$BATS_TEST_TMPDIR/libopt4.so job
	[ "$(result wrong)" = 0 ]
	[ "$(stat prefetched)" = 0 ]
	grep -q 'opt4: prefetch: no opt4d' "$OPT4_LOG"
}

@test "opt4d's own words: help, version, wrong usage" {
	"$B/opt4d" --help | grep -q 'usage: opt4d'
	"$B/opt4d" --version | grep -q '^opt4d [0-9]'
	run "$B/opt4d"
	[ "$status" = 2 ]
	run "$B/opt4d" /nonexistent/session
	[ "$status" = 1 ]
	[[ "$output" == opt4d:* ]]
}
