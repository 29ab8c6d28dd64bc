# The watchdog relies on the interrupt that others have raised for their work.
# test: ends/raises
# kernel/bpf/runtime/timer.c
/^static void bpf_watchdog_queue/,/^}/s/^\tarch_irq_work_raise();/\tif (!MUTANT(raise))\n\t&/
