# Where computing a bound would take too long, what was found until then is the bound.
# test: estimate_tail/rounds
# kernel/bpf/runtime/estimate_tail.c
/^static bool tail_evaluate(/,/^}/s/bool all = /bool all = !MUTANT(tail_rounds) \&\& /
