"""`belady.py ORDER FRACTION`: the hit ratio of Belady's rule with bypass, by tests/policy/oracle.py, over an order (lines of
`opt4-trace show --json`) of files of one size, with room for FRACTION of them."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../policy"))
import oracle  # noqa: E402


def main():
    with open(sys.argv[1]) as f:
        names = [json.loads(line)["path"] for line in f]
    number = {n: i for i, n in enumerate(sorted(set(names)))}
    order = [number[n] for n in names]
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    hits = oracle.belady(order, [1] * len(number), int(float(sys.argv[2]) * files))
    print("%.4f" % (sum(hits) / len(order)))


main()
