"""The training jobs whose order opt4-trace must foretell: what a script does before and with its loaders.

CELL in the environment (JSON) says which; func() is what a script would build, and what is given to
`opt4-trace loader`. The dataset's loader writes each file that it opens to the log RECORD, if that is set, and
knows nothing of opt4.
"""
import json
import os
import random

import torch
from torch.utils.data import (BatchSampler, ConcatDataset, DataLoader, RandomSampler, Sampler, Subset, SubsetRandomSampler,
                              WeightedRandomSampler, get_worker_info, random_split)
from torch.utils.data.distributed import DistributedSampler
from torchvision.datasets import ImageFolder

SEED = 1234


def opened(path):
    """Stands for reading an image: opens the file, notes by whom, gives back its path."""
    with open(path, "rb") as f:
        f.read(1)
    if "RECORD" in os.environ:
        info = get_worker_info()
        line = "%d %s\n" % (info.id if info else 0, path)
        log = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND)
        os.write(log, line.encode())
        os.close(log)
    return path


def same(batch):
    return batch


class Folder(ImageFolder):
    def __getitem__(self, i):
        return super().__getitem__(i)[0]


class ByHand(BatchSampler):
    """A batch sampler of somebody's own: batches of changing length, Python's random, another order each epoch."""

    def __init__(self, n):
        self.n, self.random = n, random.Random(SEED)

    def __iter__(self):
        order = list(range(self.n))
        self.random.shuffle(order)
        while order:
            k = self.random.randint(1, 7)
            yield order[:k]
            order = order[k:]

    def __len__(self):
        return self.n


class Eager(Sampler):
    """Draws from the global generator inside __iter__, before anything is asked of it."""

    def __init__(self, data):
        self.data = data

    def __iter__(self):
        return iter(torch.randperm(len(self.data)).tolist())

    def __len__(self):
        return len(self.data)


def build(sampler, workers, method=None, persistent=False, prefetch=None, val=False, seed=SEED, drop_last=False,
          **other):
    root = os.environ["ROOT"]
    data = Folder(root + "/train", loader=opened)
    n = len(data)
    g = torch.Generator()
    g.manual_seed(seed)
    common = {"num_workers": workers, "collate_fn": same, "persistent_workers": persistent}
    if method:
        common["multiprocessing_context"] = method
    if prefetch:
        common["prefetch_factor"] = prefetch
    mine = dict(common, batch_size=4, drop_last=drop_last)
    if sampler == "shuffle":
        loader = DataLoader(data, shuffle=True, generator=g, **mine)
    elif sampler == "global":
        torch.manual_seed(seed)
        loader = DataLoader(data, shuffle=True, **mine)
    elif sampler == "model first":
        torch.manual_seed(seed)
        torch.nn.Sequential(torch.nn.Linear(300, 20), torch.nn.Conv2d(3, 8, 3))
        loader = DataLoader(data, shuffle=True, **mine)
    elif sampler == "sequential":
        loader = DataLoader(data, generator=g, **mine)
    elif sampler == "replacement":
        loader = DataLoader(data, sampler=RandomSampler(data, True, None, g), generator=g, **mine)
    elif sampler == "replacement, 40":
        loader = DataLoader(data, sampler=RandomSampler(data, True, 40, g), generator=g, **mine)
    elif sampler == "replacement, 150":
        loader = DataLoader(data, sampler=RandomSampler(data, True, 150, g), generator=g, **mine)
    elif sampler == "num_samples 40":
        loader = DataLoader(data, sampler=RandomSampler(data, False, 40, g), generator=g, **mine)
    elif sampler == "num_samples 150":
        loader = DataLoader(data, sampler=RandomSampler(data, False, 150, g), generator=g, **mine)
    elif sampler == "weighted":
        w = [1.0 + i % 7 for i in range(n)]
        loader = DataLoader(data, sampler=WeightedRandomSampler(w, n, True, g), generator=g, **mine)
    elif sampler == "weighted, once":
        w = [1.0 + i % 7 for i in range(n)]
        loader = DataLoader(data, sampler=WeightedRandomSampler(w, 30, False, g), generator=g, **mine)
    elif sampler == "subset random":
        loader = DataLoader(data, sampler=SubsetRandomSampler(range(5, n, 2), g), generator=g, **mine)
    elif sampler == "subset":
        loader = DataLoader(Subset(data, list(range(0, n, 3))), shuffle=True, generator=g, **mine)
    elif sampler == "random_split":
        torch.manual_seed(seed)
        loader = DataLoader(random_split(data, [n - 20, 20])[0], shuffle=True, **mine)
    elif sampler == "concat":
        both = ConcatDataset([data, Folder(root + "/val", loader=opened)])
        loader = DataLoader(both, shuffle=True, generator=g, **mine)
    elif sampler == "batch sampler":
        loader = DataLoader(data, batch_sampler=ByHand(n), **common)
    elif sampler == "eager":
        torch.manual_seed(seed)
        loader = DataLoader(data, sampler=Eager(data), **mine)
    elif sampler == "no batches":
        loader = DataLoader(data, shuffle=True, generator=g, **dict(mine, batch_size=None))
    elif sampler in ("distributed", "distributed, dropping"):
        s = DistributedSampler(data, int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"]), seed=seed,
                               drop_last="dropping" in sampler)
        loader = DataLoader(data, sampler=s, **mine)
    elif sampler == "stateful":
        from torchdata.stateful_dataloader import StatefulDataLoader
        loader = StatefulDataLoader(data, shuffle=True, generator=g, **mine)
    elif sampler == "accelerate":
        from accelerate.data_loader import prepare_data_loader
        torch.manual_seed(seed)
        loader = prepare_data_loader(DataLoader(data, shuffle=True, generator=g, **mine),
                                     num_processes=int(os.environ.get("WORLD_SIZE", 1)),
                                     process_index=int(os.environ.get("RANK", 0)), put_on_device=False)
    else:
        raise ValueError(sampler)
    if not val:
        return [loader]
    return [loader, DataLoader(Folder(root + "/val", loader=opened), batch_size=5,
                               **common)]


def func():
    return build(**json.loads(os.environ["CELL"]))
