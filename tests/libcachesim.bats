#!/usr/bin/env bats
# The simulator against libCacheSim, an independent one: the same requests, the same hits. What libCacheSim found, at
# which commit and with which parameters, is in tests/policy/libcachesim.json.

bats_require_minimum_version 1.5.0
load common

@test "lru, fifo, lfu and Belady without bypass hit exactly what libCacheSim hits" {
	cd "$REPO"
	${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/drive" \
		tests/policy/drive.c tools/opt4/plan/simulate.c preload/base/page.c policy/*.c
	run timeout 200 /usr/bin/env python3 tests/policy/libcachesim_check.py "$BATS_TEST_TMPDIR/drive" ${PLAN:-$OPT4 plan}
	echo "$output"
	[ "$status" -eq 0 ]
	# 12 traces x 10 sizes x 4 policies in the simulator, and 3 policies at all sizes from 8 objects in `opt4 plan`.
	[ "${lines[-1]}" = "$(python3 -c '
import json
r = json.load(open("tests/policy/libcachesim.json"))["results"]
print(sum(4 * len(e["sizes"]) + 3 * sum(s >= 8 for s in e["sizes"]) for e in r))') cells, 0 wrong" ]
}
