// SPDX-License-Identifier: GPL-2.0
/* A program that has a kernel thread load another one. */
#include "common.h"
#include "async.h"

static const struct bpf_insn insns_of[2] = {
	{ .code = 0xb7 }, /* r0 = 0 */
	{ .code = 0x95 }, /* exit */
};

/* The system call reads them where they are. */
union bpf_attr attr;
struct bpf_insn insns[2];
char gpl[4] = "GPL";
int loaded; /* a descriptor of the thread, or -errno */

static int loads(void *map, int *key, void *value)
{
	__builtin_memcpy(insns, insns_of, sizeof(insns));
	__builtin_memcpy(attr.prog_name, "p_queued", 8);
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insn_cnt = 2;
	attr.insns = (unsigned long)insns;
	attr.license = (unsigned long)gpl;
	loaded = bpf_sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	COUNT(finished);
	return 0;
}

SEC("syscall")
int queues(void *unused)
{
	return begin_work(loads);
}
