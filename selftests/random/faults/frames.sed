# kernel/bpf/runtime/termination.c
/^static bool bpf_term_frame/,/^}/s/^\tw->nr++;$/\tif (++w->nr > 2) {\n\t\tw->err = -E2BIG;\n\t\treturn false;\n\t}/
