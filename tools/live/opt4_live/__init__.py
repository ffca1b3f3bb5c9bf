"""Tells opt4 the order of each epoch when a DataLoader begins it, and changes nothing that the program can see.

patch() is called once torch.utils.data.dataloader has been imported. No exception of ours leaves a hook; no
generator's state is moved; nothing is printed. When _next_index() first meets a new _sampler_iter, all draws that
precede the epoch (base_seed, samplers that draw in __iter__) have happened, and none of its own: so from there a clone
of the generator tells what will come.
"""

import functools

from . import lib


CHECK = "check_worker_number_rationality"   # what a DataLoader's constructor calls last; that itself is looked at by programs


def patch(dataloader):
    """Hooks the DataLoader of this module (torch.utils.data.dataloader)."""
    if not lib.load():
        return
    lib.watch()      # before processes are forked from this one
    from . import epochs, fetches
    from torch.utils.data._utils import fetch
    loader, base = dataloader.DataLoader, dataloader._BaseDataLoaderIter
    if hasattr(loader, CHECK):
        setattr(loader, CHECK, _after(getattr(loader, CHECK), epochs.prepare))
    base.__init__ = _after(base.__init__, epochs.announce)
    base._next_index = _next_index(base._next_index, epochs)
    for fetcher in fetch._MapDatasetFetcher, fetch._IterableDatasetFetcher:
        fetcher.fetch = _fetch(fetcher.fetch, fetches, fetcher is fetch._MapDatasetFetcher)


def _after(real, then):
    @functools.wraps(real)
    def call(self, *args, **kwargs):
        real(self, *args, **kwargs)
        try:
            then(self, *args, **kwargs)
        except Exception:
            pass
    return call


def _next_index(real, epochs):
    @functools.wraps(real)
    def _next_index(self):
        d = self.__dict__
        if d.get("_opt4_seen") is not d.get("_sampler_iter"):
            d["_opt4_seen"] = d.get("_sampler_iter")
            try:
                epochs.begin(self)
            except Exception:
                pass
        state = d.get("_opt4")
        if state is None:
            return real(self)
        if not d.get("_num_workers"):   # this process reads the files itself, for several loaders in turn
            epochs.lib.follow(state.key)
        index = real(self)
        if state.record is not None:
            state.record.note(index)
        if state.rehearsal is not None:
            try:
                state.rehearsal.note(self, index)
            except Exception:
                state.rehearsal = None
        return index
    return _next_index


def _fetch(real, fetches, numbered):
    @functools.wraps(real)
    def fetch(self, index):
        try:
            state, index = fetches.before(self.dataset, index, numbered)
        except Exception:
            state = None
        if state is None:
            return real(self, index)
        whole = False
        try:
            data = real(self, index)
            whole = True
            return data
        finally:
            try:
                fetches.after(state, whole)
            except Exception:
                pass
    return fetch
