"""signals.py HEARD WAY TRIES [PREFIX...]: runs `PREFIX... HEARD` (with no prefix: plain), sends it signals the way that is named and
prints each try's counts as `{signal: times}`, sorted and counted: `TIMES_SEEN {...}` a line. Ways:
  pid       to the number that was started      group     to its process group
  session   the same, where it leads a session  typed     Ctrl-C, Ctrl-\\ and a new window size at a terminal
  each      to every process below, one by one, as who ends a cgroup does
  start     to the group, at a random moment within the first 30 ms; only signals 34 and 35 are looked at
  queue     sigqueue() of a value to the number
  timeout   by timeout(1), which sends TERM to the number and to the group
  name      pkill -f with what the command line says"""

import collections, ctypes, fcntl, os, pty, random, re, signal, struct, subprocess, sys, termios, time

heard, way, tries, prefix = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
SECONDS = f"1.2{os.getpid():08}"     # no other's command line is like it
libc = ctypes.CDLL(None, use_errno=True)


def below(pid):
    """That process and all its descendants, oldest first."""
    all_, parents = [pid], {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/stat") as f:
                    parents[int(p)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    for p in all_:
        all_ += sorted(c for c, parent in parents.items() if parent == p)
    return all_


def settled(pids):
    """Until nothing that was sent waits at one of them: a second of the same kind would be the first, on a busy machine."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            texts = [open(f"/proc/{pid}/status").read() for pid in pids]
        except OSError:
            return
        if not any(int(x, 16) for text in texts for x in re.findall(r"^S..Pnd:\s*(\w+)", text, re.M)):
            return
        time.sleep(.002)


def at_once(on):
    """The way from one process to the next is not interrupted by others that want to run."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO if on else os.SCHED_OTHER, os.sched_param(1 if on else 0))
    except OSError:
        pass


def send(p, fd, heard_pid):
    if way in ("pid", "group", "session", "each"):
        for sig in (10, 12, 15, 2, 1, 28, 34, 35):
            for _ in range(2):
                if way == "pid":
                    os.kill(p.pid, sig)
                elif way == "each":
                    all_ = below(p.pid)
                    at_once(True)
                    for q in all_:
                        try:
                            os.kill(q, sig)
                        except ProcessLookupError:
                            pass
                    at_once(False)
                else:
                    os.killpg(p.pid, sig)
                time.sleep(.03)
                settled([p.pid, heard_pid])
    elif way == "typed":
        for key in b"\x03\x1c\x03":
            os.write(fd, bytes([key]))
            time.sleep(.05)
            settled([p.pid, heard_pid])
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    elif way == "queue":
        for sig, value in ((34, 4711), (35, 815), (34, 4712)):
            libc.sigqueue(p.pid, sig, ctypes.c_void_p(value))
            time.sleep(.05)
            settled([p.pid, heard_pid])
    elif way == "name":
        subprocess.run(["pkill", "-USR1", "-f", "heard " + SECONDS])


def once():
    seconds = {"timeout": "1", "start": ".3"}.get(way, SECONDS)
    args = prefix + [heard, seconds] + (["34", "35"] if way == "start" else ["2", "3", "28"] if way == "typed" else [])
    fd = None
    if way == "timeout":
        args = ["timeout", "-s", "TERM", ".4"] + args
    if way == "typed":
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp(args[0], args)
        p = type("P", (), {"pid": pid})
        out = b""
        while b"ready" not in out:
            out += os.read(fd, 999)
        time.sleep(.1)
        send(p, fd, int(re.search(rb"ready (\d+)", out)[1]))
        try:
            while True:
                out += os.read(fd, 999)
        except OSError:
            pass
        os.waitpid(pid, 0)
        out = out.decode()
    else:
        group = {"start_new_session": True} if way == "session" else {"process_group": 0}
        if way == "start":
            signal.pthread_sigmask(signal.SIG_BLOCK, [34, 35])   # what comes before there is a handler waits for it
        p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **group)
        if way == "start":
            time.sleep(random.random() * .03)
            for _ in range(3):
                os.killpg(p.pid, 34)
                os.kill(p.pid, 35)
            out = p.communicate()[0]
        else:
            out = p.stdout.readline()
            time.sleep(.1)
            send(p, fd, int(out.split()[1]))
            out += p.communicate()[0]
    words = re.findall(r"(\d+) (\d+) (\d+)\r?$", out, re.M)   # a terminal echoes before the first
    if way == "timeout":     # both, at once: the two may be one
        words = [(s, "once or twice" if n in "12" else n, v) for s, n, v in words]
    return " ".join(f"{s}:{n}" + ("=" + v if way == "queue" else "") for s, n, v in words)


for what, n in sorted(collections.Counter(once() for _ in range(tries)).items()):
    print(n, "{" + what + "}")
