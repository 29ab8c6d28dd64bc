# A walk of more than 24 frames gives up.
# test: ends/frames
# kernel/bpf/runtime/redirect.c
/^static bool bpf_term_frame/,/^}/s/^\tw->nr++;$/\tif (++w->nr > 24 \&\& MUTANT(frames)) {\n\t\tw->err = -E2BIG;\n\t\treturn false;\n\t}/
