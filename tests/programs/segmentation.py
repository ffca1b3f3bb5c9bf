"""Segmentation as in the usual U-Net scripts: images and masks listed by their names, random_split.  data: masks"""
import os
import sys
from os import listdir
from os.path import isfile, join, splitext
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

from outcome import Outcome, seed


class BasicDataset(Dataset):
    def __init__(self, images_dir, mask_dir, scale=1.0, mask_suffix=""):
        self.images_dir, self.mask_dir, self.scale, self.mask_suffix = Path(images_dir), Path(mask_dir), scale, mask_suffix
        self.ids = [splitext(f)[0] for f in sorted(listdir(images_dir)) if isfile(join(images_dir, f)) and not f.startswith(".")]

    def __len__(self):
        return len(self.ids)

    @staticmethod
    def preprocess(image, scale, is_mask):
        w, h = image.size
        image = image.resize((int(scale * w), int(scale * h)), Image.NEAREST if is_mask else Image.BICUBIC)
        image = np.asarray(image)
        return image.astype(np.int64) if is_mask else image.transpose(2, 0, 1) / 255

    def __getitem__(self, i):
        name = self.ids[i]
        mask_file = list(self.mask_dir.glob(name + self.mask_suffix + ".*"))
        img_file = list(self.images_dir.glob(name + ".*"))
        assert len(img_file) == 1 and len(mask_file) == 1
        mask, img = Image.open(mask_file[0]), Image.open(img_file[0])
        return {"image": torch.as_tensor(self.preprocess(img, self.scale, False).copy()).float(),
                "mask": torch.as_tensor(self.preprocess(mask, self.scale, True).copy()).long()}


def main(data, workers):
    seed()
    out = Outcome()
    dataset = BasicDataset(os.path.join(data, "images"), os.path.join(data, "masks"), .5)
    train, val = random_split(dataset, [160, 40], generator=torch.Generator().manual_seed(0))
    args = dict(batch_size=4, num_workers=workers, pin_memory=False)
    train, val = DataLoader(train, shuffle=True, **args), DataLoader(val, shuffle=False, drop_last=True, **args)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1))
    optimiser = torch.optim.RMSprop(net.parameters(), 1e-4)
    for _ in range(4):
        net.train()
        for batch in train:
            loss = nn.functional.cross_entropy(net(batch["image"]), batch["mask"])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            out.loss(loss)
        net.eval()
        with torch.no_grad():
            for batch in val:
                out.loss(nn.functional.cross_entropy(net(batch["image"]), batch["mask"]))
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
