# Tail calls of callbacks are counted like others.
# test: estimate_tail/callback
# kernel/bpf/runtime/estimate_log_call.c
/^static void est_tail_call/,/^}/s/if (st->frame\[i\]->in_callback_fn)/if (st->frame[i]->in_callback_fn \&\& !MUTANT(tail_callback))/
