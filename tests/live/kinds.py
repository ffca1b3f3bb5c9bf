"""kinds.py DIR KIND WORKERS [KIND WORKERS]...: more kinds of jobs than reach.py's, over the files that `reach.py make DIR` lays out: other datasets, samplers, loaders and ways
to go through them. A line an epoch: how many samples, a hash of what they read in their order, and of the generators' states."""
import hashlib
import itertools
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.utils.data import (BatchSampler, ChainDataset, ConcatDataset, DataLoader, DistributedSampler, IterableDataset, RandomSampler, Sampler, Subset, SubsetRandomSampler,
                              WeightedRandomSampler, random_split)

import keyed
import others
import reach
import repos
import rounds
import shapes
from people import (Buffered, Child, Closure, Csv, Frame, Globs, Lines, Mapped, Module, Named, Numpy, Pairs, Pathlib, Property, Raw, Relative,
                      Retry, Scans, Shuffling, Sibling, Slots, Sqlite, Threads, Torchvision, Triple, Tuples, Varying, Window, Wrapped)
from reach import N, Silent, digest, listed, load

EPOCHS = 4


# ---- samplers ----

class Buckets(Sampler):
    """Batches of like sizes, shuffled; a class of one's own."""

    def __init__(self, n, size):
        self.n, self.size, self.epoch = n, size, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        draw = random.Random(self.epoch)
        for b in draw.sample(range(self.n // self.size), self.n // self.size):
            yield draw.sample(range(b * self.size, (b + 1) * self.size), self.size)

    def __len__(self):
        return self.n // self.size


class Curriculum(Sampler):
    """Draws by numpy's global generator."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(np.random.permutation(self.n).tolist())

    def __len__(self):
        return self.n


class Shard(Sampler):
    """A generator function over a seed that is counted on."""

    def __init__(self, n):
        self.n, self.passes = n, 0

    def __iter__(self):
        self.passes += 1
        g = torch.Generator()
        g.manual_seed(self.passes)
        for i in torch.randperm(self.n, generator=g):
            yield i

    def __len__(self):
        return self.n


# ---- jobs: each a generator of batches, None between epochs ----

def plain(dataset, workers, **more):
    more.setdefault("shuffle", not isinstance(dataset, IterableDataset))
    for _ in range(EPOCHS):
        yield from DataLoader(dataset, 8, num_workers=workers, **more)
        yield None


def one(dataset, workers, **more):
    """One loader for all epochs."""
    if "batch_sampler" not in more:
        more["batch_size"] = 8
        if "sampler" not in more:
            more.setdefault("shuffle", True)
    loader = DataLoader(dataset, num_workers=workers, **more)
    for epoch in range(EPOCHS):
        for s in loader.sampler, loader.batch_sampler:
            if hasattr(s, "set_epoch"):
                s.set_epoch(epoch)
        yield from loader
        yield None


def kept(make):
    return lambda top, w: one(make(top), w, persistent_workers=w > 0)


def weighted(top, w):
    d = Named(top)
    return one(d, w, sampler=WeightedRandomSampler([1 + i % 5 for i in range(N)], N))


def replacement(top, w):
    return one(Named(top), w, sampler=RandomSampler(Named(top), True, N))


def part(top, w):
    return one(Silent(top), w, sampler=SubsetRandomSampler(range(0, N, 2)))


def ranks(top, w):
    """One of two ranks of a set-up that has no process group."""
    d = Named(top)
    return one(d, w, sampler=DistributedSampler(d, 2, 0, seed=3))


def val_each(every, make=Named):
    def job(top, w):
        d = make(top)
        train, val = random_split(d, [N - 60, 60], torch.Generator().manual_seed(1))
        train, val = DataLoader(train, 8, shuffle=True, num_workers=w), DataLoader(val, 8, num_workers=w)
        for epoch in range(EPOCHS):
            yield from train
            if epoch % every == every - 1:
                yield from val
            yield None
    return job


def zipped(top, w):
    a, b = (DataLoader(Silent(top) if k else Named(top), 8, shuffle=True, num_workers=w // 2, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    a.dataset.my_secret_list, b.dataset.n = listed(top, "clip")[:N], N
    for _ in range(EPOCHS):
        for x, y in zip(a, b):
            yield x
            yield y
        yield None


def early(top, w):
    loader = DataLoader(Named(top), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS + 2):
        yield from itertools.islice(loader, 20)
        yield None


def steps(top, w):
    """As many steps as it likes, from iterators made anew in the middle of a step loop."""
    loader = DataLoader(Named(top), 8, shuffle=True, num_workers=w)
    it = iter(loader)
    for step in range(EPOCHS * N // 8):
        try:
            batch = next(it)
        except StopIteration:
            it = iter(loader)
            batch = next(it)
        yield batch
        if step % (N // 8) == N // 8 - 1:
            yield None


def cycle(top, w):
    """itertools.cycle by hand."""
    def forever(loader):
        while True:
            yield from loader
    it = forever(DataLoader(Silent(top), 8, shuffle=True, num_workers=w))
    for _ in range(EPOCHS):
        yield from itertools.islice(it, N // 8)
        yield None


def growing(top, w):
    """Active learning: the pool grows each epoch."""
    d = Named(top)
    for epoch in range(EPOCHS):
        d.my_secret_list = listed(top, "img")[:N // 2 + epoch * N // 8]
        d.n = len(d.my_secret_list)
        yield from DataLoader(d, 8, shuffle=True, num_workers=w)
        yield None


def hard(top, w):
    """Hard negatives: a list that is drawn anew each epoch, of a part that changes."""
    d, draw = Named(top), random.Random(4)
    every = listed(top, "img")
    for _ in range(EPOCHS):
        d.my_secret_list = draw.sample(every, N // 2)
        d.n = N // 2
        yield from DataLoader(d, 8, shuffle=True, num_workers=w)
        yield None


def folds(top, w):
    """Cross validation: another half each time."""
    d = Named(top)
    for k in range(EPOCHS):
        yield from DataLoader(Subset(d, [i for i in range(N) if i % 4 != k]), 8, shuffle=True, num_workers=w)
        yield from DataLoader(Subset(d, [i for i in range(N) if i % 4 == k]), 8, num_workers=w)
        yield None


def hand_made(top, w):
    """No DataLoader: a shuffled list."""
    d, order = Named(top), list(range(N))
    for _ in range(EPOCHS):
        random.shuffle(order)
        for b in range(0, N, 8):
            yield torch.stack([d[i] for i in order[b:b + 8]])
        yield None


def threads(top, w):
    """No DataLoader: a pool of threads."""
    d, order = Named(top), list(range(N))
    with ThreadPoolExecutor(max(1, w)) as pool:
        for _ in range(EPOCHS):
            random.shuffle(order)
            for b in range(0, N, 8):
                yield torch.stack(list(pool.map(d.__getitem__, order[b:b + 8])))
            yield None


def stateful(top, w):
    from torchdata.stateful_dataloader import StatefulDataLoader
    loader = StatefulDataLoader(Named(top), 8, shuffle=True, num_workers=w)
    for epoch in range(EPOCHS):
        if epoch == 2:
            state = loader.state_dict()
            loader = StatefulDataLoader(Named(top), 8, shuffle=True, num_workers=w)
            loader.load_state_dict(state)
        yield from loader
        yield None


def nodes(top, w):
    from torchdata.nodes import Loader, ParallelMapper, Batcher, SamplerWrapper
    d = Named(top)
    node = ParallelMapper(SamplerWrapper(RandomSampler(range(N))), d.__getitem__, num_workers=max(1, w), method="thread", in_order=True)
    loader = Loader(Batcher(node, 8))
    for _ in range(EPOCHS):
        for batch in loader:
            yield torch.stack(batch)
        yield None


def pipes(top, w):
    from torch.utils.data.datapipes.iter import IterableWrapper
    pipe = IterableWrapper(listed(top, "img")).shuffle().sharding_filter().map(lambda p: digest(load(p)))
    return one(pipe, w)


def lightly(top, w):
    """Two loaders over one dataset, one of them goes on while the other begins anew."""
    d = Named(top)
    a, b = (DataLoader(d, 8, shuffle=True, num_workers=w, generator=torch.Generator().manual_seed(k)) for k in (1, 2))
    other = iter(b)
    for _ in range(EPOCHS):
        for x in a:
            yield x
            y = next(other, None)
            if y is None:
                other = iter(b)
                y = next(other)
            yield y
        yield None


def spawned(top, w):
    return one(Named(top), w, multiprocessing_context="spawn" if w else None)


def many(top, w):
    """Twelve loaders, one a folder, in turn."""
    parts = [Subset(Named(top), range(k * 20, k * 20 + 20)) for k in range(12)]
    loaders = [DataLoader(p, 4, shuffle=True, num_workers=w // 4) for p in parts]
    for _ in range(EPOCHS):
        for loader in loaders:
            yield from loader
        yield None


def of(dataset):
    return lambda top, w: plain(dataset(top), w)


KINDS = {
    "sqlite": of(Sqlite), "csv": of(Csv), "cached-property": of(Property), "globs": of(Globs), "scandir": of(Scans), "pathlib": of(Pathlib),
    "namedtuples": of(Tuples), "slots": of(Slots), "closure": of(Closure), "class-list": of(Module), "pairs": of(Pairs), "three-folders": of(Triple),
    "windows": of(Window), "varying": of(Varying), "header-first": of(Numpy), "mmap": of(Mapped), "pread": of(Raw), "dir-fd": of(Relative),
    "tv-read-file": of(Torchvision), "sibling": of(Sibling), "keeps-some": of(Buffered), "retry": of(Retry), "own-thread": of(Threads), "child-reads": of(Child),
    "frame-index": of(Frame), "lines": of(Lines), "lines-shuffled": of(Shuffling), "getattr": lambda t, w: plain(Wrapped(Named(t)), w),
    "chain": lambda t, w: plain(ChainDataset([Lines(t)]), w), "persistent-own": kept(Named), "persistent-silent": kept(Silent),
    "pinned": lambda t, w: one(Named(t), w, drop_last=True), "collate-none": lambda t, w: one(Named(t), w, collate_fn=torch.stack),
    "weighted": weighted, "replacement": replacement, "subset-sampler": part, "distributed": ranks,
    "buckets": lambda t, w: one(Named(t), w, batch_sampler=Buckets(N, 8)), "numpy-sampler": lambda t, w: one(Named(t), w, sampler=Curriculum(N)),
    "lazy-sampler": lambda t, w: one(Silent(t), w, sampler=Shard(N)),
    "nested-batches": lambda t, w: one(Named(t), w, batch_sampler=BatchSampler(Shard(N), 8, True)),
    "sequential": lambda t, w: one(Named(t), w, shuffle=False), "sequential-silent": lambda t, w: one(Silent(t), w, shuffle=False),
    "val": val_each(1), "val-silent": val_each(1, Silent), "val-every-2": val_each(2), "zipped": zipped, "left-early": early, "by-steps": steps, "cycle": cycle,
    "grows": growing, "hard-negatives": hard, "folds": folds, "by-hand": hand_made, "threads": threads, "stateful": stateful, "nodes": nodes, "pipes": pipes,
    "two-at-once": lightly, "spawned": spawned, "twelve-loaders": many,
    "concat-subsets": lambda t, w: plain(ConcatDataset([Subset(Named(t), range(k, N, 3)) for k in range(3)]), w),
    "split-of-split": lambda t, w: plain(random_split(random_split(Silent(t), [200, 40])[0], [160, 40])[0], w),
}
# Nothing can be known of their order: as keep, and that is said. (Of threads nobody knows the samples; of an iterable the files come as its code likes.)
UNKNOWN = {"lines", "lines-shuffled", "chain", "by-hand", "threads", "nodes", "pipes", "stream", "child-reads"}


def main(top, kind, workers):
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    h, n, epoch = hashlib.sha256(), 0, 0
    for batch in dict(KINDS, **others.KINDS, **keyed.KINDS, **repos.KINDS, **shapes.KINDS, **rounds.KINDS)[kind](top, workers):
        if batch is None:
            states = torch.get_rng_state().numpy().tobytes() + repr(random.getstate()).encode() + np.random.get_state()[1].tobytes()
            print("kind", kind, workers, epoch, n, h.hexdigest()[:12], hashlib.sha256(states).hexdigest()[:8], flush=True)
            epoch += 1
        else:
            n += batch.numel()
            h.update(batch.numpy().tobytes())


if __name__ == "__main__":
    cells = list(zip(sys.argv[2::2], map(int, sys.argv[3::2])))
    for kind_, workers_ in cells:
        if len(cells) == 1 or os.fork() == 0:
            (reach.main if kind_ in reach.KINDS else main)(sys.argv[1], kind_, workers_)
            break
        os.wait()
