#!/bin/bash
# In the VM: rows of CSV for tool.sh.
set -euo pipefail

tool=$O/bench/tool
echo 'command,cpu_us,rss_kb'
"$O/bpfwd" enable >/dev/null
"$tool" 'bpfwd -V' 5 "$O/bpfwd" -V
"$tool" 'bpftool version' 5 "$O/bpftool" version
pins=/sys/fs/bpf/tool
for i in {000..099}; do
	printf '__attribute__((section("kprobe/vfs_read"), used)) int scale_%s(void *ctx) { return 0; }\n' "$i"
done >/tmp/scale.c
echo '__attribute__((section("license"), used)) char gpl[] = "GPL";' >>/tmp/scale.c
clang-19 -g -O2 -target bpf -c /tmp/scale.c -o /tmp/scale.bpf.o
mkdir $pins
"$O/bpftool" prog load "$O/demo/spin.bpf.o" $pins/one >/dev/null
"$tool" 'bpfwd ps (1 program)' 5 "$O/bpfwd" ps
"$tool" 'bpftool prog show (1 program)' 5 "$O/bpftool" prog show
rm $pins/one
for i in {0..9}; do
	"$O/bpftool" prog loadall /tmp/scale.bpf.o $pins/"$i" >/dev/null
done
"$tool" 'bpfwd ps (1000 programs)' 3 "$O/bpfwd" ps
"$tool" 'bpftool prog show (1000 programs)' 3 "$O/bpftool" prog show
"$tool" 'bpfwd ps -j (1000 programs)' 3 "$O/bpfwd" ps -j
"$tool" 'bpftool prog show -j (1000 programs)' 3 "$O/bpftool" -j prog show
