#!/bin/bash
# situations.sh [TRIES [PATTERN]]: what people do around a job (situations/*.sh), each once plain and TRIES times (default 3) under
# opt4 run: output, exit status, what is left. Prints a line each and writes build/trust/situations.json. With PATTERN only the
# situations whose names hold it, and nothing is written. SITUATIONS_BUILD: another build than ./build. As root, each file in namespaces of its own, all at a time.
set -u
cd "$(dirname "$0")/../.." || exit 1
tries=${1:-3} pattern=${2:-} here=$PWD/tests/guest B=${SITUATIONS_BUILD:-$PWD/build}
export PYTHON=${PYTHON:-$(tests/setup.sh python)} OPT4=$B/opt4 FILTER=$B/tests/filter HERE=$here
unset "${!OPT4_@}" LD_PRELOAD
export OPT4

if [ -z "${SITUATIONS:-}" ]; then
	SITUATIONS=$(mktemp -d "${TMPDIR:-/tmp}/o4s.XXXX")
	export SITUATIONS
	trap 'rm -rf "$SITUATIONS"' EXIT
	chmod 755 "$SITUATIONS"
	mkdir -p "$B/trust"
	for file in "$here"/situations/*.sh; do
		unshare -m -p -f --mount-proc --propagation private "$0" "$tries" "$pattern" "$file" &
	done
	wait
	[ -z "$pattern" ] || exit 0
	"$PYTHON" - "$B/trust/situations.json" "$SITUATIONS"/*.rows <<-'END'
		import json, sys
		rows = [line.rstrip("\n").split("\t") for name in sys.argv[2:] for line in open(name, errors="replace")]
		with open(sys.argv[1], "w") as f:
		    json.dump([{"situation": r[0], "plain": r[1].strip(), "same": int(r[2]), "tries": int(r[3]), "left": r[4]} for r in rows], f)
		bad = [r[0] for r in rows if r[2] != r[3] or r[4][0] != "0"]
		print(len(rows), "situations;", len(bad), "not as plain, or something left:", *bad, sep="\n    " if bad else " ")
		sys.exit(bool(bad))
	END
	exit
fi

name=$(basename "$3" .sh)
rows=$SITUATIONS/$name.rows
mount -t tmpfs -o size=2G,mode=1777 tmpfs /dev/shm
mkdir "$SITUATIONS/$name"
chmod 755 "$SITUATIONS/$name"
cd "$SITUATIONS/$name" || exit 1
"$PYTHON" "$here/../dataset.py" --seed 1 data 40 4096
sleep .1
export R='cat data/*/* data/*/* | md5sum'

have() { command -v "$1" >/dev/null || { [ -n "$pattern" ] || echo "no $1 here: left out"; return 1; }; }

# try NAME SCRIPT: RUN in it is `opt4 run .. --`, or nothing
try() {
	local plain out same=0 left i
	[[ "$1" == *$pattern* ]] || return 0
	plain=$(RUN='' timeout 30 bash -c "$2" 2>/dev/null; echo "status $?")
	for ((i = 0; i < tries; i++)); do
		out=$(RUN="$OPT4 run --root data --quiet --" timeout 30 bash -c "$2" 2>/dev/null; echo "status $?")
		[ "$out" = "$plain" ] && same=$((same + 1)) || last=$out
	done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		left=$(find /dev/shm -name index 2>/dev/null | wc -l)
		[ "$left" = 0 ] && break
		sleep .1
	done
	[ "$left" = 0 ] || "$OPT4" run --quiet --root data -- true   # killed with all that there was of it: the next run sweeps up
	[ "$left" = 0 ] || [ "$(find /dev/shm -name index 2>/dev/null | wc -l)" != 0 ] || left="0, after the next run"
	rm -rf /dev/shm/opt4-*
	printf '%-62s %d of %d as plain, %s left\n' "$1" $same "$tries" "$left"
	[ $same = "$tries" ] || { echo "    plain: ${plain//$'\n'/ | }"; echo "    opt4:  ${last//$'\n'/ | }"; }
	printf '%s\t%s\t%d\t%d\t%s\n' "$1" "$(tr '\n\r' '  ' <<<"$plain" | cut -c1-60)" $same "$tries" "$left" >>"$rows"
}

. "$3"
