#!/bin/bash
# packages.sh [ROOT...]: wheel, clone and .deb, each installed as a user would in clean roots; there a job of three epochs over real files
# must hit, and leave nothing. ROOT: a Debian suite (default: bookworm trixie, two glibcs), made by debootstrap from where this
# machine's apt takes its packages. Needs root. Prints a table; the last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
repo=$PWD
[ "$(id -u)" = 0 ] || { echo "opt4: test-packages: needs root, to make clean roots" >&2; echo "0 passed, 1 failed"; exit 1; }
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y debootstrap >/dev/null 2>&1 ||
	{ echo "opt4: test-packages: no debootstrap; apt-get install debootstrap" >&2; echo "0 passed, 1 failed"; exit 1; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)
work=$repo/build/packages/in/roots   # deep enough for no wildcard of the Makefile
mkdir -p "$work"
passed=0 failed=0
roots=("${@:-bookworm}")
[ $# -gt 0 ] || roots=(bookworm trixie)
printf '%-10s %-34s %8s %8s %8s  %s\n' root way seconds hits reuse what >"$work/table"

# The job: no torch is needed for the order from any program; 3 epochs, all of it fits.
cat >"$work/job.py" <<'PY'
import os, random, sys
import opt4
files = sorted(os.path.join(d, f) for d, _, n in os.walk("data") for f in n)
rng = random.Random(3)
for epoch in range(3):
    rng.shuffle(files)
    assert opt4.order(files), "the library is not at work"
    for f in files:
        assert open(f, "rb").read() == (f + "\n").encode() * 50, f
PY

# check NAME WAY COMMAND...: the job in the root as user nobody, by what COMMAND starts
check() {
	local root=$1 way=$2 began=$SECONDS out
	shift 2
	rm -rf "$work/$root/tmp/job" && mkdir -p "$work/$root/tmp/job/data" && cp "$work/job.py" "$work/$root/tmp/job/"
	for i in {1..200}; do for _ in {1..50}; do echo "data/$i.jpg"; done >"$work/$root/tmp/job/data/$i.jpg"; done
	chmod -R a+rwX "$work/$root/tmp/job"
	sleep .1
	out=$(inside "$root" setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "cd /tmp/job && HOME=/tmp/job $* run --stats s.json -- $PY job.py 2>&1; ls -A /dev/shm")
	read -r hits reuse < <(python3 - "$work/$root/tmp/job/s.json" <<'PY' 2>/dev/null
import json, sys
d = json.load(open(sys.argv[1]))
print(d["hits"], "%.3f" % d["reuse_ratio"])
PY
	)
	if [ "${reuse:-0}" = 0.667 ] && ! grep -q opt4- <<<"$(tail -n 1 <<<"$out")"; then
		passed=$((passed + 1)) what=right
	else
		failed=$((failed + 1)) what="WRONG: $(tail -n 3 <<<"$out" | tr '\n' ' ')"
	fi
	printf '%-10s %-34s %8s %8s %8s  %s\n' "$root" "$way" $((SECONDS - began)) "${hits:--}" "${reuse:--}" "$what" | tee -a "$work/table"
}

# inside ROOT CMD...: with a /dev/shm and a /proc of its own
inside() {
	local root=$work/$1
	shift
	unshare -m -p -f --propagation private sh -c 'mount -t proc proc "$0/proc" && mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm" && exec chroot "$0" "$@"' "$root" "$@"
}

make all wheel deb >"$work/build.log" 2>&1 || { tail -n 5 "$work/build.log"; echo "0 passed, 1 failed"; exit 1; }
wheel=$(ls dist/*manylinux*_"$(uname -m)".whl) deb=$(ls dist/opt4_*.deb | head -n 1)
for r in "${roots[@]}"; do
	if [ ! -e "$work/$r/complete" ]; then
		rm -rf "${work:?}/$r"
		debootstrap --variant=minbase --include=python3,python3-venv,python3-numpy,libjemalloc2,ca-certificates "$r" "$work/$r" "$mirror" >"$work/$r.log" 2>&1 &&
			mkdir -p "$work/$r/dev/shm" && : >"$work/$r/complete" ||
			{ echo "opt4: test-packages: no root of $r: $(tail -n 1 "$work/$r.log")"; failed=$((failed + 1)); continue; }
	fi
	cp "$wheel" "$deb" "$work/$r/tmp/"
	# the wheel, in a venv whose path has a space
	rm -rf "$work/$r/opt/my venv"
	inside "$r" sh -c 'python3 -m venv --system-site-packages "/opt/my venv" && "/opt/my venv/bin/pip" install -q --no-index --no-deps /tmp/opt4-*.whl' >"$work/$r.pip" 2>&1 || cat "$work/$r.pip"
	PY='"/opt/my venv/bin/python"' check "$r" "wheel, a venv with a space" '"/opt/my venv/bin/opt4"'
	PY='"/opt/my venv/bin/python"' check "$r" "wheel, python -m opt4" '"/opt/my venv/bin/python" -m opt4'
	PY='"/opt/my venv/bin/python"' check "$r" "wheel, jemalloc preloaded" "LD_PRELOAD=$(cd "$work/$r" && ls usr/lib/*/libjemalloc.so.2 | sed 's,^,/,')" '"/opt/my venv/bin/opt4"'
	inside "$r" "/opt/my venv/bin/pip" uninstall -q -y opt4 >/dev/null 2>&1
	if [ -z "$(find "$work/$r/opt/my venv" -name '*opt4*')" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$r: left after uninstall: $(find "$work/$r/opt/my venv" -name '*opt4*' | head -n 3)"
	fi
	inside "$r" dpkg -i "/tmp/$(basename "$deb")" >"$work/$r.dpkg" 2>&1 || cat "$work/$r.dpkg"
	PY=python3 check "$r" ".deb" opt4
	inside "$r" dpkg -P opt4 >/dev/null 2>&1
done
# the wheel for aarch64, under qemu-user
other=$(ls dist/*manylinux*_aarch64.whl)
tests/packages_arm64.sh "$other" "$work/job.py" | tee "$work/arm64.out"
grep '^aarch64' "$work/arm64.out" >>"$work/table"
read -r p _ f _ < <(tail -n 1 "$work/arm64.out")
[[ $p$f =~ ^[0-9]+$ ]] && passed=$((passed + p)) failed=$((failed + f))
# a clone, by the system's compiler
rm -rf "$work/clone" "$work/venv"
git clone -q . "$work/clone" && python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q --no-deps "$work/clone" >"$work/clone.log" 2>&1
if [ "$("$work/venv/bin/opt4" --version 2>/dev/null | cut -d' ' -f1-2)" = "opt4 $(cat VERSION)" ]; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	tail -n 3 "$work/clone.log"
fi
for w in dist/*.whl; do
	size=$(stat -c %s "$w")
	echo "wheel: $((size / 1024)) KiB (2 MiB at most) $w"
	[ "$size" -le $((2 << 20)) ] && passed=$((passed + 1)) || failed=$((failed + 1))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
