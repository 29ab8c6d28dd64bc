# Only what has a way out of a cycle has no bound.
# test: endless/say_no kunit/bpf_runtime
# kernel/bpf/runtime/estimate_solve.c
/^static void est_no_bound/,/^}/s/\.max = sink ? 0 : U64_MAX/.max = sink || MUTANT(no_exit) ? 0 : U64_MAX/
