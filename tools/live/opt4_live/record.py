"""The orders that were really dispatched, spooled for `opt4 run --record`: a file an epoch of a loader."""

import atexit
import json
import os
import sys
import time
from array import array

from . import lib, samplers

LUMP = 1 << 12   # a job that is killed loses no more
_open = []
_count = 0


class Record:
    """order.PID.N in the spool: a line of JSON, then u32s: each batch's length and its indices."""

    def __init__(self, folder, fields):
        global _count
        _count += 1
        self.pid = os.getpid()
        self.n, self.dataset = fields["samples"], fields["dataset"]
        name = os.path.join(folder, "order.%d.%d" % (self.pid, _count))
        self.fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.pending = array("I")
        self.head = os.write(self.fd, json.dumps(fields).encode() + b"\n")
        _open.append(self)

    def note(self, index):
        """A batch was dispatched."""
        try:
            batch = [samplers.number(i) for i in index] if hasattr(index, "__len__") and getattr(index, "ndim", 1) else [int(index)]
            self.pending.append(len(batch))
            self.pending.extend([i if i >= 0 else i + self.n for i in batch])
            if len(self.pending) >= LUMP:
                self.flush()
        except Exception:    # indices that are no numbers
            pass

    def flush(self):
        if self.fd >= 0 and self.pid == os.getpid():
            data = self.pending.tobytes()
            while data:
                data = data[os.write(self.fd, data):]
            del self.pending[:]

    def close(self):
        try:
            self.flush()
        except OSError:
            pass
        if self.fd >= 0 and self.pid == os.getpid():
            if lib.known(self.dataset, self.n) == lib.KEYED:   # the numbers in them are not the samples'
                os.ftruncate(self.fd, self.head)
            os.close(self.fd)
            self.fd = -1
        if self in _open:
            _open.remove(self)

    __del__ = close


def start(before, state, fields):
    """The record of the epoch that begins; None where nothing is recorded."""
    folder = os.environ.get("OPT4_SPOOL")
    if before is not None:
        before.close()
    if not folder or os.environ.get("OPT4_RECORD") != "1":
        return None
    versions = {n: str(getattr(sys.modules[n], "__version__", "")) for n in ("torch", "torchvision", "torchdata", "accelerate")
                if n in sys.modules}
    return Record(folder, dict(fields, number=state.number, pid=os.getpid(), started=time.monotonic_ns(), versions=versions))


@atexit.register
def _flush_all():
    for r in list(_open):
        r.close()
