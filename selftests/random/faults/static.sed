# arch/x86/net/bpf_jit_comp.c
/^static u8 \*jit_term_call/,/^}/s/return img->image + img->off\[insn->off\];/return func;/
