#!/usr/bin/env python3
"""pool.py BUILD [--small] [--json FILE]: several nodes, one pool.

Four nodes (network namespaces on a bridge), each with a part of every epoch, as DistributedSampler deals it, and a server of
`opt4 run --pool`'s; a store that takes 10 ms a file and counts what is read of it, by all together. D: the dataset's bytes.
The bound: the job alone, with all of its files in memory. --small: a dataset and epochs that a test can wait for.
Prints a table; everything is in BUILD/bench/pool.json.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../..")
sys.path.insert(0, HERE)
from nodes import Nodes  # noqa: E402

K, EPOCHS, SEED, BATCH, WORKERS = 4, 3, 5, 8, 2


class Bench:
    def __init__(self, a):
        self.a, self.build = a, os.path.abspath(a.build)
        self.out = os.path.join(self.build, "bench")
        os.makedirs(self.out, exist_ok=True)
        self.files = a.files or (480 if a.small else 4000)
        self.compute = a.compute or (.04 if a.small else .06)
        self.tmp = tempfile.mkdtemp(prefix="pool.", dir=self.out)
        self.nodes = None
        self.store = os.path.join(self.tmp, "store")
        self.python = sys.executable
        self.run([self.python, os.path.join(TOP, "tests/dataset.py"), self.store, str(self.files), "~110K", "8"])
        self.bytes = sum(os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(self.store) for f in names)
        self.sums = self.path("sums")
        with open(self.sums, "w") as f:
            self.run([self.python, os.path.join(TOP, "tests/keeper/sums.py"), self.store], stdout=f)
        for r in range(K):
            self.run([os.path.join(self.build, "opt4-trace"), "imagefolder", self.store, "--epochs", str(EPOCHS), "--seed", str(SEED), "--batch-size",
                      str(BATCH), "--workers", str(WORKERS), "--world-size", str(K), "--ranks", str(r), "-o", self.path("%d.trace" % r)], python=True)
            with open(self.path("%d.order" % r), "w") as f:
                self.run([os.path.join(self.build, "opt4-trace"), "show", self.path("%d.trace" % r), "--json"], stdout=f, python=True)
        self.nodes = Nodes(K)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def run(self, command, python=False, **more):
        subprocess.run(([self.python] if python else []) + command, check=True, **{"stdout": sys.stderr, **more})

    def close(self):
        if self.nodes:
            self.nodes.close()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def state(self):
        got = subprocess.run([os.path.join(self.build, "slowstore-stat"), self.path("state")], capture_output=True, text=True)
        return json.loads(got.stdout)["bytes"] if got.returncode == 0 else 0

    def job(self, i, pool_mb, cache, latency, opt4=True):
        """Node i's, as a process. pool_mb: of its server; 0: no pool."""
        env = dict(os.environ, SLOWSTORE_ROOT=self.store, SLOWSTORE_STATE=self.path("state"), SLOWSTORE_LATENCY=str(latency),
                   OPT4_POOL_SECRET=self.path("secret"), OPT4_LOG=self.path("log%d" % i), TMPDIR=self.tmp)
        for name in list(env):
            if name.startswith("OPT4_") and name not in ("OPT4_POOL_SECRET", "OPT4_LOG", "OPT4_POOL_WAIT"):
                del env[name]
        command = self.nodes.within(i)
        if opt4:
            command += [os.path.join(self.build, "opt4"), "run", "--quiet", "--trace", self.path("%d.trace" % i), "--cache", str(cache), "--stats",
                        self.path("stats%d" % i)]
            if pool_mb:
                command += ["--pool", self.nodes.servers(), "--pool-size", "%dM" % pool_mb]
            command += ["--"]
        command += ["env", "LD_PRELOAD=%s%s/slowstore.so" % (self.build + "/libopt4.so:" if opt4 else "", self.build), self.python,
                    os.path.join(TOP, "tests/keeper/reader.py"), self.path("%d.order" % i), self.store, "--workers", str(WORKERS), "--sums", self.sums,
                    "--compute", str(self.compute), "--errors"]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=open(self.path("err%d" % i), "w"), text=True)

    def all(self, what, pool_mb=0, cache=0, latency=10, opt4=True, harm=None):
        """All nodes' jobs at a time. harm: called with the bench when half of the second epoch is over, or so."""
        for name in os.listdir(self.tmp):
            if name.startswith(("state", "stats", "log", "err")):
                os.unlink(self.path(name))
        secret = self.path("secret")
        if not os.path.exists(secret):
            subprocess.run([os.path.join(self.build, "opt4"), "pool", "init", secret], check=True)
        before, start = self.nodes.sent(), time.monotonic()
        jobs = [self.job(i, pool_mb, cache, latency, opt4) for i in range(K)]
        over = threading.Event()
        if harm:
            epoch = self.files / K / BATCH * self.compute
            threading.Thread(target=lambda: over.wait(1.5 * epoch + .7) or harm(self), daemon=True).start()
        outs = [j.communicate()[0] for j in jobs]
        over.set()
        for i, (j, o) in enumerate(zip(jobs, outs)):
            if j.returncode:
                sys.exit("pool: %s: node %d ended with %d: %s%s" % (what, i, j.returncode, o, open(self.path("err%d" % i)).read()))
        got = [json.loads(o.strip().splitlines()[-1]) for o in outs]
        stats = []
        for i in range(K):
            try:
                with open(self.path("stats%d" % i)) as f:
                    stats.append(json.load(f))
            except OSError:
                stats.append({})
        row = {"what": what, "wrong": sum(g["wrong"] for g in got), "failed": sum(g["failed"] for g in got), "longest": max(g["longest"] for g in got),
               "epochs": [max(g["seconds"][e] for g in got) for e in range(EPOCHS)], "origin": self.state() / self.bytes,
               "sent": (self.nodes.sent() - before) / self.bytes, "seconds": time.monotonic() - start,
               "origin_epoch": [sum(s["epochs"][e]["origin_bytes"] for s in stats) / self.bytes for e in range(EPOCHS)] if all(stats) else None,
               "pool": {k: sum((s.get("pool") or {}).get(k, 0) for s in stats) for k in
                        ("gets", "hits", "sets", "errors", "hedged", "refused", "no_room")}, "pool_mb": pool_mb, "cache": cache}
        print("%-29s %6.3f %-17s %-16s %6.2f %5d %6d %7.3f" % (
            what, row["origin"], " ".join("%.3f" % o for o in row["origin_epoch"] or []), " ".join("%.2f" % s for s in row["epochs"]),
            row["sent"] / EPOCHS, row["failed"] + row["wrong"], row["pool"]["hedged"], row["longest"]), flush=True)
        return row

    def rows(self):
        mb, small = self.bytes / K / (1 << 20), self.a.small
        print("%d nodes, %d files, D = %.0f MB, %d epochs, %g s a batch of %d; load %.1f" % (K, self.files, self.bytes / 1e6, EPOCHS, self.compute, BATCH,
                                                                                       os.getloadavg()[0]))
        print("%-29s %6s %-17s %-16s %6s %5s %6s %7s" % ("", "read/D", "by epoch", "seconds an epoch", "sent/D", "wrong", "hedged", "longest"))
        cache = max(int(self.bytes / K / 10), 6 << 20)   # what the session takes beside: the look-ahead
        # a server's memory is counted by whole MB, and of small ones less holds files (tools/wire/wire.h)
        size = (lambda part: max(1, int(mb * part / .8 + 4))) if small else (lambda part: int(mb * part + .5))
        rows = [self.all("no store: the bound", cache=int(self.bytes * 1.5), latency=0, opt4=False)]
        rows.append(self.all("pool of 1.1 D", size(1.1), cache))
        if small:
            rows.append(self.all("1.6 D, a server killed", size(1.6), cache, harm=lambda b: kill(b, 1, signal.SIGKILL)))
            rows.append(self.all("1.6 D, a server stopped", size(1.6), cache, harm=lambda b: kill(b, 1, signal.SIGSTOP)))
            rows.append(self.all("1.6 D, a node cut off", size(1.6), cache, harm=lambda b: b.nodes.cut(1)))
            self.nodes.cut(1, "up")
            return rows
        rows.append(self.all("private caches, same memory", 0, int(self.bytes / K * 1.1) + cache))
        rows.append(self.all("pool of .5 D", size(.5), cache))
        rows.append(self.all("plain, the store alone", cache=0, opt4=False))
        rows.append(self.all("1.6 D, a server killed", size(1.6), cache, harm=lambda b: kill(b, 1, signal.SIGKILL)))
        rows.append(self.all("1.6 D, a server stopped", size(1.6), cache, harm=lambda b: kill(b, 1, signal.SIGSTOP)))
        rows.append(self.all("1.6 D, a node cut off", size(1.6), cache, harm=lambda b: b.nodes.cut(1)))
        self.nodes.cut(1, "up")
        return rows


def kill(bench, i, how):
    pid = bench.nodes.memcached(i)
    if pid:
        os.kill(pid, how)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--small", action="store_true")
    p.add_argument("--files", type=int)
    p.add_argument("--compute", type=float)
    p.add_argument("--json")
    a = p.parse_args()
    if os.geteuid() or not shutil.which("ip") or not shutil.which("memcached"):
        print("pool: needs root, ip and memcached (apt-get install iproute2 memcached)")
        return 0
    bench = Bench(a)
    try:
        rows = bench.rows()
    finally:
        bench.close()
    with open(a.json or os.path.join(bench.out, "pool.json"), "w") as f:
        json.dump({"files": bench.files, "bytes": bench.bytes, "nodes": K, "epochs": EPOCHS, "batch": BATCH, "compute": bench.compute,
                   "ideal_seconds": statistics.mean([bench.files / K / BATCH * bench.compute]), "rows": rows}, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
