"""terminal.py LIMIT KEYS COMMAND...: runs a command in a terminal of 24 x 80, waits until it has drawn, sends the keys one
after the other, and prints all that it wrote. Ends with its status; 99 if it does not end within LIMIT seconds."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
out, keys, end, quiet = b"", list(sys.argv[2].encode()), time.monotonic() + float(sys.argv[1]), None
while time.monotonic() < end:
    if select.select([fd], [], [], .3)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""
        if not data:
            break
        out += data
    elif keys and b"opt4 top" in out:
        os.write(fd, bytes([keys.pop(0)]))
else:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    sys.exit(99)
sys.stdout.buffer.write(out)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
