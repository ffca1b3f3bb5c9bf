#!/bin/bash
# packages_arm64.sh WHEEL JOB: the wheel for aarch64, installed by pip into a folder with a space, its programs started under qemu-user
# (tests/setup.sh arm64: Debian's Python for aarch64). --version; a plan, and a trace, equal to what the programs built here say of the
# same files; JOB under its `opt4 run` in a Python of that machine: 1,000 files, three epochs, hits. Called by packages.sh; prints rows
# of its table; the last line is `N passed, N failed`.
set -u
wheel=$(realpath "$1") job=$(realpath "$2")
cd "$(dirname "$0")/.." || exit 1
repo=$PWD work=$PWD/build/packages/in/arm64
passed=0 failed=0

row() {   # row WHAT SECONDS HITS REUSE RIGHT?
	local word=right
	[ "$5" = 0 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); word=WRONG; }
	printf '%-10s %-34s %8s %8s %8s  %s\n' aarch64 "$1" "$2" "$3" "$4" "$word"
}
end() { echo "$passed passed, $failed failed"; [ "$failed" = 0 ] && [ "$passed" -gt 0 ]; exit; }

folder=$(tests/setup.sh arm64) || { echo "aarch64: no Python for it; tests/setup.sh arm64"; failed=1; end; }
sh tests/lib/arm64.sh "$folder" true || { echo "aarch64: left out: binary formats can't be registered here (root, Linux 6.7 or later)"; exit 0; }
arm() { timeout 300 sh "$repo/tests/lib/arm64.sh" "$folder" "$@"; }
python=$folder/debian/usr/bin/python3.11
here=$work/"the wheel" programs=$work/"the wheel/opt4/programs"

rm -rf "$work" && mkdir -p "$work/data" && cd "$work" || exit 1
python3 -m venv "$work/pip" && "$work/pip/bin/pip" install -q --no-index --no-deps --target "$here" --platform manylinux_2_28_aarch64 \
	--only-binary=:all: --python-version 3.11 "$wheel" || { echo "aarch64: pip does not take $wheel"; failed=1; end; }
for i in {1..1000}; do for _ in {1..50}; do echo "data/$i.jpg"; done >"data/$i.jpg"; done
find data -name '*.jpg' | sort >list

began=$SECONDS
said=$(arm "$programs/opt4" --version)
[ "${said% (*}" = "opt4 $(cat "$repo/VERSION")" ] && [[ $said == *", aarch64)" ]] && arm "$programs/opt4d" --version | grep -q "^opt4d $(cat "$repo/VERSION")"
row "--version" $((SECONDS - began)) - - $?

began=$SECONDS
"$repo/build/opt4-trace" paths list --epochs 3 -o here.trace &&
	PYTHONPATH=$here arm "$python" "$programs/opt4-trace" paths list --epochs 3 -o arm.trace &&
	"$repo/build/opt4-trace" show here.trace --json >here.show && "$repo/build/opt4-trace" show arm.trace --json | cmp - here.show &&
	[ "$(wc -l <here.show)" = 3000 ]
row "opt4-trace, as x86-64's" $((SECONDS - began)) - - $?

began=$SECONDS ok=0
for form in "" --json; do
	"$repo/build/opt4" plan --trace here.trace $form >here.plan && [ -s here.plan ] && arm "$programs/opt4" plan --trace here.trace $form | cmp - here.plan || ok=1
done
row "plan, as x86-64's" $((SECONDS - began)) - - "$ok"

# qemu makes up /proc/self/stat, by which the living are known, and has no clone() as the keeper's start wants it: it may
# take the job for dead between two epochs. So one epoch's hits are enough, and nothing is fetched ahead.
cp "$job" job.py
ln -s "$programs" programs   # a space separates names in LD_PRELOAD; `opt4 run` sees to that by itself
for way in "opt4 run" "LD_PRELOAD"; do
	began=$SECONDS
	rm -f s.json
	if [ "$way" = "opt4 run" ]; then
		PYTHONPATH=$here arm "$python" -m opt4 run --root data --stats s.json -- "$python" job.py >out 2>&1
	else
		arm env PYTHONPATH="$here" OPT4_ROOT="$work/data" OPT4_STATS="$work/s.json" LD_PRELOAD="$work/programs/libopt4.so" "$python" job.py >out 2>&1
	fi
	ok=$?
	read -r hits reuse errors < <(python3 -c '
import json
d = json.load(open("s.json"))
print(d["hits"], "%.3f" % d["reuse_ratio"], d["errors"])' 2>/dev/null)
	[ "$ok" = 0 ] && [ "${hits:-0}" -ge 1000 ] && [ "$errors" = 0 ] || { ok=1; tail -n 3 out; }
	row "a Python, $way" $((SECONDS - began)) "${hits:--}" "${reuse:--}" "$ok"
done
end
