"""numbers_of.py FOLDER: the keys of what samplers yield (opt4_live in FOLDER): equal for what is equal, others for others, by nothing of the program's. Prints them: they are to be
the same in each process."""
import dataclasses
import datetime
import decimal
import enum
import fractions
import importlib.util
import os
import pathlib
import sys
import uuid
from collections import namedtuple

import numpy as np
import torch

spec = importlib.util.spec_from_file_location("opt4_live", os.path.join(sys.argv[1], "opt4_live", "__init__.py"))
sys.modules["opt4_live"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from opt4_live import keys, samplers  # noqa: E402

Pair = namedtuple("Pair", "a b")
Color = enum.Enum("Color", "RED GREEN")


@dataclasses.dataclass(frozen=True)
class Data:
    a: str
    b: int
    note: object = dataclasses.field(default=None, compare=False)


class Loud:
    """Whose code is not to run."""
    __slots__ = ("a", "__dict__")

    def loud(self, *args):
        raise SystemExit("the program's code ran")
    __hash__ = __eq__ = __repr__ = __str__ = __len__ = __iter__ = __getattribute__ = __getattr__ = __index__ = __int__ = __fspath__ = __reduce_ex__ = __float__ = loud
    value = property(loud)


def loud(a, b):
    x = object.__new__(Loud)
    x.a, x.b = a, b
    return x


class Text(str):
    def loud(self, *args):
        raise SystemExit("the program's code ran")
    __hash__ = __eq__ = __repr__ = __str__ = encode = loud


def loop():
    x = []
    x.append(x)
    return x


EQUAL = [
    (1, 1.0, True, np.int64(1), np.float32(1), torch.tensor(1)), ("a", np.str_("a"), Text("a")), (b"a", bytearray(b"a")), ((1, "a"), Pair(1, "a"), (np.int8(1), "a")),
    (frozenset("abc"), frozenset("cba")), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (Data("a", 1), Data("a", 1, object())), (loud("a", 1), loud("a", 1)),
    (pathlib.Path("a/b"), pathlib.PurePath("a//b")), (uuid.UUID(int=5), uuid.UUID(int=5)), (np.array([3, 4]), torch.tensor([3, 4])),
    ("",), ((),), (None,), (-1,), (-2,), (.5,), ("1",), (("1",),), (b"1",), (("a", "bc"),), (("ab", "c"),), ((1, 2),), ((2, 1),), (((1,), 2),), (Color.RED,), (Color.GREEN,),
    (datetime.date(2020, 1, 2),), (decimal.Decimal("1.5"),), (fractions.Fraction(1, 3),), (Data("b", 1),), (loud("b", 1),), (loud("a", 2),), (10 ** 30,), ("\ud800",), (int,),
    (os.getcwd,),
]
found = [{keys.number(x) for x in group} for group in EQUAL]
assert all(len(f) == 1 for f in found), [g for g, f in zip(EQUAL, found) if len(f) > 1]
assert 0 not in set.union(*found) and len(set.union(*found)) == len(EQUAL), [g for g, f in zip(EQUAL, found) if 0 in f]
for nothing in object(), object.__new__(type("Bare", (), {})), loop(), [0] * 1000, torch.zeros(1 << 20), iter(()), (x for x in ()):
    assert keys.number(nothing) == 0, nothing
for index, number in ((5, 5), (np.int64(5), 5), (torch.tensor(5), 5), ((True, 5), 5), ([5, 320], 5), ({"i": 5, "size": "s"}, 5), (Pair("a", 5), 5), (Data("a", 5), 5)):
    assert samplers.number(index) == number, index
for index in "5", b"5", 5.0, None, ("a", "b"), loud("a", "b"), object(), np.str_("5"), np.float64(5):
    try:
        raise SystemExit("%r is %r" % (type(index), samplers.number(index)))
    except TypeError:
        pass
print([min(f) for f in found])
