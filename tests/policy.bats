#!/usr/bin/env bats
# The eviction policies and the simulator against oracles that know nothing of them. SEED=n repeats a run.

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	export SAN="-fsanitize=address,undefined -fno-sanitize-recover=all"
	export POLICY_C="${CC:-cc} -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE"
	# Where the sanitizers' libraries are missing the tests run without them.
	echo 'int main(void) { return 0; }' > "$BATS_FILE_TMPDIR/san.c"
	$POLICY_C $SAN -o "$BATS_FILE_TMPDIR/san" "$BATS_FILE_TMPDIR/san.c" 2> /dev/null || SAN=
	$POLICY_C $SAN -o "$BATS_FILE_TMPDIR/drive" tests/policy/drive.c tools/opt4/plan/simulate.c preload/base/page.c policy/*.c
	$POLICY_C $SAN -o "$BATS_FILE_TMPDIR/axes" tests/policy/axes.c policy/*.c
	$POLICY_C $SAN -o "$BATS_FILE_TMPDIR/expected" tests/policy/expected.c tests/policy/expected_session.c policy/*.c
	$POLICY_C $SAN -o "$BATS_FILE_TMPDIR/limits" tests/policy/limits.c policy/*.c
}

setup() {
	cd "$BATS_TEST_DIRNAME/.."
}

@test "every policy hits exactly what its oracle hits, and opt is optimal" {
	run timeout 300 python3 tests/policy/compare.py "$BATS_FILE_TMPDIR/drive" $SEED
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "${lines[-1]}" =~ ^[0-9]+\ comparisons\ equal$ ]]
}

@test "opt over several axes, the bitset, and the contract of policy.h" {
	local seed=${SEED:-$RANDOM$RANDOM}
	echo "seed $seed"
	timeout 120 "$BATS_FILE_TMPDIR/axes" "$seed" 30
}

@test "loaders in turn and side by side, each known for its epoch only: never below keep, Belady's where the future repeats" {
	local seed=${SEED:-$RANDOM$RANDOM}
	echo "seed $seed"
	timeout 300 "$BATS_FILE_TMPDIR/expected" "$seed"
}

@test "fifo's ring and lfu's counts when they are full, and damaged" {
	local seed=${SEED:-$RANDOM$RANDOM}
	echo "seed $seed"
	timeout 60 "$BATS_FILE_TMPDIR/limits" "$seed"
}

@test "a policy is a page of code that knows nothing of files, processes or the heap" {
	for f in opt lru lfu fifo random keep; do
		[ "$(wc -l < policy/$f.c)" -lt 150 ]
	done
	# Nothing from outside but strcmp (policy_find).
	for f in policy/*.c; do
		$POLICY_C -O2 -c -o "$BATS_TEST_TMPDIR/$(basename "$f").o" "$f"
	done
	run bash -c "nm -u '$BATS_TEST_TMPDIR'/*.c.o | awk 'NF == 2 { print \$2 }' | grep -v -e ^policy_ -e ^bits_ -e ^past_ -e ^_GLOBAL_OFFSET_TABLE_ | sort -u"
	echo "$output"
	[ "$output" = strcmp ]
}

@test "the oracles agree with cases worked out by hand" {
	run python3 - <<'PY'
import sys
sys.path.insert(0, "tests/policy")
from oracle import *
abc = [0, 1, 2, 0, 1, 3, 0, 1]
def hits(h): return "".join(".H"[x] for x in h)
one = [1] * 4
assert hits(lru(abc, one, 2)) == "........", hits(lru(abc, one, 2))
assert hits(fifo([0, 1, 0, 2, 0, 1], one, 2)) == "..H...", hits(fifo([0, 1, 0, 2, 0, 1], one, 2))
assert hits(lru([0, 1, 0, 2, 0, 1], one, 2)) == "..H.H.", hits(lru([0, 1, 0, 2, 0, 1], one, 2))
assert hits(lfu([0, 0, 1, 2, 1, 0], one, 2)) == ".H...H"
assert hits(keep(abc, one, 2)) == "...HH.HH"
assert hits(belady(abc, one, 2)) == "...HH.HH"
assert hits(belady([0, 1, 2, 2, 0, 1], [2, 1, 1], 2)) == "...H.."   # 1 bypassed, 0 goes for 2, 0 bypassed
assert hits(lru([0, 1, 2, 2, 0, 1], [2, 1, 1], 2)) == "...H.."
assert hits(belady_admit(abc, 2)) == "...H..H." and best(abc, 2) == 4
PY
	echo "$output"
	[ "$status" -eq 0 ]
}
