"""The orders that were really dispatched, spooled for `opt4 run --record`: a file an epoch of a loader."""

import atexit
import json
import os
import sys
import time
from array import array

from . import rehearsal

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
        self.pending.append(len(batch))
        self.pending.extend(batch)
        if len(self.pending) >= LUMP:
            self.flush()

    def flush(self):
        data = self.pending.tobytes()
        while data:
            data = data[os.write(self.fd, data):]
        del self.pending[:]


class Record:
    """An epoch's order, as places in the dataset (order.PID.N) and as keys (keys.PID.N): which of them tell its samples apart is seen when the job is over."""

    def __init__(self, folder, fields):
        global _count
        _count += 1
        self.pid, self.samples = os.getpid(), fields["samples"]
        head = json.dumps(fields).encode() + b"\n"
        self.words = [_Words(os.path.join(folder, "%s.%d.%d" % (kind, self.pid, _count)), head) for kind in ("order", "keys")]
        _open.append(self)

    def note(self, index, collated):
        """A batch was dispatched. One whose indices are no places, or have no content, is left out there."""
        for keyed, words in enumerate(self.words):
            try:
                batch = rehearsal.numbers(index, self.samples, keyed, collated)
            except Exception:
                continue
            words.note(batch)

    def close(self):
        if self in _open:
            _open.remove(self)
        if self.pid != os.getpid():
            return
        for words in self.words:
            try:
                words.flush()
            except OSError:
                pass
            os.close(words.fd)
        self.words = []

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
