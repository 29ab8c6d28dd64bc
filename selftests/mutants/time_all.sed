# What programs run in hard interrupts is within their budgets, however often.
# boot: ICOUNT=1
# test: raised/in_interrupts
# kernel/bpf/runtime/raised.c
/^void bpf_raised_ran/,/^}/s/if (!prog->aux->id ||/if (MUTANT(time_all) || !prog->aux->id ||/
