// SPDX-License-Identifier: GPL-2.0
/* Programs that must never be ended. */
#include "common.h"

static long work_step(__u32 i, void *unused)
{
	return step();
}

static long work_body(__u32 i, void *unused)
{
	return bpf_loop(ctl.m, work_step, NULL, 0) != ctl.m;
}

/* n x m steps; says when it left, and if it did all of them. */
SEC("syscall")
int innocent_work(void *unused)
{
	enter();
	ctl.leave_ns = 0;
	if (bpf_loop(ctl.n, work_body, NULL, 0) == ctl.n)
		COUNT(full);
	ctl.leave_ns = bpf_ktime_get_ns();
	leave();
	return 0;
}

/* Sleeps in the page fault that user_ptr causes. */
SEC("syscall")
int innocent_sleep(void *unused)
{
	char buf[8] = {};

	enter();
	ctl.ret = bpf_copy_from_user(buf, sizeof(buf), (void *)ctl.user_ptr);
	if (bpf_loop(ctl.n, work_body, NULL, 0) == ctl.n && buf[0] == 'w')
		COUNT(full);
	leave();
	return 0;
}

/* Cannot overrun: needs no image. */
SEC("syscall")
int innocent_short(void *unused)
{
	COUNT(started);
	leave();
	return 0;
}
