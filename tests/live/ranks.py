"""ranks.py ROOT [--no-set-epoch] [--silent]: two ranks by mp.spawn, or those that torchrun started, with gloo, a DistributedSampler
over ROOT, three epochs (silent, five: of a dataset that nowhere says which files it has); each rank prints its losses' hash and
its generators' states."""
import os
import socket
import sys
from functools import lru_cache

import numpy as np
import random
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from jobs import Training, folder, states


known = lru_cache(folder)


class Silent:
    """It knows its folder, and asks a list that lies elsewhere."""

    def __init__(self, root):
        self.root = root

    def __len__(self):
        return len(known(self.root))

    def __getitem__(self, i):
        return known(self.root)[i]


def rank_main(rank, root, port, set_epoch, silent, queue):
    if port:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.set_num_threads(1)
    torch.manual_seed(5)
    random.seed(6)
    np.random.seed(7)
    t, d = Training(), Silent(root) if silent else folder(root)
    sampler = DistributedSampler(d, seed=9)
    loader = DataLoader(d, 8, sampler=sampler, num_workers=2)
    model = nn_parallel(t)
    for epoch in range(5 if silent else 3):
        if set_epoch:
            sampler.set_epoch(epoch)
        for batch in loader:
            t.step(batch)
    said = "rank %d %s %s" % (rank, t.digest.hexdigest()[:12], states())
    queue.put(said) if queue else os.write(1, said.encode() + b"\n")
    dist.barrier()
    dist.destroy_process_group()


def nn_parallel(t):
    t.model = torch.nn.parallel.DistributedDataParallel(t.model)
    t.optimiser = torch.optim.SGD(t.model.parameters(), .01)


def main():
    set_epoch, silent = "--no-set-epoch" not in sys.argv, "--silent" in sys.argv
    if "RANK" in os.environ:
        return rank_main(int(os.environ["RANK"]), sys.argv[1], 0, set_epoch, silent, None)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(rank_main, (sys.argv[1], port, set_epoch, silent, queue), nprocs=2)
    for line in sorted(queue.get() for _ in range(2)):
        print(line)


if __name__ == "__main__":
    main()
