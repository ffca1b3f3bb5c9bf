"""effects.py ROOT FOLDER JOB...: samplers that do something beside yielding numbers, each counted; a line a job."""
import ctypes
import multiprocessing as mp
import os
import sys
import threading
import warnings

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Sampler
from torchvision.datasets import DatasetFolder


def load(path):
    with open(path, "rb") as f:
        return torch.tensor(list(f.read(8)))


def dataset(root):
    return DatasetFolder(root, load, (".jpg",))


class Effect(Sampler):
    """A permutation by the number that effect() gives."""

    def __init__(self, n, effect):
        self.n, self.effect = n, effect

    def __len__(self):
        return self.n

    def __iter__(self):
        g = torch.Generator().manual_seed(self.effect())
        yield from torch.randperm(self.n, generator=g).tolist()


def train(root, effect, epochs=4, workers=2, sampler=Effect, **options):
    """The epochs' digests."""
    d = dataset(root)
    loader = DataLoader(d, 8, sampler=sampler(len(d), effect), num_workers=workers, **options)
    return ["%08x" % (hash(tuple(int(x.sum()) for x, _ in loader)) & 0xFFFFFFFF) for _ in range(epochs)]


def counter(root, folder):
    value, seen = mp.Value("i", 0), []

    def effect():
        with value.get_lock():
            seen.append(value.value)
            value.value += 1
        return seen[-1]
    return train(root, effect), seen, value.value


def appends(root, folder):
    """Its order goes to a file, too, epoch by epoch."""
    log = os.path.join(folder, "orders")

    class Writes(Effect):
        def __iter__(self):
            for i in Effect.__iter__(self):
                with open(log, "a") as f:
                    f.write("%d\n" % i)
                yield i
    done = train(root, lambda: 5, 2, sampler=Writes)
    with open(log) as f:
        return done, len(f.readlines())


def _rank(rank, root, folder):
    dist.init_process_group("gloo", init_method="file://" + os.path.join(folder, "rendezvous"), rank=rank, world_size=2)

    def effect():
        seed = torch.tensor([rank * 100 + 7])
        dist.broadcast(seed, 0)
        return int(seed)
    done = train(root, effect, 2, 0)
    with open(os.path.join(folder, "rank%d" % rank), "w") as f:
        f.write(repr(done))
    dist.destroy_process_group()


def broadcasts(root, folder):
    import torch.multiprocessing as tmp
    tmp.spawn(_rank, (root, folder), 2)
    return [open(os.path.join(folder, "rank%d" % r)).read() for r in range(2)]


def at_fork(root, folder):
    """Handlers of Python's and of C's, called by nobody else's fork than the workers'; and another thread, for which newer Pythons warn."""
    calls = []
    os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("after"),
                        after_in_child=lambda: calls.append("child"))
    at = ctypes.CFUNCTYPE(None)(lambda: calls.append("C"))
    atfork = getattr(ctypes.CDLL(None), "__register_atfork", None)
    if atfork is not None:
        atfork(at, None, None, None)
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = train(root, lambda: 3, 2, workers=0), train(root, lambda: 3, 2, workers=1)
    over.set()
    thread.join()
    return done, calls, sorted(str(w.message).split(" (pid")[0].replace(str(os.getpid()), "") for w in caught)


def shared_tensor(root, folder):
    """Weights in shared memory that it changes as it goes."""
    order = torch.arange(400).share_memory_()

    def effect():
        order[0] += 1
        return int(order[0])
    return train(root, effect), int(order[0])


def signals(root, folder):
    import signal
    got = []
    signal.signal(signal.SIGUSR1, lambda *a: got.append(1))

    def effect():
        os.kill(os.getpid(), signal.SIGUSR1)
        return 4
    return train(root, effect), len(got)


def prints(root, folder):
    def effect():
        print("a word", flush=True)
        return 9
    return train(root, effect, 2)


def random_module(root, folder):
    """Python reseeds `random` in children of os.fork() by a handler; ours is no such child."""
    import random
    random.seed(4)
    return train(root, lambda: random.getrandbits(30), 2), random.random()


JOBS = {f.__name__.replace("_", "-"): f for f in (counter, appends, broadcasts, at_fork, shared_tensor, signals, prints, random_module)}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[3:]:
        folder = os.path.join(sys.argv[2], name)
        os.makedirs(folder, exist_ok=True)
        print(name, *JOBS[name](sys.argv[1], folder), flush=True)
