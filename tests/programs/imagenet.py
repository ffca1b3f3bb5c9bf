"""PyTorch's ImageNet example: train and validation each epoch.  data: folders"""
import os
import sys

import torch
from torch import nn
from torchvision import datasets, transforms

from outcome import Outcome, seed


def main(data, workers):
    seed()
    out = Outcome()
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 10))
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), .1, momentum=.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=.1)
    traindir, valdir = os.path.join(data, "train"), os.path.join(data, "val")
    normalize = transforms.Normalize(mean=[.485, .456, .406], std=[.229, .224, .225])
    train_dataset = datasets.ImageFolder(traindir, transforms.Compose([
        transforms.RandomResizedCrop(32), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalize]))
    val_dataset = datasets.ImageFolder(valdir, transforms.Compose([
        transforms.Resize(40), transforms.CenterCrop(32), transforms.ToTensor(), normalize]))
    train_sampler = None
    train_loader = torch.utils.data.DataLoader(train_dataset, batch_size=16, shuffle=(train_sampler is None), num_workers=workers, pin_memory=True, sampler=train_sampler)
    val_loader = torch.utils.data.DataLoader(val_dataset, batch_size=16, shuffle=False, num_workers=workers, pin_memory=True)
    for _ in range(5):
        net.train()
        for images, target in train_loader:
            loss = criterion(net(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.loss(loss)
        net.eval()
        with torch.no_grad():
            for images, target in val_loader:
                out.loss(criterion(net(images), target))
        scheduler.step()
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
