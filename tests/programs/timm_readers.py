"""timm: create_dataset (its reader of folders), create_loader, train and validation. needs: timm  data: folders"""
import sys

import torch
from timm.data import create_dataset, create_loader
from torch import nn

from outcome import Outcome, seed


def main(data, workers):
    seed()
    out = Outcome()
    train = create_dataset("", root=data, split="train", is_training=True)
    val = create_dataset("", root=data, split="validation")
    options = dict(input_size=(3, 32, 32), num_workers=workers, use_prefetcher=False, persistent_workers=workers > 0, device=torch.device("cpu"))
    train = create_loader(train, batch_size=16, is_training=True, auto_augment="rand-m9-mstd0.5", re_prob=.25, use_multi_epochs_loader=workers > 0, **options)
    val = create_loader(val, batch_size=16, **options)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 4))
    optimiser = torch.optim.SGD(net.parameters(), .05)
    for _ in range(4):
        for x, y in train:
            loss = nn.functional.cross_entropy(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            out.loss(loss)
        with torch.no_grad():
            for x, y in val:
                out.loss(nn.functional.cross_entropy(net(x), y))
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
