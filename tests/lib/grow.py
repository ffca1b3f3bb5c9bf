"""grow.py LIST MIB: reads the files of LIST (bytes checked: each begins with its own name), until the cache is full;
then grows by MIB in steps while it goes on reading; prints `grown MIB, N read`. LIST's files may be sparse."""
import sys
import time

with open(sys.argv[1]) as f:
    paths = f.read().splitlines()


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    name = path.encode()
    assert data[:len(name)] == name and not any(data[-64:]), path


for path in paths:
    read(path)
print("cache filled", flush=True)
held, n = [], 0
for mib in range(int(sys.argv[2]) // 16):
    held.append(b"x" * (16 << 20))
    for _ in range(3):
        read(paths[n % len(paths)])
        n += 1
    time.sleep(.02)
print("grown", sum(map(len, held)) >> 20, "MiB,", n, "read")
