"""Random reads of N files by one process, without a trace, beside an LRU of `room` files: prints accesses and LRU's hits.

usage: lru_untraced.py ROOT ROOM READS SEED   (files of one page each; a file read twice in a row is one access)"""
import os
import random
import sys
from collections import OrderedDict

root, room, reads, seed = sys.argv[1], *map(int, sys.argv[2:])
files = sorted(os.path.join(d, f) for d, _, names in os.walk(root) for f in names)
rng, cache, last, accesses, hits = random.Random(seed), OrderedDict(), None, 0, 0
for _ in range(reads):
    name = rng.choice(files)
    if name == last:
        continue
    last = name
    accesses += 1
    with open(name, "rb") as f:
        f.read()
    if name in cache:
        cache.move_to_end(name)
        hits += 1
    else:
        if len(cache) >= room:
            cache.popitem(last=False)
        cache[name] = True
print(accesses, hits)
