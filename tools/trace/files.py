"""Which file a dataset opens for each index, and the tables of roots and files that a trace holds."""

import glob
import importlib
import os
import stat
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from . import TraceError
from .write import Root

PATHS = (str, bytes, os.PathLike)


class Listing:
    """paths: list of absolute paths (bytes), one an index of the dataset; roots: set of the folders (bytes) that
    its datasets name as theirs."""

    def __init__(self, paths, roots):
        self.paths, self.roots = paths, roots


def listing(dataset, what):
    """The Listing of a map-style dataset. what: its name in messages. Raises TraceError where it can't be known."""
    from torch.utils.data import ConcatDataset, Subset
    if isinstance(dataset, Subset):
        whole = listing(dataset.dataset, what)
        return Listing([whole.paths[int(i)] for i in dataset.indices], whole.roots)
    if isinstance(dataset, ConcatDataset):
        parts = [listing(d, what) for d in dataset.datasets]
        return Listing([p for part in parts for p in part.paths], set().union(*(p.roots for p in parts)))
    if len(dataset) == 0:
        return Listing([], set())
    columns = _columns(dataset)
    if len(columns) > 1:
        columns = _read(dataset, columns)
    if len(columns) > 1:
        raise TraceError("%s: a sample of class %s is more than one file: the order in which it opens them can't "
                         "be known ahead; record it with opt4 run --record F" % (what, type(dataset).__name__))
    if columns:
        here = os.fsencode(os.getcwd())
        root = _plain(dataset).get("root")
        roots = {absolute(os.fsencode(root), here)} if isinstance(root, PATHS) and os.fspath(root) else set()
        return Listing([absolute(p, here) for p in columns[0].all()], roots)
    raise TraceError("%s: which files a dataset of class %s opens can't be known ahead: none of its lists names its samples' files; "
                     "give it one, of paths or of (path, ...), or record the order with opt4 run --record F" % (what, type(dataset).__name__))


def _walker():
    """The module by which the running job's side of opt4 looks for lists of files in a dataset; None where it is not installed."""
    here = os.path.dirname(os.path.abspath(__file__))
    places = ["../opt4_live/opt4_live", "../live/opt4_live"] + ["../../../%s/opt4/live/opt4_live" % lib for lib in ("lib", "lib64", "lib/*")]
    for path in (p for place in places for p in sorted(glob.glob(os.path.normpath(os.path.join(glob.escape(here), place))))):
        if os.path.isfile(os.path.join(path, "files.py")):
            package = sys.modules.setdefault("opt4_walk", types.ModuleType("opt4_walk"))
            package.__path__ = [path]      # without what that package does when it is imported
            return importlib.import_module("opt4_walk.files")
    return None


def _columns(dataset):
    """The dataset's lists of files; where there is none, of what would be files if they were there: which are not is said later."""
    walker = _walker()
    if walker is None:
        return []

    class Gone(walker.Walk):
        def _exists(self, path, wanted):
            return super()._exists(path, wanted) or (stat.S_ISREG(wanted) and b"/" in os.fsencode(path))
    return walker.Walk(dataset, len(dataset)).columns or Gone(dataset, len(dataset)).columns[:1]


def _plain(dataset):
    """Its attributes, none of them computed."""
    return _walker().columns.own(dataset)


def _read(dataset, columns):
    """Of several lists those that are read: some samples are fetched, in a process of their own, for that may draw from generators. All where none
    can be fetched, or nobody sees how it is read."""
    here, samples = os.fsencode(os.getcwd()), sorted({0, len(dataset) // 2, len(dataset) - 1})
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        opened = set()
        try:
            os.dup2(2, 1)
            sys.addaudithook(lambda event, args: opened.add(absolute(os.fsencode(args[0]), here)) if event == "open" and isinstance(args[0], PATHS) else None)
            for i in samples:
                dataset[i]
        except BaseException:
            pass
        finally:
            os.write(w, bytes(any(absolute(c.at(i), here) in opened for i in samples) for c in columns))
            os._exit(0)
    os.close(w)
    with open(r, "rb") as f:
        seen = f.read()
    os.waitpid(pid, 0)
    return [c for c, read in zip(columns, seen) if read] or columns


def absolute(path, here):
    """A path (bytes) made absolute from here, as given: symlinks stay, doubled slashes and `.` go. A `..` after a
    name is resolved on the file system, for the name may be a symlink."""
    if not path.startswith(b"/"):
        path = here + b"/" + path
    if b"//" in path or b"/." in path or path.endswith(b"/"):
        if b"/../" in path + b"/":
            head, tail = os.path.split(path)
            head, tail = (path, b"") if tail in (b"", b"..") else (head, tail)
            return os.path.join(os.path.realpath(head), tail) if tail else os.path.realpath(path)
        path = os.path.normpath(path)
        if path.startswith(b"//"):
            path = path[1:]
    return path


class FileTable:
    """The files of all loaders, each once, numbered root by root.

    add(listing) -> handle; then finish(); then number(handle) -> u32[n] index -> file number; roots: list of Root.
    """

    def __init__(self):
        self.listings = []

    def add(self, listing_):
        """Takes a Listing; returns its handle."""
        self.listings.append(listing_)
        return len(self.listings) - 1

    def finish(self, progress):
        """Makes the tables and asks every file for its size. Raises TraceError for a file that is not there."""
        prefixes = self._prefixes()
        found = {p: {} for p in prefixes}
        order = sorted(prefixes, key=len, reverse=True)
        where = []
        for l in self.listings:
            mine = []
            for path in l.paths:
                table = None
                for p in order:
                    if path.startswith(p):
                        table = found[p]
                        break
                mine.append((p, table.setdefault(path, len(table))))
            where.append(mine)
        first, n = {}, 0
        for p in prefixes:
            first[p] = n
            n += len(found[p])
        self.numbers = [np.fromiter((first[p] + i for p, i in mine), np.uint32, len(mine)) for mine in where]
        del where
        bar = progress("sizes", n)
        self.roots = []
        for p in prefixes:
            sizes = _sizes(found[p], bar)
            files = [path[len(p):] for path in found.pop(p)]
            self.roots.append(Root(p[:-1], files, sizes))
        bar.close()
        self.listings = [None] * len(self.listings)

    def number(self, handle):
        """u32[n]: the file number of each index of the listing's dataset."""
        return self.numbers[handle]

    def _prefixes(self):
        """The roots, each with a slash at its end, in the order in which they come; none within another."""
        roots = []
        for l in self.listings:
            own = sorted(r + b"/" for r in l.roots if r != b"/")
            stray = {os.path.dirname(p) for p in l.paths if not any(p.startswith(r) for r in own)} if own else \
                set(map(os.path.dirname, l.paths))
            for r in own + _common(stray):
                if any(p.startswith(r) for p in l.paths) and r not in roots:
                    roots.append(r)
        return [r for r in roots if not any(r != o and r.startswith(o) for o in roots)]


def _common(dirs):
    """The folders (with a slash at their end) that hold all dirs, as few as can be, but never `/` or $HOME itself,
    which opt4 takes for no root."""
    if not dirs:
        return []
    top = os.path.commonpath(list(dirs))
    if top not in (b"/", os.fsencode(os.path.expanduser("~"))):
        return [top + b"/"]
    if top in dirs:
        raise TraceError("%s: files that lie right in it can't be traced; move the dataset into a folder"
                         % os.fsdecode(top))
    depth = len(top.rstrip(b"/")) + 1
    groups = {}
    for d in sorted(dirs):
        groups.setdefault(d[depth:].split(b"/")[0], set()).add(d)
    return [r for g in groups.values() for r in _common(g)]


def _sizes(paths, bar):
    """u64[n] bytes of each file; several at a time, for stores where each answer takes long."""
    def size(chunk):
        out = np.empty(len(chunk), np.uint64)
        for i, p in enumerate(chunk):
            out[i] = os.stat(p).st_size
        bar(len(chunk))
        return out
    paths = list(paths)
    try:
        with ThreadPoolExecutor(16) as pool:
            done = list(pool.map(size, (paths[i:i + 512] for i in range(0, len(paths), 512))))
    except OSError as e:
        raise TraceError("%s: %s; the dataset names it: make it name files that can be opened from here" % (os.fsdecode(e.filename), e.strerror))
    return np.concatenate(done or [np.empty(0, np.uint64)])
