"""streams.py ROOT JOB: loaders that take turns or run side by side, each over files of its own, as scripts have them; files are
bytes, not images. Prints `keep`'s reuse at half of the files, by counting alone."""
import random
import sys
from itertools import cycle, islice

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import DatasetFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

BATCH = 8


def load(path):
    with open(path, "rb") as f:
        return f.read()


class Files(DatasetFolder):
    """The first n files of a folder; a sample is its number."""

    def __init__(self, folder, n):
        super().__init__(folder, load, IMG_EXTENSIONS)
        self.samples = self.samples[:n]

    def __getitem__(self, i):
        super().__getitem__(i)
        return i


class Part(DatasetFolder):
    """Some files of a folder."""

    def __init__(self, folder, k):
        super().__init__(folder, load, IMG_EXTENSIONS)
        self.samples, self.first = self.samples[26 * k:26 * k + 26], 26 * k

    def __getitem__(self, i):
        super().__getitem__(i)
        return self.first + i


class Mixed(Files):
    """Each sample opens others beside its own: one after it (mixup), or three in any order (mosaic)."""
    partners = 1

    def __getitem__(self, i):
        several = [i] + random.choices(range(len(self)), k=self.partners)
        if self.partners > 1:
            random.shuffle(several)
        for k in several:
            super().__getitem__(k)
        return i


class Mosaic(Mixed):
    partners = 3


def loader(folder, n, kind=Files, **options):
    return DataLoader(kind(folder, n), BATCH, **options)


class Read:
    """What was read, in order of the batches, for the count."""

    def __init__(self):
        self.files = []

    def go(self, name, it):
        """An epoch of the loader, or what the caller leaves of it."""
        for batch in it:
            self.files += [(name, int(i)) for i in batch]
            yield


def through(r, name, it):
    for _ in r.go(name, it):
        pass


def turns(r, epochs, every=1, **loaders):
    """Epochs of the first; after every so many of them, the others in turn."""
    first = next(iter(loaders))
    for e in range(epochs):
        through(r, first, loaders[first])
        if e % every == every - 1:
            for name in list(loaders)[1:]:
                through(r, name, loaders[name])


def side_by_side(r, batches, **loaders):
    """Endless ones, a pair as GANs have them, or many: whichever is through begins anew."""
    def endless(name, it):
        while True:
            yield from r.go(name, it)
    for one in islice(cycle([endless(name, it) for name, it in loaders.items()]), batches):
        next(one)


def main(root, job):
    r = Read()
    torch.manual_seed(1)
    a = lambda n, w=2: loader(root + "/a", n, shuffle=True, num_workers=w)
    b = lambda n, w=2: loader(root + "/b", n, num_workers=w)
    c = lambda n, w=2: loader(root + "/c", n, shuffle=True, num_workers=w)
    files = 400
    if job == "train-val":
        turns(r, 4, train=a(320), val=b(80))
    elif job == "no-workers":
        turns(r, 4, train=a(320, 0), val=b(80, 0))
    elif job == "val-first":
        turns(r, 4, val=b(80), train=a(320))
    elif job == "large-val":
        turns(r, 4, train=a(80), val=b(320))
    elif job == "three":
        turns(r, 4, train=a(240), val=b(80), test=c(80))
    elif job == "many":
        side_by_side(r, 12 * 4 * 4, **{"part %d" % k: loader(root + "/a", k, Part, shuffle=True, num_workers=1) for k in range(12)})
        files = 12 * 26
    elif job == "every-2":
        turns(r, 6, 2, train=a(320), val=b(80))
    elif job in ("mixup", "mosaic"):
        kind = Mixed if job == "mixup" else Mosaic
        turns(r, 3, train=loader(root + "/a", 320, kind, shuffle=True, num_workers=2))
    elif job == "zip":
        side_by_side(r, 240, a=a(160), b=c(240))
    kept = set()
    hits = 0
    for f in r.files:
        hits += f in kept
        if len(kept) < files // 2:
            kept.add(f)
    print(hits / len(r.files))


if __name__ == "__main__":
    main(*sys.argv[1:])
