"""reader.py ORDER ROOT [FIRST [ACCESSES]]: reads the files in the order that `opt4-trace show --json` printed,
from epoch FIRST on, and stops after so many accesses."""
import json
import os
import sys

first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
left = int(sys.argv[4]) if len(sys.argv) > 4 else -1
for line in open(sys.argv[1]):
    a = json.loads(line)
    if a["epoch"] >= first and left:
        left -= 1
        with open(os.path.join(sys.argv[2], a["path"]), "rb") as f:
            f.read()
