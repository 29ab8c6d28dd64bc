#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The BPF objects that a file holds: it is one, or has some in its data, as skeletons are.

extract.py FOLDER PACKAGE FILE...    writes FOLDER/PACKAGE:NAME[.N].bpf.o

The same object in several files is written once.
"""
import glob
import hashlib
import os
import struct
import sys

MAGIC = b"\x7fELF\x02\x01\x01"
EM_BPF = 247


def objects(data):
    at = data.find(MAGIC)
    while at >= 0:
        header = data[at:at + 64]
        if len(header) == 64 and struct.unpack_from("<H", header, 18)[0] == EM_BPF:
            sections, = struct.unpack_from("<Q", header, 40)
            size, number = struct.unpack_from("<HH", header, 58)
            # the table of sections comes last
            yield data[at:at + sections + size * number]
        at = data.find(MAGIC, at + 1)


def main():
    folder, package, *files = sys.argv[1:]
    seen = set()
    for name in glob.glob(os.path.join(folder, "*.bpf.o")):
        with open(name, "rb") as f:
            seen.add(hashlib.sha256(f.read()).digest())
    for path in files:
        try:
            with open(path, "rb") as f:
                data = f.read()
        except OSError:
            continue
        base = os.path.basename(path)
        base = base[:-2] if base.endswith(".o") else base
        for n, code in enumerate(objects(data)):
            digest = hashlib.sha256(code).digest()
            if digest in seen:
                continue
            seen.add(digest)
            with open(os.path.join(folder, f"{package}:{base}{f'.{n}' if n else ''}.bpf.o"), "wb") as f:
                f.write(code)


if __name__ == "__main__":
    main()
