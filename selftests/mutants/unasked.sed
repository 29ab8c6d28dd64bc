# What begins while the timer runs relies on a CPU that was not asked to look after it.
# test: ends/unasked
# kernel/bpf/runtime/timer.c
/^static bool bpf_watchdog_arm(/,/^}/s/ READ_ONCE(wd->asked) \&\&/ (READ_ONCE(wd->asked) || MUTANT(unasked)) \&\&/
