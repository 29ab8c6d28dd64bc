# A bound is kept when an array changes.
# test: estimate_tail/chain estimate_tail/updated
# kernel/bpf/runtime/estimate_tail.c
/^static void tail_refresh/,/^}/s/if (t->generation == tail_generation)/if (t->generation == tail_generation || (MUTANT(tail_kept) \&\& t->generation))/
/^static bool tail_evaluate/,/^}/s/t->generation = tail_generation;/if (MUTANT(tail_kept) \&\& t->generation)\n\t\t\tcontinue;\n\t\tt->generation = tail_generation;/
