"""What a sample is made of, and how it is read, in public training repositories: volumes, clips, several maps, annotations; for kinds.py."""
import os
import random
import tempfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.utils.data import BatchSampler, RandomSampler

from keyed import one, pictures
from others import made
from reach import Base, digest, listed, load
from repos import N, Pictures, of


class Slices(Base):
    """(volume, slice) pairs; volumes are kept by an LRU of a worker's own."""
    n = 40 * 16

    def set_up(self, top):
        self.index = [(p, s) for p in pictures(top)[:40] for s in range(16)]
        self.kept = OrderedDict()

    def __getitem__(self, i):
        path, s = self.index[i]
        if path not in self.kept:
            self.kept[path] = load(path)
            if len(self.kept) > 4:
                self.kept.popitem(False)
        return digest(self.kept[path][s * 100:s * 100 + 100])


class Clips(Base):
    """A video is a folder of frames; eight in a row from a random start (TSN, SlowFast on frames)."""
    n = 20

    def set_up(self, top):
        self.videos = [pictures(top)[v * 20:v * 20 + 20] for v in range(20)]

    def files(self, v):
        start = random.randint(0, 12)
        return self.videos[v][start:start + 8]


class Segments(Clips):
    """One of each of four segments."""

    def files(self, v):
        return [self.videos[v][s * 5 + int(np.random.randint(5))] for s in range(4)]


class Flow(Base):
    """Frames t, t + 1 and the flow between."""
    n = 199

    def set_up(self, top):
        self.frames, self.flow = pictures(top)[:200], listed(top, "npy")

    def files(self, i):
        return [self.frames[i], self.frames[i + 1], self.flow[i]]


class Stereo(Base):
    """Lines "left right disparity", split for each sample, below a root."""
    n = 120

    def set_up(self, top):
        rows = zip(listed(top, "left"), listed(top, "right"), listed(top, "npy"))
        self.root, self.lines = top, [" ".join(os.path.relpath(p, top) for p in r) + "\n" for r in rows]

    def files(self, i):
        return [os.path.join(self.root, x) for x in self.lines[i].split()]


class Unpaired(Base):
    """CycleGAN: A by its number, B at random."""
    n = 200

    def set_up(self, top):
        self.a, self.b = pictures(top)[:200], pictures(top)[200:400]

    def files(self, i):
        return [self.a[i % len(self.a)], self.b[random.randint(0, len(self.b) - 1)]]


class Captions(Base):
    """Five captions an image: each file is five samples'."""
    n = 5 * 80

    def set_up(self, top):
        self.images = {100 + i: p for i, p in enumerate(pictures(top)[:80])}
        self.captions = [{"image_id": 100 + i % 80, "caption": str(i)} for i in range(self.n)]

    def files(self, i):
        return [self.images[self.captions[i]["image_id"]]]


class Cameras(Base):
    """nuScenes: a sample's token leads to six cameras' tokens, these to files."""
    n = 60

    def set_up(self, top):
        files = pictures(top)
        self.tables = {"sample": {}, "sample_data": {}}
        for i in range(60):
            self.tables["sample"]["s%d" % i] = {c: "d%d-%d" % (i, c) for c in range(6)}
            for c in range(6):
                self.tables["sample_data"]["d%d-%d" % (i, c)] = {"filename": files[i * 6 + c]}
        self.tokens = list(self.tables["sample"])

    def files(self, i):
        return [self.tables["sample_data"][t]["filename"] for t in self.tables["sample"][self.tokens[i]].values()]


# ---- ways to read ----

class Beside(Base):
    """What was prepared of a sample is kept on the disk (MONAI's PersistentDataset): written in the first epoch, read from then on."""
    n = 200

    def set_up(self, top):
        self.paths, self.dir = pictures(top)[:200], tempfile.mkdtemp(dir=top)

    def __getitem__(self, i):
        p = os.path.join(self.dir, "%d.pt" % i)
        if os.path.exists(p):
            return torch.load(p)
        x = digest(load(self.paths[i]))
        torch.save(x, p + ".new.%d" % os.getpid())
        os.rename(p + ".new.%d" % os.getpid(), p)
        return x


class CsvEach(Pictures):
    """Reads its list anew for each sample."""

    def set_up(self, top):
        def make(path):
            with open(path, "w") as f:
                f.writelines("%s,%d\n" % (p, i % 4) for i, p in enumerate(pictures(top)))
        self.csv = made(top, "csv/all.csv", make)

    def files(self, i):
        with open(self.csv) as f:
            return [f.read().splitlines()[i].split(",")[0]]


class Memmapped(Base):
    """tifffile's way: a header, then a map of what is behind it."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)

    def __getitem__(self, i):
        with open(self.paths[i], "rb") as f:
            f.read(8)
        m = np.memmap(self.paths[i], np.uint8, "r", 8)
        return digest(m.tobytes())


class Entries(Base):
    """os.scandir's entries; names as bytes."""
    n = 100

    def set_up(self, top):
        with os.scandir(os.fsencode(os.path.join(top, "clip", "c1"))) as entries:
            self.entries = sorted(entries, key=lambda e: e.name)[:100]

    def files(self, i):
        return [self.entries[i].path]


class Paths(Base):
    """Opened when the batch is put together, by a pool."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)

    def __getitem__(self, i):
        return self.paths[i]


def collate(paths):
    with ThreadPoolExecutor(4) as pool:
        return torch.stack([digest(x) for x in pool.map(load, paths)])


class AtOnce(Pictures):
    """A list of indices at once: the sampler is one of batches, nothing is collated."""

    def __getitem__(self, indices):
        return torch.stack([digest(load(self.ask(i))) for i in indices])


KINDS = {
    "slices": of(Slices), "clips": of(Clips, size=2), "segments": of(Segments, size=2), "flow": of(Flow), "stereo": of(Stereo), "unpaired": of(Unpaired),
    "captions": of(Captions), "six-cameras": of(Cameras), "prepared": of(Beside), "csv-each": of(CsvEach), "memmapped": of(Memmapped), "entries": of(Entries),
    "collate-reads": of(Paths, collate_fn=collate), "lists": lambda t, w: one(AtOnce(t), w, BatchSampler(RandomSampler(range(N)), 8, False), None),
}
UNKNOWN = []
