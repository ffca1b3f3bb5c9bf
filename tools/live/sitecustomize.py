"""Found by Python at its start because opt4 put this folder first on PYTHONPATH: runs the sitecustomize that it hides,
then waits until the program itself imports torch's DataLoader. Imports nothing that is not there already."""

import os
import sys

from _frozen_importlib import module_from_spec, spec_from_loader
from _frozen_importlib_external import PathFinder, SourceFileLoader

HERE = os.path.dirname(os.path.abspath(__file__))
AWAITED = "torch.utils.data.dataloader"


class Opt4Finder:
    """On sys.meta_path until AWAITED is imported; finds nothing itself."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
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


def _patch_after(loader):
    real = loader.exec_module

    def exec_module(module):
        del loader.exec_module
        real(module)
        try:
            _load().patch(module)
        except Exception:
            pass
    loader.exec_module = exec_module


def _load():
    """The package opt4_live beside this file, without a place on sys.path."""
    if "opt4_live" not in sys.modules:
        loader = SourceFileLoader("opt4_live", os.path.join(HERE, "opt4_live", "__init__.py"))
        spec = spec_from_loader("opt4_live", loader, is_package=True)
        sys.modules["opt4_live"] = module = module_from_spec(spec)
        loader.exec_module(module)
    return sys.modules["opt4_live"]


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
