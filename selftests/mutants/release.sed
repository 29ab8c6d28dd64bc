# What gives a reference back may be a stub.
# random: 500
# kernel/bpf/runtime/call_class.c
/^static bool holds_same/,/^}/s/if (nr_old != snap->nr_refs)/if (MUTANT(release) ? nr_old > snap->nr_refs : nr_old != snap->nr_refs)/
