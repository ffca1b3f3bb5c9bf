#!/usr/bin/env python3
"""disk.py BUILD OUT.json [--files N] [--large N] [--scale S]: epochs in shuffled order from a spinning disk, what the elevator makes
of it, and buckets.

The disk is the slow store's model of one arm (bench/slowstore/disk.h), moved over where the file system really put the files:
10 ms a seek between two of them anywhere, half a rotation (4.17 ms) included, 150 MB/s; the files are of 110 KiB. Its waits are
shortened by the scale, which is printed, and all times are the model's again.

plain: as it comes; elevator: opt4 with a trace and OPT4_ELEVATOR=on, its cache 6 % and 25 % of the dataset, the second epoch and
(in JSON) the first; one pass: all files in the order of the disk. Then order and bytes with 0, 1, 4 and 16 workers.

rebucket: opt4 run --rebucket with a cache of 6 %, of a larger dataset (--large files): what its buckets cost beside the pass goes
down with the dataset's size, since the memory that sorts is a part of it. Its second epoch of three, and the first; plain beside it
is 4,000 of its files, times as many as there are, with inodes in memory and without. The first epoch is four passes less what stays
in memory (reading, writing to its buckets, reading these, writing to the second's), so its target can't be met at 6 %. One writing for
two epochs, each bucket sorted by the next one's, would save a pass: with K buckets and memory of a part m to sort in it costs K^2 / m
seeks, 70 s of 33 s a pass here; of 140 GB, 930 s a pass, it would pay.
"""
import argparse
import array
import fcntl
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
FS_IOC_FIEMAP = 0xC020660B
SEEK, SHORT, TURN, BANDWIDTH = 10., 1.34, 4.17, 150e6
BATCH, SEED = 4, 7


def place(path):
    """Where the file begins on its disk, in bytes; None: the file system does not tell."""
    room = array.array("B", struct.pack("QQIIII", 0, 2**64 - 1, 1, 0, 4, 0).ljust(32 + 4 * 56, b"\0"))
    with open(path, "rb") as f:
        try:
            fcntl.ioctl(f.fileno(), FS_IOC_FIEMAP, room)
        except OSError:
            return None
    if not struct.unpack_from("I", room, 20)[0] or struct.unpack_from("I", room, 32 + 40)[0] & 0x206:
        return None
    return struct.unpack_from("QQQ", room, 32)[1]


class Bench:
    def __init__(self, a, files):
        self.a, self.build = a, os.path.abspath(a.build)
        self.work = tempfile.mkdtemp(prefix="disk.", dir=os.path.dirname(a.out))
        self.root, self.n = self.work + "/data", 0
        subprocess.run([sys.executable, REPO + "/tests/dataset.py", self.root, str(files), "110K", "20"], check=True)
        os.sync()
        files = sorted(os.path.join(d, f) for d, _, names in os.walk(self.root) for f in names)
        self.bytes = sum(os.path.getsize(f) for f in files)
        where = [place(f) for f in files]
        if None in where:
            where = [os.stat(f).st_ino * 2**18 for f in files]      # as the slow store does
            self.by = "inode numbers, as the file system tells no places"
        else:
            self.by = "the places that the file system tells"
        self.sorted = [f for _, f in sorted(zip(where, files))]
        self.span = max(where) - min(where)
        rng = random.Random(1)
        root = sum(math.sqrt(abs(rng.choice(where) - rng.choice(where)) / self.span) for _ in range(20000)) / 20000
        self.stroke = (SEEK - SHORT - TURN) / root

    def trace(self, name, epochs):
        path = os.path.join(self.work, name)
        subprocess.run([self.build + "/opt4-trace", "imagefolder", self.root, "--epochs", str(epochs), "--seed", str(SEED), "--batch-size",
                        str(BATCH), "--workers", "4", "-o", path], check=True, stdout=subprocess.DEVNULL)
        with open(path + ".json", "w") as f:
            subprocess.run([self.build + "/opt4-trace", "show", path, "--json"], check=True, stdout=f)
        return path

    def run(self, command, cache=None, trace=None, scale=None, rebucket=False, cold=False):
        """Runs the command before the slow store; its stdout, the store's counters and opt4's statistics."""
        self.n += 1
        state, stats = "%s/state%d" % (self.work, self.n), "%s/stats%d" % (self.work, self.n)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OPT4_", "SLOWSTORE_"))}
        buckets = self.work + "/buckets"
        os.makedirs(buckets, exist_ok=True)
        env.update(SLOWSTORE_ROOT=self.root + ":" + buckets, SLOWSTORE_STATE=state, SLOWSTORE_DISK="%f:%f:%f" % (SHORT, self.stroke, TURN),
                   SLOWSTORE_SPAN=str(self.span), SLOWSTORE_BANDWIDTH=str(int(BANDWIDTH)), SLOWSTORE_SCALE=str(scale or self.a.scale),
                   LD_PRELOAD=self.build + "/slowstore.so")
        if cache:
            env.update(LD_PRELOAD=self.build + "/libopt4.so:" + env["LD_PRELOAD"], OPT4_TRACE=trace, OPT4_CACHE="%g%%" % cache, OPT4_STATS=stats,
                       OPT4_ELEVATOR=self.a.elevator, OPT4_LIVE="0", OPT4_DIR="%s/session%d" % (self.shm, self.n), OPT4_LOG=self.work + "/log")
        if cold:
            env["SLOWSTORE_COLD"] = "1"
        if rebucket:
            env["OPT4_REBUCKET"] = buckets
        out = subprocess.run([x.replace("STATE", state) for x in command], env=env, stdout=subprocess.PIPE, check=True).stdout
        store = json.loads(subprocess.run([self.build + "/slowstore-stat", state], stdout=subprocess.PIPE, check=True).stdout)
        opt4 = {}
        if cache:
            with open(stats) as f:
                opt4 = json.load(f)
        return out, store, opt4

    def job(self, trace, workers, limit=(), **how):
        out, _, opt4 = self.run([sys.executable, HERE + "/job.py", trace + ".json", self.root, "--workers", str(workers), "--state", "STATE",
                                 "--stat", self.build + "/slowstore-stat", *limit], trace=trace, **how)
        return json.loads(out)["epochs"], opt4


def row(name, seconds, before, after, scale, opt4=None):
    r = {"name": name, "seconds": seconds * scale, "opt4": opt4 or {}}
    for key in ("seeks", "bytes", "bytes_written", "disk_ns"):
        r[key] = after[key] - before.get(key, 0)
    return r


def remove(folder):
    """The keeper may be at it yet: it takes its buckets away after the job."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(.1)


def one_pass(b, scale):
    with open(b.work + "/list", "w") as f:
        f.write("\0".join(b.sorted))
    start = time.monotonic()
    _, store, _ = b.run(["sh", "-c", "exec xargs -0 cat <%s >/dev/null" % (b.work + "/list")])
    return row("one pass", time.monotonic() - start, {}, store, scale)


def large(a, rows):
    """The rows of --large files."""
    b = Bench(a, a.large)
    try:
        b.shm = tempfile.mkdtemp(prefix="opt4-bench.", dir="/dev/shm")
        trace, sample = b.trace("three", 3), min(4000, a.large)
        print("%d files of 110 KiB, %.0f MB, by %s" % (a.large, b.bytes / 1e6, b.by), flush=True)
        print("time scale 1:%g" % a.scale)
        found = {}
        for name, cold in (("plain", False), ("plain, cold", True)):
            epochs, _ = b.job(trace, a.workers, limit=("--epochs", "1", "--batches", str(sample // BATCH)), cold=cold)
            r = row(name, epochs[0]["seconds"] * a.large / sample, {}, {k: v * a.large // sample for k, v in epochs[0]["store"].items()}, a.scale)
            found[name] = r
        found["pass"] = one_pass(b, a.scale)
        epochs, opt4 = b.job(trace, a.workers, limit=("--epochs", "2"), cache=6, rebucket=True)
        r = row("rebucket, 6 %", epochs[1]["seconds"], epochs[0]["store"], epochs[1]["store"], a.scale, opt4)
        first = row("rebucket, first", epochs[0]["seconds"], {}, epochs[0]["store"], a.scale)
        print("%-16s%10s%10s%10s%10s%10s%12s%12s%10s" % ("", "seconds", "x pass", "x plain", "x cold", "seeks", "read", "written", "arm busy"))
        for x in (found["plain"], found["plain, cold"], found["pass"], first, r):
            x["times_pass"] = x["seconds"] / found["pass"]["seconds"]
            x["times_plain"], x["times_cold"] = found["plain"]["seconds"] / x["seconds"], found["plain, cold"]["seconds"] / x["seconds"]
            x["files"] = a.large
            print("%-16s%10.1f%10.2f%10.2f%10.2f%10d%10.0fMB%10.0fMB%9.0f%%" % (
                x["name"], x["seconds"], x["times_pass"], x["times_plain"], x["times_cold"], x["seeks"], x["bytes"] / 1e6, x["bytes_written"] / 1e6,
                x["disk_ns"] / x["seconds"] / 1e7), flush=True)
            rows.append(x)
        moved = (r["bytes"] + r["bytes_written"]) / b.bytes
        r["moved"], r["arm_times_pass"], first["arm_times_pass"] = moved, r["disk_ns"] / found["pass"]["disk_ns"], first["disk_ns"] / found["pass"]["disk_ns"]
        print("  by the arm alone %.2f x the pass, the first %.2f; read and written %.3f x the dataset; late %d, missed %d of %d" % (
            r["arm_times_pass"], first["arm_times_pass"], moved, opt4["late"], opt4["misses"], opt4["accesses"]))
        # The pass is one that never lets the arm wait, whatever this machine made of it; by the arm: so is the rest.
        least, arm = found["pass"]["disk_ns"] / 1e9, r["disk_ns"] / 1e9
        for what, x, by_arm, target in (
                ("x pass <=", r["seconds"] / least, arm / least, 2.3), ("first x pass <=", first["seconds"] / least, first["arm_times_pass"], 3.3),
                ("moved <=", moved, moved, 2.05), ("x plain >=", r["times_plain"], found["plain"]["disk_ns"] / 1e9 / arm, 6),
                ("x plain, cold >=", r["times_cold"], found["plain, cold"]["disk_ns"] / 1e9 / arm, 10)):
            def met(v):
                return "%.2f %s" % (v, "yes" if (v <= target if what.endswith("<=") else v >= target) else "NO")
            print("  %-18s %5.2f   by the clock %-10s by the arm %s" % (what, target, met(x), met(by_arm)))
    finally:
        remove(b.work)
        shutil.rmtree(b.shm, ignore_errors=True)


def small(a, only, rows, same):
    """The rows of --files files, and order and bytes."""
    b = Bench(a, a.files)
    b.shm = tempfile.mkdtemp(prefix="opt4-bench.", dir="/dev/shm")
    try:
        print("%d files of 110 KiB, %.0f MB; 10 ms a seek, 150 MB/s; %d workers; time scale 1:%g; by %s" % (
            a.files, b.bytes / 1e6, a.workers, a.scale, b.by), flush=True)
        two = b.trace("two", 2)
        if "plain" in only:
            epochs, _ = b.job(b.trace("one", 1), a.workers)
            rows.append(row("plain, random", epochs[0]["seconds"], {}, epochs[0]["store"], a.scale))
        for cache in (6, 25):
            if str(cache) in only:
                epochs, opt4 = b.job(two, a.workers, cache=cache)
                rows.append(row("elevator, %d %%" % cache, epochs[1]["seconds"], epochs[0]["store"], epochs[1]["store"], a.scale, opt4))
                rows[-1]["first"] = row("first epoch", epochs[0]["seconds"], {}, epochs[0]["store"], a.scale)
        if "pass" in only:
            rows.append(one_pass(b, a.scale))
        plain = rows[0]["seconds"] if rows and rows[0]["name"].startswith("plain") else None
        print("%-16s%10s%10s%10s%12s%12s%10s  %-12s" % ("", "seconds", "x plain", "seeks", "read", "written", "arm busy", "target"))
        targets = {"elevator, 6 %": 1.8, "elevator, 25 %": 3}
        for r in rows:
            x = plain / r["seconds"] if plain else 0
            target = targets.get(r["name"])
            r["times_plain"], r["target"] = x, target
            print("%-16s%10.1f%10.2f%10d%10.0fMB%10.0fMB%9.0f%%  %-12s" % (
                r["name"], r["seconds"], x, r["seeks"], r["bytes"] / 1e6, r["bytes_written"] / 1e6, r["disk_ns"] / r["seconds"] / 1e7,
                ">= %g %s" % (target, "yes" if x >= target else "NO") if target else ""))
            if r["opt4"]:
                first = r["first"]
                print("  its first epoch %8.1f%10.2f%10d%10.0fMB; late %d, missed %d of %d; %d sweeps, %.0f MB read through" % (
                    first["seconds"], plain / first["seconds"] if plain else 0, first["seeks"], first["bytes"] / 1e6, r["opt4"]["late"],
                    r["opt4"]["misses"], r["opt4"]["accesses"], r["opt4"]["disk"]["runs"], r["opt4"]["disk"]["through_bytes"] / 1e6))
        if "same" in only:
            want, _ = b.job(two, 4, scale=1000)
            for rebucket in (False, True):
                for workers in (0, 1, 4, 16):
                    got, _ = b.job(two, workers, cache=10, scale=20, rebucket=rebucket)
                    same.append({"workers": workers, "rebucket": rebucket, "same": [e["sha"] for e in got] == [e["sha"] for e in want]})
                print("order and bytes as plain%s: " % (", from buckets" if rebucket else "") + ", ".join(
                    "%d workers %s" % (s["workers"], "yes" if s["same"] else "NO") for s in same if s["rebucket"] == rebucket), flush=True)
    finally:
        if os.environ.get("KEEP"):
            print(b.work)
        else:
            remove(b.work)
        shutil.rmtree(b.shm, ignore_errors=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("out", type=os.path.abspath)
    p.add_argument("--files", type=int, default=4000)
    p.add_argument("--large", type=int, default=45000)
    p.add_argument("--scale", type=float, default=1)
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--only", default="plain,6,25,pass,same,rebucket")
    p.add_argument("--elevator", default="on", help="OPT4_ELEVATOR of the runs with opt4")
    a = p.parse_args()
    os.makedirs(os.path.dirname(a.out), exist_ok=True)
    rows, same, only = [], [], a.only.split(",")
    if only != ["rebucket"]:
        small(a, only, rows, same)
    if "rebucket" in only:
        large(a, rows)
    with open(a.out, "w") as f:
        json.dump({"bench": "disk", "files": a.files, "large": a.large, "scale": a.scale, "workers": a.workers, "rows": rows, "same": same}, f)
    sys.exit(not all(s["same"] for s in same))


if __name__ == "__main__":
    main()
