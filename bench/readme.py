"""readme.py: bench/README.md from what the benches printed last (build/bench/*.txt and *.run, left by bench/run.sh), and README's picture,
bench/epochs-light.svg and -dark.svg, from the page's table of epochs.

Where a bench has been run in full, its quick form (NAME-quick) is left out. What was not run here stays as the page has it. Says on
stderr what is missing."""
import glob
import os
import platform
import re
import subprocess
import sys

import picture

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "README.md")
RESULTS = os.path.join(os.path.dirname(HERE), "build", "bench")

INTRO = """# Benches

`make bench` runs every bench in its short form, one after the other; each prints a table and leaves JSON in `build/bench`.
`make bench-NAME` runs one. Longer than a few minutes, and so not part of it: {long}.
`make bench-readme` writes this page from what the benches printed last.

A table's verdict (`yes`, `NO`, a target beside a figure) is as the bench printed it, on the machine and under the load named
here. The load is Linux's load average as the bench began: beside others' work, times on the clock are too long, and CPU
times and ratios are what counts. Bytes, hits and sizes do not depend on it. The machine is the one of the newest table.
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


def old_machine():
    """The page's table of the machine, as it is."""
    with open(PAGE) as f:
        return "\n" + re.search(r"^\| machine .*?\n\n", f.read(), re.M | re.S).group(0).rstrip("\n") + "\n"


def kept():
    """The page's sections as they are: {name: text}."""
    try:
        with open(PAGE) as f:
            parts = re.split(r"^## (\S+)\n", f.read(), flags=re.M)
    except OSError:
        return {}
    return dict(zip(parts[1::2], parts[2::2]))


def main():
    long = sys.argv[1:]
    found, old = results(), kept()
    if not found and not old:
        sys.exit("opt4: bench-readme: no results in build/bench; run `make bench` first")
    for name in sorted(set(old) - set(found)):
        if not (name.endswith("-quick") and name[:-6] in found):
            print("opt4: bench-readme: bench-%s has not been run here; its table stays" % name, file=sys.stderr)
    text = INTRO.format(long=", ".join("`make bench-%s`" % n for n in long))
    section = {n: t for n, t in old.items() if not (n.endswith("-quick") and n[:-6] in found)}
    for name, r in found.items():
        if name.endswith("-quick") and name[:-6] in section:
            continue
        section[name] = "\n%s. %s, %s s, load %s%s.\n\n```\n%s\n```\n" % (
            r["title"], r["date"], r["seconds"], r["load"], "" if r["status"] == "0" else ", exit status %s" % r["status"], r["table"])
        section.pop(name + "-quick", None)
    rows = machine() if found else None
    text += "\n| machine | |\n| --- | --- |\n" + "".join("| %s | %s |\n" % row for row in rows) if rows else old_machine()
    text += "".join("\n## %s\n%s\n" % (name, section[name].rstrip("\n")) for name in sorted(section))
    with open(PAGE, "w") as f:
        f.write(text)
    for look in picture.LOOKS:
        drawn = picture.draw(section.get("epoch", "").replace("```", "\n"), look)
        if drawn:
            with open(os.path.join(HERE, "epochs-%s.svg" % look), "w") as f:
                f.write(drawn)


if __name__ == "__main__":
    main()
