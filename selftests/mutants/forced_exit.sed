# No jump is forced on the fast path.
# test: endless/ended
# random: 500
# arch/x86/net/bpf_jit_comp.c
s/^\treturn img->prog->aux->forced_jumps\[term->forced++\]/\tif (MUTANT(forced_exit))\n\t\treturn term->forced++, JIT_ANY_WAY;\n&/
