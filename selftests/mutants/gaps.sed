# Time that nothing explains is the program's.
# test: innocent/gap
# kernel/bpf/runtime/account.c
s/if (own > BPF_WD_GAP_PERIODS \* bpf_watchdog_period() &&$/if (!MUTANT(gaps) \&\& own > BPF_WD_GAP_PERIODS * bpf_watchdog_period() \&\&/
