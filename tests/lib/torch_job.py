"""torch_job.py ROOT --epochs E --seed S --batch-size B --workers N [..]: an ordinary job with a real DataLoader.

Its dataset gives back raw bytes; each batch is hashed. Prints one line an epoch: `epoch E sha256 HASH`, so
that two runs can be compared, and nothing else. Made so that `opt4-trace imagefolder ROOT` with the
same options knows its order.
"""
import argparse
import hashlib
import os

import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler


class Bytes(Dataset):
    def __init__(self, root, how):
        from torchvision.datasets import DatasetFolder
        from torchvision.datasets.folder import IMG_EXTENSIONS
        self.samples = DatasetFolder(root, loader=None, extensions=IMG_EXTENSIONS).samples
        self.how = how

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        import readers
        return readers.READERS[self.how](self.samples[i][0])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("root")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--batch-size", type=int, default=8)
    p.add_argument("--workers", type=int, default=0)
    p.add_argument("--persistent-workers", action="store_true")
    p.add_argument("--replacement", action="store_true")
    p.add_argument("--context", choices=["fork", "spawn", "forkserver"])
    p.add_argument("--how", default="open")
    a = p.parse_args()
    torch.set_num_threads(1)
    data = Bytes(a.root, a.how)
    gen = torch.Generator()
    gen.manual_seed(a.seed)
    sampler = RandomSampler(data, replacement=a.replacement, generator=gen)
    loader = DataLoader(data, batch_size=a.batch_size, sampler=sampler, num_workers=a.workers, generator=gen,
                        persistent_workers=a.persistent_workers, collate_fn=list,
                        multiprocessing_context=a.context if a.workers else None)
    for epoch in range(a.epochs):
        digest = hashlib.sha256()
        for batch in loader:
            for data in batch:
                digest.update(data)
        print("epoch", epoch, "sha256", digest.hexdigest(), flush=True)


if __name__ == "__main__":
    main()
