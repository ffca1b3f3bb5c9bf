#!/usr/bin/env python3
"""reader.py ROOT SEED: shuffled epochs as a DataLoader's workers read them, without torch: tests/keeper/reader.py's job, but
each epoch's order is told as it begins, by the calls that tools/live makes, and nothing is known beyond its end.
Prints one JSON line. least: the fewest files that each epoch can read; each is asked for once, so those are the ones
that were not resident when it began. used: the part of the budget that was used then.
"""
import argparse
import json
import os
import random
import subprocess
import sys
from array import array

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE + "/../../tools/live", HERE + "/../keeper"]
import reader                       # noqa: E402
from opt4_live import lib           # noqa: E402

LOADER, STREAM, DATASET = 11, 12, 13


def main():
    p = argparse.ArgumentParser()
    p.add_argument("root")
    p.add_argument("seed", type=int)
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--compute", type=float, default=.01)
    p.add_argument("--opt4", required=True, help="says how many files are resident")
    a = p.parse_args()
    a.sums, a.errors = None, False
    rng = random.Random(a.seed)
    paths = sorted(os.path.join(d, f) for d, _, fs in os.walk(a.root) for f in fs)
    n = len(paths)
    lib.load()
    assert lib.active()
    assert lib.files(DATASET, n, b"\0".join(map(os.fsencode, paths)) + b"\0") == 0
    least, used = [], []
    for e in range(a.epochs):
        order = list(range(n))
        rng.shuffle(order)
        stat = subprocess.run([a.opt4, "stat", "--json", os.environ["OPT4_DIR"]], stdout=subprocess.PIPE, check=True).stdout
        stat = json.loads(stat)
        least.append(n - stat["resident_files"])
        used.append(round(stat["used_bytes"] / stat["budget_bytes"], 3))
        lib.loader(LOADER, DATASET, e)
        rc = lib.epoch(array("I", order), None, loader=LOADER, stream=STREAM, dataset=DATASET, epoch=e, rank=0, workers=a.workers,
                       batch_size=a.batch, nbatches=-(-n // a.batch), persistent=0, samples=n)
        assert rc == 0, rc
        batches = [[paths[i] for i in order[at:at + a.batch]] for at in range(0, n, a.batch)]
        got = reader.epoch(batches, a, None)
        assert got is not None and got[1] == 0, got
    lib.end(LOADER)
    print(json.dumps({"least": least, "used": used}))


if __name__ == "__main__":
    main()
