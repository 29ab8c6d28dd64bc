# A timer is not started on the fast path.
# test: ends/periodic_timer
# kernel/bpf/runtime/call_class.c
/^void bpf_call_class_helper/,/^}/s/^\tswitch (func_id) {/\tif (func_id == BPF_FUNC_timer_start \&\& MUTANT(timer_start)) {\n\t\taux->call_want = BPF_CALL_STUB_ERR;\n\t\treturn;\n\t}\n&/
