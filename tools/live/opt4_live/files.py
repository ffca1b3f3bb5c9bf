"""Which file each sample of a map-style dataset is, as far as the dataset's own lists tell: a guess that buys the first
epoch's order. What is opened while samples are fetched (fetches.py) has the last word.

The dataset is walked: its attributes, those of what it wraps, lists, arrays, dicts and tables of as many entries as it has
samples, lists of indices into longer ones, names that lie in a folder which another attribute names. Only what is plainly
there is looked at: no property, __getattr__, __len__ or __getitem__ of the program's runs for us."""

import os
import stat
import sys
import zlib
from itertools import islice

PATHS = (str, bytes, os.PathLike)
NODES, DEEP, WIDE = 400, 6, 4096   # objects that are looked at, how deep, and keys of one dict
STATS = 48                         # questions to the file system
COLUMNS = 6                        # lists of files
SOME = 16                          # entries of a list that its content is known by


def _own(thing):
    """An object's attributes as they plainly are, after those of its classes."""
    try:
        own = object.__getattribute__(thing, "__dict__")
    except Exception:
        return {}
    return own if type(own) is dict else {}


def _classwide(thing):
    for kind in type(thing).__mro__[:-1]:
        if kind.__module__ != "builtins":
            for name, value in type.__getattribute__(kind, "__dict__").items():
                if type(value) in (list, tuple, dict):
                    yield name, value


def _of(module, name):
    return getattr(sys.modules.get(module), name, None)


def _is(thing, module, name):
    kind = _of(module, name)
    return isinstance(kind, type) and isinstance(thing, kind)


def _length(values):
    """Entries of a list, tuple, array or table's column; -1: it is none of these."""
    if isinstance(values, list):
        return list.__len__(values)
    if isinstance(values, tuple):
        return tuple.__len__(values)
    if type(values) is range:
        return len(values)
    if _is(values, "numpy", "ndarray"):
        return values.shape[0] if values.ndim else -1
    if type(values) is _of("pandas", "Series") or type(values) is _of("torch", "Tensor") and values.dim() == 1:
        return len(values)
    return -1


def _at(values, i):
    if isinstance(values, list):
        return list.__getitem__(values, i)
    if isinstance(values, tuple):
        return tuple.__getitem__(values, i)
    if type(values) is _of("pandas", "Series"):
        return values.iloc[i]
    if type(values) is _of("torch", "Tensor"):
        return int(values[i])
    return values[i]


def _all(values):
    if isinstance(values, list):
        return list.__iter__(values)
    if isinstance(values, tuple):
        return tuple.__iter__(values)
    return iter(values.tolist()) if hasattr(values, "tolist") else iter(values)


def _is_path(entry):
    return isinstance(entry, (str, bytes)) or isinstance(entry, os.PathLike) and type(entry).__module__.startswith("pathlib")


def _is_index(entry):
    return type(entry) is int or type(entry).__module__ == "numpy" and hasattr(entry, "dtype") and entry.dtype.kind in "iu"


class Column:
    """A list that names a file for each sample: entries, which part of each is the name, the folder that it lies in, and
    indices (the samples' places in the list; None: in its order)."""

    def __init__(self, entries, part, folder, indices):
        self.entries, self.part, self.folder, self.indices = entries, part, folder, indices
        self.n = _length(entries if indices is None else indices)

    def _name(self, entry):
        if self.part is not None:
            entry = _part(entry, self.part)
        if not _is_path(entry):
            return b""
        name = os.fsencode(entry)
        return os.path.join(self.folder, name) if self.folder else name

    def at(self, i):
        return self._name(_at(self.entries, i if self.indices is None else int(_at(self.indices, i))))

    def all(self):
        if self.indices is None:
            return map(self._name, _all(self.entries))
        entries = self.entries if isinstance(self.entries, (list, tuple)) else list(_all(self.entries))
        return (self._name(_at(entries, int(i))) for i in _all(self.indices))


class Joined:
    """Columns one after the other."""

    def __init__(self, parts):
        self.parts = parts
        self.n = sum(p.n for p in parts)

    def at(self, i):
        for p in self.parts:
            if i < p.n:
                return p.at(i)
            i -= p.n
        return b""

    def all(self):
        for p in self.parts:
            yield from p.all()


def _part(entry, part):
    if isinstance(part, tuple):          # an attribute
        return _own(entry).get(part[0])
    if isinstance(entry, dict):
        return dict.get(entry, part)
    if isinstance(entry, (list, tuple)) and type(part) is int and part < _length(entry):
        return _at(entry, part)
    return None


def _parts(entry):
    """(part, value) of what one entry of a list may be."""
    if _is_path(entry):
        yield None, entry
    elif isinstance(entry, dict):
        for key in islice(dict.keys(entry), 32):
            yield key, dict.get(entry, key)
    elif isinstance(entry, (list, tuple)):
        for k in range(min(8, _length(entry))):
            yield k, _at(entry, k)
    elif entry is not None and not isinstance(entry, (int, float, complex, type)):
        for key, value in islice(_own(entry).items(), 32):
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
        n = _length(values)
        for i in range(0, n, max(1, n // SOME)):
            for _, value in _parts(_at(values, i)):
                if _is_path(value):
                    self._count_in(os.fsencode(value))
            if _is_index(_at(values, i)):
                self._count_in(b"%d" % int(_at(values, i)))

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
        names = [_part(_at(values, i), part) if part is not None else _at(values, i) for i in places]
        if not all(map(_is_path, names)) or not all(names):
            return None
        names = [os.fsencode(x) for x in names]
        if any(len(x) > 4000 or b"\n" in x or b"\0" in x for x in names):
            return None
        alone = [b""] if all(b"/" in x or b"." in x for x in names) else []
        for folder in alone + [f for f in folders if not names[0].startswith(b"/")][:6]:
            if all(self._exists(os.path.join(folder, x) if folder else x, stat.S_IFREG) for x in names):
                return folder
        return None

    def _files(self, values, n, indices, folders):
        """Columns that a list is, for the samples that `indices` (None: all) names."""
        if _length(values) <= 0 or self.stats <= 0:
            return []
        last = n - 1
        places = [0, n // 2, last] if indices is None else [int(_at(indices, i)) for i in (0, n // 2, last)]
        if indices is None and _length(values) != n or not all(-_length(values) <= p < _length(values) for p in places):
            return []
        found = []
        for part, value in _parts(_at(values, places[0])):
            if _is_path(value) and len(found) < COLUMNS:
                folder = self._place(values, sorted(set(places)), part, folders)
                if folder is not None:
                    found.append(Column(values, part, folder, indices))
        return found

    # ---- the walk ----

    def _children(self, thing):
        """(values that may be lists, folders, objects inside) of an object."""
        lists, folders, inside = [], [], []
        items = list(islice(_own(thing).items(), WIDE)) + list(_classwide(thing))
        if isinstance(thing, dict):
            items = list(islice(dict.items(thing), WIDE))
        elif isinstance(thing, (list, tuple)):
            items = list(enumerate(islice(_all(thing), 16)))
        for _, value in items:
            if isinstance(value, (str, os.PathLike)) and _is_path(value):
                folders.append(os.fsencode(value))
                self._count_in(folders[-1])
            elif type(value) is _of("pandas", "DataFrame"):
                lists += [value.iloc[:, k] for k in range(min(64, value.shape[1]))]
            elif _length(value) >= 0:
                lists.append(value)
                if 0 < _length(value) <= 16:
                    inside.append(value)
            elif isinstance(value, dict):
                lists += self._dict(value)
                inside.append(value)
            elif not isinstance(value, (type, int, float, complex, bytes, type(os))) and not callable(value) and value is not None:
                inside.append(value)
            elif callable(value) and _own(value) and not isinstance(value, type) and not type(value).__module__ == "builtins":
                inside.append(value)
        return lists, folders, inside

    def _dict(self, value):
        """A dict as lists: its keys, its values, all that lists among its values hold."""
        if not value or len(value) > 1 << 21:
            return []
        first = next(iter(dict.values(value)))
        out = []
        if _length(first) > 0 and _is_path(_at(first, 0)) and len(value) <= WIDE:
            flat = []
            for v in dict.values(value):
                if _length(v) >= 0:
                    flat.extend(_all(v))
            out.append(flat)
        elif _is_path(first) or isinstance(first, (dict, list, tuple)):
            out.append(list(dict.values(value)))
        key = next(iter(value))
        if isinstance(key, str) and (os.sep in key or "." in key):
            out.append(list(dict.keys(value)))
        return out

    def _walk(self, top, n):
        if _is(top, "torch.utils.data", "ConcatDataset"):
            return self._concat(top, n)
        todo, found, folders, waiting, indices = [(top, 0)], [], [], [], []
        while todo and self.nodes > 0 and len(found) < COLUMNS:
            thing, deep = todo.pop(0)
            if id(thing) in self.seen:
                continue
            self.seen.add(id(thing))
            self.nodes -= 1
            if thing is not top and _is(thing, "torch.utils.data", "ConcatDataset"):
                size = _length(_own(thing).get("cumulative_sizes")) > 0 and _at(_own(thing)["cumulative_sizes"], -1)
                if size == n:
                    found += self._concat(thing, n)
                elif size and indices:
                    waiting.append((_Later(self._concat(thing, size)), folders))
                continue
            lists, names, inside = self._children(thing)
            folders = folders + self._folders(names)
            for values in lists:
                if _length(values) == n:
                    self._count_list(values)
                    if _is_index(_at(values, 0)):
                        indices.append(values)
                    else:
                        found += self._files(values, n, None, folders)
                elif _length(values) > 0 and not _is_index(_at(values, 0)):
                    waiting.append((values, folders))
            if deep < DEEP:
                todo += [(x, deep + 1) for x in inside]
        if not found:
            for index in indices:
                for values, where in waiting:
                    if isinstance(values, _Later):
                        found += values.subset(index)
                    else:
                        found += self._files(values, n, index, where + folders)
                if found:
                    self._count_in(b"subset")
                    for values, _ in waiting:
                        if not isinstance(values, _Later):
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
        own = _own(thing)
        parts, ends = own.get("datasets"), own.get("cumulative_sizes")
        if _length(parts) <= 0 or _length(ends) != _length(parts):
            return []
        begin, columns = 0, []
        for part, end in zip(_all(parts), _all(ends)):
            columns.append(self._walk(part, end - begin))
            begin = end
        if begin != n or not all(columns):
            return []
        return [Joined([c[k] for c in columns]) for k in range(min(map(len, columns)))]


class _Later:
    """Columns of a dataset of which samples are picked."""

    def __init__(self, columns):
        self.columns = columns

    def subset(self, indices):
        return [_Picked(c, indices) for c in self.columns]


class _Picked:
    def __init__(self, column, indices):
        self.column, self.indices, self.n = column, indices, _length(indices)

    def at(self, i):
        return self.column.at(int(_at(self.indices, i)))

    def all(self):
        whole = list(self.column.all())
        return (whole[int(i)] for i in _all(self.indices))


def _different(columns):
    """Each list once: ImageFolder's samples are its imgs."""
    known, out = set(), []
    for c in columns:
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
        return -(-os.stat(path).st_size // 4096) if path else 0
    except OSError:
        return 0


def size(columns):
    """What the files take in whole pages: of many, from each of so many a sample (to some percent)."""
    total = 0
    for c in columns:
        step = 1 if c.n <= 4096 else c.n / 1024
        some = [c.at(int(k * step)) for k in range(int(c.n / step))]
        if len(some) == c.n:
            total += sum(map(_pages, set(some)))
        else:
            total += sum(map(_pages, some)) * c.n // max(1, len(some))
    return total * 4096


def some(columns):
    """A thousand of their files, absolute."""
    return [absolute(p) for c in columns for p in (c.at(i) for i in range(0, c.n, max(1, c.n // 1000))) if p]
