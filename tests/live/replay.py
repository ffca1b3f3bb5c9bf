"""replay.py PROGRAM SEED: what the Python side asks to be replayed outside comes out as torch's own samplers have it,
for random lengths and states; and asking moves no generator."""
import importlib
import os
import random
import subprocess
import sys
import types

import numpy as np
import torch
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler
from torch.utils.data.distributed import DistributedSampler

sys.modules["opt4_live"] = package = types.ModuleType("opt4_live")   # without what its import begins
package.__path__ = [os.path.join(os.environ["REPO"], "tools", "live", "opt4_live")]
samplers = importlib.import_module("opt4_live.samplers")
rng = random.Random(int(sys.argv[2]))
SIZES = (1, 2, 3, 10, 623, 624, 625, 1000, 65537)
for turn in range(150):
    n = rng.choice(SIZES + (rng.randrange(1, 200000),) * 3)
    torch.manual_seed(rng.randrange(1 << 63))
    generator = torch.Generator().manual_seed(rng.randrange(1 << 63))
    for g in (torch.default_generator, generator):
        for _ in range(rng.randrange(700)):
            torch.rand((), generator=g)
    data = range(n)
    kind = rng.randrange(5)
    if kind == 0:
        sampler = RandomSampler(data, generator=rng.choice([None, generator]))
    elif kind == 1:
        sampler = RandomSampler(data, num_samples=rng.choice([n, 2 * n + 1, max(1, n // 2)]), generator=rng.choice([None, generator]))
    elif kind == 2:
        world = rng.choice([1, 2, 3, 7])
        sampler = DistributedSampler(data, world, rng.randrange(world), rng.random() < .8, rng.randrange(1000), n >= world and rng.random() < .5)
        sampler.set_epoch(rng.randrange(5))
    elif kind == 3:
        sampler = RandomSampler(data, True, rng.choice([None, n, 2 * n + 1, max(1, n // 3)]), rng.choice([None, generator]))
    else:
        sampler = SequentialSampler(data)
    size, drop = rng.choice([1, 2, 64]), rng.random() < .5
    before = torch.get_rng_state(), generator.get_state()
    told = samplers.replayable(BatchSampler(sampler, size, drop))
    assert torch.equal(before[0], torch.get_rng_state()) and torch.equal(before[1], generator.get_state()), "a generator moved"
    want = list(BatchSampler(sampler, size, drop))
    if told is None:
        assert not want, (kind, n, size, drop)
        continue
    what, batch, nbatches = told
    out = np.frombuffer(subprocess.run([sys.argv[1]], input=what, stdout=subprocess.PIPE, check=True).stdout, "<u4")
    assert out[0] == 0, out[0]
    assert (batch, nbatches) == (size, len(want)), (batch, nbatches, size, len(want))
    assert out[1:].tolist() == [i for b in want for i in b], (turn, kind, n)
print("150 orders")
