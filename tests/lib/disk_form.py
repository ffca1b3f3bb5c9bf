"""disk_form.py SHORT STROKE TURN SPAN BANDWIDTH HOW FILE...: reads the files under the slow store and prints what a disk with one
arm takes for it by the closed form, from the extents as the kernel tells them: `nanoseconds seeks`.

HOW: `whole` (each file at once), `chunks` (in 16 KiB reads), `place` (whole, sorted by their place first), `write` (each file is
written over, at once)."""
import array
import fcntl
import math
import os
import struct
import sys

FS_IOC_FIEMAP = 0xC020660B


def fiemap(fd):
    """[(logical, physical, bytes)] of an open file."""
    room = array.array("B", struct.pack("QQIIII", 0, 2**64 - 1, 1, 0, 64, 0).ljust(32 + 64 * 56, b"\0"))
    fcntl.ioctl(fd, FS_IOC_FIEMAP, room)
    n = struct.unpack_from("I", room, 20)[0]
    return [struct.unpack_from("QQQ", room, 32 + 56 * i) for i in range(n)]


def main():
    short, stroke, turn, span, bandwidth = map(float, sys.argv[1:6])
    how, paths = sys.argv[6], sys.argv[7:]
    files = []
    for path in paths:
        fd = os.open(path, os.O_RDWR if how == "write" else os.O_RDONLY)
        files.append((fiemap(fd), fd, os.fstat(fd).st_size))
    if how == "place":
        files.sort(key=lambda f: f[0][0][1])
    ns, seeks, head = 0.0, 0, 0
    for extents, fd, size in files:
        step = 16384 if how == "chunks" else size
        for at in range(0, size, step):
            n = min(step, size - at)
            if how == "write":
                os.pwrite(fd, bytes(n), at)
            else:
                assert len(os.pread(fd, n, at)) == n
            for logical, physical, length in extents:
                begin, end = max(at, logical), min(at + n, logical + length)
                if begin >= end:
                    continue
                place, last = (physical + begin - logical) // 4096, -(-(physical + end - logical) // 4096)
                if place not in (head, head - 1):
                    seeks += 1
                    ns += (short + stroke * math.sqrt(min(1, abs(place - head) * 4096 / span)) + turn) * 1e6
                ns += (end - begin) / bandwidth * 1e9
                head = last
    print(int(ns), seeks)


if __name__ == "__main__":
    main()
