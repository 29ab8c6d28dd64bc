# What a program takes after a tail call that fails is not its own.
# test: estimate_tail/own estimate_tail/choices
# kernel/bpf/runtime/estimate_tail.c
/^void bpf_est_tail_add/,/^}/s/U64_MAX : own;/U64_MAX : MUTANT(tail_own) ? aux->estimate->best : own;/
