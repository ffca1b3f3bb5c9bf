# common.bash - what the bats files share: `load common` at their top.
# A test's files go below $BATS_TEST_TMPDIR (never on tmpfs under tests/run.sh).

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
B=$REPO/build
LIB=$B/libopt4.so
OPT4=$B/opt4
OPT4_TRACE_TOOL=$B/opt4-trace
SLOWSTORE=$B/slowstore.so
PYTHON=${PYTHON:-$("$REPO/tests/setup.sh" python)}   # imports torch; plain scripts do with it too
export REPO B LIB OPT4 OPT4_TRACE_TOOL SLOWSTORE PYTHON

# seed: a number that the test prints (shown when it fails); TEST_SEED repeats a run.
seed() {
	SEED=${TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
	echo "TEST_SEED=$SEED"
}

# dataset DIR N [SIZE [CLASSES]]: an ImageFolder layout of N files of random bytes named *.jpg, not
# images. SIZE: bytes (all alike), A-B (uniform) or ~MEAN (log-normal, sigma .5). Same seed, same bytes.
# Returns when the files are old enough to be cached: what changed in the last 20 ms is not.
dataset() { "$PYTHON" "$REPO/tests/dataset.py" --seed "${SEED:-1}" "$@" && sleep .05; }

# within SECONDS CMD...: a watchdog; 124 or 137 when it had to bite. Give ten times what is expected.
within() { timeout -k 5 "$@"; }

# opt4_preload CMD...: plain LD_PRELOAD, no keeper of `opt4 run`'s. Settings by OPT4_* in the environment.
opt4_preload() { LD_PRELOAD=$LIB${LD_PRELOAD:+:$LD_PRELOAD} "$@"; }

# run_opt4 [OPTION...] -- CMD...: `opt4 run` under a watchdog (RUN_LIMIT seconds, 120).
run_opt4() { within "${RUN_LIMIT:-120}" "$OPT4" run "$@"; }

# slow CMD...: with the slow store as the last preload; store_stat prints one of its counters.
# The caller exports SLOWSTORE_ROOT and what it wants of SLOWSTORE_LATENCY, _BANDWIDTH, _FAIL.
slow() {
	export SLOWSTORE_STATE=${SLOWSTORE_STATE:-$BATS_TEST_TMPDIR/store.state}
	LD_PRELOAD=${LD_PRELOAD:+$LD_PRELOAD:}$SLOWSTORE "$@"
}
store_stat() { "$B/slowstore-stat" "$SLOWSTORE_STATE" | json "['$1']"; }

# json [EXPR]: the JSON on stdin, or a part of it: `json "['epochs'][1]['hits']"`. Strings come bare.
json() {
	/usr/bin/env python3 -c 'import json, sys
v = eval("d" + sys.argv[1], {"d": json.load(sys.stdin)})
print(v if isinstance(v, str) else json.dumps(v))' "${1:-}"
}

# calc EXPR: a Python expression's truth as exit status, for figures: `calc "0.97 * $a <= $b"`.
calc() {
	/usr/bin/env python3 -c 'import sys; sys.exit(not eval(sys.argv[1]))' "$1" || { echo "not so: $1"; return 1; }
}

# same_bytes DIR_A DIR_B: both trees hold the same files with the same bytes.
same_bytes() {
	diff <(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum) \
		<(cd "$2" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# Sessions of this user, one a line; no_session waits for the last keeper to leave (1 s; watchdog 10).
sessions() { find "/dev/shm/opt4-$(id -u)" -mindepth 1 -maxdepth 1 2>/dev/null; }
no_session() {
	for _ in {1..100}; do
		[ -z "$(sessions)" ] && return 0
		sleep .1
	done
	echo "still there: $(sessions)"
	return 1
}
