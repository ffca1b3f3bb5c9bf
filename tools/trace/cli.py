"""The command line of opt4-trace."""

import argparse
import os
import signal
import sys
import warnings

from . import TraceError, UsageError, __version__
from .progress import on_terminal


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError("%s; see %s --help" % (message, self.prog))


def parser():
    """The argparse parser of all commands."""
    from . import imagefolder, loader, paths
    p = _Parser(prog="opt4-trace", description="Writes, shows and checks traces: the order in which a DataLoader "
                "job will open its files, made by replaying the job's own torch.")
    p.add_argument("--version", action="version", version="opt4-trace " + __version__)
    sub = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    c = sub.add_parser("imagefolder", help="trace a job over torchvision's ImageFolder")
    imagefolder.arguments(c)
    c = sub.add_parser("loader", help="trace a job whose DataLoaders a function returns")
    loader.arguments(c)
    c = sub.add_parser("paths", help="trace any job, from a list of paths in the order of use")
    paths.arguments(c)
    if sys.argv[1:2] == ["record"]:   # opt4 run's own: no help speaks of it
        from . import record
        record.arguments(sub.add_parser("record"))
    c = sub.add_parser("show", help="print every access")
    c.add_argument("file", metavar="F")
    c.add_argument("--json", action="store_true", help="JSON lines")
    c.add_argument("--epoch", type=int, metavar="E")
    c.add_argument("--rank", type=int, metavar="R")
    c = sub.add_parser("info", help="print what a trace is about")
    c.add_argument("file", metavar="F")
    c.add_argument("--json", action="store_true")
    c = sub.add_parser("check", help="read a whole trace and look for its files")
    c.add_argument("file", metavar="F")
    c.add_argument("--root", metavar="D", help="where the dataset lies now; `:` between several")
    return p


def writable(path):
    """Raises TraceError where no file can be put at this path: before the work, not after."""
    if os.path.isdir(path):
        why = "a folder"
    elif os.path.exists(path) and not os.path.isfile(path):
        why = "no regular file"
    elif not path or not os.path.isdir(os.path.dirname(path) or "."):
        why = "its folder is not there"
    elif not os.access(os.path.dirname(path) or ".", os.W_OK | os.X_OK):
        why = "its folder can't be written"
    else:
        return
    raise TraceError("-o '%s': %s; give another file to -o" % (path, why))


def run(a):
    """Runs the command that the parsed arguments name."""
    if "output" in a:
        writable(a.output)
    if a.command == "imagefolder":
        from .imagefolder import main
        main(a, on_terminal())
    elif a.command == "loader":
        from .loader import main
        main(a, on_terminal())
    elif a.command in ("record", "paths"):
        from importlib import import_module
        main = import_module("." + a.command, __package__).main
        main(a, on_terminal())
    elif a.command == "check":
        from .check import check
        check(a, sys.stdout, on_terminal())
    else:
        from . import show
        getattr(show, a.command)(a, sys.stdout)
    sys.stdout.flush()


def _terminate(signum, frame):
    raise SystemExit(128 + signum)   # so that temporary files are removed


def _failed(a, e):
    """An OSError as `what: why; what to do`. a: the parsed arguments, or None."""
    if a is not None and "output" in a:
        return "%s: %s; free some room, or give another file to -o" % (a.output, e.strerror or e)
    if e.filename is None:
        return "standard output: %s; send it where it can be written" % (e.strerror or e)
    return "%s: %s; is it there, and may this user read it?" % (e.filename, e.strerror or e)


def _no_output():
    """What is left in stdout's buffer goes nowhere, else Python complains once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main():
    """Returns the exit status."""
    a = None
    signal.signal(signal.SIGTERM, _terminate)
    # The job's machine may have more processors than this one.
    warnings.filterwarnings("ignore", message="This DataLoader will create")
    if sys.stdout is None:    # closed by who started us
        sys.stdout = open(os.devnull, "w")
    try:
        a = parser().parse_args()
        run(a)
        return 0
    except TraceError as e:
        see = "" if ";" in str(e) else "; see opt4-trace --help"
        print("opt4: %s%s" % (e, see), file=sys.stderr)
        return 2 if isinstance(e, UsageError) else 1
    except BrokenPipeError:   # `show | head`
        _no_output()
        return 0
    except OSError as e:
        print("opt4: " + _failed(a, e), file=sys.stderr)
        _no_output()
        return 1
    except MemoryError:
        print("opt4: memory: not enough for this many files; trace fewer epochs or ranks at once", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
