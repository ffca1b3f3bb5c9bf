"""box.py: a block device of a given bandwidth, and a memory limit for page cache and tmpfs together.

As root, with cgroup v1's blkio and memory: an ext4 file system on a loop device (its own backing file read directly, so
that no second page cache helps), throttled for whoever is put into the box. NoBox says why there is none.
"""
import os
import shutil
import subprocess
import threading
import time

CGROUP = "/sys/fs/cgroup"


class NoBox(Exception):
    pass


def sh(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        raise NoBox("%s: %s" % (" ".join(args[:2]), done.stderr.strip().split("\n")[-1]))
    return done.stdout.strip()


def put(path, value):
    try:
        with open(path, "w") as f:
            f.write(str(value))
    except OSError as e:
        raise NoBox("%s: %s" % (path, e.strerror))


class Box:
    def __init__(self, folder, files):
        """folder: where the image and the mount point go; files: the tree that goes onto the device, as `data`."""
        if os.geteuid():
            raise NoBox("a throttled block device needs root")
        for kind in ("blkio", "memory"):
            if not os.path.isdir(os.path.join(CGROUP, kind)):
                raise NoBox("no cgroup v1 %s controller below %s" % (kind, CGROUP))
        self.image, self.mount = os.path.join(folder, "store.img"), os.path.join(folder, "store")
        self.groups = [os.path.join(CGROUP, kind, "opt4-bench-%d" % os.getpid()) for kind in ("blkio", "memory")]
        self.device = None
        os.makedirs(self.mount, exist_ok=True)
        size = sum(os.path.getsize(os.path.join(d, f)) + 8192 for d, _, names in os.walk(files) for f in names)
        try:
            with open(self.image, "wb") as f:
                f.truncate(int(size * 1.2) + (64 << 20))
            sh("mkfs.ext4", "-q", "-F", self.image)
            self.device = sh("losetup", "-f", "--show", "--direct-io=on", self.image)
            sh("mount", "-o", "noatime", self.device, self.mount)
            self.data = os.path.join(self.mount, "data")
            shutil.copytree(files, self.data)
            os.sync()
            self.number = sh("lsblk", "-dno", "MAJ:MIN", self.device)
            for g in self.groups:
                os.makedirs(g, exist_ok=True)
        except BaseException:
            self.close()
            raise

    def counter(self):
        return "/sys/block/%s/stat:2:512" % os.path.basename(self.device)

    def set(self, bandwidth, memory):
        """Bytes a second (0: no limit), bytes of memory (None: no limit). What was cached is forgotten."""
        put(os.path.join(self.groups[0], "blkio.throttle.read_bps_device"), "%s %d" % (self.number, bandwidth))
        put(os.path.join(self.groups[1], "memory.limit_in_bytes"), memory or -1)
        os.sync()
        put("/proc/sys/vm/drop_caches", 3)
        try:
            put(os.path.join(self.groups[1], "memory.force_empty"), 0)
        except NoBox:
            pass     # something still runs in it

    def enter(self):
        """In the child, before exec."""
        for g in self.groups:
            with open(os.path.join(g, "cgroup.procs"), "w") as f:
                f.write(str(os.getpid()))

    def watch(self):
        """Samples what cannot be reclaimed, until stop() is called on what this returns; stop() gives the peak."""
        return Watch(self.groups[1])

    def close(self):
        if self.device:
            for command in (("umount", "-l", self.mount), ("losetup", "-d", self.device)):
                subprocess.run(command, capture_output=True)
        for g in self.groups:
            for _ in range(50):
                try:
                    os.rmdir(g)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(.1)    # a keeper may need a second to leave
        if os.path.exists(self.image):
            os.unlink(self.image)


class Watch(threading.Thread):
    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.peak, self.over = group, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(.05):
            held = 0
            with open(os.path.join(self.group, "memory.stat")) as f:
                for line in f:
                    name, value = line.split()
                    if name in ("total_rss", "total_shmem", "total_mapped_file"):
                        held += int(value)
            try:
                with open(os.path.join(self.group, "memory.kmem.usage_in_bytes")) as f:
                    held += int(f.read())
            except OSError:
                pass
            self.peak = max(self.peak, held)

    def stop(self):
        self.over.set()
        self.join()
        return self.peak
