# The verdict goes to the first trampoline of the stack, also if the walk has failed.
# test: ends/lsm_no_image
# kernel/bpf/runtime/redirect.c
/^static bool bpf_term_frame/,/^}/s/^\tw->ret_slot = f->text.kind/\tif (!MUTANT(ret_slot) || !w->ret_slot)\n\t&/
/^int bpf_term_redirect/,/^}/s/if (w.reached)/if (w.reached || MUTANT(ret_slot))/
