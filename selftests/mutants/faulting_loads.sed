# Loads that fault do so on the fast path, too.
# test: ends/faults
# arch/x86/net/bpf_jit_comp.c
/^\t*if (term)$/{
	N
	s/if (term)\n\(\t*emit_nops\)/if (term \&\& !MUTANT(faulting_loads))\n\1/
}
/^\t*if (!term)$/{
	N
	s/if (!term)\n\(\t*end_of_jmp\)/if (!term || MUTANT(faulting_loads))\n\1/
}
