# What runs on top of another program has no start of its own.
# test: nested/covered nested/sampled
# boot: ICOUNT=1
# kernel/bpf/runtime/timer.c
s/if (inv->start == BPF_INV_NO_START)/if (inv->start == BPF_INV_NO_START \&\& !MUTANT(nested_clock))/
