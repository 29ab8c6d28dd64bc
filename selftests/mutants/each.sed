# The walk over an array does not look at the flag.
# random: 500
# kernel/bpf/arraymap.c
s/ && !bpf_invocation_ending(); i++)/ \&\& (MUTANT(each) || !bpf_invocation_ending()); i++)/
