"""holder.py FILE..: reads the files, prints `ready PID`, and stays, all of them open, until its stdin ends."""
import os
import sys

held = [open(path, "rb") for path in sys.argv[1:]]
for f in held:
    f.read()
print("ready", os.getpid(), flush=True)
sys.stdin.read()
