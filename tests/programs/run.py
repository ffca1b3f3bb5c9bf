"""run.py [--json FILE] PYTHON DATA [PROGRAM[,WORKERS]]...: whole programs, plain and under `opt4 run` with a slow store and room for half: a line each, at the
end how many were as they should be. DATA: a folder that data.py fills. Exit 1 where one was not; a program whose packages are missing is passed over, with the
command that brings them."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import cells

NOT_PROGRAMS = "data", "outcome", "run"


def about(name):
    with open(os.path.join(HERE, name + ".py")) as f:
        text = f.read().split('"""')[1]
    return {key: re.findall(r"[\w-]+", m.group(1)) for key in ("needs", "data", "reads") for m in re.finditer(key + ": ([^.:]*?)(?=  |$)", text)}


def main():
    args = sys.argv[1:]
    to = None
    if args[0] == "--json":
        to, args = args[1], args[2:]
    python, top = args[:2]
    names = args[2:] or sorted(n[:-3] for n in os.listdir(HERE) if n.endswith(".py") and n[:-3] not in NOT_PROGRAMS)
    results, bad = {}, 0
    print(cells.HEAD)
    for name in names:
        name, _, workers = name.partition(",")
        needs = about(name)
        missing = [p for p in needs.get("needs", []) if subprocess.run([python, "-c", "import importlib.util as u,sys;sys.exit(not u.find_spec(%r))" % p]).returncode]
        if missing:
            print("%-24s skipped: pip install %s" % (name, " ".join(missing)), flush=True)
            continue
        data = os.path.join(top, needs["data"][0])
        if not os.path.exists(data):
            subprocess.run([python, "-W", "ignore", os.path.join(HERE, "data.py"), needs["data"][0], data], check=True)
        for w in [int(workers)] if workers else [0, 2]:
            with tempfile.TemporaryDirectory() as work:
                cell = cells.measure([python, "-W", "ignore", os.path.join(HERE, name + ".py"), data, str(w)], os.path.join(data, *needs.get("reads", [])), work)
            found = cells.faults(cell)
            results["%s,%d" % (name, w)] = dict(cell, faults=found)
            bad += bool(found)
            print(cells.row("%s,%d" % (name, w), cell, found), flush=True)
            for line in cell.get("said", []) + ["! " + n for n in cell.get("noise", [])]:
                print("    " + line[:140], flush=True)
    if to:
        with open(to, "w") as f:
            json.dump(results, f, indent=1)
    print("%d as they should be, %d not" % (len(results) - bad, bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
