"""The trace file's layout as NumPy types, its hash, and a reader. Source: preload/base/trace.h."""

import json
import mmap
import os
import zlib

import numpy as np

from . import TraceError

MAGIC = b"OPT4TRC\n"
VERSION = 1
NEVER = 0xFFFFFFFF
COUNT_MAX = 0xFFFFFFF0   # files and positions are numbered below this
SIZE_MAX = 0xFFFFFFFF    # recorded for files of 4 GiB or more
PROBES_MAX = 4096        # the reader gives up a look-up after as many slots
PERSISTENT = 1           # stream flag
ALIGN = 64
HEADER_BYTES = 512

SECTIONS = ("roots", "streams", "segments", "batch_start", "batch_count", "order", "next", "first",
            "sizes", "path_off", "paths", "slots", "meta")

SECTION = np.dtype([("offset", "<u8"), ("bytes", "<u8"), ("crc", "<u4"), ("pad", "<u4")])
HEADER = np.dtype([
    ("magic", "S8"), ("version", "<u4"), ("header_bytes", "<u4"), ("file_bytes", "<u8"), ("id", "<u8"),
    ("nfiles", "<u4"), ("npos", "<u4"), ("nroots", "<u4"), ("nstreams", "<u4"), ("nsegments", "<u4"),
    ("nbatches", "<u4"), ("nslots", "<u4"), ("flags", "<u4"), ("section", SECTION, 16),
    ("reserved", "u1", 60), ("crc", "<u4")])
ROOT = np.dtype([("first_file", "<u4"), ("nfiles", "<u4"), ("path_off", "<u4"), ("path_len", "<u4"),
                 ("reserved", "<u4", 4)])
STREAM = np.dtype([("rank", "<u4"), ("phase", "<u4"), ("workers", "<u4"), ("batch_size", "<u4"),
                   ("flags", "<u4"), ("reserved", "<u4", 3)])
SEGMENT = np.dtype([("stream", "<u4"), ("epoch", "<u4"), ("first_batch", "<u4"), ("nbatches", "<u4"),
                    ("first_pos", "<u4"), ("end_pos", "<u4"), ("reserved", "<u4", 2)])
U32 = np.dtype("<u4")
U64 = np.dtype("<u8")
TYPES = {"roots": ROOT, "streams": STREAM, "segments": SEGMENT, "paths": np.dtype("u1"),
         "meta": np.dtype("u1")}
COUNTS = {"roots": "nroots", "streams": "nstreams", "segments": "nsegments", "batch_start": "nbatches",
          "batch_count": "nbatches", "order": "npos", "next": "npos", "first": "nfiles",
          "sizes": "nfiles", "slots": "nslots"}
assert HEADER.itemsize == HEADER_BYTES


def header_crc(header):
    """zlib's crc32 of the header's bytes before its last field. header: HEADER[1]."""
    return zlib.crc32(header.tobytes()[:HEADER_BYTES - 4])


def hashes(blob, off, roots):
    """trace_hash() of many paths at once.

    blob: u8[>= off[-1] + 8] the paths' bytes one after the other, then at least 8 more bytes;
    off: u64[n+1] where each begins and the last ends; roots: u32[n] root numbers. Returns u64[n].
    """
    start, end = off[:-1].astype(U64), off[1:].astype(U64)
    with np.errstate(over="ignore"):
        h = np.uint64(0x9E3779B97F4A7C15) * (end - start + np.uint64(1)) + roots.astype(U64)
        words = np.ndarray((len(blob) - 7,), U64, blob, strides=(1,))
        todo = np.flatnonzero(end > start)
        at = start[todo]
        while len(todo):
            w = words[at]
            left = end[todo] - at
            tail = left < 8
            w[tail] &= (np.uint64(1) << (left[tail] * np.uint64(8))) - np.uint64(1)
            x = (h[todo] ^ w) * np.uint64(0xFF51AFD7ED558CCD)
            h[todo] = x ^ x >> np.uint64(32)
            at = at + np.uint64(8)
            more = at < end[todo]
            todo, at = todo[more], at[more]
        h *= np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ h >> np.uint64(29)


def slot_table(h):
    """The look-up table of trace_find(). h: u64[n] the files' hashes. Returns u32[nslots]: file + 1 or
    0, linear probing from hash & (nslots - 1), nslots the least power of two >= max(2, 2n)."""
    n = len(h)
    nslots = 2
    while nslots < 2 * n:
        nslots *= 2
    slots = np.zeros(nslots, U32)
    mask = np.int64(nslots - 1)
    at = (h & np.uint64(nslots - 1)).astype(np.int64)
    todo = np.arange(n, dtype=np.int64)
    for _ in range(PROBES_MAX):
        if not len(todo):
            return slots
        # Of those that want one free slot the last written stays; the others move on by one.
        free = slots[at] == 0
        slots[at[free]] = (todo[free] + 1).astype(U32)
        lost = slots[at] != todo + 1
        todo, at = todo[lost], (at[lost] + 1) & mask
    raise TraceError("the look-up table: %d paths fall on the same places; please report this" % len(todo))


class Trace:
    """A trace file, mapped: attributes named as in SECTIONS are arrays onto the mapping.

    Opening checks header, lengths and the header's checksum, as trace_open() does; `check` reads the rest.
    Raises TraceError where it is no (undamaged) trace.
    """

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as f:
                size = os.fstat(f.fileno()).st_size
                if size < HEADER_BYTES:
                    raise TraceError("%s: not an opt4 trace: %d bytes only; give one that opt4-trace wrote" % (path, size))
                self.map = mmap.mmap(f.fileno(), size, access=mmap.ACCESS_READ)
        except OSError as e:
            raise TraceError("%s: %s; give a trace that opt4-trace wrote" % (path or "''", e.strerror))
        self.header = np.frombuffer(self.map, HEADER, 1)
        h = self.header[0]
        if self.map[:8] != MAGIC:
            raise TraceError("%s: not an opt4 trace; give one that opt4-trace wrote" % path)
        if h["version"] != VERSION or h["header_bytes"] != HEADER_BYTES:
            raise TraceError("%s: format version %d, this opt4-trace reads version %d; write it anew"
                             % (path, h["version"], VERSION))
        if h["crc"] != header_crc(self.header):
            raise TraceError("%s: damaged: the header's checksum is wrong; write it anew" % path)
        if h["file_bytes"] != size:
            raise TraceError("%s: truncated or grown: %d bytes, its header says %d; write it anew"
                             % (path, size, h["file_bytes"]))
        for i, name in enumerate(SECTIONS):
            setattr(self, name, self._section(i, name))
        self.nfiles, self.npos = int(h["nfiles"]), int(h["npos"])
        self.id = int(h["id"])

    def _section(self, i, name):
        h = self.header[0]
        offset, size = int(h["section"][i]["offset"]), int(h["section"][i]["bytes"])
        dtype = TYPES.get(name, U32)
        count = {"path_off": int(h["nfiles"]) + 1}.get(name)
        if name in COUNTS:
            count = int(h[COUNTS[name]])
        if count is not None and size != count * dtype.itemsize or offset % ALIGN \
                or offset < HEADER_BYTES or offset + size > len(self.map):
            raise TraceError("%s: damaged: section %s lies wrong; write it anew" % (self.path, name))
        return np.frombuffer(self.map, dtype, size // dtype.itemsize, offset)

    def rel(self, file):
        """A file's path within its root, as bytes."""
        return self.paths[self.path_off[file]:self.path_off[file + 1]].tobytes()

    def root(self, number):
        """A root's path, as bytes."""
        r = self.roots[number]
        return self.paths[r["path_off"]:int(r["path_off"]) + int(r["path_len"])].tobytes()

    def meta_json(self):
        """What the writer said of itself: a dict. Raises TraceError where it is damaged."""
        try:
            return json.loads(self.meta.tobytes().decode("utf-8", "surrogateescape"))
        except ValueError as e:
            raise TraceError("%s: damaged: its description: %s; write it anew" % (self.path, e))

    def positions(self, segment):
        """The positions of a segment (a row of .segments) in its own order, and each one's batch.
        Returns (i64[n], i64[n])."""
        b = slice(int(segment["first_batch"]), int(segment["first_batch"]) + int(segment["nbatches"]))
        start, count = self.batch_start[b].astype(np.int64), self.batch_count[b].astype(np.int64)
        return spread(start, count), np.repeat(np.arange(len(count)), count)


def spread(start, count):
    """Concatenates the ranges [start[i], start[i] + count[i]). i64[n] each. Returns i64[sum(count)]."""
    first = np.cumsum(count) - count
    return np.repeat(start - first, count) + np.arange(int(count.sum()))
