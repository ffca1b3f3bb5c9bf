"""plan_check.py WHAT: checks of `opt4 plan` against the oracles; PLAN is the command, SEED repeats a run."""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mktrace  # noqa: E402
import oracle  # noqa: E402

PLAN = os.environ["PLAN"].split()
seed = int(os.environ.get("TEST_SEED") or int.from_bytes(os.urandom(4), "little"))
rng = random.Random(seed)
print("TEST_SEED", seed, flush=True)
tmp = tempfile.mkdtemp(dir=os.environ["BATS_TEST_TMPDIR"])
trace = os.path.join(tmp, "t.opt4")


def plan(*args, env=None):
    out = subprocess.run([*PLAN, "--trace", trace, "--json", *args], stdout=subprocess.PIPE, check=True,
                         env={**os.environ, **(env or {})}).stdout
    return json.loads(out)


def close(a, b):
    return abs(a - b) <= 2e-6 * max(1, abs(b))


def make(n, nepochs, replacement=False, ranks=1, small=False):
    sizes = [int(rng.lognormvariate(10, 1)) for _ in range(n)]
    if not small:
        sizes[0], sizes[1], sizes[2] = 0, 70 << 20, 0xFFFFFFFF
    epochs = [[rng.randrange(n) for _ in range(rng.randint(n // 2, 2 * n))] if replacement
              else rng.sample(range(n), n) for _ in range(nepochs)]
    mktrace.write(trace, epochs, sizes, batch=7, ranks=ranks)
    return sizes, epochs


def check_cell(cell, sizes, epochs, maxfile=None):
    budget = cell["cache_bytes"]
    order = [f for e in epochs for f in e]
    pages = [-(-s // 4096) for s in sizes]
    limit = maxfile if maxfile is not None else min(64 << 20, budget // 8)
    skip = [s > limit or s == 0xFFFFFFFF for s in sizes]
    if cell["policy"] == "random":
        hits = oracle.random_(order, pages, budget // 4096, 42, skip)
    else:
        hits = oracle.ALL[cell["policy"]](order, pages, budget // 4096, skip)
    got = {"accesses": len(order), "hits": sum(hits), "hit_bytes": sum(sizes[f] for f, h in zip(order, hits) if h),
           "origin_bytes": sum(sizes[f] for f, h in zip(order, hits) if not h)}
    for k, v in got.items():
        assert cell[k] == v, (k, v, cell)
    assert close(cell["hit_ratio"], got["hits"] / len(order)), cell
    assert close(cell["byte_hit_ratio"], got["hit_bytes"] / (got["hit_bytes"] + got["origin_bytes"])), cell
    assert close(cell["cache_fraction"], budget / sum(4096 * p for p in pages)), cell
    first = len(epochs[0]) if len(epochs) > 1 else 0
    n = max(1, len(epochs) - 1)
    later = [(f, h) for f, h in list(zip(order, hits))[first:]]
    assert close(cell["later_hit_ratio"], sum(h for _, h in later) / len(later)), cell
    missed = sum(sizes[f] for f, h in later if not h) / n
    assert abs(cell["later_origin_bytes"] - missed) <= 1, (cell, missed)


def oracles():
    for nepochs, replacement, ranks in ((3, False, 1), (4, True, 1), (1, True, 1), (3, True, 3), (2, False, 2)):
        sizes, epochs = make(150, nepochs, replacement, ranks)
        total = sum(-(-s // 4096) * 4096 for s in sizes)
        caches = ["0", "4096", "100K", "1M", "3M", str(rng.randrange(6 << 20)), "1G", str(total), "100%"]
        for cell in plan("--cache", ",".join(caches)):
            check_cell(cell, sizes, epochs)
        for cell in plan("--cache", "300K,20%", env={"OPT4_MAXFILE": "40000"}):
            check_cell(cell, sizes, epochs, 40000)


def stack():
    """Many sizes at once (LRU's distances) are each size alone (simulated), and are the oracle's."""
    for replacement in (False, True):
        sizes, epochs = make(200, 3, replacement, small=True)
        caches = sorted(rng.randrange(8 << 20) for _ in range(20))
        caches += [c for c in (64 << 20, 65 << 20, 0) for _ in range(3)]       # equal ones, unsorted
        together = plan("--policy", "lru", "--cache", ",".join(map(str, caches)), env={"OPT4_MAXFILE": "1M"})
        default = plan("--policy", "lru", "--cache", ",".join(map(str, caches)))
        for i, c in enumerate(caches):
            alone = plan("--policy", "lru", "--cache", str(c), env={"OPT4_MAXFILE": "1M"})
            assert [together[i]] == alone, (together[i], alone)
            assert [default[i]] == plan("--policy", "lru", "--cache", str(c)), default[i]
            check_cell(together[i], sizes, epochs, 1 << 20)


def model():
    sizes, epochs = make(300, 4, ranks=2, small=True)
    batches = [len(range(0, len(e), 7)) for e in epochs]
    compute = .02 * sum((b + 1) // 2 for b in batches[1:]) / 3         # rank 0 has the odd batch
    total = sum(-(-s // 4096) * 4096 for s in sizes)
    order = [f for e in epochs for f in e]
    needed = total / compute                                          # would do without any cache
    for bandwidth, latency in ((needed / 2, 0), (0, .1), (needed, .02), (needed / 3, .01)):
        args = ["--compute", "20ms"] + (["--bandwidth", str(int(bandwidth))] if bandwidth else [])
        args += ["--latency", f"{latency * 1000:.0f}ms"] if latency else []
        for c in plan(*args, "--policy", "opt,keep,lru"):
            store = max(c["later_origin_bytes"] / int(bandwidth) if bandwidth else 0,
                        (1 - c["later_hit_ratio"]) * len(order[300:]) / 3 * latency / 32)
            assert close(c["compute_seconds"], compute), (c, compute)
            assert abs(c["epoch_seconds"] - max(store, compute)) < 1e-4, (c, store)
            assert abs(c["stall_seconds"] - max(0, store - compute)) < 1e-4, (c, store)
            assert c["compute_bound"] == (store <= compute), (c, store)

    def least(args):
        text = subprocess.run([*PLAN, "--trace", trace, "--policy", "opt", *args], stdout=subprocess.PIPE,
                              check=True, text=True).stdout
        return next(x for x in text.splitlines() if x.startswith("opt: "))
    args = ["--compute", "20ms", "--bandwidth", str(int(needed / 2))]
    line = least(args)
    percent = int(line.split("(")[1].split()[0])
    enough = plan(*args, "--policy", "opt", "--cache", f"{percent + 1}%,{percent - 2}%")
    assert [c["compute_bound"] for c in enough] == [True, False], (line, enough)
    assert least(["--compute", "20ms", "--bandwidth", str(int(needed * 2))]).endswith("without a cache")
    assert "at every size" in least(args + ["--cache", f"{percent - 3}%"])


def damage():
    """Flipped bits anywhere behind the header: a wrong answer or an error, no crash and no hang."""
    make(100, 3, True)
    whole = open(trace, "rb").read()
    for _ in range(40):
        bad = bytearray(whole)
        for _ in range(rng.choice([1, 3, 200])):
            bad[rng.randrange(512, len(bad))] = rng.randrange(256)
        open(trace, "wb").write(bad)
        r = subprocess.run([*PLAN, "--trace", trace, "--json", "--cache", "10%,20%,30%,40%,50%,60%,1M",
                            "--compute", "10ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert r.returncode == 0, (r.returncode, r.stderr.decode())
        for c in json.loads(r.stdout):
            assert c["hits"] <= c["accesses"] and 0 <= c["byte_hit_ratio"] <= 1, c


globals()[sys.argv[1]]()
