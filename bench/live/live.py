"""live.py LIBRARY PUBLISH OUT.json [--samples N] [--rounds R]: what learning the order from the running DataLoader costs.
First the training process: time and CPU time from iter(loader) to the first batch, and its memory, with and without the
library, in turn. The dataset names N files (two exist) and reads none, so that nothing but the loader's own work is compared
with. A list of a million numbers takes 45 ms or 95, as it happens, so that the difference says little: beside it stands what
a profile finds inside our own functions, in a first epoch and in a last. Then all other processes: how long they wait for the session's lock while an order is published (publish.c)."""
import argparse
import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time

EPOCHS = 4


SLOWER, LARGER = 5, 16   # the targets: percent, MB


def memory():
    """KB resident: (all, anonymous)."""
    with open("/proc/self/status") as f:
        kb = {line.split(":")[0]: int(line.split()[1]) for line in f if line.startswith("Rss") or line.startswith("VmRSS")}
    return kb["VmRSS"], kb["RssAnon"]


def own(profile):
    """Seconds in the two functions of ours that an epoch calls, all that they call included."""
    return sum(cumulative for (path, _, name), (_, _, _, cumulative, _) in pstats.Stats(profile).stats.items()
               if path == "<opt4>" and name in ("announce", "begin"))


def job(root, n, workers, sampler, epochs):
    """Prints the seconds of so many epochs, and those in our own functions in one more."""
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torch.utils.data.distributed import DistributedSampler

    class Named(Dataset):
        def __init__(self):
            self.root = root
            self.samples = [("%s/n%08d/n%08d_%d.jpg" % (root, i % 1000, i % 1000, i), i % 1000) for i in range(n)]
            self.samples[0] = self.samples[-1] = (root + "/one.jpg", 0)

        def __len__(self):
            return n

        def __getitem__(self, i):
            return i

    torch.set_num_threads(1)
    dataset = Named()
    distributed = DistributedSampler(dataset, 2, 1) if sampler == "distributed" else None
    loader = DataLoader(dataset, 256, shuffle=not distributed, sampler=distributed, num_workers=workers)
    seconds, cpu, profile = [], [], cProfile.Profile()
    begin = end = memory()
    for e in range(epochs + 1):
        if e == epochs:
            profile.enable()
        start, busy = time.perf_counter(), time.process_time()
        it = iter(loader)
        next(it)
        if e == epochs:
            profile.disable()
            break
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
        next(it)
        next(it)
        time.sleep(2)      # what goes on behind must not be at it when the next epoch begins
        end = memory()
        del it
    print(json.dumps({"seconds": seconds, "cpu": cpu, "own": own(profile), "resident": end[0] - begin[0], "anonymous": end[1] - begin[1]}))


def measure(a, root, workers, sampler):
    """A row: medians of plain and live runs, one after the other in turn."""
    runs = {"plain": [], "live": [], "first": []}   # first: live, and the first epoch is the one that is profiled
    for _ in range(a.rounds):
        for how in runs:
            env = dict(os.environ)
            if how != "plain":
                env.update(LD_PRELOAD=os.path.abspath(a.library), OPT4_ROOT=root, OPT4_CACHE="64M")
            out = subprocess.run([sys.executable, "-W", "ignore", __file__, a.library, a.publish, a.out, "--samples",
                                  str(a.samples), "--job", root, str(workers), sampler, str(EPOCHS if how != "first" else 0)],
                                 env=env, check=True, stdout=subprocess.PIPE).stdout
            runs[how].append(json.loads(out))
    row = {"sampler": sampler, "workers": workers, "samples": a.samples}
    for name, key, part in (("first", "seconds", slice(1)), ("later", "seconds", slice(1, None)),
                            ("first_cpu", "cpu", slice(1)), ("later_cpu", "cpu", slice(1, None))):
        got = {how: statistics.median(s for r in runs[how] for s in r[key][part]) for how in ("plain", "live")}
        row.update({name + "_s": round(got["live"], 4), name + "_plain_s": round(got["plain"], 4),
                    name + "_percent": round(100 * (got["live"] / got["plain"] - 1), 1)})
    for key in "resident", "anonymous":
        got = {how: statistics.median(r[key] for r in runs[how]) / 1024 for how in ("plain", "live")}
        row["more_%s_mb" % key] = round(got["live"] - got["plain"], 1)
    for when, how in ("first", "first"), ("later", "live"):
        row["own_%s_s" % when] = own_s = statistics.median(r["own"] for r in runs[how])
        row["own_%s_percent" % when] = round(100 * own_s / row[when + "_plain_s"], 2)
    return row


def main():
    p = argparse.ArgumentParser()
    p.add_argument("library")
    p.add_argument("publish")
    p.add_argument("out")
    p.add_argument("--samples", type=int, default=1280000)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--job", nargs=4, help=argparse.SUPPRESS)   # ROOT WORKERS SAMPLER EPOCHS: a run
    a = p.parse_args()
    if a.job:
        return job(a.job[0], a.samples, int(a.job[1]), a.job[2], int(a.job[3]))
    rows = []
    print("iter(loader) to the first batch, in seconds, plain and live; ms in our own functions (and in %\n"
          "of the plain time), in the first epoch and in later ones;\n"
          "memory that the training process has more when live, in MB")
    print("%-11s %3s |%s | %22s | %13s" % ("sampler", "wrk", " |".join(
        ["%6s %6s %5s" % (what, "live", "+%") for what in ("1st", "later")]), "own ms (%): 1st, later", "MB: all, anon"))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as root:
        with open(root + "/one.jpg", "wb") as f:
            f.write(b"x" * 4096)
        for sampler, workers in ("shuffled", 0), ("shuffled", 4), ("distributed", 4):
            r = measure(a, root, workers, sampler)
            rows.append(r)
            print("%-11s %3d |%s | %s | %6.1f %6.1f" % (sampler, workers, " |".join(
                "%6.3f %6.3f %5.1f" % (r[k + "_plain_s"], r[k + "_s"], r[k + "_percent"]) for k in ("first", "later")),
                " ".join("%4.2f (%4.2f)" % (1000 * r["own_%s_s" % k], r["own_%s_percent" % k]) for k in ("first", "later")),
                r["more_resident_mb"], r["more_anonymous_mb"]), flush=True)
        print("targets: %d %% more time and %d MB more memory at 1.28 million samples\n" % (SLOWER, LARGER))
        out = subprocess.run([a.publish, str(a.samples), str(a.samples // 2), root], check=True, stdout=subprocess.PIPE).stdout
        published = json.loads(out)
        print("publishing an order, half of the files resident: %(publish_ms).0f ms, all filed after %(all_filed_ms).0f ms; the longest "
              "wait for the session's lock %(longest_wait_ms).1f ms, %(waits_in_vain)d in vain (10 ms)" % published)
    with open(a.out, "w") as f:
        json.dump({"target_percent": SLOWER, "target_mb": LARGER, "loaders": rows, "publishing": published}, f, indent=1)


if __name__ == "__main__":
    main()
