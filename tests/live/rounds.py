"""How public training repositories go through their samples: several loaders, loaders made anew, parts of what another sampler draws; for kinds.py."""
import itertools
import random

import numpy as np
import torch
from torch.utils.data import (ConcatDataset, DataLoader, IterableDataset, RandomSampler, Sampler, Subset, SubsetRandomSampler, WeightedRandomSampler, get_worker_info,
                              random_split)

from keyed import one, pictures
from reach import digest, load
from repos import EPOCHS, N, Panoptic, Pictures, shuffled


def semi(top, w):
    """Few labelled, cycled beside many that are not."""
    few, many = Subset(Pictures(top), range(80)), Subset(Pictures(top), range(80, N))
    few, many = DataLoader(few, 4, shuffle=True, num_workers=w // 2, drop_last=True), DataLoader(many, 8, shuffle=True, num_workers=w // 2)

    def again():
        while True:
            yield from few
    for _ in range(EPOCHS):
        for x, y in zip(again(), many):
            yield x
            yield y
        yield None


def cycled(top, w):
    """itertools.cycle keeps the batches."""
    few, many = Subset(Pictures(top), range(80)), Subset(Pictures(top), range(80, N))
    few, many = DataLoader(few, 4, shuffle=True, num_workers=w // 2), DataLoader(many, 8, shuffle=True, num_workers=w // 2)
    for _ in range(EPOCHS):
        for x, y in zip(itertools.cycle(few), many):
            yield x
            yield y
        yield None


def dino(top, w):
    """Training, and now and then features of two other sets in order."""
    train, gallery, query = (Subset(Pictures(top), r) for r in (range(280), range(280, 360), range(360, N)))
    train = DataLoader(train, 8, shuffle=True, num_workers=w, drop_last=True, persistent_workers=w > 0)
    gallery, query = DataLoader(gallery, 16, num_workers=w), DataLoader(query, 16, num_workers=w)
    for epoch in range(EPOCHS):
        yield from train
        if epoch % 2:
            yield from gallery
            yield from query
        yield None


class Module:
    """A LightningDataModule without Lightning."""

    def __init__(self, top, w):
        self.top, self.w = top, w

    def setup(self):
        self.train, self.val = random_split(Pictures(self.top), [320, 80], torch.Generator().manual_seed(3))

    def train_dataloader(self):
        return DataLoader(self.train, 8, shuffle=True, num_workers=self.w, persistent_workers=self.w > 0)

    def val_dataloader(self):
        return DataLoader(self.val, 8, num_workers=self.w)


def module(top, w):
    dm = Module(top, w)
    dm.setup()
    val = dm.val_dataloader()
    yield from itertools.islice(val, 2)
    train = dm.train_dataloader()
    for _ in range(EPOCHS):
        yield from train
        yield from val
        yield None


def folds(top, w):
    """k-fold by SubsetRandomSampler, one dataset."""
    d = Pictures(top)
    for k in range(EPOCHS):
        train = SubsetRandomSampler([i for i in range(N) if i % EPOCHS != k])
        val = SubsetRandomSampler([i for i in range(N) if i % EPOCHS == k])
        for sampler in train, train, val:
            yield from DataLoader(d, 8, sampler=sampler, num_workers=w)
        yield None


def growing(top, w):
    """Progressive: a loader of larger batches each epoch."""
    d = Pictures(top)
    for epoch in range(EPOCHS):
        yield from DataLoader(d, 4 * (epoch + 1), shuffle=True, num_workers=w)
        yield None


class Prefetcher:
    """NVIDIA's data_prefetcher: next() is asked for one batch ahead."""

    def __init__(self, loader):
        self.it = iter(loader)
        self.preload()

    def preload(self):
        try:
            self.x = next(self.it)
        except StopIteration:
            self.x = None

    def next(self):
        x = self.x
        if x is not None:
            self.preload()
        return x


def prefetcher(top, w):
    loader = DataLoader(Pictures(top), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS):
        p = Prefetcher(loader)
        x = p.next()
        while x is not None:
            yield x
            x = p.next()
        yield None


def weighted(top, w):
    """Five sets, by weights of the sets."""
    d = ConcatDataset([Subset(Pictures(top), range(k * 80, k * 80 + 80)) for k in range(5)])
    weights = [1 + k for k in range(5) for _ in range(80)]
    return shuffled(d, w, shuffle=None, sampler=WeightedRandomSampler(weights, N))


def some(top, w):
    """As many an epoch as it likes: RandomSampler(num_samples=...)."""
    d = Pictures(top)
    return one(d, w, RandomSampler(d, num_samples=150))


class FromSampler(Sampler):
    """catalyst's DistributedSamplerWrapper: a rank's part of what another sampler has drawn."""

    def __init__(self, sampler, ranks, rank):
        self.sampler, self.ranks, self.rank, self.epoch = sampler, ranks, rank, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        drawn = list(self.sampler)
        order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(self.epoch)).tolist()
        return iter([drawn[i] for i in order[self.rank::self.ranks]])

    def __len__(self):
        return len(self.sampler) // self.ranks


def buffered(top, w):
    """An iterable of lines through a shuffle buffer, each worker its shards."""
    return shuffled(Buffer(pictures(top)), w, shuffle=None)


class Buffer(IterableDataset):
    def __init__(self, paths):
        self.shards = [paths[k::20] for k in range(20)]

    def __iter__(self):
        info, draw, buffer = get_worker_info(), random.Random(torch.initial_seed()), []
        for shard in draw.sample(self.shards, 20)[info.id if info else 0::info.num_workers if info else 1]:
            for p in shard:
                buffer.append(p)
                if len(buffer) == 50:
                    yield digest(load(buffer.pop(draw.randrange(50))))
        draw.shuffle(buffer)
        yield from (digest(load(p)) for p in buffer)


def seeded(worker):
    np.random.seed(torch.initial_seed() % 2 ** 31)
    random.seed(worker)


def forkserver(top, w):
    more = {"multiprocessing_context": "forkserver", "worker_init_fn": seeded} if w else {}
    return shuffled(Panoptic(top), w, **more)


class Curriculum(Sampler):
    """What is easiest first, more of it each epoch."""

    def __init__(self, n):
        self.n, self.epoch = n, 0

    def __iter__(self):
        self.epoch += 1
        return iter(np.random.permutation(min(self.n, self.n // 2 + self.epoch * self.n // 8)).tolist())

    def __len__(self):
        return min(self.n, self.n // 2 + (self.epoch + 1) * self.n // 8)


KINDS = {
    "semi": semi, "cycled": cycled, "dino": dino, "module": module, "folds-sampler": folds, "growing-batches": growing, "prefetcher": prefetcher, "five-weighted": weighted,
    "some-samples": some, "from-sampler": lambda t, w: one(Pictures(t), w, FromSampler(WeightedRandomSampler([1 + i % 5 for i in range(N)], N), 2, 0)),
    "buffer": buffered, "forkserver": forkserver, "curriculum": lambda t, w: one(Pictures(t), w, Curriculum(N)),
}
UNKNOWN = {"buffer"}
