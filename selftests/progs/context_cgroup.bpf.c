// SPDX-License-Identifier: GPL-2.0
/* A program of each type of cgroup hooks, and of LSM. */
#include "context.h"

/* clang-format off */
TASK_CONTEXT("cgroup_skb/egress", cgroup_skb, struct __sk_buff, 1)
TASK_CONTEXT("cgroup/sock_create", cgroup_sock, struct bpf_sock, 1)
TASK_CONTEXT("cgroup/connect4", cgroup_connect, struct bpf_sock_addr, 1)
TASK_CONTEXT("cgroup/dev", cgroup_device, struct bpf_cgroup_dev_ctx, 1)
TASK_CONTEXT("cgroup/sysctl", cgroup_sysctl, struct bpf_sysctl, 1)
TASK_CONTEXT("cgroup/getsockopt", cgroup_getsockopt, struct bpf_sockopt, 1)
TASK_CONTEXT("sockops", cgroup_sock_ops, struct bpf_sock_ops, 1)
/* clang-format on */

SEC("lsm_cgroup/task_getscheduler")
int BPF_PROG(cgroup_lsm, struct task_struct *p)
{
	if (from_our_process() && armed())
		stall_with_record();
	return 1;
}

SEC("lsm/task_getpgid")
int BPF_PROG(lsm, struct task_struct *p)
{
	if (from_our_process() && armed())
		stall_with_record();
	return 0;
}

SEC("lsm.s/file_open")
int BPF_PROG(lsm_sleepable, struct file *file)
{
	if (from_our_process() && armed())
		stall_with_record();
	return 0;
}
