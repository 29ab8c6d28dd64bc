#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a program on a terminal of its own and plays a script of keys.

  pty_drive.py LOG SIGNAL COMMAND... -- STEP...

A STEP is KEYS=REGEX or KEYS!REGEX: the keys are sent, and soon the screen, as a
reader sees it, matches, or no longer does. KEYS may have \\n and names: {esc} {right}
{left} {up} {down} {pgup} {pgdn} {home} {end}. They may begin with {resize WIDTHxHEIGHT},
or with {touch FILE}.
At the end q is sent, or SIGNAL, if it is not -. Says which steps were seen, with the
screen where one was not, and whether the terminal is as it was. LOG gets all output.

PTY_SIZE=110x24   PTY_TERM=xterm, empty: not set
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from vt import Screen

NAMES = {"esc": "\x1b", "right": "\x1bOC", "left": "\x1bOD", "up": "\x1bOA", "down": "\x1bOB",
         "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "home": "\x1bOH", "end": "\x1bOF"}
PATIENCE = float(os.environ.get("PTY_PATIENCE", 60))

log, sig, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
split = rest.index("--")
command, steps = rest[:split], rest[split + 1:]
width, height = map(int, os.environ.get("PTY_SIZE", "110x24").split("x"))
term = os.environ.get("PTY_TERM", "xterm")

master, slave = pty.openpty()


def set_size(w, h):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", h, w, 0, 0))


set_size(width, height)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.close(master)
    for fd in range(3):
        os.dup2(slave, fd)
    for name in ("LINES", "COLUMNS", "TERM"):
        os.environ.pop(name, None)
    if term:
        os.environ["TERM"] = term
    os.execvp(command[0], command)

seen = b""
screen = Screen(width, height)


def read_for(seconds):
    """What comes until it has been silent for a moment."""
    global seen
    end, got = time.monotonic() + seconds, False
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.1)[0]:
            if got:
                return
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            return
        if not data:
            return
        got = True
        seen += data
        # a character may come in two parts
        screen.feed(data.decode(errors="surrogateescape"))


def send(keys):
    resize = re.match(r"{resize (\d+)x(\d+)}", keys)
    if resize:
        w, h = int(resize.group(1)), int(resize.group(2))
        screen.resize(w, h)
        set_size(w, h)
        read_for(1)
    touch = re.match(r"{touch (.*?)}", keys)
    if touch:
        open(touch.group(1), "w").close()
    keys = re.sub(r"{(resize|touch) .*?}", "", keys).replace("\\n", "\n").replace("\\x7f", "\x7f")
    os.write(master, re.sub(r"\{(\w+)\}", lambda m: NAMES[m.group(1)], keys).encode())


ok = True
read_for(PATIENCE)
for number, step in enumerate(steps, 1):
    keys, wanted, regex = re.match(r"([^=!]*)([=!])(.*)", step, re.S).groups()
    send(keys)
    end, found = time.monotonic() + PATIENCE, False
    while not found and time.monotonic() < end:
        read_for(1)
        found = bool(re.search(regex, screen.text(), re.M)) == (wanted == "=")
    print(f"step {number}: {'ok' if found else 'no ' + step}")
    if not found:
        ok = False
        print("\n".join("screen: " + line for line in screen.text().split("\n")))
if screen.unknown:
    ok = False
    print(f"the emulator does not know {screen.unknown}")

if sig == "-":
    os.write(master, b"q")
else:
    os.kill(pid, getattr(signal, "SIG" + sig))
end = time.monotonic() + PATIENCE
status = None
while time.monotonic() < end:
    read_for(0.3)
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
else:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    print("did not leave")
    status = None
if status is not None:
    print(f"exit {os.waitstatus_to_exitcode(status)}")
print("termios same" if termios.tcgetattr(slave) == before else "termios changed")
enter, leave = seen.rfind(b"\x1b[?1049h"), seen.rfind(b"\x1b[?1049l")
print("alternate screen left" if leave > enter >= 0 else "alternate screen not left")
with open(log, "wb") as f:
    f.write(seen)
sys.exit(0 if ok and status is not None else 1)
