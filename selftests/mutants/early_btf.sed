# The types of a program are put when nobody holds it any more, though it may still run.
# boot: slub_debug=P
# test: gone/replaced_callback
# kernel/bpf/syscall.c
/^static void __bpf_prog_put_rcu/,/^}/s/^\tbtf_put(aux->btf);/\tif (!MUTANT(early_btf))\n\t&/
/^static void __bpf_prog_put_noref/,/^}/s/^\tmodule_put(prog->aux->mod);/\tif (MUTANT(early_btf))\n\t\tbtf_put(prog->aux->btf);\n&/
