# A shorter period does not reach timers that are armed.
# test: clock/shorter_period
# kernel/bpf/runtime/control.c
/^static int bpf_watchdog_sysctl_period/,/^}/s/if (bpf_watchdog_is_on/if (!MUTANT(hastens) \&\& bpf_watchdog_is_on/
