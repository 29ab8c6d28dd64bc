# Programs run where the watchdog works.
# test: ends/at_work
# kernel/bpf/runtime/timer.c
/^static bool bpf_watchdog_arm(/,/^}/s/if (READ_ONCE(wd->at_work)/& \&\& !MUTANT(at_work)/
