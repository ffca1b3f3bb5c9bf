"""ranks.py ROOT [--no-set-epoch]: two ranks by mp.spawn, or those that torchrun started, with gloo, a DistributedSampler over
ROOT, three epochs; each rank prints its losses' hash and its generators' states."""
import os
import socket
import sys

import numpy as np
import random
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from jobs import Training, folder, states


def rank_main(rank, root, port, set_epoch, queue):
    if port:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    torch.set_num_threads(1)
    torch.manual_seed(5)
    random.seed(6)
    np.random.seed(7)
    t, d = Training(), folder(root)
    sampler = DistributedSampler(d, seed=9)
    loader = DataLoader(d, 8, sampler=sampler, num_workers=2)
    model = nn_parallel(t)
    for epoch in range(3):
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
    if "RANK" in os.environ:
        return rank_main(int(os.environ["RANK"]), sys.argv[1], 0, "--no-set-epoch" not in sys.argv, None)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(rank_main, (sys.argv[1], port, "--no-set-epoch" not in sys.argv, queue), nprocs=2)
    for line in sorted(queue.get() for _ in range(2)):
        print(line)


if __name__ == "__main__":
    main()
