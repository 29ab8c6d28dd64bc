// SPDX-License-Identifier: GPL-2.0
/* bpf_loop() three deep, inlined and called, on every hook that tracing has. */
#include "common.h"
#include "ringbuf.h"

static __always_inline int hold_record(bool inlined)
{
	__u64 *rec;

	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return 0;
	*rec = 0;
	if (inlined)
		stall_loop_inlined();
	else
		stall_loop_called();
	bpf_ringbuf_submit(rec, 0);
	leave();
	return 0;
}

static __always_inline int hold_dynptr(bool inlined)
{
	struct bpf_dynptr ptr;
	long err;

	enter();
	err = bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &ptr);
	got(!err);
	if (inlined)
		stall_loop_inlined();
	else
		stall_loop_called();
	bpf_ringbuf_discard_dynptr(&ptr, 0);
	leave();
	return 0;
}

SEC("kprobe/__x64_sys_getpgid")
int loop_inlined(struct pt_regs *ctx)
{
	return from_our_process() ? hold_record(true) : 0;
}

SEC("kprobe/__x64_sys_getpgid")
int loop_called(struct pt_regs *ctx)
{
	return from_our_process() ? hold_dynptr(false) : 0;
}

/* Attached behind the first instruction: an int3, so interrupts are off. */
SEC("kprobe")
int loop_int3(struct pt_regs *ctx)
{
	return from_our_process() ? hold_record(true) : 0;
}

SEC("kretprobe/__x64_sys_getpgid")
int loop_kretprobe(struct pt_regs *ctx)
{
	return from_our_process() ? hold_record(false) : 0;
}

SEC("raw_tp/sys_enter")
int loop_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != 121 /* getpgid */ || !from_our_process())
		return 0;
	return hold_dynptr(true);
}

SEC("tp/syscalls/sys_enter_getpgid")
int loop_tp(void *ctx)
{
	return from_our_process() ? hold_record(true) : 0;
}

/* BPF_F_TEST_RUN_ON_CPU: runs in the handler of an IPI, interrupts off. */
SEC("raw_tp")
int loop_ipi(struct bpf_raw_tracepoint_args *ctx)
{
	return hold_record(true);
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(loop_fentry)
{
	return from_our_process() ? hold_record(true) : 0;
}

SEC("fexit/__x64_sys_getpgid")
int BPF_PROG(loop_fexit)
{
	return from_our_process() ? hold_record(false) : 0;
}

SEC("syscall")
int loop_syscall(void *unused)
{
	return hold_record(true);
}

SEC("syscall")
int loop_both(void *unused)
{
	enter();
	stall_loop_inlined();
	stall_loop_called();
	leave();
	return 0;
}
