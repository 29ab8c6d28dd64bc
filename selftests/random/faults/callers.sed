# kernel/bpf/runtime/termination.c
s/for (i = w\.blocked; i < w\.nr; i++)/for (i = w.blocked; i < w.nr \&\& i <= w.blocked; i++)/
