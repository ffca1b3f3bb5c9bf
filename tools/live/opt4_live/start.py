"""Runs the sitecustomize that opt4's hides, then waits until the program itself imports torch's DataLoader. Imports nothing that is not
there already. No module: sitecustomize.py runs it, with HERE its own folder."""

import builtins
import os
import sys

from _frozen_importlib import module_from_spec
from _frozen_importlib_external import PathFinder, SourceFileLoader
from _imp import _fix_co_filename

AWAITED = "torch.utils.data.dataloader"
MODULE = sys.modules.get("sitecustomize")


class Opt4Finder:
    """On sys.meta_path until AWAITED is imported; finds nothing itself."""

    @staticmethod
    def opt4_alone():
        """The library (guest.c): files are read, and there is no torch here."""
        _ours().alone()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if sys.modules.get("sitecustomize") is MODULE:   # it can't go while it is being imported
            del sys.modules["sitecustomize"]
        if name != AWAITED:
            return None
        try:
            sys.meta_path.remove(cls)
        except ValueError:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None:
                break
        else:
            return None
        try:
            _patch_after(spec.loader)
        except Exception:   # a loader that takes no attributes: no live order
            pass
        return spec


class _Ours:
    """Our own modules, without a place in sys.modules and what else an import leaves behind: theirs have an __import__ of their own. Their code
    bears no file's name."""

    def __init__(self):
        self.real = builtins.__import__
        self.builtins = dict(vars(builtins), __import__=self.find)
        self.modules = {}
        self.package = self.load("__init__", "opt4_live")

    def find(self, name, scope=None, local=None, fromlist=(), level=0):
        if not level:
            return self.real(name, scope, local, fromlist, level)
        if name:
            return self.load(name, "opt4_live." + name)
        for name in fromlist:
            setattr(self.modules["__init__"], name, self.load(name, "opt4_live." + name))
        return self.modules["__init__"]

    def load(self, name, full):
        if name not in self.modules:
            code = SourceFileLoader(full, os.path.join(HERE, "opt4_live", name + ".py")).get_code(full)
            _fix_co_filename(code, "<opt4>")
            self.modules[name] = module = type(sys)(full)
            vars(module).update(__package__="opt4_live", __builtins__=self.builtins)
            exec(code, vars(module))
        return self.modules[name]


OURS = []          # as soon as they are wanted


def _ours():
    if not OURS:
        OURS.append(_Ours().package)
    return OURS[0]


def _patch_after(loader):
    """torch's module is run by its own loader, and then looked at."""
    ours = _ours()

    def after(token, args, result, whole):
        del loader.exec_module
        if whole:
            ours.patch(*args)
    loader.exec_module = ours.guest.around("exec_module", None, loader.exec_module, after)


def _hidden():
    """Runs the sitecustomize that would have been found without ours, under its own name."""
    rest = [p for p in sys.path if os.path.abspath(p or ".") != HERE]
    sys.path[:] = rest
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _hidden()
finally:
    if os.environ.get("OPT4_LIVE") != "0" and os.environ.get("OPT4_DISABLE") != "1":
        sys.meta_path.insert(0, Opt4Finder)
