"""The library's entry points, by ctypes. Found in the process itself, into which LD_PRELOAD has put them."""

import ctypes
import os

TOLD = 2        # LIVE_TOLD: an order that who works for no loader of its own reads by, too; in Epoch.persistent
ON, ENDLESS, BY_KEYS, DEALT = 4, 8, 16, 16   # LIVE_ON, LIVE_ENDLESS, LIVE_KEYED; the bits below the batches that are dealt unasked
KEYED = 4       # known(): by keys
_lib = _locked = None   # _locked: called with Python's lock held


class Epoch(ctypes.Structure):
    """struct live_epoch of preload/live/live.h."""
    _fields_ = [("loader", ctypes.c_uint64), ("stream", ctypes.c_uint64), ("dataset", ctypes.c_uint64)] + \
        [(n, ctypes.c_uint32) for n in ("epoch", "rank", "workers", "batch_size", "persistent", "n", "nbatches", "samples", "pause")] + \
        [("order", ctypes.c_void_p), ("counts", ctypes.c_void_p), ("then", ctypes.c_void_p)]


def load():
    """False where the library is not in this process."""
    global _lib, _locked
    if _lib is None:
        lib = ctypes.CDLL(None)
        if not hasattr(lib, "opt4_live_open"):
            return False
        u64, u32 = ctypes.c_uint64, ctypes.c_uint32
        lib.opt4_live_open.argtypes = [ctypes.c_char_p]
        lib.opt4_live_files.argtypes = [u64, u32, ctypes.c_char_p, ctypes.c_size_t]
        lib.opt4_live_known.argtypes = [u64, u32]
        lib.opt4_live_epoch.argtypes = [ctypes.POINTER(Epoch)]
        lib.opt4_live_replay.argtypes = [ctypes.POINTER(Epoch), ctypes.c_char_p, ctypes.c_size_t]
        lib.opt4_live_loader.argtypes = [u64, u64, u32]
        lib.opt4_live_follow.argtypes = lib.opt4_live_end.argtypes = [u64]
        lib.opt4_live_size.argtypes = [u64, ctypes.c_int]
        lib.opt4_live_measure.argtypes = [u64, ctypes.c_char_p, ctypes.c_size_t]
        lib.opt4_live_own.argtypes = [u64, u64]
        lib.opt4_live_forget.argtypes = [u64]
        lib.opt4_live_use.argtypes = [u64, u32]
        lib.opt4_live_sample.argtypes = [u32, u32]
        lib.opt4_live_key.argtypes = [u32]
        lib.opt4_live_say.argtypes = [ctypes.c_char_p]
        lib.opt4_live_say.restype = None
        lib.opt4_live_learn.argtypes = [ctypes.c_int]
        lib.opt4_live_fetched.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
        lib.opt4_live_fetched.restype = ctypes.c_size_t
        lib.opt4_live_lied.argtypes = [u64]
        lib.opt4_live_draw.argtypes, lib.opt4_live_draw.restype = [u32], ctypes.c_void_p
        lib.opt4_live_undraw.argtypes = [ctypes.c_void_p]
        lib.opt4_live_wait.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        lib.opt4_live_names.argtypes, lib.opt4_live_names.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_size_t
        lib.opt4_live_beside.argtypes, lib.opt4_live_beside.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_size_t
        for name in ("ready", "rest", "watch", "together"):
            getattr(lib, "opt4_live_" + name).argtypes = []
        for name in ("ready", "loader", "own", "follow", "end", "forget", "use", "sample", "key", "rest", "learn", "size", "lied", "undraw", "wait", "together"):
            getattr(lib, "opt4_live_" + name).restype = None
        _locked = ctypes.PyDLL(None)
        _locked.opt4_live_fork.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        _locked.opt4_live_over.restype = None
        _lib = lib
        lib.opt4_live_open(None)   # we are here
    return True


def active(root=None):
    """Is opt4 at work in this process? With a folder (bytes): it is a dataset's, and shall be."""
    return bool(_lib.opt4_live_open(root))


def watch():
    """Is no folder known, but may what is opened while samples are fetched tell one?"""
    return bool(_lib.opt4_live_watch())


def files(dataset, n, packed):
    return _lib.opt4_live_files(dataset, n, packed, len(packed))


def known(dataset, n):
    """0 nothing is known of the dataset's files, 1 they are being learned, 2 it named them, 3 they are others each time, KEYED samples are told apart by their keys."""
    return _lib.opt4_live_known(dataset, n)


def epoch(order, counts, then=None, **fields):
    """order, counts: array('I'), counts None for batches of batch_size. then: the next epoch's order, as long, where that is known. 0: published."""
    at = [a.buffer_info()[0] if a else None for a in (order, counts, then if then and len(then) == len(order) else None)]
    e = Epoch(n=len(order), order=at[0], counts=at[1], then=at[2], **fields)
    return _lib.opt4_live_epoch(ctypes.byref(e))


def replay(what, **fields):
    """The order is replayed by a process of its own. what: struct replay of tools/opt4d/replay.h, or two: the next epoch's. 0: on its way."""
    e = Epoch(**fields)
    return _lib.opt4_live_replay(ctypes.byref(e), what, len(what))


def given(order, counts, **fields):
    """epoch(), but by a process of its own. 0: on its way."""
    e = Epoch(n=len(order), **fields)
    what = order.tobytes() + counts.tobytes()
    return _lib.opt4_live_replay(ctypes.byref(e), what, len(what))


class Words:
    """32-bit words that are shared with a child: struct cell_words of the library. `view`: them, as a memoryview."""

    def __init__(self, room):
        self.at = _lib.opt4_live_draw(room)
        if not self.at:
            raise MemoryError
        self.view = memoryview((ctypes.c_uint32 * (16 + 2 * room)).from_address(self.at)).cast("B").cast("I")

    def wait(self, ms):
        """Until the child has come to an end, but not longer."""
        _lib.opt4_live_wait(self.at, ms)

    def close(self):
        if self.at:
            self.view.release()
            _lib.opt4_live_undraw(self.at)
            self.at = None

    __del__ = close


def fork(words, seconds):
    """A child that nobody knows of, for so many seconds at most: its number, 0 in the child, negative: none. With words it is locked in. Both
    call over() in the end."""
    # who waits for Python's lock now gets it: in the child nobody is left to take it
    _lib.opt4_live_wait(None, 0)
    return _locked.opt4_live_fork(words and words.at, seconds)


def over():
    """A child of fork() ends here."""
    _locked.opt4_live_over()


def lied(key):
    """What was foretold of the loader's order is not what it draws."""
    _lib.opt4_live_lied(key)


def size(n, guess):
    """The dataset's bytes in whole pages, before anything of it is cached."""
    _lib.opt4_live_size(n, guess)


def measure(n, packed):
    """That was a guess: a process of its own looks at these files, which stand for n."""
    _lib.opt4_live_measure(n, packed, len(packed))


def ready():
    """A loader has been made: the session, and who fetches ahead, are there before its first epoch begins."""
    _lib.opt4_live_ready()


def loader(key, dataset, epoch):
    _lib.opt4_live_loader(key, dataset, epoch)


def follow(key):
    _lib.opt4_live_follow(key)


def end(key):
    _lib.opt4_live_end(key)


def own(key, dataset):
    """This process works for that loader, of that dataset, unless the session knows better."""
    _lib.opt4_live_own(key, dataset)


def use(dataset, n):
    """One more dataset of this content lives in this process."""
    _lib.opt4_live_use(dataset, n)


def forget(dataset):
    """And one less: with the last goes what was learned of it."""
    _lib.opt4_live_forget(dataset)


def marks():
    """The calls that are made around each sample: sample(n, index), key(number) for the last one, rest()."""
    return _lib.opt4_live_sample, _lib.opt4_live_key, _lib.opt4_live_rest


_strangers = None


def _names(ask):
    global _strangers
    if _strangers is None:
        _strangers = ctypes.create_string_buffer(1 << 16)
    n = ask(_strangers, len(_strangers))
    return _strangers.raw[:n].split(b"\0")[:-1] if n else []


def fetched(whole):
    """The batch was fetched (whole: without an exception). Returns paths that were opened meanwhile below no root; learn() then
    puts into the dataset's table what was seen."""
    return _names(lambda to, room: _lib.opt4_live_fetched(bool(whole), to, room))


def names():
    """Where no DataLoader reads: paths that were opened below no root since the last call."""
    return _names(_lib.opt4_live_names)


def beside():
    """Paths below no root that processes opened which were started while samples were fetched, here or elsewhere in the job; each once."""
    return _names(_lib.opt4_live_beside)


def together():
    """A DataLoader reads."""
    _lib.opt4_live_together()


def learn(make):
    """make: a table is begun where there is none."""
    _lib.opt4_live_learn(make)


def say(line):
    """Why the job gets less than it could: `opt4 run` says it."""
    _lib.opt4_live_say(os.fsencode(line))
