"""opt4-trace record: a trace from what `opt4 run --record` spooled of a job: the orders that its loaders dispatched.

The spool holds order.PID.N, an iteration of a loader each (a line of JSON, then u32s: each batch's length and its
indices), and of the session files.DATASET (which files the samples are) and roots. Where a dataset's samples are told apart by
what the sampler yields (names, ids, tuples), keys.PID.N and keyed.DATASET: 32 bits stand for an index there.
"""

import json
import os
import sys

import numpy as np

from . import TraceError
from .files import FileTable, Listing
from .format import U32
from .versions import describe
from .write import Stream, TraceWriter

NONE = 0xFFFFFFFF    # length of a batch whose indices could not be told


def arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("spool", metavar="SPOOL")
    parser.add_argument("-o", "--output", required=True, metavar="F")


class Iteration:
    """One loader, once through: head (the JSON; None: the file is not there, or torn), indices u32[n], counts u32[batches];
    untold: batches whose indices are no places in the dataset, or have no content."""

    def __init__(self, path):
        self.head, data, counts, at, self.untold = None, b"", [], 0, 0
        try:
            with open(path, "rb") as f:
                self.head = json.loads(f.readline())
                data = f.read()
        except (FileNotFoundError, ValueError):
            pass
        words = np.frombuffer(data[:len(data) // 4 * 4], U32)
        keep = np.ones(len(words), bool)
        while at < len(words):
            n = int(words[at])
            none = n == NONE
            if not none and at + 1 + n > len(words):   # a killed job's last batch may be torn
                break
            keep[at] = False
            self.untold += none
            counts.append(0 if none else n)
            at += 1 + counts[-1]
        self.counts = np.array(counts, U32)
        self.indices = words[:at][keep[:at]]


class Samples:
    """A dataset's files: table i64[samples, width] of entries into `paths` (bytes), -1 where none is known; keyed: its
    samples' keys, u32[samples] and rising, or None where its places are the indices."""

    def __init__(self, path, keyed):
        with open(path, "rb") as f:
            n, width = map(int, f.readline().split())
            keys = np.frombuffer(f.read(4 * n), U32) if keyed else None
            names = f.read().split(b"\0")[:n * width]
        has = np.fromiter(map(len, names), np.int64, len(names)) > 0
        self.table = np.where(has, np.cumsum(has) - 1, -1).reshape(n, width)
        self.paths = [p for p in names if p]
        self.keys = None
        if keyed:
            by = np.argsort(keys)
            self.keys, self.table = keys[by], self.table[by]

    def rows(self, indices):
        """The table's rows of an iteration's indices; of a key that was never seen an empty one. TraceError: no such sample."""
        n = len(self.table)
        if self.keys is None:
            if len(indices) and indices.max() >= n:
                raise TraceError("the job's dataset of %d samples was asked for others; record it again" % n)
            return self.table[indices]
        if not n:
            return np.full((len(indices), self.table.shape[1]), -1)
        at = np.minimum(np.searchsorted(self.keys, indices), n - 1)
        rows = self.table[at]
        rows[self.keys[at] != indices] = -1
        return rows


def _epochs(iterations):
    """Numbers a rank's iterations in the order in which they began: [(epoch, phase, iteration)]. A loader's place in
    an epoch is its phase; an epoch begins where one comes that has been, or whose place is before the last one's."""
    phases, out, epoch, last = {}, [], 0, -1
    for it in sorted(iterations, key=lambda i: i.head["started"]):
        phase = phases.setdefault((it.head["pid"], it.head["number"]), len(phases))
        if phase <= last:
            epoch += 1
        last = phase
        out.append((epoch, phase, it))
    return out


def _is_keyed(spool, dataset):
    return not os.path.exists(os.path.join(spool, "files.%016x" % dataset)) and os.path.exists(os.path.join(spool, "keyed.%016x" % dataset))


def _iteration(spool, name):
    """By places, or by keys; None: nothing of it is there."""
    it = Iteration(os.path.join(spool, name))
    if it.head and _is_keyed(spool, it.head["dataset"]):
        it = Iteration(os.path.join(spool, "keys" + name[len("order"):]))
    return it if it.head and len(it.counts) else None


def _accesses(it, samples, numbers):
    """(files u32[n], counts u32[batches]) that an iteration opened, and of how many of its samples no file is known."""
    if it.untold:
        raise TraceError("run: --record: a sampler's indices are no places in its dataset, and its samples could not be told apart by what they are; "
                         "use opt4.order() in the script, or opt4-trace paths")
    rows = samples.rows(it.indices)
    known = rows >= 0
    ends = np.concatenate(([0], np.cumsum(known.sum(1))))
    edges = np.concatenate(([0], np.cumsum(it.counts, dtype=np.int64)))
    return np.take(numbers, rows[known]).astype(U32), np.diff(ends[edges]).astype(U32), len(rows) - int(known.any(1).sum())


def main(a, progress):
    """Runs the command. Raises TraceError, OSError."""
    names = sorted(os.listdir(a.spool))
    iterations = [i for i in (_iteration(a.spool, n) for n in names if n.startswith("order.")) if i]
    if not iterations:
        raise TraceError("run: --record: no order was seen: no DataLoader of torch's over a map-style dataset ran (or "
                         "Python ran with -E, -I or -S); make a trace with opt4-trace loader")
    try:
        with open(os.path.join(a.spool, "roots"), "rb") as f:
            roots = {r for r in f.read().split(b"\0") if r}
    except FileNotFoundError:
        roots = set()
    table, datasets = FileTable(), {}
    for key in sorted({i.head["dataset"] for i in iterations}):
        keyed = _is_keyed(a.spool, key)
        path = os.path.join(a.spool, "%s.%016x" % ("keyed" if keyed else "files", key))
        if os.path.exists(path):
            samples = Samples(path, keyed)
            datasets[key] = samples, table.add(Listing(samples.paths, {r for r in roots if any(
                p.startswith(r + b"/") for p in samples.paths)}))
    iterations = [i for i in iterations if i.head["dataset"] in datasets]
    if not iterations or not any(len(s.paths) for s, _ in datasets.values()):
        raise TraceError("run: --record: which files the samples are was not seen; name the dataset's folder with --root")
    table.finish(progress)
    streams, parts, unknown, dispatched = [], {}, 0, 0
    for rank in sorted({i.head["rank"] for i in iterations}):
        place = {}
        for epoch, phase, it in _epochs([i for i in iterations if i.head["rank"] == rank]):
            if phase not in place:
                place[phase] = len(streams)
                streams.append(Stream(rank, phase, it.head["workers"], it.head["batch_size"], it.head["persistent"]))
            samples, handle = datasets[it.head["dataset"]]
            files, counts, missing = _accesses(it, samples, table.number(handle))
            unknown += missing
            dispatched += len(it.indices)
            parts.setdefault((epoch, phase), []).append((place[phase], files, counts))
    if unknown:
        print("opt4: run: --record: which files %d of %d samples opened was not seen; they are left out" % (unknown, dispatched), file=sys.stderr)
    meta = describe("record", {}, [])
    meta["versions"].update({k: v for k, v in iterations[0].head.get("versions", {}).items() if v})
    with TraceWriter(a.output, table.roots, streams, meta, progress) as out:
        for (epoch, _), group in sorted(parts.items()):
            out.add(epoch, group)
