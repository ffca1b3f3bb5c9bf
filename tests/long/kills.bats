# kill -9 at random moments of workers, keeper and main processes, with new ones joining all the time.

load ../common
load ../lib/situations
load ../lib/record

@test "1,000 kills of workers, keepers and main processes: right bytes, the budget held, short waits, nothing left" {
	seed
	cd "$BATS_TEST_TMPDIR"
	data "$PWD/data" 300 1K-150K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 8 --seed 1 --batch-size 4 --workers 3 -o data.trace 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show data.trace --json >order
	export OPT4_ROOT=$PWD/data OPT4_TRACE=$PWD/data.trace OPT4_CACHE=6M OPT4_DIR=/dev/shm/opt4-test-kills
	export OPT4_STATS=$PWD/stats OPT4_LOG=$PWD/log SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=1ms
	LIST=data.list
	holder "$(head -1 data.list)"
	start account nice -n 10 "$B/tests/session_samples" "$OPT4_DIR/index"
	within 1500 "$PYTHON" "$REPO/tests/lib/kills.py" "${KILLS:-1000}" data.sums order results --preload "$LIB:$SLOWSTORE" --plain "$SLOWSTORE" \
		--session "$OPT4_DIR" --seed "$SEED" >killed
	cat killed
	of() { json "['$1']" <killed; }
	# What it thinks it has is what lies there, but for a file's worth a death between two instructions.
	LD_PRELOAD=$LIB cat "$(tail -1 data.list)" >/dev/null
	"$OPT4" stat --json "$OPT4_DIR" >now
	local lies thinks
	lies=$(find "$OPT4_DIR/objects" "$OPT4_DIR/dead" -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')
	thinks=$(($(json "['used_bytes']" <now) + $(json "['lingering_bytes']" <now)))
	finish account
	local over=${said##* }
	echo "lies $lies, thinks $thinks; account: $said"
	finish holder
	record kills "workers, keepers and main processes" "$(of worker)" "$(of keeper)" "$(of main)" "$(of reads)" "$(of wrong)" "$(of slowest)" \
		"$(of plain_slowest)" "$over"
	[ "$(of wrong)" = 0 ] && [ "$(of reads)" -gt 10000 ]
	[ "$over" = 0 ]
	calc "$(of slowest) < 1 + $(of plain_slowest)"
	calc "$lies <= $thinks <= $lies + 600000"
	[ "$(of keeper)" -gt 100 ] && [ "$(of main)" -gt 40 ]
	# The keeper takes the session away; nobody else is left either.
	for _ in {1..100}; do [ -e "$OPT4_DIR" ] || break; sleep .1; done
	[ ! -e "$OPT4_DIR" ]
	[ -z "$(pgrep -f "opt4d.*$OPT4_DIR")" ]
}
