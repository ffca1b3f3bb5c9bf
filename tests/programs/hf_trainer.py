"""Hugging Face's Trainer over imagefolder, with set_transform. needs: transformers datasets accelerate  data: folders"""
import os
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_HOME"] = tempfile.mkdtemp()
import torch
from datasets import load_dataset
from torchvision.transforms import Compose, RandomHorizontalFlip, RandomResizedCrop, ToTensor
from transformers import DefaultDataCollator, Trainer, TrainerCallback, TrainingArguments, ViTConfig, ViTForImageClassification

from outcome import Outcome, seed


def main(data, workers):
    seed()
    out = Outcome()
    images = load_dataset("imagefolder", data_dir=data)
    augment = Compose([RandomResizedCrop(32), RandomHorizontalFlip(), ToTensor()])

    def transforms(batch):
        return {"pixel_values": [augment(x.convert("RGB")) for x in batch["image"]], "labels": batch["label"]}
    images = images.with_transform(transforms)
    model = ViTForImageClassification(ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16, num_labels=4))

    class Note(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in (logs or {}):
                out.loss(logs["loss"])
            elif "eval_loss" in (logs or {}):
                out.loss(logs["eval_loss"])
                out.end_epoch()
    args = TrainingArguments(tempfile.mkdtemp(), num_train_epochs=4, per_device_train_batch_size=16, dataloader_num_workers=workers, logging_steps=1,
                             eval_strategy="epoch", save_strategy="no", report_to=[], remove_unused_columns=False, use_cpu=True, disable_tqdm=True, seed=11)
    kwargs = dict(model=model, args=args, data_collator=DefaultDataCollator(), train_dataset=images["train"],
                  eval_dataset=images["validation" if "validation" in images else "test"], callbacks=[Note()])
    sys.stdout, plain = open(os.devnull, "w"), sys.stdout
    Trainer(**kwargs).train()
    sys.stdout = plain
    out.over()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
