"""interrupted.py ROOT: a job that gets Ctrl-C in the middle of an epoch, says so, and lets it end the program."""
import os
import signal
import sys

from torch.utils.data import DataLoader

import jobs

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the suite itself runs in the background
try:
    for i, batch in enumerate(DataLoader(jobs.folder(sys.argv[1]), 8, shuffle=True, num_workers=2)):
        if i == 7:
            os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted", i)
    raise
