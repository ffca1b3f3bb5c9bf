"""odd.py DATA: orders that are not what is read, and readers that are not who told; every byte is compared."""

import os
import random
import sys

import opt4

data = sys.argv[1]
files = sorted(os.path.join(d, f) for d, _, names in os.walk(data) for f in names)
fd = {}
whole = {}


def read(path):
    with open(path, "rb") as f:
        got = f.read()
    assert whole.setdefault(path, got) == got, path


rng = random.Random(5)
assert opt4.order([]) is False
try:
    opt4.order([1])
except TypeError:
    pass
else:
    raise AssertionError("a number is no path")

drawn = rng.choices(files, k=600)
assert opt4.order(drawn)
for f in drawn:
    read(f)
for part in (files[:100], files[50:250], files):      # the list grows and changes
    rng.shuffle(part)
    assert opt4.order(iter(part), batch_size=7)
    for f in part:
        read(f)
assert opt4.order(files[:10])                         # and is broken, and read on
for f in reversed(files):
    read(f)
rng.shuffle(files)
assert opt4.order(os.path.relpath(f) for f in files)
children = []
for k in range(3):
    pid = os.fork()
    if pid == 0:
        for f in files[k::3]:
            read(f)
        os._exit(0)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
