# kernel/bpf/arraymap.c
s/ && !bpf_invocation_ending(); i++)/; i++)/
