"""A loop as Ultralytics' in small: im_files, label cache, mosaic of three random others, InfiniteDataLoader.  data: yolo  reads: images"""
import glob
import os
import random
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, dataloader

from outcome import Outcome, seed


class InfiniteDataLoader(dataloader.DataLoader):
    """Its workers are used again."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        object.__setattr__(self, "batch_sampler", _RepeatSampler(self.batch_sampler))
        self.iterator = super().__iter__()

    def __len__(self):
        return len(self.batch_sampler.sampler)

    def __iter__(self):
        for _ in range(len(self)):
            yield next(self.iterator)


class _RepeatSampler:
    def __init__(self, sampler):
        self.sampler = sampler

    def __iter__(self):
        while True:
            yield from iter(self.sampler)


class YOLODataset(Dataset):
    def __init__(self, img_path, imgsz=64, augment=True):
        self.img_path, self.imgsz, self.augment = img_path, imgsz, augment
        self.im_files = sorted(glob.glob(str(Path(img_path) / "**" / "*.*"), recursive=True))
        self.label_files = [x.replace("/images/", "/labels/").rsplit(".", 1)[0] + ".txt" for x in self.im_files]
        self.labels = [np.array([list(map(float, line.split())) for line in open(f)], np.float32) for f in self.label_files]
        self.ni = len(self.im_files)
        self.ims = [None] * self.ni
        self.npy_files = [Path(f).with_suffix(".npy") for f in self.im_files]
        self.buffer = []

    def __len__(self):
        return self.ni

    def load_image(self, i):
        if self.npy_files[i].exists():
            return np.load(self.npy_files[i])
        return np.asarray(Image.open(self.im_files[i]))

    def __getitem__(self, i):
        img, labels = self.load_image(i), self.labels[i].copy()
        if self.augment:
            s, four = self.imgsz, np.zeros((2 * self.imgsz, 2 * self.imgsz, 3), np.uint8)
            for k, j in enumerate([i] + random.choices(range(self.ni), k=3)):
                four[k // 2 * s:(k // 2 + 1) * s, k % 2 * s:(k % 2 + 1) * s] = self.load_image(j)
            img = four
        return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1))).float() / 255, torch.from_numpy(labels[0, 1:])


def main(data, workers):
    seed()
    out = Outcome()
    loader = InfiniteDataLoader(YOLODataset(os.path.join(data, "images", "train")), batch_size=16, shuffle=True, num_workers=workers)
    val = InfiniteDataLoader(YOLODataset(os.path.join(data, "images", "val"), augment=False), batch_size=16, num_workers=workers)
    net = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 4))
    optimiser = torch.optim.SGD(net.parameters(), .01)
    for _ in range(4):
        for x, y in loader:
            loss = nn.functional.smooth_l1_loss(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            out.loss(loss)
        with torch.no_grad():
            for x, y in val:
                out.loss(nn.functional.smooth_l1_loss(net(x), y))
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
