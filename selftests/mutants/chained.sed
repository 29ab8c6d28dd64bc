# Of interrupts that raise each other, the time between two is the CPU's own.
# test: raised/chain raised/chain_of_two
# kernel/bpf/runtime/raised.c
/^static void bpf_raised_took/,/^}/s/if (chained)/if (!MUTANT(chained) \&\& chained)/
