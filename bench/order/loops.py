"""loops.py LOOP DATA EPOCHS HOW: reads all files below DATA, shuffled, EPOCHS times, as other loaders than torch's do it.

LOOP   pool     a plain pool of threads
       tf       in the manner of tf.data: a generator of paths, a parallel map behind it, a buffer of batches before the step
       dali     in the manner of DALI's file reader: the shuffle is drawn here and given to it as a list, two batches ahead
       ray      in the manner of Ray: the driver hands paths to actors, processes that are started anew, a few in flight
       fastai   in the manner of fastai's loader: it draws its own numbers (get_idxs), and forks workers each epoch
       torch    a DataLoader, for comparison: nothing is told, opt4 learns its order by itself
       dali-real, ray-real, fastai-real, tf-real: those libraries themselves, where they are installed
HOW    told     opt4.order(paths) before each epoch, the one line that a loop needs
       plain    nothing is told
       list     prints the order, an empty line after each epoch, and reads nothing: for `opt4 run --order`
Prints a line an epoch: its number and a digest of what was read, whatever the order in which it came; to stderr, seconds.
"""
import hashlib
import multiprocessing
import os
import queue
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

BATCH, THREADS, ACTORS, AHEAD = 16, 8, 2, 4


def read(path):
    with open(path, "rb") as f:
        return f.read()


def number(data):
    """A number for a file's bytes; their sum tells an epoch's apart, in whatever order."""
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big")


def read_number(path):
    return number(read(path))


def batches(items):
    for i in range(0, len(items), BATCH):
        yield items[i:i + BATCH]


def ahead(source, depth):
    """What `source` yields, made by a thread that is at most `depth` ahead."""
    q, end = queue.Queue(depth), object()

    def fill():
        for item in source:
            q.put(item)
        q.put(end)
    threading.Thread(target=fill, daemon=True).start()
    return iter(q.get, end)


class Loop:
    """A loop over an epoch's files: tell(paths) when it knows their order, then their numbers."""

    def __init__(self, files, tell):
        self.files, self.tell, self.rng = files, tell, random.Random(7)

    def shuffled(self):
        self.rng.shuffle(self.files)
        return list(self.files)

    def close(self):
        pass


class Pool(Loop):
    def epoch(self):
        paths = self.shuffled()
        self.tell(paths)
        with ThreadPoolExecutor(THREADS) as pool:
            yield from pool.map(read_number, paths)


class TfLike(Loop):
    def generator(self):
        paths = self.shuffled()
        self.tell(paths)           # the generator begins anew with each epoch: here its order is known
        yield from paths

    def epoch(self):
        def parallel_map():
            with ThreadPoolExecutor(THREADS) as pool:
                waiting = []
                for path in self.generator():
                    waiting.append(pool.submit(read_number, path))
                    if len(waiting) > THREADS:
                        yield waiting.pop(0).result()
                yield from (w.result() for w in waiting)
        yield from ahead(parallel_map(), AHEAD * BATCH)


class DaliLike(Loop):
    def epoch(self):
        paths = self.shuffled()
        self.tell(paths)
        for batch in ahead((list(map(read, b)) for b in batches(paths)), 2):
            yield from map(number, batch)


def actor(todo, done):
    for path in iter(todo.get, None):
        done.put(read_number(path))


class RayLike(Loop):
    def __init__(self, files, tell):
        super().__init__(files, tell)
        c = multiprocessing.get_context("spawn")
        self.todo, self.done = c.Queue(), c.Queue()
        self.actors = [c.Process(target=actor, args=(self.todo, self.done)) for _ in range(ACTORS)]
        for a in self.actors:
            a.start()

    def epoch(self):
        paths = self.shuffled()
        self.tell(paths)
        flying = 0
        for path in paths:
            self.todo.put(path)
            flying += 1
            if flying >= ACTORS * AHEAD:
                yield self.done.get()
                flying -= 1
        for _ in range(flying):
            yield self.done.get()

    def close(self):
        for a in self.actors:
            self.todo.put(None)
        for a in self.actors:
            a.join()


class FastaiLike(Loop):
    def get_idxs(self):
        idxs = list(range(len(self.files)))
        self.rng.shuffle(idxs)
        self.tell([self.files[i] for i in idxs])     # workers are forked after this, and read by it
        return idxs

    def epoch(self):
        c, idxs = multiprocessing.get_context("fork"), self.get_idxs()
        done = c.Queue(ACTORS * AHEAD)

        def work(k):
            for i in list(batches(idxs))[k::ACTORS]:
                done.put([read_number(self.files[j]) for j in i])
        workers = [c.Process(target=work, args=(k,)) for k in range(ACTORS)]
        for w in workers:
            w.start()
        for _ in batches(idxs):
            yield from done.get()
        for w in workers:
            w.join()


class Torch(Loop):
    def __init__(self, files, tell):
        super().__init__(files, tell)
        import torch

        class Files(torch.utils.data.Dataset):
            samples = [(f, 0) for f in files]

            def __len__(self):
                return len(files)

            def __getitem__(self, i):
                return read_number(files[i])
        g = torch.Generator()
        g.manual_seed(7)
        self.loader = torch.utils.data.DataLoader(Files(), batch_size=BATCH, shuffle=True, num_workers=ACTORS, generator=g, collate_fn=list)

    def epoch(self):
        for batch in self.loader:
            yield from batch


class Dali(Loop):
    def epoch(self):
        from nvidia.dali import fn, pipeline_def
        paths = self.shuffled()
        self.tell(paths)

        @pipeline_def(batch_size=BATCH, num_threads=2, device_id=None, prefetch_queue_depth=2)
        def pipe():
            return fn.readers.file(files=paths, name="files")[0]
        p = pipe()
        p.build()
        left = len(paths)
        while left:
            for raw in p.run()[0]:
                if left:
                    left -= 1
                    yield number(bytes(raw.as_array().tobytes() if hasattr(raw, "as_array") else raw))


class Ray(Loop):
    def __init__(self, files, tell):
        super().__init__(files, tell)
        import ray
        ray.init(num_cpus=ACTORS, include_dashboard=False, log_to_driver=False, logging_level="error")
        self.ray, self.task = ray, ray.remote(lambda paths: [read_number(p) for p in paths])

    def epoch(self):
        paths = self.shuffled()
        self.tell(paths)
        flying = []
        for batch in batches(paths):
            flying.append(self.task.remote(batch))
            if len(flying) >= AHEAD:
                yield from self.ray.get(flying.pop(0))
        for f in flying:
            yield from self.ray.get(f)

    def close(self):
        self.ray.shutdown()


class Fastai(Loop):
    def __init__(self, files, tell):
        super().__init__(files, tell)
        from fastai.data.load import DataLoader
        told = self.tell

        class Loader(DataLoader):
            def get_idxs(self):
                idxs = super().get_idxs()
                told([files[i] for i in idxs])
                return idxs
        self.loader = Loader(files, bs=BATCH, shuffle=True, num_workers=ACTORS, create_item=lambda i: read_number(files[i]),
                             create_batch=list, n=len(files))

    def epoch(self):
        for batch in self.loader:
            yield from batch


class Tf(Loop):
    def epoch(self):
        import tensorflow as tf
        paths = self.shuffled()
        self.tell(paths)
        data = tf.data.Dataset.from_tensor_slices(paths).map(tf.io.read_file, num_parallel_calls=THREADS).batch(BATCH).prefetch(AHEAD)
        for batch in data:
            yield from map(number, batch.numpy())


LOOPS = {"pool": Pool, "tf": TfLike, "dali": DaliLike, "ray": RayLike, "fastai": FastaiLike, "torch": Torch,
         "dali-real": Dali, "ray-real": Ray, "fastai-real": Fastai, "tf-real": Tf}


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in LOOPS or sys.argv[4] not in ("told", "plain", "list"):
        sys.exit(__doc__)
    name, data, epochs, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(data) for f in names)

    def tell(paths):
        if how == "told":
            import opt4
            assert opt4.order(paths, batch_size=BATCH) == ("opt4" in os.environ.get("LD_PRELOAD", "")), "told"
    if how == "list":
        loop = Pool(files, tell)
        for _ in range(epochs):
            print("\n".join(loop.shuffled()) + "\n")
        return
    loop = LOOPS[name](files, tell)
    for e in range(epochs):
        began = time.time()
        print(e, sum(loop.epoch()), flush=True)
        print("%s: epoch %d: %.2f s" % (name, e, time.time() - began), file=sys.stderr)
    loop.close()


if __name__ == "__main__":
    main()
