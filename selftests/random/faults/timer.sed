# kernel/bpf/helpers.c
/^static enum hrtimer_restart bpf_timer_cb/,/^}/s/if (bpf_watchdog_on_async())/if (0 \&\& bpf_watchdog_on_async())/
