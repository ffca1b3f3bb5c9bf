# In a memory cgroup tmpfs pages count as the job's: a cache that did not look would get it killed.

load common
load lib/situations

# A cgroup of its own below ours, where we may make one: v1 or v2. $group is its folder.
make_group() {
	need_root "makes a memory cgroup"
	local v1=$(sed -n 's/^[0-9]*:\(.*,\)\?memory\(,.*\)\?:\(.*\)$/\3/p' /proc/self/cgroup) v2=$(sed -n 's/^0:://p' /proc/self/cgroup) base
	group=
	for base in "/sys/fs/cgroup/memory${v1:-/none}" /sys/fs/cgroup/memory "/sys/fs/cgroup$v2" /sys/fs/cgroup; do
		[ -e "$base/memory.limit_in_bytes" ] || grep -qs memory "$base/cgroup.subtree_control" || continue
		mkdir "$base/opt4-test-$$" 2>/dev/null || continue
		group=$base/opt4-test-$$
		return 0
	done
	skip "no memory cgroup can be made here"
}

# limit SIZE
limit() {
	if [ -e "$group/memory.limit_in_bytes" ]; then
		echo "$1" >"$group/memory.limit_in_bytes"
	else
		echo "$1" >"$group/memory.max"
		echo 0 >"$group/memory.swap.max" 2>/dev/null || true
	fi
}

# inside CMD...: in the group
inside() { sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"; }

killed() {
	if [ -e "$group/memory.oom_control" ]; then
		grep -q '^oom_kill [1-9]' "$group/memory.oom_control"
	else
		grep -q '^oom_kill [1-9]' "$group/memory.events"
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	export OPT4_PREFETCH=off OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_ROOT=$PWD/data
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER
}

teardown() {
	rm -rf "$OPT4_DIR"
	[ -z "${group:-}" ] || rmdir "$group"
}

# sparse N MIB: N files in data, their list in data.list
sparse() {
	mkdir -p data
	local i
	for ((i = 0; i < $1; i++)); do
		printf %s "$PWD/data/f$i.jpg" >"data/f$i.jpg"
		truncate -s "$2M" "data/f$i.jpg"
		echo "$PWD/data/f$i.jpg"
	done >data.list
	sleep .1
}

@test "a memory cgroup of 64 MiB: by default no cache, and it is said; the job survives" {
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers' own memory does not fit into 64 MiB"
	make_group
	data "$PWD/files" 400 150K-250K
	export OPT4_ROOT=$PWD/files
	limit 64M
	inside env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/churn.py" "$PWD/files.sums" --procs 2 --count 400
	fails killed
	cat "$OPT4_LOG"
	grep -q 'opt4: no cache: .* memory cgroup' "$OPT4_LOG"
	[ "$(stat_of fills)" = 0 ]
}

@test "a memory cgroup of 64 MiB and a cache asked for that is larger: what fits, the job survives" {
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers' own memory does not fit into 64 MiB"
	make_group
	data "$PWD/files" 400 150K-250K
	export OPT4_ROOT=$PWD/files OPT4_CACHE=1G
	limit 64M
	inside env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/churn.py" "$PWD/files.sums" --procs 2 --count 400
	fails killed
	cat "$OPT4_LOG"
	grep -q 'opt4: OPT4_CACHE: room for' "$OPT4_LOG"
	[ "$(stat_of errors)" = 0 ]
}

@test "a job that grows by 1 GiB after its cache has filled a cgroup of 1.5 GiB: the cache gives way" {
	make_group
	sparse 280 3
	limit 1536M
	export OPT4_POLICY=lru
	within 100 sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/grow.py" "$PWD/data.list" 1024
	fails killed
	cat "$OPT4_STATS" | head -30
	calc "$(stat_of peak_bytes) > 600 << 20"
	calc "$(stat_of used_bytes) < 400 << 20"
}

@test "the same by keep, which evicts nothing for another file" {
	make_group
	sparse 280 3
	limit 1536M
	export OPT4_POLICY=keep
	within 100 sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/grow.py" "$PWD/data.list" 1024
	fails killed
	calc "$(stat_of peak_bytes) > 600 << 20"
	calc "$(stat_of used_bytes) < 400 << 20"
}

@test "what the job has mapped is not room for the cache" {
	[ -z "${SUITE_ASAN:-}" ] || skip "the sanitizers' own memory takes what the mapped file leaves"
	make_group
	sparse 80 3
	head -c 160M /dev/urandom >mapped
	limit 320M
	# the pages are charged to who brings them in: so not before
	"$PYTHON" -c 'import os; f = os.open("mapped", os.O_RDONLY); os.fsync(f); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)'
	OPT4_CACHE=240M OPT4_POLICY=lru within 100 sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
		env LD_PRELOAD="$LIB" "$PYTHON" - "$PWD/data.list" <<-'E'
	import mmap, sys, time
	with open("mapped", "rb") as f:
	    m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
	for line in open(sys.argv[1]):
	    sum(m[::4096])    # as a program uses its code
	    with open(line.strip(), "rb") as f:
	        f.read()
	    time.sleep(.02)   # the cache looks for room ten times a second
	E
	fails killed
	head -40 "$OPT4_STATS"
	# 320 MiB less 160 that are mapped and 32 that are always left
	calc "16 << 20 < $(stat_of used_bytes) <= 128 << 20"
}
