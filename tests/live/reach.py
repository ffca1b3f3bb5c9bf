"""reach.py make DIR: lays out small files, for the datasets here, as people write them. kinds.py runs them: a line an
epoch: how many samples, and a hash of what they read in the order in which the loader gave them. Two runs that print the
same have read the same."""
import hashlib
import json
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

N = 240
EPOCHS = 4


def lay_out(top):
    """img/CLASS/*.jpg, msk/*.png beside it by number, one suffix or none a folder, two top folders, annotations."""
    draw = random.Random(7)
    for kind, name in (("img", "c%d/%03d.jpg"), ("msk", "%.0s%03d.png"), ("npy", "c%d/%03d.npy"), ("bare", "c%d/%03d"), ("left", "c%d/%03d.jpg"),
                       ("right", "c%d/%03d.jpg"), ("clip", "c%d/%03d.jpg")):
        n = N // 2 if kind in ("left", "right") else 2 * N if kind == "clip" else N
        for i in range(n):
            path = os.path.join(top, kind, name % (i * 4 // n, i))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(draw.randbytes(3000))
    os.makedirs(os.path.join(top, "notes"))
    with open(os.path.join(top, "notes", "train.json"), "w") as f:
        json.dump([{"file_name": p, "id": i} for i, p in enumerate(listed(top, "img"))], f)
    os.makedirs(os.path.join(top, "farm"))
    for i, p in enumerate(listed(top, "img")):
        os.symlink(p, os.path.join(top, "farm", "%03d.jpg" % i))


def listed(top, *kinds):
    return sorted(os.path.join(d, f) for k in kinds for d, _, fs in os.walk(os.path.join(top, k)) for f in fs)


def load(path):
    with open(path, "rb") as f:
        return f.read()


if __name__ == "__main__" and sys.argv[1] == "make":
    lay_out(sys.argv[2])
    sys.exit()

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, random_split


def digest(*data):
    return torch.tensor(int.from_bytes(hashlib.sha256(b"".join(data)).digest()[:6], "big"))


class Base(Dataset):
    n = N

    def __init__(self, top):
        self.set_up(top)

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return digest(*map(load, self.files(i)))


class Silent(Base):
    """Nothing that could be looked at says which files these are."""
    kinds = "img",

    def set_up(self, top):
        files = listed(top, *self.kinds)
        self.ask = lambda i: files[i]

    def files(self, i):
        return [self.ask(i)]


class Npy(Silent):
    kinds = "npy",


class Bare(Silent):
    kinds = "bare",


class Tops(Silent):
    kinds = "left", "right"


class Farm(Silent):
    kinds = "farm",


class Frame(Base):
    def set_up(self, top):
        import pandas as pd
        self.df = pd.DataFrame({"label": range(N), "where": listed(top, "img")})

    def files(self, i):
        return [self.df.iloc[i]["where"]]


class Dicts(Base):
    def set_up(self, top):
        self.data = [{"image": p, "label": i} for i, p in enumerate(listed(top, "npy"))]

    def files(self, i):
        return [self.data[i]["image"]]


class Labels(Base):
    def set_up(self, top):
        self.by_label = {"c%d" % c: listed(top, "img/c%d" % c) for c in range(4)}
        self.offsets = [0]
        for v in self.by_label.values():
            self.offsets.append(self.offsets[-1] + len(v))

    def files(self, i):
        c = max(k for k in range(4) if self.offsets[k] <= i)
        return [self.by_label["c%d" % c][i - self.offsets[c]]]


class ImFiles(Base):
    def set_up(self, top):
        self.im_files = [Path(p) for p in listed(top, "img")]

    def files(self, i):
        return [self.im_files[i]]


class Array(Base):
    def set_up(self, top):
        self.where = np.array(listed(top, "img"))

    def files(self, i):
        return [self.where[i]]


class Joins(Base):
    def set_up(self, top):
        self.dir = os.path.join(top, "img")
        self.names = [os.path.relpath(p, self.dir) for p in listed(top, "img")]

    def files(self, i):
        return [os.path.join(self.dir, self.names[i])]


class Numbers(Base):
    """As VOC's: numbers, and a suffix that the code knows."""

    def set_up(self, top):
        self.root = top
        self.ids = ["%03d" % i for i in range(N)]

    def files(self, i):
        return [os.path.join(self.root, "msk", self.ids[i] + ".png")]


class Notes(Base):
    """As COCO's: root is where the images lie, or the annotations."""

    def set_up(self, top):
        self.root = os.path.join(top, "notes")
        with open(os.path.join(self.root, "train.json")) as f:
            self.notes = json.load(f)

    def files(self, i):
        return [self.notes[i]["file_name"]]


class Masks(Base):
    def set_up(self, top):
        self.images, self.masks = listed(top, "img"), listed(top, "msk")

    def files(self, i):
        return [self.images[i], self.masks[i]]


class Tuples(Masks):
    def set_up(self, top):
        self.samples = list(zip(listed(top, "img"), listed(top, "msk")))

    def files(self, i):
        return self.samples[i]


class SilentMasks(Masks):
    def set_up(self, top):
        Masks.set_up(self, top)
        images, masks = self.images, self.masks
        del self.images, self.masks
        self.ask = lambda i: (images[i], masks[i])

    def files(self, i):
        return self.ask(i)


class Frames(Base):
    """Eight frames a sample."""
    n = N // 4

    def set_up(self, top):
        files = listed(top, "clip")
        self.ask = lambda i: files[8 * i:8 * i + 8]

    def files(self, i):
        return self.ask(i)


class Cameras(Frames):
    """The same by a pool of threads."""

    def __getitem__(self, i):
        with ThreadPoolExecutor(4) as pool:
            return digest(*pool.map(load, self.files(i)))


class AtOnce(Silent):
    """Whole batches, as Hugging Face's."""

    def __getitems__(self, indices):
        return [digest(*map(load, self.files(i))) for i in list(indices)]


class Pooled(Silent):
    def __getitems__(self, indices):
        with ThreadPoolExecutor(4) as pool:
            return [digest(x) for x in pool.map(load, [self.ask(i) for i in indices])]


class Mixup(Silent):
    partners = 1

    def files(self, i):
        return [self.ask(i)] + [self.ask(int(torch.randint(N, ()))) for _ in range(self.partners)]


class Mosaic(Mixup):
    partners = 3


class Broken(Silent):
    """Corrupt files are skipped: the next one is taken."""

    def files(self, i):
        return [self.ask(i)] if i % 20 else [self.ask(i), self.ask((i + 1) % N)]


class Cached(Silent):
    """Keeps in memory what it has read."""

    def set_up(self, top):
        Silent.set_up(self, top)
        self.__dict__["load"] = lru_cache(None)(load)

    def __getitem__(self, i):
        return digest(*map(self.load, self.files(i)))


class Lazy(Silent):
    """Opened here, read when the batch is put together."""

    def __getitem__(self, i):
        return open(self.ask(i), "rb")


def read_all(files):
    out = []
    for f in files:
        with f:
            out.append(digest(f.read()))
    return torch.stack(out)


class Wrapper(Dataset):
    def __init__(self, subset, transform=None):
        self.subset, self.transform = subset, transform

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, i):
        return self.subset[i]


class Own(Wrapper):
    """A subset of one's own, and lengths that look like the program's secret."""

    def __init__(self, dataset, indices):
        self.dataset, self.picked = dataset, indices

    def __len__(self):
        return len(self.picked)

    def __getitem__(self, i):
        return self.dataset[self.picked[i]]


class Drawn(Base):
    """Another list each epoch, as long as the last."""

    def set_up(self, top):
        self.all = listed(top, "clip")
        self.draw()

    def draw(self):
        self.samples = random.sample(self.all, N)

    def files(self, i):
        return [self.samples[i]]


class Shuffled(Drawn):
    def set_up(self, top):
        self.samples = listed(top, "img")

    def draw(self):
        random.shuffle(self.samples)


class Stream(IterableDataset):
    def __init__(self, top):
        self.all = listed(top, "img")

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        for p in self.all[info.id::info.num_workers] if info else self.all:
            yield digest(load(p))


def half(dataset):
    return random_split(dataset, [N // 2, N // 2], torch.Generator().manual_seed(3))[0]


KINDS = {
    "silent": Silent, "npy": Npy, "bare": Bare, "tops": Tops, "farm": Farm, "frame": Frame, "dicts": Dicts, "labels": Labels,
    "im_files": ImFiles, "array": Array, "joins": Joins, "numbers": Numbers, "notes": Notes, "masks": Masks, "tuples": Tuples,
    "silent-masks": SilentMasks, "frames": Frames, "cameras": Cameras, "at-once": AtOnce, "pooled": Pooled, "mixup": Mixup,
    "mosaic": Mosaic, "broken": Broken, "cached": Cached, "lazy": Lazy, "drawn": Drawn, "shuffled": Shuffled, "stream": Stream,
    "split": lambda top: half(Silent(top)), "wrapped": lambda top: Wrapper(half(Joins(top))),
    "wrapped-silent": lambda top: Wrapper(half(Silent(top))), "nested": lambda top: Subset(half(Silent(top)), range(0, N // 2, 2)),
    "own-subset": lambda top: Own(ImFiles(top), list(range(0, N, 2))), "concat": lambda top: ConcatDataset([Joins(top), Silent(top)]),
    "concat-split": lambda top: half(ConcatDataset([Own(Array(top), range(0, N, 2)), Own(ImFiles(top), range(1, N, 2))])),
    "spawn": Joins, "persistent": Silent, "objects": ImFiles, "relative": Joins, "no-batches": Silent,
}


def main(top, kind, workers):
    random.seed(1)
    torch.manual_seed(1)
    if kind == "relative":
        os.chdir(top)
        top = "."
    dataset = KINDS[kind](top)
    more = {"multiprocessing_context": "spawn" if kind == "spawn" else "fork", "persistent_workers": kind == "persistent"} if workers else {}
    if kind == "lazy":
        more["collate_fn"] = read_all
        workers = 0
        more.pop("multiprocessing_context", None), more.pop("persistent_workers", None)

    def loader():
        return DataLoader(dataset, None if kind == "no-batches" else 8, shuffle=not isinstance(dataset, IterableDataset), num_workers=workers, **more)
    batches = loader()
    for epoch in range(EPOCHS):
        h, n = hashlib.sha256(), 0
        for batch in batches:
            n += batch.numel()
            h.update(batch.numpy().tobytes())
        print("kind", kind, workers, epoch, n, h.hexdigest()[:12], "%x" % int(torch.randint(1 << 30, ())), flush=True)
        if kind in ("drawn", "shuffled"):
            dataset.draw()
        if kind == "objects":
            dataset = KINDS[kind](top)
            batches = loader()
