// SPDX-License-Identifier: GPL-2.0
/* How long sampled runs took: the kernel's counters, and what they say of an interval. */
#include <bpf/bpf.h>
#include <stdlib.h>
#include "progs/run_times.h"

#define ENTRIES_MAX 512
#define PER_POWER 8 /* entries of the same width, of each power of two */

u64 *run_times_read(int prog_fd, u32 *n)
{
	u64 *times = calloc(ENTRIES_MAX, sizeof(*times));
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);

	*n = 0;
	if (!times)
		return NULL;
	info.nr_run_times = ENTRIES_MAX;
	info.run_times = (uintptr_t)times;
	if (!bpf_prog_get_info_by_fd(prog_fd, &info, &len))
		*n = info.nr_run_times < ENTRIES_MAX ? info.nr_run_times :
						       ENTRIES_MAX;
	if (*n)
		return times;
	free(times);
	return NULL;
}

u64 run_times_edge(u32 i, u32 n)
{
	if (i + 1 >= n)
		return UINT64_MAX;
	if (i < PER_POWER)
		return i;
	return ((u64)(PER_POWER + i % PER_POWER + 1) << (i / PER_POWER - 1)) -
	       1;
}

static u64 since(const u64 *now, const u64 *then, u32 i)
{
	return !then ? now[i] : now[i] > then[i] ? now[i] - then[i] : 0;
}

u64 run_times_p99(const u64 *now, const u64 *then, u32 n, u64 longest)
{
	u64 all = 0, sum = 0;

	for (u32 i = 0; i < n; i++)
		all += since(now, then, i);
	for (u32 i = 0; all && i < n; i++) {
		u64 edge = run_times_edge(i, n);

		sum += since(now, then, i);
		if (sum >= all - all / 100)
			return edge < longest ? edge : longest;
	}
	return 0;
}

u64 run_times_until(const u64 *times, u32 n, u64 ns, u32 *at)
{
	u64 sum = 0;

	for (; *at < n && run_times_edge(*at, n) <= ns; ++*at)
		sum += times[*at];
	return sum;
}

u64 run_times_sum(const u64 *times, u32 n)
{
	u64 sum = 0;

	for (u32 i = 1; i < n; i++) {
		u64 from = run_times_edge(i - 1, n) + 1;
		u64 to = i + 1 < n ? run_times_edge(i, n) : from;

		sum += times[i] * (from + (to - from) / 2);
	}
	return sum;
}
