"""images.py N DIR: makes N JPEG files of ImageNet-like sizes in ImageFolder layout, once.

Each is a crop of a photograph of its own place, zoom, mirroring and tilt, encoded to a size drawn from a
log-normal distribution. The photographs come from a package (tests/setup.sh photos); without any, scenes
are rendered instead. A class is a group of photographs, so that a network can learn something. The same
arguments make the same files. DIR appears when it is complete, with what was made in DIR.json beside it.
"""
import argparse
import hashlib
import io
import json
import math
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time

from PIL import Image, ImageOps

SIGMA = 0.5
LONGEST = 2000          # a photograph is first brought down to this
SCENES = 20


def number(text):
    unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def noise(rng, width, height):
    """Values 0..1 that vary at all scales alike, as landscapes do."""
    import numpy
    total = numpy.zeros((height, width), "f4")
    for octave in range(2, 10):
        grid = rng.random((2 ** octave * height // width + 2, 2 ** octave + 2), "f4")
        layer = Image.fromarray(grid).resize((width, height), Image.BICUBIC)
        total += numpy.asarray(layer) / 1.7 ** octave
    total -= total.min()
    return total / total.max()


def scene(seed):
    """A rendered landscape: sky with clouds, ridges one behind the other, haze with distance."""
    import numpy
    rng = numpy.random.default_rng(seed)
    width, height = 1500, 1000
    sky, sun, ground = rng.random((3, 3))
    y = numpy.linspace(0, 1, height)[:, None, None]
    clouds = noise(rng, width, height)[..., None] ** 2
    picture = (sky * (1 - y) + sun * y) * (1 - clouds) + clouds
    rows = numpy.arange(height)[:, None]
    for ridge in range(1, 7):
        texture = noise(rng, width, height)
        top = height * (0.25 + 0.1 * ridge) - texture[0] * height * 0.3
        haze = ridge / 6
        colour = (ground * haze + sky * (1 - haze)) * (0.4 + 0.6 * texture[..., None])
        picture = numpy.where((rows > top)[..., None], colour, picture)
    picture += rng.normal(0, 0.03, picture.shape)      # a sensor's grain
    return Image.fromarray((picture.clip(0, 1) * 255).astype("u1"))


def load(source):
    if isinstance(source, int):
        return scene(source)
    picture = Image.open(source)
    picture.draft("RGB", (LONGEST, LONGEST))
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    return picture


# Bytes of a JPEG at a quality, in parts of those at the best one that is used: a first guess.
BEST = 96
QUALITY = ((93, .78), (90, .63), (87, .54), (84, .47), (80, .41), (75, .36), (70, .32), (60, .27), (50, .23))


def encode(picture, quality):
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def crop(picture, rng, target, mean):
    """A JPEG of about `target` bytes: a larger one has more pixels, as a rule, as well as more detail."""
    side = rng.uniform(400, 600) * (target / mean) ** 0.4
    for _ in range(8):
        width = picture.width * rng.uniform(0.3, 0.8)
        height = min(width * rng.choice((0.66, 0.75, 0.75, 1.0, 1.33)), picture.height * 0.9)
        x, y = rng.uniform(0, picture.width - width), rng.uniform(0, picture.height - height)
        tilt = rng.uniform(-0.06, 0.06) * min(width, height)
        corners = [(x, y + tilt), (x - tilt, y + height), (x + width, y + height - tilt), (x + width + tilt, y)]
        if rng.random() < 0.5:
            corners = corners[3:1:-1] + corners[1::-1]
        scale = side / max(width, height)
        size = max(16, round(width * scale)), max(16, round(height * scale))
        place = picture.transform(size, Image.QUAD, sum(corners, ()), Image.BILINEAR)
        best = encode(place, BEST)
        part = target / len(best)
        if part < 1.08:
            break
        side *= min(part ** 0.5, 1.25)     # too plain a place: look elsewhere, with more pixels
    if part > 0.92:
        return best
    return encode(place, min(QUALITY, key=lambda q: abs(q[1] - part))[0])


def make(job):
    source, todo, seed, mean = job
    picture = load(source)
    made = []
    for i, path, target in todo:
        data = crop(picture, random.Random("%d/%d" % (seed, i)), target, mean)
        with open(path, "wb") as f:
            f.write(data)
        made.append((len(data), hashlib.sha256(data).hexdigest()))
    return made


def photographs(given):
    here = os.path.dirname(os.path.abspath(__file__))
    if not given:
        run = subprocess.run([os.path.join(here, "setup.sh"), "photos"], stdout=subprocess.PIPE, text=True)
        given = run.stdout.strip()
    found = sorted(os.path.join(given, n) for n in os.listdir(given) if n.endswith(".jpg")) if given else []
    return [path for path in found if rich(path)] or list(range(SCENES))


def rich(path):
    """Detail enough that crops have ImageNet's bytes a pixel; leaves out drawings and mere sky."""
    picture = Image.open(path)
    picture.draft("RGB", (500, 500))
    picture.thumbnail((500, 500))
    return len(encode(picture.convert("RGB"), 90)) > 0.19 * picture.width * picture.height


def show(done, total, start):
    if sys.stderr.isatty():
        bar = "#" * (30 * done // total)
        print("\r  images [%-30s] %d/%d  %.0f s " % (bar, done, total, time.time() - start), end="",
              file=sys.stderr, flush=True)
    elif done * 4 // total > show.quarter:
        show.quarter = done * 4 // total
        print("  images: %d of %d" % (done, total), file=sys.stderr, flush=True)


show.quarter = 0


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("n", type=int)
    p.add_argument("dir")
    p.add_argument("--classes", type=int, default=8)
    p.add_argument("--mean", type=number, default=110 << 10, help="mean size in bytes, K M allowed")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--photos", help="directory of photographs (default: a package's)")
    a = p.parse_args()
    target, about = os.path.abspath(a.dir), os.path.abspath(a.dir) + ".json"
    asked = {"n": a.n, "classes": a.classes, "mean": a.mean, "seed": a.seed}
    try:
        with open(about) as f:
            if json.load(f)["asked"] == asked and os.path.isdir(target):
                return
    except (OSError, ValueError, KeyError):
        pass

    sources = photographs(a.photos)
    rng = random.Random(a.seed)
    mu = math.log(a.mean) - SIGMA * SIGMA / 2
    new = target + ".new"
    shutil.rmtree(new, ignore_errors=True)
    jobs = {}
    for i in range(a.n):
        source = i % len(sources)
        folder = os.path.join(new, "class%02d" % (source % a.classes))
        os.makedirs(folder, exist_ok=True)
        size = min(max(rng.lognormvariate(mu, SIGMA), 12e3), 1e6)
        jobs.setdefault(source, []).append(
            (i, os.path.join(folder, "image%06d.jpg" % i), size))
    start, made = time.time(), []
    with multiprocessing.Pool(os.cpu_count()) as pool:
        work = [(sources[s], todo, a.seed, a.mean) for s, todo in sorted(jobs.items())]
        for part in pool.imap_unordered(make, work):
            made += part
            show(len(made), a.n, start)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if len({digest for _, digest in made}) != a.n:
        sys.exit("images.py: two files came out alike; try another --seed")
    total = sum(size for size, _ in made)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(new, target)
    with open(about, "w") as f:
        json.dump({"asked": asked, "bytes": total, "mean": total / a.n, "seconds": time.time() - start,
                   "from": "scenes" if isinstance(sources[0], int) else "photographs"}, f)


if __name__ == "__main__":
    main()
