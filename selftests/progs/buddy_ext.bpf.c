// SPDX-License-Identifier: GPL-2.0
/* What a program of progs/buddy.bpf.c gets while it runs. */
#include "lock_loop.h"

SEC("freplace/plain")
int locks_inside(__u64 turn)
{
	enter();
	lock_loop();
	leave();
	return 1;
}
