# Runs that sleep are not seen.
# test: asleep/user_fault
# kernel/bpf/runtime/account.c
/^u32 bpf_watchdog_asleep/,/^}/s/if (\(!prog->sleepable \&\& [^)]*\))/if (MUTANT(asleep) || (\1))/
