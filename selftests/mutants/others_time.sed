# The time of programs on top is that of the one below.
# test: charged/nested
# kernel/bpf/runtime/account.c
/^void bpf_invocation_charge/,/^}/s/if (inner \&\& !bpf_invocation_interrupted/if (inner \&\& !MUTANT(others_time) \&\& !bpf_invocation_interrupted/
