# The watchdog puts programs in quarantine where that denies everything.
# test: quarantine/not_by_itself
# kernel/bpf/runtime/quarantine.c
/^static bool bpf_watchdog_may_skip/,/^}/s/if (!bpf_verdict_closes(prog))/if (!bpf_verdict_closes(prog) || MUTANT(shuts_out))/
