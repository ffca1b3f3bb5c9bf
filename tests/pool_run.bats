# opt4 run --pool and opt4 pool: this node's server comes and goes with the job, and what stands in the way is said in a line.

load common

PORT=21311
AT=127.0.8.1:$PORT

setup_file() { "$REPO/tests/setup.sh" memcached || skip "no memcached; as root: apt-get install memcached"; }

setup() {
	command -v memcached >/dev/null || skip "no memcached; as root: apt-get install memcached"
	cd "$BATS_TEST_TMPDIR"
	export OPT4_POOL_SIZE=64M ROOT=$PWD/data
	mkdir data
	for i in $(seq 20); do head -c 20000 /dev/urandom >data/$i.jpg; done
	(cd data && for i in $(seq 20); do echo "$i.jpg $(sha256sum <$i.jpg | cut -d' ' -f1)"; done) >sums
	sleep .05
}

teardown() {
	"$OPT4" pool stop $AT 2>/dev/null || true
	no_session
}

job() { "$PYTHON" "$REPO/tests/ssd/job.py" data sums 2 1; }
export -f job

@test "opt4 run starts this node's server, bound to its address, and stops it with the job" {
	run_opt4 --pool $AT --root data --cache 4M --stats stats -- bash -c 'job && "$OPT4" pool status '$AT' && cp /proc/$(pgrep -f "[m]emcached -l 127.0.8.1")/cmdline cmdline' >out
	grep -q "read 40 wrong 0 failed 0" out
	grep -q "alive" out
	tr '\0' ' ' <cmdline | grep -q -- "-l 127.0.8.1 -p $PORT .*-M -o no_slab_reassign"
	run "$OPT4" pool status $AT
	[ "$status" = 1 ]
	calc "$(json "['pool']['sets']" <stats) > 0"
}

@test "--keep leaves it, and the next job reads nothing of the store" {
	run_opt4 --pool $AT --root data --cache 4M --keep -- bash -c job
	"$OPT4" pool status $AT
	"$OPT4" clean --all
	run_opt4 --pool $AT --root data --cache 4M --stats stats -- bash -c job
	calc "$(json "['pool']['hits']" <stats) > 15 and $(json "['origin_bytes']" <stats) < 100000"
	"$OPT4" pool status $AT
	"$OPT4" pool stop $AT
	run "$OPT4" pool status $AT
	[ "$status" = 1 ]
}

@test "opt4 run is killed: its server goes, too" {
	"$OPT4" run --pool $AT --root data -- sleep 60 3>&- &
	local pid=$!
	for _ in {1..100}; do "$OPT4" pool status $AT >/dev/null && break; sleep .05; done
	kill -9 $pid
	for _ in {1..100}; do "$OPT4" pool status $AT >/dev/null || return 0; sleep .05; done
	false
}

@test "not installed, the port taken, no address of ours, a loopback among nodes: a line, and the job runs" {
	mkdir bin
	for t in env bash sleep cat; do ln -s "$(command -v $t)" bin/$t; done
	run unshare -m bash -c 'mount --bind /dev/null "$(command -v memcached)" && exec "$@"' bash "$OPT4" run --quiet --pool $AT --root data -- echo ran
	[ "$(id -u)" != 0 ] || { [[ "$output" == *"opt4: pool: "*"; the job runs without"*ran* ]] && [ "$status" = 0 ]; }
	"$PYTHON" -c 'import socket, time
s = socket.socket(); s.bind(("127.0.8.2", '$PORT')); s.listen(); print("up", flush=True)
while True:
    c = s.accept()[0]; c.recv(100); c.sendall(b"HTTP/1.0 400 no\r\n\r\n"); c.close()' 3>&- >up &
	local other=$!
	for _ in {1..100}; do grep -q up up && break; sleep .05; done
	run "$OPT4" run --quiet --pool 127.0.8.2:$PORT --root data -- echo ran
	kill $other
	[[ "$output" == *"opt4: pool: 127.0.8.2:$PORT: the port is taken"*"; the job runs without"*ran* ]]
	run unshare -n "$OPT4" run --quiet --pool 192.0.2.1,192.0.2.2 --root data -- echo ran   # in a network of nobody
	[ "$(id -u)" != 0 ] || [[ "$output" == *"opt4: pool: no address of 192.0.2.1"*"; the job runs without"*ran* ]]
	run "$OPT4" run --quiet --pool $AT,192.0.2.1 --root data -- echo ran
	[[ "$output" == *"opt4: pool: $AT is an address of the loopback"*"; the job runs without"*ran* ]]
	run "$OPT4" run --quiet --pool auto --root data -- echo ran
	[[ "$output" == *"opt4: pool: auto: "*"; the job runs without"*ran* ]]
}

@test "never for everybody, no nonsense: refused before the job begins" {
	for list in 0.0.0.0 "[::]:11211" a:b "host:0" "" " " ","; do
		run "$OPT4" run --pool "$list" --root data -- echo ran
		echo "$list: $status $output"
		[ "$list" = "" ] || [[ "$status" = 2 && "$output" != *ran* ]]
	done
	run "$OPT4" run --pool $AT --pool-size much --root data -- echo ran
	[ "$status" = 2 ]
	run "$OPT4" run --pool-size 1G --root data -- echo ran
	[ "$status" = 2 ]
}

@test "auto: Slurm's list written out, a host file of MPI's, one node of torchrun's" {
	nodes() { env "$@" "$OPT4" pool status auto | awk 'NR > 1 { print $1 }' | paste -sd' '; }
	[ "$(nodes SLURM_JOB_NODELIST='n[01-03,7]x,login')" = "n01x:11211 n02x:11211 n03x:11211 n7x:11211 login:11211" ]
	[ "$(nodes SLURM_JOB_NODELIST='a[1-2]b[3-4]')" = "a1b3:11211 a1b4:11211 a2b3:11211 a2b4:11211" ]
	printf 'h1 slots=4\nh2 slots=4\n\nh1\n' >hosts
	[ "$(nodes PBS_NODEFILE=$PWD/hosts)" = "h1:11211 h2:11211" ]
	[ "$(nodes PET_NNODES=1 PET_MASTER_ADDR=127.0.8.9)" = "127.0.8.9:11211" ]
	run env PET_NNODES=4 PET_MASTER_ADDR=127.0.8.9 "$OPT4" pool status auto
	[ "$status" = 1 ]
	[[ "$output" == *"--pool LIST"* ]]
}

@test "pool init: 0600, never over another; start twice is one" {
	"$OPT4" pool init secret
	[ "$(stat -c %a secret)" = 600 ]
	run "$OPT4" pool init secret
	[ "$status" = 1 ]
	"$OPT4" pool start $AT
	"$OPT4" pool start $AT | grep -q "runs already"
	[ "$(pgrep -fc '[m]emcached -l 127.0.8.1')" = 1 ]
}

@test "doctor: a value there and back, a loopback among nodes, nothing there, a bad secret" {
	"$OPT4" pool start $AT
	"$OPT4" pool init secret
	OPT4_POOL_SECRET=$PWD/secret "$OPT4" doctor --pool $AT >out || true
	grep -q "^ok    pool        $AT: .*there and back" out
	"$OPT4" doctor --pool $AT,127.0.8.7:1 >out || true
	grep -q "^bad   pool        $AT: an address of the loopback" out
	grep -q "^warn  pool        127.0.8.7:1: reached, but nothing runs there" out
	chmod 644 secret
	OPT4_POOL_SECRET=$PWD/secret run "$OPT4" doctor --pool $AT
	[ "$status" = 1 ]
	[[ "$output" == *"bad   pool        OPT4_POOL_SECRET: "*"others may read it"* ]]
	run "$OPT4" doctor --pool a:b
	[[ "$output" == *"bad   pool        "* ]]
}

@test "top, stat and the report show the servers" {
	run_opt4 --quiet --pool $AT --root data --cache 4M --stats stats -- bash -c 'job && "$OPT4" top --once >top && "$OPT4" top --prometheus >prom'
	grep -q "^pool      1 of 1 servers" top
	grep -q "$AT .* of 64.0 MiB" top
	grep -q '^opt4_pool_servers_alive{.*} 1$' prom
	grep -q '^opt4_pool_gets_total{.*} [1-9]' prom
	"$OPT4" report -o page stats
	grep -q "The pool" page
	grep -q "$AT" page
}

@test "plan --nodes: private caches beside a pool of the same memory" {
	"$PYTHON" "$OPT4_TRACE_TOOL" paths <(cd data && ls "$PWD"/*.jpg "$PWD"/*.jpg) --epochs 1 -o t.trace 2>/dev/null || skip "no trace of a list here"
	"$OPT4" plan --trace t.trace --cache 10%,50% --policy keep --nodes 4 --json >plan
	calc "$(json "[0]['nodes']['count']" <plan) == 4 and $(json "[1]['nodes']['pool_later_origin_bytes']" <plan) == 0"
	calc "$(json "[0]['nodes']['pool_later_origin_bytes']" <plan) < $(json "[0]['nodes']['private_later_origin_bytes']" <plan)"
	"$OPT4" plan --trace t.trace --cache 10% --policy keep --nodes 4 | grep -q "What 4 such nodes read of the store"
	run "$OPT4" plan --trace t.trace --nodes none
	[ "$status" = 2 ]
}
