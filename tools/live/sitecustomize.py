"""Found by Python at its start because opt4 put this folder first on PYTHONPATH. What is done stands in opt4_live/start.py; it runs under the
name <opt4>, as all of ours: tools that follow a program line by line leave out what is no file."""

import os
import sys

from _frozen_importlib_external import SourceFileLoader
from _imp import _fix_co_filename

OPT4 = {"HERE": os.path.dirname(os.path.abspath(__file__)), "__name__": "opt4", "__builtins__": __builtins__}
CODE = SourceFileLoader("opt4_live_start", os.path.join(OPT4["HERE"], "opt4_live", "start.py")).get_code("opt4_live_start")
_fix_co_filename(CODE, "<opt4>")
exec(CODE, OPT4)
