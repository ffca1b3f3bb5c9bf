"""cell.py FOLDER: tries to get out of a child that is locked in, one way a child: name, and what came of it. "ended by CALL": before the call;
"kept": it went on, and nobody else has seen anything of it; "OUT": seen. Then what may go on inside."""
import ctypes
import importlib.util
import mmap
import multiprocessing as mp
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from multiprocessing import shared_memory

import numpy as np
import torch
import torch.utils.data

WORK = sys.argv[1]
FOLDER = next(p for p in os.environ["PYTHONPATH"].split(":") if os.path.exists(os.path.join(p, "opt4_live")))
spec = importlib.util.spec_from_file_location("opt4_live", os.path.join(FOLDER, "opt4_live", "__init__.py"))
sys.modules["opt4_live"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from opt4_live import lib, rehearsal  # noqa: E402

assert lib.load()

libc = ctypes.CDLL(None, use_errno=True)
SYSCALL = libc.syscall
SURVIVED, CALL, STATE = 5, 3, 0


def path(name):
    return os.path.join(WORK, name)


listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("127.0.0.1", 0))
talker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
r, w = os.pipe()
counter = mp.Value("i", 0)
small = mmap.mmap(-1, 4096)
large = mmap.mmap(-1, 100 << 20)
with open(path("mapped"), "wb") as f:
    f.write(bytes(4096))
mapped = np.memmap(path("mapped"), np.uint8, "r+")
tensor = torch.zeros(4).share_memory_()
os.mkfifo(path("fifo"))
got = []
signal.signal(signal.SIGUSR1, lambda *a: got.append(1))
IPC_PRIVATE, SHM = 0, 0o600 | 0o1000
libc.shmat.restype = ctypes.c_void_p
shmid = libc.shmget(IPC_PRIVATE, 4096, SHM)
sysv = ctypes.c_int.from_address(libc.shmat(shmid, None, 0))


def add(thing, at):
    thing[at] += 1


def mp_value():
    with counter.get_lock():
        counter.value += 1


def thread():
    t = threading.Thread(target=lambda: None)
    t.start()
    t.join()


def sysv_add():
    sysv.value += 1


def write_protected():
    at = ctypes.addressof(ctypes.c_char.from_buffer(large))
    libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(4096), mmap.PROT_READ | mmap.PROT_WRITE)
    large[0] = 1


def removed_pages():
    at = ctypes.addressof(ctypes.c_char.from_buffer(large))
    libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(4096), 9)


def exec_():
    os.execv("/bin/touch", ["touch", path("executed")])


WAYS = {
    "socket": lambda: socket.socket().connect(("127.0.0.1", listener.getsockname()[1])),
    "socket-inherited": lambda: talker.sendto(b"x", listener.getsockname()),
    "pipe-inherited": lambda: os.write(w, b"x"),
    "pipe": lambda: os.pipe(),
    "fifo": lambda: os.open(path("fifo"), os.O_RDONLY | os.O_NONBLOCK),
    "file": lambda: open(path("file"), "w").write("x"),
    "file-append": lambda: open(path("mapped"), "ab").write(b"x"),
    "unlink": lambda: os.unlink(path("mapped")),
    "rename": lambda: os.rename(path("mapped"), path("renamed")),
    "mkdir": lambda: os.mkdir(path("folder")),
    "chmod": lambda: os.chmod(path("mapped"), 0),
    "utime": lambda: os.utime(path("mapped"), (1, 1)),
    "truncate": lambda: os.truncate(path("mapped"), 0),
    "tempfile": lambda: tempfile.mkstemp(dir=WORK),
    "value": mp_value,
    "shared-memory": lambda: add(small, 0),
    "shared-large": lambda: add(large, 0),
    "shared-large-made-writable": write_protected,
    "shared-large-removed": removed_pages,
    "memmap": lambda: add(mapped, 0),
    "tensor": lambda: add(tensor, 0),
    "sysv": sysv_add,
    "sysv-new": lambda: libc.shmget(IPC_PRIVATE, 4096, SHM),
    "shm-open": lambda: shared_memory.SharedMemory("opt4-out%d" % os.getpid(), True, 4096),
    "shared-file-map": lambda: mmap.mmap(os.open(path("mapped"), os.O_RDWR), 0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGUSR1),
    "kill-parent": lambda: os.kill(os.getppid(), 0),
    "raise": lambda: signal.raise_signal(signal.SIGUSR1),
    "thread": thread,
    "fork": lambda: os.fork() or os._exit(0),
    "system": lambda: os.system("touch " + path("system")),
    "exec": exec_,
    "ptrace": lambda: SYSCALL({"x86_64": 101}.get(os.uname().machine, 117), 16, os.getppid(), 0, 0),
    "io-uring": lambda: SYSCALL(425, 8, ctypes.create_string_buffer(256)),
    "memfd": lambda: os.memfd_create("x"),
    "eventfd": lambda: SYSCALL(290 if os.uname().machine == "x86_64" else 19, 0, 0),
    "bpf": lambda: SYSCALL(321 if os.uname().machine == "x86_64" else 280, 0, 0, 0),
    "process-vm-writev": lambda: SYSCALL(311 if os.uname().machine == "x86_64" else 271, os.getppid(), 0, 0, 0, 0, 0),
    "nice": lambda: os.nice(1),
    "prctl": lambda: libc.prctl(15, b"out"),
    "lock": lambda: __import__("fcntl").flock(os.open(path("mapped"), os.O_RDONLY), 2),
    "chdir": lambda: os.chdir("/"),
    "umask": lambda: os.umask(0),
    "setrlimit": lambda: __import__("resource").setrlimit(7, (64, 64)),
}


def inside():
    """What samplers do."""
    assert torch.randperm(100000).sum() > 0 and len(np.random.permutation(100000)) and random.random() >= 0
    assert torch.multinomial(torch.ones(1000), 100).numel() == 100
    assert open(path("mapped"), "rb").read(1) is not None and os.listdir(WORK) and os.stat(WORK)
    import colorsys   # noqa: F401  a module that is not there yet
    time.sleep(.001)
    print("a word")
    sys.stderr.write("another\n")
    len(os.urandom(8)) and bytearray(64 << 20)
    with mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as own:   # as allocators do
        for advice in (4, 8, 14, 15, 16):   # dontneed, free, hugepage, nohugepage, dontdump
            try:
                own.madvise(advice)
            except OSError:
                pass                        # a kernel without
    assert os.getpid() == PARENT and os.getppid() == PARENTS_PARENT, (os.getpid(), PARENT)
    assert not os.isatty(0) or True


PARENT, PARENTS_PARENT = os.getpid(), os.getppid()


def world():
    """What others see."""
    listener.setblocking(False)
    os.set_blocking(r, False)
    seen = [counter.value, small[0], large[0], int(mapped[0]), float(tensor[0]), sysv.value, len(got), os.stat(path("mapped")).st_mode,
            os.stat(path("mapped")).st_mtime, os.stat(path("mapped")).st_size, sorted(os.listdir(WORK)), sorted(os.listdir("/dev/shm")), os.getcwd()]
    for look in (lambda: listener.recv(10), lambda: os.read(r, 10)):
        try:
            seen.append(look())
        except BlockingIOError:
            seen.append(None)
    return seen


def attempt(way):
    words = lib.Words(64)
    try:
        if lib.fork(words, 5) == 0:
            try:
                way()
                words.view[SURVIVED] = 1
            finally:
                words.view[STATE] = rehearsal.OVER
    finally:
        lib.over()
    for _ in range(80):
        words.wait(100)
        if words.view[STATE] != rehearsal.DRAWING:
            break
    return words.view[STATE], words.view[SURVIVED], words.view[CALL]


def main():
    large[0] = 0
    before = world()
    for name, way in WAYS.items():
        if name == "shared-large":     # ends by SIGSEGV: there is nothing to wait for
            continue
        state, survived, call = attempt(way)
        time.sleep(.002)
        after = world()
        said = "kept" if survived else "ended by %d" % (call - 1) if state == rehearsal.ENDED else "an exception, state %d" % state
        print(name, said if after == before else "OUT %s %s" % (before, after))
        before = after
    state, survived, call = attempt(inside)
    print("inside", "kept" if survived else "ENDED: state %d, call %d" % (state, call - 1))
    try:
        os.waitpid(-1, 0)
        print("a CHILD")
    except ChildProcessError:
        print("nobody's child")
    libc.shmctl(shmid, 0, None)


main()
