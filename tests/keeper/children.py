#!/usr/bin/env python3
"""children.py ROOT N: reads N files, so that a keeper is started, and says which children and SIGCHLDs it saw."""
import os
import signal
import sys
import time

caught = []
signal.signal(signal.SIGCHLD, lambda *a: caught.append(a))
read = 0
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        with open(os.path.join(folder, name), "rb") as f:
            f.read()
        read += 1
assert read == int(sys.argv[2])
time.sleep(.5)
try:
    children = str(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    children = "none"
print("children: %s, signals: %d, threads: %d" % (children, len(caught), len(os.listdir("/proc/self/task"))))
