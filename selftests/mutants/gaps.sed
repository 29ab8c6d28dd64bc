# Time that nothing explains is the program's.
# test: innocent/gap
# kernel/bpf/runtime/account.c
s/if (own > most + /if (!MUTANT(gaps) \&\& own > most + /
