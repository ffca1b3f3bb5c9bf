"""A trace file written from trace.h alone, for tests that need one of their own making.

write(path, epochs, sizes, batch=16, ranks=1)
  epochs  list of epochs, each a list of file numbers (with several ranks: batches in turn, round robin)
  sizes   bytes a file
As a program: mktrace.py FILE --files N --epochs E [--seed S] [--size BYTES] [--replacement] [--ranks R]
"""
import argparse
import array
import random
import struct
import zlib

NEVER = 0xFFFFFFFF


def trace_hash(root, rel):
    m = (1 << 64) - 1
    h = (0x9E3779B97F4A7C15 * (len(rel) + 1) + root) & m
    for i in range(0, len(rel), 8):
        h = ((h ^ int.from_bytes(rel[i:i + 8], "little")) * 0xFF51AFD7ED558CCD) & m
        h ^= h >> 32
    h = (h * 0xC4CEB9FE1A85EC53) & m
    return h ^ h >> 29


def u32(values):
    a = array.array("I", values)
    assert a.itemsize == 4
    return a.tobytes()


def write(path, epochs, sizes, batch=16, ranks=1, root=b"/nonexistent/dataset"):
    n = len(sizes)
    order, starts, counts, segments = [], [], [], []
    for e, epoch in enumerate(epochs):
        cut = [epoch[i:i + batch] for i in range(0, len(epoch), batch)]
        place, at = {}, len(order)
        for b, files in enumerate(cut):
            place.setdefault(b % ranks, []).append((at, len(files)))
            at += len(files)
        order += epoch
        for r in range(ranks):
            mine = place.get(r, [])
            first, end = (mine[0][0], sum(mine[-1])) if mine else (at, at)
            segments.append(struct.pack("<8I", r, e, len(starts), len(mine), first, end, 0, 0))
            starts += [s for s, _ in mine]
            counts += [c for _, c in mine]
    nxt, first = [NEVER] * len(order), [NEVER] * n
    for p in range(len(order) - 1, -1, -1):
        nxt[p], first[order[p]] = first[order[p]], p
    names = [b"%02d/%06d.jpg" % (f % 10, f) for f in range(n)]
    off = [0]
    for name in names:
        off.append(off[-1] + len(name))
    nslots = 2
    while nslots < 2 * n:
        nslots *= 2
    slots = [0] * nslots
    for f, name in enumerate(names):
        s = trace_hash(0, name) & nslots - 1
        while slots[s]:
            s = s + 1 & nslots - 1
        slots[s] = f + 1
    sections = [
        struct.pack("<8I", 0, n, off[-1], len(root), 0, 0, 0, 0),
        b"".join(struct.pack("<8I", r, 0, 4, batch, 0, 0, 0, 0) for r in range(ranks)),
        b"".join(segments), u32(starts), u32(counts), u32(order), u32(nxt), u32(first), u32(sizes),
        u32(off), b"".join(names) + root, u32(slots), b"{}",
    ]
    body, directory = bytearray(512), b""
    for s in sections:
        body += bytes(-len(body) % 64)
        directory += struct.pack("<QQII", len(body), len(s), zlib.crc32(s), 0)
        body += s
    directory += bytes(24 * (16 - len(sections)))
    head = struct.pack("<8s2I2Q8I", b"OPT4TRC\n", 1, 512, len(body), 0x6F707434, n, len(order), 1, ranks,
                       len(segments), len(starts), nslots, 0) + directory + bytes(60)
    body[:512] = head + struct.pack("<I", zlib.crc32(head))
    with open(path, "wb") as f:
        f.write(body)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("file")
    a.add_argument("--files", type=int, required=True)
    a.add_argument("--epochs", type=int, required=True)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--size", type=int, help="bytes, all alike; default log-normal with a mean near 110 KiB")
    a.add_argument("--replacement", action="store_true")
    a.add_argument("--ranks", type=int, default=1)
    a = a.parse_args()
    rng = random.Random(a.seed)
    sizes = [a.size or int(rng.lognormvariate(11.5, .5)) for _ in range(a.files)]
    epochs = [[rng.randrange(a.files) for _ in range(a.files)] if a.replacement
              else rng.sample(range(a.files), a.files) for _ in range(a.epochs)]
    write(a.file, epochs, sizes, ranks=a.ranks)


if __name__ == "__main__":
    main()
