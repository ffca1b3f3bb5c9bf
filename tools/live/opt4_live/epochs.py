"""What happens when a loader's iterator is made, and when an epoch begins."""

import os
import sys
import weakref

from . import files, lib, record, samplers

SMALL = 1 << 13   # samples up to which all is done in this process: some ms; larger ones outside
WAIT = .2         # seconds that a child's answer is worth waiting for, while workers start

MASK = (1 << 64) - 1


def _mix(*numbers):
    """A key of 64 bits, never 0."""
    h = 0x9E3779B97F4A7C15
    for n in numbers:
        h = ((h ^ (n & MASK)) * 0xFF51AFD7ED558CCD) & MASK
        h ^= h >> 32
    return h or 1


class Numbers:
    """Numbers for objects, as long as they live; `like` (hashable) lets one take the place of a dead one."""

    def __init__(self):
        self.of, self.dead, self.last = {}, {}, 0

    def number(self, thing, like=None):
        known = self.of.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
        gone = self.dead.get(like)
        if like is not None and gone:
            n = gone.pop()
        else:
            self.last += 1
            n = self.last
        key = id(thing)

        def forget(ref):
            self.of.pop(key, None)
            if like is not None:
                self.dead.setdefault(like, []).append(n)
        try:
            self.of[key] = (weakref.ref(thing, forget), n)
        except TypeError:
            self.of[key] = (lambda: thing, n)   # can't be watched: it is kept
        return n


_datasets, _streams = Numbers(), Numbers()
_counts = {}      # stream -> epochs begun
_said = {}        # dataset that is prepared for -> does it say which files it opens
_ends = {}
_keys = set()     # of iterators that live
announced = False # here, or in the process that this one was forked from


def key_of(pid, base_seed, samples, workers):
    """What a loader's main process and its workers both know. (The seed alone does not do: Lightning puts the generator
    back after its look at the validation set, so that the first epoch begins with the same one.)"""
    return _mix(pid, base_seed, samples, workers)


class State:
    """Of one iterator: its keys, and where its orders are recorded."""

    def __init__(self, it, loader):
        pid = os.getpid()
        dataset = it._dataset
        number = _datasets.number(dataset)
        like = (number, type(it._index_sampler), getattr(it._index_sampler, "batch_size", None))
        self.number = _streams.number(it._index_sampler, like)
        self.stream = _mix(pid, self.number, 1)
        self.dataset = _mix(pid, number, 2)
        self.samples = len(dataset)
        self.key = key_of(pid, it._base_seed, self.samples, it._num_workers)
        while self.key in _keys:    # seeded alike: forked workers know the new key, spawned ones look for the old
            self.key = _mix(self.key)
        _keys.add(self.key)
        self.persistent = bool(loader.persistent_workers)
        self.says = _said[number]
        self.batch_size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 0
        if type(self.batch_size) is not int or not 0 <= self.batch_size < 1 << 31:
            self.batch_size = 0
        self.record = None


def prepare(loader):
    """The loader has been made: what takes some ms is done here rather than when its first epoch begins. True: opt4 is at
    work, and knows of its dataset."""
    from torch.utils.data.dataloader import _DatasetKind
    if loader._dataset_kind != _DatasetKind.Map:
        return False
    dataset = loader.dataset
    number = _datasets.number(dataset)
    if number in _said:
        return True
    if os.environ.get("OPT4_LIVE_ROOT") == "1":   # opt4 run was told of no folder
        for root in files.roots(dataset):
            if lib.active(root):
                _inherit(root)
    if not lib.active():
        return False
    says = files.says(dataset)
    _tell_size(dataset, says)
    lib.ready()
    _said[number] = says
    return True


def announce(it, loader):
    """The iterator has been made, its workers not yet."""
    if not prepare(loader):
        return
    it._opt4 = state = State(it, loader)
    global announced
    announced = True
    lib.loader(state.key, state.dataset, _counts.get(state.number, -1) + 1)
    key = state.key

    def over(ref, end=lib.end, finalizing=sys.is_finalizing):
        _ends.pop(id(ref), None)
        _keys.discard(key)
        if not finalizing():
            end(key)
    ref = weakref.ref(it, over)
    _ends[id(ref)] = ref


def _inherit(root):
    """Processes that the program starts from its copy of the environment find it too."""
    now = os.environ.get("OPT4_ROOT", "").split(":")
    if os.fsdecode(root) not in now:
        os.environ["OPT4_ROOT"] = ":".join([r for r in now if r] + [os.fsdecode(root)])
    spool = os.environ.get("OPT4_SPOOL")
    try:
        with open(os.path.join(spool, "root"), "xb") as f:   # the first one names the session
            f.write(root)
    except (OSError, TypeError):
        pass


_sized = False


def _tell_size(dataset, says):
    """OPT4_CACHE in percent, and no trace that knows of what: of the first loader's dataset."""
    global _sized
    if not _sized and says and os.environ.get("OPT4_CACHE", "").endswith("%") and not os.environ.get("OPT4_TRACE"):
        _sized = True
        lib.size(files.size(dataset))


def _rank():
    dist = sys.modules.get("torch.distributed")
    if dist is not None and dist.is_available() and dist.is_initialized():
        return dist.get_rank()
    rank = os.environ.get("RANK", "0")
    return int(rank) if rank.isdigit() else 0


def begin(it):
    """A new epoch: nothing of its own has been drawn yet."""
    state = it.__dict__.get("_opt4")
    if state is None:
        return
    epoch = _counts[state.number] = _counts.get(state.number, -1) + 1
    lib.loader(state.key, state.dataset, epoch)
    if it._num_workers:
        lib.follow(0)        # the workers know; what this process opens itself is none of the loader's
    fields = {"loader": state.key, "stream": state.stream, "dataset": state.dataset, "epoch": epoch, "rank": _rank(),
              "workers": it._num_workers, "batch_size": state.batch_size, "persistent": state.persistent,
              "samples": state.samples}
    state.record = record.start(state.record, state, fields)
    known = lib.known(state.dataset, state.samples)
    if not known and not state.says:
        return               # its files are learned this time
    small = state.samples <= SMALL and _length(it._index_sampler, state) <= SMALL
    if small:
        told = samplers.foretell(it._index_sampler)
        if told:
            if not known:
                lib.files(state.dataset, state.samples, files.packed(it._dataset))
            order, fields["batch_size"], fields["nbatches"] = told
            lib.epoch(order, None, **fields)
            return
    else:
        told = samplers.replayable(it._index_sampler)
        if told:
            what, fields["batch_size"], fields["nbatches"] = told
            if lib.replay(what, **fields) == 0:
                return       # where the files are not known yet: fetches.py names them

    def work():
        if not known:
            lib.files(state.dataset, state.samples, files.packed(it._dataset))
        told = samplers.run_out(it._sampler_iter, state.samples)
        if told:
            lib.epoch(told[0], told[1], **dict(fields, nbatches=len(told[1])))
    samplers.in_child(work, WAIT if small else 0)


def _length(index_sampler, state):
    """Indices of an epoch, roughly."""
    try:
        return len(index_sampler) * max(1, getattr(index_sampler, "batch_size", None) or state.batch_size or 1)
    except Exception:
        return state.samples
