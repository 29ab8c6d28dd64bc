# What a program leaves behind with interrupts off is nobody's time.
# boot: ICOUNT=1
# test: raised/owed raised/owed_often raised/chain
# kernel/bpf/runtime/raised.c
/^static u32 bpf_raised_owe/,/^}/s/if (!prog ||/if (MUTANT(owed) || !prog ||/
