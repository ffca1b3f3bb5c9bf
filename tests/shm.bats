# /dev/shm is not ours alone: loaders keep their batches there, NCCL its buffers. What they ask for the cache gives up in time.
load common
load lib/situations

setup_file() { file_data 300 900000; }
setup() {
	need_root "mounts a /dev/shm of 256 MiB"
	test_data
	unset OPT4_STATS
	export OPT4_ROOT=$PWD/data
}

# small CMD...: with a /dev/shm of 256 MiB. The cache is as large as CACHE, or by default.
small() {
	unshare -m --propagation private sh -c 'mount -t tmpfs -o size=256M,mode=1777 tmpfs /dev/shm && exec "$@"' sh \
		timeout -k 5 100 "$OPT4" run ${CACHE:+--cache $CACHE} --root "$PWD/data" --stats "$BATS_TEST_TMPDIR/stats" -- "$@"
}
asks() { small "$PYTHON" "$REPO/tests/lib/shm_asks.py" "$LIST" "$@"; }

@test "four times 33 MiB at once, from processes that have no session: whatever way they are asked for, at any size of the cache" {
	local how
	for CACHE in "" 220M; do
		for how in posix_fallocate ftruncate $([ -n "$CACHE" ] || echo write pwrite memmap save); do
			said=$(asks $how 33 4)
			[ "$said" = "ok ok ok ok 0 0 0 0" ] || { echo "$how with ${CACHE:-the default}: $said"; return 1; }
			[ "$(json "['fills']" <"$BATS_TEST_TMPDIR/stats")" -gt 100 ]
		done
	done
}

@test "by the process itself that reads, and by a shell's redirections: nearly all of it, to the last page" {
	CACHE=200M
	said=$(small "$PYTHON" -c '
import mmap, os, sys
for path in open(sys.argv[1]).read().split():
    open(path, "rb").read()
fd = os.open("/dev/shm/own", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 230 << 20)                # it is asked for before it has that size
m = mmap.mmap(fd, 230 << 20)
for at in range(0, 230 << 20, 4096):
    m[at] = 1
print(sum(m[::4096]))' "$LIST")
	[ "$said" = $((230 << 20 >> 12)) ]
	for how in "head -c 230000000" "dd bs=1M count=220 iflag=fullblock status=none"; do
		said=$(small sh -c "xargs cat <'$LIST' >/dev/null; $how </dev/zero >/dev/shm/x; stat -c %s /dev/shm/x; rm /dev/shm/x; $how </dev/zero | tee /dev/shm/y | wc -c")
		[ "$(sort -u <<<"$said" | wc -l)" = 1 ] || { echo "$how: $said"; false; }
	done
}

@test "a loader's batches of 160 MiB beside a cache of 220 in 256 MiB: no worker dies, no more is read than is asked for, and why it caches less is said once" {
	CACHE=220M
	said=$(small "$PYTHON" "$REPO/tests/lib/shm_loader.py" "$LIST" 4 4 10 2)
	[[ $said == done* ]]
	[ "$(grep -c "gives way to them" "$BATS_TEST_TMPDIR/log")" = 1 ]
	# in between it caches; at the last read all of the loader's batches may be there, and no file beside them
	[ "$(json "['hits']" <"$BATS_TEST_TMPDIR/stats")" -gt 0 ]
	# what is fetched ahead stays until it is read: room that batches will want again is not taken while they are away
	calc "$(json "['origin_bytes']" <"$BATS_TEST_TMPDIR/stats") <= 600 * 900000"
}

@test "what lies elsewhere, or is there already, takes nothing from the cache" {
	CACHE=100M
	small "$PYTHON" -c '
import os, sys, tempfile
for path in open(sys.argv[1]).read().split():
    open(path, "rb").read()
for where in "/tmp", "/dev/shm":
    with tempfile.TemporaryFile(dir=where) as f:
        os.ftruncate(f.fileno(), 10 << 20)
        os.posix_fallocate(f.fileno(), 0, 10 << 20)
        for _ in range(20):
            os.posix_fallocate(f.fileno(), 0, 10 << 20)
            os.pwrite(f.fileno(), b"x" * (1 << 20), 0)
            os.ftruncate(f.fileno(), 10 << 20)
' "$LIST"
	[ "$(json "['evictions']" <"$BATS_TEST_TMPDIR/stats")" = 0 ]
}

@test "what lies there for good takes the room that it has, and no more" {
	CACHE=60M
	echo 'import os, sys
with open("/dev/shm/for-good", "wb") as f:
    f.write(b"x" * (160 << 20))
for path in open(sys.argv[1]).read().split() * 2:
    open(path, "rb").read()
    with open("/dev/shm/batch", "wb") as f:    # as a loader makes room for its batches
        os.ftruncate(f.fileno(), 200 << 10)
        f.write(b"y" * (200 << 10))
    os.unlink("/dev/shm/batch")' >"$BATS_TEST_TMPDIR/job.py"
	small sh -c 'OPT4_POLICY=keep exec "$@"' sh "$PYTHON" "$BATS_TEST_TMPDIR/job.py" "$LIST"
	# of 256 MiB 160 are its, 32 are left free: room for the 69 files that 60 MiB hold
	[ "$(json "['hits']" <"$BATS_TEST_TMPDIR/stats")" = 69 ]
}

@test "hundreds of small files go at once, whatever the policy" {
	mkdir -p "$BATS_TEST_TMPDIR/small"
	"$PYTHON" "$REPO/tests/dataset.py" "$BATS_TEST_TMPDIR/small" 2200 50000
	find "$BATS_TEST_TMPDIR/small" -type f >"$BATS_TEST_TMPDIR/small.list"
	for policy in lru random keep; do
		said=$(unshare -m --propagation private sh -c 'mount -t tmpfs -o size=160M,mode=1777 tmpfs /dev/shm && exec "$@"' sh \
			timeout -k 5 100 "$OPT4" run --policy $policy --cache 120M --root "$BATS_TEST_TMPDIR/small" -- \
			"$PYTHON" "$REPO/tests/lib/shm_asks.py" "$BATS_TEST_TMPDIR/small.list" posix_fallocate 60 2)
		[ "$said" = "ok ok 0 0" ] || { echo "$policy: $said"; return 1; }
	done
}
