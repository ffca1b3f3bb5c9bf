"""`python -m opt4 COMMAND ...`: the program opt4 of this installation, and `python -m opt4 kernel`."""

import os
import sys

PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")


def _program(name):
    """Path of a program: of the wheel's own, else where `make install` and the .deb put it beside this package, else on PATH."""
    from shutil import which
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in (PROGRAMS, os.path.join(here, "../../../../bin"), os.path.join(here, "../../../bin")):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return which(name)


def _become(name, interpreter=()):
    path = _program(name)
    if path is None:
        print("opt4: %s: not found; install opt4 anew" % name, file=sys.stderr)
        return 1
    try:
        os.execv((list(interpreter) + [path])[0], list(interpreter) + [path] + sys.argv[1:])
    except OSError as e:
        print("opt4: %s: %s; install opt4 anew" % (path, e.strerror), file=sys.stderr)
        return 1


def opt4():
    """Becomes the program opt4, with this process's arguments."""
    return _become("opt4")


def opt4d():
    """Becomes opt4d, the keeper; `opt4 run` starts it by itself."""
    return _become("opt4d")


def opt4_trace():
    """Becomes opt4-trace, run by this interpreter: whose torch it replays."""
    return _become("opt4-trace", [sys.executable])


def main():
    if sys.argv[1:2] == ["kernel"]:
        from .kernel import main as kernel
        return kernel(sys.argv[2:], _program("opt4"))
    return opt4()


if __name__ == "__main__":
    sys.exit(main())
