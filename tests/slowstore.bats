# The slow store that other tests and the benches measure by: what it charges, counts and breaks.
load common

setup() {
	ROOT=$BATS_TEST_TMPDIR/store
	dataset "$ROOT" 40 1K-40K
	export SLOWSTORE_ROOT=$ROOT
	total=$(cat "$ROOT"/*/* | wc -c)
}

# seconds CMD...: how long it took, in $took.
seconds() {
	local t=$EPOCHREALTIME
	"$@"
	took=$(awk "BEGIN { print $EPOCHREALTIME - $t }")
}

@test "every way of reading gives the file's bytes, and each byte is charged once" {
	file=$ROOT/c00/f000000.jpg
	size=$(stat -c %s "$file") sum=$(sha256sum <"$file")
	for how in \
		"open(f,'rb').read()" \
		"open(f,'rb',0).read()" \
		"os.pread(os.open(f,os.O_RDONLY),1<<20,0)" \
		"os.readv(os.open(f,os.O_RDONLY),b) and bytes(b[0])" \
		"os.preadv(os.open(f,os.O_RDONLY),b,0) and bytes(b[0])" \
		"mmap.mmap(os.open(f,os.O_RDONLY),0,access=mmap.ACCESS_READ)[:]" \
		"numpy.fromfile(f,'u1').tobytes()" \
		"torchvision.io.read_file(f).numpy().tobytes()" \
		"(os.chdir(os.path.dirname(f)), open(os.path.basename(f),'rb').read())[1]" \
		"os.sendfile(o,os.open(f,os.O_RDONLY),0,1<<20)" \
		"os.copy_file_range(os.open(f,os.O_RDONLY),o,1<<20)"; do
		rm -f "$BATS_TEST_TMPDIR/store.state"
		got=$(slow "$PYTHON" -c "
import mmap, numpy, os, sys
if 'torchvision' in '''$how''': import torchvision
f, size = '$file', $size
b = [bytearray(size)]
o = os.open('$BATS_TEST_TMPDIR/out', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
data = $how
if isinstance(data, int):
    os.lseek(o, 0, 0)
    data = open(o, 'rb').read()
sys.stdout.buffer.write(data)" | sha256sum)
		[ "$got" = "$sum" ] || { echo "$how: other bytes"; return 1; }
		SLOWSTORE_STATE=$BATS_TEST_TMPDIR/store.state
		[ "$(store_stat bytes)" = "$size" ] || { echo "$how: charged $(store_stat bytes) for $size"; return 1; }
		[ "$(store_stat first_reads)" = 1 ]
	done
	for cmd in cat "dd status=none if=" sha256sum tar; do
		rm -f "$BATS_TEST_TMPDIR/store.state"
		case $cmd in
		dd*) slow dd status=none if="$file" bs=1M of=/dev/null ;;
		tar) slow tar -cf "$BATS_TEST_TMPDIR/out.tar" -C "$ROOT" c00/f000000.jpg ;;
		*) slow $cmd "$file" >/dev/null ;;
		esac
		[ "$(store_stat bytes)" = "$size" ] || { echo "$cmd: charged $(store_stat bytes) for $size"; return 1; }
	done
}

@test "files elsewhere, opens that never read, and writing cost nothing" {
	mkdir "$BATS_TEST_TMPDIR/store2"
	cp "$ROOT"/c00/f000000.jpg "$BATS_TEST_TMPDIR/store2/x"
	slow "$PYTHON" -c "
import os
open('$BATS_TEST_TMPDIR/store2/x', 'rb').read()
os.close(os.open('$ROOT/c00/f000000.jpg', os.O_RDONLY))
open('$ROOT/new', 'wb').write(b'x' * 1000)"
	[ "$(store_stat bytes)" = 0 ]
	[ "$(store_stat first_reads)" = 0 ]
	[ "$(store_stat opens)" = 2 ]
	[ "$(stat -c %s "$ROOT/new")" = 1000 ]
}

@test "without SLOWSTORE_ROOT it does nothing" {
	unset SLOWSTORE_ROOT
	slow cat "$ROOT"/c00/* >/dev/null
	[ ! -e "$SLOWSTORE_STATE" ]
}

@test "latency: once an open, and waits overlap" {
	export SLOWSTORE_LATENCY=50
	seconds slow cat "$ROOT"/*/* >/dev/null
	calc "$took >= 40 * .05"
	one=$took
	[ "$(store_stat first_reads)" = 40 ]
	threads() {
		slow "$PYTHON" -c "
import concurrent.futures as c, sys
with c.ThreadPoolExecutor(40) as pool:
    n = sum(pool.map(lambda p: len(open(p, 'rb').read()), sys.argv[1:]))
print(n)" "$@"
	}
	seconds threads "$ROOT"/*/* >"$BATS_TEST_TMPDIR/n"
	[ "$(cat "$BATS_TEST_TMPDIR/n")" = "$total" ]
	calc "$took < $one"
}

@test "bandwidth: one for all processes, and an idle store earns no credit" {
	export SLOWSTORE_BANDWIDTH=1M
	both() {
		slow cat "$ROOT"/c0[01]/* >/dev/null 3>&- &
		slow cat "$ROOT"/c0[23]/* >/dev/null
		wait $!
	}
	slow cat "$ROOT/c00/f000000.jpg" >/dev/null
	sleep .5
	seconds both
	calc "$took >= .98 * $total / 1048576"
	calc "$took < 10 * $total / 1048576"
}

@test "nothing is cached: a second reading costs the same, RWF_NOWAIT finds nothing" {
	slow cat "$ROOT"/*/* "$ROOT"/*/* >/dev/null
	[ "$(store_stat bytes)" = $((2 * total)) ]
	run slow "$PYTHON" -c "
import os
os.preadv(os.open('$ROOT/c00/f000000.jpg', os.O_RDONLY), [bytearray(9)], 0, os.RWF_NOWAIT)"
	[[ $output == *BlockingIOError* ]]
}

@test "a descriptor inherited over exec, duplicated or renumbered is still the store's" {
	file=$ROOT/c00/f000000.jpg
	size=$(stat -c %s "$file")
	slow cat <"$file" >/dev/null
	[ "$(store_stat bytes)" = "$size" ]
	slow "$PYTHON" -c "
import os
a = os.open('$file', os.O_RDONLY)
n = os.open('/dev/null', os.O_RDONLY)
os.read(n, 1)
os.dup2(a, n); os.close(a)
assert len(os.read(n, 1 << 20)) == $size"
	[ "$(store_stat bytes)" = $((2 * size)) ]
}

@test "forked workers are counted and wait together" {
	slow "$PYTHON" -c "
import multiprocessing as m, glob
def n(p): return len(open(p, 'rb').read())
with m.get_context('fork').Pool(4) as pool:
    assert sum(pool.map(n, glob.glob('$ROOT/*/*'))) == $total"
	[ "$(store_stat bytes)" = "$total" ]
	[ "$(store_stat opens)" = 40 ]
}

@test "faults strike always the same files, and nothing else" {
	for kind in eio enoent; do
		export SLOWSTORE_FAIL=$kind:4
		for f in "$ROOT"/*/*; do slow cat "$f" 2>&1 >/dev/null | grep -o 'Input/output error\|No such file' || echo ok; done >"$BATS_TEST_TMPDIR/$kind"
		n=$(grep -vc ok "$BATS_TEST_TMPDIR/$kind")
		calc "1 <= $n <= 30"
	done
	diff <(sed 's/Input.*/bad/' "$BATS_TEST_TMPDIR/eio") <(sed 's/No .*/bad/' "$BATS_TEST_TMPDIR/enoent")
	grep -q Input "$BATS_TEST_TMPDIR/eio"
	grep -q No "$BATS_TEST_TMPDIR/enoent"
}

@test "short reads: less than asked, but the same bytes in the end" {
	export SLOWSTORE_FAIL=short:1
	slow "$PYTHON" -c "
import os
d = os.open('$ROOT/c00/f000000.jpg', os.O_RDONLY)
size = os.fstat(d).st_size
assert 0 < len(os.read(d, size)) < size"
	[ "$(slow cat "$ROOT/c00/f000000.jpg" | sha256sum)" = "$(sha256sum <"$ROOT/c00/f000000.jpg")" ]
	export SLOWSTORE_FAIL=hang:0.5:1
	seconds slow cat "$ROOT/c00/f000000.jpg" >/dev/null
	calc "$took >= .5"
}
