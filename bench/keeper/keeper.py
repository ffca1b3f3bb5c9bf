"""keeper.py BUILD OUT.json [--files N] [--reps R]: what the keeper costs, as CPU time, which other load disturbs little.

A job reads one file and waits; the keeper (all of its threads) fetches all the others. Beside it one `cat` of the same
files into one file on tmpfs, in turn, both from the page cache and with nothing cached. Then the keeper asleep: CPU time and
times it wakes while the job reads nothing. Needs room for the files twice in /dev/shm.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
ASLEEP = 4            # seconds
JOB = "import sys; open(sys.argv[1], 'rb').read(); sys.stdin.read()"


def prepare(files, cached):
    for path in files:
        with open(path, "rb") as f:
            if cached:
                f.read()
            else:
                os.fsync(f.fileno())
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cat(files, to):
    with open(to, "wb") as out:
        p = subprocess.Popen(["cat", *files], stdout=out)
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = status
    os.unlink(to)
    if status:
        sys.exit("opt4: bench/keeper: cat failed; is there room in /dev/shm?")
    return used.ru_utime + used.ru_stime


def keeper_of(session):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]) == b"opt4d" and session.encode() in words[1:]:
            return int(path.split("/")[2])
    return None


def used(pid):
    """Seconds on a processor and voluntary switches of all threads."""
    seconds = switches = 0
    for task in glob.glob("/proc/%d/task/*" % pid):
        with open(task + "/schedstat") as f:
            seconds += int(f.read().split()[0]) / 1e9
        with open(task + "/status") as f:
            switches += sum(int(x.split()[1]) for x in f if x.startswith("voluntary"))
    return seconds, switches


def keeper(a, files, trace, session):
    env = dict(os.environ, LD_PRELOAD=a.build + "/libopt4.so", OPT4_TRACE=trace, OPT4_CACHE="100%", OPT4_DIR=session, OPT4_LIVE="0",
               OPT4_PREFETCH=str(len(files)))
    job = subprocess.Popen([sys.executable, "-c", JOB, files[0]], stdin=subprocess.PIPE, env=env)
    try:
        deadline, fills = time.monotonic() + 120, 0
        while fills < len(files):
            time.sleep(.1)
            if time.monotonic() > deadline or job.poll() is not None:
                sys.exit("opt4: bench/keeper: only %d of %d files were fetched; is there room in /dev/shm?" % (fills, len(files)))
            p = subprocess.run([a.build + "/opt4", "stat", "--json", session], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            fills = json.loads(p.stdout)["fills"] if p.returncode == 0 else 0
        pid = keeper_of(session)
        time.sleep(.3)
        fetch, before = used(pid)
        time.sleep(ASLEEP)
        later, after = used(pid)
        with open("/proc/%d/stat" % pid) as f:
            nice = int(f.read().rsplit(")", 1)[1].split()[16])
    finally:
        job.stdin.close()
        job.wait()
    while os.path.exists(session):
        time.sleep(.05)
    return fetch, (later - fetch) / ASLEEP, (after - before) / ASLEEP, nice - os.getpriority(os.PRIO_PROCESS, 0)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=os.path.abspath)
    p.add_argument("out", type=os.path.abspath)
    p.add_argument("--files", type=int, default=1000)
    p.add_argument("--reps", type=int, default=5)
    a = p.parse_args()
    os.makedirs(os.path.dirname(a.out), exist_ok=True)
    work = tempfile.mkdtemp(prefix="keeper.", dir=os.path.dirname(a.out))
    shm = tempfile.mkdtemp(prefix="opt4-bench.", dir="/dev/shm")
    try:
        data, trace = work + "/data", work + "/trace"
        subprocess.run([sys.executable, REPO + "/tests/dataset.py", data, str(a.files)], check=True)
        time.sleep(.1)
        subprocess.run([a.build + "/opt4-trace", "imagefolder", data, "--epochs", "1", "--sequential", "--seed", "1", "--batch-size", "1",
                        "-o", trace], check=True, stdout=subprocess.DEVNULL)
        files = sorted(glob.glob(data + "/*/*"))
        size = sum(os.path.getsize(f) for f in files)
        rows, asleep = {}, []
        for _ in range(a.reps):
            for state in ("cached", "not cached"):
                prepare(files, state == "cached")
                plain = cat(files, shm + "/x")
                prepare(files, state == "cached")
                fetch, *rest = keeper(a, files, trace, shm + "/session")
                rows.setdefault(state, []).append((plain, fetch))
                asleep.append(rest)
    finally:
        shutil.rmtree(work)
        shutil.rmtree(shm)
    result = {"bench": "keeper", "files": len(files), "bytes": size, "fetch": []}
    print("%d files, %.0f MB, CPU time, median of %d" % (len(files), size / 1e6, a.reps))
    print("%-28s%12s%12s%10s%10s" % ("originals in the page cache", "cat", "keeper", "ratio", "target"))
    for state, pairs in rows.items():
        plain, fetch = (statistics.median(x) for x in zip(*pairs))
        ratio = statistics.median(f / c for c, f in pairs)
        result["fetch"].append({"state": state, "cat_s": plain, "keeper_s": fetch, "ratio": ratio, "most": 1.2})
        print("%-28s%10.0fms%10.0fms%10.2f%10s" % ("yes" if state == "cached" else "no", plain * 1e3, fetch * 1e3, ratio, "<= 1.2"))
    cpu, wakes, nice = (statistics.median(x) for x in zip(*asleep))
    result["asleep"] = {"cpu": cpu, "wakes_a_second": wakes, "nice_above_job": nice}
    print("asleep: %.4f %% of a processor, wakes %.1f times a second; niceness %d above the job's" % (cpu * 100, wakes, nice))
    with open(a.out, "w") as f:
        json.dump(result, f)


if __name__ == "__main__":
    main()
