"""Where datasets lie, told by their files: the longest common folders that are nobody else's."""

import os
import stat
import sys
from itertools import islice

_system = None
MOST = 12          # folders that a job's datasets lie in
LOOK = 20000       # files that are counted, at most
PAGE = os.sysconf("SC_PAGESIZE")   # a file takes whole pages on tmpfs


def _systems():
    """Folders of the interpreter and of the system: files there are no dataset's."""
    global _system
    if _system is None:
        import sysconfig
        folders = {b"/usr", b"/bin", b"/sbin", b"/lib", b"/lib64", b"/etc", b"/proc", b"/sys", b"/dev", b"/run", b"/boot"}
        folders |= {os.fsencode(p) for p in list(sysconfig.get_paths().values()) + [sys.prefix, sys.base_prefix]
                    if isinstance(p, str) and p != "/"}
        _system = tuple(f.rstrip(b"/") + b"/" for f in folders | set(map(os.path.realpath, folders)))
    return _system


def is_data(path):
    """May this absolute path be a dataset's file, by where it lies and what it is?"""
    from importlib.machinery import all_suffixes
    if path.startswith(_systems()) or b"/__pycache__/" in path or os.path.realpath(path).startswith(_systems()):
        return False
    if path.endswith(tuple(s.encode() for s in all_suffixes())):
        return False
    try:
        st = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(st.st_mode) and st.st_size > 0


def _too_wide(folder):
    """No dataset's own: the root, a home or what leads to one, where disks are mounted, where temporary files lie."""
    if folder in (b"", b"/"):
        return True
    real = os.path.realpath(folder)
    homes = [os.path.realpath(os.path.expanduser(b"~")), b"/home", b"/root", b"/mnt", b"/media", b"/tmp", b"/var/tmp", b"/opt", b"/srv"]
    homes.append(os.path.realpath(os.fsencode(os.environ.get("TMPDIR") or "/tmp")))
    return any(h == real or h.startswith(real + b"/") for h in homes)


def _common(folders):
    common = os.path.commonpath(folders)
    return None if _too_wide(common) else common


def of(paths, known=()):
    """Folders that hold these files (absolute): as few as there can be, but for those `known` already."""
    folders = []
    for folder in sorted({os.path.dirname(p) for p in paths}):
        if any(folder == k or folder.startswith(k + b"/") for k in known) or folder == b"/":
            continue
        if _too_wide(folder):      # files that lie loose in a home: no folder of their own
            continue
        for i, other in enumerate(folders):
            both = _common([folder, other])
            if both:
                folders[i] = both
                break
        else:
            folders.append(folder)
    # A class after the other: what lies beside a known one makes the folder of both.
    out = []
    for folder in folders:
        beside = [c for c in (_common([folder, k]) for k in known) if c and os.path.dirname(folder) == c]
        out.append(beside[0] if beside else folder)
    return out[:MOST]


def holding(paths, most):
    """The deepest folder of a dataset's own that holds so many of these files (absolute), all as deep as each other; or None."""
    counts = {}
    for path in paths:
        deep, folder = path.count(b"/"), os.path.dirname(path)
        while folder not in (b"", b"/"):
            counts[folder, deep] = counts.get((folder, deep), 0) + 1
            folder = os.path.dirname(folder)
    for folder, _ in sorted((f for f, n in counts.items() if n >= most), key=lambda f: len(f[0]), reverse=True):
        if not _too_wide(folder):
            return folder
    return None


def look(folders):
    """(files below these folders, what they take in whole pages); (-1, 0): there are too many to be looked at."""
    files, pages, left = 0, 0, LOOK
    for folder in folders:
        todo = [folder]
        while todo:
            try:
                with os.scandir(todo.pop()) as entries:
                    for e in entries:
                        left -= 1
                        if left < 0:
                            return -1, 0
                        if e.is_dir(follow_symlinks=False):
                            todo.append(e.path)
                        elif e.is_file():
                            files += 1
                            pages += -(-e.stat().st_size // PAGE)
            except OSError:
                pass
    return files, pages * PAGE


def widened(folders, n):
    """A folder that holds fewer files than the dataset has samples is a class of it: the one above, which holds them, if there
    is one within three steps. n 0, the number is unknown: the one above if it holds nothing but folders."""
    if len(folders) != 1:
        return folders
    folder = folders[0]
    if not n:
        above = os.path.dirname(folder)
        with os.scandir(above) as entries:
            classes = all(e.is_dir() for e in islice(entries, LOOK))
        return [above] if classes and not _too_wide(above) else folders
    if not 0 <= look(folders)[0] < n:
        return folders
    for _ in range(3):
        folder = os.path.dirname(folder)
        if _too_wide(folder):
            break
        if not 0 <= look([folder])[0] < n:
            return [folder]
    return folders
