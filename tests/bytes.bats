# Whatever reads a file gets the bytes, and the losses, that it gets without opt4: while the cache is made, from
# the cache, and with a cache so small that it churns.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	"$PYTHON" "$REPO/tests/lib/jpegs.py" "$PWD/images" 120 "$SEED"
	find "$PWD/images" -name '*.jpg' | sort >files
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/images" --epochs 3 --seed 7 --batch-size 4 -o order.trace 2>&1
	"$PYTHON" "$REPO/tests/lib/readers.py" open,mmap,pil files --rounds 1 >plain.sums
	awk '$1 == "open" { print $2, $3 }' plain.sums >plain.bytes
	awk '$1 == "pil" { print $2, $3 }' plain.sums >plain.pixels
	job=("$PYTHON" "$REPO/tests/lib/torch_job.py" "$PWD/images" --seed 7 --batch-size 4 --epochs 3)
	"${job[@]}" >plain.job
	"${job[@]}" --how pil >plain.pil-job
	"${job[@]}" --workers 1 --persistent-workers >plain.persistent-job    # another order: no base seed is drawn again
	[ "$(sort -u plain.job plain.pil-job plain.persistent-job | wc -l)" = 8 ]
	sleep .1    # what has changed this very moment is not cached
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export OPT4_PREFETCH=off OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
	export OPT4_ROOT=$PWD/images
}

# hits_of FILE: as a number; a test that reads from the cache asks that there are some
hits_of() { json "['hits']" <"$1"; }

# reads HOW [OPTION...]: each way of HOW, three rounds; bytes as without opt4
reads() {
	local how=$1
	shift
	within 200 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/readers.py" "$how" files --rounds 3 "$@" >sums
	for one in ${how//,/ }; do
		awk -v one="$one" '$1 == one { print $2, $3 }' sums | diff - "${expected:-plain.bytes}" || { echo "by $one"; return 1; }
	done
}

ways=open,unbuffered,seek,readinto,pread,preadv,mmap,sendfile,dup,fromfile,memmap,read_file,torch_load,copyfile,copy2,text

@test "the whole dataset in the cache: builtin open, pread, mmap, numpy, torchvision, shutil .. give the original's bytes" {
	OPT4_CACHE=100% OPT4_TRACE=$PWD/order.trace reads $ways
	calc "$(hits_of "$OPT4_STATS") > 0.8 * $(json "['accesses']" <"$OPT4_STATS")"
}

@test "a cache of a tenth, churning: the same, by lru" {
	OPT4_CACHE=10% OPT4_POLICY=lru OPT4_TRACE=$PWD/order.trace reads $ways
	calc "$(json "['evictions']" <"$OPT4_STATS") > 1000"
}

@test "no trace, a random tenth: the same" {
	OPT4_CACHE=400K OPT4_POLICY=random reads $ways
	calc "$(json "['evictions']" <"$OPT4_STATS") > 1000"
}

@test "pixels by PIL" {
	expected=plain.pixels OPT4_CACHE=100% OPT4_TRACE=$PWD/order.trace reads pil
	[ "$(hits_of "$OPT4_STATS")" = 240 ]
	expected=plain.pixels OPT4_CACHE=10% OPT4_TRACE=$PWD/order.trace OPT4_POLICY=random reads pil
	calc "$(json "['evictions']" <"$OPT4_STATS") > 100"
}

@test "eight threads of one process" {
	OPT4_CACHE=50M reads open,pread,mmap,read_file --threads 8
	calc "$(hits_of "$OPT4_STATS") > 0"
	OPT4_CACHE=300K OPT4_POLICY=fifo reads open,pread,mmap,read_file --threads 8
	calc "$(json "['evictions']" <"$OPT4_STATS") > 100"
}

# same COMMAND: its output (stdout, a tar of it, ..) is the same plain, filling, hit and churning
same() {
	"$@" >"$BATS_TEST_TMPDIR/plain.out"
	for cache in 100% 100% 10%; do
		OPT4_KEEP=1 OPT4_CACHE=$cache OPT4_POLICY=lru OPT4_TRACE=$PWD/order.trace within 60 env LD_PRELOAD="$LIB" "$@" >"$BATS_TEST_TMPDIR/out"
		cmp "$BATS_TEST_TMPDIR/plain.out" "$BATS_TEST_TMPDIR/out"
	done
	"$OPT4" clean "$(json "['session']" <"$OPT4_STATS")"
}

copied() {
	rm -rf "$BATS_TEST_TMPDIR/copy"
	cp -a "$PWD/images" "$BATS_TEST_TMPDIR/copy"
	same_bytes "$PWD/images" "$BATS_TEST_TMPDIR/copy"
	diff <(cd images && find . -printf '%P %s %m %t\n' | sort) <(cd "$BATS_TEST_TMPDIR/copy" && find . -printf '%P %s %m %t\n' | sort)
	echo same
}

@test "cat" {
	same xargs -a files cat
}

@test "cp -a, times and modes too" {
	export -f copied same_bytes
	same bash -c copied
}

@test "tar: the archive is the same to the last byte" {
	same tar -c --sort=name -f - images
	same bash -c 'cd images && tar -c --sort=name -f - .'
}

@test "sha256sum, dd, head, tail, cmp, wc, sort in a shell's pipes" {
	same xargs -a files sha256sum
	same bash -c 'while read -r f; do head -c 1000 "$f"; tail -c 1000 "$f"; dd if="$f" bs=999 status=none; wc -c <"$f"; cmp "$f" "$f"; done < <(head -30 files) | sha256sum'
}

# jobs OPTION..: torch_job.py gives the same hashes of its epochs as without the library
jobs() {
	LD_PRELOAD=$LIB OPT4_TRACE=$PWD/order.trace within 200 "$PYTHON" "$REPO/tests/lib/torch_job.py" "$PWD/images" --seed 7 --batch-size 4 --epochs 3 "$@" \
		2>"$BATS_TEST_TMPDIR/err" >"$BATS_TEST_TMPDIR/opt4" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
	diff "${expected:-plain.job}" "$BATS_TEST_TMPDIR/opt4"
	[ "$(json "['accesses']" <"$OPT4_STATS")" = 360 ]
	calc "$(hits_of "$OPT4_STATS") > 0"
}

@test "a DataLoader with 0, 1 and 4 forked workers" {
	OPT4_CACHE=50% jobs --workers 0
	expected=plain.pil-job OPT4_CACHE=30% OPT4_POLICY=random jobs --workers 1 --how pil
	expected=plain.persistent-job OPT4_CACHE=50% jobs --workers 4 --persistent-workers --how mmap
}

@test "a DataLoader with 16 workers" {
	OPT4_CACHE=50% jobs --workers 16 --how read_file
}

@test "workers by spawn and by forkserver" {
	expected=plain.persistent-job OPT4_CACHE=50% jobs --workers 2 --persistent-workers --context spawn
	expected=plain.persistent-job OPT4_CACHE=50% jobs --workers 2 --persistent-workers --context forkserver
}
