"""opt4-trace: writes, shows and checks traces of the files that a DataLoader job will open.

The file format is that of preload/base/trace.h, in prose in tools/TRACE.md.
"""

__version__ = "@VERSION@"   # of the file VERSION, by make


class TraceError(Exception):
    """What went wrong, as `what: why; what to do`: printed in one line, exit status 1."""


class UsageError(TraceError):
    """Arguments that make no sense together: exit status 2."""
