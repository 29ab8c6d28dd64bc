// SPDX-License-Identifier: GPL-2.0
/* Programs that are no trouble, for the dashboard to show. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static void count(__u32 key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
}

SEC("tp/sched/sched_switch")
int count_switches(void *ctx)
{
	count(bpf_get_smp_processor_id());
	return 0;
}

SEC("kprobe/do_sys_openat2")
int count_opens(void *ctx)
{
	count(bpf_get_current_pid_tgid());
	return 0;
}

SEC("tp/syscalls/sys_enter_write")
int count_writes(void *ctx)
{
	count(bpf_get_current_pid_tgid());
	return 0;
}
