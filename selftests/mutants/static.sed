# Static subprograms go on in the normal image.
# random: 500
# arch/x86/net/bpf_jit_comp.c
/^static u8 \*jit_term_call/,/^}/s/if (insn->src_reg == BPF_PSEUDO_CALL)/if (insn->src_reg == BPF_PSEUDO_CALL \&\& !MUTANT(static))/
