# What was to be ended was ended.
# test: ends/through
# kernel/bpf/runtime/finish.c
/^u64 bpf_invocation_finish/,/^}/s/if (!inv->commits &&/if (!MUTANT(taken_for_ended) \&\& !inv->commits \&\&/
