"""opt4-trace imagefolder: a trace of torchvision's ImageFolder under the samplers that training scripts use."""

import os

import numpy as np

from . import TraceError, UsageError
from .files import FileTable, listing
from .replay import Phase
from .versions import describe, sensitive
from .write import Stream, TraceWriter


WORKERS_MAX = 4096       # DataLoader would try to start whatever number it is given


def arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    p = parser
    p.add_argument("root", metavar="ROOT", help="the dataset's folder, one folder a class")
    p.add_argument("--epochs", type=int, required=True, metavar="E")
    p.add_argument("--seed", type=int, required=True, metavar="S",
                   help="seed of the generator that sampler and DataLoader share")
    p.add_argument("--batch-size", type=int, default=1, metavar="B", help="default 1, as DataLoader's")
    p.add_argument("--drop-last", action="store_true", help="DataLoader(drop_last=True)")
    p.add_argument("--workers", type=int, default=0, metavar="N", help="num_workers; default 0")
    p.add_argument("--persistent-workers", action="store_true")
    p.add_argument("--prefetch-factor", type=int, metavar="P")
    kind = p.add_mutually_exclusive_group()
    kind.add_argument("--sequential", action="store_true", help="no shuffling")
    kind.add_argument("--replacement", action="store_true", help="draw with replacement")
    p.add_argument("--weights", metavar="FILE", help="WeightedRandomSampler: one weight a line")
    p.add_argument("--num-samples", type=int, metavar="K", help="samples an epoch")
    p.add_argument("--limit-batches", type=int, metavar="L", help="leave each training epoch after L batches")
    p.add_argument("--global-seed", action="store_true",
                   help="torch.manual_seed(S) just before the first iter(loader); no generator is passed")
    p.add_argument("--world-size", type=int, metavar="W", help="DistributedSampler(seed=S) over W ranks")
    p.add_argument("--ranks", metavar="R,R", help="the ranks of this machine; default all")
    p.add_argument("--no-set-epoch", action="store_true", help="the script never calls set_epoch")
    p.add_argument("--val", metavar="VALROOT", help="walked in order after each training epoch")
    p.add_argument("--val-batch-size", type=int, metavar="B", help="default: the training's")
    p.add_argument("-o", "--output", required=True, metavar="F")


def check(a):
    """Raises UsageError for arguments that make no sense together."""
    positive = {"--epochs": a.epochs, "--batch-size": a.batch_size, "--num-samples": a.num_samples,
                "--limit-batches": a.limit_batches, "--world-size": a.world_size,
                "--val-batch-size": a.val_batch_size, "--prefetch-factor": a.prefetch_factor}
    for name, v in positive.items():
        if v is not None and v < 1:
            raise UsageError("%s %d: must be at least 1" % (name, v))
    if not 0 <= a.workers <= WORKERS_MAX:
        raise UsageError("--workers %d: must be 0 to %d" % (a.workers, WORKERS_MAX))
    if not a.workers and (a.persistent_workers or a.prefetch_factor):
        raise UsageError("--persistent-workers, --prefetch-factor: without workers DataLoader refuses them; "
                         "give --workers N")
    if a.sequential and (a.weights or a.num_samples or a.global_seed):
        raise UsageError("--sequential: there is nothing to draw; leave out --weights, --num-samples, --global-seed")
    if a.world_size is None and (a.ranks is not None or a.no_set_epoch):
        raise UsageError("--ranks, --no-set-epoch: need --world-size W")
    if a.world_size is not None and (a.replacement or a.weights or a.num_samples or a.global_seed):
        raise UsageError("--world-size: DistributedSampler knows no --replacement, --weights, --num-samples, "
                         "--global-seed; use opt4-trace loader for a sampler of your own")
    if a.val_batch_size and not a.val:
        raise UsageError("--val-batch-size: needs --val VALROOT")


def ranks(text, world):
    """The rank numbers of --ranks, ascending; all of the world where text is None. Raises UsageError."""
    if world is None:
        return [0]
    if text is None:
        return list(range(world))
    try:
        r = sorted({int(x) for x in text.split(",")})
    except ValueError:
        raise UsageError("--ranks %s: give rank numbers with commas between, as 0,1" % text)
    if not 0 <= r[0] <= r[-1] < world:
        raise UsageError("--ranks %s: ranks go from 0 to %d" % (text, world - 1))
    return r


def folder(path):
    """torchvision's ImageFolder of a path, by its own scan. Raises TraceError."""
    try:
        from torchvision.datasets import ImageFolder
    except ImportError as e:
        raise TraceError("torchvision: %s; install it beside torch (pip install torchvision, or Debian's "
                         "python3-torchvision)" % e)
    if not os.path.isdir(path):
        raise TraceError("%s: no such folder; give the one that holds a folder a class" % path)
    try:
        return ImageFolder(path)
    except (FileNotFoundError, OSError) as e:
        raise TraceError("%s: %s; ImageFolder needs a folder a class with images in it" % (path, _line(e)))


def _line(e):
    """An exception's reason in one line."""
    return " ".join(str(getattr(e, "strerror", None) or e).split()).rstrip(".")


def _weights(path, n):
    try:
        with open(path) as f:
            w = [float(x) for x in f.read().split()]
    except (OSError, ValueError) as e:
        raise TraceError("%s: %s; give one number a line" % (path, _line(e)))
    if len(w) != n:
        raise TraceError("%s: %d weights for %d files; give one a file" % (path, len(w), n))
    return w


def loaders(a, train, val, rank):
    """The job's DataLoaders (train, then val where there is one) as its script would build them."""
    from torch import Generator
    from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, WeightedRandomSampler
    from torch.utils.data.distributed import DistributedSampler
    common = {"num_workers": a.workers, "persistent_workers": a.persistent_workers}
    if a.prefetch_factor:
        common["prefetch_factor"] = a.prefetch_factor
    generator = None
    if a.world_size is not None:
        sampler = DistributedSampler(train, a.world_size, rank, shuffle=not a.sequential, seed=a.seed)
    else:
        if not a.global_seed:
            generator = Generator()
            generator.manual_seed(a.seed)
        if a.sequential:
            sampler = SequentialSampler(train)
        elif a.weights:
            w = _weights(a.weights, len(train))
            sampler = WeightedRandomSampler(w, a.num_samples or len(w), a.replacement, generator)
        else:
            sampler = RandomSampler(train, a.replacement, a.num_samples, generator)
    out = [DataLoader(train, a.batch_size, sampler=sampler, drop_last=a.drop_last, generator=generator, **common)]
    if val is not None:
        out.append(DataLoader(val, a.val_batch_size or a.batch_size, **common))
    return out


def main(a, progress):
    """Runs the command. a: the parsed arguments; progress: the kind of bar. Raises TraceError, OSError."""
    check(a)
    world = ranks(a.ranks, a.world_size)
    import torch
    data = [folder(a.root)] + ([folder(a.val)] if a.val else [])
    table = FileTable()
    handles = [table.add(listing(d, a.root)) for d in data]
    lengths = [range(len(d)) for d in data]   # all that samplers ask of a dataset
    del data
    table.finish(progress)
    try:
        jobs = [[Phase(l, ("train", "val")[i]) for i, l in
                 enumerate(loaders(a, lengths[0], lengths[1] if a.val else None, r))] for r in world]
        if a.global_seed:
            torch.manual_seed(a.seed)
        streams = [Stream(r, p, x.workers, x.batch_size, x.persistent)
                   for r, job in zip(world, jobs) for p, x in enumerate(job)]
        meta = describe("imagefolder", vars(a), [sensitive(x) for job in jobs for x in job])
        with TraceWriter(a.output, table.roots, streams, meta, progress) as out:
            bar = progress("epochs", a.epochs)
            for e in range(a.epochs):
                for p in range(len(lengths)):
                    parts = []
                    for i, job in enumerate(jobs):
                        if a.world_size is not None and not a.no_set_epoch:
                            job[p].set_epoch(e)
                        indices, counts = job[p].epoch(a.limit_batches if p == 0 else None)
                        parts.append((i * len(lengths) + p, np.take(table.number(handles[p]), indices), counts))
                    out.add(e, parts)
                out.more(e + 1, a.epochs)
                bar(1)
            bar.close()
    except (ValueError, RuntimeError) as e:   # what torch itself refuses, with its reason
        raise TraceError("torch %s: %s; give what the job's own DataLoader takes" % (torch.__version__, _line(e)))
