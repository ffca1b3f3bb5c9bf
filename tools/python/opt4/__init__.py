"""opt4: tells the cache in front of a training job what the job reads next, from any loader.

    import opt4
    for epoch in range(90):
        opt4.order(paths_of(epoch))       # before the epoch's first file is opened
        for path in paths_of(epoch): ...

Where the library is not in the process (no `opt4 run`, no LD_PRELOAD) nothing happens. torch is not needed.
"""

import ctypes
import os
import threading
from array import array

__all__ = ["order"]

_lock = threading.Lock()
_stream = None
_MASK = (1 << 64) - 1
_TOLD = 2      # LIVE_TOLD there: who works for no loader of its own reads by it, too


class _Epoch(ctypes.Structure):
    """struct live_epoch of preload/live/live.h."""
    _fields_ = [(n, ctypes.c_uint64) for n in ("loader", "stream", "dataset")] + \
        [(n, ctypes.c_uint32) for n in ("epoch", "rank", "workers", "batch_size", "persistent", "n", "nbatches", "samples")] + \
        [("order", ctypes.c_void_p), ("counts", ctypes.c_void_p)]


def _library():
    """The library in this process, or None."""
    lib = ctypes.CDLL(None)
    if not hasattr(lib, "opt4_live_open"):
        return None
    u64, u32 = ctypes.c_uint64, ctypes.c_uint32
    lib.opt4_live_open.argtypes = [ctypes.c_char_p]
    lib.opt4_live_files.argtypes = [u64, u32, ctypes.c_char_p, ctypes.c_size_t]
    lib.opt4_live_epoch.argtypes = [ctypes.POINTER(_Epoch)]
    lib.opt4_live_loader.argtypes = [u64, u64, u32]
    lib.opt4_live_end.argtypes = [u64]
    lib.opt4_live_ready.argtypes = []
    for name in ("loader", "end", "ready"):
        getattr(lib, "opt4_live_" + name).restype = None
    return lib


def _root(paths):
    """The folder (bytes) that holds all of them; it is what the library takes for the dataset's where none was named."""
    return os.path.commonpath({os.path.dirname(p) for p in paths})


class _Stream:
    """What this process has told so far: one loader, an epoch a call. A forked child tells for itself."""

    def __init__(self):
        self.pid = os.getpid()
        self.lib = _library()
        self.epoch = -1
        self.numbers = {}        # path -> sample
        self.told = None         # samples whose files the library knows
        self.opened = set()
        self.key = self.loader = None

    def _table(self, paths):
        """The paths' sample numbers, array('I'); the library knows them all afterwards."""
        numbers = self.numbers
        for p in paths:
            numbers.setdefault(p, len(numbers))
        if self.told != len(numbers):
            root = _root(numbers)
            if root not in self.opened:
                self.opened.add(root)
                if not self.lib.opt4_live_open(root):
                    return None
            self.lib.opt4_live_ready()
            # another table for each length: one that is in use is never changed
            self.dataset = hash((self.pid, "opt4.order", len(numbers))) & _MASK or 1
            packed = b"\0".join(numbers) + b"\0"
            self.announce()
            if self.lib.opt4_live_files(self.dataset, len(numbers), packed, len(packed)) != 0:
                return None
            self.told = len(numbers)
        return array("I", map(numbers.__getitem__, paths))

    def announce(self):
        self.key = hash((self.pid, "opt4.order")) & _MASK or 1
        self.loader = hash((self.key, self.epoch)) & _MASK or 1
        self.lib.opt4_live_loader(self.loader, self.dataset, self.epoch)

    def tell(self, paths, batch_size):
        self.epoch += 1
        if self.loader is not None:
            self.lib.opt4_live_end(self.loader)
        if not self.lib.opt4_live_open(b"") and not self.lib.opt4_live_open(_root(paths)):
            return False
        numbers = self._table(paths)
        if numbers is None:
            return False
        self.announce()
        n = len(numbers)
        e = _Epoch(loader=self.loader, stream=self.key, dataset=self.dataset, epoch=self.epoch, batch_size=batch_size, persistent=_TOLD, n=n,
                   nbatches=-(-n // batch_size), samples=len(self.numbers), order=numbers.buffer_info()[0])
        return self.lib.opt4_live_epoch(ctypes.byref(e)) == 0


def order(paths, batch_size=None):
    """This process is about to read these files, in this order: one epoch, until the next call.

    paths: an iterable of str, bytes or os.PathLike, relative ones as of now; the same file may come several times.
    batch_size: files that may be read in any order among themselves, as by a pool of threads; default 32.
    Returns True where the cache goes by it from now on; False where opt4 is not at work in this process, or could not take
    it. Raises only what `paths` itself raises. Forked children read by the order told before the fork.
    """
    global _stream
    here = os.getcwdb()
    listed = [os.path.normpath(os.path.join(here, os.fsencode(p))) for p in paths]
    if not listed:
        return False
    with _lock:
        try:
            if _stream is None or _stream.pid != os.getpid():
                _stream = _Stream()
            return _stream.lib is not None and _stream.tell(listed, max(1, int(batch_size or 32)))
        except (OSError, ValueError):   # no common folder, a library of another version
            return False
