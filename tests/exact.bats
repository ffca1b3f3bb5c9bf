# Hits of the real library, end to end, against policies written naively and apart from it.

load common

setup_file() {
	seed
	echo "$SEED" >"$BATS_FILE_TMPDIR/seed"
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/unit" 320 4096
	dataset "$PWD/real" 320 ~30K
	local kind
	for kind in unit real; do
		trace_of "$kind" shuffle
		trace_of "$kind" replacement --replacement
		trace_of "$kind" many --workers 16
	done
}

# trace_of DATASET NAME OPTION...: 4 epochs in batches of 8, and its order as JSON lines
trace_of() {
	local kind=$1 name=$2
	shift 2
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/$kind" --epochs 4 --seed "$SEED" --batch-size 8 "$@" \
		-o "$kind-$name.trace" 2>&1
	"$PYTHON" "$OPT4_TRACE_TOOL" show "$kind-$name.trace" --json >"$kind-$name.order"
}

setup() {
	echo "TEST_SEED=$(cat "$BATS_FILE_TMPDIR/seed")"
	cd "$BATS_FILE_TMPDIR"
}

# cells DATASET NAME OPTION...
cells() {
	local kind=$1 name=$2
	shift 2
	within 250 "$PYTHON" "$REPO/tests/lib/exact.py" "$PWD/$kind" "$PWD/$kind-$name.trace" "$PWD/$kind-$name.order" "$@"
}

@test "unit sizes, shuffled: opt lru lfu fifo at 10 25 50 75 % hit what the oracles hit" {
	cells unit shuffle
}

@test "unit sizes, with replacement: opt lru lfu fifo at 10 25 50 75 % hit what the oracles hit" {
	cells unit replacement
}

@test "real sizes, shuffled: opt lru lfu fifo at 10 25 50 75 % hit what the oracles hit" {
	cells real shuffle
}

@test "real sizes, with replacement: opt lru lfu fifo at 10 25 50 75 % hit what the oracles hit" {
	cells real replacement
}

@test "larger files than OPT4_MAXFILE stay the original's; keep hits what it should" {
	cells real replacement --maxfile 30000 --budgets 25,75 --policies opt,lru,keep
}

@test "with no look at the original due the hits are the same" {
	cells unit replacement --revalidate never --budgets 25 --policies opt,lru
}

job() { echo "--epochs 4 --seed $(cat "$BATS_FILE_TMPDIR/seed") --batch-size 8"; }

@test "a real DataLoader with 0 and 1 workers: hits as the oracles'" {
	cells real shuffle --job "$(job)" --budgets 25 --policies opt,lru
	cells unit replacement --job "$(job) --replacement" --budgets 50 --policies opt --workers 1
}

@test "a real DataLoader with 16 workers: within one point of the oracles, lru within two" {
	cells unit many --job "$(job)" --workers 16 --budgets 25 --policies opt --tolerance .01
	# lru goes by the order in which 16 workers come to open, which no oracle knows
	cells unit many --job "$(job)" --workers 16 --budgets 25 --policies lru --tolerance .02
	cells real many --job "$(job)" --workers 16 --budgets 75 --policies opt --tolerance .01
}
