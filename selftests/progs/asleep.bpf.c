// SPDX-License-Identifier: GPL-2.0
/* A run that waits for memory of a process. */
#include "common.h"

SEC("syscall")
int asleep(void *unused)
{
	char text[8];

	enter();
	ctl.ret = bpf_copy_from_user(text, sizeof(text), (void *)ctl.user_ptr);
	stall_loop_inlined();
	leave();
	return 0;
}
