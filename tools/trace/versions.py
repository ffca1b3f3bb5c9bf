"""Which torch wrote a trace, and whether the torch at hand would draw the same.

Orders are equal from torch 1.13 to 2.15 for all samplers of torch at the sizes of real datasets. What is known to
differ is in CHANGES; at which version between the two is not known, so that those between are only equal to themselves.
"""

import platform
import sys

from . import __version__

OLD, NEW = (1, 13), (2, 15)
# From these lengths on a draw takes 64 bits: in 2.15; in 1.13 only (randint) from 2^32 on.
LARGE_RANDPERM = ((1 << 32) - 1) // 20
LARGE_RANDINT = 1 << 28
CHANGES = {
    "large-randperm": "random permutations of %d samples or more" % LARGE_RANDPERM,
    "large-randint": "draws with replacement from %d samples or more" % LARGE_RANDINT,
}


def sensitive(phase):
    """Which of CHANGES a replay.Phase's order depends on: list of names."""
    n, sampler = phase.length, phase.loader.sampler
    if n >= LARGE_RANDINT and getattr(sampler, "replacement", False):
        return ["large-randint"]
    return ["large-randperm"] if n >= LARGE_RANDPERM else []


def _version(name):
    module = sys.modules.get(name)
    return getattr(module, "__version__", None) and str(module.__version__)


def describe(command, arguments, features):
    """The trace's description: who wrote it, from what. features: what sensitive() said of each loader."""
    libraries = {n: _version(n) for n in ("torch", "torchvision", "torchdata", "accelerate", "numpy")}
    return {"opt4": __version__, "python": platform.python_version(),
            "versions": {k: v for k, v in libraries.items() if v},
            "command": command,
            "arguments": {k: v for k, v in sorted(arguments.items())
                          if k not in ("command", "output", "json") and v not in (None, False)},
            "depends_on": sorted({f for fs in features for f in fs})}


def _era(version):
    """What draws alike: all up to OLD, all from NEW on, and each (major, minor) between for itself."""
    try:
        v = tuple(int(x) for x in version.split("+")[0].split(".")[:2])
    except ValueError:
        return version
    return OLD if v <= OLD else NEW if v >= NEW else v


def differs(meta, torch_version):
    """Why the order of a trace is not what this torch would draw, or None. meta: the trace's description."""
    theirs = meta.get("versions", {}).get("torch")
    if not theirs or not torch_version:
        return None
    for name in meta.get("depends_on", []):
        if _era(theirs) != _era(torch_version):
            return "%s are drawn otherwise by torch %s, which wrote the trace, than by torch %s" % (
                CHANGES.get(name, name), theirs, torch_version)
    return None
