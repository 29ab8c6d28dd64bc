// SPDX-License-Identifier: GPL-2.0
/* Open-coded number iterators, nested three deep. */
#include "common.h"
#include "ringbuf.h"

static __always_inline void stall_iter(void)
{
	struct bpf_iter_num a, b, c;

	bpf_iter_num_new(&a, 0, ctl.n);
	while (bpf_iter_num_next(&a)) {
		bpf_iter_num_new(&b, 0, ctl.m);
		while (bpf_iter_num_next(&b)) {
			bpf_iter_num_new(&c, 0, ctl.m);
			while (bpf_iter_num_next(&c)) {
				if (step())
					break;
			}
			bpf_iter_num_destroy(&c);
			if (ctl.brake)
				break;
		}
		bpf_iter_num_destroy(&b);
		if (ctl.brake)
			break;
	}
	bpf_iter_num_destroy(&a);
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(iter_cgroup)
{
	struct cgroup *cgrp;

	if (!from_our_process())
		return 0;
	enter();
	cgrp = bpf_cgroup_from_id(ctl.cgroup_id);
	got(cgrp);
	if (!cgrp)
		return 0;
	stall_iter();
	bpf_cgroup_release(cgrp);
	leave();
	return 0;
}

SEC("kprobe/__x64_sys_getpgid")
int iter_record(struct pt_regs *ctx)
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
	stall_iter();
	bpf_ringbuf_submit(rec, 0);
	leave();
	return 0;
}
