"""Where datasets lie, told by their files: the longest common folders that are nobody else's."""

import os
import stat
import sys

_system = None
MOST = 12          # folders that a job's datasets lie in
LOOK = 20000       # files that are counted, at most


def _systems():
    """Folders of the interpreter, of the system, and ours: files there are no dataset's."""
    global _system
    if _system is None:
        import sysconfig
        folders = {b"/usr", b"/bin", b"/sbin", b"/lib", b"/lib64", b"/etc", b"/proc", b"/sys", b"/dev", b"/run", b"/boot"}
        folders |= {os.fsencode(p) for p in list(sysconfig.get_paths().values()) + [sys.prefix, sys.base_prefix, os.path.dirname(__file__)]
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


def pages(folders):
    """What all files below these folders take in whole pages; 0: there are too many to be looked at."""
    total, left = 0, LOOK
    for folder in folders:
        todo = [folder]
        while todo:
            try:
                with os.scandir(todo.pop()) as entries:
                    for e in entries:
                        left -= 1
                        if left < 0:
                            return 0
                        if e.is_dir(follow_symlinks=False):
                            todo.append(e.path)
                        elif e.is_file():
                            total += -(-e.stat().st_size // 4096)
            except OSError:
                pass
    return total * 4096
