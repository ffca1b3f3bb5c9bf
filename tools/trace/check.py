"""opt4-trace check: reads a whole trace and the files it names."""

import os
import zlib

import numpy as np

from . import TraceError
from .format import NEVER, SECTIONS, SIZE_MAX, Trace, hashes
from .versions import differs

CHUNK = 1 << 21


def check(a, out, progress):
    """Checks checksums, indices, next uses, look-up table, files and sizes. a: parsed arguments (file, root).
    Prints a line for a good trace; raises TraceError with the first thing that is wrong."""
    t = Trace(a.file)

    def bad(why, *args):
        raise TraceError("%s: damaged: %s; write it anew" % (a.file, why % args))

    _checksums(t, bad, progress)
    meta = t.meta_json()
    _tables(t, bad)
    _segments(t, bad)
    _next(t, bad, progress)
    roots = [os.fsdecode(t.root(i)) for i in range(len(t.roots))]
    if a.root:
        given = a.root.split(":")
        if len(given) > len(roots):
            raise TraceError("--root %s: %d roots, the trace has %d; give at most as many" % (
                a.root, len(given), len(roots)))
        roots[:len(given)] = given
    _files(t, a.file, roots, progress)
    why = differs(meta, _torch())
    if why:
        raise TraceError("%s: %s; write it with the job's own Python" % (a.file, why))
    out.write("%s: good: %d accesses, %d files there with their sizes, written by torch %s\n" % (
        a.file, t.npos, t.nfiles, meta.get("versions", {}).get("torch", "unknown")))


def _torch():
    """The version of the torch beside us, without importing it; None where there is none."""
    from importlib import metadata
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def _checksums(t, bad, progress):
    bar = progress("checksums", len(t.map))
    for i, name in enumerate(SECTIONS):
        s = t.header[0]["section"][i]
        at, left, crc = int(s["offset"]), int(s["bytes"]), 0
        while left:
            n = min(left, CHUNK)
            crc = zlib.crc32(memoryview(t.map)[at:at + n], crc)
            at, left = at + n, left - n
            bar(n)
        if crc != s["crc"]:
            bad("the checksum of section %s is wrong", name)
    bar.close()


def _tables(t, bad):
    off = t.path_off.astype(np.uint64)
    if len(off) == 0 or (off[1:] < off[:-1]).any() or off[-1] > len(t.paths) or off[0] != 0:
        bad("the path table's offsets do not ascend")
    first = 0
    for r in t.roots:
        if r["first_file"] != first or int(r["path_off"]) + int(r["path_len"]) > len(t.paths):
            bad("the roots do not cover the files")
        first += int(r["nfiles"])
    if first != t.nfiles:
        bad("the roots do not cover the files")
    number = np.repeat(np.arange(len(t.roots), dtype=np.uint32), t.roots["nfiles"])
    blob = np.concatenate([t.paths, np.zeros(8, np.uint8)])
    h = hashes(blob, off, number)
    slots, mask = t.slots, len(t.slots) - 1
    if (slots > t.nfiles).any() or not np.array_equal(np.sort(slots[slots > 0]), np.arange(1, t.nfiles + 1)):
        bad("the look-up table does not name every file once")
    at = (h & np.uint64(mask)).astype(np.int64)   # walk all files' chains at once
    todo = np.arange(t.nfiles)
    while len(todo):
        v = slots[at[todo]]
        if (v == 0).any():
            bad("file %d is not found in the look-up table", int(todo[v == 0][0]))
        todo = todo[v != todo + 1]
        at[todo] = (at[todo] + 1) & mask


def _segments(t, bad):
    start, count = t.batch_start.astype(np.int64), t.batch_count.astype(np.int64)
    if t.npos and len(t.order) and int(t.order.max()) >= t.nfiles:
        bad("the order names a file that is not there")
    if count.sum() != t.npos:
        bad("the batches do not cover the order")
    turn = np.lexsort((count, start))
    if (start[turn] != np.cumsum(count[turn]) - count[turn]).any():
        bad("the batches overlap")
    last, batch = (-1, -1, -1), 0
    for i, s in enumerate(t.segments):
        if s["stream"] >= len(t.streams):
            bad("segment %d belongs to no stream", i)
        stream = t.streams[s["stream"]]
        key = (int(s["epoch"]), int(stream["phase"]), int(stream["rank"]))
        if key <= last or s["first_batch"] != batch:
            bad("the segments are not in order")
        last, batch = key, batch + int(s["nbatches"])
        b = slice(int(s["first_batch"]), batch)
        if (start[b] < s["first_pos"]).any() or (start[b] + count[b] > s["end_pos"]).any():
            bad("segment %d does not hold its batches", i)
    if batch != len(start):
        bad("the segments do not cover the batches")


def _next(t, bad, progress):
    """The next use of every access, by walking forwards: what a file's last use foretold is where it comes."""
    bar = progress("next uses", t.npos)
    due = t.first.copy()
    for a in range(0, t.npos, CHUNK):
        end = min(a + CHUNK, t.npos)
        order, nxt = t.order[a:end], t.next[a:end]
        pos = np.arange(a, end, dtype=np.uint32)
        turn = np.argsort(order, kind="stable")
        o, p, n = order[turn], pos[turn], nxt[turn]
        opens = np.concatenate(([True], o[1:] != o[:-1]))
        expected = np.empty(len(o), np.uint32)
        expected[opens] = due[o[opens]]
        inner = np.flatnonzero(~opens)
        expected[inner] = n[inner - 1]
        if (expected != p).any():
            bad("a next use is wrong near position %d", int(p[expected != p].min()))
        closes = np.concatenate((opens[1:], [True]))
        due[o[closes]] = n[closes]
        bar(end - a)
    bar.close()
    if (due != NEVER).any():
        bad("a next use lies beyond the end")


def _files(t, name, roots, progress):
    bar = progress("files", t.nfiles)
    for i, r in enumerate(t.roots):
        base = os.fsencode(roots[i])
        for f in range(int(r["first_file"]), int(r["first_file"]) + int(r["nfiles"])):
            path = os.path.join(base, t.rel(f))
            try:
                size = os.stat(path).st_size
            except OSError as e:
                raise TraceError("%s: %s: %s; is this the dataset? --root D says where it lies now" % (
                    name, os.fsdecode(path), e.strerror))
            if min(size, SIZE_MAX) != t.sizes[f]:
                raise TraceError("%s: %s: has %d bytes now, %d when the trace was made; write it anew" % (
                    name, os.fsdecode(path), size, t.sizes[f]))
            if f % 256 == 0:
                bar(256)
    bar.close()
