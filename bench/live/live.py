"""live.py LIBRARY OUT.json [--samples N] [--rounds R]: what learning the order from the running DataLoader costs the
training process: the time from iter(loader) to the first batch, the CPU time it takes of it, and its memory, with and without the library, in turn.
The dataset names N files (two exist) and reads none, so that nothing but the loader's own work is compared with."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

EPOCHS = 4


def job(root, n, workers):
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Named(Dataset):
        def __init__(self):
            self.root = root
            self.samples = [("%s/n%08d/n%08d_%d.jpg" % (root, i % 1000, i % 1000, i), i % 1000) for i in range(n)]
            self.samples[0] = self.samples[-1] = (root + "/one.jpg", 0)

        def __len__(self):
            return n

        def __getitem__(self, i):
            return i

    def resident():
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))

    torch.set_num_threads(1)
    loader = DataLoader(Named(), 256, shuffle=True, num_workers=workers)
    out, cpu = [], []
    for _ in range(EPOCHS):
        before, start, busy = resident(), time.perf_counter(), time.process_time()
        it = iter(loader)
        next(it)
        out.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
        time.sleep(2)      # what goes on behind must not be at it when the next epoch begins
        del it
    print(json.dumps({"seconds": out, "cpu": cpu, "kb": before}))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("library")
    p.add_argument("out")
    p.add_argument("--samples", type=int, default=1280000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--job")
    a = p.parse_args()
    if a.job:
        return job(a.job, a.samples, a.workers)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as root:
        with open(root + "/one.jpg", "wb") as f:
            f.write(b"x" * 4096)
        runs = {"plain": [], "live": []}
        for _ in range(a.rounds):
            for how in runs:
                env = dict(os.environ)
                if how == "live":
                    env.update(LD_PRELOAD=os.path.abspath(a.library), OPT4_ROOT=root, OPT4_CACHE="64M")
                out = subprocess.run([sys.executable, "-W", "ignore", __file__, a.library, a.out, "--job", root, "--samples",
                                      str(a.samples), "--workers", str(a.workers)], env=env, check=True, stdout=subprocess.PIPE).stdout
                runs[how].append(json.loads(out))
    rows = []
    for how, got in runs.items():
        first = statistics.median(r["seconds"][0] for r in got)
        later = statistics.median(s for r in got for s in r["seconds"][1:])
        rows.append({"job": how, "samples": a.samples, "first_epoch_s": round(first, 4), "later_epochs_s": round(later, 4),
                     "later_cpu_s": round(statistics.median(s for r in got for s in r["cpu"][1:]), 4),
                     "memory_mb": round(statistics.median(r["kb"] for r in got) / 1024, 1)})
    print("%-6s %10s %21s %22s %15s %12s" % ("job", "samples", "iter->batch, 1st (s)", "iter->batch, later (s)", "its CPU (s)", "memory (MB)"))
    for r in rows:
        print("%-6s %10d %21.3f %22.3f %15.3f %12.1f" % (r["job"], r["samples"], r["first_epoch_s"], r["later_epochs_s"],
                                                         r["later_cpu_s"], r["memory_mb"]))
    with open(a.out, "w") as f:
        json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
