"""table.py [--json FILE] [--lanes N] PYTHON[,PYTHON] WORKERS[,WORKERS] [KIND]...: kinds of jobs (those of FILES), each plain and under `opt4 run` that is told
of nothing, over a store that takes 6 ms a file, with room for half: a line a cell. Columns: the epoch from which on what fits is hit, what fits, keep's reuse and
ours, the part of what was foretold that came, orders, the part of the reads that were ahead, and of the accesses what was fetched in vain; whether something was
said; what is not as it should be. Exit 1 where that is anything."""
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import cells

FILES = "reach.py", "kinds.py", "others.py", "keyed.py", "repos.py", "shapes.py", "rounds.py"
NEEDS = {"frame": ["pandas"], "frame-index": ["pandas"], "stateful": ["torchdata"], "nodes": ["torchdata.nodes"], "pipes": ["torch.utils.data.datapipes.iter"],
         "tv-read-file": ["torchvision"], "joblib": ["joblib"], "accelerate": ["accelerate"], "hdf5": ["h5py"], "lmdb": ["lmdb"], "parquet": ["pyarrow"],
         "cv2": ["cv2"], "pil": ["PIL"]}


def kinds(name, file):
    """Keys of a dict of a script, in their order, without running it."""
    with open(os.path.join(HERE, file)) as f:
        tree = ast.parse(f.read())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            if isinstance(node.value, ast.Dict):
                return [k.value for k in node.value.keys]
            return [k.value for k in node.value.elts]


def has(python, modules):
    return all(subprocess.run([python, "-c", "import " + m], stderr=subprocess.DEVNULL).returncode == 0 for m in modules)


def main():
    args, options = sys.argv[1:], {"--json": None, "--lanes": "1"}
    while args and args[0] in options:
        options[args[0]], args = args[1], args[2:]
    pythons, workers = args[0].split(","), args[1].split(",")
    unknown = [k for file in FILES[1:] for k in kinds("UNKNOWN", file)]
    names = args[2:] or [k for file in FILES for k in kinds("KINDS", file)]
    todo, results, lanes = [], {}, Queue()
    top = tempfile.mkdtemp()
    for i in range(int(options["--lanes"])):   # a session is one folder's: each lane has its own
        lane = os.path.join(top, "lane%d" % i)
        subprocess.run([sys.executable, os.path.join(HERE, "reach.py"), "make", os.path.join(lane, "data")], check=True)
        lanes.put(lane)
    for python in pythons:
        version = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True).stdout
        version = re.match(r"[\d]+\.[\d]+", version).group()
        for kind in names:
            if has(python, NEEDS.get(kind, [])):
                todo += [(python, version, kind, w) for w in workers]

    def one(cell):
        python, version, kind, w = cell
        lane = lanes.get()
        try:
            found = cells.measure([python, "-W", "ignore", os.path.join(HERE, "kinds.py"), os.path.join(lane, "data"), kind, w], os.path.join(lane, "data"),
                                  os.path.join(lane, "work"), keep=None)
        except Exception as e:
            found = {"fault": "%s: %s" % (type(e).__name__, e)}
        lanes.put(lane)
        found["faults"] = cells.faults(found, kind not in unknown)
        name = "%s %s,%s" % (version, kind, w)
        print(cells.row(name, found, found["faults"]), flush=True)
        return name, found
    print(cells.HEAD, flush=True)
    with ThreadPoolExecutor(int(options["--lanes"])) as pool:
        results = dict(pool.map(one, todo))
    shutil.rmtree(top, ignore_errors=True)
    if options["--json"]:
        with open(options["--json"], "w") as f:
            json.dump(results, f, indent=1)
    bad = sum(bool(r["faults"]) for r in results.values())
    print("%d passed, %d failed" % (len(results) - bad, bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
