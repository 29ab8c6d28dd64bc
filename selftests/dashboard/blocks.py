#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What record.sh kept, as one OpenMetrics text with times, for promtool to make a data base of.

  blocks.py FOLDER END STEP    the last one is of time END, one every STEP seconds before

Two machines tell the same, since a dashboard has more than one.
"""
import pathlib
import sys

folder, end, step = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
files = sorted(folder.glob("metrics.[0-9]*"), key=lambda f: int(f.suffix[1:]))
families = {}  # name: (head, {series: [lines]}), in the order of the first file
for n, file in enumerate(files):
    time = end - (len(files) - 1 - n) * step
    for line in file.read_text().splitlines():
        if line == "# EOF":
            continue
        if line.startswith("# "):
            name = line.split()[2]
            head, _ = families.setdefault(name, ([], {}))
            if line not in head:
                head.append(line)
            continue
        series, value = line.rsplit(" ", 1)
        metric, _, labels = series.partition("{")
        for machine in ("web-1", "web-2"):
            more = f'instance="{machine}:19612",job="bpfwd"' + ("," + labels[:-1] if labels else "")
            full = f"{metric}{{{more}}}"
            families[name][1].setdefault(full, []).append(f"{full} {value} {time}")
for head, all_series in families.values():
    print("\n".join(head))
    for lines in all_series.values():
        print("\n".join(lines))
print("# EOF")
