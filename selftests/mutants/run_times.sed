# The counters of samples are those of the first half.
# test: samples/counters
# kernel/bpf/runtime/samples.c
/^int bpf_watchdog_copy_run_times/,/^}/s/for (i = 0; i < room; i++)/for (i = 0; i < (MUTANT(run_times) ? room \/ 2 : room); i++)/
