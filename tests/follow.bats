#!/usr/bin/env bats
# Following the trace: simulated jobs (tests/follow/model.h) through the follower and exact OPT. SEED=n plays
# others than the fixed ones; each test prints a line a case.

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	local san="-fsanitize=address,undefined -fno-sanitize-recover=all" src cc
	cc="${CC:-cc} -std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Wno-unused-parameter -Werror -D_GNU_SOURCE"
	# Where the sanitizers' libraries are missing the tests run without them.
	echo 'int main(void) { return 0; }' > "$BATS_FILE_TMPDIR/san.c"
	$cc $san -o "$BATS_FILE_TMPDIR/san" "$BATS_FILE_TMPDIR/san.c" 2> /dev/null || san=
	src="tests/follow/plan.c tests/follow/job.c tests/follow/play.c tests/follow/cache.c preload/order/follow*.c policy/*.c"
	$cc $san -o "$BATS_FILE_TMPDIR/situations" tests/follow/situations.c $src
	$cc $san -o "$BATS_FILE_TMPDIR/partners" tests/follow/partners.c $src
	$cc $san -o "$BATS_FILE_TMPDIR/late" tests/follow/late.c $src
	$cc $san -o "$BATS_FILE_TMPDIR/fuzz" tests/follow/fuzz.c $src
}

setup() {
	cd "$BATS_TEST_DIRNAME/.."
}

holds() {
	timeout 200 "$BATS_FILE_TMPDIR/situations" "$1" ${SEED:-}
}

@test "a right trace, shuffled: every access at its position, Belady's hits" { holds right-shuffle; }
@test "a right trace with a validation pass each epoch" { holds right-val; }
@test "a right trace drawn with replacement: the same file twice in a batch" { holds right-replacement; }
@test "a right trace in the same order each epoch" { holds right-sequential; }
@test "a right trace of four ranks in one node, of 4 and of 16" { holds right-ranks; }
@test "other worker counts than the trace has, and batches dealt in any order" { holds other-workers; }
@test "1, 10 and 100 % of the accesses substituted, skipped or added" {
	holds wrong-accesses;
	SEED=10 holds wrong-accesses;   # where chance matches at an epoch's beginning lead astray a follower that believes them
}
@test "the wrong seed: the gate shuts, and it is keep" { holds wrong-seed; }
@test "files that the trace does not name" { holds wrong-dataset; }
@test "a trace of half the epochs" { holds half-the-epochs; }
@test "a job resumed at epoch 2" { holds resumed; }
@test "epochs left early" { holds left-early; }
@test "a pass over unknown files before each epoch" { holds pass-of-others; }
@test "a sequential pass over the same files before each epoch" { holds pass-of-same; }
@test "a sequential pass before training" { holds pass-before; }
@test "two validation batches before the first epoch" { holds sanity-check; }
@test "workers that die and are replaced" { holds workers-die; }
@test "a second loader over the same files at the same time" { holds second-loader; }
@test "set_epoch forgotten" { holds forgotten-set-epoch; }

@test "samples with others' files beside their own: own files are followed, a wrong trace shuts the gate" {
	timeout 200 "$BATS_FILE_TMPDIR/partners" ${SEED:-}
}

@test "an order that comes late, with files that it names hundreds of times: a place that brute force finds is found" {
	timeout 200 "$BATS_FILE_TMPDIR/late" ${SEED:-}
}

@test "every situation has a test" {
	local name
	for name in $("$BATS_FILE_TMPDIR/situations"); do
		grep -q "holds $name;" "$BATS_TEST_FILENAME" || { echo "no test for $name"; return 1; }
	done
}

@test "damaged traces: no wild access, no answer out of bounds" {
	timeout 200 "$BATS_FILE_TMPDIR/fuzz" "${SEED:-20261121}" 2000 > "$BATS_TEST_TMPDIR/out" 2>&1 ||
		{ tail -30 "$BATS_TEST_TMPDIR/out"; return 1; }
	tail -1 "$BATS_TEST_TMPDIR/out"
}
