"""kills.py KILLS SUMS ORDER RESULTS --preload LIBS --session DIR [--seed S]: jobs under the library, killed at random.

One job survives; its workers are asked how long they waited. Two jobs beside it lose workers, and their main process, by
kill -9; so does the session's keeper. Whom a job loses it replaces, as a whole job is: there is always somebody who
joins. All read the batches of ORDER (`opt4-trace show --json`), from an epoch of their own on, and compare every byte with SUMS
(lines `sha256  path`). A reader without the library says what the machine itself makes one wait. Prints JSON {worker, keeper,
main: kills; reads, wrong, slowest, plain_slowest: seconds of an open and read}. Exit 1 if a job fails.

RESULTS: what the jobs write down at once, so that it outlives them.
"""
import argparse
import fcntl
import hashlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import termios
import time

import churn

WORKERS, HELD, NAP = 3, 3, .002


def note(results, line):
    os.write(results, (line + "\n").encode())


def worker(a, sums, batches, tasks, seed, results):
    rng, held, reads, slowest = random.Random(seed), [], 0, 0.0

    def check(path, data):
        if hashlib.sha256(data).hexdigest() != sums[path]:
            note(results, f"wrong {path} {len(data)}")

    while True:
        task = os.read(tasks, 4)
        if len(task) < 4:      # the main process is gone, or there is no more
            break
        for path in batches[int.from_bytes(task, "little")]:
            begin = time.monotonic()
            data, again, close = churn.read(rng, path)
            took = time.monotonic() - begin
            if took > slowest:
                slowest = took
            reads += 1
            check(path, data)
            held.append((path, again, close))
            while len(held) > rng.randint(0, HELD):
                path, again, close = held.pop(rng.randrange(len(held)))
                check(path, again())
                close()
            time.sleep(NAP)
    note(results, f"{a.name} {reads} {slowest}")


def job(a, sums, batches):
    """The main process: gives out batches, replaces workers that die, ends when its stdin does."""
    results = os.open(a.results, os.O_WRONLY | os.O_APPEND)
    tasks, give = os.pipe()
    at, pids, made = a.first, set(), 0
    while not select.select([0], [], [], .01)[0]:
        while len(pids) < WORKERS:
            made += 1
            pid = os.fork()
            if pid == 0:
                os.close(give)
                code = 1
                try:
                    worker(a, sums, batches, tasks, a.seed * 100003 + made, results)
                    code = 0
                finally:
                    os._exit(code)
            pids.add(pid)
        while int.from_bytes(fcntl.ioctl(tasks, termios.FIONREAD, bytes(4)), "little") < 4 * 2 * WORKERS:
            os.write(give, (at % len(batches)).to_bytes(4, "little"))
            at += 1
        died, status = os.waitpid(-1, os.WNOHANG)
        if died:
            pids.discard(died)
            if not os.WIFSIGNALED(status):
                sys.exit(f"a worker of {a.name} ended with {status}")
    os.close(tasks)
    os.close(give)
    for pid in pids:
        status = os.waitpid(pid, 0)[1]
        if status and not os.WIFSIGNALED(status):
            sys.exit(f"a worker of {a.name} ended with {status}")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def keepers(session):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                args = f.read().split(b"\0")
        except OSError:
            continue
        if args[0].endswith(b"opt4d") and session.encode() in args:
            found.append(int(pid))
    return found


class Jobs:
    def __init__(self, a, batches_an_epoch):
        self.a, self.step, self.made = a, batches_an_epoch, 0
        self.alive, self.living = os.pipe()     # its other end is closed when the last process of the last job has ended

    def start(self, name, preload):
        self.made += 1
        env = dict(os.environ, LD_PRELOAD=preload)
        first = 0 if name != "victim" else self.a.seed * self.made % 7 * self.step
        return subprocess.Popen([sys.executable, __file__, "0", self.a.sums, self.a.order, self.a.results, "--name", name, "--seed",
                                 str(self.a.seed + self.made), "--first", str(first)], stdin=subprocess.PIPE, env=env,
                                pass_fds=[self.living])

    def wait(self):
        os.close(self.living)
        os.read(self.alive, 1)


def kill_all(a, jobs):
    rng = random.Random(a.seed)
    survivor = jobs.start("survivor", a.preload)
    plain = jobs.start("plain", a.plain)
    victims = [jobs.start("victim", a.preload) for _ in range(2)]
    kills = {"worker": 0, "keeper": 0, "main": 0}
    while sum(kills.values()) < a.kills:
        time.sleep(rng.random() * .12)
        kind = rng.choices(list(kills), (6, 3, 1))[0]
        i = rng.randrange(len(victims))
        if kind == "main":
            # not before it has come to something
            found = [victims[i].pid] if len(children(victims[i].pid)) == WORKERS else []
        else:
            found = keepers(a.session) if kind == "keeper" else children(victims[i].pid)
        if not found:
            continue
        pid = rng.choice(found)
        try:
            if rng.random() < .25:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(rng.random() * .05)
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills[kind] += 1
        if kind == "main":
            victims[i].wait()
            victims[i] = jobs.start("victim", a.preload)
    failed = 0
    for p in victims + [plain, survivor]:
        p.stdin.close()
        failed += p.wait() != 0
    jobs.wait()
    return kills, failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("kills", type=int)
    p.add_argument("sums")
    p.add_argument("order")
    p.add_argument("results")
    p.add_argument("--preload", default="")
    p.add_argument("--plain", default="", help="the plain reader's")
    p.add_argument("--session")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--name", help="be such a job")
    p.add_argument("--first", type=int, default=0, help="the batch that it begins with")
    a = p.parse_args()
    root, batches = os.environ["OPT4_ROOT"], {}
    with open(a.order) as f:
        for line in f:
            d = json.loads(line)
            batches.setdefault((d["epoch"], d["batch"]), []).append(os.path.join(root, d["path"]))
    batches = [batches[k] for k in sorted(batches)]
    if a.name:
        with open(a.sums) as f:
            sums = {line[66:].rstrip("\n"): line[:64] for line in f}
        return job(a, sums, batches)
    open(a.results, "w").close()
    epochs = 1 + d["epoch"]
    kills, failed = kill_all(a, Jobs(a, len(batches) // epochs))
    reads, wrong, slowest = 0, 0, {"survivor": 0.0, "plain": 0.0, "victim": 0.0}
    with open(a.results) as f:
        for line in f:
            name, *rest = line.split()
            if name == "wrong":
                wrong += 1
                print(line, end="", file=sys.stderr)
            else:
                reads += int(rest[0]) if name != "plain" else 0
                slowest[name] = max(slowest[name], float(rest[1]))
    print(json.dumps(dict(kills, reads=reads, wrong=wrong, slowest=max(slowest["survivor"], slowest["victim"]),
                          plain_slowest=slowest["plain"])))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
