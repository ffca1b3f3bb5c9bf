"""Replays torch's own DataLoader without reading any data: what is drawn, when and in which order is torch's code.

The loader's iterator runs as in the job, but its worker processes are never started: the queues to them
record what is sent, and the queue from them answers in order with nothing. So base_seed draws, the second
iter() of the sampler with workers, prefetching, persistent workers and epochs left early are what this
torch does, not what this file believes it does.
"""

import os
import queue
from itertools import islice
from multiprocessing.context import BaseContext

import numpy as np

from . import TraceError

LUMP = 1 << 16   # indices that are converted at a time


class _Process:
    """A worker that is never started."""
    exitcode = None

    def __init__(self, *args, **kwargs):
        self.pid = os.getpid()   # torch's SIGCHLD handler asks for it; it is no child, so nothing is found
        self.alive = False

    def start(self):
        self.alive = True

    def is_alive(self):
        return self.alive

    def join(self, timeout=None):
        self.alive = False

    terminate = kill = close = join


class _Queue:
    """To a worker: hands what is put to the context. From the workers: answers each in order."""

    def __init__(self, context):
        self.context = context

    def put(self, item, *args, **kwargs):
        self.context.sent(item)

    def get(self, *args, **kwargs):
        if not self.context.answers:
            raise queue.Empty
        return self.context.answers.pop(0)

    def cancel_join_thread(self):
        pass

    close = join_thread = cancel_join_thread


class _Context(BaseContext):
    """Stands in for the multiprocessing context of one iterator."""
    _name = "fork"

    def __init__(self):
        self.answers = []

    def sent(self, item):
        if isinstance(item, tuple):
            self.answers.append((item[0], None))
        elif item is not None:   # a persistent worker is asked to resume: it answers in kind
            self.answers.append((item, None))

    def Queue(self, maxsize=0):
        return _Queue(self)

    def Event(self):
        import threading
        return threading.Event()

    Process = _Process


class _Indices:
    """A dataset with the length of another, whose samples are nothing."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        return 0

    def __getitems__(self, indices):
        return None


def _nothing(batch):
    return None


class Phase:
    """One loader of an epoch, over as many epochs as asked.

    dataset is the loader's own; workers, persistent, batch_size as in the trace's streams. Raises TraceError where
    the order can't be known ahead.
    """

    def __init__(self, loader, what):
        from torch.utils.data import DataLoader, IterableDataset
        self.loader, self.what = loader, what
        if not isinstance(loader, DataLoader):
            raise TraceError("%s: %s is no torch DataLoader; return what the training loop iterates over"
                             % (what, type(loader).__name__))
        if isinstance(loader.dataset, IterableDataset) or _endless(loader):
            raise TraceError("%s: an iterable dataset chooses its files while it runs: its order can't be known "
                             "ahead; record it with opt4 run --record F" % what)
        self.dataset = loader.dataset
        self.workers = loader.num_workers
        self.persistent = bool(loader.persistent_workers)
        self.batch_size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 0
        if not isinstance(self.batch_size, int):
            self.batch_size = 0
        try:
            self.length = len(self.dataset)
        except TypeError:
            raise TraceError("%s: its dataset %s has no length; give it __len__, or record the order with "
                             "opt4 run --record F" % (what, type(self.dataset).__name__))
        # accelerate's loaders only pass for DataLoaders: they wrap the real one.
        real = loader if issubclass(type(loader), DataLoader) else loader.base_dataloader
        # Data and processes are taken out of the loader; samplers and generators stay the job's own.
        object.__setattr__(real, "dataset", _Indices(self.length))
        real.collate_fn = _nothing
        real.pin_memory = False
        real.timeout = 0
        # Iterators of other makers (torchdata's StatefulDataLoader) speak another protocol with their workers:
        # those get real ones, which read nothing.
        ours = type(real)._get_iterator is DataLoader._get_iterator
        self.unstarted = real if self.workers and ours else None
        self.plain = ours and real is loader and type(real).__iter__ is DataLoader.__iter__

    def set_epoch(self, e):
        """Calls set_epoch(e) on whatever of the loader has it, as training scripts do."""
        batches = self.loader.batch_sampler
        for thing in (self.loader, self.loader.sampler, batches, getattr(batches, "sampler", None)):
            if callable(getattr(thing, "set_epoch", None)):
                thing.set_epoch(e)

    def epoch(self, limit=None):
        """Runs the next epoch. limit: it is left after so many batches (None: never); then what was sent to
        workers ahead of them counts too, for they may open it. Returns (indices u32[n] into the dataset in the
        order of opening, counts u32[batches])."""
        from torch.utils.data.dataloader import _BaseDataLoaderIter
        lumps, counts, pending = [], [], []
        most = max(1 << 28, 4 * self.length)

        def keep(batches):
            for b in batches:
                pending.extend(b)
                counts.append(len(b))
            if len(pending) >= LUMP:
                flush()

        def flush():
            if pending:
                lumps.append(self._numbers(pending))
                pending.clear()
                if sum(map(len, lumps)) > most:
                    raise TraceError("%s: its sampler has not come to an end after %d indices; say with "
                                     "--limit-batches when the job leaves the epoch" % (self.what, most))

        def next_index(it, real=_BaseDataLoaderIter._next_index):
            index = real(it)
            keep([index if self.loader._auto_collation else [index]])
            return index

        if self.unstarted is not None:   # a new one for each iterator: what one left unanswered is not the next one's
            self.unstarted.multiprocessing_context = _Context()
        with _patched(_BaseDataLoaderIter, "_next_index", next_index):
            it = iter(self.loader)
            if limit is None and self.plain:
                # The rest of the sampler in one go: nothing else draws until its end, where torch takes over.
                rest = it._sampler_iter
                if not self.loader._auto_collation:
                    rest = ([i] for i in rest)
                while True:
                    lump = list(islice(rest, 256))
                    if not lump:
                        break
                    keep(lump)
            for _ in islice(it, limit):
                pass
        flush()
        return np.concatenate(lumps or [np.empty(0, np.uint32)]), np.array(counts, np.uint32)

    def _numbers(self, pending):
        try:
            i = np.fromiter(pending, np.int64, len(pending))
        except (TypeError, ValueError):
            raise TraceError("%s: its sampler yields %s, not numbers: which file that opens can't be known ahead; "
                             "record it with opt4 run --record F" % (self.what, type(pending[0]).__name__))
        i[i < 0] += self.length   # dataset[-1] is its last
        if len(i) and not 0 <= int(i.min()) <= int(i.max()) < self.length:
            raise TraceError("%s: its sampler yields indices beyond the dataset's %d; mend the sampler"
                             % (self.what, self.length))
        return i.astype(np.uint32)


def _endless(loader):
    from torch.utils.data.dataloader import _DatasetKind
    return loader._dataset_kind != _DatasetKind.Map


class _patched:
    """Sets an attribute for the time of a with block."""

    def __init__(self, where, name, value):
        self.where, self.name, self.value = where, name, value

    def __enter__(self):
        self.before = getattr(self.where, self.name)
        setattr(self.where, self.name, self.value)

    def __exit__(self, *exc):
        setattr(self.where, self.name, self.before)
