"""workers.py ORDER ROOT WORKERS ACCESSES READY: batches of the order dealt round robin to processes, as a
DataLoader does, in lock step: one access at a time. After so many accesses it writes its workers' pids to
READY and holds until its stdin ends."""
import json
import os
import sys

order, root, workers, accesses, ready = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
pipes = []
for w in range(workers):
    there, here = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(there[1])
        with os.fdopen(there[0]) as paths:
            for path in paths:
                with open(os.path.join(root, path[:-1]), "rb") as f:
                    f.read()
                os.write(here[1], b"x")
        os._exit(0)
    pipes.append((pid, there[1], here[0]))
lines = [json.loads(line) for line in open(order)]
for a in lines[:accesses]:
    pid, to, back = pipes[a["batch"] % workers]
    os.write(to, a["path"].encode() + b"\n")
    os.read(back, 1)
with open(ready + ".tmp", "w") as f:
    f.write(" ".join(str(p[0]) for p in pipes))
os.rename(ready + ".tmp", ready)
sys.stdin.read()
