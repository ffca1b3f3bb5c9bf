"""Ultralytics' own classification and detection trainers are heavy: its dataset, loader and augmentation are used as its trainer does.
needs: ultralytics  data: yolo  reads: images"""
import os
import sys
import tempfile

os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp()
os.environ["YOLO_OFFLINE"] = "true"
import torch
from torch import nn
from ultralytics.cfg import get_cfg
from ultralytics.data import build_dataloader, build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import LOGGER

from outcome import Outcome, seed


def main(data, workers):
    LOGGER.setLevel(50)
    seed()
    out = Outcome()
    cfg = get_cfg(overrides={"imgsz": 64, "task": "detect", "workers": workers, "cache": False})
    info = check_det_dataset(os.path.join(data, "data.yaml"), autodownload=False)
    train = build_dataloader(build_yolo_dataset(cfg, info["train"], 16, info, mode="train"), 16, workers, shuffle=True)
    val = build_dataloader(build_yolo_dataset(cfg, info["val"], 16, info, mode="val", rect=True), 16, workers, shuffle=False)
    net = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    optimiser = torch.optim.SGD(net.parameters(), .01)
    for _ in range(4):
        for batch in train:
            loss = net(batch["img"].float() / 255).mean() + batch["bboxes"].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            out.loss(loss)
        for batch in val:
            out.loss(batch["img"].float().mean() + batch["bboxes"].sum())
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
