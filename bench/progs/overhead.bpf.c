// SPDX-License-Identifier: GPL-2.0
/*
 * The cheapest program on each entry path: what is measured is the entry, not
 * the program. `loop` is the one that can overrun, so it has a fast-path image
 * while the watchdog is on; it loops zero times.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

__u32 zero;

SEC("socket") int socket_filter(struct __sk_buff *skb)
{
	return 0;
}

static int nop_cb(__u64 i, void *ctx)
{
	return 0;
}

SEC("socket") int socket_loop(struct __sk_buff *skb)
{
	return bpf_loop(zero, nop_cb, NULL, 0);
}

SEC("xdp") int on_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc") int on_tc(struct __sk_buff *skb)
{
	return 0;
}

SEC("flow_dissector") int on_flow_dissector(struct __sk_buff *skb)
{
	return 0;
}

SEC("fentry/__x64_sys_getpgid") int fentry(void *ctx)
{
	return 0;
}

SEC("fentry/__x64_sys_getpgid") int fentry_loop(void *ctx)
{
	bpf_loop(zero, nop_cb, NULL, 0);
	return 0;
}

SEC("fexit/__x64_sys_getpgid") int fexit(void *ctx)
{
	return 0;
}

SEC("fentry.s/__x64_sys_getpgid") int fentry_s(void *ctx)
{
	return 0;
}

SEC("lsm/task_getpgid") int lsm(void *ctx)
{
	return 0;
}

SEC("kprobe/__x64_sys_getpgid") int kprobe(struct pt_regs *ctx)
{
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid") int tracepoint(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter") int raw_tp(void *ctx)
{
	return 0;
}

SEC("cgroup/getsockopt") int cgroup(struct bpf_sockopt *ctx)
{
	return 1;
}

SEC("syscall") int syscall_prog(void *ctx)
{
	return 0;
}

/*
 * All timers expire at the same moment, so one softirq runs their callbacks
 * back to back: the distance of two is the cost of one.
 */
#define NR_TIMERS 64

struct timer_elem {
	struct bpf_timer timer;
	__u64 ran;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_TIMERS);
	__type(key, __u32);
	__type(value, struct timer_elem);
} timers SEC(".maps");

__u64 fired_ns[NR_TIMERS];
__u32 fired;

static int timer_cb(void *map, __u32 *key, struct timer_elem *e)
{
	__u32 i = fired++;

	if (i < NR_TIMERS)
		fired_ns[i] = bpf_ktime_get_ns();
	return 0;
}

SEC("syscall") int timer(void *ctx)
{
	__u64 at = bpf_ktime_get_ns() + 500000;
	__u32 i;

	fired = 0;
	bpf_for(i, 0, NR_TIMERS)
	{
		__u32 key = i;
		struct timer_elem *e = bpf_map_lookup_elem(&timers, &key);

		if (!e)
			return -1;
		bpf_timer_init(&e->timer, &timers, 1 /* CLOCK_MONOTONIC */);
		bpf_timer_set_callback(&e->timer, timer_cb);
		if (bpf_timer_start(&e->timer, at, BPF_F_TIMER_ABS))
			return -2;
	}
	return 0;
}
