# The way into the interrupt that looks is the program's time.
# test: clock/short_budget
# boot: ICOUNT=1
# kernel/bpf/runtime/look.c
s/return budget + BPF_WD_ENTRY_NS +/return budget + (MUTANT(entry) ? 0 : BPF_WD_ENTRY_NS) +/
