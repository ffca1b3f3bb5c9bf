#!/bin/bash
# run.sh BUILD SUITE...: other people's tests as judges. Sets itself up from packages (Debian's libpython3.11-testsuite and
# tools by apt-get as root, Pillow's source with its tests by pip); results go to BUILD/trust/SUITE.json.
# Exit 0: no failure that a plain run does not have.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1") bad=0
shift
mkdir -p "$build/trust"
export TMPDIR=${TMPDIR:-/var/tmp}
[ "$(stat -f -c %T "$TMPDIR")" != tmpfs ] || { echo "opt4: suites: $TMPDIR is on tmpfs, where nothing is cached; set TMPDIR" >&2; exit 1; }

need() { # need COMMAND PACKAGE...
	eval "$1" >/dev/null 2>&1 && return
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${@:2}" >/dev/null 2>&1 && eval "$1" >/dev/null 2>&1 ||
		{ echo "opt4: suites: can't have ${*:2}; as root: apt-get install ${*:2}" >&2; return 1; }
}

for suite; do
	case $suite in
	cpython)
		need "/usr/bin/python3 -c 'import test.test_io'" libpython3.11-testsuite || { bad=1; continue; }
		/usr/bin/python3 "$here/cpython.py" --build "$build" --out "$build/trust/cpython.json" ${MODULES:-} || bad=1
		;;
	differ)
		for tool in rsync git sqlite3 zip unzip gcc patch ed make perl xz bzip2; do need "command -v $tool" "${tool/#xz/xz-utils}" || bad=1; done
		bash "$here/differ.sh" "$build" "$build/trust/differ.json" ${TOOLS:-} || bad=1
		;;
	pillow) bash "$here/pillow.sh" "$build" "$build/trust/pillow.json" || bad=1 ;;
	*) echo "opt4: suites: no suite $suite; cpython, differ or pillow" >&2; exit 2 ;;
	esac
done
exit $bad
