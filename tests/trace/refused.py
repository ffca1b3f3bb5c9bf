"""Loaders whose order opt4-trace can't know ahead, one function each; and some that only look so."""
import random

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, Sampler
from torchvision.datasets import ImageFolder

ROOT = __import__("os").environ["ROOT"] + "/train"


def unseeded():
    return DataLoader(ImageFolder(ROOT), 4, shuffle=True)


def unseeded_python():
    torch.manual_seed(1)

    class Shuffled(Sampler):
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return iter(random.sample(range(self.n), self.n))

    data = ImageFolder(ROOT)
    return DataLoader(data, 4, sampler=Shuffled(len(data)))


def unseeded_but_sequential():
    """Draws base seeds from a generator that nobody seeds: no order hangs on those."""
    return DataLoader(ImageFolder(ROOT), 4, num_workers=2)


def iterable():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([1, 2])

    return DataLoader(Stream(), 4)


class Opaque(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return i


def opaque():
    return DataLoader(Opaque(), 4)


def pairs():
    data = Opaque()
    files = [p for p, _ in ImageFolder(ROOT).samples]
    data.samples = list(zip(files[:5], files[5:10]))
    return DataLoader(data, 2)


def lists():
    """A dataset of somebody's own that keeps its paths where everybody does."""
    data = Opaque()
    data.files = [p for p, _ in ImageFolder(ROOT).samples][:5]
    return DataLoader(data, 2)


def nested():
    """Two datasets, one's folder within the other's: one root, each file once."""
    inner = ImageFolder(ROOT)
    inner.samples = inner.samples[:3]
    return [DataLoader(inner, 2), DataLoader(ImageFolder(ROOT + "/.."), 4)]


class Reader(Opaque):
    """Keeps its paths as timm's datasets do."""

    def __init__(self):
        self.reader = ImageFolder(ROOT)
        self.reader.samples = self.reader.samples[:5]


def reader():
    return DataLoader(Reader(), 2)


def batched():
    """Nobody calls set_epoch on such a one but by its batch sampler's sampler."""
    from torch.utils.data.distributed import DistributedSampler
    data = ImageFolder(ROOT)
    return DataLoader(data, batch_sampler=BatchSampler(DistributedSampler(data, 2, 0), 4, False))


def names():
    class Names(BatchSampler):
        def __init__(self):
            pass

        def __iter__(self):
            return iter([["a", "b"]])

        def __len__(self):
            return 1

    return DataLoader(ImageFolder(ROOT), batch_sampler=Names())


def beyond():
    data = ImageFolder(ROOT)
    return DataLoader(data, 4, sampler=[0, len(data)])


def negative():
    """dataset[-1] is its last."""
    return DataLoader(ImageFolder(ROOT), 4, sampler=[-1, 0])


def gone():
    data = Opaque()
    data.files = ["/nowhere/%d.jpg" % i for i in range(5)]
    return DataLoader(data, 2)


def no_loader():
    return [1, 2, 3]


def none():
    return []


def raises():
    print("said on stdout")
    raise KeyError("data_dir")


def dies():
    __import__("os").kill(__import__("os").getpid(), 9)
