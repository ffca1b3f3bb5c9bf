# The trace: what opt4-trace foretells against what real jobs open, and the file against naive readers.
load common

setup_file() {
	export BATS_TEST_TIMEOUT=900 PYTHONDONTWRITEBYTECODE=1
	local san="-fsanitize=address,undefined -fno-sanitize-recover=all"
	echo 'int main(void) { return 0; }' >"$BATS_FILE_TMPDIR/san.c"
	${CC:-cc} $san -o "$BATS_FILE_TMPDIR/san" "$BATS_FILE_TMPDIR/san.c" 2>/dev/null || san=
	${CC:-cc} -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE $san -o "$BATS_FILE_TMPDIR/reader" \
		"$REPO/tests/trace/reader.c" "$REPO/preload/base/trace.c"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	READER=$BATS_FILE_TMPDIR/reader
}

# trace ARG...: opt4-trace under the interpreter of the tests.
trace() { within 300 "$PYTHON" "$OPT4_TRACE_TOOL" "$@"; }

# cells KIND: the table goes to the terminal too.
cells() {
	within 850 "$PYTHON" -W ignore "$REPO/tests/trace/cells.py" "$OPT4_TRACE_TOOL" "$BATS_TEST_TMPDIR" "$1" \
		>table 2>errors || { cat table errors; return 1; }
	sed 's/^/# /' table >&3
}

@test "every sampler at 4 forked workers: the order is what the workers open, batch by batch" {
	cells samplers
	[ "$(grep -c exact table)" -ge 45 ]
}

@test "workers, start methods, persistent workers, prefetching, validation, epochs left early: likewise" {
	cells axes
	[ "$(grep -c exact table)" -ge 50 ]
	[ "$(grep -c 'control.*other batches' table)" = 2 ]
}

@test "a trace of random content is what went in, to a naive reader and to the C reader" {
	seed
	within 300 "$PYTHON" "$REPO/tests/trace/written.py" . "$READER" "$SEED" 150
}

@test "a damaged or truncated trace is refused or costs wrong numbers, never a wild access" {
	seed
	dataset data 60 10-90
	trace imagefolder data --epochs 2 --seed 1 -o t
	within 120 "$READER" flip t "$SEED" 4000
	run trace info /dev/null
	[ "$status" = 1 ]
	[[ $output == "opt4: "*"not an opt4 trace"* ]]
}

@test "look-ups are by whole paths below their root" {
	mkdir -p data/a data/b
	for f in a/1.jpg a/11.jpg b/1.jpg; do echo x >data/$f; done
	trace imagefolder data --epochs 1 --seed 1 -o t
	run "$READER" find t 0 a/1.jpg a/11.jpg b/1.jpg b/11.jpg /a/1.jpg a//1.jpg a/1.jp ""
	[ "$output" = $'0\n1\n2\n-\n-\n-\n-\n-' ]
	run "$READER" find t 1 a/1.jpg
	[ "$output" = - ]
}

@test "show: one epoch, one rank, all of it; as text and as JSON" {
	dataset data 22 10-90
	trace imagefolder data --epochs 2 --seed 1 --batch-size 3 --world-size 3 --ranks 0,2 -o t
	trace show t --json >all
	[ "$(wc -l <all)" = 32 ]
	[ "$(trace show t --json --epoch 1 --rank 2 | tee part | wc -l)" = 8 ]
	cmp part <(grep '"epoch": 1, "phase": 0, "rank": 2' all)
	cut -d, -f5 all | cmp - <(seq 0 31 | sed 's/^/ "position": /')
	# batch by batch round robin over the ranks
	[ "$(grep '"epoch": 0' all | sed 's/.*"rank": \(.\).*/\1/' | uniq | tr -d '\n')" = 020202 ]
	cmp <(trace show t | tail -n +2 | cut -f6) <(json "['path']" <<<"$(head -1 all)"; tail -n +2 all | sed 's/.*"path": "\(.*\)"}/\1/')
	run bash -c "'$PYTHON' '$OPT4_TRACE_TOOL' show t | head -1"
	[ "${#lines[@]}" = 1 ]
}

@test "info says who wrote it, from what" {
	dataset data 10 50
	dataset val 4 50
	trace imagefolder data --epochs 3 --seed 7 --workers 2 --batch-size 4 --persistent-workers --val val -o t
	[ "$(trace info t --json | json "['accesses']")" = 42 ]
	[ "$(trace info t --json | json "['dataset_bytes']")" = 700 ]
	[ "$(trace info t --json | json "['roots'][1]['path']")" = "$PWD/val" ]
	[ "$(trace info t --json | json "['streams'][0]")" = \
		'{"rank": 0, "phase": 0, "workers": 2, "batch_size": 4, "persistent_workers": true}' ]
	torch=$("$PYTHON" -c 'import torch; print(torch.__version__)')
	[ "$(trace info t --json | json "['written_by']['versions']['torch']")" = "$torch" ]
	trace info t | grep -q "torch $torch"
	trace check t | grep -q "written by torch $torch"
}

@test "the same arguments write the same bytes; names need not be UTF-8, nor roots tidy" {
	mkdir -p data/$'c\xff\xfe'
	for i in 1 2 3; do echo $i >data/$'c\xff\xfe'/$'i\xe4'$i.jpg; done
	trace imagefolder data --epochs 2 --seed 1 -o t
	ln -s data link
	trace imagefolder .//data/../data/ --epochs 2 --seed 1 -o u
	cmp <(trace show t) <(trace show u)
	[ "$(trace info u --json | json "['roots'][0]['path']")" = "$PWD/data" ]
	trace imagefolder link --epochs 2 --seed 1 -o u
	[ "$(trace info u --json | json "['roots'][0]['path']")" = "$PWD/link" ]
	trace imagefolder data --epochs 2 --seed 1 -o u
	cmp t u
	trace check t
	trace show t --json | json "['path']" >/dev/null <<<"$(trace show t --json | head -1)"
	[ "$(trace show t | tail -n +2 | cut -f6 | sort -u | head -1)" = $'c\xff\xfe/i\xe4''1.jpg' ]
}

@test "check reads it all: any flipped byte, a missing file, another size; --root says where it lies now" {
	seed
	dataset data 30 10-90
	trace imagefolder data --epochs 2 --seed 1 --batch-size 4 -o t
	run trace check t
	[ "$status" = 0 ]
	"$PYTHON" - "$SEED" <<'PY'
import random, struct, sys
random.seed(int(sys.argv[1]))
d = bytearray(open("t", "rb").read())
for i in range(13):   # one byte of each section
    off, size = struct.unpack_from("<QQ", d, 64 + 24 * i)
    e = bytearray(d)
    e[off + random.randrange(size)] ^= 1 << random.randrange(8)
    open("bad%d" % i, "wb").write(e)
PY
	for i in {0..12}; do
		run trace check bad$i
		echo "$output"
		[ "$status" = 1 ]
		[[ $output == "opt4: bad$i: damaged: the checksum of section "*"; "* ]]
	done
	mv data moved
	run trace check t
	[ "$status" = 1 ]
	[[ $output == "opt4: t: "*"No such file"*"--root"* ]]
	trace check t --root "$PWD/moved"
	file=$(find moved -type f | head -1)
	echo more >>"$file"
	run trace check t --root moved
	[ "$status" = 1 ]
	[[ $output == *"has "*" bytes now"* ]]
	rm "$file"
	run trace check t --root moved
	[ "$status" = 1 ]
}

@test "check: right checksums do not make up for wrong contents" {
	dataset data 30 10-90
	trace imagefolder data --epochs 2 --seed 1 --batch-size 4 -o t
	run "$PYTHON" - <<'PY'
import struct, subprocess, sys, zlib, os
tool, d = os.environ["OPT4_TRACE_TOOL"], open("t", "rb").read()
def span(i): return struct.unpack_from("<QQ", d, 64 + 24 * i)
def sealed(e):
    for i in range(13):
        off, size = span(i)
        struct.pack_into("<I", e, 64 + 24 * i + 16, zlib.crc32(e[off:off + size]))
    struct.pack_into("<I", e, 508, zlib.crc32(e[:508]))
    return e
def put(section, index, value):
    e = bytearray(d)
    struct.pack_into("<I", e, span(section)[0] + 4 * index, value)
    return sealed(e)
n = struct.unpack_from("<I", d, 36)[0]
cases = {"order: no such file": put(5, 3, 30), "order: another file": put(5, 3, struct.unpack_from("<I", d, span(5)[0])[0]),
         "next: elsewhere": put(6, 3, n - 1), "next: never": put(6, 3, 0xFFFFFFFF), "next: the last one": put(6, n - 1, n),
         "first": put(7, 3, 0xFFFFFFFF), "slots: empty": put(11, next(i for i in range(64) if struct.unpack_from("<I", d, span(11)[0] + 4 * i)[0]), 0),
         "batch start": put(3, 2, 1), "batch count": put(4, 2, 5), "segment's stream": put(2, 0, 1),
         "segment's batches": put(2, 3, 99), "path offsets": put(9, 3, 0xFFFFFF), "root": put(0, 1, 29)}
for name, e in cases.items():
    open("bad", "wb").write(e)
    r = subprocess.run([sys.executable, tool, "check", "bad"], stderr=subprocess.PIPE, text=True)
    if r.returncode != 1 or not r.stderr.startswith("opt4: bad: damaged: ") or r.stderr.count("\n") != 1:
        sys.exit("%s: %d %s" % (name, r.returncode, r.stderr))
open("bad", "wb").write(sealed(bytearray(d)))
sys.exit(subprocess.run([sys.executable, tool, "check", "bad"]).returncode)
PY
	echo "$output"
	[ "$status" = 0 ]
}

@test "an interrupted write leaves nothing, and the old file as it was" {
	mkdir data out
	"$PYTHON" - <<'PY'
import os
for c in range(40):
    os.mkdir("data/%d" % c)
    for i in range(500):
        open("data/%d/%d.jpg" % (c, i), "wb").close()
PY
	trace imagefolder data --epochs 1 --seed 1 -o out/t
	cp out/t first
	for signal in INT TERM KILL; do
		"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder data --epochs 100000 --seed 1 -o out/t 3>&- &
		pid=$!
		for _ in {1..600}; do   # until it writes
			find /proc/$pid/fd -lname "$PWD/out/*" 2>/dev/null | grep -q . && break
			sleep .1
		done
		sleep .3
		[ $signal != INT ] || signal=TERM   # a background job of a script has SIGINT ignored
		kill -$signal $pid
		run wait $pid
		[ "$status" -ge 128 ]
		[ "$(ls -A out)" = t ]
		cmp first out/t
	done
}

@test "what can't be known ahead is refused in one line that names the way out" {
	mkdir data
	ROOT=$PWD/data
	export ROOT
	dataset data/train 20 10-90
	refused() {   # refused FUNCTION TEXT: nothing on stdout, one line on stderr, no file
		run bash -c "'$PYTHON' '$OPT4_TRACE_TOOL' loader '$REPO/tests/trace/refused.py:$1' --epochs 1 -o t 2>err"
		echo "$1: $status $output"; cat err
		[ "$status" = 1 ] && [ -z "$output" ] && [ ! -e t ]
		[ "$(grep -c . err)" = 1 ] || [ "$1" = raises ]
		grep -q "^opt4: .*$2" err
	}
	for f in unseeded unseeded_python; do refused $f "nothing seeds; give it generator=.*opt4 run --record"; done
	refused iterable "iterable dataset.*opt4 run --record"
	refused opaque "Opaque.*samples.*opt4 run --record"
	refused pairs "more than one file.*opt4 run --record"
	refused names "yields str.*opt4 run --record"
	refused beyond "beyond the dataset's 20"
	refused gone "/nowhere/0.jpg: No such file"
	refused no_loader "no torch DataLoader"
	refused raises "KeyError: 'data_dir'"
	refused dies "was killed"
	refused nothing "no function nothing"
	refused none "returned no loader; "
	for f in unseeded_but_sequential lists reader nested batched negative; do
		trace loader "$REPO/tests/trace/refused.py:$f" --epochs 2 -o t
		trace check t
		case $f in
		nested)
			[ "$(trace info t --json | json "['roots']")" = "[{\"path\": \"$ROOT\", \"files\": 20}]" ]
			[ "$(trace info t --json | json "['accesses']")" = 46 ] ;;
		batched)   # set_epoch reaches it: the epochs differ
			[ "$(trace show t --epoch 0 | cut -f6)" != "$(trace show t --epoch 1 | cut -f6)" ] ;;
		esac
	done
	[ "$(trace show t | tail -n +2 | cut -f6 | head -1)" = "$(cd data/train && find . -type f | sed 's/..//' | sort | tail -1)" ]
}

@test "names with newlines and escapes are one line of text each; no room is said, and leaves nothing" {
	local tool=("$PYTHON" "$OPT4_TRACE_TOOL")
	mkdir -p data/c
	echo x >"data/c/$(printf 'a\nb\tc\033\377.jpg')"
	LC_ALL=C trace imagefolder data --epochs 1 --seed 1 -o t
	[ "$(trace show t | tail -n +2 | cut -f6 | LC_ALL=C tr '\377' X)" = 'c/a\x0ab\x09c\x1bX.jpg' ]
	[ -c /dev/full ] || skip "no /dev/full here"
	run bash -c '"$@" >/dev/full' bash "${tool[@]}" show t
	[ "$status" = 1 ] && [[ "$output" == "opt4: standard output: No space left on device; "* ]] && [ "${#lines[@]}" = 1 ]
	run bash -c '"$@" >&-' bash "${tool[@]}" info t
	[ "$status" = 0 ] && [ -z "$output" ]
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	mkdir small
	run within 60 unshare -m bash -c 'mount -t tmpfs -o size=16k tmpfs small; cp "$0" small/t; head -c 20K /dev/zero >small/x
		"$@" imagefolder data --epochs 9 --seed 1 -o small/t || echo "status $?"
		cmp "$0" small/t; ls -A small' t "${tool[@]}"
	echo "$output"
	[[ "$output" == *"opt4: small/t: No space left on device; "*"status 1"$'\nt\nx' ]]
}

@test "a trace that this torch would draw otherwise is refused, with the reason" {
	dataset data 5 50
	cat >claim.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from opt4_trace.write import *
import os
root = os.getcwd() + "/data"
files = sorted(os.path.relpath(d + "/" + f, root).encode() for d, _, fs in os.walk(root) for f in fs)
for out, depends in (("plain", []), ("large", ["large-randint"])):
    with TraceWriter(out, [Root(os.fsencode(root), files, [50] * len(files))], [Stream(0, 0, 0, 1, False)],
                     {"versions": {"torch": sys.argv[2]}, "depends_on": depends}) as w:
        w.add(0, [(0, np.arange(len(files), dtype=np.uint32), np.ones(len(files), np.uint32))])
PY
	mine=$("$PYTHON" -c 'import torch; print(torch.__version__)')
	other=2.15.0
	[[ $mine == 1.* ]] || other=1.13.1
	"$PYTHON" claim.py "$B" $other
	trace check plain
	run trace check large
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "opt4: large: draws with replacement "*"otherwise by torch $other,"*"than by torch $mine"* ]]
	"$PYTHON" claim.py "$B" "$mine"
	trace check large
}

@test "wrong usage: status 2, one line on stderr, nothing on stdout, no file" {
	dataset data 5 50
	for args in "" "nonsense" "imagefolder data --epochs 2 --seed 1" "imagefolder data --epochs 0 --seed 1 -o t" \
		"imagefolder data --epochs 1 --seed x -o t" "imagefolder data --epochs 1 --seed 1 --ranks 1 -o t" \
		"imagefolder data --epochs 1 --seed 1 --world-size 2 --ranks 2 -o t" \
		"imagefolder data --epochs 1 --seed 1 --world-size 2 --ranks a -o t" \
		"imagefolder data --epochs 1 --seed 1 --world-size 2 --replacement -o t" \
		"imagefolder data --epochs 1 --seed 1 --persistent-workers -o t" \
		"imagefolder data --epochs 1 --seed 1 --sequential --replacement -o t" \
		"imagefolder data --epochs 1 --seed 1 --workers -1 -o t" \
		"imagefolder data --epochs 1 --seed 1 --workers 99999999999 -o t" \
		"loader job.py --epochs 1 -o t" "loader job.py:f --epochs 1 --ranks 0 -o t"; do
		run bash -c "'$PYTHON' '$OPT4_TRACE_TOOL' $args 2>err"
		echo "$args: $status $output"; cat err
		[ "$status" = 2 ]
		[ -z "$output" ]
		[ "$(wc -l <err)" = 1 ]
		grep -q '^opt4: .*; ' err
		[ ! -e t ]
	done
	mkfifo pipe
	: >short
	for args in "imagefolder nowhere --epochs 1 --seed 1 -o t" "imagefolder data --epochs 1 --seed 1 -o no/where/t" \
		"imagefolder data --epochs 1 --seed 1 -o data" "imagefolder data --epochs 1 --seed 1 -o pipe" \
		"imagefolder data --epochs 1 --seed 1 -o ''" "imagefolder data --epochs 999999999 --seed 1 -o t" \
		"info short" "check /dev/zero" "show short --epoch 1" \
		"imagefolder data --epochs 1 --seed 1 --weights err -o t" "loader job.py:f --epochs 1 -o t" "show nowhere" \
		"info data" "check nowhere"; do
		run bash -c "'$PYTHON' '$OPT4_TRACE_TOOL' $args 2>err"
		echo "$args: $status $output"; cat err
		[ "$status" = 1 ]
		[ -z "$output" ]
		[ "$(wc -l <err)" = 1 ]
		grep -q '^opt4: .*; ' err
		[ ! -e t ]
	done
	[ -p pipe ]
	trace imagefolder data --epochs 2 --seed 1 -o t
	for args in "--epoch 2" "--epoch -1" "--rank 1"; do
		run bash -c "'$PYTHON' '$OPT4_TRACE_TOOL' show t $args 2>err"
		[ "$status" = 1 ] && [ -z "$output" ] && grep -q '^opt4: t: no .* in it; it has 0' err
	done
	trace --help | grep -q imagefolder
	trace loader --help | grep -q FUNC
	[ "$(trace --version)" = "opt4-trace $(cat "$REPO/VERSION")" ]
}

@test "ranks that make a process group run together, and only the wanted ones are traced" {
	mkdir data
	export ROOT=$PWD/data
	dataset data/train 20 10-90
	cat >job.py <<'PY'
import os
import torch.distributed as dist
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from torchvision.datasets import ImageFolder

def func():
    dist.init_process_group("nccl", init_method="env://")
    data = ImageFolder(os.environ["ROOT"] + "/train")
    return DataLoader(data, 3, sampler=DistributedSampler(data, seed=5), num_workers=2)
PY
	trace loader job.py:func --epochs 2 --world-size 4 --ranks 1,3 -o t
	trace imagefolder data/train --epochs 2 --seed 5 --batch-size 3 --world-size 4 --ranks 1,3 -o u
	cmp <(trace show t) <(trace show u)
}
