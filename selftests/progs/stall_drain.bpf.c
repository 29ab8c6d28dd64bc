// SPDX-License-Identifier: GPL-2.0
/* bpf_user_ringbuf_drain(): user space decides how often the callback runs. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1 << 20);
} user_rb SEC(".maps");

static long in_sample(__u32 i, void *unused)
{
	return step();
}

/* n == 0: nothing but the drain takes time. */
static long on_sample(struct bpf_dynptr *sample, void *unused)
{
	__u64 value = 0;

	bpf_dynptr_read(&value, sizeof(value), sample, 0, 0);
	if (ctl.n)
		bpf_loop(ctl.n, in_sample, NULL, 0);
	else
		ctl.steps++;
	return ctl.brake != 0;
}

static __always_inline int drain(void)
{
	struct task_struct *task;

	enter();
	task = bpf_task_acquire(bpf_get_current_task_btf());
	got(task);
	if (!task)
		return 0;
	ctl.ret = bpf_user_ringbuf_drain(&user_rb, on_sample, NULL, 0);
	bpf_task_release(task);
	leave();
	return 0;
}

SEC("syscall")
int drain_work(void *unused)
{
	return drain();
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(drain_walk)
{
	return from_our_process() ? drain() : 0;
}

static long take_sample(struct bpf_dynptr *sample, void *unused)
{
	return 0;
}

/* Takes the rest; negative if the buffer was left busy. */
SEC("syscall")
int drain_probe(void *unused)
{
	return bpf_user_ringbuf_drain(&user_rb, take_sample, NULL, 0);
}
