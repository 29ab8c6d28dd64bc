# A walk of more than 2 frames gives up.
# random: 500
# kernel/bpf/runtime/redirect.c
/^static bool bpf_term_frame/,/^}/s/^\tw->nr++;$/\tif (w->nr == 2 \&\& MUTANT(few_frames)) {\n\t\tw->err = -E2BIG;\n\t\treturn false;\n\t}\n&/
