"""libcachesim_check.py DRIVE PLAN...: the policies against what libCacheSim made of the same requests.

tests/policy/libcachesim.json holds libCacheSim's numbers, and all that is needed to get them again. Here each cell is
run twice: hit by hit in the simulator (DRIVE: tests/policy/drive.c), and as the command `opt4 plan` (PLAN...) counts
hits, which for lru takes all sizes in one pass. `belady` admits every candidate; it is opt with bypass switched off,
and opt proper must not hit less often.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import mktrace  # noqa: E402
import unit_requests  # noqa: E402

PAGE = 4096
SMALLEST = 8                  # objects: a file larger than an eighth of the cache is none of `opt4 plan`'s
drive, plan = sys.argv[1], sys.argv[2:]
with open(os.path.join(HERE, "libcachesim.json")) as f:
    expected = json.load(f)["results"]
cells = wrong = 0


def same(what, got, want):
    global cells, wrong
    cells += 1
    if got != want:
        wrong += 1
        print(f"{what}: {got}, libCacheSim {want}")


for e in expected:
    name = "{kind}, {objects} objects, {requests} requests, seed {seed}".format(**e)
    order = unit_requests.make(e["kind"], e["objects"], e["requests"], e["seed"])
    n, sizes = e["objects"], e["sizes"]
    data = struct.pack(f"<2I{len(order)}I{n}I", len(order), n, *order, *[PAGE] * n)

    def hits(policy, size):
        return subprocess.run([drive, policy, str(size), str(PAGE), "0"], input=data, stdout=subprocess.PIPE,
                              check=True).stdout

    for policy in e["misses"]:
        for size, misses, crc in zip(sizes, e["misses"][policy], e["crc32"][policy]):
            got = hits(policy, size)
            same(f"{name}: {policy} of {size}", (got.count(0), "%08x" % zlib.crc32(got)), (misses, crc))
    for size, misses in zip(sizes, e["misses"]["belady"]):
        if hits("opt", size).count(0) > misses:
            wrong += 1
            print(f"{name}: opt of {size} hits less with bypass than libCacheSim's Belady without")

    with tempfile.NamedTemporaryFile(prefix="t.", dir=os.environ.get("BATS_TEST_TMPDIR")) as t:
        mktrace.write(t.name, [order], [PAGE] * n)
        large = [s for s in sizes if s >= SMALLEST]
        out = subprocess.run([*plan, "--trace", t.name, "--policy", "lru,fifo,lfu", "--json", "--cache",
                              ",".join(str(s * PAGE) for s in large)], stdout=subprocess.PIPE, check=True).stdout
    for c in json.loads(out):
        at = sizes.index(c["cache_bytes"] // PAGE)
        same(f"{name}: opt4 plan, {c['policy']} of {sizes[at]}", c["accesses"] - c["hits"], e["misses"][c["policy"]][at])

print(f"{cells} cells, {wrong} wrong")
sys.exit(wrong != 0)
