# A chain of tail calls ends after 32.
# test: estimate_tail/deep estimate_tail/subprograms
# kernel/bpf/runtime/estimate_tail.c
s/calls < MAX_TAIL_CALL_CNT \&\&/calls < MAX_TAIL_CALL_CNT - MUTANT(tail_depth) \&\&/
s/^\([\t ]*\)MAX_TAIL_CALL_CNT));/\1MAX_TAIL_CALL_CNT - MUTANT(tail_depth)));/
