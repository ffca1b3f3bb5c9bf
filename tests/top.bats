# opt4 top: what it shows is so, in all three forms.

load common

setup_file() {
	seed
	echo "$SEED" >"$BATS_FILE_TMPDIR/seed"
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 160 4096
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 4 --seed "$SEED" --batch-size 8 --workers 2 -o run.trace
	"$PYTHON" "$OPT4_TRACE_TOOL" show run.trace --json >run.order
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	echo "TEST_SEED=$(cat seed)"
	export OPT4_DIR=/dev/shm/opt4-top.$BATS_TEST_NUMBER
	mkdir -m 700 "$OPT4_DIR"
}

teardown() {
	[ -z "${job:-}" ] || finish
	rm -rf "$OPT4_DIR"
}

# job_at ACCESSES [OPTION OF OPT4 RUN...]: a job of two workers that has read so many files, and holds
job_at() {
	local accesses=$1 ready=$BATS_TEST_TMPDIR/ready
	shift
	mkfifo "$BATS_TEST_TMPDIR/hold"
	within 100 "$OPT4" run --quiet --trace run.trace --prefetch off "$@" -- python3 "$REPO/tests/look/workers.py" \
		run.order "$PWD/data" 2 "$accesses" "$ready" <"$BATS_TEST_TMPDIR/hold" 3>&- &
	job=$!
	exec 9>"$BATS_TEST_TMPDIR/hold"
	for _ in {1..300}; do
		[ -e "$ready" ] && return 0
		sleep .1
	done
	echo "the job did not come so far"
	return 1
}

finish() {
	exec 9>&-
	wait "$job" || true
	job=
}

@test "a frame: the front, the workers and their pids, what is ahead" {
	# keep, at 30 %: the first 48 files stay; the second epoch finds them wherever they come
	job_at 221 --cache 30% --policy keep
	"$OPT4" top --once "$OPT4_DIR" | tee frame
	grep -q "^root      $PWD/data$" frame
	grep -q "^policy    keep   jobs 1   processes [2-9]" frame
	grep -q "^position  221 of 640 .* as traced 100.0 %$" frame
	# position 221 lies in epoch 1, its batch 8 of 20, at 61 of 160
	grep -Eq "^epoch     1 of 0 to 3  \[#{11}\.{19}\]  38\.1 %   batch 8 of 20$" frame
	local pids
	pids=$(cat "$BATS_TEST_TMPDIR/ready")
	[ "$(grep -A9 '^WORKER' frame | awk 'NR > 1 { print $2 }' | sort -n | xargs)" = "$(xargs -n1 <<<"$pids" | sort -n | xargs)" ]
	# worker 1 read batches 1, 3 .. of both epochs and 5 of the last one's; worker 0 the even ones
	[ "$(grep -A9 '^WORKER' frame | awk 'NR > 1 { n += $3 } END { print n }')" = 221 ]
	local ahead
	ahead=$(python3 - <<-'END'
		import json
		order = [json.loads(l)["path"] for l in open("run.order")]
		held, n = set(order[:48]), 0
		while order[221 + n] in held:
		    n += 1
		print(n // 8)
	END
	)
	grep -q "   ahead $ahead batches   " frame
	[ "$(awk 'length > 100' frame)" = "" ]
}

@test "ahead: with all in the cache, all that is left" {
	job_at 200 --cache 100% --policy opt
	"$OPT4" top --once "$OPT4_DIR" | grep "   ahead $(((640 - 200) / 8)) batches"
}

@test "the figures are those of opt4 stat" {
	job_at 300 --cache 50%
	"$OPT4" top --once "$OPT4_DIR" >frame
	"$OPT4" stat --json "$OPT4_DIR" >stat.json
	"$OPT4" top --prometheus "$OPT4_DIR" >metrics
	grep -q "reuse $(python3 -c 'import json; print("%.1f" % (100 * json.load(open("stat.json"))["reuse_ratio"]))') %" frame
	grep -q "   $(json "['resident_files']" <stat.json) of 160 files$" frame
	python3 - <<-'END'
		import json
		want = json.load(open("stat.json"))
		got = {l.split("{")[0][5:]: float(l.split()[-1]) for l in open("metrics") if l[0] != "#"}
		counts = ("accesses hits late misses bypassed hit_bytes miss_bytes fills fill_bytes evictions evicted_bytes invalidated "
		          "revalidations origin_opens origin_bytes prefetched prefetched_bytes prefetch_wasted errors lock_timeouts "
		          "repairs matched diverged").split()
		gauges = "budget_bytes used_bytes lingering_bytes resident_files clients jobs".split()
		wrong = {n: (got[n + t], want[n]) for ns, t in ((counts, "_total"), (gauges, "")) for n in ns if got[n + t] != want[n]}
		assert not wrong, wrong
		assert abs(got["wait_seconds_total"] - want["wait_ns"] / 1e9) < 1e-9
	END
	[ "$(python3 "$REPO/tests/look/exposition.py" metrics opt4_position)" = 300 ]
	[ "$(python3 "$REPO/tests/look/exposition.py" metrics opt4_epoch)" = 1 ]
}

@test "the exposition format holds with a hostile root; also by Prometheus' own parser, where pip has it" {
	local root
	root=$BATS_TEST_TMPDIR/$'we"ird\\na\nme {x="1"} \xe2\x82\xac \xff'
	dataset "$root" 8 4096
	OPT4_KEEP=1 OPT4_ROOT=$root within 60 "$OPT4" run --quiet -- python3 -c 'import glob, os, sys
for f in glob.glob(os.fsencode(sys.argv[1]) + b"/*/*"): open(f, "rb").read()' "$root"
	"$OPT4" top --prometheus "$OPT4_DIR" >metrics
	if python3 -m venv "$BATS_TEST_TMPDIR/venv" && within 60 "$BATS_TEST_TMPDIR/venv/bin/pip" install -q prometheus_client; then
		"$BATS_TEST_TMPDIR/venv/bin/python3" "$REPO/tests/look/exposition.py" metrics opt4_accesses_total | grep -qx 8
	fi >&2
	python3 "$REPO/tests/look/exposition.py" metrics | grep -qx opt4_info
	"$OPT4" clean "$OPT4_DIR"
}

@test "the live view draws, scrolls and ends at q; the terminal is given back" {
	ldd "$OPT4" | grep -q ncurses || skip "built without ncurses"
	job_at 100
	python3 "$REPO/tests/look/terminal.py" 20 jq "$OPT4" top "$OPT4_DIR" >screen
	grep -aq "$PWD/data" screen
	grep -aq "position  100 of 640" screen
	grep -aq $'\e\\[?1049l' screen
	local rc=0
	python3 "$REPO/tests/look/terminal.py" 4 '' "$OPT4" top "$OPT4_DIR" >/dev/null || rc=$?
	[ "$rc" = 99 ]          # without a key it stays
}

@test "the live view ends with the job and leaves its last frame" {
	ldd "$OPT4" | grep -q ncurses || skip "built without ncurses"
	job_at 100
	(sleep "${SUITE_ASAN:+1}2"; exec 9>&-) &    # 12: the sanitizers start slowly
	exec 9>&-
	python3 "$REPO/tests/look/terminal.py" 40 '' "$OPT4" top "$OPT4_DIR" >screen
	wait "$job" || true
	job=
	grep -aq 'its jobs are gone' screen
	# the front of a job without workers is what the follower last made of it
	sed 's/.*1049l//' screen | grep -aEq '^position  [0-9]+ of 640'
}

@test "no terminal, no session, wrong usage" {
	run "$OPT4" top "$OPT4_DIR"
	[ "$status" = 1 ]
	[[ "$output" == "opt4: $OPT4_DIR: no session; "* ]]
	job_at 8
	run "$OPT4" top "$OPT4_DIR" </dev/null
	[ "$status" = 1 ]
	[[ "$output" == "opt4: top: "*"; use opt4 top --once"* ]]
	run "$OPT4" top --once --prometheus
	[ "$status" = 2 ]
	run "$OPT4" top --often
	[ "$status" = 2 ]
	run "$OPT4" top a b
	[ "$status" = 2 ]
}

@test "without ncurses all but the live view is there, and that is said" {
	local objects
	# by the sources: a build may still have objects of files that are gone
	objects=$(cd "$REPO" && ls tools/opt4/*.c tools/opt4/*/*.c tools/wire/*.c tools/opt4d/disk/rotates.c preload/*/*.c policy/*.c | grep -vE 'top/curses|preload/hook' | sed "s,^,$B/,; s,c$,o,")
	gcc -std=gnu11 -D_GNU_SOURCE -c -o "$BATS_TEST_TMPDIR/c.o" "$REPO/tools/opt4/top/curses.c" 2>&1 | grep "built without its live view"
	gcc -o "$BATS_TEST_TMPDIR/opt4" $objects "$BATS_TEST_TMPDIR/c.o" ${SUITE_ASAN:-} -pthread -lm -ldl
	[ -z "$(ldd "$BATS_TEST_TMPDIR/opt4" | grep ncurses)" ]
	job_at 20
	run "$BATS_TEST_TMPDIR/opt4" top "$OPT4_DIR"
	[ "$status" = 1 ]
	[[ "$output" == "opt4: top: built without ncurses"*"; use opt4 top --once"* ]]
	"$BATS_TEST_TMPDIR/opt4" top --once "$OPT4_DIR" | grep "^position  20 of 640"
}
