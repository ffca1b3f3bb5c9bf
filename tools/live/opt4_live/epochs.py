"""What happens when a loader's iterator is made, and when an epoch begins."""

import os
import sys
import weakref
from array import array

from . import files, inside, lib, record, rehearsal, roots, samplers

SMALL = 1 << 13   # samples up to which all is done in this process: some ms; larger ones outside

MASK = (1 << 64) - 1


def _mix(*numbers):
    """A key of 64 bits, never 0."""
    h = 0x9E3779B97F4A7C15
    for n in numbers:
        h = ((h ^ (n & MASK)) * 0xFF51AFD7ED558CCD) & MASK
        h ^= h >> 32
    return h or 1


_gone = []        # weak references whose things are no more
_watched = {}     # their id -> (the reference, what is then to be done)


def when_gone(thing, then):
    """Calls then() at one of our next calls after thing has ended: were Python's code run at once, an exception of a signal handler that comes
    meanwhile (Ctrl-C) would be lost. TypeError: it can't be watched."""
    ref = weakref.ref(thing, _gone.append)
    _watched[id(ref)] = ref, then
    return ref


def settle():
    while _gone:
        _watched.pop(id(_gone.pop()))[1]()


class Numbers:
    """Numbers for objects, as long as they live; `like` (hashable) lets one take the place of a dead one."""

    def __init__(self):
        self.of, self.dead, self.last = {}, {}, 0

    def number(self, thing, like=None):
        settle()
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

        def forget():
            if self.of.get(key, (0, 0))[1] == n:    # nobody else's by now
                del self.of[key]
            if like is not None:
                self.dead.setdefault(like, []).append(n)
        try:
            self.of[key] = (when_gone(thing, forget), n)
        except TypeError:
            self.of[key] = (lambda: thing, n)   # can't be watched: it is kept
        return n


_datasets, _streams = Numbers(), Numbers()
_counts = {}      # stream -> epochs begun
_walks = {}       # dataset that is prepared for -> what it says of its files
_keys = set()     # of iterators that live
announced = False # here, or in the process that this one was forked from


def key_of(pid, base_seed, samples, workers):
    """What a loader's main process and its workers both know. (The seed alone does not do: Lightning puts the generator
    back after its look at the validation set, so that the first epoch begins with the same one.)"""
    return _mix(pid, base_seed, samples, workers)


def key_of_content(walk):
    """The same for datasets of a class that say the same, in every rank, and after a restart."""
    return _mix(walk.content, 2)


class State:
    """Of one iterator: its keys, and where its orders are recorded."""

    def __init__(self, it, loader, held):
        pid = os.getpid()
        dataset = it._dataset
        number = _datasets.number(dataset)
        sampler = dataset if held else it._index_sampler
        size = getattr(sampler, "batch_size", None)
        like = (number, type(sampler), size, _length(sampler, size).bit_length())
        self.number = _streams.number(sampler, like)
        self.stream = _mix(pid, self.number, 1)
        self.held = held
        self.samples = held.n if held else samplers.count(dataset)
        self.column = _walked(dataset, number, held.walk if held else files.Walk(dataset, self.samples))
        self.dataset = _walks[number][0]
        self.key = key_of(pid, it._base_seed, self.samples, it._num_workers)
        while self.key in _keys:    # seeded alike: forked workers know the new key, spawned ones look for the old
            self.key = _mix(self.key)
        _keys.add(self.key)
        self.persistent = bool(loader.persistent_workers)
        self.batch_size = held.size if held else loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 0
        if type(self.batch_size) is not int or not 0 <= self.batch_size < 1 << 31:
            self.batch_size = 0
        self.record = self.rehearsal = None


def _walked(dataset, number, walk):
    """The dataset's first list of files, or None. It may be another one than at the last look."""
    key = key_of_content(walk)
    known = _walks.get(number)
    if known is None or known[0] != key:
        if known is None:
            _forget_with(dataset, number)
        elif known[1] and os.environ.get("OPT4_RECORD") != "1":
            lib.forget(known[0])
        _walks[number] = [key, False]
    return walk.columns[0] if walk.columns else None


def _forget_with(dataset, number):
    """What was learned of a dataset goes with the last of its content."""
    pid = os.getpid()

    def gone():
        walk = _walks.pop(number, None)
        if walk and walk[1] and pid == os.getpid() and os.environ.get("OPT4_RECORD") != "1":
            lib.forget(walk[0])
    try:
        when_gone(dataset, gone)
    except TypeError:
        pass


def prepare(loader, held=None):
    """The loader has been made: what takes some ms is done here rather than when its first epoch begins. True: opt4 is at
    work, or will be when it knows where the dataset lies."""
    from torch.utils.data.dataloader import _DatasetKind
    if loader._dataset_kind != _DatasetKind.Map and not held:
        return False
    dataset = loader.dataset
    number = _datasets.number(dataset)
    if number in _walks:
        return True
    watched = lib.watch()             # opt4 run was told of no folder
    if not watched and not lib.active():
        return False
    walk = held.walk if held else files.Walk(dataset, samplers.count(dataset))
    if watched:
        known_roots()
        found = roots.of(files.some(walk.columns), roots_here()) if walk.columns else []
        if found:
            tell_size(lambda: files.size(walk.columns))
            add_roots(found)
    if walk.columns:
        tell_size(lambda: files.size(walk.columns))
    _forget_with(dataset, number)
    _walks[number] = [key_of_content(walk), False]
    if lib.active():
        lib.ready()
        _measure()
    return True


def announce(it, loader):
    """The iterator has been made, its workers not yet."""
    held = inside.find(it._dataset) if not (hasattr(loader, "batch_sampler") or it._auto_collation) and (lib.watch() or lib.active()) else None
    if not prepare(loader, held):
        return
    if lib.watch():
        known_roots()
    it._opt4 = state = State(it, loader, held)
    global announced
    if not announced:
        tell_file("loader", b"")
    announced = True
    lib.loader(state.key, state.dataset, _counts.get(state.number, -1) + 1)
    key, pid = state.key, os.getpid()

    def over():
        _keys.discard(key)
        if pid == os.getpid():
            record.over(key)
            lib.end(key)
    when_gone(it, over)


_roots = []           # as the program names them, where opt4 run was told of none
_roots_seen = -1      # bytes of the spool's list that have been read


def roots_here():
    return _roots


def _spool(name):
    """A file of `opt4 run`'s spool. OSError where there is none."""
    if not os.environ.get("OPT4_SPOOL"):
        raise FileNotFoundError(name)
    return os.path.join(os.environ["OPT4_SPOOL"], name)


def known_roots():
    """Takes over the roots that other processes of the job have found: one stat where there are none new."""
    global _roots_seen
    try:
        if os.stat(_spool("root")).st_size == _roots_seen:
            return
        with open(_spool("root"), "rb") as f:
            found = f.read()
    except OSError:
        return
    _roots_seen = len(found)
    _take([r for r in found.split(b":") if r and r not in _roots])


def _take(found):
    """They are roots in this process, and in those that the program starts from its copy of the environment."""
    if found:
        tell_size(_size_found)
    for root in found:
        if lib.active(root):
            _roots.append(root)
    now = [r for r in os.environ.get("OPT4_ROOT", "").split(":") if r]
    new = [r for r in map(os.fsdecode, _roots) if r not in now]
    if new:
        os.environ["OPT4_ROOT"] = ":".join(now + new)


def loaders():
    """Has any process of the job made an iterator of torch's DataLoader?"""
    return bool(os.environ.get("OPT4_SPOOL")) and os.path.exists(_spool("loader"))


def add_roots(found):
    """Folders (absolute) in which datasets were found. The first of the job names its session: the first process that puts
    its own in place, for the others take that one first."""
    found = [r for r in found if b":" not in r]
    if not tell_file("root", b":".join(found)):
        known_roots()
        try:
            fd = os.open(_spool("root"), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(fd, b"".join(b":" + r for r in found if r not in _roots))
            finally:
                os.close(fd)
        except OSError:
            pass
    known_roots()
    _take([r for r in found if r not in _roots])


_sized, _rest = False, None


def tell_size(size, apart=False):
    """A budget in percent, and no trace that knows of what: of the first loader's dataset, to begin with (index_seen()). apart: no loader of torch's has been
    seen; where one comes its dataset counts."""
    global _sized, _rest
    percent = any(os.environ.get(name, "").endswith("%") for name in ("OPT4_CACHE", "OPT4_SSD_SIZE"))
    if (not _sized or _sized == "apart" and not apart) and percent and not os.environ.get("OPT4_TRACE"):
        _sized = "apart" if apart else True
        n, _rest = size()
        lib.size(n, apart or _rest is not None)
        tell_file("size", b"%d" % n)     # whoever makes the session must know


def _measure():
    """The session is there: what was a guess is set right beside the job."""
    global _rest
    if _rest:
        lib.measure(*_rest)
        _rest = None


def _size_found():
    try:
        with open(_spool("size"), "rb") as f:
            return int(f.read()), None
    except (OSError, ValueError):
        return 0, None


def tell_file(name, data):
    """A file of the spool, put in place whole; the first stays. False: it was there, or there is no spool."""
    try:
        path = _spool(name)
        own = "%s.%d" % (path, os.getpid())
        with open(own, "wb") as f:
            f.write(data)
        try:
            os.link(own, path)
        finally:
            os.unlink(own)
    except OSError:
        return False
    return True


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
    if lib.watch():
        known_roots()
    epoch = _counts[state.number] = _counts.get(state.number, -1) + 1
    lib.loader(state.key, state.dataset, epoch)
    if it._num_workers:
        lib.follow(0)        # the workers know; what this process opens itself is none of the loader's
    fields = {"loader": state.key, "stream": state.stream, "dataset": state.dataset, "epoch": epoch, "rank": _rank(),
              "workers": it._num_workers, "batch_size": state.batch_size, "persistent": state.persistent | _dealt(it) << lib.DEALT,
              "samples": state.samples}
    if state.rehearsal is not None:
        state.rehearsal.close()
        state.rehearsal = None
    state.record = record.start(state.record, state, fields)
    known = lib.known(state.dataset, state.samples)
    if state.held:
        return _begin_held(state, known, fields)
    length = _length(it._index_sampler, state.batch_size)
    ahead = rehearsal.Rehearsal(fields, length)
    if known == 3 or not (known or state.column):   # its files are learned this time
        if not samplers.torchs_own(it._index_sampler):
            state.rehearsal = ahead    # and there may be no other
        return
    walk = _walks.get(_datasets.number(it._dataset))
    if known and walk and walk[0] == state.dataset and not walk[1]:
        walk[1] = True
        lib.use(state.dataset, state.samples)
    small = state.samples <= SMALL and length <= SMALL
    if known == lib.KEYED:
        state.rehearsal = ahead
        state.rehearsal.start(it, rehearsal.WAIT if small else 0)
        return
    later = samplers.following(state.number, it._index_sampler)
    if small:
        told = samplers.foretell(it._index_sampler, state.samples)
        if told:
            if not known:
                lib.files(state.dataset, state.samples, files.packed(state.column))
            order, fields["batch_size"], fields["nbatches"] = told
            lib.epoch(order, None, samplers.first_of(later and samplers.foretell(later, state.samples)), **fields)
            return
    else:
        told = samplers.replayable(it._index_sampler)
        if told:
            what, fields["batch_size"], fields["nbatches"] = told
            if lib.replay(what + (samplers.first_of(later and samplers.replayable(later)) or b""), **fields) == 0:
                return       # where the files are not known yet: fetches.py names them

    if small and not known:
        lib.files(state.dataset, state.samples, files.packed(state.column))
    state.rehearsal = ahead
    state.rehearsal.start(it, rehearsal.WAIT if small else 0)


def _begin_held(state, known, fields):
    order, size = state.held.order, state.held.size
    if not known and state.samples <= SMALL:
        lib.files(state.dataset, state.samples, files.packed(state.column))
    elif not known:
        samplers.in_child(lambda: lib.files(state.dataset, state.samples, files.packed(state.column)))
    fields["nbatches"] = -(-len(order) // size)
    if len(order) <= SMALL:
        lib.epoch(order, None, **fields)
    else:
        lib.given(order, array("I", [min(size, len(order) - at) for at in range(0, len(order), size)]), **fields)


def _dealt(it):
    """Batches that its workers read before the program has asked for one."""
    return min(1 << 15, it._num_workers * (it.__dict__.get("_prefetch_factor") or 0))


def _length(index_sampler, size):
    """Indices of an epoch, roughly, if its batches have that size; 0: it does not say."""
    try:
        return len(index_sampler) * max(1, getattr(index_sampler, "batch_size", None) or size or 1)
    except Exception:
        return 0
