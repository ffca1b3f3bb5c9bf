"""The order of a sampler that is not torch's own, or of one without an end: a child of ours runs the very iterator ahead.

The child is a copy of this process at the moment before the first index is drawn, locked in so that nothing that the program's code does there can
be seen outside (preload: cell.h): what can't be done inside ends it, and the order stays unknown. It draws into memory that both share. What it
foretold is compared with what is really dispatched: at the first difference the rest is dropped. Where there is more than was drawn, another child goes
on from where the program has come to: so each of these windows begins with the truth.
"""

from array import array
from collections import deque
from time import monotonic

from . import keys, lib, samplers

SECONDS = 5        # of a child's life
WAIT = 200         # ms that its answer is worth waiting for, while workers start
WINDOW = 96 << 10  # indices of a sampler without an end that are drawn at once, at most: with the batches' lengths 768 KB
LEAST = 4096       # or so many, or ..
PASSES = 8         # .. times the dataset, where that is small
PAUSE = .25        # seconds between two publications while a child still draws
PATIENCE = 512     # indices until it is looked again whether the dataset's files are known
STRETCH = 64       # indices that are worth a child
DRAWING, OVER, FULL, ENDED, REFUSED = range(5)   # enum of cell.h
STATE, FILLED, BATCHES, CALL = range(4)
HEAD = 16          # words before the indices

_refused = False   # the kernel locks nobody in: torch's own samplers only
_failed = {}       # (stream, by keys) -> children that ended without an order, one after the other


def numbers(batch, samples, keyed=False, collated=True):
    """The indices of a batch as array('I'), of tuples such as (flag, index) their first number; keyed: their keys. Raises where they are none. collated: it is
    a batch, and not one sample's index."""
    batch = samplers.items(batch, collated)
    if keyed:
        return array("I", map(keys.number, batch))
    if hasattr(batch, "tolist"):
        batch = batch.tolist()
    try:
        found = array("I", batch)
    except (OverflowError, TypeError):
        found = array("I", [i if i >= 0 else i + samples for i in map(samplers.number, batch)])
    if found and max(found) >= samples:
        raise ValueError("no place")
    return found


class _Doubt:
    """Before any sample has been fetched: of indices that are made of several things a number in them is taken for the place, but a class or a video's is
    not. That comes again and again with others."""

    def __init__(self):
        self.places, self.wholes = set(), set()

    def at(self, batch, places):
        for index, place in zip(batch, places):
            if type(index) is not int and type(index).__module__ not in samplers.NUMBERS:
                self.places.add(place)
                self.wholes.add(keys.number(index))
        return len(self.wholes) > 2 * len(self.places)


def _draw(sampler_iter, words, doubt, *how):
    """In the child."""
    import torch
    torch.set_num_threads(1)   # the pool of threads does not survive a fork
    room = (len(words) - HEAD) // 2
    filled = batches = 0
    for batch in sampler_iter:
        try:
            indices = numbers(batch, *how)
            wrong = doubt and doubt.at(samplers.items(batch, how[-1]), indices)
        except (TypeError, ValueError):
            wrong = True
        if wrong:          # nor were those before
            words[FILLED] = 0
            return
        n = len(indices)
        if filled + n > room or batches == room:
            words[STATE] = FULL
            return
        words[HEAD + filled:HEAD + filled + n] = memoryview(indices)
        words[HEAD + room + batches] = n
        filled += n
        batches += 1
        words[FILLED], words[BATCHES] = filled, batches
    words[STATE] = OVER


def _child(sampler_iter, words, doubt, how, locked):
    """Makes the child. how: what numbers() gets beside a batch; doubt: whether it is to be believed is asked here. False: none could be made."""
    try:
        pid = lib.fork(words if locked else None, SECONDS)
        if pid == 0:
            try:
                _draw(sampler_iter, words.view, doubt and _Doubt(), *how)
            finally:
                if words.view[STATE] == DRAWING:
                    words.view[STATE] = ENDED
        return pid > 0
    finally:
        lib.over()


def _outstanding(d):
    """Batches that an iterator's workers have not given back, with the one that is dispatched now."""
    return max(1, d.get("_send_idx", 0) - d.get("_rcvd_idx", 0) + 1) if d.get("_num_workers") else 1


class Rehearsal:
    """Of one iterator's epoch, or of its endless one. Holds nothing of the program's: that would live longer by it."""

    def __init__(self, fields, length):
        self.fields = fields
        self.samples, self.stream = fields["samples"], fields["stream"]
        self.window = min(WINDOW, max(LEAST, PASSES * self.samples))
        self.room = max(length + 1, self.window)   # beyond the length that it claims: it has no end
        self.recent = deque()      # batches that are dispatched but not yet read, as far as that is known
        self.dispatched = 0        # indices
        self.words = None          # of the child
        self.published = False     # something of this epoch was
        self.next_try = 0
        self.lies = 0
        self.lied_at = 0           # indices dispatched when it last was another order than foretold, ..
        self.stretch = None        # .. and the shortest way between two such places: a pass, where each one's seed is drawn from what others draw from
        self.keyed = False         # the samples are told apart by their keys
        self.first = None          # its epoch, where it has no end: each pass over the dataset counts as one

    def start(self, it, wait=0):
        """A child draws what comes next."""
        global _refused
        own = samplers.torchs_own(it._index_sampler)
        self.close()
        self.next_try = self.dispatched + PATIENCE
        known = lib.known(self.fields["dataset"], self.samples)
        if self.keyed != (known == lib.KEYED):
            self.keyed = not self.keyed
            self.recent.clear()
        if _failed.get((self.stream, self.keyed), 0) > 1 or (_refused and not own) or known not in (1, 2, lib.KEYED):
            return
        self.words = words = lib.Words(self.room)
        self.seen = self.told = self.told_ahead = 0
        self.due = monotonic() + SECONDS + 1
        self.said = 0
        if not _child(it._sampler_iter, words, not self.keyed and not self.fields["epoch"], self._how(it), not (_refused and own)):
            self.close()
            return
        if wait:
            words.wait(wait)
        if words.view[STATE] == REFUSED:
            _refused = True
            return self.start(it, wait) if own else self.close()
        self._tell(it)

    def _how(self, it):
        return self.samples, self.keyed, it.__dict__.get("_auto_collation", True)

    def note(self, it, batch):
        """A batch was dispatched: is it the one that was foretold?"""
        drawn = batch
        try:
            batch = numbers(batch, *self._how(it))
        except Exception:          # of keys, perhaps, and nobody knows yet
            batch = array("I")
        n = len(batch)
        self.recent.append(batch)
        self.dispatched += n or (len(drawn) if type(drawn) in (list, tuple) else 1)
        if self.first is not None and self.samples > 1:   # 1: it does not say how long a pass is
            self._pass(it)
        for _ in range(len(self.recent) - _outstanding(it.__dict__)):
            self.recent.popleft()
        if self.words is None:
            if self.dispatched >= self.next_try:
                self.start(it)
            return
        view, at = self.words.view, HEAD + self.seen
        if self.stretch and self.seen + n > view[FILLED] and view[STATE] == FULL:   # the next stretch has begun
            self.lied_at = self.dispatched - n
            lib.lied(self.fields["loader"])
            self.room = self.stretch - n
            return self.start(it)
        if self.seen + n <= view[FILLED] and view[at:at + n] != memoryview(batch):
            return self._lied(it, n)
        self.seen += n
        self._tell(it)

    def _pass(self, it):
        epoch = self.first + self.dispatched // max(1, self.samples)
        if epoch != self.fields["epoch"]:
            self.fields["epoch"] = epoch
            lib.loader(self.fields["loader"], self.fields["dataset"], epoch)
            if it._num_workers:
                lib.follow(0)

    def _lied(self, it, n):
        """The sampler draws from what others draw from, too: each time, or where it begins a pass. This batch was another one."""
        lib.lied(self.fields["loader"])
        self.close()
        here = self.dispatched - n
        self.stretch = min(self.stretch or here, here - self.lied_at)
        self.lied_at = here
        if self.stretch - n >= STRETCH:
            self.room = self.stretch - n
            return self.start(it)
        self.lies += 1
        self.next_try = self.dispatched + (self.window << min(self.lies, 20))

    def _tell(self, it):
        """What was drawn becomes the loader's order, as soon as it is much more than what is known already."""
        global _refused
        state, filled = self.words.view[STATE], self.words.view[FILLED]
        now = monotonic()
        drawing = state == DRAWING and now < self.due
        ahead, known = filled - self.seen, self.told - self.seen
        if state == REFUSED:       # at once without, where that is allowed: half an epoch went by unknown
            _refused = True
            return self.start(it) if samplers.torchs_own(it._index_sampler) else self.close()
        if filled > self.told and ahead >= 2 * known and (not drawing or (ahead >= LEAST and now >= self.said + PAUSE)):
            self._publish()
            self.said = now
        if drawing:
            return
        if not filled:
            _failed[self.stream, self.keyed] = _failed.get((self.stream, self.keyed), 0) + 1
            self.close()
            return
        _failed.pop((self.stream, self.keyed), None)
        if state == OVER:
            if self.seen >= filled:
                self.close()
                self.next_try = 1 << 62
            return
        if self.first is None:
            self.first = self.fields["epoch"]
        if self.seen >= filled // 2 and not self.stretch:   # there is more
            self.room = self.window
            self.start(it)

    def _publish(self):
        view, room = self.words.view, self.room
        counts, order, at = array("I"), array("I"), 0
        for batch in self.recent:
            order.extend(batch)
            counts.append(len(batch))
        for b in range(view[BATCHES]):
            n = view[HEAD + room + b]
            if at >= self.seen:
                counts.append(n)
            at += n
        order.frombytes(view[HEAD + self.seen:HEAD + at].tobytes())
        self.told = at
        fields = dict(self.fields, nbatches=len(counts))
        if self.keyed:
            fields["persistent"] |= lib.BY_KEYS
        if self.first is not None or view[STATE] == FULL:
            fields["persistent"] |= lib.ENDLESS
        if self.published:       # what was dispatched before this batch may have been read
            fields["persistent"] = fields["persistent"] & (1 << lib.DEALT) - 1 | lib.ON | max(0, len(self.recent) - 1) << lib.DEALT
        self.published = True
        fields["pause"] = self._pause()
        if len(order) <= 2 * LEAST:
            lib.epoch(order, counts, **fields)
        else:
            lib.given(order, counts, **fields)

    def _pause(self):
        """Where in the order that begins with `recent` the program has gone through the dataset once more, and its workers have read what is dealt to
        them at once: others may be read then. 0: nobody knows how long a pass is."""
        if self.samples < 2:
            return 0
        ahead = (self.fields["persistent"] >> lib.DEALT) * self.fields["batch_size"]
        begins = self.dispatched - sum(map(len, self.recent))
        passes = max(1, -(-(begins - ahead) // self.samples))
        return passes * self.samples + ahead - begins

    def close(self):
        if self.words is not None:
            self.words.close()
            self.words = None
