# arch/x86/net/bpf_jit_comp.c
s/return img->prog->aux->forced_jumps\[term->forced++\] & 1 ? JIT_TAKE : JIT_FALL;/return term->forced++, JIT_ANY_WAY;/
