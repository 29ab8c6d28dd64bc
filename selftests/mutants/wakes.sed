# Records that are submitted on the fast path wake who waits at once.
# boot: ICOUNT=1
# test: raised/held
# kernel/bpf/ringbuf.c
/^static void bpf_ringbuf_commit/,/^}/s/bpf_invocation_ended() ?/bpf_invocation_ended() \&\& !MUTANT(wakes) ?/
