"""Compares opt4-trace's orders with what the workers of real jobs open, batch by batch, and prints a table.

cells.py TOOL DIR KIND: runs each cell's job (3 epochs; its dataset's loader logs every open) and the tool
(build/opt4-trace) for the same cell. KIND: samplers (at 4 forked workers), axes (one sampler over the rest), extras
(loaders of other makers), or fork (the whole product), spawn, forkserver (drawn from it). Exit 1 if any order
differs, or if a control does not. Each job and each run of the tool is a fork of this process: torch is imported once.
"""
import argparse
import json
import os
import random
import runpy
import shutil
import sys
import time

import jobs
import torch
from itertools import product as times

EPOCHS = 3
TRAIN, VAL = 75, 21   # files; 75 is no multiple of the batch size 4


def cell(sampler, workers=4, method=None, persistent=False, prefetch=None, val=False, drop_last=False, limit=None,
         world=None, ranks=(0,), set_epoch=True, folder=None, loader=True, expect=True, trace_seed=None):
    """folder: the arguments of `imagefolder` that say the same, where there are such; loader: whether `loader` can."""
    return dict(locals())


def shuffled(**k):
    return cell("shuffle", folder="", **k)


def samplers():
    """Every sampler at 4 forked workers."""
    yield shuffled()
    yield cell("global", folder="--global-seed")
    yield cell("model first")
    yield cell("sequential", folder="--sequential")
    yield cell("replacement", folder="--replacement")
    yield cell("replacement, 40", folder="--replacement --num-samples 40")
    yield cell("replacement, 150", folder="--replacement --num-samples 150")
    yield cell("num_samples 40", folder="--num-samples 40")
    yield cell("num_samples 150", folder="--num-samples 150")
    yield cell("weighted", folder="--replacement --weights W")
    yield cell("weighted, once", folder="--weights W --num-samples 30")
    for s in ("subset random", "subset", "random_split", "concat", "batch sampler", "eager", "no batches"):
        yield cell(s)
    yield shuffled(drop_last=True)
    for drop, ranks in times((False, True), ((0,), (0, 1), (1, 3))):
        yield cell("distributed", drop_last=drop, world=4, ranks=ranks, folder="")
        yield cell("distributed, dropping", drop_last=drop, world=4, ranks=ranks)
    yield cell("distributed", world=4, ranks=(0, 1), set_epoch=False, folder="--no-set-epoch", loader=False)


def axes():
    """One sampler over everything else."""
    for w in (0, 1, 16):
        yield shuffled(workers=w)
    for s in ("global", "eager", "replacement"):
        yield cell(s, workers=0)
        yield cell(s, persistent=True)
    yield shuffled(persistent=True)
    yield shuffled(prefetch=5)
    for m in ("fork", "spawn", "forkserver"):
        yield shuffled(workers=2, method=m)
    for s, p, w in times(("shuffle", "global"), (False, True), (0, 4)):
        if w or not p:
            yield cell(s, workers=w, persistent=p, val=True, folder="--global-seed" if s == "global" else "")
    # Left early: 3 batches are taken and 2 x workers more are on their way.
    for s, p, w in times(("shuffle", "global", "replacement"), (False, True), (0, 2)):
        if w or not p:
            yield cell(s, workers=w, persistent=p, limit=3,
                       folder={"shuffle": "", "global": "--global-seed", "replacement": "--replacement"}[s])
    yield shuffled(workers=2, limit=19)   # the sampler's end is asked for, though the job leaves before
    yield shuffled(workers=0, limit=19)
    yield cell("global", workers=2, limit=3, val=True, folder="--global-seed")
    yield shuffled(trace_seed=jobs.SEED + 1, expect=False)   # the comparison can fail
    yield shuffled(limit=9, workers=0, trace_seed=jobs.SEED + 1, expect=False)


def product(method):
    """Every sampler times everything else, for one start method."""
    for c, w, p, v in times(list(samplers()), (0, 1, 4, 16), (False, True), (False, True)):
        if w == 0 and (p or method != "fork") or method == "spawn" and w == 16:
            continue   # no workers to start or keep; 16 new interpreters an epoch are minutes
        yield dict(c, workers=w, method=method if w else None, persistent=p, val=v)


def drawn(method):
    """Of the product, everything for the first sampler and one cell for each other: how a worker is started and which sampler its main process has don't
    concern each other, and new interpreters take an hour for all. SEED=n: another draw."""
    seed = int(os.environ.get("SEED", random.randrange(1 << 16)))
    print("SEED=%d" % seed)
    draw, of = random.Random(seed), {}
    for c in product(method):
        of.setdefault((c["sampler"], c["drop_last"], c["ranks"], c["world"], c["set_epoch"]), []).append(c)
    first, *others = of.values()
    yield from first
    yield from map(draw.choice, others)


def fork():
    return product("fork")


def spawn():
    return drawn("spawn")


def forkserver():
    import multiprocessing
    multiprocessing.set_forkserver_preload(["jobs"])
    return drawn("forkserver")


def extras():
    """Loaders of other makers, where they are installed."""
    for name, lib in (("stateful", "torchdata"), ("accelerate", "accelerate")):
        try:
            __import__(lib)
        except ImportError:
            print("%s is not installed: not compared" % lib)
            continue
        for w, p in ((0, False), (4, False), (4, True)):
            yield cell(name, workers=w, persistent=p)
        if name == "accelerate":
            yield cell(name, world=2, ranks=(0, 1))


def in_child(run):
    """Runs a function in a fork; returns its exit status."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        run()
        status = 0
    except SystemExit as e:
        status = e.code or 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def environment(c, rank, log=None):
    names = ("sampler", "workers", "method", "persistent", "prefetch", "val", "drop_last")
    os.environ["CELL"] = json.dumps({k: c[k] for k in names})
    if c["world"]:
        os.environ.update(RANK=str(rank), WORLD_SIZE=str(c["world"]))
    if log:
        os.environ["RECORD"] = log


def settle(log):
    """Until nothing more is written to the log: the batches on their way are read."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < .4:
        if os.path.getsize(log) != size:
            size, since = os.path.getsize(log), time.monotonic()
        time.sleep(.02)


def real_job(c, rank, log):
    """The training loop. In the log: a line a file opened, and a line `epoch phase` before each phase."""
    environment(c, rank, log)

    def note(text):
        with open(log, "a") as f:
            f.write(text)

    open(log, "w").close()
    loaders = jobs.func()
    taken = []
    for e in range(EPOCHS):
        for p, loader in enumerate(loaders):
            note("# %d %d\n" % (e, p))
            if c["set_epoch"]:
                for x in (loader, loader.sampler):
                    if hasattr(x, "set_epoch"):
                        x.set_epoch(e)
            batches = []
            it = iter(loader)
            while p or len(batches) != c["limit"]:
                try:
                    batch = next(it)
                except StopIteration:
                    break
                batches.append(batch if isinstance(batch, list) else [batch])
            if c["limit"] and not p:
                settle(log)
            del it
            taken.append(batches)
    with open(log + ".taken", "w") as f:
        json.dump(taken, f)


def recorded(c, log):
    """[(epoch, phase, {worker: [path, ...]}, [batches that the training loop got])]"""
    out = []
    with open(log) as f:
        for line in f:
            who, what = line.rstrip("\n").split(" ", 1)
            if who == "#":
                e, p = map(int, what.split())
                out.append((e, p, {}))
            else:
                out[-1][2].setdefault(int(who), []).append(what)
    with open(log + ".taken") as f:
        return [(*x, t) for x, t in zip(out, json.load(f))]


def traced(tool, trace, roots):
    """The tool's word on it: {(rank, epoch, phase): [batch, ...]}, paths made absolute."""
    show = trace + ".show"

    def run():
        os.dup2(os.open(show, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        sys.argv = [tool, "show", "--json", trace]
        runpy.run_path(tool, run_name="__main__")

    if in_child(run):
        return None
    out, position = {}, 0
    with open(show) as f:
        for line in f:
            d = json.loads(line)
            if d["position"] != position:
                return None
            position += 1
            batches = out.setdefault((d["rank"], d["epoch"], d["phase"]), [])
            while len(batches) <= d["batch"]:
                batches.append([])
            at = [r + "/" + d["path"] for r in roots if os.path.exists(r + "/" + d["path"])]
            batches[d["batch"]] += at
    return out


def differs(c, rank, record, trace):
    """Where the trace and the recording part, in words; None where they are the same."""
    for e, p, workers, taken in record:
        batches = trace.get((rank, e, p), [])
        if batches[:len(taken)] != taken:
            return "rank %d epoch %d phase %d: other batches" % (rank, e, p)
        if len(batches) != len(taken) and not (c["limit"] and p == 0 and c["workers"]):
            return "rank %d epoch %d phase %d: %d batches, not %d" % (rank, e, p, len(batches), len(taken))
        n = max(c["workers"], 1)
        for w in range(n):
            if workers.get(w, []) != [path for b in batches[w::n] for path in b]:
                return "rank %d epoch %d phase %d: worker %d opens otherwise" % (rank, e, p, w)
    if len(record) != len({k[1:] for k in trace}):
        return "other epochs or phases"


def run_cell(c, tool, where):
    """[(command, accesses, how it came out, as expected)]"""
    for rank in c["ranks"]:
        if in_child(lambda: real_job(c, rank, "%s/log.%d" % (where, rank))):
            return [("the job itself", 0, "failed", False)]
    commands = []
    many = ["--epochs", str(EPOCHS)] + (["--limit-batches", str(c["limit"])] if c["limit"] else [])
    if c["world"]:
        many += ["--world-size", str(c["world"]), "--ranks", ",".join(map(str, c["ranks"]))]
    root = os.environ["ROOT"]
    if c["loader"] and c["trace_seed"] is None:
        commands.append(("loader", [jobs.__file__ + ":func"] + many))
    if c["folder"] is not None and c["method"] in (None, "fork"):
        a = [root + "/train", "--batch-size", "4", "--workers", str(c["workers"])] + many
        a += ["--seed", str(c["trace_seed"] or jobs.SEED)] + c["folder"].replace(" W", " %s/weights" % root).split()
        for name, flag in (("drop_last", "--drop-last"), ("persistent", "--persistent-workers")):
            a += [flag] if c[name] else []
        a += ["--prefetch-factor", str(c["prefetch"])] if c["prefetch"] else []
        a += ["--val", root + "/val", "--val-batch-size", "5"] if c["val"] else []
        commands.append(("imagefolder", a))
    out = []
    for command, arguments in commands:
        trace = where + "/trace"

        def run():
            environment(c, 0)
            for name in ("RANK", "WORLD_SIZE"):
                os.environ.pop(name, None)
            sys.argv = [tool, command] + arguments + ["-o", trace]
            runpy.run_path(tool, run_name="__main__")

        if os.path.exists(trace):
            os.unlink(trace)
        got = None if in_child(run) else traced(tool, trace, [root + "/train", root + "/val"])
        if got is None:
            out.append((command, 0, "no trace", False))
            continue
        why = None
        for rank in c["ranks"]:
            why = why or differs(c, rank, recorded(c, "%s/log.%d" % (where, rank)), got)
        n = sum(len(b) for bs in got.values() for b in bs)
        out.append((command, n, why or "exact", (why is None) == c["expect"]))
    return out


def make_files(root):
    """Two small folders of files that nobody decodes, with names that are not all tame."""
    shutil.rmtree(root, ignore_errors=True)
    for part, n, first in (("train", TRAIN, 0), ("val", VAL, 1000)):   # no path in both: one name, one file
        for i in range(first, first + n):
            d = "%s/%s/class %d" % (root, part, i % 5)
            os.makedirs(d, exist_ok=True)
            with open("%s/im\u00e4ge-%d.jpg" % (d, i), "wb") as f:
                f.write(b"x" * (i + 1))
    with open(root + "/weights", "w") as f:
        f.writelines("%d\n" % (1 + i % 7) for i in range(TRAIN))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("tool")
    a.add_argument("where")
    a.add_argument("cells", choices=("samplers", "axes", "extras", "fork", "spawn", "forkserver"))
    a = a.parse_args()
    where = os.path.realpath(a.where)
    os.environ["ROOT"] = where + "/data"
    make_files(os.environ["ROOT"])
    print("torch %s" % torch.__version__)
    row = "%-32s %7s %-10s %-10s %-5s %-5s %-7s %-11s %8s  %s"
    print(row % ("sampler", "workers", "start", "persistent", "val", "left", "ranks", "command", "accesses", "order"))
    bad = total = 0
    for c in globals()[a.cells]():
        for command, n, how, good in run_cell(c, os.path.realpath(a.tool), where):
            name = c["sampler"] + (", drop_last" if c["drop_last"] else "") + ("" if c["expect"] else " (control)")
            print(row % (name, c["workers"], c["method"] or "-", "yes" if c["persistent"] else "-",
                         "yes" if c["val"] else "-", c["limit"] or "-",
                         ",".join(map(str, c["ranks"])) + "/%d" % c["world"] if c["world"] else "-", command, n,
                         how + ("" if good else "  <-- WRONG")), flush=True)
            total += 1
            bad += not good
    print("%d orders compared, %d wrong" % (total, bad))
    sys.exit(bad != 0 or total == 0 and a.cells != "extras")


if __name__ == "__main__":
    main()
