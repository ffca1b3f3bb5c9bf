"""children.py ROOT KIND WORKERS: jobs whose files other processes read: what a sample starts (cat, a shell's pipe, a server, a forked reader), or a pool of Pythons
that have no torch in them. Prints a line an epoch: how many bytes came, and their sum. Imports no torch: a pool's process imports this module."""
import os
import random
import subprocess
import sys

EPOCHS, N = 4, 96


def files(root):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(root) for f in names)


def sum_of(path):
    with open(path, "rb") as f:
        data = f.read()
    return len(data), sum(data)


def loader(root, kind, workers):
    import torch
    from torch.utils.data import DataLoader, Dataset, IterableDataset
    torch.set_num_threads(1)
    torch.manual_seed(1)

    def read(path):
        """The bytes, by another process."""
        if kind in ("cat", "cat-named", "stream", "elsewhere"):
            return subprocess.run(["cat", path], stdout=subprocess.PIPE).stdout
        if kind == "pipe":
            return subprocess.run("cat '%s' | tail -c +1 | head -c 999999" % path, shell=True, stdout=subprocess.PIPE).stdout
        if kind == "popen":
            with os.popen("cat '%s' | od -An -v -tu1 -w1" % path) as f:
                return bytes(map(int, f.read().split()))
        if kind == "bare":              # an environment of its own
            env = {k: v for k, v in START.items()}
            return subprocess.run(["cat", path], stdout=subprocess.PIPE, env=env).stdout
        if kind == "forked":
            r, w = os.pipe()
            pid = os.fork()
            if not pid:
                with open(path, "rb") as f:
                    os.write(w, f.read())
                os._exit(0)
            os.close(w)
            with open(r, "rb") as f:
                data = f.read()
            os.waitpid(pid, 0)
            return data
        return serve(path)

    class Silent(Dataset):
        """No list says which files these are."""

        def __init__(self):
            if kind == "cat-named":
                self.paths = files(root)

        def __len__(self):
            return N

        def __getitem__(self, i):
            data = read(os.path.join(root, "c%02d" % (i % 4), "f%06d.jpg" % i))
            return len(data), sum(data)

    class Stream(IterableDataset):
        def __iter__(self):
            for i in range(N):
                yield Silent.__getitem__(self, i)
    stream = kind == "stream"
    if kind == "elsewhere":             # what others of the job's processes read is none of its samples'
        subprocess.run("cat beside/*/* >beside.all; rm beside.all", shell=True, check=True)
    made = DataLoader(Stream() if stream else Silent(), 8, num_workers=0 if stream else workers, shuffle=not stream)
    for e in range(EPOCHS):
        n = total = 0
        for size, sums in made:
            n += int(size.sum())
            total += int(sums.sum())
            if kind == "elsewhere":
                subprocess.run("cat beside/*/* >beside.all; rm beside.all", shell=True, check=True)
        print("epoch", e, n, total, flush=True)


START = dict(os.environ)
_server = None


def serve(path):
    """By a process that the first sample starts, and that stays."""
    global _server
    if _server is None:
        _server = subprocess.Popen([sys.executable, "-c", "import sys\nfor line in sys.stdin:\n    d = open(line.strip(), 'rb').read()\n"
                                    "    sys.stdout.buffer.write(len(d).to_bytes(8, 'little') + d)\n    sys.stdout.buffer.flush()"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _server.stdin.write(path.encode() + b"\n")
    _server.stdin.flush()
    return _server.stdout.read(int.from_bytes(_server.stdout.read(8), "little"))


def pool(root, workers):
    """Processes that are started anew, and import no torch."""
    import multiprocessing
    import torch.utils.data  # noqa: F401  the training's
    paths = files(root)
    random.seed(1)
    with multiprocessing.get_context("spawn").Pool(max(1, workers)) as p:
        for e in range(EPOCHS):
            random.shuffle(paths)
            got = p.map(sum_of, paths, 4)
            print("epoch", e, sum(n for n, _ in got), sum(s for _, s in got), flush=True)


if __name__ == "__main__":
    if sys.argv[2] == "pool":
        pool(sys.argv[1], int(sys.argv[3]))
    else:
        loader(sys.argv[1], sys.argv[2], int(sys.argv[3]))
