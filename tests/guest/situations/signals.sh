# signals.sh - signals, process groups, terminals, tracers.

try "kill 0 in a job that leads its group" 'setsid -w $RUN sh -c "trap \"echo got\" TERM; $R; kill -TERM 0; echo after"'
try "kill 0 by a shell that runs the job" 'setsid -w bash -c "trap \"\" USR1; \$RUN sh -c \"trap \\\"echo got; exit 4\\\" USR1; sleep 3 & wait\" & sleep .6; kill -USR1 0; wait \$!; echo \$?"'
try "timeout -k: TERM is ignored, KILL ends it" 'timeout -k .3 .4 $RUN sh -c "trap \"\" TERM; $R; sleep 9; sleep 9"; echo $?; sleep .3; pgrep -cx sleep'
try "timeout --foreground" 'timeout --foreground .5 $RUN sh -c "$R; exec sleep 20"'
try "timeout within the job" '$RUN sh -c "$R; timeout .3 sleep 20; echo \$?"'
try "timeout -s KILL" 'timeout -s KILL .5 $RUN sleep 20'
try "job control: bg, fg, kill %1, wait" 'bash -mc "$RUN sh -c \"$R; sleep .4; exit 5\" & jobs -r | wc -l; wait %1; echo \$?; $RUN sleep 20 & sleep .4; kill %2; wait %2; echo \$?"'
try "wait -n over three jobs" 'for i in 1 2 3; do $RUN sh -c "sleep .$((i * 2)); exit $i" & done; for i in 1 2 3; do wait -n; echo $?; done'
try "SIGINT is ignored by who starts it" 'trap "" INT; $RUN sh -c "kill -INT \$\$; $R"'
try "Ctrl-C at a shell script: script and job end" 'setsid -w bash -c "trap \"echo script\" INT; $RUN sh -c \"trap \\\"echo job; exit 3\\\" INT; sleep 2 & wait\" & sleep .5; kill -INT -\$\$; wait \$!; echo \$?"'
try "SIGSEGV: status 139, no core of opt4's" 'ulimit -c 0; $RUN sh -c "$R; kill -SEGV \$\$"'
try "a real fault in Python, faulthandler's report" '$RUN $PYTHON -X faulthandler -c "import ctypes; ctypes.string_at(8)" 2>&1 | grep -c "Fatal Python error: Segmentation fault"; echo ${PIPESTATUS[0]}'
try "abort(): status 134" '$RUN $PYTHON -c "import os; os.abort()"'
try "SIGQUIT to its number" '$RUN sh -c "ulimit -c 0; exec sleep 20" & sleep .5; kill -QUIT $!; wait $!'
try "an alarm that who starts it has set" '$PYTHON -c "import os, signal, sys
signal.alarm(1); os.execvp(sys.argv[1], sys.argv[1:])" $RUN sh -c "$R; exec sleep 20"'
try "an interval timer in the job" '$RUN $PYTHON -c "import signal, time
n = []; signal.signal(signal.SIGALRM, lambda *a: n.append(1)); signal.setitimer(signal.ITIMER_REAL, .05, .05)
while len(n) < 5: signal.pause()
print(len(n))"'
try "ulimit -t: SIGXCPU ends it" 'ulimit -t 1; $RUN $PYTHON -c "while True: pass"'
try "ulimit -t, soft: the handler is called" '$RUN $PYTHON -c "import resource, signal, sys, time
signal.signal(signal.SIGXCPU, lambda *a: (print(1), sys.exit(0)))
resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1, 30))
while True: pass"'
try "ulimit -f: SIGXFSZ" '$RUN sh -c "ulimit -f 1; $R; head -c 99999 /dev/zero >big"; stat -c %s big; rm -f big'
try "a parent-death signal that who starts it has asked for" 'sh -c "setpriv --pdeathsig TERM \$RUN sh -c \"trap \\\"echo orphaned >word; exit\\\" TERM; sleep 5 & wait\" & sleep .6; kill -9 \$\$" 2>/dev/null; sleep .6; cat word; rm -f word'
try "the job asks for a parent-death signal" '$RUN setpriv --pdeathsig KILL sh -c "$R; exec sleep 20" & sleep .6; kill -9 $!; wait $! 2>/dev/null; sleep .2; pgrep -cx sleep'
try "the whole group is stopped and continued" 'setsid $RUN sh -c "$R; sleep .5; echo on" & sleep .3; for i in 1 2 3; do kill -STOP -$!; sleep .05; kill -CONT -$!; sleep .05; done; wait $!'
try "the job stops itself, somebody continues it" '$RUN sh -c "kill -STOP \$\$; $R; exit 6" & p=$!; for i in $(seq 40); do sleep .1; kill -CONT $p 2>/dev/null || break; done; wait $p'
try "a child is killed, the job reads its status" '$RUN sh -c "sleep 20 & kill -9 \$!; wait \$!; echo \$?; $R"'
try "trap EXIT and TERM to its number" '$RUN bash -c "trap \"echo left\" EXIT; trap \"exit 7\" TERM; sleep 5 & wait" & sleep .5; kill $!; wait $!'
try "trap CHLD counts the children" '$RUN bash -c "set -m; n=0; trap \"n=\\\$((n + 1))\" CHLD; /bin/true; /bin/true; $R; echo \$n"'
try "KeyboardInterrupt: one traceback, the status" 'env --default-signal=INT $RUN $PYTHON -c "import time
print(1, flush=True); time.sleep(9)" >out 2>&1 & sleep .8; kill -INT $!; wait $!; echo $?; grep -c "^KeyboardInterrupt" out'
try "sigwait() for what is blocked" '$RUN $PYTHON -c "import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [10]); print(1, flush=True); print(signal.sigwait([10]))" & sleep .8; kill -USR1 $!; wait $!'
try "what who starts it has blocked and pending" 'env --block-signal=USR2,34 sh -c "kill -USR2 \$\$; kill -34 \$\$; exec \"\$@\"" sh $RUN $PYTHON -c "import signal; print(sorted(map(int, signal.sigpending())))"'
try "set_wakeup_fd gets each number" '$RUN $PYTHON -c "import os, signal, socket, time
a, b = socket.socketpair(); a.setblocking(False); signal.set_wakeup_fd(a.fileno()); signal.signal(10, lambda *x: 0)
for i in range(3): os.kill(os.getpid(), 10); time.sleep(.01)
print(b.recv(9))"'
try "faulthandler.register(USR1) from outside" '$RUN $PYTHON -c "import faulthandler, time
faulthandler.register(10); print(1, flush=True); time.sleep(1.5)" 2>out & sleep .9; kill -USR1 $!; wait $!; grep -c "most recent call first" out'
try "faulthandler.dump_traceback_later" '$RUN $PYTHON -c "import faulthandler, time
faulthandler.dump_traceback_later(.2); time.sleep(.5)" 2>&1 | grep -c "Timeout"'
try "a signal to a thread of the job" '$RUN $PYTHON -c "import signal, threading, time
n = []; signal.signal(10, lambda *a: n.append(threading.current_thread() is threading.main_thread()))
t = threading.Thread(target=time.sleep, args=(.4,)); t.start(); signal.pthread_kill(t.ident, 10); t.join(); print(n)"'
try "the job makes a group of its own, and it is killed" '$RUN $PYTHON -c "import os, time
os.setpgrp(); open(\"group\", \"w\").write(str(os.getpid())); time.sleep(20)" & sleep .9; kill -TERM -$(cat group); wait $!; rm -f group'
try "the job leads a session of its own" '$RUN setsid -w sh -c "$R; exit 9"'
try "timeout -s USR1 in a group of several" 'setsid -w bash -c "timeout -s USR1 .5 $RUN sh -c \"trap \\\"echo u; exit 2\\\" USR1; sleep 3 & wait\" | cat"'
try "TERM right after the start" 'for i in 1 2 3 4 5; do $RUN sleep 20 & kill -TERM $!; wait $!; echo $?; done'
try "TERM near the end: one or the other" 'for i in 1 2 3 4 5; do $RUN sleep .05 & sleep .05; kill -TERM $! 2>/dev/null; wait $!; case $? in 0|143) echo well;; esac; done'
try "the job ignores TERM and goes on" '$RUN sh -c "trap \"\" TERM; sleep .8; $R" & sleep .4; kill $!; wait $!'
try "os.killpg of a child's session" '$RUN $PYTHON -c "import os, subprocess, time
p = subprocess.Popen([\"sh\", \"-c\", \"sleep 20 & sleep 20\"], start_new_session=True); time.sleep(.2); os.killpg(p.pid, 15); print(p.wait())"'
try "multiprocessing: terminate(), exitcode" '$RUN $PYTHON -c "import multiprocessing as mp, time
if __name__ == \"__main__\":
    p = mp.Process(target=time.sleep, args=(20,)); p.start(); p.terminate(); p.join(); print(p.exitcode)"'
try "a pool's worker is killed" '$RUN $PYTHON -c "import concurrent.futures as f, os, signal
def die(): os.kill(os.getpid(), 9)
if __name__ == \"__main__\":
    with f.ProcessPoolExecutor(2) as e:
        try: e.submit(die).result()
        except f.process.BrokenProcessPool: print(\"broken\")"'
try "asyncio: a signal handler and a subprocess" '$RUN $PYTHON -c "import asyncio, os, signal
async def main():
    got = asyncio.Event(); asyncio.get_running_loop().add_signal_handler(10, got.set)
    p = await asyncio.create_subprocess_exec(\"sh\", \"-c\", \"kill -USR1 \$PPID; exit 3\"); await got.wait(); print(await p.wait())
asyncio.run(main())"'
try "SIGPIPE: yes | head" '$RUN sh -c "yes | head -n 2; $R"'
try "SIGTTIN: it reads a terminal from the background" 'script -qec "bash -mc \"$RUN cat & sleep .8; jobs -s | wc -l; kill -9 %1\"" /dev/null </dev/null 2>/dev/null | tr -d "\r" | grep -x "[0-9]*"'
try "a window's size changes" 'script -qec "$RUN bash -c \"trap \\\"echo size\\\" WINCH; stty rows 40; sleep .3; stty rows 50; sleep .3; $R\"" /dev/null </dev/null | tr -d "\r"'
have gdb && try "gdb runs a part of the job" '$RUN gdb -q -batch -ex run --args $(command -v cat) data/*/* 2>/dev/null | grep -ac "exited normally"'
have gdb && try "gdb attaches to the job and lets go" '$RUN $PYTHON -c "import os, time
open(\"number\", \"w\").write(str(os.getpid())); time.sleep(2.5); print(\"on\")" & sleep .8; gdb -q -batch -p $(cat number) -ex detach >/dev/null 2>&1; echo $?; wait $!; rm -f number'
have gcore && try "gcore of the job" '$RUN $PYTHON -c "import os, time
open(\"number\", \"w\").write(str(os.getpid())); time.sleep(2.5); print(\"on\")" & sleep .8; gcore -o core $(cat number) >/dev/null 2>&1; echo $?; rm -f core.* number; wait $!'
have strace && try "strace -f -c" 'strace -f -c -o /dev/null $RUN sh -c "$R; exit 3"'
have strace && try "strace attaches to the running job" '$RUN $PYTHON -c "import os, time
open(\"number\", \"w\").write(str(os.getpid())); time.sleep(1.5); print(\"on\")" & sleep .7; timeout -s INT .4 strace -f -o /dev/null -p $(cat number) 2>/dev/null; wait $!; rm -f number'
have ltrace && try "ltrace of the job" '$RUN ltrace -o /dev/null -e getenv sh -c "$R; exit 3"'
have valgrind && try "valgrind of the job" '$RUN valgrind -q cat data/*/* | md5sum'
have perf && try "perf stat of all of it" 'perf stat -o /dev/null $RUN sh -c "$R; exit 3"'
have perf && try "perf record -g" 'perf record -q -g -o perf.data $RUN sh -c "$R; exit 3" >out; echo $?; cat out; rm -f perf.data'
try "a tracer that lets each process run on, all descendants waited for" '$PYTHON $HERE/reaper.py "$RUN sh -c \"$R; sleep .2 & exit 3\""'
