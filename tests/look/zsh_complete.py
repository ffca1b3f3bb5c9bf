"""zsh_complete.py FOLDER TYPED WANTED...: types each TYPED into a zsh that has the completion functions of FOLDER, presses
tab, and looks that the line has become what is WANTED. Both in pairs."""
import os
import pty
import select
import sys
import time

pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PS1="$ ")
    os.execvp("zsh", ["zsh", "-f", "-i"])


def until(mark, seconds=20):
    out, end = b"", time.monotonic() + seconds
    while mark not in out:
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.exit("no %r in %r" % (mark, out))
        out += os.read(fd, 65536)


def line(text):
    os.write(fd, text.encode() + b"\n")


# what the line is after the completion, printed by a widget of our own
line("unsetopt zle_bracketed_paste; fpath=(%s $fpath); autoload -U compinit; compinit -u -D" % sys.argv[1])
line("show() { print -r -- \"<<$BUFFER>>\"; BUFFER=; zle accept-line }; zle -N show; bindkey '^X' show; print rea''dy")
until(b"ready\r\n")
for typed, wanted in zip(sys.argv[2::2], sys.argv[3::2]):
    os.write(fd, typed.encode() + b"\t\x18")
    until(b"<<" + wanted.encode() + b">>")
os.close(fd)
