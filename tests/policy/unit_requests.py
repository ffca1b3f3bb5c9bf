"""Request traces of unit-size objects, the same on every machine: whole numbers only, and a generator of random
numbers that is written out here.

make(kind, objects, length, seed) -> list of `length` object numbers below `objects`
  uniform   drawn with replacement
  zipf      with replacement, object i with weight 2^40 // (i + 1)
  shuffled  epochs: each object once in a new order, the last epoch cut short
  loop      0, 1, 2 .. round and round
  mixed     a loop in which every 8th request, by chance, is a uniform draw
  drift     uniform over a window of objects // 8 that moves on by one object every 16 requests
As a program: unit_requests.py KIND OBJECTS LENGTH SEED > FILE writes it in libCacheSim's format `oracleGeneral`.
"""
import bisect
import itertools
import struct
import sys

MASK = (1 << 64) - 1


def splitmix64(seed):
    """An endless row of 64-bit numbers."""
    while True:
        seed = seed + 0x9E3779B97F4A7C15 & MASK
        z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        yield z ^ z >> 31


def make(kind, objects, length, seed):
    bits = splitmix64(seed)

    def below(n):
        return next(bits) * n >> 64

    if kind == "uniform":
        return [below(objects) for _ in range(length)]
    if kind == "zipf":
        upto = list(itertools.accumulate((1 << 40) // (i + 1) for i in range(objects)))
        return [bisect.bisect_right(upto, below(upto[-1])) for _ in range(length)]
    if kind == "shuffled":
        order, epoch = [], list(range(objects))
        while len(order) < length:
            for i in range(objects - 1, 0, -1):
                j = below(i + 1)
                epoch[i], epoch[j] = epoch[j], epoch[i]
            order += epoch
        return order[:length]
    if kind == "loop":
        return [i % objects for i in range(length)]
    if kind == "mixed":
        return [i % objects if below(8) else below(objects) for i in range(length)]
    if kind == "drift":
        return [(i // 16 + below(objects // 8)) % objects for i in range(length)]
    raise ValueError(kind)


def oracle_general(order):
    """Records of 24 bytes: u32 time, u64 object, u32 size, i64 index of its next request (-1: none)."""
    last, records = {}, []
    for i in range(len(order) - 1, -1, -1):
        records.append(struct.pack("<IQIq", i, order[i] + 1, 1, last.get(order[i], -1)))
        last[order[i]] = i
    return b"".join(reversed(records))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.stdout.buffer.write(oracle_general(make(sys.argv[1], *map(int, sys.argv[2:]))))
