"""fastai's vision learner over folders. needs: fastai  data: folders"""
import sys

from fastai.vision.all import (Callback, CategoryBlock, DataBlock, ImageBlock, GrandparentSplitter, ImageDataLoaders, Learner, Resize,
                               SimpleCNN, aug_transforms, get_image_files, parent_label)
from torch import nn

from outcome import Outcome, seed

EPOCHS = 4


def main(data, workers):
    seed()
    out = Outcome()
    if workers:
        dls = ImageDataLoaders.from_folder(data, train="train", valid="val", item_tfms=Resize(32), batch_tfms=aug_transforms(), bs=16, num_workers=workers, seed=3)
    else:
        block = DataBlock((ImageBlock, CategoryBlock), get_items=get_image_files, splitter=GrandparentSplitter("train", "val"), get_y=parent_label, item_tfms=Resize(32))
        dls = block.dataloaders(data, bs=16, num_workers=0)

    class Note(Callback):
        def after_loss(self):
            out.loss(self.learn.loss)

        def after_epoch(self):
            out.end_epoch()
    learn = Learner(dls, SimpleCNN([3, 8, dls.c]), loss_func=nn.CrossEntropyLoss(), cbs=Note())
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(EPOCHS)
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
