"""What happens where samples are fetched: in the workers, or in the program itself where there are none."""

import os

from . import epochs, files, lib, samplers

_numbers = epochs.Numbers()
_fetched = {}     # process and number of a dataset -> what is known of it


class _Fetched:
    """A dataset of which this process fetches."""

    def __init__(self, dataset):
        from multiprocessing import parent_process
        from torch.utils.data import get_worker_info
        info = get_worker_info()
        self.turns = 0
        self.n = len(dataset)
        self.wanted = self.unnamed = False
        if info is not None and not epochs.announced:   # spawned: it does not know yet whom it works for
            lib.follow(epochs.key_of(parent_process().pid, info.seed - info.id, self.n, info.num_workers))
        if lib.active():
            says = files.says(dataset)
            self.wanted = not says and not getattr(dataset, "__getitems__", None)
            # The last worker: a large process takes 15 ms and more to fork, and the first batch is the first one's.
            self.unnamed = says and self.n > epochs.SMALL and (info is None or info.id == info.num_workers - 1)


class _Learner:
    """Stands in for the dataset while a batch is fetched, and says which sample is being read."""

    def __init__(self, dataset, n):
        self.dataset, self.n = dataset, n

    def __getitem__(self, index):
        if type(index) is int:
            lib.sample(self.n, index if index >= 0 else index + self.n)
        return self.dataset[index]


def before(dataset):
    """A batch is about to be fetched. Returns what is to stand in for a dataset whose files can only be learned, else None."""
    number = os.getpid(), _numbers.number(dataset)
    f = _fetched.get(number)
    if f is None:
        f = _fetched[number] = _Fetched(dataset)
    f.turns += 1
    if f.unnamed and f.turns == 2:   # the first batch does not wait for it
        f.unnamed = False
        if not lib.known(0, f.n):
            samplers.in_child(lambda: lib.files(0, f.n, files.packed(dataset)), 0)
    return _Learner(dataset, f.n) if f.wanted else None
