# A policy does not find in a prog array what another program stands for.
# test: policy_detach/array_quarantined
# kernel/bpf/arraymap.c
/^static int prog_array_policy_detach(/,/^}/s/bpf_tail_prog(ptr) == prog/(MUTANT(tail_detach) ? ptr : bpf_tail_prog(ptr)) == prog/
