#!/usr/bin/env bats
# `opt4 plan`. PLAN="command" runs another build of it; TEST_SEED repeats a run.

bats_require_minimum_version 1.5.0
load common

setup() {
	cd "$REPO"
	export PLAN=${PLAN:-$OPT4 plan}
	T=$BATS_TEST_TMPDIR/t.opt4
}

check() { within 300 /usr/bin/env python3 tests/policy/plan_check.py "$1"; }
trace() { /usr/bin/env python3 tests/policy/mktrace.py "$T" "$@"; }

@test "plan: every cell is what the oracle says, with real sizes, epochs and ranks" { check oracles; }
@test "plan: LRU at many sizes in one pass is LRU at each" { check stack; }
@test "plan: seconds, stall and the smallest cache follow from the bytes" { check model; }

@test "plan: a damaged trace gives no crash (sanitizers)" {
	local san="-fsanitize=address,undefined -fno-sanitize-recover=all"
	echo 'int main(void) { return 0; }' > "$BATS_TEST_TMPDIR/san.c"
	${CC:-cc} $san -o "$BATS_TEST_TMPDIR/san" "$BATS_TEST_TMPDIR/san.c" 2> /dev/null || san=
	${CC:-cc} -std=gnu11 -O1 -g $san -D_GNU_SOURCE -DOPT4_VERSION='"test"' -o "$BATS_TEST_TMPDIR/plan" \
		tests/policy/plan_main.c tools/opt4/plan/*.c tools/opt4/common/*.c preload/{base,store,order,session,live}/*.c policy/*.c -pthread -lm
	PLAN="$BATS_TEST_TMPDIR/plan" check damage
}

@test "plan: what is no trace is refused with status 1, and nothing on stdout" {
	trace --files 50 --epochs 2
	head -c 3000 "$T" > "$T.cut"
	echo hello > "$T.not"
	for f in "$T.cut" "$T.not" "$T.missing" "$BATS_TEST_TMPDIR"; do
		run --separate-stderr $PLAN --trace "$f"
		echo "$stderr"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ "$stderr" == "opt4: $f: "*"; "* ]]
	done
}

@test "plan: wrong usage is status 2, and nothing on stdout" {
	trace --files 50 --epochs 2
	local -a wrong=("" "--trace" "--trace $T extra" "--trace $T --nonsense" "--trace $T --policy belady"
		"--trace $T --policy opt,opt" "--trace $T --policy ," "--trace $T --cache 5x" "--trace $T --cache -1"
		"--trace $T --cache 5%,," "--trace $T --bandwidth 0" "--trace $T --compute fast")
	for args in "${wrong[@]}"; do
		run --separate-stderr $PLAN $args
		echo "[$args] $stderr"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ "$stderr" == "opt4: plan: "*": "*"; "* ]]
	done
}

@test "plan: the tables fit 100 columns, and list twenty sizes by six policies by default" {
	trace --files 400 --epochs 4
	run --separate-stderr $PLAN --trace "$T" --bandwidth 100M --compute 10ms
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(wc -L <<< "$(tail -n +2 <<< "$output")")" -le 100 ]
	[ "$(grep -c ' 50.0 %' <<< "$output")" -eq 5 ]
	[ "$(grep -c '^ *cache  *dataset  *opt  *lru  *lfu  *fifo  *random  *keep$' <<< "$output")" -eq 5 ]
	[ "$($PLAN --trace "$T" --json | json "[0]['cache_fraction']" )" = 0.05 ]
	[ "$($PLAN --trace "$T" --json | /usr/bin/env python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" -eq 120 ]
}

@test "plan: known truths of shuffled epochs (unit sizes, c = .5)" {
	trace --files 2000 --epochs 6 --size 4096
	local h
	h() { OPT4_MAXFILE=64M $PLAN --trace "$T" --cache 50% --policy "$1" --json | json "[0]['$2']"; }
	calc "$(h keep later_hit_ratio) == .5"
	calc "$(h opt hits) == $(h keep hits) == 5000"
	calc "abs($(h lru later_hit_ratio) - .153) < .03"
}

@test "plan: the chart is well-formed, a line a policy, a second panel with the model" {
	trace --files 300 --epochs 3
	$PLAN --trace "$T" --svg "$BATS_TEST_TMPDIR/a.svg" > /dev/null
	$PLAN --trace "$T" --policy opt,lru --cache 70%,30% --bandwidth 50M --compute 10ms --svg "$BATS_TEST_TMPDIR/b.svg" > /dev/null
	/usr/bin/env python3 - "$BATS_TEST_TMPDIR" <<-'PY'
		import sys, xml.etree.ElementTree as x
		for name, lines, points in (("a", 12, 120), ("b", 8, 8)):
		    r = x.parse(f"{sys.argv[1]}/{name}.svg").getroot()
		    n = "{http://www.w3.org/2000/svg}"
		    assert len([p for p in r.iter(n + "path") if p.get("class", "").startswith("line")]) == lines
		    c = list(r.iter(n + "circle"))
		    assert len(c) == points and all(70 <= float(p.get("cx")) <= 590 for p in c)
		    assert "nan" not in x.tostring(r, "unicode") and "inf" not in x.tostring(r, "unicode")
	PY
	run $PLAN --trace "$T" --svg /nonexistent/a.svg
	[ "$status" -eq 1 ]
}

@test "plan: a progress bar on a terminal only" {
	trace --files 30000 --epochs 4
	local args="--trace $T --policy opt,lfu,fifo,random --cache $(seq -f %.2f%% -s, .4 .4 100)"
	script -qec "$PLAN $args > $BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/tty" > /dev/null
	grep -q 'plan \[#.*%' "$BATS_TEST_TMPDIR/tty"
	run grep '#' "$BATS_TEST_TMPDIR/out"
	[ "$status" -eq 1 ]
	run --separate-stderr $PLAN $args
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "plan: --help and --version" {
	run --separate-stderr $PLAN --help
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ "${lines[0]}" == "usage: opt4 plan --trace FILE "* ]]
	[ "$(wc -L <<< "$output")" -le 110 ]
	run $PLAN --version
	[[ "$output" =~ ^opt4\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "plan: a spinning disk's minutes are what the arithmetic gives at ImageNet's size" {
	trace --files 2000 --epochs 2 --size 109275
	run --separate-stderr $PLAN --trace "$T" --policy opt --cache 5.7143%,11.4286%,45.7143% --disk 10ms,150000000 --json
	[ "$status" -eq 0 ]
	# figures of 1,281,167 files: time goes with the files, and the shortest seeks of so few are longer (2 % at most)
	json "" <<<"$output" >/dev/null
	/usr/bin/env python3 -c "
import json, sys
cells = [{k: v * 1281167 / 2000 if k.endswith('minutes') else v for k, v in c['disk'].items()} for c in json.load(sys.stdin)]
print(cells)
def near(key, wants, slack):
    for c, (low, high) in zip(cells, wants):
        assert low * (1 - slack) <= c[key] <= high * (1 + slack), (key, c, low, high)
near('random_minutes', [(228, 228), (228, 228), (.55 * 228, 228)], .01)
near('elevator_minutes', [(120, 120), (105, 105), (49, 68)], .16)
near('sequential_minutes', [(15.6, 15.6)] * 3, .01)
for c in cells:
    # of 2,000 files the memory is too small for long pieces: more than twice the pass, and less the more there is
    assert c['rebucket_minutes'] > 2 * (1 - c['window_fraction']) * c['sequential_minutes'], c
    assert c['chosen'] == min(('random', 'elevator', 'rebucket'), key=lambda w: c[w + '_minutes']), c
assert cells[0]['rebucket_minutes'] > cells[1]['rebucket_minutes'] > cells[2]['rebucket_minutes']
" <<<"$output"
	run --separate-stderr $PLAN --trace "$T" --policy opt --disk 10ms,150M
	[ "$status" -eq 0 ]
	[[ "$output" == *"Minutes of a later epoch on a spinning disk (10.0 ms a seek, 150.0M a second"* ]]
	while IFS= read -r line; do [ ${#line} -le 120 ]; done <<<"$output"
	for args in 10ms 10ms, ,150M 10,150M, 0ms,150M 10ms,0 fast,150M; do
		run --separate-stderr $PLAN --trace "$T" --disk "$args"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
	done
}

@test "plan: the disk's model: the table at ImageNet's size, its limits, and where which way wins" {
	cat > "$BATS_TEST_TMPDIR/m.c" <<'EOF2'
#include "disk.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
static void is(const char *what, double got, double want, double slack)
{
	printf("%s: %.2f, wanted %.2f\n", what, got, want);
	assert(fabs(got - want) <= slack * want);
}
int main(void)
{
	struct plan_disk d = { .010, 150e6 };
	struct plan_files f = { 1281167, 140e9 }, large = { 140000, 140e9 };
	double ram[] = { 8, 16, 64 }, elevator[] = { 120, 105, 58.5 }, rebucket[] = { 32, 30, 20 }, before = 1e9;
	is("random", disk_random(&d, &f, 0) / 3600, 3.8, .01);
	is("one pass", disk_sequential(&d, &f) / 60, 15.6, .01);
	for (int i = 0; i < 3; i++) {
		is("elevator", disk_elevator(&d, &f, ram[i] / 140, NULL) / 60, elevator[i], .05);
		is("rebucket", disk_rebucket(&d, &f, ram[i] / 140) / 60, rebucket[i], .03);
		assert(disk_choose(&d, &f, ram[i] / 140, true) == DISK_REBUCKET);
		assert(disk_choose(&d, &f, ram[i] / 140, false) == DISK_ELEVATOR);
		assert(disk_choose(&d, &large, ram[i] / 140, true) == DISK_ELEVATOR); /* a megabyte a file */
	}
	for (double c = 0; c <= 1.001; c += 1. / 64) {     /* more RAM is never worse */
		double window, now = disk_elevator(&d, &f, c, &window);
		assert(now <= before && window >= 0 && window <= c);
		before = now;
	}
	is("all in RAM", disk_elevator(&d, &f, 1, NULL) + disk_random(&d, &f, 1) + 1, 1, 0);
	assert(!strcmp(disk_way_name(disk_choose(&d, &f, 1, true)), "random"));
	return 0;
}
EOF2
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Itools/opt4/plan -o "$BATS_TEST_TMPDIR/m" "$BATS_TEST_TMPDIR/m.c" tools/opt4/plan/disk.c -lm
	"$BATS_TEST_TMPDIR/m"
}

@test "plan --ssd: opt and keep over both tiers are what they are over their sum" {
	dataset "$BATS_TEST_TMPDIR/d" 200 4000
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$BATS_TEST_TMPDIR/d" --epochs 4 --seed 1 --replacement -o "$BATS_TEST_TMPDIR/t" 2>/dev/null
	$PLAN --trace "$BATS_TEST_TMPDIR/t" --cache 10%,20% --ssd 30% --json >"$BATS_TEST_TMPDIR/two"
	$PLAN --trace "$BATS_TEST_TMPDIR/t" --cache 40%,50% --policy opt,keep --json >"$BATS_TEST_TMPDIR/one"
	/usr/bin/env python3 -c 'import json, sys
one, two = (json.load(open(p)) for p in sys.argv[1:])
assert [e["hits"] for e in one] == [e["hits"] for e in two] and [e["ssd_fraction"] for e in two] == [.3] * 4, (one, two)' \
		"$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
	run $PLAN --trace "$BATS_TEST_TMPDIR/t" --cache 10% --ssd 30% --policy lru
	[ "$status" = 2 ]
}
