"""Lists in a dataset that name a file for each sample, and looks at values that run nothing of the program's: no property,
__getattr__, __len__ or __getitem__ of its own."""

import os
import sys


def own(thing):
    """An object's attributes as they plainly are, after those of its classes."""
    try:
        own = object.__getattribute__(thing, "__dict__")
    except Exception:
        return {}
    return own if type(own) is dict else {}


def classwide(thing):
    for kind in type(thing).__mro__[:-1]:
        if kind.__module__ != "builtins":
            for name, value in type.__getattribute__(kind, "__dict__").items():
                if type(value) in (list, tuple, dict):
                    yield name, value


def of(module, name):
    return getattr(sys.modules.get(module), name, None)


def is_a(thing, module, name):
    kind = of(module, name)
    return isinstance(kind, type) and isinstance(thing, kind)


def length(values):
    """Entries of a list, tuple, array or table's column; -1: it is none of these."""
    if isinstance(values, list):
        return list.__len__(values)
    if isinstance(values, tuple):
        return tuple.__len__(values)
    if type(values) is range:
        return len(values)
    if is_a(values, "numpy", "ndarray"):
        return values.shape[0] if values.ndim else -1
    if type(values) is of("pandas", "Series") or type(values) is of("torch", "Tensor") and values.dim() == 1:
        return len(values)
    return -1


def at(values, i):
    if isinstance(values, list):
        return list.__getitem__(values, i)
    if isinstance(values, tuple):
        return tuple.__getitem__(values, i)
    if type(values) is of("pandas", "Series"):
        return values.iloc[i]
    if type(values) is of("torch", "Tensor"):
        return int(values[i])
    return values[i]


def all_of(values):
    if isinstance(values, list):
        return list.__iter__(values)
    if isinstance(values, tuple):
        return tuple.__iter__(values)
    return iter(values.tolist()) if hasattr(values, "tolist") else iter(values)


def is_path(entry):
    return isinstance(entry, (str, bytes)) or isinstance(entry, os.PathLike) and type(entry).__module__.startswith("pathlib")


def is_index(entry):
    return type(entry) is int or type(entry).__module__ == "numpy" and hasattr(entry, "dtype") and entry.dtype.kind in "iu"


class Column:
    """A list that names a file for each sample: entries, which part of each is the name, the folder that it lies in, and
    indices (the samples' places in the list; None: in its order)."""

    def __init__(self, entries, part, folder, indices):
        self.entries, self.part, self.folder, self.indices = entries, part, folder, indices
        self.n = length(entries if indices is None else indices)

    def _name(self, entry):
        if self.part is not None:
            entry = part_of(entry, self.part)
        if not is_path(entry):
            return b""
        name = os.fsencode(entry)
        return os.path.join(self.folder, name) if self.folder else name

    def at(self, i):
        return self._name(at(self.entries, i if self.indices is None else int(at(self.indices, i))))

    def all(self):
        if self.indices is None:
            return map(self._name, all_of(self.entries))
        entries = self.entries if isinstance(self.entries, (list, tuple)) else list(all_of(self.entries))
        return (self._name(at(entries, int(i))) for i in all_of(self.indices))


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


def part_of(entry, part):
    if isinstance(part, tuple):          # an attribute
        return own(entry).get(part[0])
    if isinstance(entry, dict):
        return dict.get(entry, part)
    if isinstance(entry, (list, tuple)) and type(part) is int and part < length(entry):
        return at(entry, part)
    return None


class Later:
    """Columns of a dataset of which samples are picked."""

    def __init__(self, columns):
        self.columns = columns

    def subset(self, indices):
        return [_Picked(c, indices) for c in self.columns]


class _Picked:
    def __init__(self, column, indices):
        self.column, self.indices, self.n = column, indices, length(indices)

    def at(self, i):
        return self.column.at(int(at(self.indices, i)))

    def all(self):
        whole = list(self.column.all())
        return (whole[int(i)] for i in all_of(self.indices))
