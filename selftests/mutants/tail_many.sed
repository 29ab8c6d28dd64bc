# Members of arrays that are not looked at do not count.
# test: estimate_tail/many
# kernel/bpf/runtime/estimate_tail.c
/^static bool tail_find/,/^}/s/return false;/return MUTANT(tail_many);/
