# What was to be ended was ended.
# test: ends/through
# kernel/bpf/runtime/finish.c
/^static u64 bpf_invocation_returned/,/^}/s/if (!st->commits &&/if (!MUTANT(taken_for_ended) \&\& !st->commits \&\&/
