# A program that is put into an array is not charged to those that reach it.
# test: estimate_tail/updated estimate_tail/graph estimate_tail/monitored
# kernel/bpf/runtime/policy_tail.c
/^struct policy_hook \*bpf_policy_judge_raised/,/^}/s/if (!bpf_policy_raise())/if (MUTANT(tail_raise) || !bpf_policy_raise())/
