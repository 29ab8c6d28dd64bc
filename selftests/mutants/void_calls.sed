# All calls that return nothing run on the fast path.
# test: ends/arena_free
# kernel/bpf/runtime/call_class.c
s/if (!btf_is_module(btf) &&$/if (!btf_is_module(btf) \&\& !MUTANT(void_calls) \&\&/
