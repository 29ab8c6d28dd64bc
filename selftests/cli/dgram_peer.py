#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Stands in for systemd at the other end of `bpfwd serve`.

  dgram_peer.py notify PATH OUT    appends the lines that a service says, sd_notify(3)
  dgram_peer.py journal PATH OUT   appends each entry of the native protocol as JSON
  dgram_peer.py sockets N COMMAND...   runs it with N listening sockets, whose ports
                                   it prints on stderr as "port P"
"""
import json
import os
import socket
import struct
import sys


def entry(data):
    """NAME=value, or NAME, line feed, length and value."""
    fields = {}
    while data:
        head, _, data = data.partition(b"\n")
        if b"=" in head:
            name, _, value = head.partition(b"=")
        else:
            name, (size,) = head, struct.unpack("<Q", data[:8])
            value, end, data = data[8:8 + size], data[8 + size:9 + size], data[9 + size:]
            assert end == b"\n" and len(value) == size
        fields[name.decode()] = value.decode(errors="replace")
    return json.dumps(fields) + "\n"


mode = sys.argv[1]
if mode == "sockets":
    count = int(sys.argv[2])
    for fd in range(3, 3 + count):
        s = socket.create_server(("127.0.0.1", 0))
        print("port", s.getsockname()[1], file=sys.stderr, flush=True)
        if s.fileno() != fd:
            os.dup2(s.fileno(), fd)
        os.set_inheritable(fd, True)
        s.detach()
    os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
    os.execvp(sys.argv[3], sys.argv[3:])

peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
peer.bind(sys.argv[2])
with open(sys.argv[3], "w") as out:
    while True:
        got = peer.recv(65536)
        out.write(entry(got) if mode == "journal" else got.decode() + "\n")
        out.flush()
