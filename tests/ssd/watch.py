"""`watch.py BUDGET PARENT`: looks over and over at what the objects of the folders in PARENT take (whole blocks), until its
stdin ends; prints `SAMPLES MOST OVER`: the most bytes seen at a time, and how many samples were above BUDGET bytes."""
import os
import select
import sys


def taken(folder):
    total = 0
    for sub in ("objects", "dead", "new"):
        for at, _, names in os.walk(os.path.join(folder, sub)):
            for name in names:
                try:
                    total += os.lstat(os.path.join(at, name)).st_blocks * 512
                except OSError:
                    pass
    return total


def main():
    budget, parent = int(sys.argv[1]), sys.argv[2]
    samples = most = over = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        folders = [os.path.join(parent, n) for n in os.listdir(parent)] if os.path.isdir(parent) else []
        now = sum(taken(f) for f in folders)
        samples += 1
        most = max(most, now)
        over += now > budget
    print(samples, most, over)


main()
