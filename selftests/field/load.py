#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A little of all that tools look at: files, processes, sockets, timers, memory, mounts.

load.py [--pause SECONDS] [--seconds SECONDS]

Each kind is a process of its own that works for a moment and then sleeps for the pause. At
the end, or on SIGTERM, prints how many rounds each has done, as JSON.
"""
import argparse
import ctypes
import json
import mmap
import multiprocessing
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def files(place):
    folder = tempfile.mkdtemp(dir=place)
    for i in range(20):
        name = os.path.join(folder, str(i))
        with open(name, "wb") as f:
            f.write(b"x" * 30000)
            os.fsync(f.fileno())
        with open(name, "rb") as f:
            while f.read(4096):
                pass
        os.stat(name)
        os.statvfs(name)
        os.rename(name, name + ".new")
    with os.scandir(folder) as entries:
        for e in entries:
            os.unlink(e.path)
    os.rmdir(folder)
    for name in os.listdir("/etc")[:50]:
        try:
            os.stat(os.path.join("/etc", name))
            open("/nonexistent/" + name).close()
        except OSError:
            pass
    os.sync()


def processes(place):
    subprocess.run(["/bin/sh", "-c", "for i in 1 2 3; do cat /proc/self/stat | wc -c; done"],
                   stdout=subprocess.DEVNULL, check=True)
    child = subprocess.Popen(["sleep", "100"])
    time.sleep(0.01)
    child.send_signal(signal.SIGSTOP)
    child.send_signal(signal.SIGCONT)
    child.kill()
    child.wait()
    for _ in range(5):
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    subprocess.run(["getent", "ahosts", "localhost"], stdout=subprocess.DEVNULL)
    os.setuid(0)


def answer(listener, connections):
    for _ in range(connections):
        c = listener.accept()[0]
        while data := c.recv(65536):
            c.sendall(data[:100])
        c.close()


def sockets(place):
    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        with socket.socket(family) as listener:
            listener.bind((address, 0))
            listener.listen(5)
            threading.Thread(target=answer, args=(listener, 3)).start()
            for size in 10, 1000, 100000:
                with socket.create_connection(listener.getsockname()[:2]) as s:
                    s.sendall(b"x" * size)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
            port = listener.getsockname()[1]
        # Nobody listens any more.
        try:
            socket.create_connection((address, port)).close()
        except OSError:
            pass
        with socket.socket(family, socket.SOCK_DGRAM) as a, socket.socket(family, socket.SOCK_DGRAM) as b:
            a.bind((address, 0))
            for _ in range(20):
                b.sendto(b"y" * 1000, a.getsockname()[:2])
                a.recv(2000)


def timers(place):
    there, back = queue.SimpleQueue(), queue.SimpleQueue()

    def other():
        for _ in range(50):
            back.put(there.get())

    thread = threading.Thread(target=other)
    thread.start()
    for i in range(50):
        there.put(i)
        back.get()
        time.sleep(0.0002)
    thread.join()
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    for _ in range(5):
        signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 0)


# In a control group that may have less than it touches: pages are reclaimed.
def memory(place):
    with mmap.mmap(-1, 8 << 20) as m:
        for at in range(0, len(m), 4096):
            m[at] = 1
    left = 32 << 20
    with os.scandir("/usr/bin") as entries:
        for e in entries:
            if left > 0 and e.is_file():
                with open(e.path, "rb") as f:
                    while data := f.read(65536):
                        left -= len(data)


def mounts(place):
    where = os.path.join(place, "mnt").encode()
    os.makedirs(where, exist_ok=True)
    for _ in range(5):
        libc.mount(b"load", where, b"tmpfs", 0, None)
        libc.umount(where)


kinds = [files, processes, sockets, timers, memory, mounts]


def limit_memory():
    folder = "/sys/fs/cgroup/load"
    os.makedirs(folder, exist_ok=True)
    for name, value in (("../cgroup.subtree_control", "+memory"), ("memory.max", "24M"), ("cgroup.procs", os.getpid())):
        with open(os.path.join(folder, name), "w") as f:
            f.write(str(value))


def repeat(kind, pause, rounds, number):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, lambda *_: None)
    place = tempfile.mkdtemp(prefix="load.")
    if kind is memory:
        limit_memory()
    while True:
        kind(place)
        rounds[number] += 1
        time.sleep(pause)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--pause", type=float, default=0.05)
    options.add_argument("--seconds", type=float, default=1e9)
    options = options.parse_args()

    rounds = multiprocessing.Array("L", len(kinds), lock=False)
    workers = [multiprocessing.Process(target=repeat, args=(kind, options.pause, rounds, i))
               for i, kind in enumerate(kinds)]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for w in workers:
        w.start()
    stop.wait(options.seconds)
    for w in workers:
        w.terminate()
        w.join()
    print(json.dumps({kind.__name__: n for kind, n in zip(kinds, rounds)}))


if __name__ == "__main__":
    main()
