# The time between two looks is that of the program that the second one finds.
# test: nested/covered
# kernel/bpf/runtime/account.c
/^void bpf_invocation_nested/,/^}/s/else if (!bpf_invocation_interrupted/else if (!MUTANT(covered) \&\& !bpf_invocation_interrupted/
/^void bpf_invocation_charge/,/^}/s/now->when - inner->start/MUTANT(covered) ? own : &/
