"""Keys: numbers that stand for what a sampler yields where that is no place in the dataset (a name, an id, a tuple, an object with fields), the same in any
process for what is equal. By its content, as it plainly is: no __hash__, __eq__, __repr__ or property of the program's runs."""

import os
import types
from pathlib import PurePath
from zlib import crc32

from . import columns

DEEP, NODES, BYTES = 8, 256, 1 << 16
SLOT = type(object.__repr__)       # what C's own __repr__ is


def fields(thing):
    """An object's attributes, those in slots too; of a dataclass what it compares."""
    found = dict(columns.own(thing))
    kind = type(thing)
    for c in kind.__mro__:
        for name, value in list(type.__getattribute__(c, "__dict__").items()):
            if type(value) is types.MemberDescriptorType and c.__module__ != "builtins":
                try:
                    found[name] = value.__get__(thing)
                except AttributeError:
                    pass
    for c in kind.__mro__:
        said = type.__getattribute__(c, "__dict__").get("__dataclass_fields__")
        if type(said) is dict:
            return {n: found[n] for n, f in said.items() if getattr(f, "compare", True) and n in found}
    return found


class _Content:
    """Adds up what a thing is. TypeError: nobody can tell by looking at it."""

    def __init__(self):
        self.left = NODES

    def of(self, x, deep=0):
        self.left -= 1
        if deep > DEEP or self.left < 0:
            raise TypeError("large")
        kind = type(x)
        if issubclass(kind, str):
            return b"s" + str.encode(x, "utf-8", "surrogatepass")
        if issubclass(kind, int):
            return b"n" + int.__repr__(x).encode()
        if issubclass(kind, float):
            return b"n" + (int.__repr__(float.__int__(x)) if float.is_integer(x) else float.__repr__(x)).encode()
        if issubclass(kind, (bytes, bytearray)):
            return b"b" + memoryview(x).tobytes()
        if issubclass(kind, (tuple, list)):
            return b"(" + self.joined([self.of(v, deep + 1) for v in columns.all_of(x)])
        if issubclass(kind, (set, frozenset)):
            return b"{" + self.joined(sorted(self.of(v, deep + 1) for v in (set if issubclass(kind, set) else frozenset).__iter__(x)))
        if issubclass(kind, dict):
            return b"{" + self.joined(sorted(self.of(pair, deep + 1) for pair in dict.items(x)))
        if issubclass(kind, PurePath):
            return b"s" + os.fsencode(PurePath.__str__(x))
        if issubclass(kind, columns.of("numpy", "generic") or ()):
            value = x.item()
            return self.of(value, deep + 1) if type(value) is not kind else b"r" + repr(x).encode()
        if kind is columns.of("numpy", "ndarray") or kind is columns.of("torch", "Tensor") and x.device.type == "cpu":
            if x.nbytes > BYTES if hasattr(x, "nbytes") else x.numel() > NODES:
                raise TypeError("large")
            return self.of(x.tolist(), deep + 1)
        if issubclass(kind, (type, types.FunctionType, types.BuiltinFunctionType)):
            return b"t" + ("%s.%s" % (x.__module__, x.__qualname__)).encode()
        own = fields(x)
        if own:
            return b"o" + self.joined([kind.__qualname__.encode()] + sorted(self.of(pair, deep + 1) for pair in own.items()))
        if type(kind.__repr__) is SLOT and kind.__repr__ is not object.__repr__ and not hasattr(kind, "__iter__"):
            return b"r" + repr(x).encode()
        raise TypeError("no content")

    @staticmethod
    def joined(parts):
        return b"".join(b"%d:%b" % (len(p), p) for p in parts)


def number(index):
    """The key of an index, 1 .. 2^32 - 1; 0: it has none."""
    try:
        return crc32(b"s" + index.encode("utf-8", "surrogatepass") if type(index) is str else _Content().of(index)) or 1
    except Exception:
        return 0
