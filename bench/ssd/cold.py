"""cold.py DATA ROUNDS: run under `opt4 run` with every object on the SSD: opens, asks fstat of, reads whole and closes files of which no page is
in the page cache, the plain file and the object taking turns, both by the C library: past the hooks, and through them. Prints one
JSON object; medians in ns, and the median over files of one's time by the other's."""
import ctypes
import json
import os
import random
import statistics
import sys
import time

BYTES = 110 * 1024


def calls(lib):
    lib.open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    lib.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    lib.read.restype = ctypes.c_ssize_t
    lib.readlink.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    lib.fstat.argtypes = [ctypes.c_int, ctypes.c_void_p]
    return lib.open, lib.fstat, lib.read, lib.close, lib.readlink


PLAIN, HOOKED = calls(ctypes.CDLL("libc.so.6")), calls(ctypes.CDLL(None))
buf, stat = ctypes.create_string_buffer(BYTES + 4096), ctypes.create_string_buffer(256)


def forget(path):
    """No page of it is in the page cache."""
    fd = PLAIN[0](path, os.O_RDONLY, 0)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    PLAIN[3](fd)


def once(how, path):
    start = time.perf_counter_ns()
    fd = how[0](path, os.O_RDONLY | os.O_CLOEXEC, 0)
    if fd < 0 or how[1](fd, stat) or how[2](fd, buf, BYTES + 4096) != BYTES or how[3](fd):
        sys.exit("cold: %s" % path)
    return time.perf_counter_ns() - start


def objects(paths):
    for path in paths:
        fd = HOOKED[0](path, os.O_RDONLY, 0)
        n = PLAIN[4](b"/proc/self/fd/%d" % fd, buf, 4096)
        HOOKED[3](fd)
        if b"/objects/" in buf.raw[:n]:
            yield path, buf.raw[:n]


def main():
    paths = sorted(os.fsencode(os.path.join(d, f)) for d, _, names in os.walk(sys.argv[1]) for f in names)
    pairs, draw, seen = list(objects(paths)), random.Random(1), {"plain": [], "hit": []}
    for _ in range(int(sys.argv[2])):
        draw.shuffle(pairs)
        for i, (path, obj) in enumerate(pairs):
            for way in ("plain", "hit")[::1 if i % 2 else -1]:
                forget(path if way == "plain" else obj)
                seen[way].append(once(PLAIN if way == "plain" else HOOKED, path))
    print(json.dumps({"resident": len(pairs), "plain_ns": statistics.median(seen["plain"]), "hit_ns": statistics.median(seen["hit"]),
                      "hit_to_plain": statistics.median(h / p for h, p in zip(seen["hit"], seen["plain"]))}))


main()
