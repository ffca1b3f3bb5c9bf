#!/usr/bin/env bats
# The follower's situations with many seeds, and many more damaged traces. SEED=n is the first of them.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.."
	local src="tests/follow/plan.c tests/follow/job.c tests/follow/play.c tests/follow/cache.c preload/order/follow*.c policy/*.c"
	local cc="${CC:-cc} -std=gnu11 -O2 -g -D_GNU_SOURCE"
	$cc -o "$BATS_FILE_TMPDIR/situations" tests/follow/situations.c $src
	$cc -fsanitize=address,undefined -fno-sanitize-recover=all -o "$BATS_FILE_TMPDIR/fuzz" tests/follow/fuzz.c $src
}

@test "every situation, 20 seeds" {
	local first=${SEED:-$RANDOM} seed name bad=0
	for ((seed = first; seed < first + 20; seed++)); do
		for name in $("$BATS_FILE_TMPDIR/situations"); do
			timeout 100 "$BATS_FILE_TMPDIR/situations" "$name" "$seed" > "$BATS_TEST_TMPDIR/out" ||
				{ echo "seed $seed"; grep -B1 "NOT SO" "$BATS_TEST_TMPDIR/out"; bad=1; }
		done
	done
	[ "$bad" = 0 ]
}

@test "50,000 damaged traces" {
	timeout 600 "$BATS_FILE_TMPDIR/fuzz" "${SEED:-$RANDOM$RANDOM}" 50000 > "$BATS_TEST_TMPDIR/out" 2>&1 ||
		{ tail -30 "$BATS_TEST_TMPDIR/out"; return 1; }
}
