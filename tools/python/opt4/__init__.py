"""opt4: tells the cache in front of a training job what the job reads next, from any loader.

    import opt4
    for epoch in range(90):
        opt4.order(paths_of(epoch))       # before the epoch's first file is opened
        for path in paths_of(epoch): ...

Where the library is not in the process (no `opt4 run`, no LD_PRELOAD) nothing happens. torch is not needed.
"""

import os
import threading
from array import array

from . import _lib    # opt4_live's, which can't be imported where the job has no PYTHONPATH

__all__ = ["order"]

_lock = threading.Lock()
_stream = None
_MASK = (1 << 64) - 1


def _root(paths):
    """The folder (bytes) that holds all of them; it is what the library takes for the dataset's where none was named."""
    return os.path.commonpath({os.path.dirname(p) for p in paths})


class _Stream:
    """What this process has told so far: one loader, an epoch a call. A forked child tells for itself."""

    def __init__(self):
        self.pid = os.getpid()
        self.here = _lib.load()      # the library is in this process
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
                if not _lib.active(root):
                    return None
            _lib.ready()
            # another table for each length: one that is in use is never changed
            self.dataset = hash((self.pid, "opt4.order", len(numbers))) & _MASK or 1
            packed = b"\0".join(numbers) + b"\0"
            self.announce()
            if _lib.files(self.dataset, len(numbers), packed) != 0:
                return None
            self.told = len(numbers)
        return array("I", map(numbers.__getitem__, paths))

    def announce(self):
        self.key = hash((self.pid, "opt4.order")) & _MASK or 1
        self.loader = hash((self.key, self.epoch)) & _MASK or 1
        _lib.loader(self.loader, self.dataset, self.epoch)

    def tell(self, paths, batch_size):
        self.epoch += 1
        if self.loader is not None:
            _lib.end(self.loader)
        if not _lib.active(b"") and not _lib.active(_root(paths)):
            return False
        numbers = self._table(paths)
        if numbers is None:
            return False
        self.announce()
        n = len(numbers)
        return _lib.epoch(numbers, None, loader=self.loader, stream=self.key, dataset=self.dataset, epoch=self.epoch, batch_size=batch_size,
                          persistent=_lib.TOLD, nbatches=-(-n // batch_size), samples=len(self.numbers)) == 0


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
            return _stream.here and _stream.tell(listed, max(1, int(batch_size or 32)))
        except (AttributeError, OSError, ValueError):   # no common folder, a library of another version
            return False
