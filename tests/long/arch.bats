# aarch64 with a whole Python: a DataLoader with forked workers, programs that run themselves anew. Under qemu, in a root that
# is unpacked for it (tests/setup.sh arm64); and the policies against their oracles, as in tests/policy.bats.
load ../common

ARM=$B/aarch64
CROSS=aarch64-linux-gnu-gcc

setup() {
	command -v "$CROSS" >/dev/null || skip "no cross compiler; as root: tests/setup.sh cross"
	cd "$BATS_TEST_TMPDIR"
}

cross_make() {
	mkdir -p "$ARM/include"
	cp "$(echo '#include <uthash.h>' | ${CC:-cc} -M -x c - | tr ' ' '\n' | grep '/uthash\.h$')" "$ARM/include/"
	env -u CFLAGS -u LDFLAGS -u MAKEFLAGS make -s -C "$REPO" -j2 B=build/aarch64 CC="$CROSS" NCURSES= OPTFLAGS=-O2 \
		CFLAGS="-Werror -isystem build/aarch64/include" "$@"
}

arm64() {
	ROOT=$("$REPO/tests/setup.sh" arm64) || skip "no Python for aarch64; tests/setup.sh arm64"
	sh "$REPO/tests/lib/arm64.sh" "$ROOT" true || skip "binary formats can't be registered here (Linux 6.7 or later)"
}

@test "aarch64: a DataLoader with forked workers: the same bytes, the order learned, the files cached" {
	cross_make all
	arm64
	dataset d 40
	cat >job.py <<'P'
import hashlib, platform, sys, torch, torchvision
data = torchvision.datasets.DatasetFolder(sys.argv[1], loader=lambda path: open(path, "rb").read(), extensions=(".jpg",))
seed = torch.Generator()
seed.manual_seed(3)
loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True, num_workers=2, generator=seed, collate_fn=lambda batch: batch)
seen = hashlib.sha256()
for epoch in range(2):
    for batch in loader:
        for raw, label in batch:
            seen.update(raw + b"%d" % label)
print(seen.hexdigest())
assert len(sys.argv) < 3 or platform.machine() == sys.argv[2]
P
	want=$("$PYTHON" -W ignore job.py "$PWD/d")
	got=$(within 600 sh "$REPO/tests/lib/arm64.sh" "$ROOT" env OPT4_ROOT="$PWD/d" OPT4_CACHE=64M OPT4_STATS="$PWD/stats" \
		LD_PRELOAD="$ARM/libopt4.so" "$ROOT/debian/usr/bin/python3.11" -W ignore job.py "$PWD/d" aarch64)
	[ "$got" = "$want" ]
	cat stats
	# No more: qemu makes up /proc/self/stat, so that a process may look dead to others, and the session go between epochs.
	[ "$(json "['fills']" <stats)" -ge 40 ]
	[ "$(json "['live_epochs']" <stats)" -ge 1 ]
	[ "$(json "['errors']" <stats)" = 0 ]
}

@test "aarch64: programs that run themselves anew, and relatives that take turns, see what they see without" {
	cross_make all test-bins
	arm64
	for what in "access identity" "change exec" "change strangers" "family 11:600" "family 12:600"; do
		read -r program case <<<"$what"
		for lib in plain fake; do
			mkdir -p "$case/$lib/d/sub"
			"$PYTHON" -c "
import random, sys
r = random.Random(5)
for n in [*'abcdefghij', 'sub/a', 'sub/b']:
    open(f'{sys.argv[1]}/{n}.jpg', 'wb').write(r.randbytes(100000))" "$case/$lib/d"
		done
		sleep .05
		within 200 sh "$REPO/tests/lib/arm64.sh" "$ROOT" "$ARM/tests/hook/$program" "$case" "$PWD/$case/plain/d" >"$case/plain.out" 2>&1 </dev/null
		within 200 sh "$REPO/tests/lib/arm64.sh" "$ROOT" env FAKE_ROOT="$PWD/$case/fake/d" FAKE_DIR=/dev/shm FAKE_LOG="$PWD/$case/log" \
			LD_PRELOAD="$ARM/tests/hook/libfake.so" "$ARM/tests/hook/$program" "$case" "$PWD/$case/fake/d" >"$case/fake.out" 2>&1 </dev/null
		tail -n1 "$case/plain.out" | grep -qx done || { cat "$case/plain.out"; return 1; }
		diff "$case/plain.out" "$case/fake.out" || { echo "$what: not as plain"; return 1; }
		grep -q '^fetch' "$case/log"
	done
}

@test "aarch64: every policy hits exactly what its oracle hits (under qemu)" {
	qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || skip "no qemu; as root: tests/setup.sh cross"
	cd "$REPO"
	"$CROSS" -std=gnu11 -O1 -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/drive.arm" tests/policy/drive.c tools/opt4/*/simulate.c preload/base/page.c policy/*.c
	printf '#!/bin/sh\nexec %s -L /usr/aarch64-linux-gnu "%s" "$@"\n' "$qemu" "$BATS_TEST_TMPDIR/drive.arm" >"$BATS_TEST_TMPDIR/drive"
	chmod +x "$BATS_TEST_TMPDIR/drive"
	seed
	run within 600 python3 tests/policy/compare.py "$BATS_TEST_TMPDIR/drive" "$SEED"
	[ "$status" = 0 ]
	[[ "${lines[-1]}" =~ ^[0-9]+\ comparisons\ equal$ ]]
}
