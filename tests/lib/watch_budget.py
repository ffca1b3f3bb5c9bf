"""watch_budget.py SESSION-DIR: asks df of the session's tmpfs over and over until its stdin ends.

First line: when it has begun. Last: JSON {samples, most_df, files, index_grown}, in bytes: df counts all that the
session takes beyond what it took at the start without its objects; files is what objects/ and dead/ hold in
the end; index_grown what else has come (the index never shrinks). Nothing else may use that tmpfs.
"""
import json
import os
import select
import sys

session = sys.argv[1]
PAGE = 4096


def taken():
    """Bytes of the files in objects/ and dead/. A file may be seen in both while it moves: counted once."""
    seen = {}
    for sub in ["objects/%02x" % i for i in range(256)] + ["dead"]:
        try:
            with os.scandir(os.path.join(session, sub)) as it:
                for e in it:
                    try:
                        st = e.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    seen[st.st_ino] = -(-st.st_size // PAGE) * PAGE
        except FileNotFoundError:
            pass
    return sum(seen.values())


def df():
    v = os.statvfs(session)
    return (v.f_blocks - v.f_bfree) * v.f_frsize


last = taken()
start = df() - last
samples = most_df = 0
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    most_df = max(most_df, df() - start)
    samples += 1
last = taken()
print(json.dumps({"samples": samples, "most_df": most_df, "files": last, "index_grown": df() - start - last}))
