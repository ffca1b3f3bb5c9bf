"""job.py DATA EPOCHS HOW [THREADS]: reads all files of a folder in a shuffled order, EPOCHS times, by a plain pool of
threads. HOW: told (opt4.order), list (prints the order, an empty line between epochs, reads nothing), plain.
Prints the sha256 of each epoch's bytes in order."""

import hashlib
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

data, epochs, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 8
files = sorted(os.path.join(d, f) for d, _, names in os.walk(data) for f in names)


def read(path):
    with open(path, "rb") as f:
        return f.read()


rng = random.Random(7)
with ThreadPoolExecutor(threads) as pool:
    for epoch in range(epochs):
        rng.shuffle(files)
        if how == "list":
            print("\n".join(files) + "\n")
            continue
        if how == "told":
            import opt4
            assert opt4.order(files) == ("opt4" in os.environ.get("LD_PRELOAD", "")), "told"
        digest = hashlib.sha256()
        for data in pool.map(read, files):
            digest.update(data)
        print(digest.hexdigest())
