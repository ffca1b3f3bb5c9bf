"""Indices that are no places in the dataset: names, ids, tuples, objects; and batches of other shapes. For kinds.py."""
import dataclasses
import enum
import os
import pathlib
import random
import uuid
from collections import namedtuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler, SubsetRandomSampler

from reach import Base, digest, listed, load

EPOCHS = 4


def pictures(top):
    return listed(top, "clip")[:400]


class Drawn(Sampler):
    """Its keys in another order each epoch, one by one or as batches that `make` makes of a list."""

    def __init__(self, keys, make=None):
        self.keys, self.make, self.epoch = list(keys), make, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = random.Random(self.epoch).sample(range(len(self.keys)), len(self.keys))
        if not self.make:
            return (self.keys[i] for i in order)
        return (self.make([self.keys[i] for i in order[b:b + 8]]) for b in range(0, len(order), 8))

    def __len__(self):
        return len(self.keys) // (8 if self.make else 1)


class Sized(Drawn):
    """(index, size): another size each time. As a list, or a dict."""
    kind = tuple

    def __iter__(self):
        draw = random.Random(self.epoch)
        for i in draw.sample(self.keys, len(self.keys)):
            size = draw.choice((320, 480, 640))
            yield {"index": i, "size": size} if self.kind is dict else self.kind((i, size))


class SizedLists(Sized):
    kind = list


class SizedDicts(Sized):
    kind = dict


class Keyed(Base):
    """A dict of files."""

    def __init__(self, files):
        self.files_of, self.n = files, len(files)

    def __getitem__(self, key):
        return digest(load(self.files_of[key]))


class NoLength(Keyed):
    __len__ = None


class Places(Keyed):
    """Whatever is beside the index, it is the file's."""

    def __getitem__(self, index):
        i = index["index"] if isinstance(index, dict) else index[0]
        return digest(load(self.files_of[int(i)]))


class Classes(Base):
    """(class, number) of a dict of lists; its length is what it is called with."""

    def __init__(self, top):
        self.of = {"c%d" % c: listed(top, "clip/c%d" % c)[:100] for c in range(4)}
        self.n = 400

    def __getitem__(self, key):
        return digest(load(self.of[key[0]][key[1]]))


@dataclasses.dataclass(frozen=True)
class Key:
    group: str
    number: int
    note: list = dataclasses.field(default_factory=list, compare=False, hash=False)


class Plain:
    """Nothing but itself."""


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __hash__(self):
        return hash((self.a, self.b))

    def __eq__(self, other):
        return (self.a, self.b) == (other.a, other.b)


Frame = namedtuple("Frame", "video frame")
Number = enum.Enum("Number", ["N%03d" % i for i in range(400)])


def one(dataset, workers, sampler, size=8, **more):
    loader = DataLoader(dataset, size, sampler=sampler, num_workers=workers, **more)
    for epoch in range(EPOCHS):
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        yield from loader
        yield None


def keyed(key, kind=Keyed, sampler=Drawn, **more):
    """A job: key(i, path) is what the sampler yields for each file."""
    def job(top, w):
        files = {key(i, p): p for i, p in enumerate(pictures(top))}
        return one(kind(files), w, sampler(list(files)), **more)
    return job


def classes(top, w):
    return one(Classes(top), w, Drawn([("c%d" % (i % 4), i // 4) for i in range(400)]))


def numbered_classes(top, w):
    """.. both of them numbers."""
    d = Classes(top)
    d.of = {c: d.of["c%d" % c] for c in range(4)}
    return one(d, w, Drawn([(i % 4, i // 4) for i in range(400)]))


def places(sampler):
    return lambda top, w: one(Places(dict(enumerate(pictures(top)))), w, sampler(range(400)))


class Listed(Base):
    def __init__(self, top):
        self.ask = pictures(top).__getitem__
        self.n = 400

    def __getitem__(self, i):
        return digest(load(self.ask(int(i))))


def batched(make):
    """A batch sampler whose batches are no lists."""
    def job(top, w):
        sampler = Drawn(range(400), make)
        loader = DataLoader(Listed(top), batch_sampler=sampler, num_workers=w)
        for epoch in range(EPOCHS):
            sampler.set_epoch(epoch)
            yield from loader
            yield None
    return job


def once(top, w):
    """Batches that can be gone through but once."""
    return batched(iter if not w else list)(top, w)


KINDS = {
    "key-name": keyed(lambda i, p: os.path.basename(p)), "key-path": keyed(lambda i, p: pathlib.Path(p)), "key-bytes": keyed(lambda i, p: os.fsencode(p)),
    "key-id": keyed(lambda i, p: 139 + 37 * i), "key-ids": keyed(lambda i, p: 139 + 37 * i, sampler=SubsetRandomSampler),
    "key-names": keyed(lambda i, p: "%06d" % i, sampler=SubsetRandomSampler), "key-digits": keyed(lambda i, p: "%d" % i),
    "key-no-length": keyed(lambda i, p: p, NoLength), "key-dataclass": keyed(lambda i, p: Key("g%d" % (i % 7), i)),
    "key-slots": keyed(lambda i, p: Slotted("g%d" % (i % 7), i)), "key-numpy": keyed(lambda i, p: np.str_(p)), "key-uuid": keyed(lambda i, p: uuid.UUID(int=i << 64)),
    "key-namedtuple": keyed(lambda i, p: Frame("v%d" % (i // 10), i % 10)), "key-set": keyed(lambda i, p: frozenset((i // 20, 100 + i % 20))),
    "key-enum": keyed(lambda i, p: list(Number)[i]), "key-itself": keyed(lambda i, p: Plain()), "key-float": keyed(lambda i, p: i / 8),
    "key-alone": keyed(lambda i, p: p, size=None), "key-tuple-alone": keyed(lambda i, p: ("v%d" % (i // 10), i % 10), size=None),
    "class-number": classes, "numbered-class": numbered_classes, "index-size": places(Sized), "index-size-list": places(SizedLists), "index-size-dict": places(SizedDicts),
    "batch-array": batched(np.array), "batch-tensor": batched(torch.tensor), "batch-tuple": batched(tuple), "batch-once": once,
}
UNKNOWN = {"key-itself", "batch-once"}
