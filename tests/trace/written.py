"""written.py DIR READER SEED ROUNDS: traces of random content by TraceWriter, read back by the dumbest reader there
is (struct, lists, loops, from preload/base/trace.h alone) and by the C reader, and compared with what went in."""
import os
import random
import struct
import subprocess
import sys
import zlib

import numpy as np

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "../../build"),
                os.path.join(os.path.dirname(__file__), "../policy")]
from mktrace import trace_hash  # noqa: E402
from opt4_trace.write import Root, Stream, TraceWriter  # noqa: E402

NEVER = 0xFFFFFFFF
NAMES = ("roots", "streams", "segments", "batch_start", "batch_count", "order", "next", "first", "sizes", "path_off",
         "paths", "slots", "meta")


def naive(path):
    """All of a trace file as Python lists, every checksum looked at."""
    with open(path, "rb") as f:
        d = f.read()
    magic, version, hbytes, fbytes, ident = struct.unpack_from("<8s2I2Q", d)
    counts = struct.unpack_from("<8I", d, 32)
    assert (magic, version, hbytes, fbytes) == (b"OPT4TRC\n", 1, 512, len(d)) and ident
    assert struct.unpack_from("<I", d, 508)[0] == zlib.crc32(d[:508]) and d[448:508] == bytes(60)
    t = dict(zip(("nfiles", "npos", "nroots", "nstreams", "nsegments", "nbatches", "nslots", "flags"), counts))
    spans = []
    for i in range(16):
        off, size, crc, pad = struct.unpack_from("<QQII", d, 64 + 24 * i)
        if i >= len(NAMES):
            assert (off, size, crc, pad) == (0, 0, 0, 0)
            continue
        assert off % 64 == 0 and off >= 512 and zlib.crc32(d[off:off + size]) == crc and pad == 0
        spans.append((off, off + size))
        t[NAMES[i]] = d[off:off + size]
        if NAMES[i] not in ("paths", "meta"):
            t[NAMES[i]] = list(struct.unpack("<%dI" % (size // 4), t[NAMES[i]]))
    spans.sort()
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])) and spans[-1][1] <= len(d)
    for k in ("roots", "streams", "segments"):
        t[k] = [t[k][i:i + 8] for i in range(0, len(t[k]), 8)]
    return t


def expected(nfiles, phases):
    """order, next, first and per-segment batches by plain loops. phases: [(epoch, [(stream, batches)])]"""
    order, places = [], []
    for _, parts in phases:
        place = [[] for _ in parts]
        for b in range(max(len(batches) for _, batches in parts)):
            for i, (_, batches) in enumerate(parts):
                if b < len(batches):
                    place[i].append((len(order), len(batches[b])))
                    order += batches[b]
        places.append(place)
    nxt, first = [NEVER] * len(order), [NEVER] * nfiles
    for p in reversed(range(len(order))):
        nxt[p], first[order[p]] = first[order[p]], p
    return order, nxt, first, places


def one(rng, out, reader):
    roots, path = [], lambda: bytes(rng.choice(b"abc/\xff\xc3 .") for _ in range(rng.choice((1, 3, 8, 9, 16, 40))))
    for r in range(rng.randint(1, 3)):
        files = list({path() for _ in range(rng.randint(0 if r else 1, 60))})
        roots.append(Root(b"/data/%d" % r, files, [rng.choice((0, 1, 5000, (1 << 32) - 1, 1 << 33)) for _ in files]))
    nfiles = sum(len(r.files) for r in roots)
    ranks = sorted(rng.sample(range(9), rng.randint(1, 3)))
    nphases = rng.randint(1, 2)
    streams = [Stream(r, p, rng.randint(0, 16), rng.randint(0, 9), rng.random() < .5)
               for r in ranks for p in range(nphases)]
    phases = []
    for e in range(rng.randint(0, 4)):
        for p in range(nphases):
            once = rng.random() < .5
            parts = []
            for i in range(len(ranks)):
                left = rng.sample(range(nfiles), nfiles) if once else \
                    [rng.randrange(nfiles) for _ in range(rng.randint(0, 2 * nfiles))]
                batches = []
                while left:
                    k = rng.choice((0, 1, 3, 4, 4, 4))
                    batches.append(left[:k])
                    left = left[k:]
                parts.append((i * nphases + p, batches))
            phases.append((e, parts))
    with TraceWriter(out, roots, streams, {"name": "\udcff\u00e4"}) as w:
        for e, parts in phases:
            w.add(e, [(s, np.array([f for b in batches for f in b], np.uint32),
                       np.array([len(b) for b in batches], np.uint32)) for s, batches in parts])
    t = naive(out)
    order, nxt, first, places = expected(nfiles, phases)
    assert (t["order"], t["next"], t["first"]) == (order, nxt, first)
    assert (t["nfiles"], t["npos"], t["nroots"], t["nstreams"]) == (nfiles, len(order), len(roots), len(streams))
    at, batch = 0, 0
    for (e, parts), place in zip(phases, places):
        for (s, batches), mine in zip(parts, place):
            stream, epoch, first_batch, n, a, b, *zero = t["segments"][at]
            assert (stream, epoch, first_batch, n, zero) == (s, e, batch, len(batches), [0, 0])
            assert list(zip(t["batch_start"], t["batch_count"]))[batch:batch + n] == mine
            held = [(x, x + c) for x, c in mine if c]
            assert not held or (a, b) == (held[0][0], held[-1][1])
            at, batch = at + 1, batch + n
    assert (at, batch) == (t["nsegments"], t["nbatches"])
    assert [s[:5] for s in t["streams"]] == [[s.rank, s.phase, s.workers, s.batch_size, int(s.persistent)]
                                             for s in streams]
    names = [(r, f) for r, root in enumerate(roots) for f in root.files]
    got, f = t["paths"], 0
    for r, (start, n, off, size, *zero) in enumerate(t["roots"]):
        assert (start, n, zero) == (f, len(roots[r].files), [0] * 4) and got[off:off + size] == roots[r].path
        f += n
    assert [got[a:b] for a, b in zip(t["path_off"], t["path_off"][1:])] == [f for _, f in names]
    assert t["sizes"] == [min(s, 0xFFFFFFFF) for r in roots for s in r.sizes]
    mask = t["nslots"] - 1
    assert t["nslots"] >= 2 * nfiles and t["nslots"] & mask == 0
    assert sorted(v for v in t["slots"] if v) == list(range(1, nfiles + 1))
    for i, (r, name) in enumerate(names):
        slot = trace_hash(r, name) & mask
        while t["slots"][slot] != i + 1:
            assert t["slots"][slot]
            slot = slot + 1 & mask
    walk = subprocess.run([reader, "walk", out], stdout=subprocess.PIPE)
    want = b"".join(b"file %d %d %d %d %s\n" % (i, r, first[i], t["sizes"][i], f) for i, (r, f) in enumerate(names))
    want += b"".join(b"pos %d %d %d\n" % (p, f, n) for p, (f, n) in enumerate(zip(order, nxt)))
    assert walk.returncode == 0 and walk.stdout == want, walk.stdout[:300]


def main():
    where, reader, seed, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    for i in range(rounds):
        import opt4_trace.write
        opt4_trace.write.CHUNK = random.Random(seed + i).choice((3, 64, 1 << 21))   # chunks must not show
        one(random.Random(seed + i), where + "/random.trace", reader)
    print("%d traces equal" % rounds)


if __name__ == "__main__":
    main()
