# The pool: what one node has read of the store no other reads again. A node here is a session of its own (OPT4_DIR) with a
# keeper of its own, its server a memcached at an address of the loopback's; tests/pool_nodes.bats has namespaces.

load common

N=160
PORT=21211

setup_file() {
	"$REPO/tests/setup.sh" memcached || skip "no memcached; as root: apt-get install memcached"
	seed
	export SEED
	cd "$BATS_FILE_TMPDIR"
	export ROOT=$PWD/store
	dataset "$ROOT" $N ~50K
	"$PYTHON" "$REPO/tests/keeper/sums.py" "$ROOT" >sums.json
	(cd "$ROOT" && find . -type f -printf '%P\n' | sort | while read -r f; do echo "$f $(sha256sum <"$f" | cut -d' ' -f1)"; done) >sums
	for r in 0 1; do
		"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$ROOT" --epochs 3 --seed "$SEED" --batch-size 8 --workers 2 --world-size 2 --ranks $r -o $r.trace
		"$PYTHON" "$OPT4_TRACE_TOOL" show $r.trace --json >$r.json
	done
	export BYTES=$(find "$ROOT" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
}

setup() {
	[ -e "$BATS_FILE_TMPDIR/1.json" ] || skip "no memcached; as root: apt-get install memcached"
	cd "$BATS_TEST_TMPDIR"
	SERVERS=()
	export OPT4_POOL_WAIT=5s   # a busy machine's servers are no dead ones
	export SLOWSTORE_ROOT=$ROOT SLOWSTORE_STATE=$PWD/state OPT4_POOL_SECRET=$PWD/secret
	(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >secret && echo >>secret)
}

teardown() {
	[ -z "${SERVERS[*]:-}" ] || { kill -CONT "${SERVERS[@]}"; kill -9 "${SERVERS[@]}"; } 2>/dev/null || true
	no_session
}

# server I [MB]: the Ith server, at 127.0.9.I; POOL names those that were started.
server() {
	local user=()
	[ "$(id -u)" != 0 ] || user=(-u root)
	memcached "${user[@]}" -l 127.0.9.$1 -p $PORT -m "${2:-64}" -M -o no_slab_reassign -C -n 4096 -f 1.5 -t 1 3>&- &
	SERVERS[$1]=$!
	for _ in {1..100}; do
		ask $1 version >/dev/null 2>&1 && break
		sleep .05
	done
	case ,${POOL:-}, in *,127.0.9.$1:$PORT,*) ;; *) export POOL=${POOL:+$POOL,}127.0.9.$1:$PORT ;; esac
}
ask() { (exec 4<>/dev/tcp/127.0.9.$1/$PORT && printf '%s\r\n' "$2" >&4 && timeout 2 sed '/^END\|^VERSION\|^OK\|ERROR/q' <&4) }

# node I [NAME=VALUE...]: rank I's epochs by its trace, nothing wrong and nothing failed.
node() {
	local i=$1
	shift
	for _ in {1..100}; do   # a session that is still being left would be joined
		[ -e /dev/shm/opt4-$(id -u)/pool$i ] || break
		sleep .1
	done
	rm -f stats$i log$i
	mkdir -p -m 700 /dev/shm/opt4-$(id -u)   # it goes with the last session
	within 120 env OPT4_POOL="${POOL-}" OPT4_TRACE=$BATS_FILE_TMPDIR/$i.trace OPT4_DIR=/dev/shm/opt4-$(id -u)/pool$i OPT4_CACHE=2M OPT4_STATS=$PWD/stats$i \
		OPT4_LOG=$PWD/log$i LD_PRELOAD="$LIB:$SLOWSTORE" "$@" "$PYTHON" "$REPO/tests/keeper/reader.py" "$BATS_FILE_TMPDIR/$i.json" "$ROOT" \
		--workers 2 --sums "$BATS_FILE_TMPDIR/sums.json" --compute .02 >out$i 2>&1
	cat out$i
	[ "$(json "['wrong']" <out$i) $(json "['failed']" <out$i)" = "0 0" ]
}
both() { node 0 "$@" & local other=$!; node 1 "$@" && wait $other; }
# pool I NAME: a counter of that node's pool, when its keeper has left
pool() {
	no_session
	json "['pool']['$2']" <stats$1
}
origin() { store_stat bytes; }

@test "what one node has read of the store no other reads again: three epochs of both read it once" {
	server 1
	server 2
	both
	calc "$BYTES <= $(origin) <= 1.8 * $BYTES"   # 2.6 or so without; on a quiet machine 1.00
	calc "$(pool 0 hits) + $(pool 1 hits) > 100 and $(pool 0 refused) + $(pool 1 refused) == 0"
	[ "$(json "['pool']['servers'][0]['alive']" <stats0)" = true ]
}

@test "one job after another: the second reads nothing of the store, with an order or without, prefetch off" {
	server 1
	node 0
	node 1
	local before=$(origin)
	node 1
	calc "$(origin) - $before <= .2 * $BYTES"
	within 120 env OPT4_POOL=$POOL OPT4_ROOT=$ROOT OPT4_PREFETCH=off OPT4_CACHE=2M OPT4_STATS=$PWD/stats2 OPT4_LOG=$PWD/log2 LD_PRELOAD="$LIB:$SLOWSTORE" \
		"$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$BATS_FILE_TMPDIR/sums" 2 "$SEED" >out2
	[ "$(cat out2)" = "read $(($N * 2)) wrong 0 failed 0" ]
	calc "$(pool 2 hits) > 50 and $(origin) - $before <= .3 * $BYTES"
}

@test "bytes planted, another key's value, noughts, a byte too few: refused, counted, said once, and put anew" {
	server 1
	node 0
	node 1
	for how in corrupt swap zero truncate; do
		calc "$("$PYTHON" "$REPO/tests/pool/plant.py" 127.0.9.1 $PORT $how) > 100"
		node 1
		calc "$(pool 1 refused) > 50"
		[ "$(grep -c 'refused' log1)" = 1 ]
	done
	node 1
	calc "$(pool 1 refused) < 10 and $(pool 1 hits) > 50"   # what a client had read itself is not put in place of anything
}

@test "another's secret: nothing is found, nothing is believed" {
	server 1
	node 0
	(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >other && echo >>other)
	node 0 OPT4_POOL_SECRET=$PWD/other
	calc "$(pool 0 hits) < 100 and $(origin) > 1.5 * $BYTES / 2"
}

@test "no secret, one that others may read, a link, not ours: the pool is not used, and why is said" {
	server 1
	chmod 644 secret
	node 0
	grep -q 'opt4: pool: .*others may read it' log0
	calc "$(pool 0 gets) == 0"
	ln -s secret link
	chmod 600 secret
	node 0 OPT4_POOL_SECRET=$PWD/link
	grep -q 'opt4: pool: .*symbolic link' log0
	node 0 OPT4_POOL_SECRET=$PWD/none
	grep -q 'opt4: pool: .*No such file' log0
	echo 1234 >short
	chmod 600 short
	node 0 OPT4_POOL_SECRET=$PWD/short
	grep -q 'opt4: pool: .*not what' log0
}

@test "no secret is named: it is made beside the trace, for its owner only" {
	server 1
	rm -f "$BATS_FILE_TMPDIR/0.trace.opt4-pool"
	node 0 OPT4_POOL_SECRET=
	[ "$(stat -c %a "$BATS_FILE_TMPDIR/0.trace.opt4-pool")" = 600 ]
	calc "$(pool 0 sets) > 50"
}

@test "a server is killed in mid-epoch: no error, its files come from the store and go to the other" {
	export OPT4_POOL_WAIT=100ms
	server 1
	server 2
	both
	node 0 &
	local job=$!
	sleep .7
	kill -9 ${SERVERS[1]}
	wait $job
	node 0
	calc "$(pool 0 gets) > 0"
	[ "$(json "['pool']['servers'][0]['alive']" <stats0)" = false ]
	grep -c 'opt4: pool: 127.0.9.1' log0 || true
}

@test "a server is stopped: nobody waits for it for long, and it is said once" {
	export OPT4_POOL_WAIT=100ms
	server 1
	server 2
	both
	kill -STOP ${SERVERS[1]}
	node 0
	[ "$(grep -c 'opt4: pool: 127.0.9.1.*no answer' log0)" -le 1 ] || [ ! -e log0 ]
	kill -CONT ${SERVERS[1]}
	calc "$(pool 0 gets) > 0"
}

@test "a server is started anew, empty: its files are read of the store and put there" {
	server 1
	node 0
	kill -9 ${SERVERS[1]}
	wait ${SERVERS[1]} || true
	server 1
	node 0
	calc "$(pool 0 sets) > 50 and $(pool 0 errors) == 0"
}

@test "full servers: what they hold is found, the rest read of the store; nothing is evicted there" {
	server 1 3
	node 0
	node 1
	node 0
	calc "$(pool 0 hits) > 5 and $(pool 0 no_room) > 0"
	ask 1 stats | tr -d '\r' | grep -qx 'STAT evictions 0'
}

@test "a node that sees other times of files has other keys: it reads the store, and nobody gets the other's" {
	server 1
	node 0
	node 0 DRAG_NAME=.jpg LD_PRELOAD="$LIB:$B/tests/pool/drag.so:$SLOWSTORE"
	calc "$(pool 0 sets) > 50 and $(pool 0 refused) == 0"
}

@test "two roots with the same names, sizes and dates: each its own bytes" {
	server 1
	mkdir images masks
	for i in $(seq 40); do head -c 30000 /dev/urandom >images/$i.jpg; head -c 30000 /dev/urandom >masks/$i.jpg; done
	touch -d @1000000000 images/* masks/*
	sleep .05
	for d in images masks; do
		(cd $d && for i in $(seq 40); do echo "$i.jpg $(sha256sum <$i.jpg | cut -d' ' -f1)"; done) >$d.sums
		env OPT4_POOL=$POOL OPT4_ROOT=$PWD/$d OPT4_CACHE=2M OPT4_STATS=$PWD/stats2 LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/ssd/job.py" $d $d.sums 2 1 .002 >out2
		[ "$(cat out2)" = "read 80 wrong 0 failed 0" ]
	done
}

@test "no server there, a name without an address, no list: the job runs as without" {
	POOL=127.0.9.7:$PORT
	node 0
	calc "$(pool 0 hits) == 0 and $(json "['origin_bytes']" <stats0) > 0"
	POOL=no.such.host.invalid
	node 0
	POOL=a:b:c
	node 0
	grep -q "opt4: pool: OPT4_POOL: 'a:b:c'" log0
}
