"""Jobs as public training repositories write them, in the form that matters for what is read: detection, pairs, classes, identities. For kinds.py. (shapes.py: what a
sample is made of; rounds.py: how the samples are gone through.)"""
import copy
import itertools
import os
import pickle
import random
import shutil
from collections import defaultdict

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, Sampler, get_worker_info

from keyed import one, pictures
from others import made
from reach import Base, digest, listed, load

EPOCHS = 4
N = 400


class Pictures(Base):
    """Whose list is a secret."""
    n = N

    def set_up(self, top):
        self.ask = pictures(top).__getitem__

    def files(self, i):
        return [self.ask(int(i))]


def shuffled(dataset, workers, **more):
    more.setdefault("shuffle", True)
    loader = DataLoader(dataset, more.pop("size", 8), num_workers=workers, **more)
    for _ in range(EPOCHS):
        yield from loader
        yield None


def of(dataset, **more):
    return lambda top, w: shuffled(dataset(top), w, **more)


# ---- detection ----

class Serialized(Dataset):
    """detectron2's and mmengine's: the list as one array of pickled bytes."""

    def __init__(self, top):
        rows = [np.frombuffer(pickle.dumps({"file_name": p, "image_id": i}), np.uint8) for i, p in enumerate(pictures(top))]
        self.addr, self.bytes = np.cumsum([len(r) for r in rows]), np.concatenate(rows)

    def __len__(self):
        return len(self.addr)

    def __getitem__(self, i):
        return pickle.loads(memoryview(self.bytes[self.addr[i - 1] if i else 0:self.addr[i]]))


class Mapper(Dataset):
    """MapDataset: what fails is replaced by another at random."""

    def __init__(self, dataset):
        self.dataset, self.rng, self.fallback = dataset, random.Random(42), set(range(len(dataset)))

    def __len__(self):
        return len(self.dataset)

    def map(self, d):
        return digest(load(d["file_name"])) if d["image_id"] % 50 else None

    def __getitem__(self, i):
        while True:
            data = self.map(copy.deepcopy(self.dataset[int(i)]))
            if data is not None:
                return data
            self.fallback.discard(int(i))
            i = self.rng.sample(sorted(self.fallback), 1)[0]


class Training(Sampler):
    """Endless, from a seed that all ranks share; this is rank 0 of one."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        g = torch.Generator()
        g.manual_seed(7)
        while True:
            yield from torch.randperm(self.n, generator=g).tolist()

    def __len__(self):
        return self.n


class Iterables(IterableDataset):
    """ToIterableDataset: the sampler goes through in each worker."""

    def __init__(self, dataset, sampler):
        self.dataset, self.sampler = dataset, sampler

    def __iter__(self):
        info = get_worker_info()
        for i in itertools.islice(self.sampler, info.id if info else 0, None, info.num_workers if info else 1):
            yield self.dataset[i]


def steps(batches, count=N // 8):
    it = iter(batches)
    for _ in range(EPOCHS):
        yield from itertools.islice(it, count)
        yield None


def detectron(top, w):
    d = Mapper(Serialized(top))
    return steps(DataLoader(d, 8, sampler=Training(len(d)), num_workers=w))


def detectron_iterable(top, w):
    d = Mapper(Serialized(top))
    return steps(DataLoader(Iterables(d, Training(len(d))), 8, num_workers=w))


def grouped(top, w):
    """AspectRatioGroupedDataset: single samples are put into two buckets, each handed out when it is full."""
    d = Pictures(top)
    loader = DataLoader(d, None, sampler=Training(N), num_workers=w)

    def batches():
        buckets = [[], []]
        for x in loader:
            bucket = buckets[int(x) & 1]
            bucket.append(x)
            if len(bucket) == 8:
                yield torch.stack(bucket)
                bucket.clear()
    return steps(batches())


class Repeat(Dataset):
    """mmdet's RepeatDataset: as many epochs in one."""

    def __init__(self, dataset, times):
        self.dataset, self.times = dataset, times

    def __len__(self):
        return self.times * len(self.dataset)

    def __getitem__(self, i):
        return self.dataset[i % len(self.dataset)]


def repeat(top, w):
    loader = DataLoader(Repeat(Pictures(top), 2), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS // 2):
        yield from loader
        yield None


class Panoptic(Base):
    """COCO panoptic: image, its segmentation and a json of its own."""
    n = 160

    def set_up(self, top):
        self.notes = []
        for i, p in enumerate(pictures(top)[:160]):
            self.notes.append({"file_name": os.path.relpath(p, top), "json": made(top, "pan/%03d.json" % i, lambda q: shutil.copy(p, q))})
        self.top, self.segments = top, listed(top, "msk")[:160]

    def files(self, i):
        return [os.path.join(self.top, self.notes[i]["file_name"]), self.segments[i], self.notes[i]["json"]]


class CopyPaste(Pictures):
    """Asks itself for a second sample."""

    def __getitem__(self, i, paste=True):
        x = digest(load(self.ask(i)))
        return x ^ self.__getitem__(int(np.random.randint(N)), False) if paste and i % 2 else x


# ---- pairs, classes, identities ----

class Views(Pictures):
    """SimCLR: two views, each from a fresh read."""

    def files(self, i):
        return [self.ask(i)] * 2


class Triplets(Base):
    """Anchor, another of its class, one of another class."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)
        self.of = defaultdict(list)
        for p in self.paths:
            self.of[p.split(os.sep)[-2]].append(p)

    def files(self, i):
        c = self.paths[i].split(os.sep)[-2]
        other = random.choice([k for k in self.of if k != c])
        return [self.paths[i], random.choice(self.of[c]), random.choice(self.of[other])]


class Pairs(Sampler):
    """Pairs (i, j) of a fixed protocol, shuffled, as face verification has them."""

    def __init__(self, n):
        draw = random.Random(2)
        self.pairs = list(zip(range(0, n, 2), draw.sample(range(1, n, 2), n // 2)))

    def __iter__(self):
        return iter([self.pairs[k] for k in torch.randperm(len(self.pairs)).tolist()])

    def __len__(self):
        return len(self.pairs)


class Both(Pictures):
    def files(self, pair):
        return [self.ask(i) for i in pair]


class FreshPairs(Pairs):
    """.. the partner drawn anew."""

    def __iter__(self):
        self.pairs = list(zip(torch.randperm(N).tolist(), torch.randperm(N).tolist()))[:N // 2]
        return super().__iter__()


class Episodes(Sampler):
    """Few-shot: ways x (shots + queries), a list or a tensor an episode."""

    def __init__(self, n, episodes):
        self.of, self.episodes = torch.arange(n).view(20, -1), episodes

    def __iter__(self):
        for _ in range(self.episodes):
            yield torch.cat([self.of[c][torch.randperm(self.of.shape[1])[:4]] for c in torch.randperm(20)[:4]])

    def __len__(self):
        return self.episodes


class Identities(Sampler):
    """Re-id's RandomIdentitySampler: P identities, K of each, until too few are left."""

    def __init__(self, n):
        self.of = {p: list(range(p * 10, p * 10 + 10)) for p in range(n // 10)}

    def __iter__(self):
        left = defaultdict(list)
        for p, indices in copy.deepcopy(self.of).items():
            random.shuffle(indices)
            for k in range(0, len(indices) - 3, 4):
                left[p].append(indices[k:k + 4])
        there, final = list(left), []
        while len(there) >= 2:
            for p in random.sample(there, 2):
                final.extend(left[p].pop(0))
                if not left[p]:
                    there.remove(p)
        return iter(final)

    def __len__(self):
        return 320


class Balanced(BatchSampler):
    """As many of each label; made from a dataset's labels."""

    def __init__(self, labels, classes, samples):
        self.labels, self.classes, self.samples = np.array(labels), classes, samples
        self.of = {c: np.where(self.labels == c)[0] for c in set(labels)}
        for v in self.of.values():
            np.random.shuffle(v)
        self.used, self.count = dict.fromkeys(self.of, 0), 0

    def __iter__(self):
        self.count = 0
        while self.count + self.classes * self.samples <= N:
            indices = []
            for c in np.random.choice(sorted(self.of), self.classes, replace=False):
                indices.extend(self.of[c][self.used[c]:self.used[c] + self.samples])
                self.used[c] += self.samples
                if self.used[c] + self.samples > len(self.of[c]):
                    np.random.shuffle(self.of[c])
                    self.used[c] = 0
            yield indices
            self.count += self.classes * self.samples

    def __len__(self):
        return N // (self.classes * self.samples)


def batches(dataset, sampler):
    def job(top, w):
        loader = DataLoader(dataset(top), batch_sampler=sampler(), num_workers=w)
        for _ in range(EPOCHS):
            yield from loader
            yield None
    return job


KINDS = {
    "detectron": detectron, "detectron-iterable": detectron_iterable, "grouped": grouped, "repeat": repeat, "panoptic": of(Panoptic), "copy-paste": of(CopyPaste),
    "views": of(Views), "triplets": of(Triplets), "pair-list": lambda t, w: one(Both(t), w, Pairs(N)), "pair-fresh": lambda t, w: one(Both(t), w, FreshPairs(N)),
    "episodes": batches(Pictures, lambda: Episodes(N, 25)), "identities": lambda t, w: one(Pictures(t), w, Identities(N)),
    "balanced": batches(Pictures, lambda: Balanced([i % 4 for i in range(N)], 4, 2)),
}
UNKNOWN = {"detectron-iterable"}
