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
        lib.opt4_live_sample.argtypes = [u32, u32]
        lib.opt4_live_ready.argtypes = []
        for name in ("ready", "loader", "follow", "end", "sample", "size"):
            getattr(lib, "opt4_live_" + name).restype = None
        _lib = lib
        lib.opt4_live_open(None)   # we are here
    return True


def active(root=None):
    """Is opt4 at work in this process? With a folder (bytes): it is a dataset's, and shall be."""
    return bool(_lib.opt4_live_open(root))


def files(dataset, n, packed):
    return _lib.opt4_live_files(dataset, n, packed, len(packed))


def known(dataset, n):
    """0 nothing is known of the dataset's files, 1 they are being learned, 2 they are known."""
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


def sample(n, index):
    _lib.opt4_live_sample(n, index)
