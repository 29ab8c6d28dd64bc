# kernel/bpf/runtime/termination.c
/^static u32 bpf_term_unfit/,/^}/s/return prog->aux->term_unfit;/return prog->aux->func_cnt > 2 ? BPF_TERMINABLE_NO_MEMORY : prog->aux->term_unfit;/
