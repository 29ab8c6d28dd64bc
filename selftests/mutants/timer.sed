# A timer's callback has no record.
# random: 500
# kernel/bpf/helpers.c
/^static enum hrtimer_restart bpf_timer_cb/,/^}/s/if (bpf_watchdog_on_async())/if (!MUTANT(timer) \&\& bpf_watchdog_on_async())/
