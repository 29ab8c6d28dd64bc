# The time of ksoftirqd is credited to what it runs.
# test: charged/softirq
# kernel/bpf/runtime/account.c
s/return inv->state->softirq ?/return inv->state->softirq \&\& !MUTANT(ksoftirqd) ?/
