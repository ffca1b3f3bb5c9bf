"""The ways in which Python programs read a file, each a function from a path to its bytes.

As a program: `readers.py HOW[,HOW..] [--threads N] [--rounds R] FILES-FROM` reads each file named in
FILES-FROM (one a line), R times over, in each way, and prints `HOW SHA256 PATH` for each file in order;
with threads, the files of a round are read by N at once. A file whose bytes differ between two rounds
is told on stderr and ends it with 1.
"""
import argparse
import hashlib
import io
import mmap
import os
import shutil
import sys
import tempfile


def by_open(path):
    with open(path, "rb") as f:
        return f.read()


def by_unbuffered(path):
    with open(path, "rb", buffering=0) as f:
        parts = []
        while True:
            part = f.read(4093)
            if not part:
                return b"".join(parts)
            parts.append(part)


def by_seek(path):
    """The second half first: offsets must survive the swap."""
    with open(path, "rb", buffering=0) as f:
        half = f.seek(0, os.SEEK_END) // 2
        f.seek(half)
        tail = f.readall()
        f.seek(0)
        head = b""
        while len(head) < half:
            head += f.read(half - len(head))
        return head + tail


def by_readinto(path):
    with open(path, "rb") as f:
        buf = bytearray(os.fstat(f.fileno()).st_size)
        n = f.readinto(buf)
        return bytes(buf[:n])


def by_pread(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        size, at, parts = os.fstat(fd).st_size, 0, []
        while at < size:
            parts.append(os.pread(fd, 65536, at))
            at += len(parts[-1])
        return b"".join(parts)
    finally:
        os.close(fd)


def by_preadv(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        buf = bytearray(os.fstat(fd).st_size)
        at = 0
        while at < len(buf):
            at += os.preadv(fd, [memoryview(buf)[at:]], at)
        return bytes(buf)
    finally:
        os.close(fd)


def by_mmap(path):
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        return bytes(m)


def by_sendfile(path):
    source = os.open(path, os.O_RDONLY)
    to = os.memfd_create("copy")
    try:
        size, at = os.fstat(source).st_size, 0
        while at < size:
            at += os.sendfile(to, source, at, size - at)
        return os.pread(to, size + 1, 0)
    finally:
        os.close(source)
        os.close(to)


def by_dup(path):
    fd = os.open(path, os.O_RDONLY)
    other = os.dup(fd)
    try:
        head = os.read(fd, 100)
        with open(other, "rb", buffering=0, closefd=False) as f:
            return head + f.readall()
    finally:
        os.close(fd)
        os.close(other)


def by_fromfile(path):
    import numpy
    return numpy.fromfile(path, dtype=numpy.uint8).tobytes()


def by_memmap(path):
    import numpy
    return numpy.memmap(path, dtype=numpy.uint8, mode="r").tobytes()


def by_read_file(path):
    import torchvision.io
    return torchvision.io.read_file(path).numpy().tobytes()


def by_pil(path):
    """Not the bytes but the pixels, and so all that the decoder read."""
    from PIL import Image
    with Image.open(path) as im:
        return im.convert("RGB").tobytes()


def by_torch_load(path):
    """torch's own C++ reader of a file into a tensor."""
    import torch
    return torch.from_file(path, size=os.path.getsize(path), dtype=torch.uint8).numpy().tobytes()


def by_copyfile(path):
    with tempfile.NamedTemporaryFile() as copy:
        shutil.copyfile(path, copy.name)
        with open(copy.name, "rb") as f:
            return f.read()


def by_copy2(path):
    """copy2 takes times and mode along; they must be the original's."""
    with tempfile.NamedTemporaryFile() as copy:
        shutil.copy2(path, copy.name)
        a, b = os.stat(path), os.stat(copy.name)
        if (a.st_mtime_ns, a.st_mode) != (b.st_mtime_ns, b.st_mode):
            return b"times or mode differ"
        with open(copy.name, "rb") as f:
            return f.read()


def by_text(path):
    with io.open(path, encoding="latin-1", newline="") as f:
        return f.read().encode("latin-1")


READERS = {name[3:]: f for name, f in list(globals().items()) if name.startswith("by_")}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("how")
    p.add_argument("files")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--rounds", type=int, default=2)
    a = p.parse_args()
    with open(a.files) as f:
        paths = f.read().splitlines()
    bad = False
    for how in a.how.split(","):
        read = READERS[how]

        def digest(path):
            return hashlib.sha256(read(path)).hexdigest()
        first = None
        for _ in range(a.rounds):
            if a.threads:
                from concurrent.futures import ThreadPoolExecutor
                with ThreadPoolExecutor(a.threads) as pool:
                    sums = list(pool.map(digest, paths))
            else:
                sums = [digest(path) for path in paths]
            first = first or sums
            for path, was, now in zip(paths, first, sums):
                if was != now:
                    print("%s: %s: %s, then %s" % (how, path, was, now), file=sys.stderr)
                    bad = True
        for path, s in zip(paths, first):
            print(how, s, path)
    sys.exit(bad)


if __name__ == "__main__":
    main()
