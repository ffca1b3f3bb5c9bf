"""guest.py ROOT: what a program can see of who stands around it: warnings and the lines that they name, tracebacks, frames, profiles, modules,
finders, signatures. Two runs that print the same have seen the same."""
import gc
import inspect
import os
import pickle
import re
import sys
import traceback
import warnings

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

seen = []
warnings.simplefilter("always")
# how many processors there are may change from one line to the next
warnings.showwarning = lambda message, category, filename, lineno, *rest: seen.append((str(message)[:60], category.__name__, filename, lineno))


def frames():
    f, all_ = sys._getframe(1), []
    while f is not None:
        all_.append((f.f_code.co_filename, f.f_code.co_name, f.f_lineno))
        f = f.f_back
    return all_


class Files(Dataset):
    def __init__(self, root):
        self.samples = sorted(os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs)[:40]
        self.wrong, self.walk, self.level = -1, False, 0

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        if self.level:
            warnings.warn("from a dataset", stacklevel=self.level)
        if self.walk:
            seen.append(frames())
            seen.append([(i.filename, i.function, i.lineno) for i in inspect.stack()])
        if i == self.wrong:
            raise ValueError("this one")
        with open(self.samples[i], "rb") as f:
            return len(f.read())


class Own(Sampler):
    def __init__(self, n, wrong=False, walk=False, level=0):
        self.n, self.wrong, self.walk, self.level = n, wrong, walk, level

    def __len__(self):
        return self.n

    def __iter__(self):
        if self.level:
            warnings.warn("from a sampler", stacklevel=self.level)
        if self.walk:
            seen.append(frames())
        for i in range(self.n):
            if self.wrong and i == self.n // 2:
                raise KeyError("no more")
            yield i


def tried(f):
    try:
        return f()
    except Exception:
        # which of two places a worker's answer is met at is chance
        return re.sub("line [0-9]+, in _next_data", "in _next_data", traceback.format_exc())
    finally:
        gc.collect()       # iterators that the traceback held, before another worker is forked


def main(root):
    d = Files(root)
    run = lambda **options: list(DataLoader(d, **{"batch_size": 8, **options}))   # noqa: E731
    for options in ({"num_workers": 500}, {"pin_memory": True}, {"shuffle": True, "num_workers": 2, "pin_memory": True}):
        seen.append(tried(lambda: len(DataLoader(d, **options))))
        if options["num_workers"] if "num_workers" in options and options["num_workers"] < 500 else "pin_memory" in options:
            seen.append(tried(lambda: len(run(**options))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen.append(tried(lambda: DataLoader(d, num_workers=500)))
        seen.append(tried(lambda: run(pin_memory=True)))
    for level in range(1, 7):
        run(sampler=Own(40, level=level))
        run(sampler=Own(40, level=level), num_workers=1)
        d.level = level
        run(shuffle=True)
        d.level = 0
    for workers in (0, 2):
        d.wrong = 17
        seen.append(tried(lambda: run(num_workers=workers)))
        seen.append(tried(lambda: run(num_workers=workers, batch_size=None)))
        d.wrong = -1
        seen.append(tried(lambda: run(sampler=Own(40, wrong=True), num_workers=workers)))
        seen.append(tried(lambda: run(sampler=Own(40, walk=True), num_workers=workers)))
    d.walk = True
    run()
    run(batch_size=None)
    d.walk = False

    files, calls = set(), []
    gc.disable()

    def profile(frame, event, arg):
        f = frame
        while f is not None and f.f_code.co_filename != "<opt4>":
            f = f.f_back
        if f is None:      # what ours call is not told from them
            files.add(frame.f_code.co_filename)
            if event == "call" and frame.f_code.co_filename.endswith("dataloader.py"):
                calls.append(frame.f_code.co_name)
    sys.setprofile(profile)
    run(shuffle=True)
    sys.setprofile(None)
    gc.enable()
    seen.append((sorted(files), calls))

    loader = DataLoader(d, 4, shuffle=True)
    seen.append([str(inspect.signature(f)) for f in (DataLoader, DataLoader.__init__, DataLoader.__iter__)])
    seen.append([len(list(pickle.loads(pickle.dumps(loader)))), sorted(vars(loader))])
    seen.append([re.sub(" at 0x[0-9a-f]*", "", repr(f)) for f in sys.meta_path + sys.path_hooks] + sys.path)
    seen.append(sorted(sys.modules))
    seen.append([k for k in os.environ if "PYTHON" in k and k != "PYTHONPATH"])
    for what in seen:
        print(what)


main(sys.argv[1])
