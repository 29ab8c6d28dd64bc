# Quarantine is the entry of the program, which a tail call does not pass.
# test: quarantine/tail_calls quarantine/tail_race
# kernel/bpf/runtime/quarantine_tail.c
/^static void tail_change(/,/^}/s/if (old != /if (!MUTANT(tail_entered) \&\& old != /
