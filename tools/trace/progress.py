"""A progress bar on stderr for work that takes long: tqdm's where it is installed, else a plain line."""

import sys
import time


class quiet:
    """Shows nothing. The interface of all bars: bar(n) adds n to what is done, close() ends the line."""

    def __init__(self, what, total):
        pass

    def __call__(self, n):
        pass

    def close(self):
        pass


class _Line(quiet):
    def __init__(self, what, total):
        self.what, self.total, self.done = what, max(total, 1), 0
        self.next = time.monotonic() + 0.5   # short work shows nothing
        self.shown = False

    def __call__(self, n):
        self.done += n
        now = time.monotonic()
        if now >= self.next:
            self.next = now + 0.2
            self.shown = True
            print("\r%s %3d%%" % (self.what, 100 * self.done // self.total), end="", file=sys.stderr, flush=True)

    def close(self):
        if self.shown:
            print("\r%s\r" % (" " * (len(self.what) + 5)), end="", file=sys.stderr, flush=True)


class _Tqdm(quiet):
    def __init__(self, what, total):
        from tqdm import tqdm
        self.bar = tqdm(total=total, desc=what, unit="", unit_scale=True, delay=0.5, leave=False)

    def __call__(self, n):
        self.bar.update(n)

    def close(self):
        self.bar.close()


def on_terminal():
    """The kind of bar for this process's stderr."""
    if not sys.stderr.isatty():
        return quiet
    try:
        import tqdm  # noqa: F401
        return _Tqdm
    except ImportError:
        return _Line
