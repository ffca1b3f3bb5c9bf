"""Loaders, samplers and containers that people use beside torch's own and beside one file a sample: for kinds.py."""
import itertools
import multiprocessing
import os
import random
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import numpy as np
import torch
from torch.utils.data.dataloader import _DatasetKind, _MultiProcessingDataLoaderIter, _SingleProcessDataLoaderIter
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, Sampler, get_worker_info

from people import Named
from reach import N, Base, digest, listed, load

EPOCHS = 4


def plain(dataset, workers, **more):
    more.setdefault("shuffle", True)
    loader = DataLoader(dataset, 8, num_workers=workers, **more)
    for _ in range(EPOCHS):
        yield from loader
        yield None


def made(top, name, make):
    """A file that is made when it is first asked for: the plain run's."""
    path = os.path.join(top, name)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        make(path + ".new")
        os.rename(path + ".new", path)
    return path


# ---- no DataLoader of torch's ----

def digest_of(path):
    return digest(load(path))


def pool(top, w):
    """A pool of processes over a shuffled list."""
    paths = listed(top, "img")
    with multiprocessing.get_context("fork").Pool(max(1, w)) as p:
        for _ in range(EPOCHS):
            random.shuffle(paths)
            for x in p.imap(digest_of, paths, 4):
                yield x
            yield None


def joblib(top, w):
    from joblib import Parallel, delayed
    paths = listed(top, "npy")
    with Parallel(max(1, w), prefer="threads") as p:
        for _ in range(EPOCHS):
            random.shuffle(paths)
            yield torch.stack(p(delayed(digest_of)(x) for x in paths))
            yield None


def scan_first(top, w):
    """All files are verified by a pool of threads, others with them; then come the loaders."""
    with ThreadPoolExecutor(max(1, w)) as p:
        list(p.map(load, listed(top, "img") + listed(top, "clip")))
    yield from plain(Named(top), w)


class Background(DataLoader):
    """Its iterator is gone through by a thread that is some batches ahead."""

    def __iter__(self):
        queue, end = Queue(4), object()

        def run(batches):
            for b in batches:
                queue.put(b)
            queue.put(end)
        threading.Thread(target=run, args=(super().__iter__(),), daemon=True).start()
        return iter(queue.get, end)


def background(top, w):
    loader = Background(Named(top), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS):
        yield from loader
        yield None


class Around:
    """A loader of its own around torch's iterators, as fastai's: to them it is one iterable of batches, each worker's its own."""

    class Torchs:
        _IterableDataset_len_called, _auto_collation, drop_last, in_order, prefetch_factor = None, False, False, True, 2
        generator = multiprocessing_context = None
        pin_memory, pin_memory_device, timeout, persistent_workers = False, "", 0, False
        _dataset_kind = _DatasetKind.Iterable

        def __init__(self, loader, workers):
            self.dataset, self.loader, self.num_workers = self, loader, workers
            self.worker_init_fn, self._index_sampler = None, Endless()

        def collate_fn(self, x):
            return x

        def _get_shared_seed(self):
            return None

        def __iter__(self):
            return self.loader.batches()

    def __init__(self, dataset, size, workers):
        self.dataset, self.size, self.torchs = dataset, size, self.Torchs(self, workers)

    def __len__(self):
        return -(-len(self.dataset) // self.size)

    def batches(self):
        info = get_worker_info()
        for b in range(info.id if info else 0, len(self), info.num_workers if info else 1):
            yield torch.stack([self.dataset[i] for i in self.order[b * self.size:(b + 1) * self.size]])

    def __iter__(self):
        self.order = random.sample(range(len(self.dataset)), len(self.dataset))
        return iter((_MultiProcessingDataLoaderIter if self.torchs.num_workers else _SingleProcessDataLoaderIter)(self.torchs))


class Endless:
    def __iter__(self):
        return itertools.count()


def around(top, w):
    loader = Around(Named(top), 8, w)
    for _ in range(EPOCHS):
        yield from loader
        yield None


def accelerated(top, w):
    from accelerate import Accelerator
    loader = Accelerator(cpu=True).prepare(DataLoader(Named(top), 8, shuffle=True, num_workers=w))
    for _ in range(EPOCHS):
        yield from loader
        yield None


# ---- samplers ----

class Repeated(Sampler):
    """Each three times in a row (repeated augmentation)."""

    def __init__(self, n):
        self.n, self.epoch = n, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = torch.randperm(self.n, generator=torch.Generator().manual_seed(self.epoch))
        return iter(order.repeat_interleave(3)[:self.n].tolist())

    def __len__(self):
        return self.n


class PerClass(Sampler):
    """Four of a class at a time, by numpy's global generator."""

    def __iter__(self):
        of = [list(range(c * N // 4, (c + 1) * N // 4)) for c in range(4)]
        for _ in range(N // 16):
            for c in np.random.permutation(4):
                yield from np.random.choice(of[c], 4, replace=False)

    def __len__(self):
        return N // 16 * 16


class Wrapper(Sampler):
    """Yields what another does, as a list that it makes first."""

    def __init__(self, inner):
        self.inner = inner

    def __iter__(self):
        self.list = list(self.inner)
        return iter(self.list)

    def __len__(self):
        return len(self.inner)


class Flagged(Sampler):
    """Batches of (flag, index), as YOLOX's."""

    __init__ = object.__init__     # 1.13 wants a data source, later ones want none
    def __iter__(self):
        order = torch.randperm(N).tolist()
        for b in range(0, N, 8):
            yield [(random.random() < .5, i) for i in order[b:b + 8]]

    def __len__(self):
        return N // 8


class FlaggedFiles(Named):
    def __getitem__(self, index):
        return Named.__getitem__(self, index[1])


class Keyed(Base):
    """Its samples are named, not numbered."""

    def set_up(self, top):
        self.files_of = {os.path.basename(p): p for p in listed(top, "img")}

    def __getitem__(self, key):
        return digest(load(self.files_of[key]))


class Keys(Sampler):
    def __init__(self, keys):
        self.keys = list(keys)

    def __iter__(self):
        return iter(random.sample(self.keys, len(self.keys)))

    def __len__(self):
        return len(self.keys)


# ---- several samples a file ----

class Zip(Base):
    """Members of an archive, opened once a process."""

    def set_up(self, top):
        def make(path):
            with zipfile.ZipFile(path, "w") as z:
                for p in listed(top, "clip"):
                    z.write(p, os.path.basename(p))
        self.path, self.of = made(top, "zip/all.zip", make), None

    def __getitem__(self, i):
        if self.of != os.getpid():
            self.of, self.zip = os.getpid(), zipfile.ZipFile(self.path)
            self.names = self.zip.namelist()
        return digest(self.zip.read(self.names[i]))


class Hdf5(Base):
    """Slices of a large file."""

    def set_up(self, top):
        import h5py

        def make(path):
            with h5py.File(path, "w") as f:
                f["x"] = np.random.RandomState(3).randint(0, 255, (N, 64, 64, 3), np.uint8)
        self.path, self.of = made(top, "hdf5/all.h5", make), None

    def __getitem__(self, i):
        import h5py
        if self.of != os.getpid():
            self.of, self.x = os.getpid(), h5py.File(self.path, "r")["x"]
        return digest(self.x[i].tobytes())


class Memmap(Base):
    def set_up(self, top):
        def make(path):
            with open(path, "wb") as f:
                np.save(f, np.random.RandomState(3).randint(0, 255, (N, 8192), np.uint8))
        self.x = np.load(made(top, "map/all.npy", make), mmap_mode="r")

    def __getitem__(self, i):
        return digest(self.x[i].tobytes())


class Lmdb(Base):
    def set_up(self, top):
        import lmdb

        def make(path):
            with lmdb.open(path, 1 << 24) as env, env.begin(write=True) as t:
                for i, p in enumerate(listed(top, "clip")):
                    t.put(b"%d" % i, load(p))
        self.path, self.of = made(top, "lmdb/all", make), None

    def __getitem__(self, i):
        import lmdb
        if self.of != os.getpid():
            self.of, self.t = os.getpid(), lmdb.open(self.path, readonly=True, lock=False).begin()
        return digest(self.t.get(b"%d" % i))


class Parquet(Base):
    """Which files there are stands in a table that is asked for each sample."""

    def set_up(self, top):
        import pyarrow
        import pyarrow.parquet

        def make(path):
            pyarrow.parquet.write_table(pyarrow.table({"image": listed(top, "img")}), path)
        self.table = pyarrow.parquet.read_table(made(top, "parquet/train.parquet", make))

    def files(self, i):
        return [self.table["image"][i].as_py()]


class Shards(IterableDataset):
    """webdataset: each worker takes some of the archives, shuffled anew."""

    def __init__(self, top):
        import tarfile

        def make(path):
            files = listed(top, "clip")
            for k in range(24):
                with tarfile.open("%s.%02d.tar" % (path, k), "w") as t:
                    for p in files[k * 20:k * 20 + 20]:
                        t.add(p, os.path.basename(p))
                        t.add(p, os.path.basename(p) + ".2")
            open(path, "w").close()
        path = made(top, "tars/made", make)
        self.paths = sorted(os.path.join(os.path.dirname(path), f) for f in os.listdir(os.path.dirname(path)) if f.endswith(".tar"))

    def __iter__(self):
        import tarfile
        paths = random.sample(self.paths, len(self.paths))
        info = get_worker_info()
        for path in itertools.islice(paths, info.id, None, info.num_workers) if info else paths:
            with open(path, "rb") as f, tarfile.open(fileobj=f, mode="r|") as t:
                for member in t:
                    yield digest(t.extractfile(member).read())


# ---- readers ----

class Imread(Base):
    """OpenCV opens by C's fopen()."""

    def set_up(self, top):
        self.paths = ppm(top)

    def __getitem__(self, i):
        import cv2
        return digest(cv2.imread(self.paths[i]).tobytes())


class Pil(Imread):
    def __getitem__(self, i):
        from PIL import Image
        with Image.open(self.paths[i]) as image:
            return digest(image.convert("L").tobytes())


class TorchLoad(Base):
    def set_up(self, top):
        self.paths = [made(top, "pt/%03d.pt" % i, lambda p: torch.save({"x": torch.arange(600) + i}, p)) for i in range(N)]

    def __getitem__(self, i):
        return digest(torch.load(self.paths[i])["x"].numpy().tobytes())


def ppm(top):
    def make(to):
        with open(to, "wb") as f:
            f.write(b"P6 40 25 255\n" + random.Random(to).randbytes(3000))
    return [made(top, "ppm/%03d.ppm" % i, make) for i in range(N)]


def batches(dataset, workers, sampler):
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=workers)
    for _ in range(EPOCHS):
        yield from loader
        yield None


def of(dataset, **more):
    return lambda top, w: plain(dataset(top), w, **more)


KINDS = {
    "pool": pool, "joblib": joblib, "scan-first": scan_first, "background": background, "around": around, "accelerate": accelerated,
    "repeated": lambda t, w: plain(Named(t), w, shuffle=None, sampler=Repeated(N)),
    "per-class": lambda t, w: plain(Named(t), w, shuffle=None, sampler=PerClass()),
    "sampler-around": lambda t, w: plain(Named(t), w, shuffle=None, sampler=Wrapper(RandomSampler(range(N)))),
    "index-pairs": lambda t, w: batches(FlaggedFiles(t), w, Flagged()), "keys": lambda t, w: plain(Keyed(t), w, shuffle=None, sampler=Keys(Keyed(t).files_of)),
    "zip": of(Zip), "hdf5": of(Hdf5), "memmap": of(Memmap), "lmdb": of(Lmdb), "parquet": of(Parquet), "tar-shards": of(Shards, shuffle=None),
    "cv2": of(Imread), "pil": of(Pil), "torch-load": of(TorchLoad),
}
UNKNOWN = {"pool", "joblib", "tar-shards", "zip", "hdf5", "memmap", "lmdb", "keys"}   # as kinds.py's
