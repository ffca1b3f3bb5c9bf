#!/usr/bin/env python3
"""job.py ROOT: an ordinary training job as far as its input goes: torchvision's ImageFolder, a seeded shuffling DataLoader,
a fixed time a batch for the accelerator. Nothing of opt4 in it.

Prints one JSON line: seconds and bytes of the store by epoch, and a digest of all that was delivered. --decode decodes
each JPEG and crops it at random; without it a sample is the file's bytes. --counter FILE:FIELD:UNIT is where
the store counts bytes (field of a text file, or `FILE:@N:1` the Nth 64-bit number of a binary one).
"""
import argparse
import json
import struct
import time
import zlib

import torch
from PIL import Image
from torchvision import datasets, transforms


def read_bytes(path):
    with open(path, "rb") as f:
        return f.read()


def read_image(path):
    with open(path, "rb") as f:
        return Image.open(f).convert("RGB")


def to_tensor(data):
    return torch.tensor([len(data), zlib.crc32(data)], dtype=torch.int64)


def counter(spec):
    if not spec:
        return 0
    path, field, unit = spec.rsplit(":", 2)
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        return 0
    if field[0] == "@":
        return struct.unpack_from("Q", data, 8 * int(field[1:]))[0]
    return int(data.split()[int(field)]) * int(unit)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("root")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--batch-size", type=int, default=8)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--compute", type=float, default=0, help="ms a batch")
    p.add_argument("--decode", action="store_true")
    p.add_argument("--counter")
    a = p.parse_args()
    torch.set_num_threads(1)
    augment = transforms.Compose([transforms.RandomResizedCrop(64), transforms.PILToTensor()])
    data = datasets.ImageFolder(a.root, augment if a.decode else to_tensor, loader=read_image if a.decode else read_bytes)
    generator = torch.Generator()
    generator.manual_seed(a.seed)
    loader = torch.utils.data.DataLoader(data, a.batch_size, shuffle=True, num_workers=a.workers, generator=generator)
    seconds, read, digest = [], [], 0
    for _ in range(a.epochs):
        start, before = time.monotonic(), counter(a.counter)
        for x, y in loader:
            digest = zlib.crc32(x.numpy().tobytes(), digest)
            time.sleep(a.compute / 1000)
        seconds.append(round(time.monotonic() - start, 4))
        read.append(counter(a.counter) - before)
    print(json.dumps({"seconds": seconds, "bytes": read, "digest": digest}))


if __name__ == "__main__":
    main()
