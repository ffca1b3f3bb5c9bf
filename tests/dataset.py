"""dataset.py DIR N [SIZE [CLASSES]] [--seed S]: N files of random bytes in ImageFolder layout.

SIZE: bytes, A-B (uniform) or ~MEAN (log-normal, sigma .5); default ~110K is what ImageNet's files are
like. Files are named DIR/cNN/fNNNNNN.jpg. The same arguments make the same bytes. Every file differs.
"""
import argparse
import math
import os
import random


def number(text):
    unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def sizes(spec, rng):
    if spec.startswith("~"):
        mean, sigma = number(spec[1:]), 0.5
        mu = math.log(mean) - sigma * sigma / 2
        return lambda: max(1, int(rng.lognormvariate(mu, sigma)))
    if "-" in spec:
        low, high = map(number, spec.split("-"))
        return lambda: rng.randint(low, high)
    return lambda: number(spec)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dir")
    p.add_argument("n", type=int)
    p.add_argument("size", nargs="?", default="~110K")
    p.add_argument("classes", nargs="?", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rng = random.Random(a.seed)
    draw = sizes(a.size, rng)
    pool = rng.randbytes(1 << 20)
    for i in range(a.n):
        folder = os.path.join(a.dir, "c%02d" % (i % a.classes))
        if i < a.classes:
            os.makedirs(folder, exist_ok=True)
        size = draw()
        head = rng.randbytes(min(size, 64))
        at = rng.randrange(len(pool))
        body = (pool[at:] + pool * (size // len(pool) + 1))[: size - len(head)]
        with open(os.path.join(folder, "f%06d.jpg" % i), "wb") as f:
            f.write(head + body)


if __name__ == "__main__":
    main()
