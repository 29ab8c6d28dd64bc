# Only the innermost frame is redirected.
# random: 500
# kernel/bpf/runtime/redirect.c
s/for (i = w\.blocked; i < w\.nr; i++)/for (i = w.blocked; i < (MUTANT(callers) ? min(w.nr, w.blocked + 1) : w.nr); i++)/
