# The pool with orders learned from the running DataLoader, without a trace: two nodes, with an SSD and without.

load common

A=127.0.6.1:21511
B_AT=127.0.6.2:21511

setup_file() {
	"$REPO/tests/setup.sh" memcached || skip "no memcached; as root: apt-get install memcached"
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/store" 240 ~50K
	for i in 0 1; do "$PYTHON" -W ignore "$REPO/tests/pool/job.py" store $i 2 3 >plain$i; done
}

setup() {
	[ -e "$BATS_FILE_TMPDIR/plain1" ] || skip "no memcached; as root: apt-get install memcached"
	cd "$BATS_FILE_TMPDIR"
	export OPT4_POOL_WAIT=5s OPT4_POOL_SECRET=$BATS_TEST_TMPDIR/secret OPT4_POOL_SIZE=64M SLOWSTORE_ROOT=$PWD/store SLOWSTORE_STATE=$BATS_TEST_TMPDIR/state
	"$OPT4" pool init "$OPT4_POOL_SECRET"
	for at in $A $B_AT; do "$OPT4" pool start $at; done
}

teardown() {
	for at in $A $B_AT; do "$OPT4" pool stop $at || true; done
	for _ in {1..100}; do
		ls -d /dev/shm/opt4-live? >/dev/null 2>&1 || break
		sleep .1
	done
}

# node I [OPTION...]
node() {
	local i=$1
	shift
	OPT4_DIR=/dev/shm/opt4-live$i within 120 "$OPT4" run --quiet --pool $A,$B_AT --cache 4M --stats "$BATS_TEST_TMPDIR/stats$i" "$@" -- \
		env LD_PRELOAD="$LIB:$SLOWSTORE" "$PYTHON" -W ignore "$REPO/tests/pool/job.py" store "$i" 2 3 >"$BATS_TEST_TMPDIR/out$i"
	diff "plain$i" "$BATS_TEST_TMPDIR/out$i"
}
both() {
	node 0 "$@" & local other=$!
	node 1 "$@"
	wait $other
}

@test "two nodes without a trace: the store is read once, and the job sees the same bytes" {
	both
	local bytes=$(find store -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	calc "$bytes <= $(store_stat bytes) < 2 * $bytes"   # 2.8 without; 1.00 on a quiet machine
	calc "$(json "['pool']['hits']" <"$BATS_TEST_TMPDIR/stats0") > 50"
}

@test "the same with a second tier on a disk" {
	mkdir "$BATS_TEST_TMPDIR/ssd"
	both --ssd "$BATS_TEST_TMPDIR/ssd" --ssd-size 3M
	local bytes=$(find store -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	calc "$bytes <= $(store_stat bytes) < 2 * $bytes"
}
