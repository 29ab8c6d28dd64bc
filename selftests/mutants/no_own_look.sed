# Loops do not look at the clock themselves.
# test: ends/scheduler
# kernel/bpf/runtime/look.c
/^bool bpf_invocation_turn/,/^}/s/if (READ_ONCE(wd->ticking) &&$/if (!MUTANT(no_own_look) \&\& READ_ONCE(wd->ticking) \&\&/
