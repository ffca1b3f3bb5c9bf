"""damage.py TRACE SUMS SEEDS FROM ROOT: reads a dataset under the library with a damaged copy of TRACE, SEEDS times over.

Each copy is cut short, or has bits flipped: in the header, in the tables, or anywhere. Whatever the damage, each
read must give the bytes of SUMS, the process must end by itself with 0 and stdout hold nothing but its own.
LIB in the environment is the library.
"""
import os
import random
import subprocess
import sys

READER = """
import hashlib, sys
wrong = 0
for round in range(2):
    for line in open(sys.argv[1]):
        with open(line[66:].rstrip("\\n"), "rb") as f:
            wrong += hashlib.sha256(f.read()).hexdigest() != line[:64]
print("wrong", wrong)
"""


def damaged(data, rng):
    kind = rng.choice(["cut", "cut at a section", "header", "bits", "bits", "many bits", "word", "zeros"])
    data = bytearray(data)
    if kind == "cut":
        return kind, data[:rng.randrange(len(data))]
    if kind == "cut at a section":
        return kind, data[:rng.randrange(len(data) // 64) * 64]
    if kind == "header":
        data[rng.randrange(512)] ^= 1 << rng.randrange(8)
    elif kind in ("bits", "many bits"):
        for _ in range(rng.randint(1, 20) if kind == "bits" else len(data) // 50):
            data[rng.randrange(512, len(data))] ^= 1 << rng.randrange(8)
    elif kind == "word":
        for _ in range(rng.randint(1, 200)):
            at = rng.randrange(128, len(data) // 4) * 4
            data[at:at + 4] = rng.choice([0, 1, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0x80000000, rng.getrandbits(32)]).to_bytes(4, "little")
    else:
        at = rng.randrange(512, len(data))
        data[at:at + 4096] = bytes(len(data[at:at + 4096]))
    return kind, data


def main():
    trace, sums, seeds, first = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open(trace, "rb") as f:
        whole = f.read()
    bad = 0
    for seed in range(first, first + seeds):
        rng = random.Random(seed)
        kind, data = damaged(whole, rng)
        copy = os.path.abspath("damaged.trace")
        with open(copy, "wb") as f:
            f.write(data)
        env = dict(os.environ, LD_PRELOAD=os.environ["LIB"], OPT4_TRACE=copy, OPT4_POLICY=rng.choice(["opt", "opt", "lru"]),
                   OPT4_CACHE=rng.choice(["300K", "30%", "5M"]))
        if rng.random() < .5:
            env["OPT4_ROOT"] = os.path.abspath(sys.argv[5])
        try:
            got = subprocess.run([sys.executable, "-c", READER, sums], env=env, capture_output=True, timeout=60)
            said, status = got.stdout.decode(), got.returncode
        except subprocess.TimeoutExpired:
            said, status = "", "hangs"
        if (said, status) != ("wrong 0\n", 0):
            if bad < 5:
                print("seed %d: %s: status %s: %s" % (seed, kind, status, said.strip()), got.stderr.decode()[-500:])
            bad += 1
    print("%d of %d bad" % (bad, seeds))
    sys.exit(bad > 0)


main()
