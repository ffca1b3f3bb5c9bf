#!/usr/bin/env python3
"""ssd.py BUILD: a dataset larger than memory, and an SSD beside it.

The job of bench/epoch on a block device of limited bandwidth, with one memory limit for all; the second tier lies on another
device, which is not limited. `plain`, with the page cache alone; `opt4`, with a trace; `live`, without one; `next`, a second
job of the same kind, which finds what the first one left; `hand`, the same job with its files copied to the SSD. R and S:
parts of the dataset in memory and on the SSD. Prints tables; everything is in BUILD/bench/ssd.json.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../epoch"))
from box import Box, NoBox, sh  # noqa: E402

BATCH, WORKERS, SEED, EPOCHS, RATIO = 8, 2, 1, 3, 4
SLACK = 40 << 20


class Disk:
    """An image with ext4 on a loop device: the SSD."""
    def __init__(self, folder, size):
        self.image, self.mount, self.device = os.path.join(folder, "ssd.img"), os.path.join(folder, "ssd"), None
        os.makedirs(self.mount, exist_ok=True)
        with open(self.image, "wb") as f:
            f.truncate(size)
        sh("mkfs.ext4", "-q", "-F", self.image)
        self.device = sh("losetup", "-f", "--show", "--direct-io=on", self.image)
        sh("mount", "-o", "noatime", self.device, self.mount)

    def close(self):
        for command in (("umount", "-l", self.mount), ("losetup", "-d", self.device)):
            subprocess.run(command, capture_output=True)
        os.unlink(self.image)


class Bench:
    def __init__(self, a):
        self.a, self.build = a, os.path.abspath(a.build)
        self.out = os.path.join(self.build, "bench")
        os.makedirs(self.out, exist_ok=True)
        self.files = os.path.join(self.out, "ssd-files-%d" % a.images)
        if not os.path.isdir(self.files):
            subprocess.run([sys.executable, os.path.join(HERE, "../../tests/dataset.py"), self.files + ".part", str(a.images), "~110K", "8"],
                           check=True, stdout=sys.stderr)
            os.rename(self.files + ".part", self.files)
        sizes = [os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(self.files) for f in names]
        self.bytes, self.pages = sum(sizes), sum(-(-size // 4096) * 4096 for size in sizes)
        self.tmp = tempfile.mkdtemp(prefix="ssd.", dir=self.out)
        self.box = self.disk = self.holder = None
        self.box = Box(self.tmp, self.files)
        self.disk = Disk(self.tmp, int(self.bytes * 2.5) + (64 << 20))
        self.trace = os.path.join(self.tmp, "trace")
        subprocess.run([sys.executable, os.path.join(self.build, "opt4-trace"), "imagefolder", self.box.data, "--epochs", str(EPOCHS), "--seed",
                        str(SEED), "--batch-size", str(BATCH), "--workers", str(WORKERS), "-o", self.trace], check=True, stderr=subprocess.DEVNULL)
        self.compute = a.compute / 1000 * a.images / BATCH
        self.bandwidth = int(self.bytes / (RATIO * self.compute))

        # The code that all jobs share is mapped outside the box: whose memory it counts as would else differ from run to run
        self.holder = subprocess.Popen([sys.executable, "-c", "import sys, torch, torchvision; print(flush=True); sys.stdin.read()"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.own = None
        self.own = self.run("(its own memory)", r=.02, s=.02, epochs=1)["peak"]
        self.forget()

    def run(self, who, root=None, r=0.0, s=None, traced=True, epochs=EPOCHS):
        root = root or self.box.data
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OPT4_", "SLOWSTORE_", "LD_PRELOAD"))}
        stats = os.path.join(self.tmp, "stats")
        if os.path.exists(stats):
            os.unlink(stats)
        if s is not None:
            env.update(LD_PRELOAD=os.path.join(self.build, "libopt4.so"), OPT4_ROOT=root, OPT4_CACHE=str(int(r * self.pages)), OPT4_STATS=stats,
                       OPT4_SSD=self.disk.mount, OPT4_SSD_SIZE=str(int(s * self.pages)))
            if traced:
                env["OPT4_TRACE"] = self.trace
            else:   # as `opt4 run` has the order of a running loader
                env["PYTHONPATH"] = os.path.join(self.build, "opt4_live")
        # all alike: what is charged for the job itself, and R of the dataset
        self.box.set(self.bandwidth, self.own and int(self.own + SLACK + .1 * self.bytes))
        command = [sys.executable, os.path.join(HERE, "../epoch/job.py"), root, "--epochs", str(epochs), "--batch-size", str(BATCH), "--workers",
                   str(WORKERS), "--seed", str(SEED), "--compute", str(self.a.compute), "--counter", self.box.counter()]
        watch = self.box.watch()
        done = subprocess.run(command, env=env, capture_output=True, text=True, preexec_fn=self.box.enter)
        peak = watch.stop()
        if done.returncode:
            sys.exit("ssd: %s: the job ended with %d: %s" % (who, done.returncode, done.stderr.strip()[-400:]))
        out = json.loads(done.stdout)
        out["peak"] = peak
        if s is not None:
            time.sleep(1)      # its keeper leaves
            with open(stats) as f:
                st = json.load(f)
            out["origin"] = [e["origin_bytes"] / self.bytes for e in st["epochs"]]
            out["tiers"] = st["tiers"]
            out["errors"] = st["errors"]
        out["read"] = [b / self.bytes for b in out["bytes"]]
        print("  %-16s %s s   read %s" % (who, " ".join("%6.2f" % x for x in out["seconds"]), " ".join("%.3f" % x for x in out["read"])), file=sys.stderr)
        return out

    def forget(self):
        subprocess.run([os.path.join(self.build, "opt4"), "clean", "--ssd", self.disk.mount, "--all"], check=True)

    def close(self):
        if self.holder:
            self.holder.communicate()
        for each in (self.box, self.disk):
            if each:
                each.close()
        shutil.rmtree(self.tmp, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--images", type=int, default=2000)
    p.add_argument("--compute", type=float, default=6, help="ms a batch of %d" % BATCH)
    p.add_argument("--reps", type=int, default=1)
    a = p.parse_args()
    try:
        bench = Bench(a)
    except NoBox as e:
        print("left out: %s" % e)
        return
    result = {"images": a.images, "dataset_bytes": bench.bytes, "bandwidth": bench.bandwidth, "compute_seconds": bench.compute, "runs": {}}
    runs = result["runs"]
    try:
        for _ in range(a.reps):
            def add(who, *args, **kw):
                runs.setdefault(who, []).append(bench.run(who, *args, **kw))
            add("plain")
            add("opt4 .1 .3", r=.1, s=.3)
            add("next .1 .3", r=.1, s=.3, epochs=1)
            bench.forget()
            add("live .1 .3", r=.1, s=.3, traced=False)
            add("next live .1 .3", r=.1, s=.3, traced=False, epochs=1)
            bench.forget()
            add("opt4 .1 1", r=.1, s=1.05)
            bench.forget()
            hand = os.path.join(bench.disk.mount, "data")
            shutil.copytree(bench.box.data, hand)
            add("hand", root=hand)
            shutil.rmtree(hand)
    finally:
        bench.close()
    digests = {r["digest"] for rs in runs.values() for r in rs if len(r["seconds"]) == EPOCHS}
    if len(digests) != 1:
        sys.exit("ssd: the contestants were given different bytes")
    bound = max(bench.compute, .6 * bench.bytes / bench.bandwidth)

    def middle(who, f):
        return statistics.median(f(r) for r in runs[who])
    print("\n%d files, %.0f MB; dataset / bandwidth = %g x compute; seconds, and parts of the dataset, an epoch (the last one)\n" % (
        a.images, bench.bytes / 1e6, RATIO))
    print("contestant        seconds   first   read of the store   first   written to the SSD   x max(compute, .6 D/B)")
    for who, rs in runs.items():
        last = middle(who, lambda r: r["seconds"][-1])
        asked = rs[0].get("origin")
        written = middle(who, lambda r: r["tiers"][1]["written_bytes"] / bench.bytes) if asked else 0
        print("%-16s %8.2f %7.2f %19.3f %7.3f %20.3f %s" % (
            who, last, middle(who, lambda r: r["seconds"][0]),
            middle(who, lambda r: (r["origin"] if asked else r["read"])[-1]), middle(who, lambda r: (r["origin"] if asked else r["read"])[0]), written,
            "%20.3f" % (last / bound) if who.endswith(".3") and not who.startswith("next") else ""))
    print()

    def verdict(text, value, most):
        print("  %-58s %.3f   target <= %.3f %s" % (text, value, most, "yes" if value <= most else "NO"))
    for who, how in (("opt4 .1 .3", "by a trace"), ("live .1 .3", "without one")):
        verdict(how + ": read of the store, the last epoch", middle(who, lambda r: r["origin"][-1]), .61)
        verdict(how + ": seconds beside max(compute, .6 D/B)", middle(who, lambda r: r["seconds"][-1]) / bound, 1.05)
        verdict(how + ": written to the SSD in all", middle(who, lambda r: r["tiers"][1]["written_bytes"] / bench.bytes), 1.05 * .3)
        verdict(how + ": the next job's first epoch, read of the store", middle("next" + who[4:] if who[0] == "o" else "next " + who, lambda r: r["origin"][0]), .71)
    verdict("room for all on the SSD: read of the store, the last epoch", middle("opt4 .1 1", lambda r: r["origin"][-1]), .01)
    verdict(".. seconds beside the files put there by hand", middle("opt4 .1 1", lambda r: r["seconds"][-1]) / middle("hand", lambda r: r["seconds"][-1]), 1.05)
    with open(os.path.join(bench.out, "ssd.json"), "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
