# Nobody goes on after what a tail call has run.
# test: estimate_tail/subprograms
# kernel/bpf/runtime/estimate_tail.c
s/if (all || t->reach\.goes_on)/if (all || (t->reach.goes_on \&\& !MUTANT(tail_goes_on)))/
