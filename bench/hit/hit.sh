#!/bin/bash
# hit.sh [FILES [ROUNDS]]: a hit beside a hot page cache and a bare tmpfs file, with and without a look at the original
# due. Prints a table; JSON goes to build/bench/hit.json. The files lie in HIT_DIR (build/bench/hit.data).
set -eu
cd "$(dirname "$0")/../.."
files=${1:-20000} rounds=${2:-3}
data=${HIT_DIR:-$PWD/build/bench/hit.data}
mkdir -p "$data"
out=build/bench/hit.json
work=$(mktemp -d /dev/shm/opt4-bench.XXXXXX)
trap 'rm -rf "$work" /dev/shm/opt4-bench-hit.*' EXIT

need=$((files * 112 / 1024 * 2 + 512)) room=$(df -m --output=avail /dev/shm | tail -n1)
[ "$room" -gt "$need" ] || { echo "opt4: bench/hit: $room MiB free in /dev/shm, $need needed; run with fewer FILES" >&2; exit 1; }

# tmpfs hands out 4 KiB pages unless it is mounted otherwise, a page cache may hold larger ones, and that shows in a read
# of 110 KiB: so, where we may, also with a tmpfs of large pages, in a mount namespace of our own.
if [ -z "${HIT_MOUNT:-}" ] && unshare -m --propagation private mount -t tmpfs -o huge=within_size tmpfs /dev/shm 2>/dev/null; then
	HIT_MOUNT="huge=within_size" unshare -m --propagation private \
		sh -c 'mount -t tmpfs -o size=75%,huge=within_size tmpfs /dev/shm && exec "$0" "$@"' "$PWD/bench/hit/hit.sh" "$files" "$rounds" >$out.large
fi
run() { # REVALIDATE
	OPT4_ROOT=$data OPT4_DIR=$work/$1 OPT4_POLICY=keep OPT4_CACHE=$((files * 112 + 65536))K OPT4_PREFETCH=off OPT4_REVALIDATE=$1 OPT4_LOG=$PWD/build/bench/hit.log \
		LD_PRELOAD=$PWD/build/libopt4.so build/bench/hit "$data" "$files" "$rounds"
}
echo "bench/hit: $files files of 110 KiB, open + fstat + read + close, random order, $rounds rounds; medians; /dev/shm ${HIT_MOUNT:-as it is}" >&2
never=$(run never) always=$(run always)
json="{\"not_due\": $never, \"due\": $always}"
[ -z "${HIT_MOUNT:-}" ] || { echo "$json"; exit 0; }
printf '{"bench": "hit", "shm": %s, "shm_large_pages": %s}\n' "$json" "$(cat $out.large 2>/dev/null || echo null)" >$out
rm -f $out.large
python3 - $out <<'EOF'
import json, sys
d = json.load(open(sys.argv[1]))
print(f"{'':42}{'page cache':>12}{'tmpfs':>12}{'hit':>12}{'hit/tmpfs':>11}{'hit/cache':>11}{'target':>9}")
for shm, where in (("shm", "/dev/shm as it is"), ("shm_large_pages", "huge=within_size")):
    for key, what, most in (("not_due", "no look due", 1.05), ("due", "a look at each open", 1.25)):
        if not d[shm]:
            continue
        r = d[shm][key]
        if r["resident"] < r["files"]:
            print(f"opt4: bench/hit: {r['files'] - r['resident']} of {r['files']} files are not resident; the figures are not of hits", file=sys.stderr)
        print(f"{where + ', ' + what:42}" + "".join(f"{r[k + '_ns'] / 1000:10.2f}us" for k in ("page_cache", "tmpfs", "hit")) +
              f"{r['hit_to_tmpfs']:11.3f}{r['hit_to_page_cache']:11.3f}{'<= ' + str(most):>9}")
if not d["shm_large_pages"]:
    print("opt4: bench/hit: tmpfs with large pages not measured: no right to mount", file=sys.stderr)
EOF
