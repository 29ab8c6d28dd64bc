# Iterators are made on the fast path.
# test: ends/iterators
# kernel/bpf/runtime/call_class.c
s/if (!strcmp(name, zeroed_iters\[i\]\.name))/if (!MUTANT(iterators_made) \&\& !strcmp(name, zeroed_iters[i].name))/
