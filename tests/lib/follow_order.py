"""follow_order.py ROOT ORDER [--workers N]: an ordinary reader that reads files in a given order.

ORDER: JSON lines as `opt4-trace show --json` prints them. Without workers this process reads all; with
N, each epoch forks N processes that read batches b % N == w and leave, as DataLoader's workers do. Each
file is read by open().read(); prints sha256 of all bytes in order (0 workers) and ends 1 on an error.
"""
import argparse
import hashlib
import itertools
import json
import os


def read_all(root, entries, digest=None):
    for e in entries:
        with open(os.path.join(root, e["path"]), "rb") as f:
            data = f.read()
        if digest:
            digest.update(data)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("root")
    p.add_argument("order")
    p.add_argument("--workers", type=int, default=0)
    a = p.parse_args()
    with open(a.order) as f:
        entries = [json.loads(line) for line in f]
    digest = hashlib.sha256()
    for _, epoch in itertools.groupby(entries, key=lambda e: e["epoch"]):
        epoch = list(epoch)
        if not a.workers:
            read_all(a.root, epoch, digest)
            continue
        pids = []
        for w in range(a.workers):
            pid = os.fork()
            if pid == 0:
                try:
                    read_all(a.root, [e for e in epoch if e["batch"] % a.workers == w])
                    os._exit(0)
                finally:
                    os._exit(1)
            pids.append(pid)
        if any(os.waitpid(pid, 0)[1] for pid in pids):
            raise SystemExit("a worker failed")
    if not a.workers:
        print(digest.hexdigest())


if __name__ == "__main__":
    main()
