"""json_peer.py PROGRAM SEED N: N random documents, and as many spoilt ones, through the reader under test
and through Python's: both must understand the same, or both refuse.

Where Python is laxer (NaN, Infinity, half a surrogate pair, a NUL in a string, nesting), the standard, or
the reader's header, decides. All numbers are doubles: -0 is one (Python's integers have none)."""
import json
import random
import re
import subprocess
import sys


def value(rng, depth):
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 7, 2**53, 10**18, 0.5, -1e-7, 1.5e300, rng.random()])
    if kind < 5:
        return "".join(rng.choice(["a", '"', "\\", "\n", "\t", "/", "é", "€", "\U0001F600", "\udc80", "\udcff", " "])
                       for _ in range(rng.randrange(8)))
    if kind < 7:
        return {value_key(rng, i): value(rng, depth + 1) for i in range(rng.randrange(5))}
    return [value(rng, depth + 1) for _ in range(rng.randrange(5))]


def value_key(rng, i):
    return rng.choice(["", "k", "é", "\udc81"]) + str(i)


def spoil(rng, text):
    b = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(b) + 1)
        what = rng.randrange(3)
        if what == 0 and at < len(b):
            del b[at:at + rng.randrange(1, 4)]
        elif what == 1:
            b[at:at] = rng.choice([b",", b"]", b"}", b'"', b"\\u12", b"0", b"-", b"e", b".", b"nul", b"\x01", b"\\ud800"])
        elif at < len(b):
            b[at] = rng.randrange(256)
    return bytes(b)


def constant(name):
    raise ValueError(name)


def pairs(p):
    return ("{", [(k, v) for k, v in p])


def understood(text):
    """Python's reading as the program prints it; None if it refuses."""
    try:
        v = json.loads(text.decode("utf-8", "surrogateescape"), parse_int=float, parse_constant=constant, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    out = []

    def text_hex(s):
        if "\0" in s or re.search("[\ud800-\udc7f\udd00-\udfff]", s):
            raise ValueError
        return s.encode("utf-8", "surrogateescape").hex()

    def dump(v, key, depth):
        head = " " * depth + (text_hex(key) + ":" if key is not None else "")
        if isinstance(v, tuple):
            out.append(head + "{")
            for k, m in v[1]:
                dump(m, k, depth + 1)
        elif isinstance(v, list):
            out.append(head + "[")
            for m in v:
                dump(m, None, depth + 1)
        elif isinstance(v, str):
            out.append(head + '"' + text_hex(v))
        elif v is None or isinstance(v, bool):
            out.append(head + {None: "null", True: "true", False: "false"}[v])
        else:
            f = float(v)
            if f in (float("inf"), float("-inf")):
                raise ValueError
            out.append(head + "%.17g" % f)

    try:
        dump(v, None, 0)
    except (ValueError, OverflowError):
        return None
    return "\n".join(out) + "\n"


def main():
    program, rng, n = sys.argv[1], random.Random(int(sys.argv[2])), int(sys.argv[3])
    good = refused = 0
    for i in range(2 * n):
        text = json.dumps(value(rng, 0), ensure_ascii=rng.random() < .8, indent=rng.choice([None, 2])).encode(
            "utf-8", "surrogateescape")
        if i % 2:
            text = spoil(rng, text)
        want = understood(text)
        got = subprocess.run([program], input=text, capture_output=True)
        if got.returncode not in (0, 1) or (want is None) != (got.returncode == 1):
            sys.exit("document %r: status %d %r, wanted %r" % (text, got.returncode, got.stderr, want))
        if want is not None and got.stdout.decode() != want:
            sys.exit("document %r: got %s, wanted %s" % (text, got.stdout.decode(), want))
        good += want is not None
        refused += want is None
    print("%d understood alike, %d refused alike" % (good, refused))
    if good < n or refused < n / 4:
        sys.exit("the documents were not mixed enough to show anything")


main()
