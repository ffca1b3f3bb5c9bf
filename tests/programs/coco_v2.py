"""Detection with torchvision's wrap_dataset_for_transforms_v2(CocoDetection). needs: pycocotools  data: coco"""
import contextlib
import io
import os
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import v2

from outcome import Outcome, seed


def main(data, workers):
    seed()
    out = Outcome()
    to = v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip(.5), v2.ToDtype(torch.float32, scale=True), v2.SanitizeBoundingBoxes()])
    with contextlib.redirect_stdout(io.StringIO()):      # it prints how long it took
        dataset = datasets.CocoDetection(os.path.join(data, "images"), os.path.join(data, "annotations", "instances_train.json"), transforms=to)
    dataset = datasets.wrap_dataset_for_transforms_v2(dataset, target_keys=("boxes", "labels"))
    loader = DataLoader(dataset, batch_size=8, shuffle=True, num_workers=workers, collate_fn=lambda batch: tuple(zip(*batch)))
    net = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.Flatten(), nn.Linear(256, 4))
    optimiser = torch.optim.SGD(net.parameters(), 1e-3)
    for _ in range(4):
        for images, targets in loader:
            loss = nn.functional.smooth_l1_loss(net(torch.stack(images)), torch.cat([t["boxes"] for t in targets]).float() / 64)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            out.loss(loss)
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
