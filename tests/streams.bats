#!/usr/bin/env bats
# Loaders in turn and side by side, without a trace: an order that is over, or has not begun, is not worthless. What is reused
# is never less than what `keep` would reuse of the same accesses, prefetched (over a slow store) or not.

load common
load lib/streams
FILES=320 LATENCY=2

# holds JOB [PREFETCH...]: of 400 files, half of which fit
holds() {
	local job=$1 how kept
	shift
	for how in "${@:-auto}"; do
		rm -f "$BATS_TEST_TMPDIR/store.state"
		kept=$(OPT4_ROOT=$PWD/data OPT4_CACHE=${CACHE:-800K} OPT4_PREFETCH=$how LD_PRELOAD=$LIB slow within 60 "$PYTHON" -W ignore \
			"$REPO/tests/live/streams.py" data "$job")
		echo "$job, prefetch $how: keep $kept, reused $(stat_of reuse_ratio), $(stat_of prefetched) fetched ahead, $(stat_of prefetch_wasted) in vain"
		# with prefetch on a busy machine what waits there to be read may be a point more
		calc "$(stat_of reuse_ratio) >= $kept - $([ "$how" = off ] && echo .01 || echo .02)"
		[ "$how" = off ] || calc "$(stat_of prefetched) > 0"
	done
}

@test "others' files beside a sample's own: its own ones are followed and fetched ahead, in every epoch" {
	local job
	for job in mixup mosaic; do
		rm -f "$BATS_TEST_TMPDIR/store.state"
		OPT4_ROOT=$PWD/data OPT4_CACHE=640K LD_PRELOAD=$LIB slow within 60 "$PYTHON" -W ignore "$REPO/tests/live/streams.py" data $job >/dev/null
		echo "$job: $(stat_of matched) matched of 960, $(stat_of diverged) diverged, $(stat_of prefetched) fetched ahead, gate $(stat_of gate)"
		calc "$(stat_of matched) > .85 * 960"
		calc "$(stat_of match_ratio) > .85"
		[ "$(stat_of gate)" = open ]
	done
}
@test "training and validation in turn, with and without workers" {
	holds train-val auto off
	holds no-workers
}
@test "validation first; larger than training" { holds val-first; holds large-val; }
@test "three loaders in turn" { holds three; }
# Each has an order of its own; there was room for eight.
@test "twelve loaders side by side" {
	CACHE=624K holds many off
	calc "$(stat_of matched) > .98 * $(stat_of accesses)"
}
@test "validation every second epoch" { holds every-2; }
# Eight batches ahead of each would be two thirds of this cache, and what waits there to be read is not reused.
@test "two endless loaders side by side" { holds zip 2; }

# Of two ranks one begins its epoch first: what it fetches ahead must not take the place of what the other is about to read.
@test "ranks of a dataset that nowhere says which files it has" {
	OPT4_ROOT=$PWD/data/a OPT4_CACHE=640K LD_PRELOAD=$LIB slow within 300 "$PYTHON" -W ignore "$REPO/tests/live/ranks.py" data/a --silent >/dev/null
	no_session
	json "['epochs']" <"$OPT4_STATS" | python3 -c 'import json, sys
found = [e["reuse_ratio"] for e in json.load(sys.stdin)]
print(found)
sys.exit(len(found) != 5 or min(found[1:]) < .47)'
	calc "$(stat_of prefetched) > 0"
}
