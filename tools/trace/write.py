"""Writes a trace file, epoch by epoch, in little memory; the file appears whole or not at all."""

import hashlib
import json
import os
import tempfile
import zlib
from collections import namedtuple

import numpy as np

from . import TraceError
from .format import (ALIGN, COUNT_MAX, HEADER, HEADER_BYTES, MAGIC, NEVER, PERSISTENT, ROOT, SECTIONS,
                     SEGMENT, SIZE_MAX, STREAM, U32, VERSION, hashes, header_crc, slot_table, spread)
from .progress import quiet

CHUNK = 1 << 21   # positions (or as many bytes) that are held in memory at a time

Root = namedtuple("Root", "path files sizes")
Root.__doc__ = """A dataset root: path (absolute, bytes); files: list of bytes, each relative to it, none
twice; sizes: u64[len(files)] in bytes."""

Stream = namedtuple("Stream", "rank phase workers batch_size persistent")
Stream.__doc__ = """One rank's loader: global rank, number of the loader within an epoch, num_workers, nominal
batch size (0: none), persistent_workers."""


class TraceWriter:
    """Files are numbered through: those of roots[0], of roots[1], ...

    with TraceWriter(out, roots, streams, meta) as w:
        for each epoch, for each phase:
            w.add(epoch, [(stream number, files u32[n], counts u32[batches]), ... by rank])

    roots: list of Root; streams: list of Stream; meta: dict for JSON (versions, arguments). Leaving the block
    puts the file in place by rename; leaving it by an exception leaves nothing. Needs the disk space of the
    file twice at no time: 8 bytes an access, about 100 a file. Raises TraceError (limits, order), OSError.
    """

    def __init__(self, out, roots, streams, meta, progress=quiet):
        self.out, self.roots, self.streams, self.meta = os.fspath(out), roots, streams, meta
        self.progress = progress
        self.nfiles = sum(len(r.files) for r in roots)
        if self.nfiles >= COUNT_MAX:
            raise TraceError("%s: %d files: a trace holds less than %d" % (self.out, self.nfiles, COUNT_MAX))
        self.npos = self.nbatches = 0
        self.segments = []
        self.phases = []   # [first, end) of each phase of each epoch on the axis
        self.last = (-1, -1)
        self.table = {}
        self.file, self.temp = _open_hidden(self.out)
        self.starts = self.counts = None
        try:
            d = os.path.dirname(self.out) or "."
            self.starts, self.counts = tempfile.TemporaryFile(dir=d), tempfile.TemporaryFile(dir=d)
            self.file.write(bytes(HEADER_BYTES))
        except BaseException:
            self._close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        try:
            if kind is None:
                self._finish()
        finally:
            self._close()

    def add(self, epoch, parts):
        """One phase of one epoch, for all ranks that the trace holds.

        parts: list of (stream number, files u32[n] in the order of opening, counts u32[nbatches] with
        sum n), of one phase, by ascending rank. (epoch, phase) must ascend from call to call. The batches go
        on the axis round robin over the ranks.
        """
        phases = {self.streams[s].phase for s, _, _ in parts}
        ranks = [self.streams[s].rank for s, _, _ in parts]
        key = (epoch, max(phases))
        if len(phases) != 1 or ranks != sorted(set(ranks)) or key <= self.last:
            raise TraceError("%s: segments must come by epoch, phase and rank" % self.out)
        self.last = key
        total = sum(len(files) for _, files, _ in parts)
        if self.npos + total >= COUNT_MAX:
            raise TraceError("%s: more than %d accesses; trace fewer epochs" % (self.out, COUNT_MAX))
        # Batch b of the r-th rank stands at (b, r) on the axis.
        batch = np.concatenate([np.arange(len(c)) for _, _, c in parts])
        rank = np.concatenate([np.full(len(c), r) for r, (_, _, c) in enumerate(parts)])
        count = np.concatenate([np.asarray(c, np.int64) for _, _, c in parts])
        turn = np.lexsort((rank, batch))
        start = np.empty(len(count), np.int64)
        start[turn] = self.npos + np.cumsum(count[turn]) - count[turn]
        merged = np.empty(total, U32)
        for r, (s, files, c) in enumerate(parts):
            mine = rank == r
            if int(count[mine].sum()) != len(files):
                raise TraceError("%s: a segment's batches do not add up to its accesses" % self.out)
            if len(files) and int(files.max()) >= self.nfiles:
                raise TraceError("%s: a segment names a file that no root has" % self.out)
            merged[spread(start[mine] - self.npos, count[mine])] = files
            has = start[mine][count[mine] > 0]
            first, end = (int(has[0]), int((start[mine] + count[mine])[count[mine] > 0][-1])) if len(has) \
                else (self.npos, self.npos)
            self.segments.append((s, epoch, self.nbatches, len(c), first, end, 0))
            self.starts.write(start[mine].astype(U32).tobytes())
            self.counts.write(count[mine].astype(U32).tobytes())
            self.nbatches += len(c)
        self.file.write(merged.tobytes())
        self.phases.append((self.npos, self.npos + total))
        self.npos += total

    def more(self, done, epochs):
        """After `done` of so many epochs: raises TraceError if all of them, each as long, are more than a trace holds."""
        if self.npos // done * epochs >= COUNT_MAX:
            raise TraceError("%s: %d epochs of %d accesses: a trace holds less than %d; trace fewer epochs" % (
                self.out, epochs, self.npos // done, COUNT_MAX))

    def _finish(self):
        self.table["order"] = (HEADER_BYTES, self.npos * 4)
        self._next()
        for name, spill in (("batch_start", self.starts), ("batch_count", self.counts)):
            spill.seek(0)
            self._put(name, iter(lambda s=spill: s.read(CHUNK), b""))
        segments = np.zeros(len(self.segments), SEGMENT)
        for i, s in enumerate(self.segments):
            segments[i] = s[:6] + ((0, 0),)
        self._put("segments", [segments])
        streams = np.zeros(len(self.streams), STREAM)
        for i, s in enumerate(self.streams):
            streams[i] = (s.rank, s.phase, s.workers, s.batch_size, PERSISTENT if s.persistent else 0, (0, 0, 0))
        self._put("streams", [streams])
        self._paths()
        self._put("meta", [json.dumps(self.meta, ensure_ascii=False, sort_keys=True)
                           .encode("utf-8", "surrogateescape")])
        self._header()
        self.file.flush()
        os.fsync(self.file.fileno())
        self._publish()

    def _put(self, name, parts):
        """Appends a section from an iterable of arrays or bytes."""
        self.file.seek(0, os.SEEK_END)
        self.file.write(bytes(-self.file.tell() % ALIGN))
        begin = self.file.tell()
        for p in parts:
            self.file.write(p if isinstance(p, bytes) else p.tobytes())
        self.table[name] = (begin, self.file.tell() - begin)

    def _next(self):
        """Next uses and first uses: one walk backwards over the order, a chunk at a time."""
        last = np.full(self.nfiles, NEVER, U32)
        begin = HEADER_BYTES + self.npos * 4
        begin += -begin % ALIGN
        self.file.flush()
        os.ftruncate(self.file.fileno(), begin + self.npos * 4)
        bar = self.progress("next uses", self.npos)
        for a, end in self._spans():
            self.file.seek(HEADER_BYTES + a * 4)
            order = np.frombuffer(self.file.read((end - a) * 4), U32)
            nxt = last[order]
            pos = np.arange(a, end, dtype=U32)
            last[order[::-1]] = pos[::-1]
            if not np.array_equal(last[order], pos):   # some file occurs twice within the chunk
                key = np.sort(order.astype(np.uint64) << np.uint64(32) | pos)
                same = key[1:] >> np.uint64(32) == key[:-1] >> np.uint64(32)
                at = (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
                nxt[at[:-1][same] - a] = at[1:][same]
            self.file.seek(begin + a * 4)
            self.file.write(nxt.tobytes())
            bar(end - a)
        bar.close()
        self.table["next"] = (begin, self.npos * 4)
        self._put("first", [last])

    def _spans(self):
        """[a, end) of the order, backwards, split where an epoch's phase begins: within one a file
        seldom occurs twice, which _next() would have to sort for."""
        for first, end in reversed(self.phases):
            while end > first:
                yield max(first, end - CHUNK), end
                end = max(first, end - CHUNK)

    def _paths(self):
        """Path table, sizes, roots and the look-up table."""
        names = [f for r in self.roots for f in r.files]
        off = np.zeros(len(names) + 1, np.uint64)
        np.cumsum(np.fromiter(map(len, names), np.uint64, len(names)), out=off[1:])
        blob = b"".join(names)
        del names
        self.root_paths = [os.fsencode(r.path) for r in self.roots]
        if len(blob) + sum(map(len, self.root_paths)) >= 1 << 32:
            raise TraceError("%s: the paths take 4 GiB or more, more than a trace holds" % self.out)
        roots = np.zeros(len(self.roots), ROOT)
        first, at = 0, len(blob)
        for i, r in enumerate(self.roots):
            roots[i] = (first, len(r.files), at, len(self.root_paths[i]), (0,) * 4)
            first += len(r.files)
            at += len(self.root_paths[i])
        number = np.repeat(np.arange(len(self.roots), dtype=U32), roots["nfiles"])
        padded = np.frombuffer(blob + bytes(8), np.uint8)
        h = hashes(padded, off, number)
        del padded
        self._put("paths", [blob] + self.root_paths)
        self._put("path_off", [off.astype(U32)])
        self._put("roots", [roots])
        self._put("sizes", [np.minimum(np.asarray(r.sizes, np.uint64), SIZE_MAX).astype(U32)
                            for r in self.roots])
        slots = slot_table(h)
        self.nslots = len(slots)
        self._put("slots", [slots])

    def _header(self):
        h = np.zeros(1, HEADER)
        h["magic"], h["version"], h["header_bytes"] = MAGIC, VERSION, HEADER_BYTES
        self.file.seek(0, os.SEEK_END)
        h["file_bytes"] = self.file.tell()
        h["nfiles"], h["npos"], h["nbatches"] = self.nfiles, self.npos, self.nbatches
        h["nroots"], h["nstreams"], h["nsegments"] = len(self.roots), len(self.streams), len(self.segments)
        h["nslots"] = self.nslots
        bar = self.progress("checksums", int(h["file_bytes"][0]))
        for i, name in enumerate(SECTIONS):
            offset, size = self.table[name]
            self.file.seek(offset)
            crc = 0
            while size:
                part = self.file.read(min(size, CHUNK))
                crc = zlib.crc32(part, crc)
                size -= len(part)
                bar(len(part))
            h["section"][0][i] = (*self.table[name], crc, 0)
        bar.close()
        digest = hashlib.blake2b(h.tobytes(), digest_size=8).digest()
        h["id"] = int.from_bytes(digest, "little") or 1
        h["crc"] = header_crc(h)
        self.file.seek(0)
        self.file.write(h.tobytes())

    def _publish(self):
        """Gives the finished file its name, in place of what had it."""
        if self.temp is None:
            name = _temp_name(self.out)
            # Python follows the link only where a directory's descriptor makes it call linkat.
            os.link("/proc/self/fd/%d" % self.file.fileno(), name, src_dir_fd=self.file.fileno(),
                    follow_symlinks=True)
            self.temp = name
        os.replace(self.temp, self.out)
        self.temp = None

    def _close(self):
        for f in (self.file, self.starts, self.counts):
            if f is not None:
                f.close()
        if self.temp is not None:
            os.unlink(self.temp)
            self.temp = None


def _temp_name(out):
    d, b = os.path.split(out)
    return os.path.join(d, ".%s.%d.tmp" % (b, os.getpid()))


def _open_hidden(out):
    """A file in out's directory that has no name yet, so that not even SIGKILL leaves anything; where the file
    system has no O_TMPFILE, one with a temporary name. Returns (file, name or None)."""
    try:
        fd = os.open(os.path.dirname(out) or ".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
        return os.fdopen(fd, "w+b"), None
    except (FileNotFoundError, PermissionError):
        raise
    except OSError:
        name = _temp_name(out)
        return open(name, "w+b"), name
