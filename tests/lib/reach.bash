# reach.bash - jobs of tests/live/reach.py and kinds.py: kinds of datasets, each under `opt4 run` that is told of nothing.

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	export BATS_TEST_TIMEOUT=3600 PYTHONDONTWRITEBYTECODE=1
	"$PYTHON" "$REPO/tests/live/reach.py" make "$PWD/data" && sleep .05
}

# reach CELL...: a cell is KIND,WORKERS,FIRST[,REUSE[,MATCH]]: from epoch FIRST on (the first is 0) the files are known: reuse is
# .97 of REUSE (.5: what fits) at least, and MATCH (.98) of what was foretold came. The outputs are those without opt4.
reach() {
	local cell kind workers first reuse match bad=0 cells=()
	cd "$BATS_FILE_TMPDIR"
	for cell in "$@"; do
		IFS=, read -r kind workers first <<<"$cell"
		cells+=("$kind" "$workers")
	done
	within 900 "$PYTHON" -W ignore "$REPO/tests/live/kinds.py" "$PWD/data" "${cells[@]}" >"$BATS_TEST_TMPDIR/plain"
	for cell in "$@"; do
		IFS=, read -r kind workers first reuse match <<<"$cell"
		rm -f "$BATS_TEST_TMPDIR/stats"
		run_opt4 --cache 50% --stats "$BATS_TEST_TMPDIR/stats" -- "$PYTHON" -W ignore "$REPO/tests/live/kinds.py" \
			"$PWD/data" "$kind" "$workers" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || { echo "$cell: ended badly: $(tail -3 "$BATS_TEST_TMPDIR/err")"; bad=1; }
		grep "^kind $kind $workers " "$BATS_TEST_TMPDIR/plain" | cmp -s - "$BATS_TEST_TMPDIR/out" || { echo "$cell: other outputs"; bad=1; }
		python3 - "$cell" "$BATS_TEST_TMPDIR/stats" "$first" "${reuse:-.5}" "${match:-.98}" <<-'END' || bad=1
			import json, os, sys
			cell, file, first, reuse, match = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
			if not os.path.exists(file):
			    sys.exit(cell + ": nothing was cached")
			d = json.load(open(file))
			found = [round(e["reuse_ratio"], 3) for e in d["epochs"]]
			print(cell, found, "match", d["match_ratio"], d["policy"], "wasted", d["prefetch_wasted"], d["root"])
			late = [e for e in found[int(first):] if e < .97 * reuse]
			faults = ["too little reuse"] * (bool(late) or not found[int(first):]) + ["foretold wrongly"] * (match > 0 and d["match_ratio"] < match)
			faults += ["no order"] * (match > 0 and d["policy"] != "opt") + ["fetched in vain"] * (d["prefetch_wasted"] > .02 * d["accesses"])
			if faults:
			    sys.exit(cell + ": " + ", ".join(faults))
		END
	done
	no_session
	[ $bad = 0 ]
}
