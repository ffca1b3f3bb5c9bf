"""Datasets as people write them, over the files that reach.py lays out: for kinds.py."""
import csv
import functools
import glob
import io
import itertools
import json
import mmap
import os
import pathlib
import sqlite3
import subprocess
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from reach import N, Base, digest, listed, load


class Sqlite(Base):
    """An index in a database, asked for each sample."""

    def set_up(self, top):
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute("create table files (id integer primary key, path text)")
        self.db.executemany("insert into files values (?, ?)", enumerate(listed(top, "img")))

    def files(self, i):
        return self.db.execute("select path from files where id = ?", (i,)).fetchone()


class Csv(Base):
    def set_up(self, top):
        text = io.StringIO()
        csv.writer(text).writerows((os.path.relpath(p, top), "0") for p in listed(top, "img"))
        self.base, self.rows = top, list(csv.DictReader(io.StringIO(text.getvalue()), fieldnames=("name", "label")))

    def files(self, i):
        return [self.base + "/" + self.rows[i]["name"]]


class Property(Base):
    """Its list is made when it is first asked for."""

    def set_up(self, top):
        self.top = top

    @functools.cached_property
    def paths(self):
        return listed(self.top, "img")

    def files(self, i):
        return [self.paths[i]]


class Globs(Base):
    """Looks for the file of each sample."""

    def set_up(self, top):
        self.top = top

    def files(self, i):
        return glob.glob(os.path.join(self.top, "img", "*", "%03d.*" % i))


class Scans(Base):
    """Lists the folder for each sample."""

    def set_up(self, top):
        self.top = pathlib.Path(top)

    def files(self, i):
        with os.scandir(self.top / "img" / ("c%d" % (i * 4 // N))) as entries:
            names = sorted(e.path for e in entries)
        return [names[i % (N // 4)]]


class Pathlib(Base):
    def set_up(self, top):
        self.paths = sorted(pathlib.Path(top, "img").rglob("*.jpg"))

    def __getitem__(self, i):
        return digest(self.paths[i].read_bytes())


Item = namedtuple("Item", "label where")


class Tuples(Base):
    """namedtuples."""

    def set_up(self, top):
        self.items = [Item(i, p) for i, p in enumerate(listed(top, "img"))]

    def files(self, i):
        return [self.items[i].where]


class Record:
    __slots__ = ("path", "label")

    def __init__(self, path, label):
        self.path, self.label = path, label


class Slots(Base):
    def set_up(self, top):
        self.records = [Record(p, i) for i, p in enumerate(listed(top, "img"))]

    def files(self, i):
        return [self.records[i].path]


class Closure(Base):
    """Nothing but a function that knows."""

    def set_up(self, top):
        paths = listed(top, "img")
        self.load = lambda i: load(paths[i])

    def __getitem__(self, i):
        return digest(self.load(i))


class Module(Base):
    """A list of the module's."""
    PATHS = []

    def set_up(self, top):
        Module.PATHS[:] = listed(top, "img")

    def files(self, i):
        return [self.PATHS[i]]


class Pairs(Base):
    """Two files of a list, by chance (contrastive): the first is the sample's."""

    def set_up(self, top):
        self.paths = listed(top, "img")

    def files(self, i):
        return [self.paths[i], self.paths[int(torch.randint(N, ()))]]


class Triple(Base):
    """Image, depth and flow in three folders."""

    def set_up(self, top):
        self.parts = [listed(top, k) for k in ("img", "msk", "npy")]

    def files(self, i):
        return [p[i] for p in self.parts]


class Window(Base):
    """Neighbouring frames: each file is several samples'."""
    n = N - 2

    def set_up(self, top):
        self.paths = listed(top, "img")

    def files(self, i):
        return self.paths[i:i + 3]


class Varying(Base):
    """As many files as the sample has."""
    n = N // 2

    def set_up(self, top):
        paths = iter(listed(top, "clip"))
        self.of = {i: list(itertools.islice(paths, 1 + i % 3)) for i in range(self.n)}

    def files(self, i):
        return self.of[i]


class Numpy(Base):
    """np.fromfile, np.load's way to read a header first."""

    def set_up(self, top):
        self.paths = np.array(listed(top, "npy"))

    def __getitem__(self, i):
        with open(self.paths[i], "rb") as f:
            head = f.read(128)
        return digest(head, np.fromfile(self.paths[i], np.uint8).tobytes())


class Mapped(Base):
    def set_up(self, top):
        self.paths = listed(top, "npy")

    def __getitem__(self, i):
        with open(self.paths[i], "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            return digest(m[:])


class Raw(Base):
    """os.open, pread, from behind."""

    def set_up(self, top):
        self.paths = listed(top, "img")

    def __getitem__(self, i):
        fd = os.open(self.paths[i], os.O_RDONLY)
        try:
            return digest(os.pread(fd, 1000, 2000), os.pread(fd, 2000, 0))
        finally:
            os.close(fd)


class Relative(Base):
    def set_up(self, top):
        self.fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        self.names = [os.path.relpath(p, top) for p in listed(top, "img")]

    def __getitem__(self, i):
        fd = os.open(self.names[i], os.O_RDONLY, dir_fd=self.fd)
        with open(fd, "rb") as f:
            return digest(f.read())


class Torchvision(Base):
    def set_up(self, top):
        import torchvision.io
        self.read, self.paths = torchvision.io.read_file, listed(top, "img")

    def __getitem__(self, i):
        return digest(self.read(self.paths[i]).numpy().tobytes())


class Sibling(Base):
    """The annotation lies beside the image under another suffix; found by the image's name."""

    def set_up(self, top):
        self.paths = listed(top, "img")

    def files(self, i):
        p = self.paths[i]
        return [p, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(p))), "msk", os.path.basename(p)[:-4] + ".png")]


class Buffered(Base):
    """Keeps what it has read last, as Ultralytics does."""

    def set_up(self, top):
        self.paths, self.kept = listed(top, "img"), {}

    def __getitem__(self, i):
        if i not in self.kept:
            self.kept[i] = load(self.paths[i])
            if len(self.kept) > 20:
                self.kept.pop(next(iter(self.kept)))
        return digest(self.kept[i])


class Retry(Base):
    """A file that is gone is tried twice, another one taken instead."""

    def set_up(self, top):
        self.paths = listed(top, "img")
        self.paths[5] += ".gone"

    def __getitem__(self, i):
        for k in (i, i, (i + 7) % N):
            try:
                return digest(load(self.paths[k]))
            except OSError:
                pass


class Threads(Base):
    """Reads ahead of itself by a thread."""

    def set_up(self, top):
        self.paths = listed(top, "msk")
        self.local = threading.local()

    def __getitem__(self, i):
        if not hasattr(self.local, "pool"):
            self.local.pool = ThreadPoolExecutor(1)
        return digest(self.local.pool.submit(load, self.paths[i]).result())


class Child(Base):
    """Another program reads the file (a decoder)."""
    n = N // 4

    def set_up(self, top):
        self.paths = listed(top, "img")

    def __getitem__(self, i):
        return digest(subprocess.run(["cat", self.paths[i]], stdout=subprocess.PIPE).stdout)


class Frame(Base):
    def set_up(self, top):
        import pandas
        self.df = pandas.DataFrame({"id": range(N), "file": [os.path.relpath(p, top) for p in listed(top, "img")]}).set_index("id")
        self.img_dir = top

    def files(self, i):
        return [os.path.join(self.img_dir, self.df.loc[i, "file"])]


class Lines(IterableDataset):
    """Lines of a list, each worker its own."""

    def __init__(self, top):
        self.lines = [json.dumps({"image": p}) for p in listed(top, "img")]

    def __iter__(self):
        info = get_worker_info()
        lines = self.lines[info.id::info.num_workers] if info else self.lines
        for line in lines:
            yield digest(load(json.loads(line)["image"]))


class Shuffling(Lines):
    """.. through a buffer, shuffled anew each epoch."""

    def __iter__(self):
        order = torch.randperm(len(self.lines)).tolist()
        info = get_worker_info()
        for k in order[info.id::info.num_workers] if info else order:
            yield digest(load(json.loads(self.lines[k])["image"]))


class Wrapped(Dataset):
    """__getattr__ goes to the one within."""

    def __init__(self, inner):
        self.__dict__["inner"] = inner

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, i):
        return self.inner[i]


class Named(Base):
    """paths."""

    def set_up(self, top):
        self.my_secret_list = listed(top, "img")

    def files(self, i):
        return [self.my_secret_list[i]]
