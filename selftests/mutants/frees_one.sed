# To free a list takes as long as to free one object.
# test: endless/frees
# kernel/bpf/runtime/estimate_log_call.c
/^bool bpf_est_frees_for_long/,/^}/s/if (IS_ERR_OR_NULL(rec))/if (MUTANT(frees_one) || IS_ERR_OR_NULL(rec))/
