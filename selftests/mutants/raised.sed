# What a program raises as an interrupt on itself is the time of interrupts.
# test: raised/on_top
# kernel/bpf/runtime/raised.c
/^u32 __bpf_irq_work_owner/,/^}/s/if (work->node/if (MUTANT(raised) || work->node/
