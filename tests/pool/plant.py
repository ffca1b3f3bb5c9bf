"""A server of the pool that lies: `plant.py HOST PORT corrupt|swap|zero|truncate`: every value is replaced. corrupt: one byte
another; swap: another key's, of the same size where there is one; zero: all bytes but the head's nought; truncate: one shorter.
Prints how many."""
import random
import socket
import sys


def main():
    host, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    s = socket.create_connection((host, port))
    f = s.makefile("rb")
    s.sendall(b"lru_crawler metadump all\r\n")
    keys = []
    while (line := f.readline()) and line != b"END\r\n":
        if line.startswith(b"key="):
            keys.append(line.split()[0][4:].replace(b"%3A", b":"))
    values = {}
    for k in keys:
        s.sendall(b"get " + k + b"\r\n")
        head = f.readline().split()
        if head[0] == b"VALUE":
            values[k] = f.read(int(head[3]) + 2)[:-2]
            f.readline()
    draw = random.Random(1)
    by_size = {}
    for k, v in values.items():
        by_size.setdefault(len(v), []).append(k)
    n = 0
    for k, v in values.items():
        if how == "corrupt":
            at = draw.randrange(len(v))
            v = v[:at] + bytes([v[at] ^ 1]) + v[at + 1:]
        elif how == "zero":
            v = v[:48] + bytes(max(len(v) - 48, 0))
        elif how == "truncate":
            v = v[:-1]
        else:
            others = [o for o in by_size[len(v)] if o != k]
            v = values[draw.choice(others) if others else draw.choice(keys)]
        s.sendall(b"set %s 0 0 %d\r\n" % (k, len(v)) + v + b"\r\n")
        n += f.readline() == b"STORED\r\n"
    print(n)


main()
