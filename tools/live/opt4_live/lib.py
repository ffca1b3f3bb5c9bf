"""The library's entry points, by ctypes. Found in the process itself, into which LD_PRELOAD has put them."""

import ctypes

_lib = None


class Epoch(ctypes.Structure):
    """struct live_epoch of preload/live/live.h."""
    _fields_ = [("loader", ctypes.c_uint64), ("stream", ctypes.c_uint64), ("dataset", ctypes.c_uint64)] + \
        [(n, ctypes.c_uint32) for n in ("epoch", "rank", "workers", "batch_size", "persistent", "n", "nbatches", "samples")] + \
        [("order", ctypes.c_void_p), ("counts", ctypes.c_void_p)]


def load():
    """False where the library is not in this process."""
    global _lib
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
        lib.opt4_live_follow.argtypes = lib.opt4_live_end.argtypes = lib.opt4_live_size.argtypes = [u64]
        lib.opt4_live_own.argtypes = [u64, u64]
        lib.opt4_live_forget.argtypes = [u64]
        lib.opt4_live_use.argtypes = [u64, u32]
        lib.opt4_live_sample.argtypes = [u32, u32]
        lib.opt4_live_learn.argtypes = [ctypes.c_int]
        lib.opt4_live_fetched.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
        lib.opt4_live_fetched.restype = ctypes.c_size_t
        for name in ("ready", "rest", "watch"):
            getattr(lib, "opt4_live_" + name).argtypes = []
        for name in ("ready", "loader", "own", "follow", "end", "forget", "use", "sample", "rest", "learn", "size"):
            getattr(lib, "opt4_live_" + name).restype = None
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
    """0 nothing is known of the dataset's files, 1 they are being learned, 2 it named them, 3 they are others each time."""
    return _lib.opt4_live_known(dataset, n)


def epoch(order, counts, **fields):
    """order, counts: array('I'), counts None for batches of batch_size. 0: published."""
    e = Epoch(n=len(order), order=order.buffer_info()[0], counts=counts.buffer_info()[0] if counts else None, **fields)
    return _lib.opt4_live_epoch(ctypes.byref(e))


def replay(what, **fields):
    """The order is replayed by a process of its own. what: struct replay of tools/opt4d/replay.h. 0: on its way."""
    e = Epoch(**fields)
    return _lib.opt4_live_replay(ctypes.byref(e), what, len(what))


def size(n):
    """The dataset's bytes in whole pages, before anything of it is cached."""
    _lib.opt4_live_size(n)


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
    """The two calls that are made around each sample: sample(n, index), rest()."""
    return _lib.opt4_live_sample, _lib.opt4_live_rest


_strangers = None


def fetched(whole):
    """The batch was fetched (whole: without an exception). Returns paths that were opened meanwhile below no root; learn() then
    puts into the dataset's table what was seen."""
    global _strangers
    if _strangers is None:
        _strangers = ctypes.create_string_buffer(1 << 16)
    n = _lib.opt4_live_fetched(bool(whole), _strangers, len(_strangers))
    return _strangers.raw[:n].split(b"\0")[:-1] if n else []


def learn(make):
    """make: a table is begun where there is none."""
    _lib.opt4_live_learn(make)
