"""frameworks.py ROOT JOB...: jobs as in jobs.py, whose loaders are a framework's. ROOT holds images for timm, else bytes."""
import os
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, random_split

import jobs
from jobs import Training, folder


def stateful(root):
    from torchdata.stateful_dataloader import StatefulDataLoader
    t, d = Training(), folder(root)
    for workers in (0, 2):
        t.epochs(StatefulDataLoader(d, 8, shuffle=True, num_workers=workers))
    return t.outcome()


def resumed(root):
    """A StatefulDataLoader left in the middle, and another that goes on from its state."""
    from torchdata.stateful_dataloader import StatefulDataLoader
    t, d = Training(), folder(root)
    loader = StatefulDataLoader(d, 8, shuffle=True, num_workers=2)
    for i, batch in enumerate(loader):
        t.step(batch)
        if i == 20:
            break
    state = loader.state_dict()
    loader = StatefulDataLoader(d, 8, shuffle=True, num_workers=2)
    loader.load_state_dict(state)
    t.epochs(loader)
    return t.outcome()


def accelerated(root):
    from accelerate import Accelerator
    t, d = Training(), folder(root)
    accelerator = Accelerator(cpu=True)
    t.model, t.optimiser, loader = accelerator.prepare(
        t.model, t.optimiser, DataLoader(d, 8, shuffle=True, num_workers=2))
    t.epochs(loader)
    return t.outcome()


def lightning(root):
    """With a validation set: Lightning reads two batches of it before the first epoch."""
    import lightning as L
    t, d = Training(), folder(root)

    class Module(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = t.model

        def loss(self, batch):
            loss = nn.functional.cross_entropy(self.model(batch[0]), batch[1] % 3)
            t.digest.update(loss.item().hex().encode())
            return loss

        def training_step(self, batch, i):
            return self.loss(batch)

        def validation_step(self, batch, i):
            self.loss(batch)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), .01)

    train, val = random_split(d, [len(d) * 3 // 4, len(d) - len(d) * 3 // 4])
    L.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
              enable_model_summary=False).fit(
        Module(), DataLoader(train, 8, shuffle=True, num_workers=2), DataLoader(val, 8, num_workers=1))
    return t.outcome()


def timm_loader(root, **options):
    from timm.data import create_dataset, create_loader
    t = Training()
    t.model[0] = nn.Linear(3 * 32 * 32, 16)
    t.optimiser = torch.optim.SGD(t.model.parameters(), .01)
    loader = create_loader(create_dataset("", root=root), (3, 32, 32), 8, is_training=True, num_workers=2,
                           use_prefetcher=False, device=torch.device("cpu"), **options)
    for _ in range(3):
        for x, y in loader:
            t.step((x.flatten(1), y))
    return t.outcome()


jobs.JOBS = {
    "stateful": stateful,
    "resumed": resumed,
    "accelerated": accelerated,
    "lightning": lightning,
    "timm": timm_loader,
    "timm-not-persistent": lambda r: timm_loader(r, persistent_workers=False),
    "timm-multi-epochs": lambda r: timm_loader(r, use_multi_epochs_loader=True),
}

if __name__ == "__main__":
    jobs.main()
