# The time of programs on top is that of the one below.
# test: charged/nested
# kernel/bpf/runtime/account.c
/^u64 bpf_invocation_charge/,/^}/s/if (inner && inner->start/if (inner \&\& !MUTANT(others_time) \&\& inner->start/
