# Nor does bpf_loop().
# random: 500
# kernel/bpf/bpf_iter.c
s/i < nr_loops && !bpf_invocation_ending(); i++)/i < nr_loops \&\& (MUTANT(flag) || !bpf_invocation_ending()); i++)/
