"""opt4-trace loader: a trace of the DataLoaders that a function of the reader's own script returns.

Each rank runs in a process of its own, as in the job, so that the global generators are each rank's own. The
first rank runs a second time from other global states: where its first epoch comes out otherwise, the order hangs
on a generator that nobody seeded, and is refused instead of guessed.
"""

import os
import pickle
import random
import select
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import contextmanager

import numpy as np

from . import TraceError, UsageError
from .files import FileTable, Listing, listing
from .imagefolder import ranks
from .progress import quiet
from .replay import Phase
from .versions import describe, sensitive
from .write import Stream, TraceWriter

SALTS = (20011, 7919)    # two states of the global generators in which a job may find itself

MARK = b"opt4done"       # ends what a rank's process writes


def arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    p = parser
    p.add_argument("func", metavar="FILE.py:FUNC", help="FUNC() returns the DataLoader, or the list of the loaders "
                   "that make up an epoch, built as the training script builds them")
    p.add_argument("--epochs", type=int, required=True, metavar="E")
    p.add_argument("--world-size", type=int, metavar="W", help="FUNC runs once a rank, with RANK and WORLD_SIZE set")
    p.add_argument("--ranks", metavar="R,R", help="the ranks of this machine; default all")
    p.add_argument("--limit-batches", type=int, metavar="L", help="leave each epoch's first loader after L batches")
    p.add_argument("-o", "--output", required=True, metavar="F")


class _NeedsGroup(BaseException):
    """FUNC makes a process group: all ranks must run at once."""


class _Rank:
    """One rank's process and the nameless file that it writes to.

    hold: read end of a pipe: having said its result the process stays until that is closed, for the ranks of a
    process group need each other to the end; None: it leaves at once.
    """

    def __init__(self, a, rank, local, epochs, salt, progress, port=0, hold=None):
        self.rank = rank
        self.file = tempfile.TemporaryFile(dir=os.path.dirname(a.output) or ".")
        self.done, done = os.pipe()   # readable when the result is there or the process gone
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            os.close(done)
            return
        try:
            if hold:
                os.close(hold[1])
            os.dup2(2, 1)   # whatever FUNC prints is not what the reader asked of us
            _environment(a, rank, local, len(ranks(a.ranks, a.world_size)), port)
            self._say(_replay(a, rank, epochs, salt, port, progress, self.file))
        except _NeedsGroup:
            self._say("group")
        except TraceError as e:
            self._say(e)
        except BaseException as e:
            self._say(TraceError(_where(a, e)))
        finally:
            os.close(done)
            if hold:
                os.read(hold[0], 1)
            os._exit(0)

    def _say(self, what):
        """Child: ends the file with its result, that result's length and a mark."""
        blob = pickle.dumps(what)
        self.file.seek(0, os.SEEK_END)
        self.file.write(blob + len(blob).to_bytes(8, "little") + MARK)
        self.file.flush()

    def result(self):
        """Parent: waits for the child's result: a dict or "group". Raises its TraceError."""
        os.read(self.done, 1)
        end = self.file.seek(0, os.SEEK_END)
        self.file.seek(max(0, end - 8 - len(MARK)))
        tail = self.file.read()
        if not tail.endswith(MARK):
            raise TraceError("rank %d: its process was killed; is there memory enough?" % self.rank)
        n = int.from_bytes(tail[:8], "little")
        self.file.seek(end - len(tail) - n)
        what = pickle.loads(self.file.read(n))
        self.file.seek(0)
        if isinstance(what, TraceError):
            raise what
        return what

    def end(self, kill=False):
        """Parent: waits until the child is gone."""
        if self.pid:
            if kill:
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
            os.close(self.done)

    def read(self):
        """Parent: the next (indices u32[n], counts u32[batches]) that the child wrote."""
        n, b = np.frombuffer(self.file.read(16), np.uint64)
        return np.frombuffer(self.file.read(int(n) * 4), np.uint32), np.frombuffer(
            self.file.read(int(b) * 4), np.uint32)


def _environment(a, rank, local, here, port):
    """What torchrun sets. here: ranks of this machine."""
    if a.world_size is not None:
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(local), WORLD_SIZE=str(a.world_size),
                          LOCAL_WORLD_SIZE=str(here), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))


def _where(a, e):
    at = traceback.extract_tb(e.__traceback__)[-1]
    return "%s: %s: %s (%s:%d); mend FUNC so that it runs by itself" % (
        a.func, type(e).__name__, " ".join(str(e).split()), at.filename, at.lineno)


def _function(spec):
    """The function that FILE.py:FUNC names, its file run as a module that is not __main__."""
    import importlib.util
    path, _, name = spec.rpartition(":")
    s = importlib.util.spec_from_file_location("opt4_trace_job", path)
    module = importlib.util.module_from_spec(s)
    sys.modules["opt4_trace_job"] = module
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    sys.argv = [path]
    sys.dont_write_bytecode = True   # nothing is left beside the reader's script
    s.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise TraceError("%s: no function %s in %s; name the one that returns the DataLoader" % (spec, name, path))
    return getattr(module, name)


def _group_hook(port):
    """The order does not hang on the backend, and this machine may have no GPU: gloo stands in for all."""
    import torch.distributed as dist
    if not dist.is_available():
        return
    real = dist.init_process_group

    def init_process_group(*args, **kwargs):
        if not port:
            raise _NeedsGroup
        if args:
            args = ("gloo",) + args[1:]
        else:
            kwargs["backend"] = "gloo"
        return real(*args, **kwargs)

    dist.init_process_group = init_process_group


def _replay(a, rank, epochs, salt, port, progress, file):
    """Child: runs FUNC and the epochs; writes each phase to file. Returns what the parent must know."""
    import torch
    if a.world_size is not None:
        _group_hook(port)
    torch.manual_seed(salt + rank)
    random.seed(salt + rank)
    np.random.seed(salt + rank)
    loaders = _function(a.func)()
    if not isinstance(loaders, (list, tuple)):
        loaders = [loaders]
    if not loaders:
        raise TraceError("%s: returned no loader; return what the training loop iterates over" % a.func)
    phases = [Phase(l, "loader %d of %s" % (i, a.func)) for i, l in enumerate(loaders)]
    lists = [listing(x.dataset, x.what) for x in phases] if salt == SALTS[0] else []
    bar = progress("epochs", epochs)
    for e in range(epochs):
        for p, x in enumerate(phases):
            x.set_epoch(e)
            indices, counts = x.epoch(a.limit_batches if p == 0 else None)
            file.write(np.array([len(indices), len(counts)], np.uint64).tobytes())
            file.write(indices.tobytes())
            file.write(counts.tobytes())
        bar(1)
    bar.close()
    return {"listings": [(l.paths, l.roots) for l in lists],
            "streams": [Stream(rank, p, x.workers, x.batch_size, x.persistent) for p, x in enumerate(phases)],
            "meta": describe("loader", vars(a), [sensitive(x) for x in phases])}


def _run(a, wanted, epochs, salt, progress):
    """Runs the wanted ranks: one after the other, or all of the world at once where FUNC makes a process group.
    Returns a list of (_Rank, result) in their order. Raises the first TraceError of a rank."""
    out = []
    for local, r in enumerate(wanted):
        child = _Rank(a, r, local, epochs, salt, progress)
        with _ended([child]):
            out.append((child, child.result()))
        if out[-1][1] == "group":
            return _run_group(a, wanted, epochs, salt, progress)
    return out


def _run_group(a, wanted, epochs, salt, progress):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    others = [r for r in range(a.world_size) if r not in wanted]
    hold, results, children = os.pipe(), {}, []
    with _ended(children):
        for local, r in enumerate(list(wanted) + others):
            children.append(_Rank(a, r, local, epochs, salt, progress if local == 0 else quiet, port, hold))
        waiting = {c.done: c for c in children}
        while waiting:   # in whatever order: where one fails, the others may wait for it for ever
            for fd in select.select(list(waiting), [], [])[0]:
                c = waiting.pop(fd)
                results[c] = c.result()
        for fd in hold:
            os.close(fd)
    return [(c, results[c]) for c in children if c.rank in wanted]


@contextmanager
def _ended(children):
    """No child outlives the block: each is waited for, or killed where the block is left by an exception."""
    try:
        yield
    except BaseException:
        for c in children:
            c.end(kill=True)
        raise
    for c in children:
        c.end()


def _same_order(a, wanted, first):
    """Raises TraceError where another state of the global generators gives another first epoch."""
    (again, result), = _run(a, wanted[:1], 1, SALTS[1], quiet)
    for p in range(len(result["streams"])):
        for x, y in zip(first[p], again.read()):
            if not np.array_equal(x, y):
                raise TraceError("loader %d of %s: its order hangs on a generator that nothing seeds; give it "
                                 "generator=torch.Generator().manual_seed(S), or seed in FUNC as the script does, or "
                                 "record it with opt4 run --record F" % (p, a.func))
    again.file.close()


def main(a, progress):
    """Runs the command. a: the parsed arguments; progress: the kind of bar. Raises TraceError, OSError."""
    path, _, name = a.func.rpartition(":")
    if not path or not name:
        raise UsageError("%s: not FILE.py:FUNC; give e.g. train.py:make_loader" % a.func)
    for option, v in (("--epochs", a.epochs), ("--world-size", a.world_size), ("--limit-batches", a.limit_batches)):
        if v is not None and v < 1:
            raise UsageError("%s %d: must be at least 1" % (option, v))
    if a.ranks is not None and a.world_size is None:
        raise UsageError("--ranks: needs --world-size W")
    if not os.path.isfile(path):
        raise TraceError("%s: no such file; give FILE.py:FUNC" % path)
    wanted = ranks(a.ranks, a.world_size)
    jobs = _run(a, wanted, a.epochs, SALTS[0], progress)
    nphases = len(jobs[0][1]["streams"])
    if any(len(result["streams"]) != nphases for _, result in jobs):
        raise TraceError("%s: the ranks return different numbers of loaders; return the same from each" % a.func)
    first = [jobs[0][0].read() for _ in range(nphases)]
    jobs[0][0].file.seek(0)
    _same_order(a, wanted, first)
    table, handles = FileTable(), {}
    known = []
    for i, (_, result) in enumerate(jobs):
        for p, (paths, roots) in enumerate(result.pop("listings")):
            same = next((h for known_paths, known_roots, h in known
                         if known_roots == roots and known_paths == paths), None)
            if same is None:
                same = table.add(Listing(paths, roots))
                known.append((paths, roots, same))
            handles[i, p] = same
    del known, paths
    table.finish(progress)
    streams = [s for _, result in jobs for s in result["streams"]]
    with TraceWriter(a.output, table.roots, streams, jobs[0][1]["meta"], progress) as out:
        bar = progress("merging", a.epochs)
        for e in range(a.epochs):
            for p in range(nphases):
                parts = []
                for i, (child, _) in enumerate(jobs):
                    indices, counts = child.read()
                    parts.append((i * nphases + p, np.take(table.number(handles[i, p]), indices), counts))
                out.add(e, parts)
            bar(1)
        bar.close()
