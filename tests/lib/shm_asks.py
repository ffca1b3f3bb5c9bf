"""A job that fills its cache, and processes of it that then want shared memory: shm_asks.py LIST HOW MIB TIMES

HOW: posix_fallocate, ftruncate, write, pwrite, memmap, save (numpy's, by stdio). TIMES processes at once, each for MIB; programs
of their own that open no dataset file. Each prints ok or what went wrong; a SIGBUS shows as -7."""
import mmap
import os
import subprocess
import sys
import tempfile

listed, how, mib, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
size = mib << 20


def ask():
    fd, name = tempfile.mkstemp(dir="/dev/shm")
    os.unlink(name)
    block = b"\x5a" * (1 << 20)
    if how == "posix_fallocate":
        os.posix_fallocate(fd, 0, size)
    elif how == "write":
        for _ in range(mib):
            assert os.write(fd, block) == len(block)
    elif how == "pwrite":
        for at in range(0, size, 1 << 20):
            assert os.pwrite(fd, block, at) == len(block)
    elif how == "save":
        import numpy
        name = "/dev/shm/array.%d.npy" % os.getpid()
        numpy.save(name, numpy.full(size, 0x5A, numpy.uint8))
        os.close(fd)
        fd = os.open(name, os.O_RDWR)
        os.unlink(name)
    elif how == "ftruncate":
        os.ftruncate(fd, size)
    elif how == "memmap":
        os.lseek(fd, size - 1, os.SEEK_SET)
        os.write(fd, b"\0")
    with mmap.mmap(fd, size) as m:
        for at in range(0, size, 1 << 20):
            m[at:at + (1 << 20)] = block
        print("ok", flush=True)
        sys.stdin.read()  # all of them at a time


if listed == "-":
    ask()
    sys.exit()
for path in open(listed).read().split():
    with open(path, "rb") as f:
        f.read()
kids = [subprocess.Popen([sys.executable, __file__, "-", how, str(mib), "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(times)]
said = [k.stdout.readline().strip() for k in kids]
for k in kids:
    k.stdin.close()
print(*said, *[k.wait() for k in kids])
