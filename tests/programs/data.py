"""data.py WHAT DIR: some hundred small files of one kind, laid out as their users lay them out.

folders    train/CLASS/*.jpg (320), val/CLASS/*.jpg (80), as torchvision's ImageFolder, fastai, timm and imagefolder want them
masks      images/*.jpg and masks/*.png of the same number (200 each)
volumes    imagesTr/*.nii.gz and labelsTr/*.nii.gz (200 each); needs nibabel
frames     VIDEO/frame_NNNN.jpg (50 of 8), list.txt
coco       images/*.jpg (400), annotations/instances_train.json
yolo       images/{train,val}/*.jpg (320, 80), labels/{train,val}/*.txt, data.yaml
"""
import json
import os
import random
import sys

import numpy as np
from PIL import Image

draw = random.Random(5)
noise = np.random.default_rng(5)


def picture(path, kind="RGB", side=64):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shape = (side, side) if kind == "L" else (side, side, 3)
    Image.fromarray(noise.integers(0, 3 if kind == "L" else 256, shape, np.uint8), kind).save(path)


def folders(top):
    for part, n in ("train", 320), ("val", 80):
        for i in range(n):
            picture("%s/%s/class%d/img_%04d.jpg" % (top, part, i % 4, i))


def masks(top):
    for i in range(200):
        picture("%s/images/case%03d.jpg" % (top, i))
        picture("%s/masks/case%03d.png" % (top, i), "L")


def volumes(top):
    import nibabel
    for i in range(200):
        for part, hull in ("imagesTr", 256), ("labelsTr", 2):
            os.makedirs("%s/%s" % (top, part), exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(noise.integers(0, hull, (12, 12, 12)).astype(np.int16), np.eye(4)), "%s/%s/spleen_%03d.nii.gz" % (top, part, i))


def frames(top):
    for v in range(50):
        for i in range(8):
            picture("%s/video%02d/frame_%04d.jpg" % (top, v, i))
    with open(top + "/list.txt", "w") as f:
        f.writelines("video%02d 8 %d\n" % (v, v % 3) for v in range(50))


def coco(top):
    images, notes = [], []
    for i in range(400):
        name = "%012d.jpg" % (i * 37 + 139)
        picture(top + "/images/" + name)
        images.append({"id": i * 37 + 139, "file_name": name, "height": 64, "width": 64})
        notes.append({"id": i, "image_id": i * 37 + 139, "category_id": 1 + i % 3, "bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0,
                      "segmentation": [[4, 4, 24, 4, 24, 24, 4, 24]]})
    os.makedirs(top + "/annotations")
    with open(top + "/annotations/instances_train.json", "w") as f:
        json.dump({"images": images, "annotations": notes, "categories": [{"id": c, "name": "thing%d" % c} for c in (1, 2, 3)]}, f)


def yolo(top):
    for part, n in ("train", 320), ("val", 80):
        os.makedirs("%s/labels/%s" % (top, part))
        for i in range(n):
            picture("%s/images/%s/%06d.jpg" % (top, part, i))
            with open("%s/labels/%s/%06d.txt" % (top, part, i), "w") as f:
                f.write("%d .5 .5 .4 .4\n" % (i % 2))
    with open(top + "/data.yaml", "w") as f:
        f.write("path: %s\ntrain: images/train\nval: images/val\nnames: {0: this, 1: that}\n" % os.path.abspath(top))


if __name__ == "__main__":
    {"folders": folders, "masks": masks, "volumes": volumes, "frames": frames, "coco": coco, "yolo": yolo}[sys.argv[1]](sys.argv[2])
