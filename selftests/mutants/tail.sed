# Tail calls are taken on the fast path.
# random: 500
# arch/x86/net/bpf_jit_comp.c
s/EMIT2(term ? X86_JMP_SHORT : X86_JBE, offset);/EMIT2(term \&\& !MUTANT(tail) ? X86_JMP_SHORT : X86_JBE, offset);/
