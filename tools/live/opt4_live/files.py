"""Which file each sample of a map-style dataset is, as far as the dataset's own lists tell: a guess that buys the first
epoch's order. What is opened while samples are fetched (fetches.py) has the last word.

The dataset is walked: its attributes, those of what it wraps, lists, arrays, dicts and tables of as many entries as it has
samples, lists of indices into longer ones, names that lie in a folder which another attribute names. Only what is plainly
there is looked at: no property, __getattr__, __len__ or __getitem__ of the program's runs for us."""

import os
import stat
import zlib
from itertools import islice

from . import columns
from .columns import Column, Joined
from .roots import PAGE

NODES, DEEP, WIDE = 400, 6, 4096   # objects that are looked at, how deep, and keys of one dict
STATS = 48                         # questions to the file system
COLUMNS = 6                        # lists of files
AT_ONCE, LOOKED_AT = 64, 8192      # files whose sizes are asked for before the first batch; and beside it
SOME = 16                          # entries of a list that its content is known by


def _parts(entry):
    """(part, value) of what one entry of a list may be."""
    if columns.is_path(entry):
        yield None, entry
    elif isinstance(entry, dict):
        for key in islice(dict.keys(entry), 32):
            yield key, dict.get(entry, key)
    elif isinstance(entry, (list, tuple)):
        for k in range(min(8, columns.length(entry))):
            yield k, columns.at(entry, k)
    elif entry is not None and not isinstance(entry, (int, float, complex, type)):
        for key, value in islice(columns.own(entry).items(), 32):
            yield (key,), value


class Walk:
    """All that a dataset of n samples says of its files. columns: lists of files, one entry a sample. content: a number that
    is the same for every dataset of this class with the same lists, in any process."""

    def __init__(self, dataset, n):
        self.stats, self.nodes, self.columns = STATS, NODES, []
        self.sums = zlib.crc32(("%s.%s %d" % (type(dataset).__module__, type(dataset).__qualname__, n)).encode())
        self.there = {}
        self.seen = set()
        try:
            if n > 0:
                self.columns = self._walk(dataset, n)
        except Exception:
            pass
        self.content = self.sums
        self.seen = self.there = None

    # ---- content ----

    def _count_in(self, what):
        self.sums = zlib.crc32(what, self.sums)

    def _count_list(self, values):
        n = columns.length(values)
        for i in range(0, n, max(1, n // SOME)):
            for _, value in _parts(columns.at(values, i)):
                if columns.is_path(value):
                    self._count_in(os.fsencode(value))
            if columns.is_index(columns.at(values, i)):
                self._count_in(b"%d" % int(columns.at(values, i)))

    # ---- files ----

    def _exists(self, path, wanted):
        path = os.fsencode(path)
        if path not in self.there:
            if self.stats <= 0:
                return False
            self.stats -= 1
            try:
                self.there[path] = stat.S_IFMT(os.stat(path).st_mode)
            except (OSError, ValueError):
                self.there[path] = 0
        return self.there[path] == wanted

    def _place(self, values, places, part, folders):
        """The folder in which the names of this list lie, b"" where they are whole paths, None: these are no files."""
        names = [columns.part_of(columns.at(values, i), part) if part is not None else columns.at(values, i) for i in places]
        if not all(map(columns.is_path, names)) or not all(names):
            return None
        names = [os.fsencode(x) for x in names]
        if any(len(x) > 4000 or b"\0" in x for x in names):
            return None
        alone = [b""] if all(b"/" in x or b"." in x for x in names) else []
        for folder in alone + [f for f in folders if not names[0].startswith(b"/")][:6]:
            if all(self._exists(os.path.join(folder, x) if folder else x, stat.S_IFREG) for x in names):
                return folder
        return None

    def _files(self, values, n, indices, folders):
        """Columns that a list is, for the samples that `indices` (None: all) names."""
        if columns.length(values) <= 0 or self.stats <= 0:
            return []
        last = n - 1
        places = [0, n // 2, last] if indices is None else [int(columns.at(indices, i)) for i in (0, n // 2, last)]
        if indices is None and columns.length(values) != n or not all(-columns.length(values) <= p < columns.length(values) for p in places):
            return []
        found = []
        for part, value in _parts(columns.at(values, places[0])):
            if columns.is_path(value) and len(found) < COLUMNS:
                folder = self._place(values, sorted(set(places)), part, folders)
                if folder is not None:
                    found.append(Column(values, part, folder, indices))
        return found

    # ---- the walk ----

    def _children(self, thing):
        """(values that may be lists, folders, objects inside) of an object."""
        lists, folders, inside = [], [], []
        items = list(islice(columns.own(thing).items(), WIDE)) + list(columns.classwide(thing))
        if isinstance(thing, dict):
            items = list(islice(dict.items(thing), WIDE))
        elif isinstance(thing, (list, tuple)):
            items = list(enumerate(islice(columns.all_of(thing), 16)))
        for _, value in items:
            if isinstance(value, (str, os.PathLike)) and columns.is_path(value):
                folders.append(os.fsencode(value))
                self._count_in(folders[-1])
            elif type(value) is columns.of("pandas", "DataFrame"):
                lists += [value.iloc[:, k] for k in range(min(64, value.shape[1]))]
            elif columns.length(value) >= 0:
                lists.append(value)
                if 0 < columns.length(value) <= 16:
                    inside.append(value)
            elif isinstance(value, dict):
                lists += self._dict(value)
                inside.append(value)
            elif not isinstance(value, (type, int, float, complex, bytes, type(os))) and not callable(value) and value is not None:
                inside.append(value)
            elif callable(value) and columns.own(value) and not isinstance(value, type) and not type(value).__module__ == "builtins":
                inside.append(value)
        return lists, folders, inside

    def _dict(self, value):
        """A dict as lists: its keys, its values, all that lists among its values hold."""
        if not value or len(value) > 1 << 21:
            return []
        first = next(iter(dict.values(value)))
        out = []
        if columns.length(first) > 0 and columns.is_path(columns.at(first, 0)) and len(value) <= WIDE:
            flat = []
            for v in dict.values(value):
                if columns.length(v) >= 0:
                    flat.extend(columns.all_of(v))
            out.append(flat)
        elif columns.is_path(first) or isinstance(first, (dict, list, tuple)):
            out.append(list(dict.values(value)))
        key = next(iter(value))
        if isinstance(key, str) and (os.sep in key or "." in key):
            out.append(list(dict.keys(value)))
        return out

    def _walk(self, top, n):
        if columns.is_a(top, "torch.utils.data", "ConcatDataset"):
            return self._concat(top, n)
        todo, found, folders, waiting, indices = [(top, 0)], [], [], [], []
        while todo and self.nodes > 0 and len(found) < COLUMNS:
            thing, deep = todo.pop(0)
            if id(thing) in self.seen:
                continue
            self.seen.add(id(thing))
            self.nodes -= 1
            if thing is not top and columns.is_a(thing, "torch.utils.data", "ConcatDataset"):
                size = columns.length(columns.own(thing).get("cumulative_sizes")) > 0 and columns.at(columns.own(thing)["cumulative_sizes"], -1)
                if size == n:
                    found += self._concat(thing, n)
                elif size and indices:
                    waiting.append((columns.Later(self._concat(thing, size)), folders))
                continue
            lists, names, inside = self._children(thing)
            folders = folders + self._folders(names)
            for values in lists:
                if columns.length(values) == n:
                    self._count_list(values)
                    if columns.is_index(columns.at(values, 0)):
                        indices.append(values)
                    else:
                        found += self._files(values, n, None, folders)
                elif columns.length(values) > 0 and not columns.is_index(columns.at(values, 0)):
                    waiting.append((values, folders))
            if deep < DEEP:
                todo += [(x, deep + 1) for x in inside]
        if not found:
            for index in indices:
                for values, where in waiting:
                    if isinstance(values, columns.Later):
                        found += values.subset(index)
                    else:
                        found += self._files(values, n, index, where + folders)
                if found:
                    self._count_in(b"subset")
                    for values, _ in waiting:
                        if not isinstance(values, columns.Later):
                            self._count_list(values)
                    break
        return _different(found)

    def _folders(self, names):
        """Those of these strings that are folders; and of several such that one lies in another's, both."""
        found = []
        for name in names:
            if name and len(name) < 4000 and b"\0" not in name:
                if (b"/" in name or b"." in name or self.stats > STATS // 2) and self._exists(name, stat.S_IFDIR):
                    found.append(name)
        for name in names:
            for folder in list(found):
                if name and not name.startswith(b"/") and b"\0" not in name and self.stats > STATS // 2 and self._exists(
                        os.path.join(folder, name), stat.S_IFDIR):
                    found.append(os.path.join(folder, name))
        return found

    def _concat(self, thing, n):
        own = columns.own(thing)
        parts, ends = own.get("datasets"), own.get("cumulative_sizes")
        if columns.length(parts) <= 0 or columns.length(ends) != columns.length(parts):
            return []
        begin, found = 0, []
        for part, end in zip(columns.all_of(parts), columns.all_of(ends)):
            found.append(self._walk(part, end - begin))
            begin = end
        if begin != n or not all(found):
            return []
        return [Joined([c[k] for c in found]) for k in range(min(map(len, found)))]


def _different(found):
    """Each list once: ImageFolder's samples are its imgs."""
    known, out = set(), []
    for c in found:
        ends = c.at(0), c.at(c.n // 2), c.at(c.n - 1)
        if ends not in known:
            known.add(ends)
            out.append(c)
    return out


def absolute(path, here=None):
    path = os.fsencode(path)
    if not path.startswith(b"/"):
        path = (here or os.fsencode(os.getcwd()) + b"/") + path
    if b"//" in path or b"/." in path:
        path = os.path.normpath(path)
    return path


def packed(column):
    """All paths, absolute, each with a NUL: what the library reads."""
    here = os.fsencode(os.getcwd()) + b"/"
    return b"\0".join(absolute(p, here) if p else b"" for p in column.all()) + b"\0"


def _pages(path):
    try:
        return -(-os.stat(path).st_size // PAGE) if path else 0
    except OSError:
        return 0


def size(lists):
    """(bytes that the files take in whole pages, what the guess is to be made right by): the files that a process of its own is to look
    at, packed, and how many there are; None: there are so few that each has been looked at."""
    n = sum(c.n for c in lists)
    if n <= LOOKED_AT:
        paths = {c.at(i) for c in lists for i in range(c.n)}       # a file that two lists name is there once
        n = len(paths)
    else:
        step = n / LOOKED_AT
        paths = {c.at(int(k * step)) for c in lists for k in range(int(c.n / step))}
    paths = [p for p in paths if p]
    if not paths:
        return 0, None
    here = os.fsencode(os.getcwd()) + b"/"
    if n <= AT_ONCE:
        return sum(map(_pages, paths)) * PAGE, None
    some_ = paths[::-(-len(paths) // AT_ONCE)]
    guess = sum(map(_pages, some_)) * n // len(some_) * PAGE
    return guess - guess // 10, (n, b"\0".join(absolute(p, here) for p in paths) + b"\0")


def some(lists):
    """A thousand of their files, absolute."""
    return [absolute(p) for c in lists for p in (c.at(i) for i in range(0, c.n, max(1, c.n // 1000))) if p]
