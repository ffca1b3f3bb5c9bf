"""readme.py: bench/README.md from what the benches printed last (build/bench/*.txt and *.run, left by bench/run.sh).

Where a bench has been run in full, its quick form (NAME-quick) is left out. Says on stderr what is missing."""
import glob
import os
import platform
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(os.path.dirname(HERE), "build", "bench")

INTRO = """# Benches

`make bench` runs every bench in its short form, one after the other; each prints a table and leaves JSON in `build/bench`.
`make bench-NAME` runs one. Longer than a few minutes, and so not part of it: {long}.
`make bench-readme` writes this page from what the benches printed last.

A table's verdict (`yes`, `NO`, a target beside a figure) is as the bench printed it, on the machine and under the load named
here. The load is Linux's load average as the bench began: beside others' work, times on the clock are too long, and CPU
times and ratios are what counts. Bytes, hits and sizes do not depend on it.
"""


def line(path, key):
    try:
        with open(path) as f:
            return next((x.split(":", 1)[1].strip() for x in f if x.startswith(key)), "unknown")
    except OSError:
        return "unknown"


def machine():
    cc = subprocess.run([os.environ.get("CC", "cc"), "--version"], stdout=subprocess.PIPE, text=True)
    memory = line("/proc/meminfo", "MemTotal").split()[0]
    return [("processor", line("/proc/cpuinfo", "model name")), ("cores", str(len(os.sched_getaffinity(0)))),
            ("memory", "%.0f GiB" % (int(memory) / 2**20) if memory.isdigit() else memory),
            ("kernel", platform.system() + " " + platform.release()), ("C library", " ".join(platform.libc_ver())),
            ("compiler", cc.stdout.split("\n")[0])]


def results():
    found = {}
    for path in sorted(glob.glob(os.path.join(RESULTS, "*.run"))):
        name = os.path.basename(path)[:-4]
        with open(path) as f:
            found[name] = dict(x.rstrip("\n").split("=", 1) for x in f)
        with open(path[:-4] + ".txt") as f:
            found[name]["table"] = re.sub(r"[^\n]*\r", "", f.read()).strip("\n")
    return {n: r for n, r in found.items() if not (n.endswith("-quick") and n[:-6] in found)}


def main():
    long = sys.argv[1:]
    found = results()
    if not found:
        sys.exit("opt4: bench-readme: no results in build/bench; run `make bench` first")
    for name in long:
        if name not in found:
            print("opt4: bench-readme: bench-%s has not been run here; its quick form stands in, if there is one" % name,
                  file=sys.stderr)
    text = INTRO.format(long=", ".join("`make bench-%s`" % n for n in long))
    text += "\n| machine | |\n| --- | --- |\n" + "".join("| %s | %s |\n" % row for row in machine())
    for name, r in found.items():
        text += "\n## %s\n\n%s. %s, %s s, load %s%s.\n\n```\n%s\n```\n" % (
            name, r["title"], r["date"], r["seconds"], r["load"],
            "" if r["status"] == "0" else ", exit status %s" % r["status"], r["table"])
    with open(os.path.join(HERE, "README.md"), "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
