"""train.py DATA: trains a small network on a folder of images. An ordinary script: see for yourself.

Prints a line an epoch; --out takes the seconds and every batch's loss as JSON.
"""
import argparse
import json
import sys
import time

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder


def load(path):
    with open(path, "rb") as f:
        image = Image.open(f)
        image.draft("RGB", (128, 128))      # decodes at the scale that is needed
        return image.convert("RGB")


def network(classes):
    def block(n, m):
        return nn.Sequential(nn.Conv2d(n, m, 3, stride=2, padding=1), nn.BatchNorm2d(m), nn.ReLU())
    return nn.Sequential(block(3, 16), block(16, 32), block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(64, classes))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("data")
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--out")
    a = p.parse_args()

    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    dataset = ImageFolder(a.data, loader=load, transform=transforms.Compose([
        transforms.RandomResizedCrop(64), transforms.RandomHorizontalFlip(), transforms.ToTensor()]))
    loader = DataLoader(dataset, a.batch_size, shuffle=True, num_workers=a.workers,
                        generator=torch.Generator().manual_seed(a.seed))
    model = network(len(dataset.classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    epochs = []
    for epoch in range(a.epochs):
        start, losses = time.perf_counter(), []
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if sys.stderr.isatty():
                print("\r    epoch %d: batch %d of %d " % (epoch + 1, len(losses), len(loader)), end="",
                      file=sys.stderr, flush=True)
        epochs.append({"seconds": time.perf_counter() - start, "losses": losses})
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        print("epoch %d: %.1f s, mean loss %r" % (epoch + 1, epochs[-1]["seconds"], sum(losses) / len(losses)),
              flush=True)
    if a.out:
        with open(a.out, "w") as f:
            json.dump(epochs, f)


if __name__ == "__main__":
    main()
