#!/usr/bin/env python3
"""reader.py ORDER ROOT: reads files as a DataLoader's workers do, without torch.

ORDER is what `opt4-trace show --json` prints. Batch b goes to worker b % W; a worker is two batches ahead of the main
process at most, which takes --compute seconds a batch. New workers each epoch. Prints one JSON line:
seconds an epoch, files read, what went wrong, the longest wait for a batch. --sums FILE: {path: crc32}, every byte read is compared.
--errors: a file may fail to open or read (counted), as the original would.
"""
import argparse
import json
import os
import sys
import time
import zlib


LONGEST = [0]   # seconds that the main process has waited for a batch


def worker(batches, root, tokens, results, sums):
    wrong = failed = read = 0
    for batch in batches:
        if os.read(tokens, 1) != b"t":
            os._exit(0)
        for rel in batch:
            try:
                with open(os.path.join(root, rel), "rb", buffering=0) as f:
                    data = f.read()
            except OSError:
                failed += 1
                continue
            read += 1
            if sums is not None and sums[rel] != zlib.crc32(data):
                wrong += 1
        os.write(results, b"b")
    os.write(results, b"%d %d %d\n" % (read, failed, wrong))
    os._exit(0)


def epoch(batches, a, sums):
    pipes, pids = [], []
    for w in range(a.workers):
        tokens, results = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            worker(batches[w::a.workers], a.root, tokens[0], results[1], sums)
        os.close(tokens[0])
        os.close(results[1])
        pipes.append((tokens[1], results[0]))
        pids.append(pid)
    for tokens, _ in pipes:
        os.write(tokens, b"tt")
    for b in range(len(batches)):
        tokens, results = pipes[b % a.workers]
        asked = time.monotonic()
        if os.read(results, 1) != b"b":
            return None
        LONGEST[0] = max(LONGEST[0], time.monotonic() - asked)
        if a.compute:
            time.sleep(a.compute)
        try:
            os.write(tokens, b"t")
        except BrokenPipeError:
            pass
    total = [0, 0, 0]
    for tokens, results in pipes:
        line = b""
        while not line.endswith(b"\n"):
            got = os.read(results, 100)
            if not got:
                return None
            line += got
        total = [x + int(y) for x, y in zip(total, line.split())]
        os.close(results)
        os.close(tokens)
    for pid in pids:
        os.waitpid(pid, 0)
    return total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("order")
    p.add_argument("root")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--compute", type=float, default=0)
    p.add_argument("--sums")
    p.add_argument("--errors", action="store_true")
    p.add_argument("--pidfile")
    p.add_argument("--limit", type=int, help="only so many batches of the first epoch")
    p.add_argument("--linger", type=float, default=0, help="seconds to stay when all is read")
    a = p.parse_args()
    import signal
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    epochs = {}
    with open(a.order) as f:
        for line in f:
            d = json.loads(line)
            epochs.setdefault(d["epoch"], {}).setdefault(d["batch"], []).append(d["path"])
    sums = json.load(open(a.sums)) if a.sums else None
    if a.pidfile:
        with open(a.pidfile, "w") as f:
            f.write(str(os.getpid()))
    seconds, counts = [], [0, 0, 0]
    for e in sorted(epochs):
        start = time.monotonic()
        got = epoch([epochs[e][b] for b in sorted(epochs[e])][:a.limit], a, sums)
        if got is None:
            sys.exit("reader: a worker died")
        seconds.append(round(time.monotonic() - start, 3))
        counts = [x + y for x, y in zip(counts, got)]
        if a.limit:
            break
    time.sleep(a.linger)
    print(json.dumps({"seconds": seconds, "read": counts[0], "failed": counts[1], "wrong": counts[2], "longest": round(LONGEST[0], 3)}))
    sys.exit(1 if counts[2] or (counts[1] and not a.errors) else 0)


if __name__ == "__main__":
    main()
