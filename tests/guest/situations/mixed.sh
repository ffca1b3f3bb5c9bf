# mixed.sh - several oddities at a time: limits within wrappers, nested runs with roots of their own, other preloads, descriptors, folders.
cp -a data other; sleep .1
try "opt4 run within opt4 run, each with a root of its own" '$RUN ${RUN:+$OPT4 run --quiet --root other --} sh -c "$R; cat other/*/* | md5sum"'
try "two nested, the inner one killed -9" '$RUN sh -c "${RUN:+$OPT4 run --quiet --root other --} sh -c \"cat other/*/* >/dev/null; kill -9 \\\$\\\$\"; echo \$?; $R"'
try "--keep, the job killed -9, then again" 'for i in 1 2; do ${RUN:+$OPT4 run --quiet --keep --root data --} sh -c "$R; kill -9 \$\$"; echo $?; done; [ -z "$RUN" ] || $OPT4 clean --all >clean.out'
try "a group killed -9, and started again at once" 'for i in 1 2 3; do setsid -w $RUN sh -c "$R; kill -9 0"; echo $?; done'
for limit in "-v 300000" "-n 12" "-n 6" "-f 1" "-l 0" "-d 20000" "-s 64" "-u 3000" "-m 1000" "-e 0" "-v 120000 -n 16 -f 0 -s 128"; do
	try "ulimit $limit within setsid, nice and env -i" "(ulimit $limit; setsid -w nice -n 3 env -i PATH=\$PATH R=\"\$R\" \$RUN sh -c \"\$R\")"
done
try "RLIMIT_AS that opt4 run fits in and the job does not" '(ulimit -v 60000; $RUN $PYTHON -c "b = bytearray(100 << 20)" 2>/dev/null; echo $?)'
try "RLIMIT_AS set by the job itself" '$RUN $PYTHON -c "
import resource, glob, hashlib
resource.setrlimit(resource.RLIMIT_AS, (80 << 20, 80 << 20))
print(hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest())"'
try "seccomp denies, in a pid namespace, with a time limit" '$FILTER deny timeout 20 unshare -p -f --mount-proc $RUN sh -c "$R"'
try "no HOME, no TMPDIR, PATH of one folder, LANG odd, umask 777" '(umask 777; env -i PATH=/usr/bin:/bin LANG=xx_YY.utf9 LC_ALL=tlh R="$R" $RUN sh -c "$R; umask")'
try "HOME is read-only, a file, missing" 'for h in /proc /etc/passwd /nonsuch; do HOME=$h $RUN sh -c "$R"; done'
try "unlinked folder, stdin closed, stdout a pipe that is full" 'd=$PWD; mkdir gone; cd gone; rmdir ../gone; $RUN sh -c "cat $d/data/*/* $d/data/*/*" <&- | (sleep .5; md5sum); cd $d'
for fds in "<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-"; do
	try "descriptors closed: $fds" "\$RUN sh -c 'exec 9>out; cat data/*/* | md5sum >&9; ls -l /proc/self/fd | wc -l >&9' $fds; cat out"
done
try "stderr is a full pipe that nobody reads" 'mkfifo full; exec 8<>full; (timeout .3 dd if=/dev/zero of=full bs=4k oflag=nonblock 2>/dev/null); $RUN sh -c "$R" 2>full; exec 8>&-; rm full'
try "stdout is /dev/full" '$RUN cat data/c00/* >/dev/full; echo $?'
try "nohup setsid script: a terminal without a parent" 'script -qec "nohup setsid -w $RUN sh -c \"$R\" </dev/null 2>/dev/null | cat" /dev/null | tr -d "\r"'
try "stopped, continued and ended by timeout --foreground" 'timeout --foreground 2 $RUN sh -c "$R; kill -STOP \$\$; echo on; sleep 9" & sleep .6; pkill -CONT -P $! ; pkill -CONT -f "kill -STOP"; wait $!; echo $?'
try "xargs -P of opt4 runs that are killed" 'seq 6 | xargs -P 3 -I{} $RUN sh -c "cat data/*/* >/dev/null; kill -9 \$\$" 2>/dev/null; echo $?'
try "python -I -S -E -s -P as zipapp" 'mkdir -p app; echo "import glob, hashlib
print(hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest())" >app/__main__.py; $PYTHON -m zipapp app -o app.pyz; $RUN $PYTHON -I -S -E app.pyz'
try "os.execv of itself, five times over" '$RUN $PYTHON -c "
import glob, os, sys
n = int(sys.argv[1])
print(n, sum(len(open(p, \"rb\").read()) for p in glob.glob(\"data/*/*\")), flush=True)
n and os.execv(sys.executable, [sys.executable, \"-c\", open(\"/proc/self/cmdline\").read().split(chr(0))[2], str(n - 1)])" 5'
try "fork in threads without exec, each child reads and forks" '$RUN $PYTHON -c "
import glob, os, threading
paths = sorted(glob.glob(\"data/*/*\"))
def work(n):
    pid = os.fork()
    if not pid:
        if n: work(n - 1)
        os._exit(sum(len(open(p, \"rb\").read()) for p in paths) != 163840)
    bad.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
bad = []
threads = [threading.Thread(target=work, args=(2,)) for _ in range(6)]
[t.start() for t in threads]; [t.join() for t in threads]
print(bad)"'
try "a daemon by a double fork, which closes all and reads on" '$RUN $PYTHON -c "
import glob, hashlib, os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 1024); os.chdir(\"/\"); time.sleep(.4)
d = \"$PWD\"
open(d + \"/late.new\", \"w\").write(hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(d + \"/data/*/*\")))).hexdigest())
os.rename(d + \"/late.new\", d + \"/late\")"; for i in $(seq 50); do [ -e late ] && break; sleep .1; done; cat late; rm late'
try "one program unpacks another and runs it, as frozen ones do" '$RUN sh -c "d=\$(mktemp -d); cp /usr/bin/md5sum \$d/x; LD_LIBRARY_PATH=\$d exec \$d/x data/c00/*" | md5sum'
try "all of a process tree is killed -9, one after the other, leaf first" '$RUN sh -c "sh -c \"$R; sleep 30\" & wait" & p=$!; sleep .6; pkill -9 -x sleep; sleep .1; kill -9 $p; wait $p; echo $?; pkill -9 -f "sleep 30"; true'
try "opt4 run is killed -9 while its job is stopped" '$RUN sh -c "$R; kill -STOP \$\$" & p=$!; sleep .6; kill -9 $p; wait $p; echo $?; sleep .2; pgrep -f "kill -STOP" -c; true'
have gdb && try "gdb attaches to a reader, reads on, is killed -9" '$RUN sh -c "$R; sleep .8; $R" & sleep .4; timeout -s KILL .3 gdb -q -batch -p $(pgrep -f "^sh -c" -n) -ex "shell sleep 9" >/dev/null 2>&1; wait $!; echo $?'
for lib in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	[ -e /usr/lib/x86_64-linux-gnu/$lib ] && try "$lib, threads that fork, small memory" "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/$lib \$RUN \$PYTHON -c '
import glob, multiprocessing.dummy as m, subprocess
print(sum(m.Pool(8).map(lambda p: len(open(p, \"rb\").read()), glob.glob(\"data/*/*\") * 5)), subprocess.run([\"cat\"] + glob.glob(\"data/c00/*\"), capture_output=True).stdout.count(b\"a\"))'"
done
try "faketime's kind of clock: the dataset's times lie in the future, the reader is young" 'cp -a data fut; find fut -exec touch -d "+3 days" {} +; ${RUN:+$OPT4 run --quiet --root fut --} sh -c "cat fut/*/* fut/*/* | md5sum"; rm -rf fut'
have sudo && try "sudo -u in nohup in setsid" 'nohup setsid -w $RUN sudo -n -u nobody sh -c "$R; id -un" 2>/dev/null'
try "the tmp folder is full, and so is the disk of the statistics" 'mkdir small; mount -t tmpfs -o size=8k tmpfs small; dd if=/dev/zero of=small/x bs=4k 2>/dev/null; TMPDIR=$PWD/small ${RUN:+$OPT4 run --quiet --root data --stats $PWD/small/st --} sh -c "$R"; umount small; rmdir small'
try "the job umounts /dev/shm lazily" '$RUN unshare -m --propagation private sh -c "$R; umount -l /dev/shm; $R; cat data/*/* | md5sum"'
try "the dataset's folder goes without right to enter, and back" '$RUN setpriv --reuid 65534 --clear-groups sh -c "$R; sleep .4; $R 2>/dev/null; sleep .4; $R" & sleep .3; chmod 700 data; sleep .3; chmod 755 data; wait $!'
try "a session of another version of opt4 lies there" '[ -z "$RUN" ] || { $OPT4 run --quiet --keep --root data -- sh -c "$R" >/dev/null; printf "\x05" | dd of=$(find /dev/shm -name index | head -1) bs=1 seek=8 conv=notrunc 2>/dev/null; }; $RUN sh -c "$R"'
try "a group with opt4 run as its middle: the leader is killed -9" 'setsid -w sh -c "$RUN sh -c \"$R; sleep .6; echo done\" & sleep .3; kill -9 \$\$"; echo $?; sleep .8'
try "TERM to a whole session of several jobs" 'setsid -w sh -c "trap : TERM; for i in 1 2 3; do $RUN sh -c \"$R; sleep 9\" & done; sleep .6; kill -TERM 0; wait; wait; echo ended"'
try "thousand signals of one number while it reads" '$RUN $PYTHON -c "
import glob, hashlib, os, signal, threading
n = [0]
signal.signal(signal.SIGUSR1, lambda *a: n.__setitem__(0, n[0] + 1))
t = threading.Thread(target=lambda: [os.kill(os.getpid(), signal.SIGUSR1) for _ in range(1000)]); t.start()
print(hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest()); t.join(); print(n[0] > 0)"'
try "an itimer of a millisecond, EINTR without SA_RESTART" '$RUN $PYTHON -c "
import glob, hashlib, signal
signal.signal(signal.SIGALRM, lambda *a: None); signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, .001, .001)
print([hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest() for _ in range(5)])"'
try "sigaltstack of 8 KiB, a handler that opens and reads" '$RUN perl -e "\$SIG{USR1}=sub{open F,q(<),(glob q(data/c00/*))[0];local \$/;\$x=<F>;print length \$x,qq(\n)}; kill USR1,\$\$ for 1..3"'
try "the job is a shell that waits for a process that is not its child" '$RUN bash -c "$R; tail --pid=\$PPID -f /dev/null & sleep .1; kill \$!; wait \$! 2>/dev/null; echo \$?"'
try "a pipe of jobs, each under opt4 run, the middle one ends early" '$RUN sh -c "cat data/*/*" | $RUN head -c 30000 | $RUN md5sum'
try "a background job disowned, its terminal hung up" 'script -qec "bash -ic \"$RUN sh -c \\\"$R >hup; sleep .5; echo on >>hup\\\" & disown; exit\"" /dev/null >/dev/null; sleep 1.4; cat hup; rm hup'
try "kill -STOP of opt4 run, of its job, CONT of the job only" '$RUN sh -c "$R; sleep .5; echo on" & sleep .4; kill -STOP $!; pkill -STOP -P $!; pkill -CONT -P $!; sleep .4; kill -CONT $!; wait $!; echo $?'
try "eight that start and end at once, half of them killed" 'for i in 1 2 3 4 5 6 7 8; do (timeout -s KILL .$i $RUN sh -c "cat data/*/* >/dev/null; sleep .45") & done; wait; echo all'
try "vfork by posix_spawn with closed descriptors and a new group" '$RUN $PYTHON -c "
import os
pid = os.posix_spawn(\"/bin/sh\", [\"sh\", \"-c\", os.environ[\"R\"]], os.environ, setpgroup=0, file_actions=[(os.POSIX_SPAWN_CLOSE, 0)])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"'
try "clone3 with its own pid namespace by unshare in Python, then fork" '$RUN $PYTHON -c "
import ctypes, os, glob
ctypes.CDLL(None).unshare(0x20000000)
for _ in range(2):
    pid = os.fork()
    if not pid: os._exit(sum(len(open(p, \"rb\").read()) for p in glob.glob(\"data/*/*\")) != 163840)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"'
try "a cgroup that is killed as a whole" 'c=$(mount -t cgroup2 | awk "{print \$3; exit}"); [ -n "$c" ] && mkdir $c/o4x 2>/dev/null && [ -e $c/o4x/cgroup.kill ] && { (sh -c "echo \$\$ >$c/o4x/cgroup.procs; exec $RUN sh -c \"\$R; sleep 9\"") & sleep .7; echo 1 >$c/o4x/cgroup.kill; wait $!; echo $?; sleep .5; rmdir $c/o4x; } || echo none; rmdir $c/o4x 2>/dev/null; true'
try "/dev/shm is remounted read-only, and back" '$RUN unshare -m --propagation private sh -c "$R; mount -o remount,ro /dev/shm; $R; cp -a data d9; cat d9/*/* | md5sum; mount -o remount,rw /dev/shm; $R"; rm -rf d9'
try "/dev/shm without an inode more" '$RUN unshare -m --propagation private sh -c "mount -t tmpfs -o size=64M,nr_inodes=20 tmpfs /dev/shm; $R; $R"'
try "/dev/shm noexec,nosuid,nodev of 1 MiB" 'unshare -m --propagation private sh -c "mount -t tmpfs -o size=1M,noexec,nosuid,nodev tmpfs /dev/shm; $RUN sh -c \"$R; $R\""'
try "/dev/shm is a folder of the disk" 'unshare -m --propagation private sh -c "mkdir -p shmd; mount --bind shmd /dev/shm; $RUN sh -c \"$R; $R\""; rm -rf shmd'
try "a program that maps what it reads, closes, and forks" '$RUN $PYTHON -c "
import glob, mmap, os
maps = [mmap.mmap(os.open(p, os.O_RDONLY), 0, prot=mmap.PROT_READ) for p in sorted(glob.glob(\"data/*/*\"))]
os.closerange(3, 1000)
pid = os.fork()
n = sum(m[0] + m[-1] for m in maps)
pid or os._exit(0)
os.waitpid(pid, 0); print(n)"'
