# No exit is forced: cycles without a call that decides their exit go on.
# arch/x86/net/bpf_jit_comp.c
s/^\treturn img->prog->aux->forced_jumps\[term->forced++\]/\tif (MUTANT(cut))\n\t\treturn term->forced++, JIT_ANY_WAY;\n&/
