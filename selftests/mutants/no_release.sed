# Nothing but a bpf() command lifts a quarantine.
# test: quarantine/release_by_sysctl quarantine/release_by_switch
# kernel/bpf/runtime/quarantine.c
/^void bpf_watchdog_release_all/,/^}/s/u32 id = 0;/u32 id = MUTANT(no_release) ? U32_MAX : 0;/
