"""opt4-trace paths: a trace from a list of paths in the order of use, for jobs whose loader is not torch's."""

import os
import sys

import numpy as np

from . import TraceError
from .files import FileTable, Listing, absolute
from .format import U32
from .versions import describe
from .write import Stream, TraceWriter


def arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("list", metavar="LIST", help="a path a line, in the order of use; an empty line ends an epoch; - is "
                        "standard input")
    parser.add_argument("--epochs", type=int, metavar="E", help="the list is one epoch; it comes E times")
    parser.add_argument("--batch-size", type=int, default=32, metavar="B", help="files that may be read in any order among "
                        "themselves; default 32")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that take batches in turn; default 0: "
                        "one reads all")
    parser.add_argument("--root", metavar="D", help="the dataset's folder; default: what holds all files. Paths that are not "
                        "absolute lie below it, else below the current folder")
    parser.add_argument("-o", "--output", required=True, metavar="F")


def read(lines, here):
    """[[path, ..], ..]: an epoch's paths each (absolute, bytes), from an iterable of lines (bytes). here: the folder that
    relative ones lie in."""
    epochs, now = [], []
    for line in lines:
        line = line.rstrip(b"\r\n")
        if line:
            now.append(absolute(line, here))
        elif now:
            epochs.append(now)
            now = []
    if now:
        epochs.append(now)
    return epochs


def main(a, progress):
    """Runs the command. Raises TraceError, OSError."""
    if a.batch_size < 1 or a.workers < 0 or (a.epochs is not None and a.epochs < 1):
        raise TraceError("paths: --batch-size and --epochs are 1 or more, --workers 0 or more")
    here = os.path.abspath(os.fsencode(a.root or os.getcwd()))
    if a.list == "-":
        epochs = read(sys.stdin.buffer, here)
    else:
        with open(a.list, "rb") as f:
            epochs = read(f, here)
    if not epochs:
        raise TraceError("%s: no path in it; give a path a line" % a.list)
    if a.epochs is not None:
        if len(epochs) > 1:
            raise TraceError("%s: it has %d epochs already; leave out --epochs, or the empty lines" % (a.list, len(epochs)))
        epochs *= a.epochs
    table = FileTable()
    handles = {id(e): table.add(Listing(e, {here} if a.root else set())) for e in epochs}
    table.finish(progress)
    numbers = {key: table.number(h) for key, h in handles.items()}
    stream = Stream(0, 0, a.workers, a.batch_size, False)
    with TraceWriter(a.output, table.roots, [stream], describe("paths", {}, []), progress) as out:
        for number, paths in enumerate(epochs):
            n = len(paths)
            counts = np.full(-(-n // a.batch_size), a.batch_size, U32)
            counts[-1] = n - (len(counts) - 1) * a.batch_size
            out.add(number, [(0, numbers[id(paths)].astype(U32), counts)])
