"""churn.py ROOT [--procs N] [--count K] [--hold H] [--seed S] [--stop] [..]: N processes read files of ROOT at random.

Each reads K files in random order by read, pread or mmap and compares them with what was read without
the library (SUMS: lines `sha256  path`, as sha256sum prints them). It keeps up to H of them open or mapped
for a while, evicted or not, and compares again when it lets go. Prints JSON {reads, wrong, slowest}:
seconds of the slowest open and read. Exit 1 on a wrong byte or an error.
"""
import argparse
import hashlib
import json
import mmap
import os
import random
import sys
import time


def read(rng, path):
    """(bytes, what stays open: a function that gives the bytes again and one that lets go)"""
    how = rng.randrange(3)
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    if how == 0:
        parts = []
        while True:
            part = os.read(fd, 65536)
            if not part:
                break
            parts.append(part)
        data = b"".join(parts)
    elif how == 1:
        data = os.pread(fd, size + 1, 0)
    else:
        m = mmap.mmap(fd, size, access=mmap.ACCESS_READ)
        os.close(fd)
        return m[:], lambda: m[:], m.close
    return data, lambda: os.pread(fd, size + 1, 0), lambda: os.close(fd)


def work(a, sums, paths, seed):
    rng = random.Random(seed)
    held, wrong, slowest, reads = [], 0, 0.0, 0
    end = time.monotonic() + a.seconds if a.seconds else None
    while time.monotonic() < end if end else reads < a.count:
        path = rng.choice(paths)
        begin = time.monotonic()
        data, again, close = read(rng, path)
        slowest = max(slowest, time.monotonic() - begin)
        reads += 1
        if hashlib.sha256(data).hexdigest() != sums[path]:
            print("wrong bytes:", path, len(data), file=sys.stderr)
            wrong += 1
        held.append((path, again, close))
        while len(held) > rng.randint(0, a.hold):
            path, again, close = held.pop(rng.randrange(len(held)))
            if hashlib.sha256(again()).hexdigest() != sums[path]:
                print("wrong bytes on second look:", path, file=sys.stderr)
                wrong += 1
            close()
        if a.nap:
            time.sleep(a.nap)
    return reads, wrong, slowest


def main():
    p = argparse.ArgumentParser()
    p.add_argument("sums")
    p.add_argument("--procs", type=int, default=8)
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--seconds", type=float, default=0, help="rather than a count")
    p.add_argument("--hold", type=int, default=0)
    p.add_argument("--nap", type=float, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pids", help="write the workers' pids there, and wait for nothing")
    p.add_argument("--may-die", action="store_true", help="a worker that was killed is no error")
    a = p.parse_args()
    with open(a.sums) as f:
        sums = {line[66:].rstrip("\n"): line[:64] for line in f}
    paths = sorted(sums)
    pids, pipes = [], []
    for w in range(a.procs):
        r, wr = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                result = work(a, sums, paths, a.seed * 1000 + w)
                os.write(wr, json.dumps(result).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(wr)
        pids.append(pid)
        pipes.append(r)
    if a.pids:
        with open(a.pids + ".new", "w") as f:
            f.write("\n".join(map(str, pids)) + "\n")
        os.rename(a.pids + ".new", a.pids)
    reads = wrong = failed = 0
    slowest = 0.0
    for pid, r in zip(pids, pipes):
        data = b""
        while True:
            part = os.read(r, 4096)
            if not part:
                break
            data += part
        status = os.waitpid(pid, 0)[1]
        if status and not (a.may_die and os.WIFSIGNALED(status)):
            print("worker", pid, "ended with", status, file=sys.stderr)
            failed += 1
        if data:
            n, bad, slow = json.loads(data)
            reads, wrong, slowest = reads + n, wrong + bad, max(slowest, slow)
    print(json.dumps({"reads": reads, "wrong": wrong, "slowest": slowest}))
    sys.exit(bool(wrong or failed))


if __name__ == "__main__":
    main()
