# What one process does while another is in the middle of a fill: changes the file, runs out of descriptors, ends.

load common
load lib/situations

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p data/sub data/later
	local f
	for f in a b sub/a; do { printf 'old:'; head -c 99996 /dev/zero; } >data/$f.jpg; done
	for f in next later/a.jpg; do { printf 'new:'; head -c 49996 /dev/zero; } >data/$f; done
	sleep .05
	export OPT4_PREFETCH=off OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_ROOT=$PWD/data OPT4_CACHE=5M
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=600 SLOW=$LIB:$SLOWSTORE
}

teardown() { rm -rf "$OPT4_DIR"; }

# beside CASE: what it said, and that the books are right: whole pages of what is resident
beside() {
	within 60 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/beside.py" "$1" "$PWD/data" 2>/dev/null
}
books() { [ "$(stat_of resident_files) $(stat_of used_bytes)" = "$1" ] || { cat "$OPT4_STATS"; return 1; }; }

@test "no descriptor left to look at /proc: the living are not taken for dead" {
	[ "$(beside emfile)" = "old: 100000" ]
	[ "$(stat_of repairs)" = 0 ]
	books "2 204800"
}

@test "a descriptor on a file that has been replaced keeps its bytes, whoever fills the new one" {
	[ "$(beside successor)" = "old: 100000" ]
}

@test "a folder renamed while a file in it is being filled: the fill is thrown away" {
	[ "$(OPT4_REVALIDATE=never beside renamed)" = "new: 50000" ]
	books "1 53248"
}

@test "a process that exits while a thread of its fills: the next reader finishes it" {
	[ "$(beside exit)" = "old: 100000" ]
	[ "$(stat_of repairs)" = 1 ]
	books "1 102400"
}
