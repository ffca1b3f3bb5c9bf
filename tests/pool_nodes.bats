# Four nodes with a network of their own, a pool of `opt4 run --pool`'s: bench/pool in small. What is asserted holds on a busy
# machine, too; the figures are the bench's.

load common

setup_file() {
	[ "$(id -u)" = 0 ] || skip "network namespaces need root"
	"$REPO/tests/setup.sh" memcached || skip "no memcached; as root: apt-get install memcached"
	command -v ip >/dev/null || skip "no ip; as root: apt-get install iproute2"
	ip netns add o4t$$ 2>/dev/null && ip netns del o4t$$ || skip "no network namespaces here"
	# a busy machine's servers are no dead ones, but the one that is stopped must be found out
	OPT4_POOL_WAIT=400ms within 280 "$PYTHON" "$REPO/bench/pool/pool.py" "$B" --small --json "$BATS_FILE_TMPDIR/json" 3>&-
}

setup() { [ -e "$BATS_FILE_TMPDIR/json" ] || skip "no root, no memcached, or no network namespaces"; }

row() { json "['rows'][$1]$2" <"$BATS_FILE_TMPDIR/json"; }

@test "no byte wrong and none failed, whatever befell a server; none was evicted or refused" {
	for i in 0 1 2 3 4; do
		calc "$(row $i "['wrong']") == 0 and $(row $i "['failed']") == 0 and $(row $i "['pool']['refused']") == 0"
	done
}

@test "a pool of the dataset's size: the store is read once by all together, not three times" {
	calc "$(row 0 "['origin']") > 2.9"
	calc "1 <= $(row 1 "['origin']") < 1.25"   # 1.02 on a quiet machine
	calc "$(row 1 "['sent']") / 3 < .85"       # what goes over the network: (1 - 1/K) D an epoch
}

@test "a server killed in mid-epoch: what it held is read once more, at most" {
	calc "$(row 2 "['origin']") < 1.6"         # 1.27 asked of the bench
}

@test "a server stopped, or a node cut off, in mid-epoch: no batch waits for it" {
	calc "$(row 3 "['longest']") < $(row 1 "['longest']") + 5"
	calc "$(row 4 "['longest']") < $(row 1 "['longest']") + 5"
	calc "$(row 3 "['origin']") < 1.7"
}
