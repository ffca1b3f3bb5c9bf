"""bench/trace: what a trace of 1.28 million files x 90 epochs costs to write and to attach to.

trace.py TOOL READER OUT.json [--files N] [--epochs E]: prints a table; JSON goes to OUT. The baseline is torch's own sampler with nothing
around it (RandomSampler in BatchSampler, batches thrown away): no replay of it can take less.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time


def folder(root, n, a_class=1280):
    """n files in an ImageFolder layout. Names and classes as ImageNet's; hard links, for their bytes do not matter."""
    made = 0
    for c in range((n + a_class - 1) // a_class):
        d = "%s/n%08d" % (root, c)
        os.makedirs(d)
        with open("%s/base.JPEG" % d, "wb") as f:
            f.write(b"x" * (c + 1))
        for _ in range(min(a_class, n - made)):
            os.link("%s/base.JPEG" % d, "%s/ILSVRC2012_train_%08d.JPEG" % (d, made))
            made += 1
        os.unlink("%s/base.JPEG" % d)


def anonymous(pid):
    """KiB of anonymous memory of a process and its children."""
    total = 0
    try:
        with open("/proc/%d/status" % pid) as f:
            total = sum(int(line.split()[1]) for line in f if line.startswith("RssAnon"))
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
    except OSError:
        return total
    return total + sum(anonymous(int(c)) for c in children)


def run(argv):
    """(seconds, peak MiB of anonymous memory, sampled every 50 ms) of a command that must succeed."""
    begin, peak = time.monotonic(), 0
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    done = threading.Event()
    threading.Thread(target=lambda: (p.wait(), done.set()), daemon=True).start()
    while not done.wait(.05):
        peak = max(peak, anonymous(p.pid))
    if p.returncode:
        sys.exit("opt4: bench: %s: status %d" % (argv[2], p.returncode))
    return time.monotonic() - begin, peak / 1024


BASE = """
import sys, time, torch
from torch.utils.data import BatchSampler, RandomSampler
s = BatchSampler(RandomSampler(range(int(sys.argv[1]))), 256, False)
t = time.monotonic()
for e in range(int(sys.argv[2])):
    for b in s: pass
print((time.monotonic() - t) / int(sys.argv[2]))
"""


def main():
    a = argparse.ArgumentParser()
    a.add_argument("tool")
    a.add_argument("reader")
    a.add_argument("out")
    a.add_argument("--files", type=int, default=1280000)
    a.add_argument("--epochs", type=int, default=90)
    a = a.parse_args()
    work = tempfile.mkdtemp(prefix="o4b.", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        print("making %d files ..." % a.files, file=sys.stderr)
        folder(work + "/data", a.files)
        some = max(1, a.epochs // 10)
        base = float(subprocess.check_output([sys.executable, "-c", BASE, str(a.files), str(some)])) * a.epochs
        options = ["--seed", "1", "--batch-size", "256", "--workers", "4"]
        rows = []
        for what, epochs, more in (("one epoch (scan, sizes, tables)", 1, []),
                                   ("shuffled", a.epochs, []),
                                   ("with replacement", some, ["--replacement"]),
                                   ("4 ranks", some, ["--world-size", "4"])):
            s, mib = run([sys.executable, a.tool, "imagefolder", work + "/data", "--epochs", str(epochs), "-o",
                          work + "/t"] + options + more)
            size = os.path.getsize(work + "/t")
            ns = int(subprocess.check_output([a.reader, "attach", work + "/t", "1000"]))
            rows.append({"what": what, "epochs": epochs, "accesses": epochs * a.files, "seconds": round(s, 1),
                         "anonymous_mib": round(mib), "file_bytes": size, "attach_us": ns / 1000})
        check, mib = run([sys.executable, a.tool, "check", work + "/t"])
        rows.append({"what": "check of the last", "epochs": some, "accesses": some * a.files,
                     "seconds": round(check, 1), "anonymous_mib": round(mib), "file_bytes": size, "attach_us": None})
    finally:
        shutil.rmtree(work, ignore_errors=True)
    row = "%-32s %7s %12s %8s %10s %10s %10s"
    print(row % ("trace of %d files" % a.files, "epochs", "accesses", "seconds", "anon MiB", "file MiB", "attach us"))
    print(row % ("torch's sampler alone", a.epochs, a.epochs * a.files, "%.1f" % base, "-", "-", "-"))
    for r in rows:
        print(row % (r["what"], r["epochs"], r["accesses"], r["seconds"], r["anonymous_mib"], r["file_bytes"] >> 20,
                     "-" if r["attach_us"] is None else "%.0f" % r["attach_us"]))
    with open(a.out, "w") as f:
        json.dump({"bench": "trace", "files": a.files, "sampler_alone_seconds": round(base, 1), "rows": rows}, f)


if __name__ == "__main__":
    main()
