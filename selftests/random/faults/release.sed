# kernel/bpf/runtime/call_class.c
/^static bool holds_same/,/^}/s/if (nr_old != snap->nr_refs)/if (nr_old > snap->nr_refs)/
