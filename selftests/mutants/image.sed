# Programs of three or more functions get no image.
# random: 500
# kernel/bpf/runtime/termination.c
/^static u32 bpf_term_unfit/,/^}/s/^\treturn prog->aux->term_unfit;/\tif (MUTANT(image) \&\& prog->aux->func_cnt > 2)\n\t\treturn BPF_TERMINABLE_NO_MEMORY;\n&/
