"""imagenet.py ROOT [--seed N] [-j WORKERS] [--spawn]: PyTorch's ImageNet example in small: ImageFolder with its augmentation,
a validation set, a model made before the loaders; one process, two ranks by mp.spawn (--spawn), or those that torchrun
started. A line a rank: a hash of every loss to the last digit, of torch's generator and, with a seed, of Python's."""
import argparse
import hashlib
import os
import random
import socket

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from torchvision import datasets, transforms

p = argparse.ArgumentParser()
p.add_argument("data")
p.add_argument("--seed", type=int)
p.add_argument("-j", "--workers", type=int, default=4)
p.add_argument("--epochs", type=int, default=3)
p.add_argument("-b", "--batch-size", type=int, default=8)
p.add_argument("--spawn", action="store_true")


def small_network():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Dropout2d(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 10))


def run(rank, a, world, port):
    torch.set_num_threads(1)
    if a.seed is not None:
        random.seed(a.seed)
        torch.manual_seed(a.seed)
    if world > 1:
        if port:
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    model = small_network()
    if world > 1:
        model = nn.parallel.DistributedDataParallel(model)
    optimiser = torch.optim.SGD(model.parameters(), .05, momentum=.9, weight_decay=1e-4)
    normalise = transforms.Normalize([.485, .456, .406], [.229, .224, .225])
    train = datasets.ImageFolder(os.path.join(a.data, "train"), transforms.Compose([
        transforms.RandomResizedCrop(32), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalise]))
    val = datasets.ImageFolder(os.path.join(a.data, "val"), transforms.Compose([
        transforms.Resize(40), transforms.CenterCrop(32), transforms.ToTensor(), normalise]))
    samplers = [DistributedSampler(train), DistributedSampler(val, shuffle=False, drop_last=True)] if world > 1 else [None, None]
    train = DataLoader(train, a.batch_size, shuffle=samplers[0] is None, num_workers=a.workers, pin_memory=True, sampler=samplers[0])
    val = DataLoader(val, a.batch_size, shuffle=False, num_workers=a.workers, pin_memory=True, sampler=samplers[1])
    digest = hashlib.sha256()
    for epoch in range(a.epochs):
        if samplers[0]:
            samplers[0].set_epoch(epoch)
        for loader in train, val:
            model.train(loader is train)
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y)
                if loader is train:
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                digest.update(loss.item().hex().encode())
    digest.update(torch.get_rng_state().numpy().tobytes())
    if a.seed is not None:
        digest.update(repr(random.getstate()).encode())
    os.write(1, b"rank %d %s\n" % (rank, digest.hexdigest()[:16].encode()))   # a line at once, whoever else writes
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()


def main():
    a = p.parse_args()
    if a.spawn:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        mp.spawn(run, (a, 2, port), nprocs=2)
    else:
        run(int(os.environ.get("RANK", 0)), a, int(os.environ.get("WORLD_SIZE", 1)), 0)


if __name__ == "__main__":
    main()
