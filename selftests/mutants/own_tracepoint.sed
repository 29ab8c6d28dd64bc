# Tracepoints fire where the watchdog works.
# test: ends/told_later
# kernel/bpf/runtime/report.c
/^void bpf_watchdog_report/,/^}/s/^\tif (kind != BPF_WD_EVENT_OVERRUN ||/\tif (MUTANT(own_tracepoint))\n\t\tbpf_watchdog_tell_all(\&e->work);\n\telse if (kind != BPF_WD_EVENT_OVERRUN ||/
