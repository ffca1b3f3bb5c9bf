"""jpegs.py DIR N SEED: N small JPEG files of noise in ImageFolder layout, two classes; ~1-60 KB each."""
import os
import random
import sys

from PIL import Image

folder, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
for i in range(n):
    side = rng.randint(16, 240)
    image = Image.frombytes("RGB", (side, side), rng.randbytes(side * side * 3))
    place = os.path.join(folder, "class%d" % (i % 2))
    os.makedirs(place, exist_ok=True)
    image.save(os.path.join(place, "f%04d.jpg" % i), quality=rng.randint(30, 95))
