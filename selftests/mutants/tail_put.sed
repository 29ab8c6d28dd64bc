# What is put into a prog array while it is in quarantine is entered.
# test: quarantine/tail_calls
# kernel/bpf/arraymap.c
/^int bpf_fd_array_map_update_elem(/,/^}/s/new_ptr = bpf_tail_entry(new_ptr);/if (!MUTANT(tail_put))\n\t\t\t&/
