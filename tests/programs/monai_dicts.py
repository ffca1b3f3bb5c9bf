"""MONAI: a list of dicts of .nii.gz, its Dataset, transforms and DataLoader. needs: monai nibabel  data: volumes"""
import glob
import os
import sys

import torch
from monai.data import DataLoader, Dataset, decollate_batch
from monai.losses import DiceLoss
from monai.networks.nets import UNet
from monai.transforms import AsDiscrete, Compose, EnsureChannelFirstd, LoadImaged, RandFlipd, RandSpatialCropd, ScaleIntensityRanged
from monai.utils import set_determinism

from outcome import Outcome


def main(data, workers):
    set_determinism(seed=11)
    out = Outcome()
    images, labels = (sorted(glob.glob(os.path.join(data, part, "*.nii.gz"))) for part in ("imagesTr", "labelsTr"))
    files = [{"image": i, "label": m} for i, m in zip(images, labels)]
    train, val = files[:-40], files[-40:]
    keys = ["image", "label"]
    load = [LoadImaged(keys=keys), EnsureChannelFirstd(keys=keys), ScaleIntensityRanged(keys=["image"], a_min=0, a_max=255, b_min=0, b_max=1, clip=True)]
    train = DataLoader(Dataset(train, Compose(load + [RandSpatialCropd(keys=keys, roi_size=(8, 8, 8), random_size=False), RandFlipd(keys=keys, prob=.5)])),
                       batch_size=4, shuffle=True, num_workers=workers)
    val = DataLoader(Dataset(val, Compose(load)), batch_size=1, num_workers=workers)
    model = UNet(spatial_dims=3, in_channels=1, out_channels=2, channels=(4, 8), strides=(2,))
    loss_of, optimiser, post = DiceLoss(to_onehot_y=True, softmax=True), torch.optim.Adam(model.parameters(), 1e-3), AsDiscrete(argmax=True, to_onehot=2)
    for epoch in range(4):
        model.train()
        for batch in train:
            optimiser.zero_grad()
            loss = loss_of(model(batch["image"]), batch["label"])
            loss.backward()
            optimiser.step()
            out.loss(loss)
        if epoch % 2:
            model.eval()
            with torch.no_grad():
                for batch in val:
                    out.loss(sum(float(post(x).sum()) for x in decollate_batch(model(batch["image"]))))
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
