# Originals that change, vanish or may not be read while they are cached: what the file system says holds.

load common
load lib/situations

setup() {
	seed
	cd "$BATS_TEST_TMPDIR"
	data "$PWD/data" 40 1K-60K
	LIST=$PWD/data.list SUMS=$PWD/data.sums
	export OPT4_PREFETCH=off OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log OPT4_ROOT=$PWD/data
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER OPT4_POLICY=lru OPT4_CACHE=5M
	holder
	opt4 xargs -a "$LIST" cat >/dev/null
	[ "$(find "$OPT4_DIR/objects" -type f | wc -l)" = 40 ]
	file=$(sed -n 7p "$LIST")
}

teardown() {
	[ -z "$holder" ] || finish holder || true
	rm -rf "$OPT4_DIR"
}

# opt4 CMD...: a job in the holder's session
opt4() { within 30 env LD_PRELOAD="$LIB" "$@"; }

@test "truncated: its new size and bytes" {
	truncate -s 100 "$file"
	[ "$(opt4 wc -c <"$file")" = 100 ]
	[ "$(opt4 stat -c %s "$file")" = 100 ]
	opt4 cmp "$file" <(head -c 100 "$file")
	truncate -s 0 "$file"
	[ -z "$(opt4 cat "$file")" ]
}

@test "overwritten in place, same size: the new bytes" {
	printf new | dd of="$file" conv=notrunc status=none
	[ "$(opt4 head -c 3 "$file")" = new ]
	cmp <(opt4 cat "$file") "$file"
}

@test "overwritten in place with its old time put back: ctime tells" {
	cp -p "$file" aside
	printf new | dd of="$file" conv=notrunc status=none
	touch -r aside "$file"
	[ "$(opt4 head -c 3 "$file")" = new ]
}

@test "replaced by another file of the same name" {
	printf other >new && mv new "$file"
	[ "$(opt4 cat "$file")" = other ]
	sleep .1
	[ "$(opt4 cat "$file")" = other ]
	[ "$(opt4 cat "$file")" = other ]
}

@test "replaced with size and time alike (mv of a copy with the old time): the inode tells" {
	size=$(stat -c %s "$file")
	head -c "$size" /dev/zero >new
	touch -r "$file" new
	mv new "$file"
	cmp <(opt4 cat "$file") <(head -c "$size" /dev/zero)
}

@test "deleted: ENOENT, as without opt4" {
	rm "$file"
	fails opt4 cat "$file" 2>err
	grep -q 'No such file' err
	fails opt4 test -e "$file"
	[ "$(find "$OPT4_DIR/objects" -type f | wc -l)" = 39 ]
}

@test "replaced by a directory, by a FIFO, by a symlink to another file" {
	rm "$file" && mkdir "$file"
	fails opt4 cat "$file" 2>err
	grep -q 'Is a directory' err
	rmdir "$file" && mkfifo "$file"
	echo through >"$file" &
	[ "$(opt4 cat "$file")" = through ]
	rm "$file" && echo target >"$PWD/target" && ln -s "$PWD/target" "$file"
	[ "$(opt4 cat "$file")" = target ]
	echo changed >"$PWD/target"
	[ "$(opt4 cat "$file")" = changed ]
}

@test "the dataset's folder renamed, and another put in its place" {
	mv data moved
	fails opt4 cat "$file" 2>err
	grep -q 'No such file' err
	opt4 cat "moved/${file#"$PWD"/data/}" | cmp - "moved/${file#"$PWD"/data/}"
	mkdir -p "$(dirname "$file")"
	echo another >"$file"
	[ "$(opt4 cat "$file")" = another ]
	rm -r data && mv moved data
	cut -c67- "$SUMS" | opt4 xargs sha256sum | diff "$SUMS" -
}

@test "a class folder replaced by a symlink to a folder with other files of the same names" {
	class=$(dirname "$file")
	cp -r "$class" other
	for f in other/*; do echo "other $f" >"$f"; done
	mv "$class" away && ln -s "$PWD/other" "$class"
	[ "$(opt4 cat "$file")" = "other other/$(basename "$file")" ]
	sleep .1
	[ "$(opt4 cat "$file")" = "other other/$(basename "$file")" ]
}

@test "a reader that holds a file open through all this has its bytes to the end" {
	cp "$file" before
	start reader opt4 "$PYTHON" -u -c 'import sys
f = open(sys.argv[1], "rb"); head = f.read(10); print("open"); sys.stdin.readline()
sys.stdout.buffer.write((head + f.read()).hex().encode())' "$file"
	rm "$file"
	opt4 cat "$(sed -n 8p "$LIST")" >/dev/null
	finish reader
	[ "$said" = "$(od -An -v -tx1 before | tr -d ' \n')" ]
}

@test "a program under opt4 writes, renames, unlinks, truncates: it and others see it at once" {
	opt4 "$PYTHON" - "$file" <<'EOP'
import os, sys
path = sys.argv[1]
def content(p=path):
    with open(p, "rb") as f:
        return f.read()
old = content()
with open(path, "r+b") as f:
    f.write(b"abc")
    f.flush()
    assert content()[:3] == b"abc", "while it is being written"
assert content() == b"abc" + old[3:]
os.truncate(path, 2)
assert content() == b"ab"
os.rename(path, path + ".jpg")
assert content(path + ".jpg") == b"ab"
try:
    content()
    raise SystemExit("renamed, and still there")
except FileNotFoundError:
    pass
with open(path, "wb") as f:
    f.write(b"fresh")
assert content() == b"fresh"
os.unlink(path)
try:
    content()
    raise SystemExit("unlinked, and still there")
except FileNotFoundError:
    pass
with open(path, "xb") as f:
    f.write(b"again")
assert content() == b"again"
EOP
	[ "$(opt4 cat "$file")" = again ]
}

@test "replaced, or removed, while it is open: fstat answers for the file that was opened" {
	cp "$file" other
	for what in "mv other $file" "rm $file"; do
		opt4 "$PYTHON" - "$file" "$what" <<'EOP'
import os, subprocess, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
os.read(fd, 1)
def who():
    st = os.fstat(fd)
    return st.st_dev, st.st_ino, st.st_size, os.lseek(fd, 0, os.SEEK_END)
was = who()
subprocess.run(["env", "-u", "LD_PRELOAD", *sys.argv[2].split()], check=True)
time.sleep(1.2)                        # it is looked at again after a second
assert who() == was, (was, who())
EOP
		opt4 cat "$file" >/dev/null || true
	done
}

@test "links to folders that the program removes or replaces: what lies below them is the new folder's" {
	mkdir data/one data/two
	echo one >data/one/x.jpg
	echo two >data/two/x.jpg
	ln -s one data/first && ln -s one data/second
	sleep .05
	export OPT4_REVALIDATE=never
	[ "$(opt4 cat data/{first,second}/x.jpg | tr '\n' ' ')" = "one one " ]
	opt4 ln -sfn two data/first     # by a rename
	opt4 rm data/second
	ln -s two data/second
	[ "$(opt4 cat data/{first,second}/x.jpg | tr '\n' ' ')" = "two two " ]
}

@test "the looks at the original that were put off: what OPT4_REVALIDATE says, and not a moment longer" {
	export OPT4_REVALIDATE=1s
	opt4 cat "$file" >/dev/null
	printf new | dd of="$file" conv=notrunc status=none
	sleep 1.2
	[ "$(opt4 head -c 3 "$file")" = new ]
}

@test "a file that may not be read: EACCES, cached before or not; O_NOATIME is for its owner" {
	need_root "reads as another user"
	others_may
	cp "$LIB" lib.so
	cat >try.py <<'EOP'
import errno, os, sys
def get(path):
    try:
        with open(path, "rb") as f:
            return len(f.read())
    except OSError as e:
        return errno.errorcode[e.errno]
first = get(sys.argv[1])
again = get(sys.argv[1])
try:
    noatime = os.open(sys.argv[1], os.O_RDONLY | os.O_NOATIME)
except OSError as e:
    noatime = errno.errorcode[e.errno]
print(first, again, get(sys.argv[2]), noatime)
sys.stdout.flush()
sys.stdin.readline()
print(get(sys.argv[1]))
EOP
	chmod 600 "$(sed -n 9p "$LIST")"
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER-nobody OPT4_STATS= OPT4_LOG=
	start nobody setpriv --reuid 65534 --regid 65534 --clear-groups env LD_PRELOAD="$PWD/lib.so" "$PYTHON" try.py "$file" "$(sed -n 9p "$LIST")"
	size=$(stat -c %s "$file")
	[ "$line" = "$size $size EACCES EPERM" ]
	[ "$(stat -c %u "$OPT4_DIR")" = 65534 ]
	[ "$(find "$OPT4_DIR/objects" -type f | wc -l)" = 1 ]
	chmod 600 "$file"
	finish nobody
	[ "$said" = EACCES ]
	[ ! -e "$OPT4_DIR" ]
	export OPT4_DIR=/dev/shm/opt4-test-$BATS_TEST_NUMBER
}
