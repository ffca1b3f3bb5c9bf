"""report_oracle.py REPORT.html ORDER FILES-THAT-FIT [FIRST [LENGTH]]: is what a report says of opt, keep and
LRU what naive simulations of files of one size say, over the order that `opt4-trace show --json` printed?
FIRST: the first epoch that the job ran; LENGTH: accesses of its last epoch, if it left that early."""
import json
import sys

from page import read


def opt(order, room):
    """Furthest next use goes, and the newcomer itself if it is that; next uses by looking ahead. A hit: True."""
    never, nxt, last = len(order), [0] * len(order), {}
    for p in range(len(order) - 1, -1, -1):
        nxt[p] = last.get(order[p], never)
        last[order[p]] = p
    held, hits = {}, []
    for p, f in enumerate(order):
        hits.append(f in held)
        held[f] = nxt[p]
        if len(held) > room:
            furthest = max(held.values())
            # of those that are not needed again the resident stays, as any that stays is as good
            del held[f if held[f] == furthest else next(g for g in held if held[g] == furthest)]
    return hits


def lru(order, room):
    held, hits = [], []
    for f in order:
        hits.append(f in held)
        if f in held:
            held.remove(f)
        held.append(f)
        del held[:-room]
    return hits


def keep(order, room):
    held, hits = set(), []
    for f in order:
        hits.append(f in held)
        if len(held) < room:
            held.add(f)
    return hits


def main():
    page, room = read(sys.argv[1]), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    epochs = {}
    for line in open(sys.argv[2]):
        a = json.loads(line)
        if a["epoch"] >= first and (a["epoch"] in page["epochs"]):
            epochs.setdefault(a["epoch"], []).append(a["path"])
    if len(sys.argv) > 5:
        del epochs[max(epochs)][int(sys.argv[5]):]
    assert set(epochs) == set(page["epochs"]), (sorted(epochs), sorted(page["epochs"]))
    order = [f for e in sorted(epochs) for f in epochs[e]]
    for name, policy in (("OPT", opt), ("keep", keep), ("LRU", lru)):
        hits, at = policy(order, room), 0
        for e in sorted(epochs):
            n = len(epochs[e])
            want = "%.1f %%" % (100 * sum(hits[at:at + n]) / n)
            at += n
            got = page["epochs"][e][name]
            assert got == want, "%s in epoch %d: the report says %s, the naive simulation %s" % (name, e, got, want)
    print("%d epochs agree" % len(epochs))


main()
