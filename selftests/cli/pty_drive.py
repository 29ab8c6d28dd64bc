#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a program on a terminal of its own and plays a script of keys.

  pty_drive.py LOG SIGNAL COMMAND... -- STEP...

A STEP is KEYS=REGEX: the keys are sent, then the whole screen is asked for by
Ctrl-L, until it matches. At the end q is sent, or SIGNAL, if it is not -. Says
which steps were seen, and whether the terminal is as it was. LOG gets all output.
"""
import os
import pty
import re
import select
import signal
import sys
import termios
import time

log, sig, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
split = rest.index("--")
command, steps = rest[:split], rest[split + 1:]

master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    os.close(master)
    for fd in range(3):
        os.dup2(slave, fd)
    os.environ.update(TERM="xterm", LINES="24", COLUMNS="110")
    os.execvp(command[0], command)

seen = b""


def read_for(seconds):
    """What comes until it has been silent for a moment."""
    global seen
    got = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.15)[0]:
            if got:
                break
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        got += data
    seen += got
    return got


def plain(data):
    """Without escape sequences; a blank may be a movement of the cursor."""
    text = re.sub(rb"\x1b(\[[0-9;?]*[ -/]*[@-~]|\([A-Z0-9]|[=>])", b" ", data)
    return re.sub(r"\s+", " ", text.decode(errors="replace"))


ok = True
read_for(20)
for number, step in enumerate(steps, 1):
    keys, regex = step.split("=", 1)
    os.write(master, keys.replace("\\n", "\n").encode())
    screen, end, found = "", time.monotonic() + 20, None
    while not found and time.monotonic() < end:
        screen += plain(read_for(2))
        found = re.search(regex, screen)
        # not into an open question
        if not found and not keys.endswith("K"):
            os.write(master, b"\x0c")
            screen += plain(read_for(2))
            found = re.search(regex, screen)
    if keys.startswith("f"):
        os.write(master, b"\x0c")
        screen = plain(read_for(2))
    print(f"step {number}: {'ok' if found else 'no ' + regex}")
    print(f"screen {number} has apple_program: {'yes' if 'apple_program' in screen else 'no'}")
    ok = ok and bool(found)
    if not found:
        print(f"screen {number}: {screen!r}")

if sig == "-":
    os.write(master, b"q")
else:
    os.kill(pid, getattr(signal, "SIG" + sig))
read_for(5)
end = time.monotonic() + 10
status = None
while time.monotonic() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    read_for(0.5)
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
