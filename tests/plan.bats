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
