#!/usr/bin/env bats
# Loaders that are left, made anew, or not read at all: what was foretold of them is expected, not known. What is reused is about what
# `keep` would reuse of the same accesses, whatever is fetched ahead meanwhile.

load common
load lib/streams
FILES=240 LATENCY=4 LIMIT=600

# holds LESS JOB WORKERS FILES [PREFETCH]: of so many files, half of which fit
holds() {
	local out how=${5:-auto}
	rm -f "$BATS_TEST_TMPDIR/store.state"
	out=$(OPT4_ROOT=$PWD/data OPT4_CACHE=$(($4 * 2))K OPT4_PREFETCH=$how LD_PRELOAD=$LIB slow within 200 "$PYTHON" -W ignore "$REPO/tests/live/expected.py" data "$2" "$3")
	echo "$2, $3 workers, prefetch $how: files and keep $out, reused $(stat_of reuse_ratio), $(stat_of prefetched) fetched ahead, $(stat_of prefetch_wasted) in vain"
	[ "${out% *}" = "$4" ]
	calc "$(stat_of reuse_ratio) >= ${out#* } - $1"
	[ "$how" = off ] || calc "$(stat_of prefetched) > 0"
	no_session
}

# Which files come again is chance: two draws of as many may differ by .02.
@test "epochs left early, by a loader that stays and by one made anew: the rest of their orders is not fetched in vain" {
	holds .035 early 0 240
	holds .035 anew 0 240
}
@test "epochs left anywhere" { holds .065 anywhere 0 240; }
# What is fetched ahead when the job stops for good, and the validation set's part of the cache, which was to be read again.
@test "a job stopped in the middle of an epoch, after full ones: little is fetched ahead in vain" { holds .035 stopped 0 240; }
@test "folds: the next one's loaders have the place of the last one's, whether that is gone or not" {
	holds .02 folds 0 240
	holds .02 folds 0 240 off
	holds .02 folds-ahead 0 240
}
@test "folds by samplers over one dataset, two epochs each" { holds .025 folds-by-sampler 0 240; }
@test "a dataset and its loaders made anew for each trial" {
	holds .02 trials 0 240
	holds .02 trials 0 240 off
}
# What workers are dealt unasked (32 files) has been read, and takes its place for a while.
@test "a loader whose iterator is made, and not read: its order does not come before that of those that are" {
	holds .1 never 2 200
	holds .12 at-last 2 240
}
# A batch is, however small its part of the epoch: the cache, which is full, gives for them what was just read.
@test "the first epoch: what is due next is fetched ahead though nobody knows whether the epoch will be left" {
	local out
	out=$(OPT4_DIR=/dev/shm/expected-paused OPT4_ROOT=$PWD/data OPT4_CACHE=480K LD_PRELOAD=$LIB slow within 200 "$PYTHON" -W ignore "$REPO/tests/live/expected.py" data paused 0)
	echo "$out"
	read -r _ ahead <<<"$out"
	calc "$ahead >= 8"
	[ "$(stat_of prefetch_wasted)" = 0 ]
	no_session
}
