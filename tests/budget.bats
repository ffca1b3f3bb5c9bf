# The budget holds at every instant, by the session's own account and by what tmpfs really has.

load common
load lib/situations

setup_file() {
	file_data 600 1K-200K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 30 --seed 1 --replacement -o order.trace 2>&1
}

setup() {
	test_data
	export OPT4_PREFETCH=off OPT4_ROOT=$PWD/data
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER
	mkdir -m 700 "$OPT4_DIR"
}

teardown() {
	unmount_all
	rm -rf "$OPT4_DIR"
}

# watched_churn POLICY OPTION...: 8 processes churn; two watch, and at the end all is right
watched_churn() {
	local policy=$1
	shift
	[ "$(id -u)" != 0 ] || tmpfs "$OPT4_DIR" 100M    # of its own, so that df sees nothing else
	export OPT4_POLICY=$policy OPT4_CACHE=6M
	holder
	start account "$B/tests/session_samples" "$OPT4_DIR/index"
	start df "$PYTHON" "$REPO/tests/lib/watch_budget.py" "$OPT4_DIR"
	churn "$SUMS" --procs 8 --count 400 --seed "$SEED" "$@"
	finish df
	local df=$said
	finish account
	echo "$policy: $churned; df: $df; account: $said"
	"$OPT4" stat --json "$OPT4_DIR" >"$OPT4_STATS"
	[ "$(id -u)" != 0 ] || calc "$(json "['most_df']" <<<"$df") <= $((6 << 20)) + $(json "['index_grown']" <<<"$df")"
	set -- $said
	[ "$1" -gt 10000 ]
	[ "$3" = 1536 ]
	[ "$4" = 0 ]
	[ "$(stat_of peak_bytes)" -le $((6 << 20)) ]
	[ "$(stat_of errors)" = 0 ] || { cat "$OPT4_STATS" "$OPT4_LOG"; return 1; }
	# in the end the account is what lies there, to the page
	calc "$(stat_of used_bytes) + $(stat_of lingering_bytes) == $(json "['files']" <<<"$df")"
	finish holder
	[ ! -e "$OPT4_DIR/index" ]
}

@test "8 processes churn by lru: used + lingering <= budget at every instant, on tmpfs too" {
	watched_churn lru
	calc "$(stat_of evictions) > 500"
}

@test "the same while each keeps files open and mapped that are evicted meanwhile" {
	watched_churn fifo --hold 6
	calc "$(stat_of evictions) > 500"
}

@test "the same by opt with a trace that nobody follows" {
	OPT4_TRACE=$PWD/order.trace watched_churn opt --hold 2
	calc "$(stat_of hits) > 100"
}

@test "an eviction that ends while another process looks through what lingers is given back once" {
	[ "$("$B/tests/reap")" = "3 0" ]
	[ "$("$B/tests/reap" evictor)" = "0 0" ]
}

# index_bytes: what a session with this dataset takes besides objects
index_bytes() {
	tmpfs "$OPT4_DIR" 200M
	holder
	local all=$(df --output=used -B1 "$OPT4_DIR" | tail -1) file=$(stat -c %s "$(head -1 "$LIST")")
	finish holder
	unmount_all
	echo $((all - (file + 4095) / 4096 * 4096))
}

@test "a tmpfs of just the budget, the index and what is always left free: no error, the budget is used" {
	need_root "mounts a tmpfs"
	export OPT4_CACHE=40M OPT4_POLICY=lru
	local index=$(index_bytes) grown=$((256 << 10))
	tmpfs "$OPT4_DIR" $((index + grown + (40 << 20) + (32 << 20)))
	holder
	churn "$SUMS" --procs 4 --count 500 --hold 3 --seed "$SEED"
	finish holder
	cat "$OPT4_STATS"
	[ "$(stat_of errors)" = 0 ]
	calc "$(stat_of peak_bytes) > .95 * $((40 << 20))"
	calc "$(stat_of evictions) > 50"
}

@test "a tmpfs of the budget and the index alone: less is cached, no error, room is left for others" {
	need_root "mounts a tmpfs"
	export OPT4_CACHE=40M OPT4_POLICY=lru
	local index=$(index_bytes)
	tmpfs "$OPT4_DIR" $((index + (40 << 20)))
	holder
	churn "$SUMS" --procs 4 --count 500 --hold 3 --seed "$SEED"
	df -B1 "$OPT4_DIR"
	[ "$(df --output=avail -B1 "$OPT4_DIR" | tail -1)" -gt $((24 << 20)) ]
	finish holder
	[ "$(stat_of errors)" = 0 ]
	calc "4000000 < $(stat_of used_bytes) < 12000000"
}

@test "a tmpfs smaller than the budget, than an index, than a file: right bytes, and it is said" {
	need_root "mounts a tmpfs"
	export OPT4_CACHE=40M OPT4_POLICY=lru
	local size
	for size in 20M 1M 300K 64K 4K; do
		rm -f "$OPT4_LOG"
		tmpfs "$OPT4_DIR" $size
		churn "$SUMS" --procs 2 --count 100
		cat "$OPT4_LOG"
		grep -q 'opt4: OPT4_CACHE: room for 0 of 40 MiB' "$OPT4_LOG"
		[ -z "$(find "$OPT4_DIR" -mindepth 1 | head -1)" ]
		unmount_all
	done
}

@test "somebody else fills the tmpfs: the cache gives way, and the bytes stay right" {
	need_root "mounts a tmpfs"
	export OPT4_CACHE=20M OPT4_POLICY=lru
	tmpfs "$OPT4_DIR" 64M
	holder
	churn "$SUMS" --procs 2 --count 400
	local before=$(du -s -B1 "$OPT4_DIR/objects" | cut -f1)
	calc "$before > $((15 << 20))"
	dd if=/dev/zero of="$OPT4_DIR/others" bs=1M count=20 status=none
	sleep .2
	churn "$SUMS" --procs 2 --count 100
	calc "$(du -s -B1 "$OPT4_DIR/objects" | cut -f1) < $before - $((8 << 20))"
	[ "$(df --output=avail -B1 "$OPT4_DIR" | tail -1)" -gt $((24 << 20)) ]
	dd if=/dev/zero of="$OPT4_DIR/others2" bs=1M status=none || true    # to the last byte
	churn "$SUMS" --procs 2 --count 100
	rm "$OPT4_DIR"/others*
	finish holder
}

@test "a tmpfs that runs out of inodes: what fits is cached, the rest read past it, and it is said" {
	need_root "mounts a tmpfs"
	tmpfs "$OPT4_DIR" 200M
	mount -o remount,nr_inodes=400 "$OPT4_DIR"     # 258 folders, the index, the policy ..
	export OPT4_CACHE=100M OPT4_POLICY=lru
	holder
	churn "$SUMS" --procs 2 --count 400
	finish holder
	grep -q 'opt4: .*inodes' "$OPT4_LOG"
	calc "100 < $(stat_of resident_files) < 140"
	calc "$(stat_of hits) > 50"
	[ "$(stat_of errors)" = 0 ]
}
