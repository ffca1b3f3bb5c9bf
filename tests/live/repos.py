"""Jobs as public training repositories write them, in the form that matters for what is read: for kinds.py."""
import copy
import itertools
import json
import os
import pickle
import random
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.utils.data import (BatchSampler, ConcatDataset, DataLoader, Dataset, IterableDataset, RandomSampler, Sampler, Subset, SubsetRandomSampler, WeightedRandomSampler,
                              get_worker_info, random_split)

from keyed import one, pictures
from others import made
from reach import Base, digest, listed, load

EPOCHS = 4
N = 400


class Pictures(Base):
    """Whose list is a secret."""
    n = N

    def set_up(self, top):
        self.ask = pictures(top).__getitem__

    def files(self, i):
        return [self.ask(int(i))]


def shuffled(dataset, workers, **more):
    more.setdefault("shuffle", True)
    loader = DataLoader(dataset, more.pop("size", 8), num_workers=workers, **more)
    for _ in range(EPOCHS):
        yield from loader
        yield None


def of(dataset, **more):
    return lambda top, w: shuffled(dataset(top), w, **more)


# ---- detection ----

class Serialized(Dataset):
    """detectron2's and mmengine's: the list as one array of pickled bytes."""

    def __init__(self, top):
        rows = [np.frombuffer(pickle.dumps({"file_name": p, "image_id": i}), np.uint8) for i, p in enumerate(pictures(top))]
        self.addr, self.bytes = np.cumsum([len(r) for r in rows]), np.concatenate(rows)

    def __len__(self):
        return len(self.addr)

    def __getitem__(self, i):
        return pickle.loads(memoryview(self.bytes[self.addr[i - 1] if i else 0:self.addr[i]]))


class Mapper(Dataset):
    """MapDataset: what fails is replaced by another at random."""

    def __init__(self, dataset):
        self.dataset, self.rng, self.fallback = dataset, random.Random(42), set(range(len(dataset)))

    def __len__(self):
        return len(self.dataset)

    def map(self, d):
        return digest(load(d["file_name"])) if d["image_id"] % 50 else None

    def __getitem__(self, i):
        while True:
            data = self.map(copy.deepcopy(self.dataset[int(i)]))
            if data is not None:
                return data
            self.fallback.discard(int(i))
            i = self.rng.sample(sorted(self.fallback), 1)[0]


class Training(Sampler):
    """Endless, from a seed that all ranks share; this is rank 0 of one."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        g = torch.Generator()
        g.manual_seed(7)
        while True:
            yield from torch.randperm(self.n, generator=g).tolist()

    def __len__(self):
        return self.n


class Iterables(IterableDataset):
    """ToIterableDataset: the sampler goes through in each worker."""

    def __init__(self, dataset, sampler):
        self.dataset, self.sampler = dataset, sampler

    def __iter__(self):
        info = get_worker_info()
        for i in itertools.islice(self.sampler, info.id if info else 0, None, info.num_workers if info else 1):
            yield self.dataset[i]


def steps(batches, count=N // 8):
    it = iter(batches)
    for _ in range(EPOCHS):
        yield from itertools.islice(it, count)
        yield None


def detectron(top, w):
    d = Mapper(Serialized(top))
    return steps(DataLoader(d, 8, sampler=Training(len(d)), num_workers=w))


def detectron_iterable(top, w):
    d = Mapper(Serialized(top))
    return steps(DataLoader(Iterables(d, Training(len(d))), 8, num_workers=w))


def grouped(top, w):
    """AspectRatioGroupedDataset: single samples are put into two buckets, each handed out when it is full."""
    d = Pictures(top)
    loader = DataLoader(d, None, sampler=Training(N), num_workers=w)

    def batches():
        buckets = [[], []]
        for x in loader:
            bucket = buckets[int(x) & 1]
            bucket.append(x)
            if len(bucket) == 8:
                yield torch.stack(bucket)
                bucket.clear()
    return steps(batches())


class Repeat(Dataset):
    """mmdet's RepeatDataset: as many epochs in one."""

    def __init__(self, dataset, times):
        self.dataset, self.times = dataset, times

    def __len__(self):
        return self.times * len(self.dataset)

    def __getitem__(self, i):
        return self.dataset[i % len(self.dataset)]


def repeat(top, w):
    loader = DataLoader(Repeat(Pictures(top), 2), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS // 2):
        yield from loader
        yield None


class Panoptic(Base):
    """COCO panoptic: image, its segmentation and a json of its own."""
    n = 160

    def set_up(self, top):
        import shutil
        self.notes = []
        for i, p in enumerate(pictures(top)[:160]):
            self.notes.append({"file_name": os.path.relpath(p, top), "json": made(top, "pan/%03d.json" % i, lambda q: shutil.copy(p, q))})
        self.top, self.segments = top, listed(top, "msk")[:160]

    def files(self, i):
        return [os.path.join(self.top, self.notes[i]["file_name"]), self.segments[i], self.notes[i]["json"]]


class CopyPaste(Pictures):
    """Asks itself for a second sample."""

    def __getitem__(self, i, paste=True):
        x = digest(load(self.ask(i)))
        return x ^ self.__getitem__(int(np.random.randint(N)), False) if paste and i % 2 else x


# ---- pairs, classes, identities ----

class Views(Pictures):
    """SimCLR: two views, each from a fresh read."""

    def files(self, i):
        return [self.ask(i)] * 2


class Triplets(Base):
    """Anchor, another of its class, one of another class."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)
        self.of = defaultdict(list)
        for p in self.paths:
            self.of[p.split(os.sep)[-2]].append(p)

    def files(self, i):
        c = self.paths[i].split(os.sep)[-2]
        other = random.choice([k for k in self.of if k != c])
        return [self.paths[i], random.choice(self.of[c]), random.choice(self.of[other])]


class Pairs(Sampler):
    """Pairs (i, j) of a fixed protocol, shuffled, as face verification has them."""

    def __init__(self, n):
        draw = random.Random(2)
        self.pairs = list(zip(range(0, n, 2), draw.sample(range(1, n, 2), n // 2)))

    def __iter__(self):
        return iter([self.pairs[k] for k in torch.randperm(len(self.pairs)).tolist()])

    def __len__(self):
        return len(self.pairs)


class Both(Pictures):
    def files(self, pair):
        return [self.ask(i) for i in pair]


class FreshPairs(Pairs):
    """.. the partner drawn anew."""

    def __iter__(self):
        self.pairs = list(zip(torch.randperm(N).tolist(), torch.randperm(N).tolist()))[:N // 2]
        return super().__iter__()


class Episodes(Sampler):
    """Few-shot: ways x (shots + queries), a list or a tensor an episode."""

    def __init__(self, n, episodes):
        self.of, self.episodes = torch.arange(n).view(20, -1), episodes

    def __iter__(self):
        for _ in range(self.episodes):
            yield torch.cat([self.of[c][torch.randperm(self.of.shape[1])[:4]] for c in torch.randperm(20)[:4]])

    def __len__(self):
        return self.episodes


class Identities(Sampler):
    """Re-id's RandomIdentitySampler: P identities, K of each, until too few are left."""

    def __init__(self, n):
        self.of = {p: list(range(p * 10, p * 10 + 10)) for p in range(n // 10)}

    def __iter__(self):
        left = defaultdict(list)
        for p, indices in copy.deepcopy(self.of).items():
            random.shuffle(indices)
            for k in range(0, len(indices) - 3, 4):
                left[p].append(indices[k:k + 4])
        there, final = list(left), []
        while len(there) >= 2:
            for p in random.sample(there, 2):
                final.extend(left[p].pop(0))
                if not left[p]:
                    there.remove(p)
        return iter(final)

    def __len__(self):
        return 320


class Balanced(BatchSampler):
    """As many of each label; made from a dataset's labels."""

    def __init__(self, labels, classes, samples):
        self.labels, self.classes, self.samples = np.array(labels), classes, samples
        self.of = {c: np.where(self.labels == c)[0] for c in set(labels)}
        for v in self.of.values():
            np.random.shuffle(v)
        self.used, self.count = dict.fromkeys(self.of, 0), 0

    def __iter__(self):
        self.count = 0
        while self.count + self.classes * self.samples <= N:
            indices = []
            for c in np.random.choice(sorted(self.of), self.classes, replace=False):
                indices.extend(self.of[c][self.used[c]:self.used[c] + self.samples])
                self.used[c] += self.samples
                if self.used[c] + self.samples > len(self.of[c]):
                    np.random.shuffle(self.of[c])
                    self.used[c] = 0
            yield indices
            self.count += self.classes * self.samples

    def __len__(self):
        return N // (self.classes * self.samples)


# ---- volumes, clips, several maps ----

class Slices(Base):
    """(volume, slice) pairs; volumes are kept by an LRU of a worker's own."""
    n = 40 * 16

    def set_up(self, top):
        self.index = [(p, s) for p in pictures(top)[:40] for s in range(16)]
        self.kept = OrderedDict()

    def __getitem__(self, i):
        path, s = self.index[i]
        if path not in self.kept:
            self.kept[path] = load(path)
            if len(self.kept) > 4:
                self.kept.popitem(False)
        return digest(self.kept[path][s * 100:s * 100 + 100])


class Clips(Base):
    """A video is a folder of frames; eight in a row from a random start (TSN, SlowFast on frames)."""
    n = 20

    def set_up(self, top):
        self.videos = [pictures(top)[v * 20:v * 20 + 20] for v in range(20)]

    def files(self, v):
        start = random.randint(0, 12)
        return self.videos[v][start:start + 8]


class Segments(Clips):
    """One of each of four segments."""

    def files(self, v):
        return [self.videos[v][s * 5 + int(np.random.randint(5))] for s in range(4)]


class Flow(Base):
    """Frames t, t + 1 and the flow between."""
    n = 199

    def set_up(self, top):
        self.frames, self.flow = pictures(top)[:200], listed(top, "npy")

    def files(self, i):
        return [self.frames[i], self.frames[i + 1], self.flow[i]]


class Stereo(Base):
    """Lines "left right disparity", split for each sample, below a root."""
    n = 120

    def set_up(self, top):
        rows = zip(listed(top, "left"), listed(top, "right"), listed(top, "npy"))
        self.root, self.lines = top, [" ".join(os.path.relpath(p, top) for p in r) + "\n" for r in rows]

    def files(self, i):
        return [os.path.join(self.root, x) for x in self.lines[i].split()]


class Unpaired(Base):
    """CycleGAN: A by its number, B at random."""
    n = 200

    def set_up(self, top):
        self.a, self.b = pictures(top)[:200], pictures(top)[200:400]

    def files(self, i):
        return [self.a[i % len(self.a)], self.b[random.randint(0, len(self.b) - 1)]]


class Captions(Base):
    """Five captions an image: each file is five samples'."""
    n = 5 * 80

    def set_up(self, top):
        self.images = {100 + i: p for i, p in enumerate(pictures(top)[:80])}
        self.captions = [{"image_id": 100 + i % 80, "caption": str(i)} for i in range(self.n)]

    def files(self, i):
        return [self.images[self.captions[i]["image_id"]]]


class Cameras(Base):
    """nuScenes: a sample's token leads to six cameras' tokens, these to files."""
    n = 60

    def set_up(self, top):
        files = pictures(top)
        self.tables = {"sample": {}, "sample_data": {}}
        for i in range(60):
            self.tables["sample"]["s%d" % i] = {c: "d%d-%d" % (i, c) for c in range(6)}
            for c in range(6):
                self.tables["sample_data"]["d%d-%d" % (i, c)] = {"filename": files[i * 6 + c]}
        self.tokens = list(self.tables["sample"])

    def files(self, i):
        return [self.tables["sample_data"][t]["filename"] for t in self.tables["sample"][self.tokens[i]].values()]


# ---- ways to read ----

class Beside(Base):
    """What was prepared of a sample is kept on the disk (MONAI's PersistentDataset): written in the first epoch, read from then on."""
    n = 200

    def set_up(self, top):
        self.paths, self.dir = pictures(top)[:200], os.path.join(top, "prepared-%d" % os.getpid())
        os.makedirs(self.dir)

    def __getitem__(self, i):
        p = os.path.join(self.dir, "%d.pt" % i)
        if os.path.exists(p):
            return torch.load(p)
        x = digest(load(self.paths[i]))
        torch.save(x, p + ".new.%d" % os.getpid())
        os.rename(p + ".new.%d" % os.getpid(), p)
        return x


class CsvEach(Pictures):
    """Reads its list anew for each sample."""

    def set_up(self, top):
        def make(path):
            with open(path, "w") as f:
                f.writelines("%s,%d\n" % (p, i % 4) for i, p in enumerate(pictures(top)))
        self.csv = made(top, "csv/all.csv", make)

    def files(self, i):
        with open(self.csv) as f:
            return [f.read().splitlines()[i].split(",")[0]]


class Memmapped(Base):
    """tifffile's way: a header, then a map of what is behind it."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)

    def __getitem__(self, i):
        with open(self.paths[i], "rb") as f:
            f.read(8)
        m = np.memmap(self.paths[i], np.uint8, "r", 8)
        return digest(m.tobytes())


class Entries(Base):
    """os.scandir's entries; names as bytes."""
    n = 100

    def set_up(self, top):
        with os.scandir(os.fsencode(os.path.join(top, "clip", "c1"))) as entries:
            self.entries = sorted(entries, key=lambda e: e.name)[:100]

    def files(self, i):
        return [self.entries[i].path]


class Paths(Base):
    """Opened when the batch is put together, by a pool."""
    n = N

    def set_up(self, top):
        self.paths = pictures(top)

    def __getitem__(self, i):
        return self.paths[i]


def collate(paths):
    with ThreadPoolExecutor(4) as pool:
        return torch.stack([digest(x) for x in pool.map(load, paths)])


class AtOnce(Pictures):
    """A list of indices at once: the sampler is one of batches, nothing is collated."""

    def __getitem__(self, indices):
        return torch.stack([digest(load(self.ask(i))) for i in indices])


# ---- ways to go through ----

def semi(top, w):
    """Few labelled, cycled beside many that are not."""
    few, many = Subset(Pictures(top), range(80)), Subset(Pictures(top), range(80, N))
    few, many = DataLoader(few, 4, shuffle=True, num_workers=w // 2, drop_last=True), DataLoader(many, 8, shuffle=True, num_workers=w // 2)

    def again():
        while True:
            yield from few
    for _ in range(EPOCHS):
        for x, y in zip(again(), many):
            yield x
            yield y
        yield None


def cycled(top, w):
    """itertools.cycle keeps the batches."""
    few, many = Subset(Pictures(top), range(80)), Subset(Pictures(top), range(80, N))
    few, many = DataLoader(few, 4, shuffle=True, num_workers=w // 2), DataLoader(many, 8, shuffle=True, num_workers=w // 2)
    for _ in range(EPOCHS):
        for x, y in zip(itertools.cycle(few), many):
            yield x
            yield y
        yield None


def dino(top, w):
    """Training, and now and then features of two other sets in order."""
    train, gallery, query = (Subset(Pictures(top), r) for r in (range(280), range(280, 360), range(360, N)))
    train = DataLoader(train, 8, shuffle=True, num_workers=w, drop_last=True, persistent_workers=w > 0)
    gallery, query = DataLoader(gallery, 16, num_workers=w), DataLoader(query, 16, num_workers=w)
    for epoch in range(EPOCHS):
        yield from train
        if epoch % 2:
            yield from gallery
            yield from query
        yield None


class Module:
    """A LightningDataModule without Lightning."""

    def __init__(self, top, w):
        self.top, self.w = top, w

    def setup(self):
        self.train, self.val = random_split(Pictures(self.top), [320, 80], torch.Generator().manual_seed(3))

    def train_dataloader(self):
        return DataLoader(self.train, 8, shuffle=True, num_workers=self.w, persistent_workers=self.w > 0)

    def val_dataloader(self):
        return DataLoader(self.val, 8, num_workers=self.w)


def module(top, w):
    dm = Module(top, w)
    dm.setup()
    val = dm.val_dataloader()
    yield from itertools.islice(val, 2)
    train = dm.train_dataloader()
    for _ in range(EPOCHS):
        yield from train
        yield from val
        yield None


def folds(top, w):
    """k-fold by SubsetRandomSampler, one dataset."""
    d = Pictures(top)
    for k in range(EPOCHS):
        train = SubsetRandomSampler([i for i in range(N) if i % EPOCHS != k])
        val = SubsetRandomSampler([i for i in range(N) if i % EPOCHS == k])
        for sampler in train, train, val:
            yield from DataLoader(d, 8, sampler=sampler, num_workers=w)
        yield None


def growing(top, w):
    """Progressive: a loader of larger batches each epoch."""
    d = Pictures(top)
    for epoch in range(EPOCHS):
        yield from DataLoader(d, 4 * (epoch + 1), shuffle=True, num_workers=w)
        yield None


class Prefetcher:
    """NVIDIA's data_prefetcher: next() is asked for one batch ahead."""

    def __init__(self, loader):
        self.it = iter(loader)
        self.preload()

    def preload(self):
        try:
            self.x = next(self.it)
        except StopIteration:
            self.x = None

    def next(self):
        x = self.x
        if x is not None:
            self.preload()
        return x


def prefetcher(top, w):
    loader = DataLoader(Pictures(top), 8, shuffle=True, num_workers=w)
    for _ in range(EPOCHS):
        p = Prefetcher(loader)
        x = p.next()
        while x is not None:
            yield x
            x = p.next()
        yield None


def weighted(top, w):
    """Five sets, by weights of the sets."""
    d = ConcatDataset([Subset(Pictures(top), range(k * 80, k * 80 + 80)) for k in range(5)])
    weights = [1 + k for k in range(5) for _ in range(80)]
    return shuffled(d, w, shuffle=None, sampler=WeightedRandomSampler(weights, N))


def some(top, w):
    """As many an epoch as it likes: RandomSampler(num_samples=...)."""
    d = Pictures(top)
    return one(d, w, RandomSampler(d, num_samples=150))


class FromSampler(Sampler):
    """catalyst's DistributedSamplerWrapper: a rank's part of what another sampler has drawn."""

    def __init__(self, sampler, ranks, rank):
        self.sampler, self.ranks, self.rank, self.epoch = sampler, ranks, rank, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        drawn = list(self.sampler)
        order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(self.epoch)).tolist()
        return iter([drawn[i] for i in order[self.rank::self.ranks]])

    def __len__(self):
        return len(self.sampler) // self.ranks


def buffered(top, w):
    """An iterable of lines through a shuffle buffer, each worker its shards."""
    return shuffled(Buffer(pictures(top)), w, shuffle=None)


class Buffer(IterableDataset):
    def __init__(self, paths):
        self.shards = [paths[k::20] for k in range(20)]

    def __iter__(self):
        info, draw, buffer = get_worker_info(), random.Random(torch.initial_seed()), []
        for shard in draw.sample(self.shards, 20)[info.id if info else 0::info.num_workers if info else 1]:
            for p in shard:
                buffer.append(p)
                if len(buffer) == 50:
                    yield digest(load(buffer.pop(draw.randrange(50))))
        draw.shuffle(buffer)
        yield from (digest(load(p)) for p in buffer)


def seeded(worker):
    np.random.seed(torch.initial_seed() % 2 ** 31)
    random.seed(worker)


def forkserver(top, w):
    more = {"multiprocessing_context": "forkserver", "worker_init_fn": seeded} if w else {}
    return shuffled(Panoptic(top), w, **more)


class Curriculum(Sampler):
    """What is easiest first, more of it each epoch."""

    def __init__(self, n):
        self.n, self.epoch = n, 0

    def __iter__(self):
        self.epoch += 1
        return iter(np.random.permutation(min(self.n, self.n // 2 + self.epoch * self.n // 8)).tolist())

    def __len__(self):
        return min(self.n, self.n // 2 + (self.epoch + 1) * self.n // 8)


def batches(dataset, sampler):
    def job(top, w):
        loader = DataLoader(dataset(top), batch_sampler=sampler(), num_workers=w)
        for _ in range(EPOCHS):
            yield from loader
            yield None
    return job


KINDS = {
    "detectron": detectron, "detectron-iterable": detectron_iterable, "grouped": grouped, "repeat": repeat, "panoptic": of(Panoptic), "copy-paste": of(CopyPaste),
    "views": of(Views), "triplets": of(Triplets), "pair-list": lambda t, w: one(Both(t), w, Pairs(N)), "pair-fresh": lambda t, w: one(Both(t), w, FreshPairs(N)),
    "episodes": batches(Pictures, lambda: Episodes(N, 25)), "identities": lambda t, w: one(Pictures(t), w, Identities(N)),
    "balanced": batches(Pictures, lambda: Balanced([i % 4 for i in range(N)], 4, 2)), "slices": of(Slices), "clips": of(Clips, size=2), "segments": of(Segments, size=2),
    "flow": of(Flow), "stereo": of(Stereo), "unpaired": of(Unpaired), "captions": of(Captions), "six-cameras": of(Cameras), "prepared": of(Beside), "csv-each": of(CsvEach),
    "memmapped": of(Memmapped), "entries": of(Entries), "collate-reads": of(Paths, collate_fn=collate),
    "lists": lambda t, w: one(AtOnce(t), w, BatchSampler(RandomSampler(range(N)), 8, False), None), "semi": semi, "cycled": cycled, "dino": dino, "module": module,
    "folds-sampler": folds, "growing-batches": growing, "prefetcher": prefetcher, "five-weighted": weighted, "some-samples": some,
    "from-sampler": lambda t, w: one(Pictures(t), w, FromSampler(WeightedRandomSampler([1 + i % 5 for i in range(N)], N), 2, 0)), "buffer": buffered,
    "forkserver": forkserver, "curriculum": lambda t, w: one(Pictures(t), w, Curriculum(N)),
}
UNKNOWN = {"detectron-iterable", "buffer"}
