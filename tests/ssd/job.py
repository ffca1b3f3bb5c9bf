"""A job without a loader: reads every file below ROOT, ROUNDS times, each time in another order, and compares each with the
original's bytes (SUMS: lines `PATH SHA256` relative to ROOT) and size as fstat says.

`job.py ROOT SUMS ROUNDS SEED [PAUSE]`: seconds between two files; prints `read N wrong N failed N`.
"""
import hashlib
import os
import random
import sys
import time


def main():
    root, sums, rounds, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    pause = float(sys.argv[5]) if len(sys.argv) > 5 else 0
    with open(sums) as f:
        want = [line.split() for line in f]
    draw = random.Random(seed)
    read = wrong = failed = 0
    for _ in range(rounds):
        draw.shuffle(want)
        for path, digest in want:
            try:
                fd = os.open(os.path.join(root, path), os.O_RDONLY)
                parts, size = [], os.fstat(fd).st_size
                while part := os.read(fd, 1 << 16):
                    parts.append(part)
                os.close(fd)
            except OSError as e:
                print(path, e, file=sys.stderr)
                failed += 1
                continue
            data = b"".join(parts)
            read += 1
            if hashlib.sha256(data).hexdigest() != digest or len(data) != size:
                print("wrong", path, file=sys.stderr, flush=True)
                wrong += 1
            time.sleep(pause)
    print("read", read, "wrong", wrong, "failed", failed)


main()
