# The records of a task that an oops has ended stay.
# boot: sysctl.kernel.panic_on_oops=0
# test: gone/oops
# kernel/exit.c
s/^\tbpf_watchdog_task_dead();/\tif (!MUTANT(oops))\n\t&/
