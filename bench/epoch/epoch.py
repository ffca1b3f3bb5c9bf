#!/usr/bin/env python3
"""epoch.py BUILD [--full]: a training job's epochs, with and without opt4, against what is possible at all.

(a) a block device of limited bandwidth, with page cache and tmpfs limited together (root; else said and left out);
    samples are the files' bytes: what is measured is the store, not the processors
(b) a store that takes 10 ms a file; samples are bytes, then decoded and augmented images

Contestants, in turn: `plain`; `keep` and `demand` (OPT without prefetch); `opt4`, with a trace; `live`, opt4 without one;
`hot`, the same job with its files on tmpfs; `wrong`, opt4 with a trace of another seed. Bound of an epoch: max(hot, bytes it must read / bandwidth).
Prints tables; everything is in BUILD/bench/epoch.json. Runs that are in BUILD/bench/epoch.runs already are not
repeated: the full grid (hours) can be interrupted and gone on with. --fresh forgets them.
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
import time

from box import Box, NoBox

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, WORKERS, SEED, EPOCHS, LATENCY = 8, 2, 1, 3, 10
SLACK = 40 << 20       # for all alike: opt4 leaves 32 MiB free below a cgroup's limit
CONTESTANTS = {
    "plain": None, "hot": None,
    "keep": {"OPT4_POLICY": "keep", "OPT4_PREFETCH": "off"},
    "demand": {"OPT4_PREFETCH": "off"},
    "live": {"OPT4_TRACE": None}, "opt4": {}, "wrong": {},
}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, a):
        self.a, self.build = a, os.path.abspath(a.build)
        self.out = os.path.join(self.build, "bench")
        os.makedirs(self.out, exist_ok=True)
        self.n = {"a": a.images or (6000 if a.full else 3000), "b": a.images or (4000 if a.full else 1000)}
        self.log = os.path.join(self.out, "epoch.runs")
        if a.fresh and os.path.exists(self.log):
            os.unlink(self.log)
        self.done = {}
        if os.path.exists(self.log):
            with open(self.log) as f:
                for line in f:
                    r = json.loads(line)
                    self.done[r["key"]] = r
        self.box, self.holder, self.hot, self.traces = None, None, None, {}
        self.compute = a.compute
        self.tmp = tempfile.mkdtemp(prefix="epoch.", dir=self.out)

    def prepare(self, store):
        """The store's files, made once, and a copy of them on tmpfs. (a) wants JPEG's sizes only, (b) images."""
        self.files = os.path.join(self.out, "epoch-%s-%d" % (store, self.n[store]))
        if not os.path.isdir(self.files):
            say("making %d files" % self.n[store])
            made = self.files + ".part"
            shutil.rmtree(made, ignore_errors=True)
            how = ["images.py", str(self.n[store]), made] if store == "b" else ["dataset.py", made, str(self.n[store]), "~110K", "8"]
            subprocess.run([sys.executable, os.path.join(HERE, "../../tests", how[0])] + how[1:], check=True, stdout=sys.stderr)
            os.rename(made, self.files)
        sizes = [os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(self.files) for f in names]
        self.bytes, self.pages = sum(sizes), sum(-(-size // 4096) * 4096 for size in sizes)    # a cache counts whole pages
        self.hot = os.path.join("/dev/shm", "opt4-bench-epoch-%d" % os.getpid())
        shutil.rmtree(self.hot, ignore_errors=True)
        shutil.copytree(self.files, self.hot)
        return {"images": self.n[store], "dataset_bytes": self.bytes}

    def trace(self, root, epochs, seed=SEED):
        key = (root, epochs, seed)
        if key not in self.traces:
            path = os.path.join(self.tmp, "%d.trace" % len(self.traces))
            subprocess.run([sys.executable, os.path.join(self.build, "opt4-trace"), "imagefolder", root, "--epochs", str(epochs),
                            "--seed", str(seed), "--batch-size", str(BATCH), "--workers", str(WORKERS), "-o", path], check=True,
                           stderr=subprocess.DEVNULL)
            self.traces[key] = path
        return self.traces[key]

    def least(self, root, epochs, c):
        """Bytes that Belady must read, by epoch (by difference of traces of 1, 2, .. epochs)."""
        total = []
        for e in range(1, epochs + 1):
            out = subprocess.run([os.path.join(self.build, "opt4"), "plan", "--trace", self.trace(root, e), "--cache", str(int(c * self.pages)),
                                  "--policy", "opt", "--json"], check=True, capture_output=True, text=True).stdout
            total.append(json.loads(out)[0]["origin_bytes"])
        return [b - a for a, b in zip([0] + total, total)]

    def run(self, key, who, root, c, epochs, decode=False, compute=0.0, slow=False, memory=None, bandwidth=0):
        """One run of one contestant; its record, from the log if it is there."""
        if key in self.done:
            return self.done[key]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OPT4_", "SLOWSTORE_", "LD_PRELOAD"))}
        preload, stats = [], os.path.join(self.tmp, "stats")
        settings = CONTESTANTS[who]
        if settings is not None:
            preload.append(os.path.join(self.build, "libopt4.so"))
            env.update({"OPT4_ROOT": root, "OPT4_TRACE": self.trace(root, epochs, SEED + (who == "wrong")), "OPT4_STATS": stats,
                        "OPT4_CACHE": str(int(c * self.pages)), **settings})
            env = {k: v for k, v in env.items() if v is not None}
        counter, slow = None, slow and who != "hot"
        if slow:
            state = os.path.join(self.tmp, "slowstore.state")
            if os.path.exists(state):
                os.unlink(state)
            preload.append(os.path.join(self.build, "slowstore.so"))
            env.update(SLOWSTORE_ROOT=root, SLOWSTORE_LATENCY=str(LATENCY), SLOWSTORE_STATE=state)
            counter = state + ":@4:1"
        elif who != "hot":
            counter = self.box.counter()
            self.box.set(bandwidth, memory)
        if preload:
            env["LD_PRELOAD"] = ":".join(preload)
        if os.path.exists(stats):
            os.unlink(stats)
        command = [sys.executable, os.path.join(HERE, "job.py"), root, "--epochs", str(epochs), "--batch-size", str(BATCH), "--workers",
                   str(WORKERS), "--seed", str(SEED), "--compute", str(compute)] + (["--decode"] if decode else [])
        boxed = self.box and not slow and who != "hot"
        watch = self.box.watch() if boxed else None
        done = subprocess.run(command + (["--counter", counter] if counter else []), env=env, capture_output=True, text=True,
                              preexec_fn=self.box.enter if boxed else None)
        peak = watch.stop() if watch else 0
        if done.returncode:
            sys.exit("epoch: %s: the job ended with %d: %s" % (key, done.returncode, done.stderr.strip()[-400:]))
        r = json.loads(done.stdout)
        r.update(key=key, peak=peak)
        if settings is not None and os.path.exists(stats):
            with open(stats) as f:
                s = json.load(f)
            r["stats"] = {k: s[k] for k in ("accesses", "hits", "late", "misses", "fills", "bypassed", "reuse_ratio", "origin_bytes",
                                            "prefetched", "prefetch_wasted", "wait_ns")}
            r["stats"]["epochs"] = [{k: e[k] for k in ("reuse_ratio", "origin_bytes")} for e in s["epochs"]]
        with open(self.log, "a") as f:
            f.write(json.dumps(r) + "\n")
        self.done[key] = r
        say("  %-44s %s" % (key, " ".join("%.2f" % s for s in r["seconds"])))
        return r

    def gather(self, tag, contestants, **kind):
        """All contestants in turn, so often; {who: [records]}."""
        runs = {who: [] for who in contestants}
        for rep in range(self.a.reps):
            for who in contestants:
                root = self.hot if who == "hot" else kind["root"]
                key = "%s %s %d" % (tag, who, rep)
                runs[who].append(self.run(key, who, **dict(kind, root=root)))
        digests = {r["digest"] for rs in runs.values() for r in rs}
        if len(digests) != 1:
            sys.exit("epoch: %s: the contestants were given different bytes: %s" % (tag, digests))
        return runs

    # (a)
    def device(self, cells):
        made, n = self.prepare("a"), self.n["a"]
        # The code that all jobs share is mapped outside the box: whose memory it counts as would else differ from run to run
        self.holder = subprocess.Popen([sys.executable, "-c", "import sys, torch, torchvision; print(flush=True); sys.stdin.read()"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.box = Box(self.tmp, self.files)
        root = self.box.data
        total = self.compute / 1000 * n / BATCH
        x = self.run("a n%d peak" % n, "opt4", root, 0, 1, compute=self.compute)["peak"]
        rows = []
        for c, ratio in cells:
            bandwidth = int(self.bytes / (ratio * total))
            least = self.least(root, EPOCHS, c)
            runs = self.gather("a n%d ms%g c%g r%g" % (n, self.compute, c, ratio), [w for w in CONTESTANTS if w != "wrong" or self.a.full],
                               root=root, c=c, epochs=EPOCHS, compute=self.compute, bandwidth=bandwidth,
                               memory=int(x + SLACK + c * self.bytes))
            later = {w: statistics.median(statistics.mean(r["seconds"][1:]) for r in rs) for w, rs in runs.items()}
            read = {w: statistics.median(sum(r["bytes"][1:]) for r in rs) for w, rs in runs.items()}
            bound = statistics.mean(max(later["hot"], b / bandwidth) for b in least[1:])
            asked = {w: statistics.median(r["stats"]["origin_bytes"] for r in runs[w]) for w in ("opt4", "live")}
            first = max(later["hot"], least[0] / bandwidth)
            rows.append({"c": c, "ratio": ratio, "bandwidth": bandwidth, "seconds": later, "bound": bound,
                         "over_bound": {w: later[w] / bound for w in later}, "gain_over_plain": later["plain"] / later["opt4"],
                         "plain_bytes_over_least": read["plain"] / sum(least[1:]),
                         "bytes_over_least": {w: asked[w] / sum(least) for w in asked}, "first_bound": first,
                         "first_over_bound": {w: statistics.median(r["seconds"][0] for r in runs[w]) / first for w in asked},
                         "wasted": sum(r["stats"]["prefetch_wasted"] for r in runs["opt4"]) /
                         max(1, sum(r["stats"]["prefetched"] for r in runs["opt4"])),
                         "wrong_over_keep": later["wrong"] / later["keep"] if "wrong" in later else None})
        return {**made, "peak_without_cache": x, "compute_seconds": total, "cells": rows}

    # (b)
    def latency(self, cs):
        made, n, rows = self.prepare("b"), self.n["b"], []
        for c in cs:
            for decode in (False, True):
                runs = self.gather("b n%d c%g %s" % (n, c, "decoded" if decode else "bytes"),
                                   ["plain", "hot"] + ["keep", "demand"] * self.a.full + ["live", "opt4"],
                                   root=self.files, c=c, epochs=2, decode=decode, slow=True)
                whole = {w: statistics.median(sum(r["seconds"]) for r in rs) for w, rs in runs.items()}
                d = whole["hot"] / 2 / n * WORKERS * 1000
                possible = min((LATENCY + d) / d, 160)
                rows.append({"c": c, "decode": decode, "seconds": whole, "ms_an_image": d, "gain_over_plain": whole["plain"] / whole["opt4"],
                             "possible": possible, "gain_over_possible": whole["plain"] / whole["opt4"] / possible})
        return {**made, "cells": rows}

    def close(self):
        if self.box:
            self.box.close()
        if self.holder:
            self.holder.communicate()
        shutil.rmtree(self.tmp, ignore_errors=True)
        shutil.rmtree(self.hot or "", ignore_errors=True)


def print_device(d):
    print("\n(a) block device, memory limited; seconds an epoch, from the second on (median)\n")
    print("   c  data/B:T     hot   plain    keep  demand    live    opt4   bound")
    for r in d["cells"]:
        s = r["seconds"]
        print("%4g  %8g %s %7.2f" % (r["c"], r["ratio"], " ".join("%7.2f" % s[w] for w in ("hot", "plain", "keep", "demand", "live", "opt4")),
                                     r["bound"]))
    print("\n               times the bound:                first epoch:   bytes, times the least:  wrong/  in\n"
          "   c  data/B:T   keep   live   opt4  plain/opt4   live   opt4   plain   live   opt4     keep    vain")
    for r in d["cells"]:
        over, asked = r["over_bound"], r["bytes_over_least"]
        print("%4g  %8g  %5.3f  %5.3f  %5.3f  %10.2f  %5.3f  %5.3f  %6.3f  %5.3f  %5.3f  %7s  %4.1f %%" % (
            r["c"], r["ratio"], over["keep"], over["live"], over["opt4"], r["gain_over_plain"], r["first_over_bound"]["live"],
            r["first_over_bound"]["opt4"], r["plain_bytes_over_least"], asked["live"], asked["opt4"],
            "%.3f" % r["wrong_over_keep"] if r["wrong_over_keep"] else "-", 100 * r["wasted"]))


def print_latency(d):
    print("\n(b) %d ms a file, %d workers, two epochs, the first one cold; seconds (median)\n" % (LATENCY, WORKERS))
    print("   c             hot   plain    keep  demand    live    opt4  plain/opt4  possible")
    for r in d["cells"]:
        s = r["seconds"]
        print("%4g  %-8s %6.2f  %6.2f  %6s  %6s  %6.2f  %6.2f  %10.2f  %8.2f" % (
            r["c"], "decoded" if r["decode"] else "bytes", s["hot"], s["plain"],
            *("%.2f" % s[w] if w in s else "-" for w in ("keep", "demand")), s["live"], s["opt4"], r["gain_over_plain"], r["possible"]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--full", action="store_true", help="every cell (hours); else one of each store (under 10 minutes)")
    p.add_argument("--fresh", action="store_true", help="repeat what has been measured before")
    p.add_argument("--reps", type=int, default=3)
    p.add_argument("--images", type=int)
    p.add_argument("--compute", type=float, default=6, help="(a): ms a batch of %d" % BATCH)
    p.add_argument("--store", choices=("a", "b"))
    p.add_argument("--cells", help="(a): C:RATIO,.. where RATIO is dataset / bandwidth in times of the compute")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if a.store == "b" and a.cells:
        p.error("--cells is for the store a")
    cs, ratios = ((.25, .5, .75), (.5, 1, 2, 4)) if a.full else ((.5,), (4,))
    cells = [tuple(map(float, cell.split(":"))) for cell in a.cells.split(",")] if a.cells else [(c, r) for c in cs for r in ratios]
    bench = Bench(a)
    start, result = time.time(), {"batch": BATCH, "workers": WORKERS}
    try:
        if a.store != "b":
            try:
                result["device"] = bench.device(cells)
                print_device(result["device"])
            except NoBox as e:
                result["device"] = {"skipped": str(e)}
                print("(a) left out: %s" % e)
        if a.store != "a":
            result["latency"] = bench.latency(cs)
            print_latency(result["latency"])
    finally:
        bench.close()
    result["seconds"] = round(time.time() - start)
    with open(os.path.join(bench.out, "epoch.json"), "w") as f:
        json.dump(result, f, indent=1)
    print("\n%d s; %s" % (result["seconds"], os.path.relpath(f.name)))


if __name__ == "__main__":
    main()
