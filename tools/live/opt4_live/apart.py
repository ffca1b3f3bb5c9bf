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
    guest.apart(_look, SYSTEM + own + tuple(s.encode() for s in all_suffixes()))
    _begun = True


def end():
    """An iterator of torch's has been made in this process."""
    global _begun
    if _begun:
        _begun = False
        lib.together()


def _look():
    """Some files have been opened that lie below no root."""
    global found
    opened = lib.names()
    if not _begun:
        return
    epochs.known_roots()
    if epochs.loaders():          # in another process of the job: what this one reads may be anything
        return
    here = os.fsencode(os.getcwd()) + b"/"
    known = epochs.roots_here()
    _seen.update(p for p in {files.absolute(p, here) for p in opened} if roots.is_data(p) and not any(p.startswith(k + b"/") for k in known))
    folder = roots.holding(_seen, ENOUGH)
    if folder is None:
        if len(_seen) > SEEN:
            _seen.clear()
        return
    below = {p for p in _seen if p.startswith(folder + b"/")}
    new = roots.of(below, known)
    if new and not known and {os.path.dirname(p) for p in below} == {folder}:    # one class of several
        new = roots.widened(new, 0)
    if new:
        found = True
        epochs.tell_size(lambda: (roots.look(new)[1], None), True)
        epochs.add_roots(new)
    _seen.clear()
