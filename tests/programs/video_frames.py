"""Video as in the usual frame datasets: records of a list, segments of random frames.  data: frames"""
import os
import sys

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from outcome import Outcome, seed


class VideoRecord:
    def __init__(self, row, root):
        self._data, self._path = row, os.path.join(root, row[0])

    path = property(lambda self: self._path)
    num_frames = property(lambda self: int(self._data[1]))
    label = property(lambda self: int(self._data[2]))


class VideoFrameDataset(Dataset):
    """Of each of `segments` parts of the video one frame, at random in training."""

    def __init__(self, root, annotations, segments, template="frame_{:04d}.jpg", transform=None, random=True):
        self.root, self.segments, self.template, self.transform, self.random = root, segments, template, transform, random
        with open(annotations) as f:
            self.video_list = [VideoRecord(line.split(), root) for line in f]

    def __len__(self):
        return len(self.video_list)

    def __getitem__(self, i):
        record = self.video_list[i]
        each = record.num_frames // self.segments
        shift = np.random.randint(each, size=self.segments) if self.random else np.full(self.segments, each // 2)
        frames = [Image.open(os.path.join(record.path, self.template.format(k))).convert("RGB") for k in np.arange(self.segments) * each + shift]
        return torch.stack([self.transform(x) for x in frames]), record.label


def main(data, workers):
    seed()
    out = Outcome()
    to = transforms.Compose([transforms.Resize(32), transforms.ToTensor()])
    dataset = VideoFrameDataset(data, os.path.join(data, "list.txt"), 8, transform=to)
    loader = DataLoader(dataset, batch_size=4, shuffle=True, num_workers=workers)
    net = nn.Sequential(nn.Flatten(2), nn.Linear(3 * 32 * 32, 8), nn.Flatten(), nn.Linear(64, 3))
    optimiser = torch.optim.SGD(net.parameters(), .01)
    for _ in range(5):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            out.loss(loss)
        out.end_epoch()
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
