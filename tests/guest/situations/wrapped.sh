# wrapped.sh - what is put around or into a job: users, namespaces, limits, environments, tools, other preloads.
try "nice, ionice, chrt, taskset, timeout, env, stdbuf around it" 'nice -n 3 ionice -c 3 chrt -b 0 taskset -c 0 timeout 20 env A=1 stdbuf -oL $RUN sh -c "$R; nice"'
have numactl && try "numactl around it" 'numactl --localalloc $RUN sh -c "$R"'
try "nice, timeout, env, stdbuf within it" '$RUN nice -n 3 timeout 20 env A=1 stdbuf -o0 sh -c "$R; nice"'
try "bash's time" 'bash -c "TIMEFORMAT=timed; time $RUN sh -c \"$R\"" 2>&1'
try "exec -a: another name" '$RUN bash -c "exec -a strange sh -c \"$R; echo \\\$0\""'
try "exec from program to program" '$RUN sh -c "exec bash -c \"exec $PYTHON -c \\\"import os; os.execvp(\\\\\\\"sh\\\\\\\", [\\\\\\\"sh\\\\\\\", \\\\\\\"-c\\\\\\\", os.environ[\\\\\\\"R\\\\\\\"]])\\\"\""'
try "a script without #!, by a shell" 'printf "$R\nexit 4\n" >plain.sh; chmod +x plain.sh; $RUN ./plain.sh'
try "a script with #!, a space in its name" 'printf "#!/bin/sh\n$R\nexit 4\n" >"a b.sh"; chmod +x "a b.sh"; $RUN "./a b.sh"'
try "no such program: 127" '$RUN /nonsuch/program'
try "a folder as program: 126" '$RUN ./data'
try "a file that may not be run: 126" 'echo >norun; $RUN ./norun'
for n in 0 1 2 42 126 127 128 255; do try "exit $n" "\$RUN sh -c 'exit $n'"; done
try "20,000 arguments" '$RUN sh -c "echo \$#" sh $(seq 20000)'
try "an argument of 120,000 bytes, arguments that are empty" '$RUN sh -c "echo \${#1} \${#2} \$#" sh "$(head -c 120000 /dev/zero | tr "\0" x)" "" ""'
try "2,000 variables in the environment" 'for i in $(seq 2000); do export V$i=$i; done; $RUN sh -c "echo \$V1999; $R"'
try "env -i" 'env -i $RUN /bin/sh -c "$R"'
try "env -i within it" '$RUN env -i /bin/sh -c "$R"'
try "cron: another PATH, HOME and no terminal" 'cd /; env -i SHELL=/bin/sh PATH=/usr/bin:/bin HOME=/ LOGNAME=root setsid -w ${RUN/root data/root $OLDPWD/data} sh -c "cd $OLDPWD; $R" </dev/null'
try "HOME unset, USER unset, LANG odd" 'unset HOME USER LOGNAME; LANG=xx_YY.odd LC_ALL=zz $RUN sh -c "$R"'
try "PATH unset" 'p=$(command -v sh); unset PATH; $RUN $p -c "/bin/cat data/*/* | /usr/bin/md5sum"'
try "OPT4_ variables that are nonsense" 'export OPT4_PREFETCH=many OPT4_CACHE=-3 OPT4_REVALIDATE=x OPT4_POLICY=best OPT4_LOG=/nonsuch/x OPT4_MATCH=:::; $RUN sh -c "$R"'
try "the current folder is removed" 'mkdir gone; cd gone; rmdir ../gone; ${RUN/root data/root $OLDPWD/data} sh -c "cat $OLDPWD/data/*/* | md5sum"; cd ..'
try "the job removes its folder" 'mkdir -p gone; $RUN sh -c "cd gone; rmdir ../gone; cat $PWD/data/*/* | md5sum; ls | wc -l"'
try "stdin closed" '$RUN sh -c "$R; read x || echo none" <&-'
try "stdout closed: the same error" '$RUN sh -c "$R; echo \$?" >&-'
try "a high descriptor, inherited" 'exec 99<data/c00/$(ls data/c00 | head -n 1); $RUN bash -c "md5sum <&99; $R"'
try "a descriptor on a dataset file, inherited and half read" 'exec 7<data/c00/$(ls data/c00 | head -n 1); head -c 100 <&7 | md5sum; $RUN sh -c "md5sum <&7; md5sum <&7"'
try "stdin is a file of the dataset" '$RUN sh -c "md5sum; $R" <data/c00/$(ls data/c00 | head -n 1)'
try "a here-document and a pipe" '$RUN sh -c "cat; $R" <<<hello | cat'
try "process substitution" '$RUN bash -c "cat <(cat data/*/*) | tee >(md5sum >ps) | md5sum; sleep .3; cat ps"'
try "umask 077" 'umask 077; $RUN sh -c "$R; umask; touch made; stat -c %a made; rm made"'
try "umask 0" 'umask 0; $RUN sh -c "$R; umask; touch made; stat -c %a made; rm made"'
try "umask 777" 'umask 777; $RUN sh -c "$R; umask"'
for l in "-n 40" "-s 256" "-l 0" "-c 0" "-q 0" "-i 64" "-x 1000" "-r 0"; do try "ulimit $l" "ulimit $l; \$RUN bash -c \"\$R; ulimit ${l% *}\""; done
try "ulimit -n 1000000" 'ulimit -n 1000000; $RUN sh -c "$R; ulimit -n"'
try "ulimit -v 1000000, Python" 'ulimit -v 1000000; $RUN $PYTHON -c "import hashlib, glob; print(hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest())"'
try "prlimit in the middle: no descriptor more" '$RUN $PYTHON -c "import glob, resource
n = 0
for i, p in enumerate(sorted(glob.glob(\"data/*/*\"))):
    if i == 9: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
    n += len(open(p, \"rb\").read())
print(n)"'
try "the job has every descriptor open" '$RUN $PYTHON -c "import glob, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); held = []; n = 0
try:
    while True: held.append(open(\"/dev/null\"))
except OSError as e: print(e.errno)
held.pop()
for p in sorted(glob.glob(\"data/*/*\")): n += len(open(p, \"rb\").read())
print(n)"'
have sudo && try "sudo -u another user" 'sudo -u nobody $RUN sh -c "$R; id -un"'
have sudo && try "sudo within it, which clears the environment" '$RUN sudo -u nobody sh -c "$R; id -un"'
try "su within it" '$RUN su -s /bin/sh nobody -c "$R"'
try "runuser around it" 'runuser -u nobody -- $RUN sh -c "$R; id -un"'
try "setpriv: no new privileges, no capabilities" 'setpriv --no-new-privs --bounding-set=-all --inh-caps=-all $RUN sh -c "$R"'
try "a dataset of which some may not be read" 'rm -rf some; cp -r data some; chmod 600 some/c00/*; chmod 000 some/c01; sleep .1; setpriv --reuid 65534 --clear-groups ${RUN/root data/root some} sh -c "cat some/*/* 2>/dev/null | md5sum; cat some/*/* 2>/dev/null | md5sum"; chmod 755 some/c01; rm -rf some'
try "a setuid program in the job" 'cp $(command -v cat) suidcat; chown 65534 suidcat; chmod 4755 suidcat; $RUN sh -c "./suidcat data/*/* | md5sum"; rm -f suidcat'
try "the job drops root in the middle" '$RUN $PYTHON -c "import glob, hashlib, os
def read(): return hashlib.md5(b\"\".join(open(p, \"rb\").read() for p in sorted(glob.glob(\"data/*/*\")))).hexdigest()
print(read()); os.setgroups([]); os.setgid(65534); os.setuid(65534); print(read(), read())"'
for f in -p -U -i -u -n -C "-U -r" "-U -r -p -f --mount-proc -m" "-m -p -f --mount-proc"; do
	try "unshare $f around it" "unshare ${f/-p/-p -f} \$RUN sh -c \"\$R\""
	try "unshare $f within it" "\$RUN unshare ${f/-p/-p -f} sh -c \"\$R\""
done
try "setns by nsenter into a mount namespace" 'unshare -m sleep 3 & sleep .3; $RUN nsenter -t $! -m --wd="$PWD" sh -c "$R"; kill $!'
try "chroot into a copy of the system by bind mounts" 'unshare -m bash -c "mkdir -p r; mount --rbind / r; $RUN chroot r sh -c \"cd $PWD; $R\""'
try "pivot_root" 'unshare -m bash -c "mkdir -p r; mount --rbind / r; cd r; mkdir -p tmp/old.$$; $RUN sh -c \"pivot_root . tmp/old.$$; cd $PWD; $R\""'
have bwrap && try "bubblewrap, read-only, its own /dev, /proc, pids" 'bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --chdir "$PWD" $RUN sh -c "$R"'
have bwrap && try "bubblewrap within it" '$RUN bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent --chdir "$PWD" sh -c "$R"'
have proot && try "proot" 'proot $RUN sh -c "$R"'
have fakeroot && try "fakeroot" 'fakeroot $RUN sh -c "$R; id -u"'
have tini && try "tini -s around it" 'tini -s -- $RUN sh -c "$R; (sleep .2 &); exit 4"'
have tini && try "tini as process 1 of a container" 'unshare -p -f --mount-proc tini -g -- $RUN sh -c "$R; exit 4"'
have dumb-init && try "dumb-init, TERM" 'dumb-init $RUN sh -c "trap \"echo t; exit 3\" TERM; $R; sleep 3 & wait" & sleep .6; kill $!; wait $!'
try "it is process 1 of a container itself, with orphans" 'unshare -p -f --mount-proc $RUN sh -c "$R; (sleep .2; true) & (setsid sleep .1 &) ; exit 4"'
have perl && try "perl reads the dataset" '$RUN perl -MDigest::MD5 -e "my \$d = Digest::MD5->new; for (sort glob q(data/*/*)) { open my \$f, q(<:raw), \$_; \$d->addfile(\$f) } print \$d->hexdigest, qq(\n)"'
have busybox && try "busybox" '$RUN busybox sh -c "busybox cat data/*/* | busybox md5sum"'
try "awk, sed, grep, sort, wc, od, dd, cmp, tar, xxd" '$RUN bash -c "awk 1 data/*/* | md5sum; sed \"\" data/*/* | md5sum; grep -ca . data/*/* | md5sum; sort data/*/* | md5sum; wc data/*/* | md5sum; od data/*/* | md5sum; tar cf - --sort=name data | tar xOf - | md5sum; for f in data/*/*; do dd if=\$f bs=777 2>/dev/null; cmp \$f \$f; done | md5sum"'
try "make -j4, a file a target" 'printf "all: \$(patsubst %%,%%.sum,\$(wildcard data/*/*))\n%%.sum: %%\n\t@md5sum <\$< >\$(subst /,_,\$@)\n" >mk; $RUN make -s -j4 -f mk; cat *.sum | md5sum; rm -f *.sum mk'
have parallel && try "GNU parallel of jobs" 'ls -d data/*/* | parallel --will-cite -j4 -k $RUN md5sum'
try "find -exec, xargs -P within it" '$RUN sh -c "find data -type f -exec md5sum {} + | sort | md5sum; find data -type f -print0 | xargs -0 -P4 -n3 md5sum | sort | md5sum"'
try "a script that runs python five times, two at a time" '$RUN bash -c "for i in 1 2 3 4 5; do $PYTHON -c \"import glob; print(sum(len(open(p, \\\"rb\\\").read()) for p in glob.glob(\\\"data/*/*\\\")))\" & [ \$((i % 2)) = 1 ] || wait; done; wait" | tr "\n" " " | tr -d " " | fold -w 6'
try "python -I -S -E -B -O" '$RUN $PYTHON -I -S -E -B -O -c "import sys; print(len(open(sys.argv[1], \"rb\").read()))" $(ls -d data/*/* | head -n 1)'
try "python from stdin, interactive" '$RUN $PYTHON -i -q <<<"import glob; print(len(glob.glob(\"data/*/*\")))" 2>/dev/null'
try "python -m pdb" '$RUN $PYTHON -m pdb -c continue -c quit $HERE/../dataset.py --help 2>&1 | md5sum'
try "python -m cProfile, trace, timeit: the functions that are counted" '$RUN $PYTHON -m cProfile -s name -c "sum(range(9))" | grep -v seconds | md5sum; echo "x = 1" >t.py; $RUN $PYTHON -m trace --count --summary -C cover t.py | md5sum; ls cover | md5sum; rm -rf cover t.py'
try "python -X importtime, -v: what is imported" '$RUN $PYTHON -X importtime -c "import json" 2>&1 | sed "s/.*| //" | md5sum; $RUN $PYTHON -v -c 1 2>&1 | grep -c "^import"'
try "python -W error, -X dev, PYTHONMALLOC=debug" 'PYTHONMALLOC=debug $RUN $PYTHON -W error -X dev -c "import glob; print(sum(len(open(p, \"rb\", 0).readall()) for p in []))" 2>&1'
try "PYTHONPATH, PYTHONHOME, PYTHONSTARTUP, PYTHONSAFEPATH as they are" 'PYTHONPATH=/a:/b PYTHONSAFEPATH=1 $RUN $PYTHON -c "import sys; print(sys.path)"'
try "a sitecustomize and a usercustomize of the user's own" 'mkdir -p own; echo "print(\"own\")" >own/sitecustomize.py; PYTHONPATH=own $RUN $PYTHON -c "import sys; print(sys.modules[\"sitecustomize\"].__file__)"; rm -rf own'
try "sys.modules, meta_path's kinds, threads, atexit" '$RUN $PYTHON -c "import atexit, sys, threading; print(sorted(sys.modules), threading.active_count(), atexit._ncallbacks())" | md5sum'
try "venv and pip in it" '$RUN $PYTHON -m venv --without-pip v >/dev/null; $RUN v/bin/python -c "import sys; print(sys.prefix != sys.base_prefix)"; rm -rf v'
try "LD_LIBRARY_PATH with odd entries" 'LD_LIBRARY_PATH=:/nonsuch::.:$PWD $RUN sh -c "$R"'
try "LD_BIND_NOW, LD_DEBUG=statistics to a file, GLIBC_TUNABLES" 'LD_BIND_NOW=1 GLIBC_TUNABLES=glibc.malloc.check=3 MALLOC_PERTURB_=85 LD_DEBUG=statistics LD_DEBUG_OUTPUT=/tmp/lddbg $RUN sh -c "$R"; rm -f /tmp/lddbg*'
for lib in /usr/lib/*/libjemalloc.so.2 /usr/lib/*/libtcmalloc_minimal.so.4 /usr/lib/*/faketime/libfaketime.so.1 /usr/lib/*/libSegFault.so /usr/libexec/coreutils/libstdbuf.so; do
	[ -e "$lib" ] && try "LD_PRELOAD: $(basename "$lib")" "LD_PRELOAD=$lib \$RUN sh -c \"\$R\"; LD_PRELOAD=$lib \$RUN \$PYTHON -c 'import glob; print(sum(len(open(p, \"rb\").read()) for p in glob.glob(\"data/*/*\")))'; \$RUN env LD_PRELOAD=$lib sh -c \"\$R\""
done
try "LD_PRELOAD of what is not there" 'LD_PRELOAD=/nonsuch.so $RUN sh -c "$R"'
have faketime && try "faketime: a year ahead, and a clock twice as fast" 'faketime "2030-01-01 00:00:00" $RUN sh -c "$R; date +%Y"; faketime -f "+0 x2" $RUN sh -c "$R"'
have faketime && try "faketime within it: 1999" '$RUN faketime "1999-01-01 00:00:00" sh -c "$R; date +%Y"'
try "a dataset from the future, one from 1960" 'rm -rf old; cp -r data old; find old -name "*0*" -exec touch -d 2050-01-01 {} +; find old -name "*1*" -exec touch -d 1960-01-01 {} +; ${RUN/root data/root old} sh -c "cat old/*/* old/*/* | md5sum; stat -c %Y old/*/* | md5sum"; rm -rf old'
try "seccomp: what Docker's default profile denies" '$RUN $PYTHON -c "import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(len(os.listdir(\"data\")))"; $FILTER deny $RUN $PYTHON -c "import glob; print(sum(len(open(p, \"rb\").read()) for p in glob.glob(\"data/*/*\")))"'
try "inotify sees the accesses" '$RUN $PYTHON -c "import ctypes, glob, os
c = ctypes.CDLL(None); fd = c.inotify_init(); c.inotify_add_watch(fd, b\"data/c00\", 0x20); n = 0
for p in sorted(glob.glob(\"data/c00/*\")): open(p, \"rb\").read(); n += 1
print(len(os.read(fd, 99999)) > n)"'
