"""beside.py CASE ROOT: what one process does while another fills slowly. The job is this program; SLOW is the LD_PRELOAD
of the slow ones. Says what it read."""
import os
import resource
import subprocess
import sys
import threading
import time

case, root = sys.argv[1:]
os.chdir(root)


def slow(script):
    return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, env=dict(os.environ, LD_PRELOAD=os.environ["SLOW"]))


def filling(other):
    """Its first line has come: a little later it is in the middle of its fill."""
    other.stdout.readline()
    time.sleep(.25)


def read(path):
    with open(path, "rb") as f:
        return f.read()


if case == "emfile":
    read("b.jpg")
    other = slow("sleep .5; echo go; exec cat a.jpg")
    fd = os.open("a.jpg", os.O_RDONLY)
    filling(other)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.dup(2))
    except OSError:
        pass
    said = os.read(fd, 200000)
    for h in held:
        os.close(h)
    other.communicate()
elif case == "successor":
    subprocess.run(["cat", "b.jpg"], env=dict(os.environ, LD_PRELOAD=os.environ["SLOW"]), stdout=subprocess.DEVNULL)
    other = slow("sleep .5; env -u LD_PRELOAD mv next a.jpg; sleep .1; echo go; exec cat a.jpg")
    fd = os.open("a.jpg", os.O_RDONLY)
    filling(other)
    said = os.read(fd, 200000)
    other.communicate()
elif case == "renamed":
    other = slow("echo go; exec cat sub/a.jpg")
    filling(other)
    os.rename("sub", "away")
    os.rename("later", "sub")
    other.communicate()
    said = read("sub/a.jpg")
elif case == "exit":
    # A thread reads while its process ends by exit().
    subprocess.run([sys.executable, __file__, "exiting", root], env=dict(os.environ, LD_PRELOAD=os.environ["SLOW"]))
    time.sleep(.1)
    read("a.jpg")           # finds that it is dead, and fills
    began = time.monotonic()
    for _ in range(5):
        said = read("a.jpg")
    assert time.monotonic() - began < .5, "each read waits for a process that is no more"
elif case == "exiting":
    threading.Thread(target=read, args=("a.jpg",), daemon=True).start()
    time.sleep(.25)
    sys.exit()
print(said[:4].decode(), len(said))
