# What calls weigh does not count: a program without a loop has no image.
# test: endless/straight
# kernel/bpf/runtime/call_class.c
s/aux->can_overrun = !est || est->weight > CALL_MAX_WEIGHT;/aux->can_overrun = !est || (est->weight > CALL_MAX_WEIGHT \&\& !MUTANT(straight));/
