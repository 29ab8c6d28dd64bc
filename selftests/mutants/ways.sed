# The way into interrupts and back is the time of what they hit.
# boot: ICOUNT=1
# test: raised/innocent
# kernel/bpf/runtime/account.c
/^u64 bpf_invocation_ways/,/^}/s,return disturbed / 4,return MUTANT(ways) ? 0 : disturbed / 4,
