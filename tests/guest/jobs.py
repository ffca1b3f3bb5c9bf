"""jobs.py [PREFIX...]: an interactive shell at a terminal, in which a job, `PREFIX... COMMAND`, is stopped, sent to the
background and back, and killed; prints what the shell says of it, without the prefix."""

import os, pty, re, select, shlex, signal, sys, time

prefix = shlex.join(sys.argv[1:])
pid, fd = pty.fork()
if pid == 0:
    for sig in (signal.SIGINT, signal.SIGQUIT):   # a shell ignores them for what it puts in the background
        signal.signal(sig, signal.SIG_DFL)
    os.environ["PS1"] = "$ "
    os.environ["TERM"] = "dumb"
    os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])


def read(seconds, prompt):
    """What comes within that time; no longer than until a prompt ends it, if one is to."""
    out, end = b"", time.time() + seconds
    while (left := end - time.time()) > 0 and not (prompt and out.endswith(b"$ ")):
        if select.select([fd], [], [], left)[0]:
            try:
                out += os.read(fd, 4096)
            except OSError:
                break
    return out.decode(errors="replace")


def type_(text, prompt=True):
    """Types it and reads on until the next prompt; prompt False: a job has the terminal now."""
    os.write(fd, text.encode())
    return read(10 if prompt else 1, prompt)


read(10, True)
type_("stty -echo\n")
job = prefix + " sleep 30" if prefix else "sleep 30"
out = type_(job + "\n", False) + type_("\x1a") + type_("bg\n") + type_("sleep .5; jobs\n") + type_("fg\n", False) + type_("\x1a")
out += type_("fg\n", False) + type_("\x03") + type_("echo status $?\n")
out += type_(job + " &\n") + type_("sleep .5; kill -STOP $!; sleep 1.5; jobs\n") + type_("kill -CONT $!; sleep 1; jobs\n")
out += type_("kill $!; wait $!; echo status $?\n")
out += type_(job.replace("sleep 30", "cat") + " &\n") + type_("sleep 1; jobs\n") + type_("fg\n", False) + type_("said\n", False) + type_("\x04")
out += type_("for i in 1 2; do " + job + "; done; echo not reached\n", False) + type_("\x03") + type_("echo status $?\n")
out = re.sub(r"\[1\][+-]? +\d+|\$ |\^[A-Z\\]", "", out.replace(prefix + " ", "") if prefix else out)
lines = [re.sub(r"\s+", " ", line).strip() for line in out.replace("\r", "").splitlines() if line.strip()]
print("\n".join(a for a, b in zip(lines, lines[1:] + [""]) if a != b))   # it may say twice that something has stopped
