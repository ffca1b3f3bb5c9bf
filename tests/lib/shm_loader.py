"""A DataLoader whose batches lie in shared memory beside the cache: shm_loader.py LIST WORKERS PREFETCH BATCH_MIB EPOCHS

The consumer is slow at first, so that all of workers x prefetch_factor batches exist at a time."""
import sys
import time

import torch
from torch.utils.data import DataLoader, Dataset

paths = open(sys.argv[1]).read().split()
workers, prefetch, mib, epochs = map(int, sys.argv[2:6])
BATCH = 5


class Files(Dataset):
    def __len__(self):
        return len(paths)

    def __getitem__(self, i):
        with open(paths[i], "rb") as f:
            data = f.read()
        return torch.full((mib << 20,), data[0], dtype=torch.uint8)[: (mib << 20) // BATCH]


loader = DataLoader(Files(), BATCH, shuffle=True, num_workers=workers, prefetch_factor=prefetch)
total = 0
for _ in range(epochs):
    for n, batch in enumerate(loader):
        if n < 3:
            time.sleep(0.5)
        total += int(batch[:, ::4096].sum())
print("done", total)
