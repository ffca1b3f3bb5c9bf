"""An epoch's order ahead of time, of torch's own samplers: from a copy of the sampler."""

import copy
import struct
from array import array
from operator import index as index_of

from . import columns, keys, lib

NUMBERS = "numpy", "torch"
OURS = ("builtins",) + NUMBERS
LARGE = 214748364 # lengths from which on torch versions differ
NONE, PERMUTED, DRAWN = range(3)   # enum replay_how of tools/opt4d/replay.h
STATE = 5056      # bytes of a generator's state
_numbers = {}     # stream -> the number of its last epoch, where its sampler goes by that


def number(index):
    """The number of a sample; TypeError: there is none in it. Nothing of the program's runs."""
    if issubclass(type(index), (tuple, list, dict)) or type(index).__module__ not in OURS:      # with what is to be done with it: a flag, a size
        index = next((i for i in parts(index) if type(i) is int or type(i).__module__ in NUMBERS), None)
    if not issubclass(type(index), int) and type(index).__module__ not in NUMBERS:
        raise TypeError("no number")
    return index_of(index)


def parts(index):
    """What an index is made of."""
    if issubclass(type(index), (tuple, list)):
        return columns.all_of(index)
    return dict.values(index) if issubclass(type(index), dict) else keys.fields(index).values()


def items(batch, collated):
    """The indices that a sampler's batch is; where nothing is collated it is one, unless it is a list or an array. TypeError: it can be gone through but once,
    which is the program's."""
    if not collated and not isinstance(batch, list) and not (type(batch).__module__ in NUMBERS and batch.ndim):
        return (batch,)
    if hasattr(batch, "__next__"):
        raise TypeError("once")
    return batch


def count(dataset):
    """Samples that a dataset says that it has; one that says nothing, because its sampler knows, has 1: all others are told apart by their keys."""
    try:
        return max(1, len(dataset))
    except Exception:
        return 1


def _twin(generator):
    """A clone of a CPU generator; of the global one for None. None: it is another device's."""
    import torch
    twin = torch.Generator()
    if generator is None:
        twin.set_state(torch.get_rng_state())
    elif type(generator) is torch.Generator and generator.device.type == "cpu":
        twin.set_state(generator.get_state())
    else:
        return None
    return twin


def _global_seed():
    """The seed that a RandomSampler without a generator is about to draw."""
    import torch
    return int(torch.empty((), dtype=torch.int64, device="cpu").random_(generator=_twin(None)).item())


def _stand_in(sampler):
    """What yields the same as the sampler, from clones; None: not one of torch's, or a generator of another device."""
    import torch
    from torch.utils.data import sampler as s
    from torch.utils.data.distributed import DistributedSampler
    kind = type(sampler)
    if kind in (s.SequentialSampler, DistributedSampler):   # these touch no generator but their own
        return sampler
    if kind not in (s.RandomSampler, s.SubsetRandomSampler, s.WeightedRandomSampler):
        return None
    copied = copy.copy(sampler)
    if kind is s.RandomSampler and sampler.generator is None:
        copied.generator = torch.Generator().manual_seed(_global_seed())
    else:
        copied.generator = _twin(sampler.generator)
    return copied if copied.generator is not None else None


def foretell(index_sampler, n):
    """(indices array('I'), batch size, batches) of the epoch that begins, drawn from clones; every generator is as before.
    None: not a sampler of torch's own, or not one of numbers below n."""
    from torch.utils.data.sampler import BatchSampler
    size, drop, sampler = 1, False, index_sampler
    if type(sampler) is BatchSampler:
        size, drop, sampler = sampler.batch_size, sampler.drop_last, sampler.sampler
    stand_in = _stand_in(sampler)
    if stand_in is None:
        return None
    try:
        order = array("I", stand_in)
    except (TypeError, OverflowError):   # a subset of names
        return None
    if len(order) and max(order) >= n:
        return None
    if drop:
        del order[len(order) // size * size:]
    return order, size, -(-len(order) // size)


def _seeded(seed):
    import torch
    return torch.Generator().manual_seed(seed).get_state()


def replayable(index_sampler):
    """(struct replay as bytes, batch size, batches) for the samplers whose order another process can draw from a
    generator's state: permutations, or numbers with replacement. None: not one of those."""
    import torch
    from torch.utils.data import sampler as s
    from torch.utils.data.distributed import DistributedSampler
    size, drop, sampler = 1, False, index_sampler
    if type(sampler) is s.BatchSampler:
        size, drop, sampler = sampler.batch_size, sampler.drop_last, sampler.sampler
    kind, rank, world, cycle, state, how = type(sampler), 0, 1, 0, None, NONE
    if kind is s.SequentialSampler:
        n = take = len(sampler.data_source)
    elif kind is s.RandomSampler:
        how = DRAWN if sampler.replacement else PERMUTED
        n, take = len(sampler.data_source), sampler.num_samples
        generator = sampler.generator
        if generator is None:
            state = _seeded(_global_seed())
        elif type(generator) is torch.Generator and generator.device.type == "cpu":
            state = generator.get_state()
        else:
            return None
    elif kind is DistributedSampler:
        n, take = len(sampler.dataset), sampler.num_samples
        rank, world, cycle = sampler.rank, sampler.num_replicas, 1
        if sampler.shuffle:
            how = PERMUTED
            state = _seeded(sampler.seed + sampler.epoch)
    else:
        return None
    if drop:
        take = take // size * size
    if not 0 < n < LARGE or not 0 < take < 1 << 31:
        return None
    state = bytes(STATE) if state is None else state.numpy().tobytes()
    if len(state) != STATE:
        return None
    return struct.pack("<6I", n, how, rank, world, take, cycle) + state, size, -(-take // size)


def _core(index_sampler):
    from torch.utils.data.sampler import BatchSampler
    return index_sampler.sampler if type(index_sampler) is BatchSampler else index_sampler


def numbered(index_sampler):
    """The number of the epoch whose order a DistributedSampler draws by it; None: another sampler, or it does not shuffle."""
    from torch.utils.data.distributed import DistributedSampler
    sampler = _core(index_sampler)
    return sampler.epoch if type(sampler) is DistributedSampler and sampler.shuffle and type(sampler.epoch) is int else None


def at_number(index_sampler, epoch):
    """A copy of such a sampler, at that epoch."""
    twin = copy.copy(_core(index_sampler))
    twin.epoch = epoch
    if _core(index_sampler) is index_sampler:
        return twin
    whole = copy.copy(index_sampler)
    whole.sampler = twin
    return whole


def first_of(told):
    return told[0] if told else None


def following(stream, index_sampler):
    """The sampler as it draws the epoch after this one, where it goes by the epochs' numbers, and they go on as so far. None: it is not known; of one whose
    number is never set the next epoch is this one again."""
    epoch, last = numbered(index_sampler), _numbers.get(stream)
    _numbers[stream] = epoch
    if epoch is None or (last is not None and epoch <= last):
        return None
    return at_number(index_sampler, 2 * epoch - last if last is not None else epoch + 1)


def torchs_own(index_sampler):
    """Is it known that nothing but numbers comes of its running?"""
    from torch.utils.data import sampler as s
    from torch.utils.data.distributed import DistributedSampler
    if type(index_sampler) is s.BatchSampler:
        index_sampler = index_sampler.sampler
    return type(index_sampler) in (s.SequentialSampler, s.RandomSampler, s.SubsetRandomSampler, s.WeightedRandomSampler, DistributedSampler)


def in_child(work, wait=0):
    """Runs work(), which is ours, in a process that the program knows nothing of; nobody waits for it."""
    try:
        if lib.fork(None, 120) == 0:
            work()
    finally:
        lib.over()
