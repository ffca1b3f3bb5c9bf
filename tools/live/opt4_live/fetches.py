"""What happens where samples are fetched: in the workers, or in the program itself where there are none. The library is told
which sample is being fetched, and takes the files that are opened meanwhile for that sample's."""

import os
import time

from . import apart, columns, epochs, files, keys, lib, roots, samplers

NOBODY = 0xFFFFFFFF   # an index that is no number
UNTIL = 8             # batches after which it is said that no file was seen
FEW = 4               # files of processes that samples start, at least, that make a folder a dataset's
PATIENCE = 64         # batches, ..
SECONDS = 10          # .. and time, after which nobody waits any more for a dataset's files to be named: what is learned then stays in their place
_numbers = epochs.Numbers()
_fetched = {}         # process and number of a dataset -> what is known of it
_beside = set()       # files that were opened by processes which samples start


class _Marks(list):
    """A batch's indices. Who walks along them says so to the library: no frame of ours is on the stack while a sample is read."""

    __slots__ = ("of",)

    def __iter__(self):
        for i in list.__iter__(self):
            self.of.mark(i)
            yield i
        lib.marks()[-1]()


def _place(i, n):
    if type(i) is not int:
        try:
            i = samplers.number(i)
        except Exception:
            return NOBODY
    i = i if i >= 0 else i + n
    return i if 0 <= i < n else NOBODY


class _Fetched:
    """A dataset of which this process fetches."""

    def __init__(self, dataset, numbered):
        from multiprocessing import parent_process
        from torch.utils.data import Subset, get_worker_info
        info = get_worker_info()
        self.turns, self.loose, self.others = 0, None, None
        self.since = time.monotonic()
        self.n = samplers.count(dataset) if numbered else 0
        self.keyed = os.environ.get("OPT4_RECORD") == "1"     # some of the indices are no places; what is recorded must know all of them
        self.unnamed = None
        self.watches = lib.active() or lib.watch()
        if not self.watches:
            return
        whole = getattr(type(dataset), "__getitems__", None)
        if whole is None and (hasattr(type(dataset), "__getattr__") or "__getitems__" in columns.own(dataset)):   # passed on to another
            try:
                whole = dataset.__getitems__     # the loader asks that of it with each batch
            except Exception:
                pass
        self.at_once = whole is not None and whole is not getattr(Subset, "__getitems__", None)
        walk = None
        if numbered and info is not None and not epochs.announced:   # spawned: it does not know yet whom it works for
            walk = files.Walk(dataset, self.n)
            lib.own(epochs.key_of(parent_process().pid, info.seed - info.id, self.n, info.num_workers), epochs.key_of_content(walk))
        self.named = False        # another process will say which files these are
        if self.n > epochs.SMALL:
            found = (walk or files.Walk(dataset, self.n)).columns
            self.named = bool(found)
            # The last worker: a large process takes 15 ms and more to fork, and the first batch is the first one's.
            if found and (info is None or info.id == info.num_workers - 1):
                self.unnamed = found[0]

    def mark(self, i):
        """The sample of this index is fetched next."""
        sample, key, _ = lib.marks()
        place = _place(i, self.n)
        sample(self.n, place)
        self.keyed = self.keyed or place == NOBODY or type(i) is not int and type(i).__module__ not in samplers.NUMBERS
        if self.keyed:
            key(keys.number(i))

    def begin(self, index, collated):
        """Samples are about to be fetched; returns the indices to go on with. collated: they are put together to a batch."""
        sample, _, rest = lib.marks()
        many = self.n > 0 and (type(index) is list or collated and type(index) in (tuple, range) or type(index).__module__ in samplers.NUMBERS and index.ndim == 1)
        self.last = len(index) if many else 1
        if many and collated and not self.at_once:   # torch goes through them one by one
            marks = _Marks(index)
            marks.of = self
            return marks
        for i in index if many else [index]:
            if self.n:
                self.mark(i)
            else:
                sample(1, NOBODY)
        if many:
            rest()
        return index


def before(dataset, index, numbered, collated):
    """A batch is about to be fetched; numbered: its samples have numbers, it is no iterable's. Returns (the dataset's state, or None where nothing is to be seen; the indices)."""
    number = os.getpid(), _numbers.number(dataset)
    f = _fetched.get(number)
    if f is None:
        f = _fetched[number] = _Fetched(dataset, numbered)
    f.turns += 1
    if not f.watches:
        return None, index
    if f.unnamed and f.turns == 2:   # the first batch does not wait for it
        column, f.unnamed = f.unnamed, None
        if lib.active() and not lib.known(0, f.n):
            samplers.in_child(lambda: lib.files(0, f.n, files.packed(column)), 0)
    if f.turns == 1 or not lib.active():
        epochs.known_roots()         # that others found
    return f, f.begin(index, collated)


def after(f, whole):
    """The batch was fetched, or an exception ended it."""
    strangers = lib.fetched(whole)
    if strangers:
        _settle(f, strangers)
    strangers = lib.beside()
    if strangers:
        _settle_beside(f, strangers)
    if f.turns == UNTIL and (not lib.active() or apart.found and f.n and not f.named and not lib.known(0, f.n)):
        lib.say("opt4: nothing is cached: " + (
            "the samples' files lie loose in %s; give them a folder of their own" % os.fsdecode(f.loose) if f.loose else
            "samples are fetched, but their files are opened by other processes, a few in %s; name the dataset's folder with --root" % os.fsdecode(f.others) if f.others else
            "samples are fetched, but no file of theirs is opened here: they are in memory, or read by other means; if they lie in files, "
            "name their folder with --root"))
    lib.learn(not f.named or f.turns > PATIENCE and time.monotonic() - f.since > SECONDS)


def _settle(f, strangers):
    """Files that lie below no root were opened: their folders become roots, where the program named none."""
    if not lib.watch():
        return
    here = os.fsencode(os.getcwd()) + b"/"
    data = {p for p in {files.absolute(s, here) for s in strangers} if roots.is_data(p)}
    if not data:
        return
    epochs.known_roots()
    found = roots.of(data, epochs.roots_here())
    if not found:
        f.loose = os.path.dirname(min(data))
    if found:
        if not epochs.roots_here():
            found = roots.widened(found, f.n)
        epochs.tell_size(lambda: _size(found, data, f))
        epochs.add_roots(found)


def _settle_beside(f, strangers):
    """The same of what processes opened that were started meanwhile. Such a one opens much else: a file a sample is a dataset's, and no other."""
    if not lib.watch():
        return
    epochs.known_roots()
    n = f.n if f.n > 1 else 0     # 1: it does not say
    found = apart.among(_beside, strangers, max(FEW, min(apart.ENOUGH, n // 2)) if n else apart.ENOUGH, n)
    if _beside:
        f.others = os.path.dirname(min(_beside))
    if found:
        epochs.tell_size(lambda: (roots.look(found)[1], None))
        epochs.add_roots(found)


def _size(folders, data, f):
    """As files.size(): what lies there, unless that is more than so many samples such as these take."""
    there = roots.look(folders)[1]
    if f.n < 2:        # it does not say how many there are
        return there, None
    these = sum(-(-os.stat(p).st_size // files.PAGE) for p in data) * files.PAGE * f.n // max(1, f.last)
    return (min(there, these) if there and these else there or these), None
