# What lies in a session's folder may be anybody's leavings: of a dead boot, of another version, cut short, zeroed, bits
# turned over, another session's, or swapped under a running job. Bytes stay right, and nothing hangs or dies. And what
# no hook sees (static programs, raw calls, io_uring, setuid programs), and names of every kind, do no harm.
load common
load lib/situations

setup() {
	seed
	cd "$BATS_TEST_TMPDIR"
	export OPT4_ROOT=$PWD/data OPT4_CACHE=5M OPT4_PREFETCH=off OPT4_STATS=$PWD/stats OPT4_LOG=$PWD/log
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER
}
teardown() { rm -rf "$OPT4_DIR" "$OPT4_DIR".*; }

# right: two readings of all files in one job give their sums
right() {
	cut -c67- data.sums >names
	within 60 env LD_PRELOAD="$LIB" sh -c 'for i in 1 2; do xargs -d "\n" sha256sum <names; done' | cmp - <(cat data.sums data.sums)
}

# Offsets in the index, by the header itself.
offset() {
	echo "#include <stdio.h>
#include \"$REPO/preload/store/layout.h\"
int main(void) { printf(\"%zu\\n\", __builtin_offsetof(struct index_header, $1)); }" >at.c
	cc -w -o at at.c && ./at
}

# kept: a session that is left behind with all 20 files in it, as $KEPT
kept() {
	data "$PWD/data" 20 1K-60K
	OPT4_KEEP=1 right
	[ "$(find "$OPT4_DIR/objects" -type f | wc -l)" = 20 ]
	KEPT=$OPT4_DIR.kept
	copy "$OPT4_DIR" "$KEPT"
}
again() { rm -rf "$OPT4_DIR" && copy "$KEPT" "$OPT4_DIR"; }

# copy FROM TO: objects are the same files (who takes a session up looks at their inodes), the rest are copies.
copy() {
	cp -al "$1" "$2"
	local file
	for file in index policy.1; do cp -a --remove-destination "$1/$file" "$2/$file"; done
}

@test "a kept session is taken up; one of a dead boot, of an older version or of another kind of machine is not" {
	local field
	kept
	again
	right
	[ "$(stat_of fills)" = 0 ]       # all were taken over: so this is what the others are told from
	for field in boot_id version header_bytes; do   # (whose it is the file's owner says)
		again
		printf '\x7f' | dd of="$OPT4_DIR/index" bs=1 seek="$(offset $field)" conv=notrunc status=none
		right || { echo "$field"; return 1; }
		[ "$(stat_of fills)" = 20 ] || { echo "$field was believed"; return 1; }
	done
}

@test "files of a session truncated, zeroed, full of bits turned over: rebuilt or refused, right bytes" {
	kept
	local file what n=0
	for file in index policy.1 objects dead lock; do
		for what in cut zero bits gone; do
			again
			"$PYTHON" - "$OPT4_DIR/$file" $what "$SEED$n" <<'EOP'
import os, random, shutil, sys
path, what, seed = sys.argv[1:]
rng = random.Random(seed)
if os.path.isdir(path):                      # of objects/: the folder itself, or a file replaced by a folder, a link
    if what in ("gone", "cut"):
        shutil.rmtree(path)
    if what == "zero":
        os.rename(path, path + ".x"), open(path, "w").close(), shutil.rmtree(path + ".x")
    if what == "bits":
        shutil.rmtree(path), os.symlink("/etc", path)
    sys.exit()
size = os.path.getsize(path)
head = min(size, 1100000)                    # the rest of an index is a hole
with open(path, "r+b") as f:
    if what == "cut":
        f.truncate(rng.randrange(head + 1))
    if what == "zero":
        at = rng.randrange(head + 1)
        f.seek(at), f.write(bytes(min(100000, head - at)))
    for _ in range(200 if what == "bits" and head else 0):
        at = rng.randrange(head)
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at), f.write(bytes([byte ^ 1 << rng.randrange(8)]))
if what == "gone":
    os.unlink(path)
EOP
			n=$((n + 1))
			right || { echo "$file $what, seed $SEED$((n - 1))"; cat log; return 1; }
		done
	done
}

# in_index FIELD VALUE: its four bytes are that number
in_index() {
	"$PYTHON" -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<I", int(sys.argv[1], 0)))' "$2" |
		dd of="$OPT4_DIR/index" bs=1 seek="$(offset "$1")" conv=notrunc status=none
}

@test "an index that counts more names than it holds, or says an odd size of their table: nobody goes round in it" {
	data "$PWD/data" 20 1K-60K
	holder data/*/*0*.jpg
	in_index nextra 600000           # it has to grow: all of them are filed anew
	in_index name_mask $(((1 << 20) - 1))
	right
	in_index name_mask 0xAAAAA
	right
	finish holder
}

@test "a session's folder swapped under a running job, for nothing, a link, another's: right bytes, and the other is left alone" {
	data "$PWD/data" 20 1K-60K
	local what
	mkdir -m 700 "$OPT4_DIR.other"
	echo precious >"$OPT4_DIR.other/index"
	for what in nothing link other; do
		rm -rf "$OPT4_DIR"
		cat >reads.py <<'EOP'
import hashlib, sys
sums = [(line[:64], line[66:].rstrip("\n")) for line in open("data.sums")]
for turn in range(3):
    for digest, path in sums:
        with open(path, "rb") as f:
            assert hashlib.sha256(f.read()).hexdigest() == digest, path
    print("read", flush=True)
    sys.stdin.readline()
EOP
		start job env LD_PRELOAD="$LIB" "$PYTHON" reads.py
		[ -e "$OPT4_DIR/index" ]
		mv "$OPT4_DIR" "$OPT4_DIR.away"
		case $what in
		link) ln -s "$OPT4_DIR.other" "$OPT4_DIR" ;;
		other) cp -a "$OPT4_DIR.other" "$OPT4_DIR" ;;
		esac
		finish job || { echo "$what: $said"; cat job.err; return 1; }
		[ "$(grep -c read <<<"$line$said")" -ge 1 ]
		[ "$(cat "$OPT4_DIR.other/index")" = precious ] && [ "$(ls "$OPT4_DIR.other")" = index ] || { echo "$what: touched"; return 1; }
		[ $what != other ] || [ "$(cat "$OPT4_DIR/index")" = precious ] || { echo "who left last removed what was not ours"; return 1; }
		rm -rf "$OPT4_DIR.away"
	done
}

@test "another session's index, hard linked into this one's folder, is refused" {
	kept
	cp -a data elsewhere
	find "$PWD/elsewhere" -type f | sort | xargs sha256sum >elsewhere.sums
	sleep .1
	OPT4_DIR=$OPT4_DIR.two OPT4_ROOT=$PWD/elsewhere OPT4_KEEP=1 LD_PRELOAD=$LIB cat "$(head -1 elsewhere.sums | cut -c67-)" >/dev/null
	again
	ln -f "$OPT4_DIR.two/index" "$OPT4_DIR/index"
	[ "$(stat -c %h "$OPT4_DIR/index")" = 2 ]
	right
	[ "$(stat_of fills)" = 20 ]      # nothing of it was taken up
}

@test "names with newlines, no UTF-8, 4,095 bytes, 255 a component, 100 deep: the same bytes, and hits" {
	"$PYTHON" - <<'EOP'
import os
root = os.getcwdb() + b"/data"
os.makedirs(root)
os.chdir(root)
def put(name):
    with open(name, "wb") as f:
        f.write(name * 3)
put(b"new\nline\r\t.jpg"), put(b"\xff\xfe\xc0\xaf\x80.jpg"), put(b"\x1b[31m \"quoted\" $(x) `y`.jpg"), put(b"-rf.jpg"), put(b"x" * 251 + b".jpg")
for depth in range(100):
    os.mkdir(b"d"), os.chdir(b"d")
put(b"deep.jpg")
os.chdir(root)
# A path of exactly 4,095 bytes, which is the longest that the kernel takes, and one more.
at = len(root)
while 4095 - at > 300:
    os.mkdir(b"l" * 200), os.chdir(b"l" * 200)
    at += 201
put(b"m" * (4095 - at - 5) + b".jpg")
EOP
	cat >reads.py <<'EOP'
import errno, os, sys
root = os.getcwdb() + b"/data"
found = []
for top, _, names in os.walk(root):
    found += [os.path.join(top, n) for n in names]
assert len(found) == 7, len(found)
longest = max(found, key=len)
assert len(longest) == 4095, len(longest)
for turn in range(3):
    for path in found:
        fd = os.open(path, os.O_RDONLY)
        want = os.path.basename(path) * 3
        assert os.fstat(fd).st_size == len(want)
        assert os.read(fd, 9999) == want, path
        os.close(fd)
    try:
        os.open(longest[:-4] + b"m.jpg", os.O_RDONLY)
    except OSError as e:
        assert e.errno == errno.ENAMETOOLONG
print("right")
EOP
	sleep .1
	[ "$(LD_PRELOAD=$LIB within 60 "$PYTHON" reads.py)" = right ]
	[ "$(stat_of hits)" -ge 12 ] || { cat stats log; return 1; }
	json "['files']" <stats >/dev/null
	"$PYTHON" -c "import shutil; shutil.rmtree(b'data')"
}

@test "static programs, raw system calls and io_uring on files of ours: their bytes, and ours" {
	data "$PWD/data" 4 5000
	local files
	mapfile -t files <data.list
	within 30 "$B/tests/trust/raw" "${files[@]}" >plain
	LD_PRELOAD=$LIB within 30 "$B/tests/trust/raw" "${files[@]}" >real
	diff plain real
	[ "$(stat_of hits)" -ge 4 ]      # those that are hooked, beside them
	if cc -static -O1 -D_GNU_SOURCE -o static "$REPO/tests/trust/raw.c" 2>/dev/null; then
		LD_PRELOAD=$LIB within 30 sh -c 'cat "$@" >/dev/null; ./static "$@"' sh "${files[@]}" >real
		diff plain real
	fi
}

@test "a setuid program that a job starts does not load the library, and finds no session of its user's" {
	need_root "makes a setuid program"
	data "$PWD/data" 4 5000
	others_may
	cp "$LIB" lib.so && chmod 755 lib.so && chmod 755 .
	cp "$B/tests/trust/raw" suid && chown 64321 suid && chmod 4755 suid
	findmnt -no OPTIONS -T . | grep -qw nosuid && skip "mounted nosuid"
	unset OPT4_DIR OPT4_STATS OPT4_LOG
	mapfile -t files <data.list
	./suid "${files[@]}" >plain
	setpriv --reuid 64322 --regid 64322 --clear-groups env LD_PRELOAD="$PWD/lib.so" sh -c './suid "$@"; ls -d /dev/shm/opt4-64321' sh "${files[@]}" >real 2>err || true
	diff plain real
	grep -q "opt4-64321.*No such" err || { cat err; return 1; }
}
