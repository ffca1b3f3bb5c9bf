"""`watch.py BUDGET PARENT`: looks over and over at what the objects of the folders in PARENT take (whole blocks), until its
stdin ends; prints `SAMPLES MOST OVER`: the most bytes seen at a time, and how many samples were above BUDGET bytes.

A walk takes time, in which one object goes and another comes. So those it has met are looked at again: what is still where it was
was there, all of it together, when the walk ended."""
import os
import select
import sys


def met(folder):
    for sub in ("objects", "dead", "new"):
        for at, _, names in os.walk(os.path.join(folder, sub)):
            yield from (os.path.join(at, name) for name in names)


def look(paths):
    files = {}
    for path in paths:
        try:
            st = os.lstat(path)
        except OSError:
            continue
        files[path] = st.st_ino, st.st_blocks * 512
    return files


def taken(folders):
    first = look(path for f in folders for path in met(f))
    again = look(first)
    return sum(size for ino, size in {first[p][0]: min(first[p][1], s) for p, (i, s) in again.items() if first[p][0] == i}.items())


def main():
    budget, parent = int(sys.argv[1]), sys.argv[2]
    samples = most = over = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        folders = [os.path.join(parent, n) for n in os.listdir(parent)] if os.path.isdir(parent) else []
        now = taken(folders)
        samples += 1
        most = max(most, now)
        over += now > budget
    print(samples, most, over)


main()
