# What begins between the request for a timer and the timer relies on it.
# test: ends/arrives
# kernel/bpf/runtime/timer.c
/^static bool bpf_watchdog_arm(/,/^}/s/ READ_ONCE(wd->started) \&\&/ (READ_ONCE(wd->started) || MUTANT(arrives)) \&\&/
