#!/bin/sh
# setup.sh WHAT...: brings what building, testing and the demo need, where it is not there yet.
#   build   a C compiler, make, uthash          strace, memcached
#   bats    bats-core                           python  prints an interpreter that imports torch, torchvision
#   cross   a compiler for aarch64 and qemu-user; musl and 32-bit libraries: other machines and C libraries
#   arm64   prints a folder with Debian's Python and torch for aarch64, and a static qemu (unpacked below build/, 1 GB)
#   notebook  prints an interpreter with ipykernel and jupyter_client beside the former's torch (a venv below build/)
#   photos  prints a directory of photographs (a Debian or a pip package's, unpacked below build/)
# stdout: the paths asked for, a line each. stderr: what is being done, and where it can't be, one line
# with the command that mends it. Exit 0 all there, 1 something is not. Quick when nothing is to be done.
set -u
cd "$(dirname "$0")/.." || exit 1
here=$PWD/build/setup
mkdir -p "$here"

say() { echo "opt4: set-up: $*" >&2; }
cant() { echo "opt4: set-up: $1; $2" >&2; return 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Two set-ups at a time (make demo beside make test) wait for each other.
have flock && exec 9>"$here/lock" && flock 9

# apt_get COMMAND...: tried with the lists as they are, then once more with new ones (a fresh container
# has none, an old machine's name files that are gone).
apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$here/apt.log" 2>&1 && return 0
	if is_root && [ -z "${updated:-}" ]; then
		updated=1
		say "apt-get update"
		apt-get -q update </dev/null >>"$here/apt.log" 2>&1
		DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$here/apt.log" 2>&1 && return 0
	fi
	grep '^E:' "$here/apt.log" >&2
	return 1
}

# apt_install PACKAGE...: false where there is no apt-get, no root, or the package can't be had.
apt_install() {
	have apt-get && is_root || return 1
	say "apt-get install $*"
	apt_get install -y --no-install-recommends "$@"
}

need() {   # need PROGRAM PACKAGE
	have "$1" || { apt_install "$2" && have "$1"; } ||
		cant "no $1" "as root: apt-get update && apt-get install -y $2"
}

setup_build() {
	need "${CC:-cc}" gcc && need make make || return 1
	has_headers && return 0
	apt_install libc6-dev uthash-dev && has_headers ||
		cant "no uthash.h or no glibc headers" "as root: apt-get update && apt-get install -y libc6-dev uthash-dev"
}
has_headers() {
	printf '#include <stdio.h>\n#include <uthash.h>\n' | "${CC:-cc}" ${CFLAGS:-} -E - >/dev/null 2>&1
}

setup_bats() { need bats bats && need ps procps; }   # bats' time limits ask ps
setup_cross() {
	missing=
	have aarch64-linux-gnu-gcc || missing="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
	have qemu-aarch64 || have qemu-aarch64-static || missing="$missing qemu-user"
	have musl-gcc || missing="$missing musl musl-tools"
	[ -e /lib/ld-linux.so.2 ] || missing="$missing libc6-i386"
	[ -z "$missing" ] || apt_install $missing || cant "no $missing" "as root: apt-get update && apt-get install -y $missing"
}
# Nothing of the system changes: apt works for another machine in folders of its own.
setup_arm64() {
	dir=$here/arm64
	[ -e "$dir/debian/complete" ] && { echo "$dir"; return 0; }
	have apt-get && have dpkg-deb || { cant "no apt-get" "on Debian: tests/setup.sh arm64"; return 1; }
	say "Debian's Python and torch for aarch64, unpacked into $dir (300 MB to fetch)"
	rm -rf "$dir"
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/debian" "$dir/qemu"
	: >"$dir/status"
	set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1
	if ! { apt-get "$@" update && apt-get "$@" -y -d --no-install-recommends install python3-torch python3-torchvision &&
		(cd "$dir" && apt-get -q download qemu-user-static); } </dev/null >"$here/arm64.log" 2>&1; then
		cant "Debian's arm64 packages can't be had (log: $here/arm64.log)" "mend apt's sources, then tests/setup.sh arm64"
		return 1
	fi
	for p in "$dir"/cache/archives/*.deb; do dpkg-deb -x "$p" "$dir/debian" || return 1; done
	dpkg-deb -x "$dir"/qemu-user-static_*.deb "$dir/qemu" || return 1
	rm -rf "$dir/cache" "$dir"/*.deb
	: >"$dir/debian/complete"
	echo "$dir"
}
setup_strace() { need strace strace; }
setup_memcached() { need memcached memcached; }

# Importing torch takes seconds, so it is done once an installation; later only its place is looked up.
imports() {
	have "$1" || return 1
	found=$("$1" -c 'import importlib.util as u, os, sys
o = [u.find_spec(m) for m in ("torch", "torchvision")]
if not all(o): sys.exit(1)
print(sys.executable, *[s.origin + ":%d" % os.stat(s.origin).st_mtime for s in o])' 2>/dev/null) || return 1
	grep -qxF "$found" "$here/python.ok" 2>/dev/null && return 0
	"$1" -W ignore -c 'import torch, torchvision' >/dev/null 2>"$here/import.log" || return 1
	echo "$found" >>"$here/python.ok"
}
first_python() {
	for p in python3 "$PWD/.venv/bin/python" /usr/bin/python3; do
		imports "$p" && { command -v "$p"; return 0; }
	done
	return 1
}
setup_python() {
	if [ -n "${PYTHON:-}" ]; then
		imports "$PYTHON" && { command -v "$PYTHON"; return 0; }
		cant "PYTHON=$PYTHON does not import torch and torchvision" "name one that does, or unset PYTHON"
		return 1
	fi
	first_python && return 0
	apt_install python3-torch python3-torchvision && first_python && return 0
	venv && first_python && return 0
	cant "no Python that imports torch and torchvision" \
		"python3 -m venv .venv && .venv/bin/pip install torch torchvision"
}
venv() {
	have python3 || return 1
	[ -x .venv/bin/pip ] || {
		say "python3 -m venv .venv"
		python3 -m venv .venv >"$here/pip.log" 2>&1 ||
			{ apt_install python3-venv && python3 -m venv .venv >"$here/pip.log" 2>&1; } || return 1
	}
	say "pip install torch torchvision (some minutes; log: $here/pip.log)"
	.venv/bin/pip install -q torch torchvision </dev/null >"$here/pip.log" 2>&1 || { tail -n 3 "$here/pip.log" >&2; return 1; }
}

setup_notebook() {
	base=$(setup_python) || return 1
	dir=$here/notebook
	"$dir/bin/python" -c 'import ipykernel, jupyter_client, torch' 2>/dev/null && { echo "$dir/bin/python"; return 0; }
	say "ipykernel and jupyter_client in $dir"
	rm -rf "$dir"
	# a venv of a venv would see the first one's Python only: what that one sees is named
	"$base" -m venv "$dir" >"$here/notebook.log" 2>&1 && "$base" -c 'import os, sys; print("\n".join(p for p in sys.path if os.path.isdir(p) and "-packages" in p))' \
		>"$(echo "$dir"/lib/python3*/site-packages)/base.pth" && "$dir/bin/pip" install -q ipykernel jupyter_client </dev/null >>"$here/notebook.log" 2>&1 &&
		echo "$dir/bin/python" || cant "no ipykernel and jupyter_client (log: $here/notebook.log)" "python3 -m pip install ipykernel jupyter_client, and PYTHON"
}

# Photographs are only unpacked, never installed: no root needed, and nothing of the system changes.
# 19 of them in Debian's packages; else the few that scikit-learn's wheel has. None is an error here:
# images.py renders scenes then.
setup_photos() {
	dir=$here/photos
	[ -e "$dir/complete" ] && { echo "$dir"; return 0; }
	rm -rf "$dir" "$dir.new"
	mkdir -p "$dir.new"
	photos_debian "$dir.new" || photos_pip "$dir.new"
	if [ -z "$(find "$dir.new" -name '*.jpg' | head -n 1)" ]; then
		cant "no package with photographs to be had (logs: $here/*.log)" "scenes are rendered instead"
		return 0
	fi
	find "$dir.new" -name '*.jpg' -exec mv -f {} "$dir.new" \; 2>/dev/null
	find "$dir.new" -mindepth 1 ! -name '*.jpg' -delete 2>/dev/null
	: >"$dir.new/complete"
	mv "$dir.new" "$dir" && echo "$dir"
}
photos_debian() {
	have apt-get && have dpkg-deb || return 1
	say "photographs: Debian's lomiri-wallpapers, unpacked into $dir"
	for p in lomiri-wallpapers-16.04 lomiri-wallpapers-20.04; do
		(cd "$1" && apt_get download "$p" && dpkg-deb -x "$p"_*.deb .) || return 1
	done
}
photos_pip() {
	say "photographs: pip's scikit-learn, unpacked into $dir"
	(cd "$1" && python3 -m pip download -q --no-deps --only-binary :all: scikit-learn </dev/null &&
		python3 -m zipfile -e scikit_learn-*.whl .) >"$here/pip.log" 2>&1
}

status=0
for what in "$@"; do
	case $what in
	build | bats | strace | memcached | python | cross | arm64 | notebook | photos) "setup_$what" || status=1 ;;
	*) echo "usage: $0 [build|bats|strace|memcached|python|cross|arm64|notebook|photos]..." >&2; exit 2 ;;
	esac
done
exit $status
