# The hooks: whatever a program does with a dataset file, it sees what it would see without them. Each situation runs
# once plain and once preloaded, and must print the same and leave the same files; with the real library, and
# with the hooks over a fake session (tests/hook/fake_session.c) whose log says what they asked for.
load common

# A dataset of its own for each run, in a directory of the same name.
files() {
	mkdir -p "$1/sub"
	"$PYTHON" -c "
import random, sys
r = random.Random(5)
for n in [*'abcdefghij', 'sub/a', 'sub/b']:
    open(f'{sys.argv[1]}/{n}.jpg', 'wb').write(r.randbytes(${BYTES:-100000}))" "$1"
}

# situation PROGRAM CASE: plain, fake (not with FAKE= ) and real.
situation() {
	local t=$BATS_TEST_TMPDIR/$1.${2/:/.} lib libs="${FAKE-fake} real"
	for lib in plain $libs; do files "$t/$lib/d"; done
	sleep .05   # what changed in the last 20 ms is not cached
	shm=$(mktemp -d /dev/shm/opt4-hook.XXXXXX)
	within 60 "$B/tests/hook/$1" "$2" "$t/plain/d" >"$t/plain.out" 2>&1 </dev/null
	[ -z "${FAKE-fake}" ] || FAKE_ROOT=$t/fake/d FAKE_DIR=$shm FAKE_LOG=$t/log LD_PRELOAD=$B/tests/hook/libfake.so \
		within 60 "$B/tests/hook/$1" "$2" "$t/fake/d" >"$t/fake.out" 2>&1 </dev/null
	OPT4_ROOT=$t/real/d OPT4_DIR=$shm/session OPT4_LOG=$t/real.log OPT4_STATS=$t/stats OPT4_CACHE=${CACHE:-8M} \
		opt4_preload within 60 "$B/tests/hook/$1" "$2" "$t/real/d" >"$t/real.out" 2>&1 </dev/null
	rm -rf "$shm"
	tail -n1 "$t/plain.out" | grep -qx done || { cat "$t/plain.out"; return 1; }
	for lib in $libs; do
		diff "$t/plain.out" "$t/$lib.out" && diff -r --no-dereference "$t/plain/d" "$t/$lib/d" || { echo "$1 $2: not as plain with $lib"; return 1; }
	done
	# Else the test would have shown nothing.
	{ [ -z "${FAKE-fake}" ] || grep -q '^fetch' "$t/log"; } && [ "$(json "['${FILLED-fills}']" <"$t/stats")" -gt 0 ] || { echo "$1 $2: nothing was cached"; return 1; }
}

# With a library for which no file is too young to be cached: what is written and read again at once is a hit.
eager() { FAKE= LIB=$B/tests/suites/libeager.so situation "$@"; }

# logged PROGRAM.CASE REGEX: how often the fake session was asked for it.
logged() { grep -cE "$2" "$BATS_TEST_TMPDIR/$1/log"; }

teardown() { rm -rf /dev/shm/opt4-hook.??????; }

@test "each reading call, as a descriptor's first access, on a hit and on a miss" {
	situation access reads
	# Once fetched each, then counted; a file is never fetched again.
	[ "$(logged access.reads ^fetch)" = 8 ]
	[ "$(logged access.reads ^hit)" -gt 30 ]
	[ "$(logged access.reads ^touch)" -gt 30 ]
}

@test "every opener; what is no plain open for reading stays the original's" { situation access openers; }

@test "paths: relative, doubled slashes, dots, symlinked roots, .. after a link" {
	situation access paths
	[ "$(logged access.paths ^hit)" -ge 15 ]
}

@test "identity: the stat family, /proc/self/fd, /dev/stdin, behind exec" { situation access identity; }

@test "copies of a descriptor share its offset: dup, dup2, dup3, fcntl" { situation calls dup_offset; }
@test "SCM_RIGHTS: sender and receiver share the offset" { situation calls scm_rights; }
@test "fork between open and first read" { situation calls fork_between; }
@test "vfork and exec leave the parent's descriptors alone; close_range forgets them" { situation calls vforks; }
@test "descriptors closed and reused by raw system calls" { situation calls raw_reuse; }
@test "flags: FD_CLOEXEC and F_GETFL survive the swap" { situation calls flags; }
@test "fopen in each mode, fdopen" { situation calls streams; }
@test "freopen" { situation calls freopens; }
@test "lseek, and SEEK_END after the file grew" { situation calls seeks; }
@test "a signal handler that opens dataset files" { situation calls signals; }
@test "threads that read one descriptor: each byte once" { situation calls threads; }

@test "threads that wait for a slow fetch, and that give up and take the swap away" {
	FAKE_DELAY_MS=40 situation calls threads
	rm -rf "$BATS_TEST_TMPDIR/calls.threads"
	FAKE_DELAY_MS=1300 situation calls threads
}

@test "writes are seen: by descriptor, mapping, stdio, dup, child, truncate" { situation change write_seen; }
@test "rename, unlink, link of a file that is open" { situation change names; }
@test "what is written to has been renamed since, or is read by another name" {
	FAKE= situation change moved
	rm -rf "$BATS_TEST_TMPDIR/change.moved"
	eager change moved
}
@test "locks and leases lie on the original" {
	situation change locks
	[ "$(logged change.locks ^reopen)" -ge 3 ]
}
@test "an object inherited through exec is known for what it is, and locked as the original" { situation change exec; }
@test "mode, owner, times, attributes, and writes by /proc/self/fd reach the original" { situation change modes; }
@test "objects that came by exec, a socket, a /proc/self/fd name: changes reach them, too" { situation change strangers; }
@test "an inherited object whose file has been evicted and filled anew" {
	CACHE=420K OPT4_MAXFILE=200K OPT4_POLICY=fifo situation change refilled
	[ "$(json "['evictions']" <"$BATS_TEST_TMPDIR/change.refilled/stats")" -gt 3 ]
}
@test "a folder that is renamed, a link to one that is replaced: what is open below goes back first" { situation change folders; }

@test "holes, file systems, birth, links by descriptor, O_NOFOLLOW: of the original" { situation odd calls; }
@test "nftw, fts and daemon change the working directory unseen" { OPT4_REVALIDATE=never situation odd walks; }
@test "threads read files whose modes another thread changes" { situation odd beside; }

@test "random calls: the same outcome, call by call" {
	seed
	for i in 0 1 2 3 4 5; do
		situation random "$((SEED + i)):600"
	done
}

@test "random calls of every kind that is hooked: the same outcome" {
	seed
	for i in 0 1 2; do
		eager variety "$((SEED + i)):800"
		CACHE=420K OPT4_MAXFILE=200K OPT4_POLICY=random eager variety "$((SEED + 10 + i)):800"
	done
}

@test "random calls by relatives that take turns: offsets that are shared, and what others changed meanwhile" {
	seed
	for i in 0 1 2; do
		eager family "$((SEED + i)):800"
	done
}

@test "threads and forks at once over few files, while they are evicted under them" {
	situation crowd 8
	rm -rf "$BATS_TEST_TMPDIR/crowd.8"
	CACHE=420K OPT4_MAXFILE=200K OPT4_POLICY=random situation crowd 8
	[ "$(json "['evictions']" <"$BATS_TEST_TMPDIR/crowd.8/stats")" -gt 10 ]
}

@test "the same with files of which a look at the header is no access yet" {
	local BYTES=400000 FAKE= case CACHE=16M FILLED=files
	seed
	for case in access\ {reads,openers,identity} calls\ {dup_offset,scm_rights,fork_between,vforks,raw_reuse,flags,streams,freopens,seeks,signals,threads} \
		change\ {write_seen,names,locks,exec,modes,strangers,folders} odd\ {calls,walks,beside}; do
		situation $case
	done
	eager variety 681549059:800    # a descriptor that was sent writes to a file whose folder was exchanged
	eager variety 556581446:800    # one arrives under a number that was closed behind our back, on the same object
	for i in 0 1; do
		situation random "$((SEED + i)):600"
		eager variety "$((SEED + i)):800"
		CACHE=1700K OPT4_MAXFILE=800K OPT4_POLICY=random eager variety "$((SEED + 10 + i)):800"
		eager family "$((SEED + i)):800"
	done
	CACHE=1700K OPT4_MAXFILE=800K OPT4_POLICY=random situation crowd 8
}

@test "the original moved on: fstat and SEEK_END give it back" {
	files "$BATS_TEST_TMPDIR/d"
	shm=$(mktemp -d /dev/shm/opt4-hook.XXXXXX)
	FAKE_ROOT=$BATS_TEST_TMPDIR/d FAKE_DIR=$shm FAKE_LOG=$BATS_TEST_TMPDIR/log FAKE_STALE=$BATS_TEST_TMPDIR/stale \
		LD_PRELOAD=$B/tests/hook/libfake.so "$PYTHON" - "$BATS_TEST_TMPDIR" <<'EOF'
import ctypes, os, sys
top = sys.argv[1]
a, b = (os.open(f"{top}/d/{n}.jpg", os.O_RDONLY) for n in "ab")
assert len(os.read(a, 10)) == 10 and len(os.read(b, 20)) == 20
raw = ctypes.CDLL(None, use_errno=True).syscall
for n in "ab":  # behind the hooks' back: openat, write, close
    fd = raw(257, -100, f"{top}/d/{n}.jpg".encode(), os.O_WRONLY | os.O_APPEND, 0)
    assert raw(1, fd, b"grown", 5) == 5
    raw(3, fd)
open(f"{top}/stale", "w").close()
assert os.fstat(a).st_size == 100005
assert os.lseek(b, 0, os.SEEK_END) == 100005
assert os.lseek(a, 0, os.SEEK_CUR) == 10
assert os.pread(b, 5, 100000) == b"grown" and os.pread(a, 5, 100000) == b"grown"
EOF
	[ "$(grep -c ^reopen "$BATS_TEST_TMPDIR/log")" = 2 ]
}

@test "chroot, unshare and the like: from then on nothing is looked up" {
	files "$BATS_TEST_TMPDIR/d"
	shm=$(mktemp -d /dev/shm/opt4-hook.XXXXXX)
	FAKE_ROOT=$BATS_TEST_TMPDIR/d FAKE_DIR=$shm FAKE_LOG=$BATS_TEST_TMPDIR/log LD_PRELOAD=$B/tests/hook/libfake.so \
		"$PYTHON" - "$BATS_TEST_TMPDIR/d" <<'EOF'
import ctypes, os, sys
one = open(sys.argv[1] + "/a.jpg", "rb").read()
assert ctypes.CDLL(None).unshare(0x200) == 0      # CLONE_FS: needs no privilege
assert open(sys.argv[1] + "/a.jpg", "rb").read() == one
EOF
	grep -q '^disable unshare' "$BATS_TEST_TMPDIR/log"
	[ "$(grep -cE '^(hit|hint)' "$BATS_TEST_TMPDIR/log")" = 1 ]
}

@test "every hook is exported, and nothing else" {
	exported=$(nm -D --defined-only "$LIB" | awk '$2 == "T" { print $3 }' | grep -vE '^_(init|fini)$' | sort)
	listed=$(sed 's,/\*.*\*/,,' "$REPO/preload/libopt4.map" | tr -d ' \t\n' | sed 's/.*global://; s/local:.*//' | tr ';' '\n' | grep . | sort)
	diff <(echo "$exported") <(echo "$listed")
	# And each is a name of the C library that a table entry leads on from, but for those of our own.
	for name in $(grep -v '^opt4_' <<<"$listed"); do
		[[ $name = __isoc23_* ]] ||   # glibc 2.38
			nm -D --defined-only "$(ldd "$LIB" | awk '/libc\.so/ { print $3 }')" | grep -qE " $name@" || { echo "libc has no $name"; return 1; }
		next=$(sed -E 's/^(|__isoc.._)f(w?scanf)$/\1vf\2/' <<<"$name")   # which take what `...` stands for
		grep -qE "X\($next\)" "$REPO/preload/hook/next.h" || { echo "no next $name"; return 1; }
	done
}

@test "no opener or reader that real programs import is neither hooked nor allow-listed" {
	libs=$("$PYTHON" - <<'EOF'
import glob, importlib.util, os, shutil, subprocess, sys, torch, torchvision, PIL, numpy
dirs = [os.path.dirname(m.__file__) for m in (torch, torchvision, PIL, numpy)]
out = {os.path.realpath(sys.executable)}
for line in open("/proc/self/maps"):
    path = (line.split(maxsplit=5) + [""] * 6)[5].strip()
    if ".so" in path and not path.rsplit("/", 1)[1].startswith(("libc.so", "libc-", "ld-linux", "libpthread")):
        out.add(path)
for name in ("cv2", "nvidia.dali", "turbojpeg", "lmdb", "pyarrow"):   # where they are installed
    try:
        dirs += importlib.util.find_spec(name).submodule_search_locations
    except (AttributeError, ImportError):
        pass
for d in dirs:
    out.update(glob.glob(d + "/**/*.so*", recursive=True))
for d in subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout.split():
    if "/lib" in d and any(n in d for n in ("jpeg", "libpng", "libtiff", "libwebp", "libopencv")):
        out.add(os.path.realpath(d))
for tool in "cat cp mv ln rm dd head tail ls install sha256sum sort split stat wc tee truncate touch du od shuf tac nl".split():
    out.add(os.path.realpath(shutil.which(tool)))
print("\n".join(sorted(out)))
EOF
	)
	[ "$(echo "$libs" | wc -l)" -gt 20 ]
	echo "$libs" | grep -q libstdc++ && echo "$libs" | grep -q libjpeg && echo "$libs" | grep -q /dd
	exported=$(nm -D --defined-only "$LIB" | awk '{ print $3 }')
	allowed=$(sed 's/#.*//' "$REPO/tests/hook/allow.txt" | tr -s ' \t' '\n' | grep .)
	libc=$(nm -D --defined-only "$(ldd "$LIB" | awk '/libc\.so/ { print $3 }')" | awk '{ sub("@.*", "", $3); print $3 }' | sort -u)
	# Of the C library's calls those that take a path or a descriptor to bytes.
	imported=$(echo "$libs" | xargs -r nm -D --undefined-only 2>/dev/null | awk 'NF == 2 && $1 == "U" { sub("@.*", "", $2); print $2 }' | sort -u |
		comm -12 - <(echo "$libc") |
		grep -E 'open|^creat|^_*p?readv?|readlink|mmap|stat(x|at|fs|vfs)?(64)?$|sendfile|copy_file|splice|^tee$|^dup[23]?$|seek|fcntl|^_*f?close|temp|tmpfile|aio_|link(at)?$|truncate|^n?ftw|fts_|glob|scandir|realpath|handle_at|^lockf(64)?$|^flock$|fallocate|chroot|chdir|unshare|setns|^_[eE]xit|^v?fork$|posix_spawn(p|_f.*)?$|^f?exec(v|ve|vp|vpe|veat|l|le|lp)$')
	[ "$(echo "$imported" | wc -l)" -gt 30 ]
	left=$(comm -23 <(echo "$imported") <(printf '%s\n' $exported $allowed | sort -u))
	[ -z "$left" ] || { echo "neither hooked nor allowed:" $left; return 1; }
}
