# The time since any look is that of what the next one finds, if the first has left it alone.
# test: innocent/interrupted_nested
# kernel/bpf/runtime/account.c
/^u64 bpf_invocation_charge/,/^}/s/^\town = now->when - st->looked;/&\n\tif (MUTANT(looked))\n\t\town = now->when - max(this_cpu_read(bpf_watchdog_cpu.lost.when), st->began);/
