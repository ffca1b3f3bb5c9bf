"""exact.py ROOT TRACE ORDER [--policies P,..] [--budgets %,..] [--workers N,..] [--maxfile S]: runs
follow_order.py (with --job OPTIONS: torch_job.py, a real DataLoader) under the library, prefetch off, for
each cell, and compares what it hit, epoch by epoch, with the naive policies of tests/policy/oracle.py.
Prints a line a cell; exit 1 if any differs.

LIB and REPO in the environment say where the library and the tests are.
"""
import argparse
import itertools
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["REPO"], "tests", "policy"))
import oracle  # noqa: E402

PAGE = int(os.environ.get("PAGE", "4096"))


def pages(size):
    return -(-size // PAGE)


def expected(policy, entries, sizes, budget_pages, maxfile):
    names = sorted(sizes)
    number = {name: i for i, name in enumerate(names)}
    order = [number[e["path"]] for e in entries]
    need = [pages(sizes[n]) for n in names]
    skip = [sizes[n] > maxfile for n in names]
    hits = oracle.ALL[policy](order, need, budget_pages, skip)
    by_epoch = {}
    for e, hit in zip(entries, hits):
        by_epoch.setdefault(e["epoch"], [0, 0])
        by_epoch[e["epoch"]][0] += 1
        by_epoch[e["epoch"]][1] += hit
    return by_epoch


def run(a, policy, percent, workers, stats):
    env = dict(os.environ, LD_PRELOAD=os.environ["LIB"], OPT4_TRACE=a.trace, OPT4_CACHE="%d%%" % percent,
               OPT4_POLICY=policy, OPT4_PREFETCH="off", OPT4_STATS=stats, OPT4_LOG=stats + ".log",
               OPT4_REVALIDATE=a.revalidate)
    if a.maxfile:
        env["OPT4_MAXFILE"] = str(a.maxfile)
    lib = os.path.join(os.environ["REPO"], "tests", "lib")
    if a.job is None:
        command = [sys.executable, os.path.join(lib, "follow_order.py"), a.root, a.order]
    else:
        command = [os.environ["PYTHON"], os.path.join(lib, "torch_job.py"), a.root] + a.job.split()
    subprocess.run(command + ["--workers", str(workers)], env=env, check=True, timeout=240, stdout=subprocess.DEVNULL)
    with open(stats) as f:
        return json.load(f)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("root")
    p.add_argument("trace")
    p.add_argument("order")
    p.add_argument("--policies", default="opt,lru,lfu,fifo")
    p.add_argument("--budgets", default="10,25,50,75")
    p.add_argument("--workers", default="0,1")
    p.add_argument("--maxfile", type=int)
    p.add_argument("--revalidate", default="always")
    p.add_argument("--job", help="options of torch_job.py, the order's own")
    p.add_argument("--tolerance", type=float, default=0, help="of the ratio, over all epochs; 0: the same count an epoch")
    a = p.parse_args()
    with open(a.order) as f:
        entries = [json.loads(line) for line in f]
    sizes = {}
    for folder, _, files in os.walk(a.root):
        for name in files:
            path = os.path.join(folder, name)
            sizes[os.path.relpath(path, a.root)] = os.path.getsize(path)
    whole = sum(pages(s) for s in sizes.values()) * PAGE
    bad = 0
    for policy, percent, workers in itertools.product(a.policies.split(","), a.budgets.split(","), a.workers.split(",")):
        budget = whole * int(percent) // 100
        maxfile = a.maxfile or min(64 << 20, budget // 8)
        want = expected(policy, entries, sizes, budget // PAGE, maxfile)
        got = run(a, policy, int(percent), int(workers), a.trace + ".stats")
        seen = {e["epoch"]: [e["accesses"], e["hits"] + e["late"]] for e in got["epochs"]}
        total, reused = len(entries), sum(h for _, h in want.values())
        hits = got["hits"] + got["late"]
        if a.tolerance:
            ok = got["accesses"] == total and abs(hits - reused) <= a.tolerance * total
        else:
            ok = seen == want and hits == reused
        # the statistics' own sums
        reads = got["fills"] + got["bypassed"]
        sums = {
            "accesses = hits + late + misses": got["accesses"] == hits + got["misses"],
            "with prefetch off hits + late = accesses * reuse_ratio": abs(got["reuse_ratio"] * got["accesses"] - hits) < .01,
            "misses = fills + bypassed": got["misses"] == reads,
            "budget as asked": got["budget_bytes"] == budget // PAGE * PAGE,
            "peak within the budget": got["peak_bytes"] <= got["budget_bytes"],
            "dataset in whole pages": got["dataset_bytes"] == whole,
            "policy as asked": got["policy"] == policy,
            "no errors": got["errors"] == 0,
        }
        wrong = [what for what, holds in sums.items() if not holds]
        print("%s %-5s %3s%% %2s workers: %5d of %d hit, oracle %d" %
              ("ok " if ok and not wrong else "BAD", policy, percent, workers, hits, total, reused), *wrong, sep="  ")
        if not ok or wrong:
            bad += 1
            print("   by epoch [accesses, hits]: seen", seen, "oracle", want)
            print("   matched %(matched)d diverged %(diverged)d accesses %(accesses)d gate %(gate)s errors %(errors)d "
                  "lock_timeouts %(lock_timeouts)d" % got)
            with open(a.trace + ".stats.log") as f:
                print("   " + f.read())
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
