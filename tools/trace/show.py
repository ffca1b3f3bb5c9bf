"""opt4-trace show and info: what a trace says, as text or JSON."""

import json
import os

import numpy as np

from . import TraceError
from .format import PERSISTENT, Trace

# In lines of text a path is one word: control characters as \xNN. JSON has the path itself.
_VISIBLE = {c: "\\x%02x" % c for c in [*range(32), 127]}


def show(a, out):
    """Prints each access in the order of the axis. a: parsed arguments (file, json, epoch, rank)."""
    t = Trace(a.file)
    names = {}

    def name(f):
        if f not in names:
            path = os.fsdecode(t.rel(f))
            names[f] = json.dumps(path) if a.json else path.translate(_VISIBLE)
        return names[f]

    line = '{"epoch": %d, "phase": %d, "rank": %d, "batch": %d, "position": %d, "path": %s}\n' if a.json \
        else "%d\t%d\t%d\t%d\t%d\t%s\n"
    segments = t.segments
    for what, wanted, there in (("epoch", a.epoch, segments["epoch"]), ("rank", a.rank, t.streams["rank"])):
        if wanted is not None and wanted not in there:
            raise TraceError("%s: no %s %d in it; it has %s" % (a.file, what, wanted, ", ".join(map(str, np.unique(there)[:9]))
                                                                or "none"))
    if not a.json:
        out.write("epoch\tphase\trank\tbatch\tposition\tpath\n")
    at = 0
    while at < len(segments):
        epoch, phase = segments[at]["epoch"], t.streams[segments[at]["stream"]]["phase"]
        end = at
        while end < len(segments) and segments[end]["epoch"] == epoch \
                and t.streams[segments[end]["stream"]]["phase"] == phase:
            end += 1
        group, at = segments[at:end], end
        if a.epoch is not None and epoch != a.epoch:
            continue
        ranks = [int(t.streams[s["stream"]]["rank"]) for s in group]
        parts = [(r, *t.positions(s)) for r, s in zip(ranks, group) if a.rank is None or r == a.rank]
        if not parts:
            continue
        rank = np.concatenate([np.full(len(p), r) for r, p, _ in parts])
        pos = np.concatenate([p for _, p, _ in parts])
        batch = np.concatenate([b for _, _, b in parts])
        turn = np.argsort(pos, kind="stable")
        files = t.order[pos[turn]].tolist()
        for r, b, p, f in zip(rank[turn].tolist(), batch[turn].tolist(), pos[turn].tolist(), files):
            out.write(line % (epoch, phase, r, b, p, name(f)))


def info(a, out):
    """Prints what the trace is about. a: parsed arguments (file, json)."""
    t = Trace(a.file)
    meta = t.meta_json()
    used = int((t.first != 0xFFFFFFFF).sum())
    d = {
        "file": a.file, "version": int(t.header[0]["version"]), "id": "%016x" % t.id,
        "file_bytes": int(t.header[0]["file_bytes"]), "files": t.nfiles, "files_used": used,
        "dataset_bytes": int(t.sizes.sum(dtype=np.uint64)), "accesses": t.npos,
        "epochs": int(t.segments["epoch"].max()) + 1 if len(t.segments) else 0, "batches": len(t.batch_start),
        "roots": [{"path": os.fsdecode(t.root(i)), "files": int(r["nfiles"])} for i, r in enumerate(t.roots)],
        "streams": [{"rank": int(s["rank"]), "phase": int(s["phase"]), "workers": int(s["workers"]),
                     "batch_size": int(s["batch_size"]), "persistent_workers": bool(s["flags"] & PERSISTENT)}
                    for s in t.streams],
        "written_by": meta,
    }
    if a.json:
        out.write(json.dumps(d) + "\n")
        return
    versions = meta.get("versions", {})
    out.write("%s: %d accesses to %d of %d files in %d epochs\n" % (a.file, t.npos, used, t.nfiles, d["epochs"]))
    out.write("id          %s, format %d, %d bytes\n" % (d["id"], d["version"], d["file_bytes"]))
    for r in d["roots"]:
        out.write("root        %s, %d files\n" % (r["path"], r["files"]))
    out.write("dataset     %d bytes\n" % d["dataset_bytes"])
    for s in d["streams"]:
        out.write("stream      rank %(rank)d, phase %(phase)d: %(workers)d workers, batches of %(batch_size)d" % s
                  + (", persistent\n" if s["persistent_workers"] else "\n"))
    out.write("written by  opt4-trace %s %s, Python %s, %s\n" % (
        meta.get("opt4"), meta.get("command"), meta.get("python"),
        ", ".join("%s %s" % v for v in sorted(versions.items())) or "no torch"))
    out.write("arguments   %s\n" % json.dumps(meta.get("arguments", {})))
