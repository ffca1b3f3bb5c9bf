# A header is not its file, nor is a slice: what is only looked at is not fetched, and what is read is fetched once.
load common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 24 1000000
	mkdir arrays
	"$PYTHON" -c "
import numpy as np
for i in range(4): np.save(f'arrays/{i}.npy', np.full((1500, 1000), i, dtype=np.float64))
for i in range(4): np.save(f'arrays/s{i}.npy', np.full((100, 1000), i, dtype=np.float64))"
	sleep .05
}
setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_CACHE=400M OPT4_MATCH='*.jpg:*.npy' OPT4_ROOT=$PWD
}
job() { opt4_preload within 60 "$PYTHON" -c "
import glob, os, sys
images, arrays, small = sorted(glob.glob('data/**/*.jpg', recursive=True)), sorted(glob.glob('arrays/[0-9]*.npy')), sorted(glob.glob('arrays/s*.npy'))
$1"; }
# counted accesses=N fills=N ..: as the session says
counted() {
	local pair
	for pair; do
		[ "$(json "['${pair%=*}']" <"$OPT4_STATS")" = "${pair#*=}" ] || { json "" <"$OPT4_STATS"; echo "not $pair"; return 1; }
	done
}

@test "headers, directories at the end, and slices fetch nothing and count as looks" {
	job "
for p in images:
    with open(p, 'rb') as f:
        f.read(24); f.seek(4000); f.read(2000); f.seek(-2000, 2); f.read(100)
    with open(p, 'rb', buffering=0) as f:
        f.read(65536)
    fd = os.open(p, os.O_RDONLY)
    for at in range(300000, 400000, 10000): os.pread(fd, 5000, at)
    os.close(fd)"
	counted accesses=0 fills=0 origin_bytes=0 peeked=72
}

@test "who goes on is one access, fetched once, with the right bytes: in small pieces, large ones, at once, here and there" {
	job "
for n, p in enumerate(images):
    with open(p, 'rb', buffering=0) as f:
        size, how = os.fstat(f.fileno()).st_size, n % 4
        data = f.read() if how == 0 else b''
        if how == 3:
            data = b''.join(os.pread(f.fileno(), size // 8, size // 8 * i) for i in (7, 3, 5, 1, 0, 2, 4, 6))
            data = b''.join(data[size // 8 * j:size // 8 * (j + 1)] for j in (4, 3, 5, 1, 6, 2, 7, 0)) + os.pread(f.fileno(), 9, size // 8 * 8)
        while how in (1, 2) and (piece := f.read((0, 4096, 200000)[how])):
            data += piece
    with open('/proc/self/cwd/' + p, 'rb') as f:
        assert f.read() == data, p"
	counted accesses=24 fills=24 misses=24 peeked=0
}

@test "np.load(mmap_mode='r') of large arrays leaves the originals; np.load() and np.fromfile() are cached, at one offset with their copies" {
	job "
import numpy as np
for _ in range(2):
    for i, p in enumerate(arrays): assert np.load(p, mmap_mode='r')[700, 3] == i
for _ in range(2):
    for i, p in enumerate(small): assert np.load(p, mmap_mode='r')[7, 3] == i"
	counted fills=4 accesses=8 hits=4 peeked=32   # it opens a file three times
	job "
import numpy as np
for _ in range(2):
    for i, p in enumerate(arrays):
        assert (np.load(p) == i).all()
        with open(p, 'rb') as f:
            f.seek(128)
            assert (np.fromfile(f, np.float64, 1000) == i).all() and f.tell() == 8128
            assert np.frombuffer(f.read(80), np.float64).tolist() == [i] * 10"
	counted fills=4 peeked=0
}

@test "streams: a header and a slice fetch nothing; who goes on is one access, with the right bytes, by every call that reads" {
	local stdio="
import ctypes, numpy as np
c = ctypes.CDLL(None)
for name in 'fopen', 'fdopen': getattr(c, name).restype = ctypes.c_void_p
b = ctypes.create_string_buffer(1 << 21)
def stream(p, how):
    f = ctypes.c_void_p(c.fopen(p.encode(), b'rb')); out = []
    if how == 'fgetc': out = [bytes([x]) for x in iter(lambda: c.fgetc(f), -1)]
    elif how == 'fgets': # up to a NUL, and then what lies behind it
        while c.fgets(b, 4000, f): c.ftell.restype = ctypes.c_long; out.append(b.raw[:c.ftell(f) - sum(map(len, out))])
    else:
        while n := c.fread(b, 1, how, f): out.append(b.raw[:n])
    c.fclose(f)
    return b''.join(out)
"
	job "$stdio
for p in images:
    f = ctypes.c_void_p(c.fopen(p.encode(), b'rb'))
    assert c.fread(b, 1, 24, f) == 24 and not c.fseek(f, ctypes.c_long(-500), 2) and c.fread(b, 1, 999, f) == 500
    c.fclose(f)
for i, p in enumerate(arrays): assert (np.fromfile(p, np.float64, 1000, offset=4000128) == i).all()"
	counted accesses=0 fills=0 origin_bytes=0 peeked=28
	job "$stdio
for _ in range(2):
    for p, how in zip(images, ['fgetc', 'fgets', 4096, 1000, 70000, 1 << 20]):
        want = open('/proc/self/cwd/' + p, 'rb', buffering=0)
        assert stream(p, how) == os.pread(want.fileno(), 1 << 21, 0), how"
	counted fills=6 hits=6 accesses=12 peeked=0
}

@test "streams: numbers, lines and characters, wide or not, locked or not: cached by whatever call reads them" {
	"$PYTHON" -c "
for i in range(9):
    open(f'text{i}.jpg', 'w').write(''.join(f'{n * (i + 2)}\n' for n in range(50000)))"
	sleep .1
	job "
import ctypes
c = ctypes.CDLL(None)
c.fopen.restype = ctypes.c_void_p
c.fgetws.restype = c.fgets_unlocked.restype = ctypes.c_void_p
line, wide, number = ctypes.create_string_buffer(99), ctypes.create_unicode_buffer(99), ctypes.c_long()
def text(how, f):
    if how == 'fgetws':
        while c.fgetws(wide, 99, f): yield int(wide.value)
    elif how == 'fgets_unlocked':
        while c.fgets_unlocked(line, 99, f): yield int(line.value)
    elif 'wscanf' in how:
        while getattr(c, how)(f, ctypes.c_wchar_p('%ld'), ctypes.byref(number)) == 1: yield number.value
    elif 'scanf' in how:
        while getattr(c, how)(f, b'%ld', ctypes.byref(number)) == 1: yield number.value
    else:
        yield from map(int, ''.join(chr(x) for x in iter(lambda: getattr(c, how)(f), -1)).split())
for _ in range(2):
    for i, how in enumerate('fscanf __isoc99_fscanf __isoc99_fwscanf fgetws fgets_unlocked getc_unlocked fgetwc __uflow getwc_unlocked'.split()):
        f = ctypes.c_void_p(c.fopen(f'text{i}.jpg'.encode(), b'r'))
        assert list(text(how, f)) == [n * (i + 2) for n in range(50000)], how
        c.fclose(f)"
	counted fills=9 hits=9 accesses=18 peeked=0
}

@test "the keeper fetches no such file ahead before one was read whole, and none where most are only looked at" {
	cat >loader.py <<-'END'
		import sys, time, torch
		from torchvision.datasets import DatasetFolder
		def load(p):
		    with open(p, "rb", buffering=0) as f:
		        n = len(f.read(65536))
		        while sys.argv[1] == "whole" and n < 999999:
		            n += len(f.read(65536))
		    time.sleep(.03)
		    return n
		ds = DatasetFolder("data", load, extensions=("jpg",))
		for _ in range(2):
		    for x, y in torch.utils.data.DataLoader(ds, 4, shuffle=True, num_workers=1):
		        pass
	END
	within 100 "$OPT4" run --root "$PWD/data" --cache 8M --stats "$OPT4_STATS" -- "$PYTHON" loader.py header
	counted fills=0 prefetched=0 origin_bytes=0
	within 100 "$OPT4" run --root "$PWD/data" --cache 40M --stats "$OPT4_STATS" -- "$PYTHON" loader.py whole
	counted accesses=48
	calc "$(json "['prefetched']" <"$OPT4_STATS") > 0"
	# eight had been opened in vain, for want of their size, and not been tried again; now at most those that their reader fills meanwhile
	calc "$(json "['origin_opens']" <"$OPT4_STATS") < 32"
}
