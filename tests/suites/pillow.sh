#!/bin/bash
# pillow.sh BUILD OUT.json: Pillow's own tests (from its source release, of the version that Python imports) plain and under
# the library, with the source tree, its images and the tests' temporary files as dataset roots, all of them matched.
set -u
build=$(realpath "$1") out=$2 python=/usr/bin/python3
version=$($python -c 'import PIL; print(PIL.__version__)') || { echo "opt4: suites: no Pillow for $python; as root: apt-get install python3-pil" >&2; exit 1; }
$python -c 'import pytest' 2>/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-pytest >/dev/null 2>&1
$python -c 'import pytest' || exit 1
src=$build/trust/pillow-$version
if [ ! -d "$src/Tests" ]; then
	got=$(mktemp -d)
	python3 -m pip -q download --no-deps --no-binary :all: -d "$got" "pillow==$version" >"$got/log" 2>&1 || tail -3 "$got/log"
	mkdir -p "$src" && tar xzf "$got"/[pP]illow-*.tar.gz -C "$src" --strip-components 1 || { rm -rf "$src" "$got"; exit 1; }
	rm -rf "$got" "$src/src/PIL"
fi
top=$(mktemp -d "${TMPDIR:-/var/tmp}/o4p.XXXX")
trap 'rm -rf "$top"' EXIT
unset "${!OPT4_@}" LD_PRELOAD
read -ra variants <<<"${VARIANTS:-eager churn ssd keeper}"
for variant in plain "${variants[@]}"; do
	rm -rf "$top/d" && mkdir -p "$top/d" && cp -r "$src/." "$top/d/src" && mkdir "$top/d/tmp"
	pre=()
	vars=(OPT4_ROOT="$top/d" OPT4_MATCH='*' OPT4_STATS="$top/$variant.stats" OPT4_LOG="$top/$variant.log" OPT4_CACHE=256M)
	case $variant in
	plain) vars=() ;;
	eager) vars+=(LD_PRELOAD="$build/tests/suites/libeager.so") ;;
	churn) vars+=(LD_PRELOAD="$build/tests/suites/libeager.so" OPT4_CACHE=1M OPT4_MAXFILE=500K OPT4_POLICY=random) ;;
	ssd) vars+=(LD_PRELOAD="$build/tests/suites/libeager.so" OPT4_CACHE=1M OPT4_MAXFILE=500K OPT4_SSD="$top/ssd" OPT4_SSD_SIZE=256M) && mkdir "$top/ssd" ;;
	keeper) pre=("$build/opt4" run --quiet --) ;;
	esac
	(cd "$top/d/src" && env TMPDIR="$top/d/tmp" "${vars[@]}" "${pre[@]}" sh -c 'cat Tests/images/* >/dev/null 2>&1; "$@"' sh \
		timeout -k 5 "${LIMIT:-600}" $python -m pytest -q -p no:cacheprovider -o addopts= --junit-xml "$top/$variant.xml" \
		--basetemp "$top/d/tmp/pytest" Tests >"$top/$variant.out" 2>&1 </dev/null)
done
python3 - "$top" "$out" "${variants[@]}" <<'P'
import json, sys, xml.etree.ElementTree as ET
top, out, *variants = sys.argv[1:]
def verdicts(v):
    r = {}
    for c in ET.parse(f"{top}/{v}.xml").getroot().iter("testcase"):
        bad = c.find("failure") is not None or c.find("error") is not None
        r[c.get("classname", "") + "." + c.get("name")] = "bad" if bad else "skip" if c.find("skipped") is not None else "ok"
    return r
plain = verdicts("plain")
row = {"tests": sum(v != "skip" for v in plain.values()), "plain_failures": sorted(k for k, v in plain.items() if v == "bad"), "variants": {}}
bad = 0
for v in variants:
    got = verdicts(v)
    s = json.load(open(f"{top}/{v}.stats"))
    new = sorted(k for k, x in plain.items() if x == "ok" and got.get(k) != "ok")
    row["variants"][v] = {k: s[k] for k in ("accesses", "hits", "evictions", "invalidated")} | {"new_failures": new}
    bad += len(new) + (s["hits"] == 0)
    print(f"pillow {v}: {row['tests']} tests, {len(row['plain_failures'])} fail plain, {len(new)} new {new[:9]}, {s['hits']} hits, {s['evictions']} evicted" +
          "".join(f", {t['hits']} of the hits on the SSD" for t in s["tiers"] if t["tier"] == "ssd"))
json.dump(row, open(out, "w"), indent=1)
sys.exit(bad != 0)
P
