"""The orders that were really dispatched, spooled for `opt4 run --record`: a file an epoch of a loader."""

import atexit
import json
import os
import sys
import time
from array import array

from . import rehearsal

NONE = 0xFFFFFFFF  # length of a batch whose indices are no places, or have no content
LUMP = 1 << 12   # a job that is killed loses no more
_open = []
_count = 0


class _Words:
    """KIND.PID.N in the spool: a line of JSON, then u32s: each batch's length and what stands for its indices."""

    def __init__(self, path, head):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.pending = array("I")
        os.write(self.fd, head)

    def note(self, batch):
        """batch: array('I'), or None for one that can't be told so."""
        self.pending.append(NONE if batch is None else len(batch))
        self.pending.extend(batch or ())
        if len(self.pending) >= LUMP:
            self.flush()

    def flush(self):
        data = self.pending.tobytes()
        del self.pending[:]          # where the spool is full it is torn, and the reader stops there
        while data:
            data = data[os.write(self.fd, data):]


class Record:
    """An epoch's order, as places in the dataset (order.PID.N) and as keys (keys.PID.N): which of them tell its samples apart is seen when the job is over."""

    def __init__(self, folder, fields):
        global _count
        _count += 1
        self.pid, self.samples, self.loader, self.words = os.getpid(), fields["samples"], fields["loader"], []
        head = json.dumps(fields).encode() + b"\n"
        try:
            for kind in "keys", "order":
                self.words.append(_Words(os.path.join(folder, "%s.%d.%d" % (kind, self.pid, _count)), head))
        except OSError:
            self.close()
            raise
        _open.append(self)

    def note(self, index, collated):
        """A batch was dispatched."""
        if self.pid != os.getpid():      # a worker goes on with an iterator of its parent's
            return
        for words, keyed in zip(self.words, (True, False)):
            try:
                batch = rehearsal.numbers(index, self.samples, keyed, collated) if hasattr(index, "__len__") or not collated else None
            except Exception:
                batch = None
            try:
                words.note(None if batch is None or keyed and 0 in batch else batch)
            except OSError:
                pass

    def close(self):
        words, self.words = self.words, []
        if self in _open:
            _open.remove(self)
        if self.pid != os.getpid():
            return
        for w in words:
            try:
                w.flush()
            except OSError:
                pass
            os.close(w.fd)


def start(before, state, fields):
    """The record of the epoch that begins; None where nothing is recorded."""
    folder = os.environ.get("OPT4_SPOOL")
    if before is not None:
        before.close()
    if not folder or os.environ.get("OPT4_RECORD") != "1":
        return None
    versions = {n: str(getattr(sys.modules[n], "__version__", "")) for n in ("torch", "torchvision", "torchdata", "accelerate")
                if n in sys.modules}
    try:
        return Record(folder, dict(fields, number=state.number, pid=os.getpid(), started=time.monotonic_ns(), versions=versions))
    except OSError:      # no room, no descriptor
        return None


def over(loader):
    """The iterator is gone whose key that is."""
    for r in [r for r in _open if r.loader == loader]:
        r.close()


@atexit.register
def _flush_all():
    for r in list(_open):
        r.close()
