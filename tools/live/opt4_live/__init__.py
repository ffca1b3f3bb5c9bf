"""Tells opt4 the order of each epoch when a DataLoader begins it, and changes nothing that the program can see.

patch() is called once torch.utils.data.dataloader has been imported. No exception of ours leaves a hook; no
generator's state is moved; nothing is printed. When _next_index() first meets a new _sampler_iter, all draws that
precede the epoch (base_seed, samplers that draw in __iter__) have happened, and none of its own: so from there a clone
of the generator tells what will come.
"""

from functools import partial

from . import apart, epochs, fetches, guest, lib

CHECK = "check_worker_number_rationality"   # what a DataLoader's constructor calls last; that itself is looked at by programs


def patch(dataloader):
    """Hooks the DataLoader of this module (torch.utils.data.dataloader)."""
    if not lib.load():
        return
    if lib.watch():  # before processes are forked from this one
        apart.begin()
    from torch.utils.data._utils import fetch
    loader, base = dataloader.DataLoader, dataloader._BaseDataLoaderIter
    if CHECK in loader.__dict__:
        guest.method(loader, CHECK, after=_made)
    guest.method(base, "__init__", after=_begun)
    guest.method(base, "_next_index", _before_next, _dispatched)
    guest.method(fetch._MapDatasetFetcher, "fetch", partial(_before_fetch, True), _fetched)
    guest.method(fetch._IterableDatasetFetcher, "fetch", partial(_before_fetch, False), _fetched)


def alone():
    """In a Python without torch's loaders, of a job that has some elsewhere: files are read here."""
    apart.alone()


def _made(token, args, result, whole):
    if whole:
        epochs.prepare(args[0])


def _begun(token, args, result, whole):
    apart.end()
    if whole:
        epochs.announce(*args)


def _before_next(it):
    epochs.settle()
    d = it.__dict__
    if d.get("_opt4_seen") is not d.get("_sampler_iter"):
        d["_opt4_seen"] = d.get("_sampler_iter")
        epochs.begin(it)
    state = d.get("_opt4")
    if state is not None and not d.get("_num_workers"):   # this process reads the files itself, for several loaders in turn
        lib.follow(state.key)


def _dispatched(token, args, index, whole):
    state = args[0].__dict__.get("_opt4")
    if state is None or not whole:
        return
    if state.record is not None:
        state.record.note(index, args[0].__dict__.get("_auto_collation", True))
    if state.rehearsal is not None:
        try:
            if not lib.active():      # a worker finds the folder; this epoch may be the only one
                epochs.known_roots()
            state.rehearsal.note(args[0], index)
        except Exception:
            state.rehearsal = None


def _before_fetch(numbered, fetcher, index):
    state, index = fetches.before(fetcher.dataset, index, numbered, fetcher.auto_collation)
    return None if state is None else (state, (fetcher, index))


def _fetched(state, args, result, whole):
    if state is not None:
        fetches.after(state, whole)
