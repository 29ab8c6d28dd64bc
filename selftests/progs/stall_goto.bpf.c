// SPDX-License-Identifier: GPL-2.0
/* may_goto without and with calls inside, and under a spin lock. */
#include "common.h"
#include "ringbuf.h"
#include "locked.h"

/* Every frame has a may_goto budget of its own (8M): nesting multiplies them. */
static __noinline int goto_3(void)
{
	__u64 i;

	for (i = 0; i < ctl.m && can_loop; i++)
		if (step())
			break;
	return 0;
}

static __noinline int goto_2(void)
{
	__u64 i;

	for (i = 0; i < ctl.m && can_loop; i++) {
		goto_3();
		if (ctl.brake)
			break;
	}
	return 0;
}

static __always_inline void stall_goto(void)
{
	__u64 i;

	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_2();
		if (ctl.brake)
			break;
	}
}

static __noinline int goto_calls_2(void)
{
	__u64 i;

	for (i = 0; i < ctl.m * ctl.m && can_loop; i++) {
		if (bpf_get_prandom_u32() == 1)
			ctl.ret++;
		if (step())
			break;
	}
	return 0;
}

static __always_inline void stall_goto_calls(void)
{
	__u64 i;

	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_calls_2();
		if (ctl.brake)
			break;
	}
}

SEC("kprobe/__x64_sys_getpgid")
int goto_plain(struct pt_regs *ctx)
{
	__u64 *rec;

	if (!from_our_process())
		return 0;
	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return 0;
	*rec = 0;
	stall_goto();
	bpf_ringbuf_discard(rec, 0);
	leave();
	return 0;
}

SEC("tc")
int goto_calls(struct __sk_buff *skb)
{
	struct task_struct *task;

	enter();
	task = bpf_task_from_pid(ctl.pid);
	got(task);
	if (!task)
		return 0;
	stall_goto_calls();
	bpf_task_release(task);
	leave();
	return 0;
}

/* bpf_spin_lock() turns interrupts off: only the NMI of another CPU gets here. */
SEC("tc")
int goto_lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	enter();
	bpf_spin_lock(&l->lock);
	got(true);
	stall_goto();
	l->count++;
	bpf_spin_unlock(&l->lock);
	leave();
	return 0;
}

/* Takes the lock: hangs if it was not given back. */
SEC("tc")
int lock_probe(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);
	__u64 count;

	if (!l)
		return -1;
	bpf_spin_lock(&l->lock);
	count = l->count;
	bpf_spin_unlock(&l->lock);
	ctl.ret = count;
	return 0;
}
