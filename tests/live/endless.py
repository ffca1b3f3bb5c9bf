"""endless.py ROOT JOB...: loaders without an end, as people write them; a line a job: its name, a digest of the samples in their order,
and of the generators' states."""
import hashlib
import itertools
import os
import random
import sys

import numpy
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from jobs import load, states

PASSES = int(os.environ.get("PASSES", 6))


class Files(Dataset):
    def __init__(self, root, part=slice(None)):
        self.im_files = sorted(os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs)[part]

    def __len__(self):
        return len(self.im_files)

    def __getitem__(self, i):
        load(self.im_files[i])
        return i


class Mosaic(Files):
    """Each sample opens three others beside its own."""

    def __getitem__(self, i):
        for k in [i] + random.choices(range(len(self)), k=3):
            super().__getitem__(k)
        return i


class Buffer(Files):
    """Ultralytics': the last samples are kept as they were read, in each worker."""

    def __init__(self, root, part=slice(None)):
        super().__init__(root, part)
        self.ims, self.buffer = {}, []

    def __getitem__(self, i):
        if i not in self.ims:
            self.ims[i] = super().__getitem__(i)
            self.buffer.append(i)
            if len(self.buffer) >= len(self) * 2 // 5:
                del self.ims[self.buffer.pop(0)]
        return self.ims[i]


class Repeat:
    """YOLO's and timm's."""

    def __init__(self, sampler):
        self.sampler = sampler

    def __iter__(self):
        while True:
            yield from iter(self.sampler)


class InfiniteDataLoader(DataLoader):
    """YOLO's."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        object.__setattr__(self, "batch_sampler", Repeat(self.batch_sampler))
        self.iterator = super().__iter__()

    def __len__(self):
        return len(self.batch_sampler.sampler)

    def __iter__(self):
        for _ in range(len(self)):
            yield next(self.iterator)


class MultiEpochsDataLoader(DataLoader):
    """timm's."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._DataLoader__initialized = False
        if self.batch_sampler is None:
            self.sampler = Repeat(self.sampler)
        else:
            self.batch_sampler = Repeat(self.batch_sampler)
        self._DataLoader__initialized = True
        self.iterator = super().__iter__()

    def __len__(self):
        return len(self.sampler) if self.batch_sampler is None else len(self.batch_sampler.sampler)

    def __iter__(self):
        for _ in range(len(self)):
            yield next(self.iterator)


class InfiniteSampler(Sampler):
    """mmengine's: it has a length, and no end."""

    def __init__(self, dataset, seed=5):
        self.size, self.seed = len(dataset), seed

    def _infinite_indices(self):
        g = torch.Generator()
        g.manual_seed(self.seed)
        while True:
            yield from torch.randperm(self.size, generator=g).tolist()

    def __iter__(self):
        yield from itertools.islice(self._infinite_indices(), 0, None, 1)

    def __len__(self):
        return self.size


class TrainingSampler(Sampler):
    """detectron2's: without a length."""

    def __init__(self, dataset, seed=5):
        self.size, self.seed = len(dataset), seed

    def __iter__(self):
        yield from itertools.islice(self._infinite_indices(), 0, None, 1)

    def _infinite_indices(self):
        g = torch.Generator()
        g.manual_seed(self.seed)
        while True:
            # each a storage of its own: several workers' queues, each with a thread that sends, race for one in torch 1.13 (1 plain run of 120 ends with an error)
            yield from (i.clone() for i in torch.randperm(self.size, generator=g))


class Liar(Sampler):
    """Draws each index from the global generator, as the training step does."""

    def __init__(self, dataset):
        self.size = len(dataset)

    def __iter__(self):
        while True:
            yield int(torch.randint(self.size, (1,)))


def epochs(loader, step=lambda: None, val=()):
    h = hashlib.sha256()
    for _ in range(PASSES):
        for batch in itertools.chain(loader, val):
            h.update(batch.numpy().tobytes())
            step()
    return h.hexdigest()[:12], states()


def steps(loader, n, step=lambda: None):
    return epochs(itertools.islice(iter(loader), n * PASSES), step)


def job(name, workers):
    def run(root):
        d = Files(root)
        n = len(d) // 8
        if name == "yolo":
            return epochs(InfiniteDataLoader(d, 8, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(6)))
        if name == "timm":
            return epochs(MultiEpochsDataLoader(d, 8, shuffle=True, num_workers=workers))
        if name == "dropout":   # each pass' seed comes from the generator that the training draws from
            return epochs(MultiEpochsDataLoader(d, 8, shuffle=True, num_workers=workers), lambda: torch.rand(3))
        if name == "turns":
            return epochs(InfiniteDataLoader(Files(root, slice(320)), 8, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(6)),
                          val=InfiniteDataLoader(Files(root, slice(320, 400)), 8, num_workers=workers))
        if name == "buffer":
            return epochs(InfiniteDataLoader(Buffer(root, slice(320)), 8, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(6)),
                          val=InfiniteDataLoader(Files(root, slice(320, 400)), 8, num_workers=workers))
        if name == "mosaic":    # each pass' seed comes from the generator that the validation loader's draws from, too
            return epochs(InfiniteDataLoader(Mosaic(root, slice(320)), 8, shuffle=True, num_workers=workers), lambda: torch.rand(3),
                          val=InfiniteDataLoader(Files(root, slice(320, 400)), 8, num_workers=workers))
        if name == "liar":
            return steps(DataLoader(d, 8, sampler=Liar(d), num_workers=workers), n, lambda: torch.rand(3))
        sampler = {"mmengine": InfiniteSampler, "detectron2": TrainingSampler}[name](d)
        return steps(DataLoader(d, 8, sampler=sampler, num_workers=workers), n)
    return run


JOBS = {"%s-%d" % (name, workers): job(name, workers) for name in ("yolo", "timm", "mmengine", "detectron2", "liar", "dropout", "turns", "buffer", "mosaic") for workers in (0, 2, 4)}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[2:] or JOBS:
        torch.manual_seed(11)
        random.seed(12)
        numpy.random.seed(13)
        print(name, *JOBS[name](sys.argv[1]), flush=True)
