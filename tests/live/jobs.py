"""jobs.py ROOT JOB...: training jobs as people write them, each over the files below ROOT; a line a job: its name, a
hash of every loss to the last digit, of the bytes read, and of the state of every generator at its end. Two runs
that print the same have computed the same. ROOT's files are bytes, not images: the loaders make numbers of them."""
import hashlib
import inspect
import itertools
import os
import random
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import (BatchSampler, ConcatDataset, DataLoader, Dataset, RandomSampler, Sampler, Subset,
                              SubsetRandomSampler, WeightedRandomSampler, random_split)
from torchvision.datasets import DatasetFolder
from torchvision.datasets.folder import IMG_EXTENSIONS


def load(path):
    with open(path, "rb") as f:
        return f.read()


def numbers(data):
    """An augmentation that draws from every generator that a worker has."""
    x = torch.frombuffer(bytearray(data[:64]), dtype=torch.uint8).float() / 255
    return x * torch.rand(1) + random.random() + np.random.rand()


def folder(root):
    return DatasetFolder(root, load, IMG_EXTENSIONS, transform=numbers)


class Pairs(Dataset):
    """Two files a sample, and no attribute that says which: a dataset that can only be watched."""

    def __init__(self, root):
        self.hidden = {i: p for i, p in enumerate(sorted(
            os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs))}

    def __len__(self):
        return len(self.hidden) // 2

    def __getitem__(self, i):
        return numbers(load(self.hidden[2 * i])) + numbers(load(self.hidden[2 * i + 1])), i % 3


class Many(Dataset):
    """More samples than are dealt with in the program itself: its order is replayed, its files are named, elsewhere."""

    def __init__(self, root):
        files = sorted(os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs)
        self.samples = list(itertools.islice(itertools.cycle(files), 9000))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return numbers(load(self.samples[i])), i % 3


class ByStep(Sampler):
    """A sampler of the user's own: draws lazily from the global generator."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        left = list(range(self.n))
        while left:
            yield left.pop(int(torch.randint(len(left), (1,))))


class Endless(Sampler):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        while True:
            yield random.randrange(self.n)


class Training:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 3))
        self.optimiser = torch.optim.SGD(self.model.parameters(), .01)
        self.digest = hashlib.sha256()

    def step(self, batch, train=True):
        x, y = batch
        loss = nn.functional.cross_entropy(self.model(x), y % 3)
        if train:
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        self.digest.update(loss.item().hex().encode())

    def epochs(self, loader, n=3, limit=None):
        for _ in range(n):
            for batch in itertools.islice(loader, limit):
                self.step(batch)

    def outcome(self, *generators):
        """Of all losses, and of all generators' states: a digest each."""
        return self.digest.hexdigest()[:12], states(*generators)


def states(*generators):
    h = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    for g in generators:
        h.update(g.get_state().numpy().tobytes())
    h.update(repr(random.getstate()).encode())
    h.update(repr(np.random.get_state()).encode())
    return h.hexdigest()[:12]


def epochs(root, n=3, data=folder, limit=None, **options):
    t = Training()
    options.setdefault("batch_size", 8)
    d = data(root)
    sampler = options.pop("sampler_of", lambda d: {})(d)
    if not sampler:
        options.setdefault("shuffle", True)
    t.epochs(DataLoader(d, **sampler, **options), n, limit)
    g = options.get("generator")
    return t.outcome(*([g] if g else []))


def seeded(root):
    return epochs(root, num_workers=4, generator=torch.Generator().manual_seed(3))


def train_val(root):
    t, d = Training(), folder(root)
    train, val = random_split(d, [len(d) * 3 // 4, len(d) - len(d) * 3 // 4])
    a = DataLoader(train, 8, shuffle=True, num_workers=2, drop_last=True)
    b = DataLoader(val, 16, num_workers=1)
    for _ in range(3):
        t.epochs(a, 1)
        with torch.no_grad():
            for batch in b:
                t.step(batch, train=False)
    return t.outcome()


def zipped(root):
    t, d = Training(), folder(root)
    a = DataLoader(d, 8, shuffle=True, num_workers=2)
    b = DataLoader(d, 4, shuffle=True)
    for _ in range(2):
        for x, y in zip(a, b):
            t.step(x)
            t.step(y)
    return t.outcome()


def broken_off(root):
    t, d = Training(), folder(root)
    a = DataLoader(d, 8, shuffle=True, num_workers=2)
    for e in range(3):
        try:
            for i, batch in enumerate(a):
                if i == 9:
                    raise ValueError
                t.step(batch)
        except ValueError:
            pass
    return t.outcome()


def again_and_again(root):
    """As in a notebook: new loaders over one dataset, looked into and left."""
    t, d = Training(), folder(root)
    for i in range(12):
        t.epochs(DataLoader(d, 4, shuffle=True, num_workers=i % 2), 1, 1 + 7 * (i % 3))
    return t.outcome()


def seeded_alike(root):
    """Each iterator begins with the same seed, and the one before still lives: as Lightning's look at the validation set."""
    t, d = Training(), folder(root)
    loader, its = DataLoader(d, 8, shuffle=True, num_workers=2), []
    for _ in range(3):
        torch.manual_seed(5)
        its.append(iter(loader))
        t.epochs(its[-1], 1)
    return t.outcome()


def in_any_order(root):
    return epochs(root, num_workers=3, in_order=False)[1:] if "in_order" in DataLoader.__init__.__code__.co_varnames else None


def signatures(root):
    """What libraries look at to find out which torch this is."""
    return [str(inspect.getfullargspec(f)) for f in (DataLoader.__init__, DataLoader.__iter__, DataLoader.__len__)]


JOBS = {
    "signatures": signatures,
    "no-workers": lambda r: epochs(r),
    "one-worker": lambda r: epochs(r, num_workers=1),
    "generator": seeded,
    "persistent": lambda r: epochs(r, num_workers=3, persistent_workers=True, prefetch_factor=4),
    "spawn": lambda r: epochs(r, 2, num_workers=2, multiprocessing_context="spawn"),
    "forkserver": lambda r: epochs(r, 2, num_workers=2, multiprocessing_context="forkserver"),
    "watched": lambda r: epochs(r, data=Pairs, num_workers=2),
    "watched-alone": lambda r: epochs(r, data=Pairs),
    "many": lambda r: epochs(r, 2, data=Many, batch_size=64),
    "many-workers": lambda r: epochs(r, 2, data=Many, batch_size=64, num_workers=2),
    "many-drawn": lambda r: epochs(r, 2, data=Many, batch_size=64, num_workers=1, multiprocessing_context="spawn",
                                   sampler_of=lambda d: {"sampler": RandomSampler(d, True)}),
    "many-weighted": lambda r: epochs(r, 2, data=Many, batch_size=64, num_workers=1, sampler_of=lambda d: {"sampler": WeightedRandomSampler(
        [1 + i % 5 for i in range(len(d))], 9000)}),
    "sequential": lambda r: epochs(r, shuffle=False, num_workers=2),
    "replacement": lambda r: epochs(r, num_workers=2, sampler_of=lambda d: {"sampler": RandomSampler(d, True, 500)}),
    "more-than-all": lambda r: epochs(r, num_workers=2, sampler_of=lambda d: {"sampler": RandomSampler(d, False, 500)}),
    "weighted": lambda r: epochs(r, num_workers=2, sampler_of=lambda d: {"sampler": WeightedRandomSampler(
        [1 + i % 5 for i in range(len(d))], 300)}),
    "part": lambda r: epochs(r, num_workers=2, sampler_of=lambda d: {"sampler": SubsetRandomSampler(range(0, len(d), 3))}),
    "own-sampler": lambda r: epochs(r, num_workers=2, sampler_of=lambda d: {"sampler": ByStep(len(d))}),
    "own-batches": lambda r: epochs(r, num_workers=2, batch_size=1, sampler_of=lambda d: {
        "batch_sampler": BatchSampler(ByStep(len(d)), 5, False)}),
    "no-batches": lambda r: epochs(r, num_workers=2, batch_size=None, data=lambda r: Singles(r)),
    "endless": lambda r: epochs(r, num_workers=2, limit=20, sampler_of=lambda d: {"sampler": Endless(len(d))}),
    "subset": lambda r: epochs(r, data=lambda r: Subset(folder(r), list(range(5, 150))), num_workers=2),
    "concat": lambda r: epochs(r, data=lambda r: ConcatDataset([folder(r), Subset(folder(r), range(40))]), num_workers=2),
    "left-early": lambda r: epochs(r, limit=11, num_workers=3),
    "train-val": train_val,
    "zipped": zipped,
    "broken-off": broken_off,
    "again-and-again": again_and_again,
    "seeded-alike": seeded_alike,
    "in-any-order": in_any_order,
}


class Singles(DatasetFolder):
    def __init__(self, root):
        super().__init__(root, load, IMG_EXTENSIONS, transform=numbers)

    def __getitem__(self, i):
        x, y = super().__getitem__(i)
        return x[None], torch.tensor([y])


def main():
    torch.set_num_threads(1)
    root, names = sys.argv[1], sys.argv[2:]
    for name in names or JOBS:
        torch.manual_seed(11)   # else two runs could not be compared; what follows draws from it as it likes
        random.seed(12)
        np.random.seed(13)
        print(name, *(JOBS[name](root) or ["-"]), flush=True)


if __name__ == "__main__":
    main()
