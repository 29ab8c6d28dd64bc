#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Attaches and holds programs in ways that bpftool does not know.

bpf_hold.py hold PIN             has the program or link until it is killed
bpf_hold.py event PIN FUNCTION   has a kprobe, by ioctl() of a perf event
bpf_hold.py link PIN DEVICE TO   a tcx link, pinned at TO; then ends
bpf_hold.py extend OBJECT PROGRAM PIN FUNCTION TO
                                 loads PROGRAM as an extension of FUNCTION of the
                                 pinned program, and pins its link; then ends

Says "ready" when it is done.
"""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

BPF_TCX_INGRESS = 46
SYS_PERF_EVENT_OPEN = 298
PERF_EVENT_IOC_SET_BPF, PERF_EVENT_IOC_ENABLE = 0x40042408, 0x2400
PERF_FLAG_FD_CLOEXEC = 8

bpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
libc = ctypes.CDLL(None, use_errno=True)
for name in ("bpf_object__open", "bpf_object__find_program_by_name",
             "bpf_program__attach_freplace"):
    getattr(bpf, name).restype = ctypes.c_void_p


def good(value, what):
    if value is None or value < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")
    return value


def opened(pin):
    return good(bpf.bpf_obj_get(pin.encode()), pin)


def wait():
    print("ready", flush=True)
    signal.pause()


def hold(pin):
    opened(pin)
    wait()


def event(pin, function):
    with open("/sys/bus/event_source/devices/kprobe/type", encoding="ascii") as f:
        kind = int(f.read())
    name = ctypes.create_string_buffer(function.encode())
    attr = struct.pack("=IIQQQQQIIQQ", kind, 112, 0, 0, 0, 0, 0, 0, 0,
                       ctypes.addressof(name), 0).ljust(112, b"\0")
    fd = good(libc.syscall(SYS_PERF_EVENT_OPEN, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC),
              "perf_event_open")
    fcntl.ioctl(fd, PERF_EVENT_IOC_SET_BPF, opened(pin))
    fcntl.ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)
    wait()


def link(pin, device, to):
    fd = good(bpf.bpf_link_create(opened(pin), socket.if_nametoindex(device),
                                  BPF_TCX_INGRESS, None), "bpf_link_create")
    good(bpf.bpf_obj_pin(fd, to.encode()), to)
    print("ready")


def extend(path, program, pin, function, to):
    obj = ctypes.c_void_p(good(bpf.bpf_object__open(path.encode()), path))
    prog = ctypes.c_void_p(good(bpf.bpf_object__find_program_by_name(obj, program.encode()),
                                program))
    good(bpf.bpf_program__set_attach_target(prog, opened(pin), function.encode()), function)
    good(bpf.bpf_object__load(obj), path)
    made = ctypes.c_void_p(good(bpf.bpf_program__attach_freplace(prog, 0, None), program))
    good(bpf.bpf_link__pin(made, to.encode()), to)
    print("ready")


{"hold": hold, "event": event, "link": link, "extend": extend}[sys.argv[1]](*sys.argv[2:])
