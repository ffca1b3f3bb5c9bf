"""Lightning: a DataModule with a dataset of its own over a table of names. needs: lightning pandas  data: folders"""
import glob
import os
import sys

import lightning as L
import pandas as pd
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split
from torchvision import transforms

from outcome import Outcome, seed

out = Outcome()


class Photos(Dataset):
    def __init__(self, folder, table, transform):
        self.folder, self.table, self.transform = folder, table, transform

    def __len__(self):
        return len(self.table)

    def __getitem__(self, i):
        row = self.table.iloc[i]
        return self.transform(Image.open(os.path.join(self.folder, row.filename)).convert("RGB")), int(row.label)


class Augmented(Dataset):
    """What random_split yields, with transforms of its own."""

    def __init__(self, subset, transform):
        self.subset, self.transform = subset, transform

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, i):
        x, y = self.subset[i]
        return self.transform(x), y


class Module(L.LightningDataModule):
    def __init__(self, folder, workers):
        super().__init__()
        self.folder, self.workers = folder, workers

    def setup(self, stage=None):
        names = sorted(os.path.relpath(p, self.folder) for p in glob.glob(self.folder + "/*/*.jpg"))
        table = pd.DataFrame({"filename": names, "label": [int(n[5]) for n in names]})
        whole = Photos(self.folder, table, transforms.Compose([transforms.Resize(32), transforms.ToTensor()]))
        self.train, self.val = random_split(whole, [len(whole) - 80, 80], generator=torch.Generator().manual_seed(1))
        self.train = Augmented(self.train, transforms.RandomHorizontalFlip())

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=16, shuffle=True, num_workers=self.workers, persistent_workers=self.workers > 0)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=16, num_workers=self.workers, persistent_workers=self.workers > 0)


class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 16), nn.ReLU(), nn.Dropout(.2), nn.Linear(16, 4))

    def training_step(self, batch, i):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        out.loss(loss)
        return loss

    def validation_step(self, batch, i):
        out.loss(nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

    def on_train_epoch_end(self):
        out.end_epoch()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), .01)


def main(data, workers):
    seed()
    L.seed_everything(11, workers=True)
    trainer = L.Trainer(max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Net(), datamodule=Module(os.path.join(data, "train"), workers))
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
