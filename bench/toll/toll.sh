#!/bin/bash
# toll.sh [PAIRS]: what calls that are none of ours pay, with a session attached and in use: nanoseconds (hooked less
# straight into the C library), instructions (callgrind; preloaded less plain), and `import torch` (PAIRS pairs, 15).
# Prints a table; JSON goes to build/bench/toll.json.
set -eu
cd "$(dirname "$0")/../.."
pairs=${1:-15}
lib=$PWD/build/libopt4.so toll=build/bench/toll out=build/bench/toll.json
python=${PYTHON:-$(tests/setup.sh python)}
work=$(mktemp -d /dev/shm/opt4-bench.XXXXXX) data=$PWD/build/bench/toll.data
trap 'rm -rf "$work"' EXIT
mkdir -p "$data"
head -c 100000 /dev/urandom >"$data/a.jpg"
export OPT4_ROOT=$data OPT4_DIR=$work/session OPT4_CACHE=16M OPT4_PREFETCH=off OPT4_KEEP=1

echo "bench/toll: calls" >&2
LD_PRELOAD=$lib $toll calls "$data/a.jpg" >"$work/calls"

# Instructions a call: the difference of two counts of calls, so that start and end fall out.
instructions() { # CALL [PRELOAD]
	local n a b
	for n in 20000 220000; do
		LD_PRELOAD=${2:-} valgrind --tool=callgrind --callgrind-out-file=/dev/null $toll count "$data/a.jpg" "$1" $n 2>&1 |
			sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
	done | { read -r a; read -r b; echo $(((b - a) / 200000)); }
}
{
	if command -v valgrind >/dev/null; then
		for call in read fstat close "open, other ending" "open, image elsewhere" "open, relative image"; do
			echo "bench/toll: instructions: $call" >&2
			echo "$call|$(instructions "$call")|$(instructions "$call" "$lib")"
		done
	else
		echo "opt4: bench/toll: no instruction counts: valgrind is not installed; apt-get install valgrind" >&2
	fi
} >"$work/instructions"

echo "bench/toll: import torch, $pairs pairs" >&2
TOLL_PRELOAD=$lib $toll pairs "$pairs" "$python" -c "open('$data/a.jpg', 'rb').read(); import torch" >"$work/pairs"

python3 - "$work" $out <<'EOF'
import json, sys
work, out = sys.argv[1:]
calls = json.load(open(work + "/calls"))
ins = {c: (int(a), int(b)) for c, a, b in (l.rstrip("\n").split("|") for l in open(work + "/instructions"))}
pair = json.load(open(work + "/pairs"))
for c in calls:
    if c["call"] in ins:
        c["instructions_plain"], c["instructions_hooked"] = ins[c["call"]]
        c["toll_instructions"] = ins[c["call"]][1] - ins[c["call"]][0]
json.dump({"bench": "toll", "calls": calls, "import_torch": pair}, open(out, "w"))
print(f"{'call that is not ours':26}{'C library':>12}{'hooked':>12}{'toll':>10}{'target':>10}{'instructions':>14}{'target':>8}")
for c in calls:
    few = c["call"] in ("read", "fstat", "close")
    print(f"{c['call']:26}{c['direct_ns']:10.1f}ns{c['hooked_ns']:10.1f}ns{c['toll_ns']:8.1f}ns"
          f"{'<= %.0f' % c['most_ns'] if c['most_ns'] else '-':>10}{c.get('toll_instructions', '-'):>14}{'<= 60' if few else '-':>8}")
print(f"import torch: plain {pair['plain_s']:.3f} s, preloaded {pair['preloaded_s']:.3f} s, ratio {pair['ratio']:.4f} (CPU time {pair['cpu_ratio']:.4f}, of the fastest {pair['cpu_ratio_of_fastest']:.4f}); target <= 1.01")
EOF
