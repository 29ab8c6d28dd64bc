# A main program that is replaced is taken for what it was.
# test: ends/extended_main
# kernel/bpf/runtime/control.c
/^void bpf_watchdog_extend/,/^}/s/if (bpf_watchdog_enabled())/if (bpf_watchdog_enabled() \&\& !MUTANT(extended_main))/
# kernel/bpf/runtime/termination.c
/^bool bpf_term_possible/,/^}/s/READ_ONCE(prog->aux->is_extended)/& \&\& !MUTANT(extended_main)/
