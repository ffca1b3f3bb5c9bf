"""compare.py DRIVE [SEED]: the policies against the oracles, hit by hit, on random orders.

Prints the seed; a failure prints the case as Python literals."""
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402

PAGE = 4096
drive = sys.argv[1]
seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "little")
print("seed", seed, flush=True)
rng = random.Random(seed)
cases = 0


def run(policy, order, sizes, budget, maxfile=1 << 40, rseed=0):
    data = struct.pack(f"<2I{len(order)}I{len(sizes)}I", len(order), len(sizes), *order, *sizes)
    out = subprocess.run([drive, policy, str(budget), str(maxfile), str(rseed)], input=data,
                         stdout=subprocess.PIPE, check=True).stdout
    return [bool(b) for b in out]


def same(name, got, want, *case):
    global cases
    cases += 1
    if got != want:
        at = next((i for i in range(min(len(got), len(want))) if got[i] != want[i]), "length")
        sys.exit(f"{name}: differs at access {at} ({sum(got)} hits, {sum(want)} expected): {case!r}")


def an_order(n, length):
    kind = rng.randrange(4)
    if kind == 0:                                    # shuffled epochs
        order = []
        while len(order) < length:
            order += rng.sample(range(n), n)
        return order[:length]
    if kind == 1:                                    # with replacement
        return [rng.randrange(n) for _ in range(length)]
    if kind == 2:                                    # skewed
        return [min(int(rng.expovariate(6 / n)), n - 1) for _ in range(length)]
    order = []                                       # runs back and forth
    while len(order) < length:
        a, b = rng.randrange(n), rng.randrange(n)
        order += range(a, b + 1) if a < b else range(a, b - 1, -1)
    return order[:length]


def pages_of(sizes):
    return [-(-s // PAGE) for s in sizes]


def every_policy(order, sizes, budget, maxfile, belady):
    pages = pages_of(sizes)
    limit = maxfile or min(64 << 20, budget * PAGE // 8)
    skip = [s > limit for s in sizes]
    for name, f in oracle.ALL.items():
        f = belady if name == "opt" else f
        same(name, run(name, order, sizes, budget, maxfile), f(order, pages, budget, skip),
             order, sizes, budget, maxfile)
    s = rng.randrange(1 << 64)
    same("random", run("random", order, sizes, budget, maxfile, s),
         oracle.random_(order, pages, budget, s, skip), order, sizes, budget, maxfile, s)


for _ in range(60):                                  # unit sizes
    n = rng.randint(1, 40)
    every_policy(an_order(n, rng.randint(1, 250)), [rng.randint(1, PAGE) for _ in range(n)],
                 rng.randint(0, n + 2), 1 << 40, oracle.belady_naive)
for _ in range(60):                                  # whole pages; empty and huge files; all maxfile rules
    n = rng.randint(1, 40)
    sizes = [rng.choice([0, 1, PAGE, PAGE + 1, rng.randint(1, 60000), rng.randint(1, 60000)]) for _ in range(n)]
    if rng.random() < .2:
        sizes[rng.randrange(n)] = 0xFFFFFFFF
    total = sum(p for p in pages_of(sizes) if p < 1 << 19)
    every_policy(an_order(n, rng.randint(1, 250)), sizes, rng.randint(0, total + 20),
                 rng.choice([0, 1 << 31, 20000, PAGE]), oracle.belady_naive)
for _ in range(4):                                   # longer; the heap oracle, which is proven here too
    n = 3000
    order = an_order(n, 9000)
    sizes = [int(rng.lognormvariate(11.3, .7)) for _ in range(n)]
    total = sum(pages_of(sizes))
    for percent in (10, 50, 75):
        every_policy(order, sizes, total * percent // 100, 1 << 40, oracle.belady)
for _ in range(60):
    n = rng.randint(1, 30)
    order = an_order(n, rng.randint(1, 200))
    pages = [rng.randint(0, 9) for _ in range(n)]
    budget = rng.randint(0, sum(pages) + 1)
    same("oracle.belady", oracle.belady(order, pages, budget), oracle.belady_naive(order, pages, budget),
         order, pages, budget)
for _ in range(150):                                 # OPT is optimal: no decisions at all do better
    n = rng.randint(1, 7)
    order = an_order(n, rng.randint(1, 30))
    budget = rng.randint(1, 4)
    got = sum(run("opt", order, [1] * n, budget))
    same("optimum", got == oracle.best(order, budget), True, order, budget, got)
print(cases, "comparisons equal")
