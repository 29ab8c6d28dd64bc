# Quarantine waits for the work that patches the entry.
# test: quarantine/at_once_irqs_off
# kernel/bpf/runtime/quarantine.c
/^void bpf_watchdog_want/,/^}/s/WRITE_ONCE(wd->skip, true);/WRITE_ONCE(wd->skip, !MUTANT(by_work_only));/
