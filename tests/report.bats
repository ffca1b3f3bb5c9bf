# opt4 report: what it says is so, what it makes is a page, what it cannot do it says.

load common

setup_file() {
	seed
	echo "$SEED" >"$BATS_FILE_TMPDIR/seed"
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/unit" 200 4096
	dataset "$PWD/real" 200 ~20K
	# A job resumed at epoch 2 is placed by the files it opens. One that begins a batch of epoch 0 or 1 as well (drawn with
	# replacement, by chance) says epoch 0 until the next ones contradict; and a file that ends one epoch and begins the next is
	# opened twice in a row, which is one access: the first seed from SEED on with neither
	local kind s
	for kind in unit real; do
		for s in $(seq "$SEED" $((SEED + 20))); do
			order $kind "$s"
			python3 -c 'import json, sys
order = [json.loads(line)["path"] for line in open(sys.argv[1])]
exit(order[400] in order[:400:8] or any(order[p] == order[p - 1] for p in range(200, 1000, 200)))' $kind.order && break
		done
		job $kind
	done
}

# order KIND SEED: five epochs of KIND's files as KIND.trace, and in JSON as KIND.order
order() {
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/$1" --epochs 5 --seed "$2" --batch-size 8 --replacement -o "$1.trace"
	"$PYTHON" "$OPT4_TRACE_TOOL" show "$1.trace" --json >"$1.order"
}

# job KIND [OPTION OF OPT4 RUN...] [-- FIRST [ACCESSES]]: its statistics go to KIND.json, or by --stats elsewhere
job() {
	local kind=$1 options=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift || true
	run_opt4 --quiet --trace $kind.trace --cache 25% --prefetch off --stats $kind.json "${options[@]}" -- \
		python3 "$REPO/tests/look/reader.py" $kind.order "$PWD/$kind" "$@"
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	echo "TEST_SEED=$(cat seed)"
	out=$BATS_TEST_TMPDIR/report.html
}

page() { python3 "$REPO/tests/look/page.py" "$out" "$@"; }
oracle() { python3 "$REPO/tests/look/report_oracle.py" "$out" "$@"; }

@test "the reader of JSON understands what Python's does, and refuses what it refuses" {
	within 250 python3 "$REPO/tests/look/json_peer.py" "$B/tests/look/jsondump" "$(cat seed)" 300
}

@test "JSON: depth, size and ends" {
	local deep
	deep=$(printf '[%.0s' {1..60})$(printf ']%.0s' {1..60})
	"$B/tests/look/jsondump" <<<"$deep" >/dev/null
	deep=$(printf '[%.0s' {1..100})$(printf ']%.0s' {1..100})
	run "$B/tests/look/jsondump" <<<"$deep"
	[ "$status" = 1 ] && [[ "$output" == *"nested too deep"* ]]
	run "$B/tests/look/jsondump" </dev/null
	[ "$status" = 1 ] && [[ "$output" == "line 1: it ends too soon" ]]
	run "$B/tests/look/jsondump" <<<$'{\n"a": 1,\n}'
	[ "$status" = 1 ] && [[ "$output" == "line 3: "* ]]
}

@test "opt, keep and LRU by epoch are what naive simulations find" {
	"$OPT4" report unit.json -o "$out"
	oracle unit.order 50
}

@test "a job that follows its order with opt gets, epoch by epoch, what the report calls OPT" {
	for kind in unit real; do
		"$OPT4" report $kind.json -o "$out"
		page '[e for e in page["epochs"].values() if e["reuse"] != e["OPT"]]'
		[ "$(page 'all(e["reuse"] == e["OPT"] and e["of the store"] == e["least"] for e in page["epochs"].values())')" = True ]
		[ "$(page 'len(page["epochs"])')" = 5 ]
		[ "$(page '"the job got 100.0 % of that" in page["text"]')" = True ]
		[ "$(page '"(1.00 times as much)" in page["text"]')" = True ]
	done
}

@test "the figures are the statistics'" {
	"$OPT4" report real.json -o "$out"
	local n
	for n in fills:"files fetched into it" evictions:"files evicted" bypassed:"reads past it (bypassed)"; do
		[ "$(page "page['facts']['${n#*:}'].replace(',', '')")" = "$(json "['${n%%:*}']" <real.json)" ]
	done
	[ "$(page 'page["facts"]["reuse ratio"]')" = "$(python3 -c 'import json; print("%.1f %%" % (100 * json.load(open("real.json"))["reuse_ratio"]))')" ]
	[ "$(page '"keep" in page["text"] and "you are here" in page["text"]')" = True ]
}

@test "a job under lru is shown beside the same three, and falls short" {
	job unit --policy lru --stats lru.json
	"$OPT4" report lru.json -o "$out"
	oracle unit.order 50
	[ "$(page 'all(e["reuse"] == e["LRU"] for e in page["epochs"].values())')" = True ]
	[ "$(page '"the job got 100.0 % of that" in page["text"]')" = False ]
}

@test "a job that left early, and one that resumed, are compared with what they ran" {
	job unit --stats early.json -- 0 470
	"$OPT4" report early.json -o "$out"
	[ "$(page '"left its last epoch early" in page["text"]')" = True ]
	oracle unit.order 50 0 70
	# a job that begins in the middle is placed by its order: its epochs are 2, 3, 4 (the seed: setup_file)
	job unit --stats late.json -- 2
	[ "$(json "['epochs'][0]['epoch']" <late.json)" = 2 ]
	"$OPT4" report late.json -o "$out"
	oracle unit.order 50 2
}

@test "a session on this machine, by its name and as the only one" {
	job unit --keep
	"$OPT4" report -o "$out"
	oracle unit.order 50
	local name
	name=$("$OPT4" ls | awk 'NR == 2 { print $1 }')
	"$OPT4" report "$name" -o "$BATS_TEST_TMPDIR/named.html"
	diff <(grep -v '^<p class="soft note"' "$out") <(grep -v '^<p class="soft note"' "$BATS_TEST_TMPDIR/named.html")
	"$OPT4" clean --all
	run "$OPT4" report -o "$out"
	[ "$status" = 1 ]
	[[ "$output" == "opt4: session: none is running; "* ]]
}

@test "no order: the page says so; a trace given makes up for it; a wrong one is refused" {
	python3 -c 'import json; d = json.load(open("unit.json")); d["order_file"] = None; json.dump(d, open("bare.json", "w"))'
	"$OPT4" report bare.json -o "$out"
	[ "$(page '"is not known" in page["text"] and "OPT" not in page["epochs"][0]')" = True ]
	"$OPT4" report bare.json --trace unit.trace -o "$out"
	oracle unit.order 50
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/unit" --epochs 2 --seed 1 --batch-size 8 -o two.trace
	run "$OPT4" report bare.json --trace two.trace -o "$BATS_TEST_TMPDIR/no.html"
	[ "$status" = 1 ]
	[[ "$output" == "opt4: two.trace: it does not hold the epochs that the job ran; "* ]]
	[ ! -e "$BATS_TEST_TMPDIR/no.html" ]
	python3 -c 'import json; d = json.load(open("unit.json")); d["order_file"] = "/nonsuch"; json.dump(d, open("moved.json", "w"))'
	run "$OPT4" report moved.json -o "$out"
	[ "$status" = 0 ]
	[[ "$output" == "opt4: /nonsuch: "*"; "* ]]
	[ "$(page '"is not known" in page["text"]')" = True ]
}

@test "a page of a job with 90 epochs, late files and hostile names" {
	python3 - <<-'END'
		import json
		d = json.load(open("unit.json"))
		d.update(order_file=None, root='/data/<b>&"\udc80', gate="shut", diverged=1234567, prefetched=20000,
		         prefetched_bytes=1 << 31, prefetch_wasted=317)
		d["late_files"] = [{"path": d["root"] + "/n%d.jpg" % i, "wait_ns": 10**9 - i} for i in range(19)]
		d["late_files"].append({"path": "/x<script>alert(1)</script>\udcff/\u20ac.jpg", "wait_ns": 1})
		d["epochs"] = [dict(d["epochs"][0], epoch=e, origin_bytes=10**11 - e * 10**8, wait_ns=e * 10**11) for e in range(90)]
		json.dump(d, open("hostile.json", "w"))
	END
	"$OPT4" report hostile.json -o "$out"
	[ "$(page 'len(page["epochs"]), len(page["late"])')" = "(90, 20)" ]
	[ "$(page 'page["late"][0]')" = "['n0.jpg', '1.0 s']" ]
	[ "$(page 'page["late"][19][0]')" = "/x<script>alert(1)</script>$(printf '\xef\xbf\xbd')/€.jpg" ]
	[ "$(page 'page["facts"]["wasted, of the fetched"]')" = "1.6 %" ]
	[ "$(page '"gate is shut" in page["text"]')" = True ]
	! grep -q '<script' "$out"
}

@test "a browser shows it whole at 400 and 1400 px, light and dark" {
	local chromium
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no Chromium is here"
	"$OPT4" report real.json -o "$out"
	python3 "$REPO/tests/look/browser.py" "$chromium" "$out"
	[ ! -e hostile.json ] || { "$OPT4" report hostile.json -o "$out" && python3 "$REPO/tests/look/browser.py" "$chromium" "$out"; }
}

@test "a long order: a bar on a terminal; interrupted, the page that was there stays as it was" {
	"$PYTHON" - "$B" <<-'END'
		import json, sys
		sys.path.insert(0, sys.argv[1])
		from opt4_trace.write import *
		n, rng = 100000, np.random.default_rng(1)
		root = Root(b"/nowhere", [b"%d.jpg" % i for i in range(n)], np.full(n, 9000, np.uint64))
		with TraceWriter("long.trace", [root], [Stream(0, 0, 0, 100, False)], {"versions": {}}) as w:
		    for e in range(60):
		        w.add(e, [(0, rng.permutation(n).astype(np.uint32), np.full(n // 100, 100, np.uint32))])
		d = json.load(open("unit.json"))
		d["epochs"] = [dict(d["epochs"][0], epoch=e, accesses=n) for e in range(60)]
		d.update(order_file="long.trace", budget_bytes=n * 12288 // 2)
		json.dump(d, open("long.json", "w"))
	END
	echo before >"$out"
	script -qefc "exec $OPT4 report long.json -o $out" "$BATS_TEST_TMPDIR/tty" >/dev/null 2>&1 &
	for _ in {1..300}; do
		grep -aq 'report \[.*%.* s left' "$BATS_TEST_TMPDIR/tty" && break
		sleep .1
	done
	kill $!                   # it still simulates: nothing is written yet
	wait $! || true
	grep -aq 'report \[.*%.* s left' "$BATS_TEST_TMPDIR/tty"
	[ "$(cat "$out")" = before ]
	[ "$(ls -A "$BATS_TEST_TMPDIR" | xargs)" = "report.html tty" ]
	[ -z "$("$OPT4" report unit.json -o "$out" 2>&1)" ]
	grep -q '<html' "$out"
}

@test "a job that read nothing" {
	python3 -c 'import json; d = json.load(open("unit.json")); d["epochs"] = []; d["accesses"] = 0; json.dump(d, open("none.json", "w"))'
	run "$OPT4" report none.json -o "$out"
	[ "$status" = 0 ]
	[ "$(page '"has read no file" in page["text"]')" = True ]
}

@test "wrong usage, no statistics, damaged ones, nowhere to write" {
	run "$OPT4" report unit.json
	[ "$status" = 2 ]
	run "$OPT4" report a b -o "$out"
	[ "$status" = 2 ]
	run "$OPT4" report --colour -o "$out"
	[ "$status" = 2 ]
	run "$OPT4" report nonsuch.json -o "$out"
	[ "$status" = 1 ]
	head -c 300 unit.json >"$BATS_TEST_TMPDIR/cut.json"
	run "$OPT4" report "$BATS_TEST_TMPDIR/cut.json" -o "$out"
	[ "$status" = 1 ]
	[[ "$output" == "opt4: $BATS_TEST_TMPDIR/cut.json: line "*"; give a file that "* ]]
	echo '{"a": [1]}' >"$BATS_TEST_TMPDIR/other.json"
	run "$OPT4" report "$BATS_TEST_TMPDIR/other.json" -o "$out"
	[ "$status" = 1 ]
	[[ "$output" == *": not a session's statistics "*"; give a file that "* ]]
	[ ! -e "$out" ]
	run "$OPT4" report unit.json -o /nonsuch/report.html
	[ "$status" = 1 ]
	[[ "$output" == "opt4: /nonsuch/report.html: No such file or directory; "* ]]
	if [ -c /dev/full ]; then
		run "$OPT4" report unit.json -o /dev/full
		[ "$status" = 1 ]
		[[ "$output" == "opt4: /dev/full: No space left on device; "* ]]
	fi
}
