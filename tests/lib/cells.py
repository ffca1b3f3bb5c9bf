"""Jobs plain, under `keep` and under `opt4 run` that is told of nothing: what they print, and what the cache did.

A cell is one job under one Python with so many workers. Half of what it reads fits (C), each file takes MS to be read."""
import json
import os
import shutil
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("B") or os.path.join(TOP, "build")
PAGE = 4096
C, MS = .5, 6
NOTHING = "nothing was cached"
LIMIT = 600        # seconds that a run may take, on a machine that is ten times slower


def _files(top):
    return [p for d, _, files in os.walk(top) for p in (os.path.join(d, f) for f in files) if not os.path.islink(p)]


def _run(command, data, work, env=None, slow=True):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", TOKENIZERS_PARALLELISM="false", **env or {})
    if slow:
        env.update(LD_PRELOAD=os.path.join(BUILD, "slowstore.so"), SLOWSTORE_ROOT=data, SLOWSTORE_LATENCY=str(MS),
                   SLOWSTORE_STATE=os.path.join(work, "store"))
    began = time.monotonic()
    done = subprocess.run(["timeout", "-k", "5", str(LIMIT)] + command, env=env, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), time.monotonic() - began


def used(data):
    """Files that were read since forget(): where the disk notes that."""
    found = [p for p in _files(data) if os.stat(p).st_atime_ns > 0]
    return found or _files(data)


def forget(data):
    for p in _files(data):
        st = os.stat(p)
        os.utime(p, ns=(0, st.st_mtime_ns))
    time.sleep(.05)


def run_opt4(command, data, work, budget, options=(), slow=True):
    stats = os.path.join(work, "stats.json")
    if os.path.exists(stats):
        os.unlink(stats)
    rc, out, err, seconds = _run([os.path.join(BUILD, "opt4"), "run", "--cache", str(budget), "--stats", stats, *options, "--"] + command, data, work, slow=slow)
    found = None
    if os.path.exists(stats):
        with open(stats) as f:
            found = json.load(f)
    said = [line for line in err.splitlines() if line.startswith("opt4: ")]
    return rc, out, "\n".join(line for line in err.splitlines() if not line.startswith("opt4: ")), seconds, found, said


def per_sample(text):
    """What programs print, without what differs by the clock."""
    return [line for line in text.splitlines() if line.split(" ")[0] in ("epoch", "over", "kind")]


def _keep(cell, command, data, work, budget):
    _, _, _, _, d, _ = run_opt4(command, data, work, budget, ("--root", data, "--policy", "keep", "--prefetch", "off"), slow=False)
    cell["keep"] = d["reuse_ratio"] if d else 0
    cell["keep_epochs"] = [e["reuse_ratio"] for e in d["epochs"]] if d else []


def measure(command, data, work, keep=True):
    """One cell's figures. command: the job's, with its Python. keep: run under that policy, too; None: where ours seems to be less."""
    os.makedirs(work, exist_ok=True)
    forget(data)
    rc, plain, errors, _ = _run(command, data, work, slow=False)
    cell = {"plain_rc": rc, "out": plain.splitlines()}
    if rc:
        return dict(cell, fault="plain: " + " ".join(errors.strip().splitlines()[-1:]))
    files = used(data)
    pages = sum(-(-os.stat(p).st_size // PAGE) for p in files)
    budget = max(1, int(pages * C)) * PAGE
    cell.update(files=len(files), c=budget / PAGE / pages)
    if keep:
        _keep(cell, command, data, work, budget)
    rc, out, noise, cell["seconds"], d, said = run_opt4(command, data, work, budget)
    cell.update(rc=rc, equal=rc == 0 and per_sample(out) == per_sample(plain), noise=[x for x in noise.splitlines() if x not in errors.splitlines()][:5],
                said=[s for s in said if " accesses: " not in s and " of the store for " not in s])
    least = cell["c"] * max(0, d["accesses"] - cell["files"]) / max(1, d["accesses"]) if d else 0   # keep's, where each file comes as often
    if keep is None and (not d or d["reuse_ratio"] < least - .002):
        _keep(cell, command, data, work, budget)
    elif keep is None:
        cell["keep"] = least
    if d is None:
        return dict(cell, reuse=0, fault=NOTHING)
    opened = max(1, d["origin_opens"])
    cell.update(reuse=d["reuse_ratio"], epochs=[(e["reuse_ratio"], e["accesses"]) for e in d["epochs"]], match=d["match_ratio"], matched=d["matched"], policy=d["policy"],
                orders=d.get("live_epochs", 0), ahead=d["prefetched"] / opened, wasted=d["prefetch_wasted"] / max(1, d["accesses"]),
                gate=d["gate"], advice=d["advice"], root=d["root"], accesses=d["accesses"], errors=d["errors"])
    return cell


def known_from(cell):
    """The first epoch from which on all have .97 of what fits; "all", where it is so of the whole after the first reading of each file (who has no
    epochs but passes, or makes new loaders). None: neither."""
    first, n = None, cell.get("accesses", 0)
    for e, (reuse, _) in enumerate(cell.get("epochs", [])):
        if reuse >= .97 * cell["c"]:
            first = e if first is None else first
        else:
            first = None
    if first is None and n and cell["reuse"] >= .97 * cell["c"] * max(0, n - cell["files"]) / n:
        first = "all"
    return first


def faults(cell, known=True):
    """What is not as it should be. known: False where nothing can be known."""
    if cell.get("fault") == NOTHING and not known and cell["equal"] and any(s.startswith("opt4: nothing is cached: ") for s in cell["said"]):
        return []
    if cell.get("fault"):
        return [cell["fault"]]
    found = []
    if not cell["equal"]:
        found.append("other outputs")
    if "keep" in cell and cell["reuse"] < cell["keep"] - .01:
        found.append("below keep")
    if known and cell["policy"] != "opt":
        found.append("no order")
    if known and known_from(cell) is None:
        found.append("reuse")
    if cell["matched"] and cell["match"] < .98:
        found.append("match")
    if cell["wasted"] > .01:
        found.append("waste")
    return found


def row(name, cell, found):
    """A line of at most 100 columns."""
    if cell.get("fault") and "epochs" not in cell:
        return "%-24s %s%s" % (name, cell["fault"][:74], "" if found else ", and that is said")
    first = known_from(cell)
    return "%-24s %4s %5.3f %5.3f %5.3f %5.3f %4d %4.2f %5.3f %-4s %s" % (
        name, "-" if first is None else first, cell["c"], cell.get("keep", 0), cell["reuse"], cell["match"], cell["orders"], cell["ahead"], cell["wasted"],
        "said" if cell["said"] or cell["advice"] else "", ", ".join(found))


HEAD = "%-24s %4s %5s %5s %5s %5s %4s %4s %5s" % ("", "from", "c", "keep", "reuse", "match", "ords", "ahed", "waste")


def clear(work):
    shutil.rmtree(work, ignore_errors=True)
