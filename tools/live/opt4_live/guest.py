"""Methods of torch's with something of ours before and after them, and no frame of ours above the program's code (preload: guest.c)."""

import ctypes

_wrap = None


def load():
    """False where the library is not in this process, or where this Python can't do it."""
    global _wrap
    if _wrap is None:
        wrap = getattr(ctypes.PyDLL(None), "opt4_guest", None)
        if wrap is None:
            return False
        wrap.argtypes, wrap.restype = [ctypes.c_char_p, ctypes.py_object, ctypes.c_int], ctypes.py_object
        _wrap = wrap
    return True


def around(name, before, real, after, method=False):
    """A built-in function around real. before(*args): None, or (token, what real gets instead of args, or None). after(token, args, result,
    whole): whole is False where real raised. An Exception of theirs is nobody's."""
    if not load():
        raise NotImplementedError
    return _wrap(name.encode(), (before, real, after), method)


def method(cls, name, before=None, after=None):
    """Hooks a method of a class."""
    setattr(cls, name, around(name, before, cls.__dict__[name], after, True))


def apart(call, system):
    """Where no DataLoader reads: call() is to take lib.names(), in the program's first thread, whenever some files have been opened that lie neither below
    a root nor in one of these folders
    (each with a slash at either end) nor end in one of these suffixes: bytes, each with a NUL."""
    begin = ctypes.PyDLL(None).opt4_apart
    begin.argtypes, begin.restype = [ctypes.py_object, ctypes.c_char_p, ctypes.c_size_t], None
    begin(call, system, len(system))
