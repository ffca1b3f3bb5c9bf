#!/usr/bin/env python3
"""sums.py ROOT: {path below ROOT: crc32} of every file, as JSON."""
import json
import os
import sys
import zlib

root, sums = sys.argv[1], {}
for folder, _, files in os.walk(root):
    for name in files:
        path = os.path.join(folder, name)
        with open(path, "rb") as f:
            sums[os.path.relpath(path, root)] = zlib.crc32(f.read())
json.dump(sums, sys.stdout)
