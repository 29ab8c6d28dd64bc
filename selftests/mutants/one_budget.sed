# There is one default budget.
# test: charged/waited_for
# kernel/bpf/runtime/control.c
/^u64 bpf_watchdog_default_budget/,/^}/s/(waits ? READ_ONCE/(waits \&\& !MUTANT(one_budget) ? READ_ONCE/
