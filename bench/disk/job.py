#!/usr/bin/env python3
"""job.py ORDER ROOT: reads files as a DataLoader's workers do and says what came in which order.

ORDER is what `opt4-trace show --json` prints. Batch b goes to worker b % W, two batches ahead of the main process at most;
--workers 0 reads in the main process. New workers each epoch. --state FILE: of SLOWSTORE_STATE, looked at by --stat PROGRAM.
Prints one JSON line: {"epochs": [{"seconds", "sha", "store": the slow store's counters by then}]}; sha: of every file's bytes,
in the order of the batches.
"""
import argparse
import hashlib
import json
import os
import subprocess
import time


def digest(batch, root):
    h = hashlib.sha256()
    for rel in batch:
        with open(os.path.join(root, rel), "rb", buffering=0) as f:
            h.update(rel.encode() + f.read())
    return h.digest()


def worker(batches, root, tokens, results):
    for batch in batches:
        if os.read(tokens, 1) != b"t":
            break
        os.write(results, digest(batch, root))
    os._exit(0)


def epoch(batches, root, workers):
    whole = hashlib.sha256()
    if not workers:
        for batch in batches:
            whole.update(digest(batch, root))
        return whole.hexdigest()
    pipes, pids = [], []
    for w in range(workers):
        tokens, results = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            worker(batches[w::workers], root, tokens[0], results[1])
        os.close(tokens[0])
        os.close(results[1])
        pipes.append((tokens[1], results[0]))
        pids.append(pid)
        os.write(tokens[1], b"tt")
    for b in range(len(batches)):
        tokens, results = pipes[b % workers]
        got = os.read(results, 32)
        if len(got) != 32:
            raise SystemExit("job: a worker died")
        whole.update(got)
        try:
            os.write(tokens, b"t")
        except BrokenPipeError:
            pass
    for tokens, results in pipes:
        os.close(tokens)
        os.close(results)
    for pid in pids:
        os.waitpid(pid, 0)
    return whole.hexdigest()


def main():
    import signal
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    p = argparse.ArgumentParser()
    p.add_argument("order")
    p.add_argument("root")
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--state")
    p.add_argument("--stat")
    p.add_argument("--epochs", type=int, default=None, help="leave after so many")
    p.add_argument("--batches", type=int, default=None, help="leave each epoch after so many")
    a = p.parse_args()
    epochs = {}
    with open(a.order) as f:
        for line in f:
            d = json.loads(line)
            epochs.setdefault(d["epoch"], {}).setdefault(d["batch"], []).append(d["path"])
    out = []
    for e in sorted(epochs)[:a.epochs]:
        start = time.monotonic()
        sha = epoch([epochs[e][b] for b in sorted(epochs[e])[:a.batches]], a.root, a.workers)
        seconds, store = time.monotonic() - start, {}
        if a.stat and os.path.exists(a.state):
            store = json.loads(subprocess.run([a.stat, a.state], stdout=subprocess.PIPE, check=True).stdout)
        out.append({"seconds": seconds, "sha": sha, "store": store})
    print(json.dumps({"epochs": out}))


if __name__ == "__main__":
    main()
