# shm.sh - whose the memory is: loaders, semaphores, files on tmpfs, mounts.

# in SIZE: a /dev/shm of that size for the rest of the script
IN='mount -t tmpfs -o size=$0,mode=1777 tmpfs /dev/shm; '
LOAD='import sys, torch, torch.multiprocessing as mp
class D(torch.utils.data.Dataset):
    def __len__(self): return 40
    def __getitem__(self, i): return torch.full((50000,), float(i)) + len(open(sorted(__import__("glob").glob("data/*/*"))[i], "rb").read())
if __name__ == "__main__":
    mp.set_sharing_strategy(sys.argv[1])
    print(sum(float(x.sum()) for x in torch.utils.data.DataLoader(D(), 4, num_workers=2)))'
export LOAD
for how in file_descriptor file_system; do
	try "torch's DataLoader, sharing by $how" "\$RUN \$PYTHON -c \"\$LOAD\" $how; find /dev/shm -name 'torch_*' | wc -l"
done
try "torch, sharing by file_descriptor, ulimit -n 64" 'ulimit -n 64; $RUN $PYTHON -c "$LOAD" file_descriptor'
try "torch's loader in 64 MiB of /dev/shm" 'unshare -m bash -c "mount -t tmpfs -o size=64m tmpfs /dev/shm; $RUN $PYTHON -c \"\$LOAD\" file_system"'
try "shared_memory: made, attached by another, unlinked" '$RUN $PYTHON -c "
from multiprocessing import shared_memory as s; import subprocess, sys
m = s.SharedMemory(create=True, size=1 << 22); m.buf[:3] = b\"abc\"
print(subprocess.run([sys.executable, \"-c\", f\"from multiprocessing import shared_memory as s; m = s.SharedMemory(\\\"{m.name}\\\"); print(bytes(m.buf[:3]))\"], stdout=-1).stdout)
m.close(); m.unlink()"; ls /dev/shm | grep -vc opt4'
try "semaphores, queues, a manager, a barrier" '$RUN $PYTHON -c "
import multiprocessing as mp
def f(q, s, b, d): 
    with s: q.put(1); d[mp.current_process().name] = 1
    b.wait()
if __name__ == \"__main__\":
    q, s, b, d = mp.Queue(), mp.Semaphore(2), mp.Barrier(4), mp.Manager().dict()
    ps = [mp.Process(target=f, args=(q, s, b, d)) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]
    print(sum(q.get() for _ in ps), len(d))"; ls /dev/shm | grep -vc opt4'
try "4 times 33 MiB by posix_fallocate in 256 MiB (NCCL)" 'unshare -m bash -c "mount -t tmpfs -o size=256m tmpfs /dev/shm; $RUN $PYTHON -c \"
import glob, os
for p in glob.glob(\\\"data/*/*\\\"): open(p, \\\"rb\\\").read()
for i in range(4): fd = os.open(f\\\"/dev/shm/nccl-{i}\\\", 66); os.posix_fallocate(fd, 0, 33 << 20); print(os.fstat(fd).st_size)\""'
try "what is asked for does not fit: the same ENOSPC" 'unshare -m bash -c "mount -t tmpfs -o size=64m tmpfs /dev/shm; $RUN $PYTHON -c \"
import os
fd = os.open(\\\"/dev/shm/x\\\", 66)
try: os.posix_fallocate(fd, 0, 65 << 20)
except OSError as e: print(e)\""'
BIG='[ -d big ] || { $PYTHON $HERE/../dataset.py --seed 1 big 60 1000000 1; mv big/*/* big; rmdir big/c*; sleep .1; }; '
try "dd fills /dev/shm after the cache was filled" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=128m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 50M} bash -c \"cat big/* big/* | wc -c; dd if=/dev/zero of=/dev/shm/all bs=1M count=120 2>/dev/null; stat -c %s /dev/shm/all\""'
try "a sparse file is made larger and every page touched" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=128m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 60M} $PYTHON -c \"
import glob, mmap, os
for p in sorted(glob.glob(\\\"big/*\\\")): open(p, \\\"rb\\\").read()
fd = os.open(\\\"/dev/shm/s\\\", 66); os.ftruncate(fd, 120 << 20); m = mmap.mmap(fd, 120 << 20)
for i in range(0, 120 << 20, 4096): m[i] = 1
print(sum(m[::4096]))\""'
try "cp and tar into a /dev/shm that the cache has filled" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=100m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 60M} bash -c \"cat big/* >/dev/null; cp -r big /dev/shm/copy; tar -C /dev/shm -cf /dev/null copy; cat /dev/shm/copy/* | md5sum\""'
try "four processes fill it at a time" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=128m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 60M} bash -c \"cat big/* >/dev/null; for i in 1 2 3 4; do dd if=/dev/zero of=/dev/shm/d\\\$i bs=1M count=30 2>/dev/null & done; wait; cat /dev/shm/d? | wc -c\""'
try "an orphaned file keeps its room: dd after unlink" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=128m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 60M} $PYTHON -c \"
import glob, os
for p in sorted(glob.glob(\\\"big/*\\\")): open(p, \\\"rb\\\").read()
f = open(\\\"/dev/shm/u\\\", \\\"wb\\\"); os.unlink(\\\"/dev/shm/u\\\")
print(sum(f.write(bytes(1 << 20)) for i in range(115)))\""'
try "tempfile in /dev/shm; the batch is pickled there" '$RUN $PYTHON -c "
import pickle, tempfile
with tempfile.NamedTemporaryFile(dir=\"/dev/shm\") as f: pickle.dump(list(range(99999)), f); f.flush(); print(sum(pickle.load(open(f.name, \"rb\"))))"'
try "memfd, sealed" '$RUN $PYTHON -c "
import fcntl, os
fd = os.memfd_create(\"m\", os.MFD_ALLOW_SEALING); os.write(fd, b\"x\" * 9999); fcntl.fcntl(fd, 1033, 15)
try: os.write(fd, b\"y\")
except PermissionError: print(os.fstat(fd).st_size)"'
have ipcmk && try "System V shared memory" '$RUN sh -c "i=\$(ipcmk -M 100000 | grep -o \"[0-9]*\"); ipcs -m -i \$i | grep -c bytes=100000; ipcrm -m \$i; $R"'
try "the dataset lies on tmpfs" 'rm -rf /dev/shm/set; cp -r data /dev/shm/set; ${RUN/--root data/--root \/dev\/shm\/set} sh -c "cat /dev/shm/set/*/* | md5sum"; rm -rf /dev/shm/set'
try "TMPDIR on another tmpfs" 'unshare -m bash -c "mkdir -p t; mount -t tmpfs tmpfs t; TMPDIR=\$PWD/t $RUN sh -c \"mktemp | wc -l; $R\""'
try "/dev/shm is read-only" 'unshare -m bash -c "mount -o remount,bind,ro /dev/shm; $RUN sh -c \"$R; touch /dev/shm/x 2>/dev/null || echo no\""'
try "/dev/shm is noexec,nosuid,nodev" 'unshare -m bash -c "mount -t tmpfs -o noexec,nosuid,nodev tmpfs /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm has no room at all" 'unshare -m bash -c "mount -t tmpfs -o size=4k tmpfs /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm has few inodes" 'unshare -m bash -c "mount -t tmpfs -o nr_inodes=12 tmpfs /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm is full before" 'unshare -m bash -c "mount -t tmpfs -o size=8m tmpfs /dev/shm; head -c 9000000 /dev/zero >/dev/shm/x; $RUN sh -c \"$R; stat -c %s /dev/shm/x\""'
try "/dev/shm is a folder of the disk" 'unshare -m bash -c "umount -l /dev/shm; mkdir -p disk; mount --bind disk /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm is missing" 'unshare -m bash -c "mkdir -p none; mount --bind none /dev; mknod -m 666 /dev/null c 1 3; $RUN sh -c \"$R\""'
try "/dev/shm is a link to /run/shm" 'unshare -m bash -c "mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3; mount -t tmpfs tmpfs /run; mkdir -m 1777 /run/shm; ln -s /run/shm /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm with huge pages" 'unshare -m bash -c "mount -t tmpfs -o huge=always,size=256m tmpfs /dev/shm; $RUN sh -c \"$R\""'
try "/dev/shm of mode 755, another user" 'unshare -m bash -c "mount -t tmpfs -o mode=755 tmpfs /dev/shm; setpriv --reuid 65534 --clear-groups $RUN sh -c \"$R\""'
try "another tmpfs is put over /dev/shm in the middle" 'unshare -m bash -c "$RUN sh -c \"$R; mount -t tmpfs tmpfs /dev/shm; $R; umount -l /dev/shm; $R\""'
try "/dev/shm is unmounted lazily in the middle" 'unshare -m bash -c "mount -t tmpfs tmpfs /dev/shm; $RUN sh -c \"$R; umount -l /dev/shm; $R\""'
try "/dev/shm becomes read-only in the middle" 'unshare -m bash -c "mount -t tmpfs tmpfs /dev/shm; $RUN sh -c \"cat data/*/*0* | md5sum; mount -o remount,ro /dev/shm; $R\""'
try "/dev/shm becomes smaller in the middle" "$BIG"'unshare -m bash -c "mount -t tmpfs -o size=128m tmpfs /dev/shm; ${RUN/--root data/--root big --cache 30M} sh -c \"cat big/* | md5sum; mount -o remount,size=70m /dev/shm; cat big/* | md5sum; head -c 66000000 /dev/zero >/dev/shm/x; stat -c %s /dev/shm/x\""'
try "all of /dev/shm is removed, file by file, while it is read" '$RUN bash -c "(for i in 1 2 3 4 5 6 7 8 9; do find /dev/shm -type f -delete; sleep .02; done) & for i in 1 2 3 4 5; do $R; done; wait"'
try "chmod 000 of everything in /dev/shm, another user" 'rm -rf /dev/shm/*; setpriv --reuid 65534 --clear-groups $RUN sh -c "$R; chmod -R 000 /dev/shm/opt4-65534 2>/dev/null; $R; chmod -R 700 /dev/shm/opt4-65534 2>/dev/null; true"'
try "somebody else owns the folder of our name" 'mkdir -p /dev/shm/opt4-0; chown 65534 /dev/shm/opt4-0; $RUN sh -c "$R"; rm -rf /dev/shm/opt4-0'
try "our folder of the sessions is a link elsewhere" 'rm -rf /dev/shm/opt4-0; mkdir -p away; ln -s "$PWD/away" /dev/shm/opt4-0; $RUN sh -c "$R"; ls away | wc -l; rm -f /dev/shm/opt4-0'
try "eight jobs of different caches at a time" 'for i in 1 2 3 4 5 6 7 8; do (${RUN/--root/--cache ${i}0K --root} sh -c "$R" >out$i) & done; wait; cat out? | sort | uniq -c'
try "eight jobs on eight datasets" 'for i in 1 2 3 4 5 6 7 8; do cp -r data d$i; done; sleep .1; for i in 1 2 3 4 5 6 7 8; do (${RUN/--root data/--root d$i} sh -c "cat d$i/*/* d$i/*/* | md5sum" >out$i) & done; wait; cat out? | sort | uniq -c; rm -rf d?'
have mount && try "the memory of a job that does not fit its own limit: ulimit -v" 'ulimit -v 400000; $RUN $PYTHON -c "
import glob
print(sum(len(open(p, \"rb\").read()) for p in glob.glob(\"data/*/*\")))
try: bytearray(1 << 30)
except MemoryError: print(\"no\")"'
try "joblib's way: a numpy memmap in /dev/shm, by several" '$RUN $PYTHON -c "
import multiprocessing as mp, numpy as np
def f(i): m = np.memmap(\"/dev/shm/mm\", \"f8\", \"r+\", shape=(1000, 100)); m[i] = i; m.flush(); return float(m[i].sum())
if __name__ == \"__main__\":
    np.memmap(\"/dev/shm/mm\", \"f8\", \"w+\", shape=(1000, 100)).flush()
    with mp.Pool(3) as p: print(sum(p.map(f, range(1000))))"; rm /dev/shm/mm'
