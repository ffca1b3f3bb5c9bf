"""passing.py DATA SPAN BATCH: three epochs, told by opt4.order() with that batch size, and read by one thread in an order in which
accesses pass each other by up to SPAN places, as those of a pool of threads do."""

import os
import random
import sys

import opt4

data, span, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
files = sorted(os.path.join(d, f) for d, _, names in os.walk(data) for f in names)
rng, swaps = random.Random(7), random.Random(1)
for epoch in range(3):
    rng.shuffle(files)
    assert opt4.order(files, batch_size=batch)
    for i in sorted(range(len(files)), key=lambda i: i + swaps.random() * span):
        with open(files[i], "rb") as f:
            f.read()
