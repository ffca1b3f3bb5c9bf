"""The policies once more, written naively and independently of policy/*.c, to compare hits with.

Each function takes
  order    list of file numbers, one an access
  pages    list: pages that a file takes, by file number (unit sizes: all 1)
  budget   pages that the cache has
and returns a list of booleans: was the access a hit. A file with pages 0, with more than `budget`, or
for which skip[file] is true is never cached.

  lru lfu fifo keep     O(n) an access at worst
  random_(.., seed)     the generator of policy/random.c
  belady_naive          looks for each next use by scanning: O(n^2)
  belady                the same with next uses known beforehand and a heap: 100,000 accesses in a second
  belady_admit          no bypass: the candidate always enters
  best                  the most hits that any sequence of decisions can get (exhaustive, unit sizes, tiny)
"""
import heapq


def _cacheable(f, pages, budget, skip):
    return 0 < pages[f] <= budget and not (skip and skip[f])


def _run(order, pages, budget, skip, rank, on_hit, on_insert):
    """Evicts the resident with the least rank(file) until the candidate fits."""
    resident, used, hits = set(), 0, []
    for t, f in enumerate(order):
        hits.append(f in resident)
        if f in resident:
            on_hit(f, t)
            continue
        if not _cacheable(f, pages, budget, skip):
            continue
        while used + pages[f] > budget:
            victim = min(resident, key=rank)
            resident.remove(victim)
            used -= pages[victim]
        resident.add(f)
        used += pages[f]
        on_insert(f, t)
    return hits


def lru(order, pages, budget, skip=None):
    when = {}
    return _run(order, pages, budget, skip, when.__getitem__, when.__setitem__, when.__setitem__)


def fifo(order, pages, budget, skip=None):
    when = {}
    return _run(order, pages, budget, skip, when.__getitem__, lambda f, t: None, when.__setitem__)


def lfu(order, pages, budget, skip=None):
    """Counts from 1 at each insertion; among equals whoever reached the count first goes first."""
    count = {}

    def hit(f, t):
        count[f] = (count[f][0] + 1, t)

    def insert(f, t):
        count[f] = (1, t)
    return _run(order, pages, budget, skip, count.__getitem__, hit, insert)


def keep(order, pages, budget, skip=None):
    resident, used, hits = set(), 0, []
    for f in order:
        hits.append(f in resident)
        if f not in resident and _cacheable(f, pages, budget, skip) and used + pages[f] <= budget:
            resident.add(f)
            used += pages[f]
    return hits


def random_(order, pages, budget, seed, skip=None):
    mask, drawn = (1 << 64) - 1, 0
    slots, used, hits = [], 0, []
    for f in order:
        hits.append(f in slots)
        if f in slots or not _cacheable(f, pages, budget, skip):
            continue
        victims, n = [], len(slots)
        if used + pages[f] > budget:
            drawn += 1
            z = (seed + drawn * 0x9E3779B97F4A7C15) & mask
            z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
            z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
            at = ((z ^ z >> 31) >> 32) * n >> 32
            while used + pages[f] > budget:
                victims.append(slots[at])
                used -= pages[slots[at]]
                at = (at + 11400714785074694791) % n
        for v in victims:
            i = slots.index(v)
            slots[i] = slots[-1]
            slots.pop()
        slots.append(f)
        used += pages[f]
    return hits


def belady_naive(order, pages, budget, skip=None):
    """OPT: victims by falling next use until the candidate fits, none needed sooner than it or never
    (two that are never needed again tie): else it is bypassed and all stay."""
    never = len(order)
    resident, hits = set(), []
    for t, f in enumerate(order):
        def use(g):
            return next((u for u in range(t + 1, never) if order[u] == g), never)
        hits.append(f in resident)
        if f in resident or not _cacheable(f, pages, budget, skip):
            continue
        room = budget - sum(pages[g] for g in resident)
        going = []
        for g in sorted(resident, key=use, reverse=True):
            if room >= pages[f] or use(g) <= use(f):
                break
            going.append(g)
            room += pages[g]
        if room >= pages[f]:
            resident -= set(going)
            resident.add(f)
    return hits


def _next_uses(order):
    never, last, nxt = len(order), {}, [0] * len(order)
    for t in range(len(order) - 1, -1, -1):
        nxt[t] = last.get(order[t], never)
        last[order[t]] = t
    return nxt


def belady(order, pages, budget, skip=None):
    """As belady_naive, in O(log n) an access. Stale heap entries are dropped as they surface."""
    never, nxt = len(order), _next_uses(order)
    use, heap, used, hits = {}, [], 0, []           # use: resident file -> its next use
    for t, f in enumerate(order):
        hits.append(f in use)
        if f in use:
            use[f] = nxt[t]
            heapq.heappush(heap, (-nxt[t], f))
            continue
        if not _cacheable(f, pages, budget, skip):
            continue
        room, going = budget - used, []
        while room < pages[f] and heap:
            u, g = heapq.heappop(heap)
            if use.get(g) != -u or g in going:
                continue
            going.append(g)
            if -u <= nxt[t]:
                break
            room += pages[g]
        if room >= pages[f]:
            for g in going:
                used -= pages[g]
                del use[g]
            use[f] = nxt[t]
            used += pages[f]
            heapq.heappush(heap, (-nxt[t], f))
        else:
            for g in going:
                heapq.heappush(heap, (-use[g], g))
    return hits


def belady_admit(order, budget):
    """Belady without bypass, unit sizes: what simulators that always admit compute."""
    nxt, use, hits = _next_uses(order), {}, []
    for t, f in enumerate(order):
        hits.append(f in use)
        if f not in use and len(use) >= budget:
            del use[max(use, key=use.__getitem__)]
        use[f] = nxt[t]
    return hits


def best(order, budget):
    """The most hits possible with `budget` files, by trying every set of residents at every access."""
    states = {frozenset(): 0}
    for f in order:
        after = {}
        for s, h in states.items():
            if f in s:
                choices, h = [s], h + 1
            else:
                choices = [s, s | {f}] if len(s) < budget else [s] + [s - {g} | {f} for g in s]
            for c in choices:
                if after.get(c, -1) < h:
                    after[c] = h
        states = after
    return max(states.values())


ALL = {"lru": lru, "lfu": lfu, "fifo": fifo, "keep": keep, "opt": belady}
