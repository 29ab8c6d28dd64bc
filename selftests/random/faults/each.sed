# The walk over an array does not look at the flag.
# kernel/bpf/arraymap.c
s/ && !bpf_invocation_ending(); i++)/ \&\& (MUTANT(each) || !bpf_invocation_ending()); i++)/
