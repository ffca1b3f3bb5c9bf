# Wrong settings and wrong traces: right bytes or the original's own errno, nothing on stdout, a line in OPT4_LOG.

load common
load lib/situations

setup_file() {
	file_data 60 1K-60K
	SEED=$((SEED + 1)) data "$PWD/other" 60 1K-60K
	local set
	for set in data other; do
		"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/$set" --epochs 3 --seed 1 --batch-size 4 -o $set.trace 2>&1
	done
}

setup() {
	test_data
	export OPT4_PREFETCH=off
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER
}

teardown() {
	rm -rf "$OPT4_DIR"
}

# right [SUMS]: sha256sum's own words are the same; it ends with 0; nothing else on stdout or stderr
right() {
	local sums=${1:-$SUMS}
	cut -c67- "$sums" | within 30 env LD_PRELOAD="$LIB" xargs sha256sum >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	diff "$sums" "$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

# said WHAT: a line of the log names it, as `opt4: what: why; ..`
said() {
	grep -q "^opt4: .*$1" "$OPT4_LOG" || { echo "no line on $1 in the log:"; cat "$OPT4_LOG"; return 1; }
}

@test "each OPT4_* with nonsense: right bytes, and a line that names it" {
	export OPT4_ROOT=$PWD/data
	local setting value
	for setting in "OPT4_CACHE=much" "OPT4_CACHE=-5" "OPT4_CACHE=5Q" "OPT4_CACHE=1e400" "OPT4_CACHE=%" "OPT4_CACHE=50%" \
		"OPT4_POLICY=best" "OPT4_POLICY=$(printf 'x%.0s' {1..5000})" "OPT4_PREFETCH=always" "OPT4_PREFETCH=-1" \
		"OPT4_PREFETCH=99999999999999999999" "OPT4_DIRECT=perhaps" "OPT4_ELEVATOR=fast" "OPT4_REVALIDATE=soon" "OPT4_REVALIDATE=-1s" \
		"OPT4_MAXFILE=large" "OPT4_MAXFILE=50%" "OPT4_KEEP=yes" "OPT4_LIVE=2" "OPT4_TRACE=/nowhere/at.all" "OPT4_TRACE=$PWD" \
		"OPT4_TRACE=/dev/null" "OPT4_TRACE=$PWD/data.sums" "OPT4_STATS=/nowhere/stats.json" "OPT4_STATS=$PWD" \
		"OPT4_DIR=/nowhere/session" "OPT4_DIR=$PWD" "OPT4_DIR=/dev/null" "OPT4_DIR=/dev/shm" "OPT4_DIR=$(printf '/x%.0s' {1..3000})" \
		"OPT4_MATCH=$(printf 'x%.0s' {1..300})"; do
		rm -f "$OPT4_LOG"
		(export "${setting?}"; right) || { echo "${setting:0:60}"; return 1; }
		said "${setting%%=*}" || { echo "${setting:0:60}"; return 1; }
	done
}

@test "a trace that is a FIFO, a device or unreadable does not make anything hang" {
	export OPT4_ROOT=$PWD/data
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	for trace in "$BATS_TEST_TMPDIR/fifo" /dev/zero /dev/tty; do
		rm -f "$OPT4_LOG"
		OPT4_TRACE=$trace right
		said OPT4_TRACE
	done
}

@test "roots that are none: /, HOME, a file, nothing, tmpfs, with ..: right bytes" {
	local root
	for root in / "$HOME" "$PWD/seed" /nowhere /dev/shm "$PWD/data/../data" "$PWD//./data///" relative/nowhere ::: "$(printf '/x%.0s' {1..3000})" \
		"$PWD/data:$PWD/data:$PWD/data" "$(seq -s : -f "/nowhere/%g" 40)"; do
		OPT4_ROOT=$root OPT4_CACHE=1M right || { echo "${root:0:60}"; return 1; }
	done
	rm -f "$OPT4_LOG"
	OPT4_ROOT=/ right
	said OPT4_ROOT
	rm -f "$OPT4_LOG"
	HOME=$PWD/data OPT4_ROOT=$PWD/data right
	said OPT4_ROOT
}

@test "OPT4_LOG and OPT4_STATS nowhere, a directory, a full device: right bytes all the same" {
	export OPT4_ROOT=$PWD/data OPT4_CACHE=wrong
	for log in /nowhere/log "$PWD" /dev/full; do
		OPT4_LOG=$log OPT4_STATS=$log right
	done
	[ -c /dev/full ]
}

@test "a program that writes decimal commas: sizes and statistics have points" {
	mkdir -p locales
	localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 2>/dev/null || skip "needs localedef and the sources of de_DE (Debian: locales)"
	OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_CACHE=1.5M OPT4_ROOT=$PWD/data LOCPATH=$PWD/locales LD_PRELOAD=$LIB \
		within 30 "$PYTHON" -c 'import locale, sys
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
open(sys.argv[1], "rb").read()' "$(head -1 "$LIST")"
	[ "$(json "['budget_bytes']" <"$BATS_TEST_TMPDIR/stats")" = 1572864 ]
	[ "$(json "['reuse_ratio']" <"$BATS_TEST_TMPDIR/stats")" = 0.0 ]
}

@test "messages leave no descriptor behind, not even where 0 was closed" {
	OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_POLICY=nonsense OPT4_ROOT=$PWD/data LD_PRELOAD=$LIB \
		within 30 ls -l /proc/self/fd <&- >"$BATS_TEST_TMPDIR/open"
	grep -q nonsense "$BATS_TEST_TMPDIR/log"
	[ "$(grep -c "$BATS_TEST_TMPDIR/log" "$BATS_TEST_TMPDIR/open")" = 0 ]
}

@test "OPT4_LOG=stderr says it there and not on stdout" {
	LD_PRELOAD=$LIB OPT4_ROOT=$PWD/data OPT4_CACHE=wrong OPT4_LOG=stderr sha256sum "$(head -1 "$LIST")" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	head -1 "$SUMS" | diff - "$BATS_TEST_TMPDIR/out"
	grep -q '^opt4: OPT4_CACHE: ' "$BATS_TEST_TMPDIR/err"
}

@test "OPT4_DISABLE=1, OPT4_PROGRAMS of others, no trace and no root: nothing is made" {
	export OPT4_ROOT=$PWD/data
	OPT4_DISABLE=1 right
	OPT4_PROGRAMS=bash:'torch*' right
	env -u OPT4_ROOT LD_PRELOAD="$LIB" cat "$(head -1 "$LIST")" >/dev/null
	[ ! -e "$OPT4_STATS" ]
	[ ! -e "$OPT4_LOG" ]
	[ ! -e "$OPT4_DIR" ]
	OPT4_PROGRAMS='sha*' right
	[ -e "$OPT4_STATS" ]
}

@test "a trace of another dataset: right bytes" {
	OPT4_TRACE=$PWD/other.trace right                           # its root is elsewhere: nothing is ours
	OPT4_TRACE=$PWD/other.trace OPT4_ROOT=$PWD/data right        # the same names, other bytes and sizes
	[ "$(stat_of accesses)" = 60 ]
	OPT4_TRACE=$PWD/other.trace OPT4_ROOT=$PWD/data OPT4_CACHE=10% right
	mkdir -p elsewhere && cp -a data elsewhere/set && find "$PWD/elsewhere" -type f | sort | xargs sha256sum >elsewhere.sums
	sleep .1
	OPT4_TRACE=$PWD/data.trace OPT4_ROOT=$PWD/elsewhere right elsewhere.sums   # no name of the trace is there
}

@test "truncated and bit-flipped traces, 50 seeds: right bytes, no crash, no hang" {
	within 280 "$PYTHON" "$REPO/tests/lib/damage.py" "$PWD/data.trace" "$SUMS" 50 "$SEED" "$PWD/data"
}

@test "few descriptors: EMFILE is the program's own, and the bytes of what it could open are right" {
	export OPT4_ROOT=$PWD/data OPT4_CACHE=300K OPT4_POLICY=lru
	local n
	cat >"$BATS_TEST_TMPDIR/emfile.py" <<'EOP'
import errno, hashlib, os, resource, sys
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
sums = [(line[:64], line[66:].rstrip("\n")) for line in open(sys.argv[1])]
for round in range(2):
    for digest, path in sums:                        # one at a time there is always room for
        with open(path, "rb") as f:
            assert hashlib.sha256(f.read()).hexdigest() == digest
held = []
try:
    for digest, path in sums * 3:
        fd = os.open(path, os.O_RDONLY)
        held.append((fd, digest))
        assert hashlib.sha256(os.read(fd, 1 << 20)).hexdigest() == digest
except OSError as e:
    assert e.errno == errno.EMFILE, e
else:
    raise SystemExit("never EMFILE")
print(len(held))
for fd, digest in held:
    assert hashlib.sha256(os.pread(fd, 1 << 20, 0)).hexdigest() == digest
EOP
	for n in 8 16 60; do
		plain=$("$PYTHON" "$BATS_TEST_TMPDIR/emfile.py" "$SUMS" $n)
		[ "$(LD_PRELOAD=$LIB within 30 "$PYTHON" "$BATS_TEST_TMPDIR/emfile.py" "$SUMS" $n)" = "$plain" ]
	done
}
