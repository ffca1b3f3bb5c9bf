"""expected.py ROOT JOB WORKERS: jobs whose loaders are left, made anew, or not read at all: an order of theirs that was foretold is not what comes. Prints how
many files it asked for, and `keep`'s reuse at half of them by counting alone (of what the program itself sees: workers read a little more)."""
import itertools
import json
import os
import random
import subprocess
import sys
import time

import torch
from torch.utils.data import DataLoader, Subset, SubsetRandomSampler

import endless
from streams import Files

BATCH, N, EPOCHS = 8, 240, 6


class Job:
    def __init__(self, root, workers):
        self.root, self.workers, self.read = root, workers, []

    def files(self, folder="a", n=N):
        return Files("%s/%s" % (self.root, folder), n)

    def loader(self, dataset, **options):
        return DataLoader(dataset, BATCH, num_workers=self.workers, **options)

    def through(self, name, it, batches=None, of=lambda i: i):
        for batch in itertools.islice(it, batches):
            self.read += [(name, of(int(i))) for i in batch]


def early(j):
    """steps_per_epoch, limit_train_batches."""
    loader = j.loader(j.files(), shuffle=True)
    for _ in range(EPOCHS):
        j.through("a", loader, 20)


def anywhere(j):
    """Left where the patience ends."""
    loader, draw = j.loader(j.files(), shuffle=True), random.Random(3)
    for _ in range(2 * EPOCHS):
        j.through("a", loader, draw.randrange(5, N // BATCH))


def anew(j):
    """The loader is made anew each epoch, and left early."""
    d = j.files()
    for _ in range(EPOCHS):
        j.through("a", j.loader(d, shuffle=True), 20)


def early_val(j):
    """Both are left early, as Lightning's limits do."""
    train, val = j.loader(j.files("a", 180), shuffle=True), j.loader(j.files("b", 60))
    for _ in range(EPOCHS):
        j.through("a", train, 15)
        j.through("b", val, 5)


def folds(j):
    """Cross validation: a new Subset and a new loader for each fold."""
    d = j.files()
    for k in range(4):
        j.through("a", j.loader(Subset(d, [i for i in range(N) if i % 4 != k]), shuffle=True))
        j.through("a", j.loader(Subset(d, [i for i in range(N) if i % 4 == k])))


def folds_by_sampler(j):
    """.. by samplers over one dataset, two epochs a fold."""
    d = j.files()
    for k in range(4):
        train = j.loader(d, sampler=SubsetRandomSampler([i for i in range(N) if i % 4 != k]))
        val = j.loader(d, sampler=SubsetRandomSampler([i for i in range(N) if i % 4 == k]))
        for _ in range(2):
            j.through("a", train)
            j.through("a", val)


def folds_ahead(j):
    """.. all loaders made before the first."""
    d = j.files()
    every = [(j.loader(Subset(d, [i for i in range(N) if i % 4 != k]), shuffle=True), j.loader(Subset(d, [i for i in range(N) if i % 4 == k]))) for k in range(4)]
    for train, val in every:
        j.through("a", train)
        j.through("a", val)


def never(j):
    """A validation loader whose iterator is made at once, as those without an end do, and not read."""
    it = iter(j.loader(j.files("b", 200)))
    loader = j.loader(j.files("a", 200), shuffle=True)
    for _ in range(EPOCHS):
        j.through("a", loader)
    del it


def at_last(j):
    """.. and read when all is over."""
    it = iter(j.loader(j.files("b", 60)))
    loader = j.loader(j.files("a", 180), shuffle=True)
    for _ in range(EPOCHS):
        j.through("a", loader)
    j.through("b", it)


def one_batch(j):
    """Somebody looks at a batch of each first."""
    train, val = j.loader(j.files("a", 180), shuffle=True), j.loader(j.files("b", 200), shuffle=True)
    j.through("a", train, 1)
    j.through("b", val, 1)
    for _ in range(EPOCHS):
        j.through("a", train)


def two_vals(j):
    train, b, c = j.loader(j.files("a", 160), shuffle=True), j.loader(j.files("b", 40)), j.loader(j.files("c", 40), shuffle=True)
    for _ in range(EPOCHS):
        j.through("a", train)
        j.through("b", b)
        j.through("c", c)


def paused(j):
    """Half of the first epoch; what is due next is fetched while the program is at something else. Prints how many files that were."""
    it = iter(j.loader(j.files(), shuffle=True))
    j.through("a", it, N // BATCH // 2)
    for _ in range(300):
        d = json.loads(subprocess.run([os.environ["OPT4"], "stat", "--json", os.environ["OPT4_DIR"]], stdout=subprocess.PIPE, check=True).stdout)
        ahead = d["prefetched"] + d["misses"] - d["accesses"]
        if ahead >= BATCH:
            break
        time.sleep(.1)
    print("ahead", ahead, flush=True)
    j.through("a", it)


def stopped(j):
    """Early stopping, then the test set."""
    train, val, test = j.loader(j.files("a", 160), shuffle=True), j.loader(j.files("b", 40)), j.loader(j.files("c", 40))
    for _ in range(EPOCHS - 1):
        j.through("a", train)
        j.through("b", val)
    j.through("a", train, 7)
    j.through("c", test)


def trials(j):
    """A dataset and a loader a trial, each two epochs long."""
    for _ in range(3):
        train, val = j.loader(j.files("a", 180), shuffle=True), j.loader(j.files("b", 60))
        for _ in range(2):
            j.through("a", train)
            j.through("b", val)


def without_end(j, kind):
    """Its passes' seeds come from the global generator, which the training draws from."""
    loader = kind(j.files("a", N), BATCH, shuffle=True, num_workers=j.workers)
    for _ in range(EPOCHS):
        j.through("a", loader)
        torch.rand(3)


def yolo(j):
    without_end(j, endless.InfiniteDataLoader)


def yolo_val(j):
    """.. with validation after each pass."""
    train = endless.InfiniteDataLoader(j.files("a", 200), BATCH, shuffle=True, num_workers=j.workers)
    val = endless.InfiniteDataLoader(j.files("b", 40), BATCH, num_workers=j.workers)
    for _ in range(EPOCHS):
        j.through("a", train)
        torch.rand(3)
        j.through("b", val)


def timm(j):
    without_end(j, endless.MultiEpochsDataLoader)


def large_val(j):
    train, val = j.loader(j.files("a", 60), shuffle=True), j.loader(j.files("b", 180))
    for _ in range(EPOCHS):
        j.through("a", train)
        j.through("b", val)


def val_once(j):
    train, val = j.loader(j.files("a", 180), shuffle=True), j.loader(j.files("b", 60))
    for e in range(EPOCHS):
        j.through("a", train)
        if e == 2:
            j.through("b", val)


JOBS = {f.__name__.replace("_", "-"): f for f in (early, anywhere, anew, early_val, folds, folds_by_sampler, folds_ahead, never, at_last, one_batch, two_vals, paused, stopped, trials,
                                                   yolo, yolo_val, timm, large_val, val_once)}


def main(root, job, workers):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    j = Job(root, int(workers))
    JOBS[job](j)
    kept, room, hits = set(), len(set(j.read)) // 2, 0
    for f in j.read:
        hits += f in kept
        if len(kept) < room:
            kept.add(f)
    print(len(set(j.read)), hits / len(j.read), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
