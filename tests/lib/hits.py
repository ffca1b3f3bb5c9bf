"""hits.py FILES-FROM SLEEP: reads each file, and again after SLEEP seconds, and a third time at once.

Between the rounds it looks for a file `/round-N`, which a trace of its system calls shows.
"""
import os
import sys
import time

with open(sys.argv[1]) as f:
    paths = f.read().splitlines()
for n in range(3):
    if n == 1:
        time.sleep(float(sys.argv[2]))
    os.access("/round-%d" % n, os.F_OK)
    for path in paths:
        with open(path, "rb") as f:
            size = os.fstat(f.fileno()).st_size
            assert f.seek(0, os.SEEK_END) == size
            f.seek(0)
            assert len(f.read()) == size
os.access("/round-end", os.F_OK)
