# The watchdog relies on the interrupt that others have sent for their work on another CPU.
# test: ends/sends
# kernel/bpf/runtime/timer.c
/^static void bpf_watchdog_queue_on/,/^}/s/^\tarch_send_call_function_single_ipi/\tif (!MUTANT(sends))\n\t&/
