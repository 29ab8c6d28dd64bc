// SPDX-License-Identifier: GPL-2.0
/* Programs whose returned value counts. They stall; what they return then, they return as ended. */
#include "common.h"

/* Something that is neither pass nor deny, where there is such a value. */
#define OWN 5

static __always_inline int stall(int ret)
{
	enter();
	stall_loop_called();
	leave();
	return ret;
}

SEC("lsm/task_getpgid")
int BPF_PROG(on_lsm, struct task_struct *p)
{
	return from_our_process() ? stall(0) : 0;
}

SEC("lsm.s/file_open")
int BPF_PROG(on_lsm_sleepable, struct file *file)
{
	return from_our_process() && ctl.refused ? stall(0) : 0;
}

SEC("lsm_cgroup/task_getscheduler")
int BPF_PROG(on_lsm_cgroup, struct task_struct *p)
{
	return from_our_process() ? stall(1) : 1;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(on_fmod_ret, int a, int *b, int ret)
{
	return stall(OWN);
}

SEC("cgroup/getsockopt")
int on_getsockopt(struct bpf_sockopt *ctx)
{
	return from_our_process() ? stall(1) : 1;
}

SEC("cgroup/recvmsg4")
int on_recvmsg(struct bpf_sock_addr *ctx)
{
	return 1;
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	return stall(OWN);
}

SEC("tc")
int on_tc(struct __sk_buff *skb)
{
	return stall(OWN);
}

SEC("socket")
int on_socket(struct __sk_buff *skb)
{
	return stall(OWN);
}

SEC("flow_dissector")
int on_flow_dissector(struct __sk_buff *skb)
{
	return stall(0);
}

SEC("raw_tp/sys_enter")
int on_raw_tp(void *ctx)
{
	return 0;
}
