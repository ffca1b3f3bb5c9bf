"""Programs that read their files without a DataLoader of torch's: by a loop, a pool of threads or processes, another library's loader. Where these files lie
is told by what is opened; from then on they are cached, in an order that nobody knows. As soon as a DataLoader goes over samples, it knows better."""

import os
import sys
from importlib.machinery import all_suffixes

from . import epochs, files, guest, lib, roots

ENOUGH = 24       # files in a folder that make it a dataset's, among ..
SEEN = 4096       # .. so many that are remembered
SYSTEM = b"/usr/", b"/bin/", b"/lib/", b"/lib64/", b"/etc/", b"/proc/", b"/sys/", b"/dev/", b"/run/", b"/boot/"

_seen = set()
_begun = False
found = False     # so a root was found, here or in the process that this one was forked from


def begin():
    """torch's loaders are there, and nobody has told a folder."""
    global _begun
    installed = [p for p in sys.path if isinstance(p, str) and p.endswith("-packages")]
    own = tuple(os.fsencode(p).rstrip(b"/") + b"/" for p in [sys.prefix, sys.base_prefix] + installed if p.strip("/"))
    system = b"\0".join(SYSTEM + own + tuple(s.encode() for s in all_suffixes())) + b"\0"
    guest.apart(_look, system)
    epochs.tell_file("apart", system)     # Pythons that this one starts have no torch in them, perhaps
    _begun = True


def end():
    """An iterator of torch's has been made in this process."""
    global _begun
    if _begun:
        _begun = False
        lib.together()


def alone():
    """Files are read in this Python, which has no torch in it: another of the job has."""
    if lib.load() and lib.watch():
        begin()
        _look()


def among(seen, opened, enough, n):
    """Folders to be roots that hold so many of what was opened, with what was `seen` before, which this adds to; []: not yet. n: samples of the dataset, 0
    where that is not known."""
    here = os.fsencode(os.getcwd()) + b"/"
    known = epochs.roots_here()
    seen.update(p for p in {files.absolute(p, here) for p in opened} if p not in seen and roots.is_data(p) and not any(p.startswith(k + b"/") for k in known))
    folder = roots.holding(seen, enough)
    if folder is None:
        if len(seen) > SEEN:
            seen.clear()
        return []
    below = {p for p in seen if p.startswith(folder + b"/")}
    new = roots.of(below, known)
    if new and not known and (n or {os.path.dirname(p) for p in below} == {folder}):    # one class of several
        new = roots.widened(new, n)
    seen.clear()
    return new


def _look():
    """Some files have been opened that lie below no root."""
    global found
    opened = lib.names()
    if not _begun:
        return
    epochs.known_roots()
    if epochs.loaders():          # in another process of the job: what this one reads may be anything
        return
    new = among(_seen, opened, ENOUGH, 0)
    if new:
        found = True
        epochs.tell_size(lambda: (roots.look(new)[1], None), True)
        epochs.add_roots(new)
