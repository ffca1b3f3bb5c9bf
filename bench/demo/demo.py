"""demo.py BUILD [OUT]: one training job on a slow store, plain and under opt4; prints how they compare.

The script (bench/demo/train.py) knows nothing of opt4. The store is a model (bench/slowstore/store.h):
a latency an open, one bandwidth, no page cache. OUT (default BUILD/demo) takes the images, the trace and
the figures as result.json.
OPT4_DEMO_IMAGES names a folder of your own (ImageFolder layout) instead of the images made here.
Exit status: 0, or 1 when a run failed or losses differ.
"""
import json
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(REPO, "tests", "policy"))
from oracle import belady  # noqa: E402  the tests' own, independent of the library's

IMAGES, EPOCHS, BATCH, WORKERS, SEED = 2000, 3, 32, 4, 1
CACHE = 0.5
SMALL = 0.1          # of the dataset in memory, the rest of the cache on an SSD
LATENCY_MS, BANDWIDTH_MB = 20, 20
MB = 1 << 20


def contestants(build, trace, stats, cache_bytes, ssd):
    """(name, what stands before the command, environment), in the order in which they run."""
    run = [os.path.join(build, "opt4"), "run", "--quiet", "--cache", str(cache_bytes), "--stats", stats]
    small = [os.path.join(build, "opt4"), "run", "--quiet", "--cache", str(int(cache_bytes * SMALL / CACHE)), "--stats", stats, "--ssd", ssd,
             "--ssd-size", str(int(cache_bytes * (CACHE - SMALL) / CACHE))]
    also = [("opt4, %d %% + SSD" % (100 * SMALL), small + ["--trace", trace], {})] if ssd else []
    return [("plain", [], {}), ("opt4, prefetch off", run + ["--trace", trace], {"OPT4_PREFETCH": "off"}),
            ("opt4, no trace", run, {})] + also + [("opt4", run + ["--trace", trace], {})]


def ssd_folder(build, out):
    """A folder for the second tier, empty; None where it can't lie here (a network file system, in memory)."""
    folder = os.path.join(out, "ssd")
    os.makedirs(folder, exist_ok=True)
    subprocess.run([os.path.join(build, "opt4"), "clean", "--ssd", folder, "--all"], check=False)
    tried = subprocess.run([os.path.join(build, "opt4"), "run", "--quiet", "--ssd", folder, "--", "true"], stderr=subprocess.DEVNULL)
    return folder if tried.returncode == 0 else None


def fail(what):
    print("opt4: demo: " + what, file=sys.stderr)
    sys.exit(1)


def call(*command):
    r = subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="surrogateescape")
    if r.returncode:
        fail("%s: exit status %d; its message is above" % (" ".join(command[:3]), r.returncode))
    return r.stdout


def images(out):
    own = os.environ.get("OPT4_DEMO_IMAGES")
    if own:
        if not os.path.isdir(own):
            fail("OPT4_DEMO_IMAGES=%s: not a folder; name one with a subfolder for each class" % own)
        return os.path.realpath(own)
    folder = os.path.join(out, "images")
    call(sys.executable, os.path.join(REPO, "tests", "images.py"), str(IMAGES), folder)
    return folder


def least(trace_tool, trace, root):
    """What an exact Belady cache of the same size does: reuse by epoch, bytes from the store by epoch."""
    order, epochs, number, sizes = [], [], {}, []
    for line in call(sys.executable, trace_tool, "show", trace, "--json").splitlines():
        access = json.loads(line)
        path = access["path"]
        if path not in number:
            number[path] = len(sizes)
            sizes.append(os.stat(os.path.join(root, path)).st_size)
        order.append(number[path])
        epochs.append(access["epoch"])
    pages = [math.ceil(size / 4096) for size in sizes]
    hits = belady(order, pages, int(sum(pages) * CACHE))
    reuse, read = [], []
    for epoch in range(EPOCHS):
        mine = [t for t in range(len(order)) if epochs[t] == epoch]
        reuse.append(sum(hits[t] for t in mine) / len(mine))
        read.append(sum(sizes[order[t]] for t in mine if not hits[t]))
    return {"reuse": reuse, "bytes": read, "dataset_bytes": sum(sizes), "files": len(sizes),
            "cache_bytes": int(sum(pages) * CACHE) * 4096}


def train(build, out, root, name, before, extra):
    """One contestant: seconds and losses by epoch, bytes read from the store, opt4's statistics."""
    state, result, stats = (os.path.join(out, n) for n in ("store.state", "train.json", "stats.json"))
    for path in (state, result, stats):
        if os.path.exists(path):
            os.unlink(path)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPT4_", "SLOWSTORE_"))}
    env.update(extra, PYTHONWARNINGS="ignore", SLOWSTORE_ROOT=root, SLOWSTORE_STATE=state, SLOWSTORE_LATENCY=str(LATENCY_MS),
               SLOWSTORE_BANDWIDTH="%dM" % BANDWIDTH_MB, LD_PRELOAD=os.path.join(build, "slowstore.so"))
    print("\n%s" % name, flush=True)
    start = time.time()
    job = subprocess.Popen(before + [sys.executable, os.path.join(HERE, "train.py"), root, "--epochs", str(EPOCHS),
                                     "--batch-size", str(BATCH), "--workers", str(WORKERS), "--seed", str(SEED),
                                     "--out", result], env=env, stdout=subprocess.PIPE, text=True)
    for line in job.stdout:
        print("    " + line.rstrip(), flush=True)
    if job.wait():
        fail("%s: the training ended with exit status %d; its message is above" % (name, job.returncode))
    with open(result) as f:
        epochs = json.load(f)
    row = {"name": name, "seconds": [e["seconds"] for e in epochs], "losses": [e["losses"] for e in epochs],
           "store": json.loads(call(os.path.join(build, "slowstore-stat"), state)),
           "total_seconds": time.time() - start, "opt4": None}
    if before:
        with open(stats, errors="surrogateescape") as f:
            row["opt4"] = json.load(f)
    return row


def numbers(values, form, width):
    return "".join((form % v).rjust(width) for v in values)


def table(rows, best):
    least_bytes = sum(best["bytes"])
    wide = 7 * EPOCHS
    print("\n%-20s%*s%*s%11s%9s" % ("", wide, "seconds by epoch", wide + 2, "reuse by epoch", "store MB", "x least"))
    for row in rows:
        reuse = [e["reuse_ratio"] for e in row["opt4"]["epochs"][:EPOCHS]] if row["opt4"] else []
        print("%-20s%s  %s%11.0f%9.3f" % (
            row["name"], numbers(row["seconds"], "%.1f", 7), numbers(reuse, "%.3f", 7).rjust(wide),
            row["store"]["bytes"] / MB, row["store"]["bytes"] / least_bytes))
    print("%-20s%s  %s%11.0f%9.3f" % (
        "the best there is *", numbers([b / MB / BANDWIDTH_MB for b in best["bytes"]], "%.1f", 7),
        numbers(best["reuse"], "%.3f", 7), least_bytes / MB, 1))
    print("* Belady's cache of the same size; its seconds are what its misses take at the store's bandwidth")


def main():
    build = os.path.abspath(sys.argv[1])
    out = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else os.path.join(build, "demo")
    os.makedirs(out, exist_ok=True)
    root = images(out)
    trace, tool = os.path.join(out, "job.trace"), os.path.join(build, "opt4-trace")
    call(sys.executable, tool, "imagefolder", root, "--epochs", str(EPOCHS), "--seed", str(SEED),
         "--batch-size", str(BATCH), "--workers", str(WORKERS), "-o", trace)
    best = least(tool, trace, root)
    print("%d images, %.0f MB; a store with %d ms a file and %d MB/s; %d workers, %d epochs; cache %d %%" % (
        best["files"], best["dataset_bytes"] / MB, LATENCY_MS, BANDWIDTH_MB, WORKERS, EPOCHS, 100 * CACHE))
    rows = []
    for name, before, extra in contestants(build, trace, os.path.join(out, "stats.json"), best["cache_bytes"], ssd_folder(build, out)):
        rows.append(train(build, out, root, name, before, extra))
    table(rows, best)
    print("  With prefetch, what the next epoch needs first is fetched, and counted, in the epoch before.")
    same = all(row["losses"] == rows[0]["losses"] for row in rows)
    count = sum(len(e) for e in rows[0]["losses"])
    print("losses of all %d batches: %s" % (count, "equal to the last digit" if same else "NOT EQUAL"))
    with open(os.path.join(out, "result.json"), "w", errors="surrogateescape") as f:
        json.dump({"images": best["files"], "dataset_bytes": best["dataset_bytes"], "latency_ms": LATENCY_MS,
                   "bandwidth": BANDWIDTH_MB * MB, "cache": CACHE, "workers": WORKERS, "losses_equal": same,
                   "least": best, "rows": rows}, f, indent=1)
    page = os.path.join(out, "report.html")
    call(os.path.join(build, "opt4"), "report", os.path.join(out, "stats.json"), "-o", page)
    print("how close to the best, epoch by epoch, as a page: %s" % page)
    if not same:
        fail("the losses of two runs differ; look at result.json")


if __name__ == "__main__":
    main()
