# File systems whose numbers say little: inodes that are invented anew, devices that differ with every mount.
load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	dataset "$PWD/data" 40 9000
	echo 1 >salt
	export OPT4_ROOT=$PWD/data OPT4_STATS=$PWD/stats OPT4_REVALIDATE=always RENUMBER=$PWD/salt
	# twice over all files; in between the file system forgets them
	twice="import glob
for n in '1', '2':
    open('salt', 'w').write(n)
    for p in sorted(glob.glob('data/**/*.jpg', recursive=True)): open(p, 'rb').read()"
}
teardown() { "$OPT4" clean --all >/dev/null 2>&1 || true; }
under() { LD_PRELOAD=$LIB:$B/tests/renumber.so within 60 "$PYTHON" -c "$1"; }
of() { json "['$1']" <"$OPT4_STATS"; }

@test "inode numbers that change once forgotten: FUSE and the like, by their type" {
	(export RENUMBER_TYPE=1 RENUMBER_DEV=2; under "$twice")
	[ "$(of hits) $(of fills) $(of invalidated)" = "40 40 0" ]
}

@test "inode numbers that change with every look: whatever the file system is called" {
	RENUMBER_LOOKS=1 under "$twice"
	[ "$(of hits) $(of fills) $(of invalidated)" = "40 40 0" ]
}

@test "elsewhere another number is another file, and so is another time, size or content where numbers are invented" {
	under "$twice"
	[ "$(of hits) $(of fills) $(of invalidated)" = "0 80 40" ]
	RENUMBER_LOOKS=1 RENUMBER_TYPE=1 under "$twice
import os, time
p = sorted(glob.glob('data/**/*.jpg', recursive=True))[3]
st = os.stat(p)
open('new', 'wb').write(bytes(9000)); os.utime('new', ns=(st.st_atime_ns, st.st_mtime_ns)); os.rename('new', p)
time.sleep(.05)
assert open(p, 'rb').read() == bytes(9000)"
	[ "$(of invalidated)" = 1 ]
}

@test "mounted anew, with another device: the kept session is found again, and the only one" {
	export RENUMBER_DEV=1
	once="import glob
for p in sorted(glob.glob('data/**/*.jpg', recursive=True)): open(p, 'rb').read()"
	OPT4_KEEP=1 under "$once"
	[ "$(of fills)" = 40 ]
	echo 2 >salt
	OPT4_KEEP=1 under "$once"
	[ "$(of hits) $(of fills)" = "40 0" ]
	[ "$(sessions | wc -l)" = 1 ]
}

@test "two folders of one path, in two mount namespaces, are two roots" {
	[ "$(id -u)" = 0 ] || skip "needs root: mounts"
	unset RENUMBER
	"$PYTHON" "$REPO/tests/dataset.py" --seed 9 "$PWD/other" 40 9000
	find data other -exec touch -d @1600000000 {} +
	sleep .05
	cat >job.py <<-'END'
		import glob, hashlib, sys
		sums = [hashlib.md5(open(p, "rb").read()).hexdigest() for _ in range(2) for p in sorted(glob.glob("data/**/*.jpg", recursive=True))]
		print(*sums, flush=True)
		sys.stdin.readline()
	END
	mkfifo go
	OPT4_REVALIDATE=never LD_PRELOAD=$LIB "$PYTHON" job.py <go >one 3>&- &
	one=$!
	exec 7>go
	while [ ! -s one ]; do sleep .1; done
	OPT4_REVALIDATE=never unshare -m --propagation private sh -c 'mount --bind other data && LD_PRELOAD=$LIB exec "$0" job.py' "$PYTHON" </dev/null >two
	[ "$(of hits) $(of fills)" = "40 40" ] || { sessions; json "" <"$OPT4_STATS"; return 1; }
	echo >&7
	exec 7>&-
	wait $one
	[ "$(cat one)" = "$(cd data; for i in 1 2; do find . -name '*.jpg' | sort | xargs md5sum; done | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')" ]
	[ "$(cat two)" = "$(cd other; for i in 1 2; do find . -name '*.jpg' | sort | xargs md5sum; done | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')" ]
}

@test "a real FUSE file system whose numbers change: hits, whether the look is due at once, after a second or in a minute" {
	[ "$(id -u)" = 0 ] && [ -c /dev/fuse ] && pkg-config --exists fuse3 2>/dev/null || skip "needs root, /dev/fuse and libfuse3-dev"
	cc -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -o numbersfs "$REPO/tests/guest/numbersfs.c" $(pkg-config --cflags --libs fuse3)
	mkdir fuse
	for due in always 1s 60s; do
		OPT4_REVALIDATE=$due OPT4_ROOT=$PWD/fuse within 100 unshare -m --propagation private sh -c './numbersfs "$PWD/data" fuse &&
			LD_PRELOAD=$LIB sh -c "for i in 1 2 3; do cat fuse/*/* | md5sum; sleep .6; done" >seen; umount fuse'
		[ "$(sort -u seen)" = "$(cat data/*/* | md5sum)" ]
		# a number may change between a file's opening and its first read: then that one stays the original's
		calc "$(of hits) >= 60 and $(of fills) <= 60 and $(of invalidated) == 0" || { echo "$due: $(<"$OPT4_STATS")"; return 1; }
	done
}
