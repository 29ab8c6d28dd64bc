# Quarantine is the entry of the program: callbacks that run later do not pass it.
# test: quarantine/timer_again quarantine/work_again
# kernel/bpf/helpers.c
s/if (likely(!bpf_invocation_skipped(&inv)))/if (MUTANT(callbacks_skip) || likely(!bpf_invocation_skipped(\&inv)))/
