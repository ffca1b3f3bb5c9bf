# around.sh - what happens to the dataset and the machine while a job runs.
try "a dataset on a bind mount, read-only" 'unshare -m bash -c "mkdir -p b; mount --bind data b; mount -o remount,bind,ro b; ${RUN/root data/root b} sh -c \"cat b/*/* b/*/* | md5sum; touch b/x 2>/dev/null || echo no\""'
try "it becomes read-only in the middle" 'unshare -m bash -c "mkdir -p b; mount --bind data b; ${RUN/root data/root b} sh -c \"cat b/*/* | md5sum; mount -o remount,bind,ro b; cat b/*/* | md5sum\""'
try "another dataset is mounted over it in the middle" 'rm -rf other; cp -r data other; for f in other/*/*; do echo x >>$f; done; sleep .1; unshare -m bash -c "$RUN sh -c \"$R; mount --bind other data; $R; umount data; $R\""; rm -rf other'
try "overlayfs: read, written through, read" 'unshare -m bash -c "mkdir -p ov m; mount -t tmpfs tmpfs ov; mkdir -p ov/u ov/w; mount -t overlay overlay -o lowerdir=data,upperdir=ov/u,workdir=ov/w m; ${RUN/root data/root m} sh -c \"cat m/*/* m/*/* | md5sum; for f in m/c00/*; do echo more >>\\\$f; done; sleep .1; cat m/*/* m/*/* | md5sum\""'
try "overlayfs over a read-only layer only" 'unshare -m bash -c "mkdir -p l m; mount --bind data l; mount -t overlay overlay -o lowerdir=l:data m; ${RUN/root data/root m} sh -c \"cat m/*/* m/*/* | md5sum\""'
have mkfs.ext4 && try "a loop-mounted ext4, remounted ro" 'unshare -m bash -c "truncate -s 20m img; mkfs.ext4 -q img; mkdir -p e; mount -o loop img e 2>/dev/null || exit 9; cp -r data e/; sleep .1; ${RUN/root data/root e\/data} sh -c \"cat e/data/*/* | md5sum; mount -o remount,ro e; cat e/data/*/* | md5sum\"; umount e; rm img"'
try "a dataset on tmpfs, the job's /dev/shm another" 'unshare -m bash -c "mkdir -p tm; mount -t tmpfs tmpfs tm; cp -r data tm/; ${RUN/root data/root tm\/data} sh -c \"cat tm/data/*/* tm/data/*/* | md5sum\""'
try "renamed in the middle, and back" 'rm -rf mv1 mv2; cp -r data mv1; sleep .1; ${RUN/root data/root mv1} sh -c "cat mv1/*/* | md5sum; mv mv1 mv2; cat mv2/*/* | md5sum; mv mv2 mv1; cat mv1/*/* | md5sum"'
try "removed and unpacked anew in the middle" 'rm -rf un; cp -r data un; tar cf un.tar un; sleep .1; ${RUN/root data/root un} sh -c "cat un/*/* | md5sum; rm -rf un; tar xf un.tar; sleep .1; cat un/*/* un/*/* | md5sum"'
try "unpacked anew with other bytes, sizes and times alike" 'rm -rf un; cp -r data un; sleep .1; ${RUN/root data/root un} sh -c "cat un/*/* | md5sum; for f in un/*/*; do t=\$(stat -c %Y \$f); tr a-m n-z <\$f >\$f.new; touch -d @\$t \$f.new; mv \$f.new \$f; done; sleep .1; cat un/*/* un/*/* | md5sum"'
try "files are written over in place while it reads" 'rm -rf in; cp -r data in; sleep .1; ${RUN/root data/root in} sh -c "cat in/*/* | md5sum; for f in in/*/*; do printf new | dd of=\$f conv=notrunc 2>/dev/null; done; sleep .1; cat in/*/* in/*/* | md5sum"'
try "written over by a process outside the job" 'rm -rf in; cp -r data in; sleep .1; (sleep .6; for f in in/*/*; do printf new | dd of=$f conv=notrunc 2>/dev/null; done) & ${RUN/root data/root in} sh -c "cat in/*/* | md5sum; sleep 1.2; cat in/*/* in/*/* | md5sum"; wait'
try "appended to, truncated, made longer" 'rm -rf in; cp -r data in; sleep .1; ${RUN/root data/root in} sh -c "cat in/*/* | md5sum; for f in in/c00/*; do echo x >>\$f; done; truncate -s 7 in/c01/*; truncate -s 9000 in/c02/*; cat in/*/* | md5sum; sleep .1; cat in/*/* | md5sum"'
try "half of the files are removed" 'rm -rf in; cp -r data in; sleep .1; ${RUN/root data/root in} sh -c "cat in/*/* | md5sum; rm in/c0[01]/*; cat in/*/* 2>/dev/null | md5sum; ls in/*/* | wc -l"'
try "links: hard, symbolic, to folders, in a ring, dangling" 'rm -rf ln; cp -r data ln; ln ln/c00/$(ls ln/c00 | head -n1) ln/c01/hard.jpg; ln -s ../c00/$(ls ln/c00 | head -n1) ln/c01/soft.jpg; ln -s c00 ln/c9; ln -s . ln/ring; ln -s nothing ln/c01/dangling.jpg; sleep .1; ${RUN/root data/root ln} sh -c "cat ln/*/*.jpg ln/ring/*/*.jpg 2>/dev/null | md5sum; cat ln/*/*.jpg 2>&1 | md5sum"'
try "names with spaces, newlines, bytes that are no UTF-8, 255 bytes" 'rm -rf nm; mkdir nm; for n in "a b" "a
b" $(printf "\377\376") "$(head -c 251 /dev/zero | tr "\0" x)" "*" "%s%n" "-n"; do printf "%s" "$n" >"nm/$n.jpg"; done; sleep .1; ${RUN/root data/root nm} sh -c "cat ./nm/* ./nm/* | md5sum; ls nm | md5sum"'
try "folders 60 deep" 'rm -rf dp; d=dp; for i in $(seq 60); do d=$d/deep$i; done; mkdir -p $d; cp data/c00/* $d; sleep .1; ${RUN/root data/root dp} sh -c "find dp -type f -exec cat {} + | md5sum; find dp -type f -exec cat {} + | md5sum"'
try "by relative paths from many folders, ../ and //" '$RUN sh -c "cd data/c00; cat ../c01/* ..//c02/* ./* .././../data/c03/* | md5sum; cat ../c01/* | md5sum"'
try "sparse files, empty files, one byte" 'rm -rf sp; mkdir sp; truncate -s 300000 sp/a.jpg; : >sp/b.jpg; printf x >sp/c.jpg; truncate -s 5000000 sp/d.jpg; sleep .1; ${RUN/root data/root sp} sh -c "cat sp/* sp/* | md5sum; wc -c sp/*"'
try "FIFOs, sockets, devices among the images" 'rm -rf ff; cp -r data ff; mkfifo ff/c00/f.jpg; mknod ff/c00/z.jpg c 1 3; sleep .1; ${RUN/root data/root ff} sh -c "(cat data/c01/* >ff/c00/f.jpg &); cat ff/c00/*.jpg | md5sum"'
try "flock and lockf on files of the dataset" '$RUN sh -c "f=data/c00/\$(ls data/c00 | head -n1); cat \$f >/dev/null; flock -n \$f sh -c \"flock -n \$f true || echo held; cat \$f | md5sum\""'
try "a program of the dataset is run, mapped, copied" 'rm -rf px; mkdir px; cp $(command -v true) px/t.jpg; sleep .1; ${RUN/root data/root px} sh -c "cat px/t.jpg >/dev/null; px/t.jpg; echo \$?; cp px/t.jpg px/u.jpg; px/u.jpg; echo \$?; px/t.jpg >px/t.jpg"; echo $?' 
try "cp -a, mv, rsync-like renames while it reads" 'rm -rf in; cp -r data in; sleep .1; ${RUN/root data/root in} sh -c "cat in/*/* | md5sum; cp -a in in2; for f in in/c00/*; do cp \$f \$f.tmp; echo y >>\$f.tmp; mv -f \$f.tmp \$f; done; cat in/*/* in2/*/* | md5sum; rm -r in2"'
try "the dataset is not there yet, the job makes it" 'rm -rf later; ${RUN/root data/root later} sh -c "cp -r data later; sleep .1; cat later/*/* later/*/* | md5sum"; rm -rf later'
try "the root is a link that is switched to a new version" 'rm -rf v1 v2 cur; cp -r data v1; cp -r data v2; for f in v2/*/*; do echo 2 >>$f; done; ln -s v1 cur; sleep .1; ${RUN/root data/root cur} sh -c "cat cur/*/* | md5sum; ln -sfn v2 cur; cat cur/*/* cur/*/* | md5sum"'
try "two users read one dataset, each with a session" '(setpriv --reuid 65534 --clear-groups $RUN sh -c "$R" >o1) & $RUN sh -c "$R" >o2; wait; cat o1 o2'
try "nested: opt4 run of a script that runs opt4 run twice" '$RUN sh -c "$RUN sh -c \"$R\"; $RUN sh -c \"$R; exit 3\"; echo \$?"'
try "nohup, setsid, disown: it goes on when its shell has gone" 'rm -f done; bash -c "nohup setsid $RUN sh -c \"sleep .5; $R >done\" >/dev/null 2>&1 & disown"; sleep 1.2; cat done'
try "a daemon: two forks, setsid, all descriptors closed" 'rm -f done; $RUN $PYTHON -c "import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 999); here = os.getcwd(); os.chdir(\"/\"); time.sleep(.4)
import glob
n = sum(len(open(p, \"rb\").read()) for p in glob.glob(here + \"/data/*/*\")); os.write(os.open(here + \"/done\", 65), b\"%d\" % n)"; sleep 1.2; cat done'
have daemonize && try "daemonize(1)" 'rm -f done; daemonize -c "$PWD" $(command -v bash) -c "$RUN sh -c \"$R >done\""; sleep 1; cat done'
have start-stop-daemon && try "start-stop-daemon, stopped by its number" 'start-stop-daemon --start --background --make-pidfile --pidfile $PWD/pd --chdir $PWD --startas $(command -v bash) -- -c "exec $RUN sleep 50"; sleep .7; start-stop-daemon --stop --retry 3 --pidfile $PWD/pd >/dev/null; echo $?; rm -f pd'
have tmux && try "tmux, killed with its session" 'tmux -L o4 new-session -d "$RUN sh -c \"$R >seen; sleep 30\""; sleep 1; cat seen; tmux -L o4 kill-server; sleep .4; pgrep -cx sleep; rm -f seen'
have screen && try "screen -dmS, quit" 'screen -dmS o4 $RUN sh -c "$R >seen; sleep 30"; sleep 1; cat seen; screen -S o4 -X quit >/dev/null; sleep .4; rm -f seen'
have make && try "make -j of opt4 runs, a job server" 'printf "all: 1 2 3 4\n1 2 3 4:\n\t+@%s sh -c \"\$\$R >m\$@\"\n" "$RUN" >mk2; make -s -j3 -f mk2; cat m1 m2 m3 m4 | sort -u; rm -f mk2 m?'
try "a clock that is set back while it runs" 'unshare -T --monotonic 500 --boottime 500 -f $RUN sh -c "$R"'
"$PYTHON" -c "import ipykernel, jupyter_client" 2>/dev/null && try "a notebook's kernel, restarted" '$RUN $PYTHON -c "
import jupyter_client
m, c = jupyter_client.manager.start_new_kernel()
def run(code):
    c.execute_interactive(code, timeout=20, output_hook=lambda x: print(x[\"content\"].get(\"text\", \"\"), end=\"\") if x[\"msg_type\"] == \"stream\" else None)
run(\"import glob; print(sum(len(open(p, \\\"rb\\\").read()) for p in glob.glob(\\\"data/*/*\\\")))\"); m.restart_kernel(now=True); c.wait_for_ready(timeout=20); run(\"print(1)\"); m.shutdown_kernel(now=True)"'
try "memory is short for a moment: a balloon of half a GB comes and goes" '$RUN sh -c "$R; $PYTHON -c \"b = bytearray(1 << 29)\"; $R"'
try "a read that is interrupted by signals all the time" '$RUN $PYTHON -c "
import glob, hashlib, signal
signal.signal(14, lambda *a: None); signal.setitimer(signal.ITIMER_REAL, .0005, .0005)
print(hashlib.md5(b\"\".join(open(p, \"rb\").read() for _ in range(5) for p in sorted(glob.glob(\"data/*/*\")))).hexdigest())"'
try "eight threads read, a ninth forks" '$RUN $PYTHON -W ignore -c "
import glob, hashlib, os, threading
out = [0] * 8
def read(i): out[i] = hashlib.md5(b\"\".join(open(p, \"rb\").read() for _ in range(3) for p in sorted(glob.glob(\"data/*/*\")))).hexdigest()
ts = [threading.Thread(target=read, args=(i,)) for i in range(8)]; [t.start() for t in ts]
for _ in range(20):
    p = os.fork()
    if not p: os._exit(0)
    os.waitpid(p, 0)
[t.join() for t in ts]; print(set(out))"'
