// SPDX-License-Identifier: GPL-2.0
/* What a run took, as a row, and the interrupts that may have fallen into it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "bench.h"
#include "estimate_runs.h"

/* All interrupts so far; the first number of the line "intr". */
__u64 interrupts(void)
{
	static char buf[1 << 16];
	static int fd = -1;
	ssize_t n;
	char *intr;

	if (fd < 0)
		fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	n = pread(fd, buf, sizeof(buf) - 1, 0);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	intr = strstr(buf, "\nintr ");
	return intr ? strtoull(intr + 6, NULL, 10) : 0;
}

/* One row; worst_ns empty: unbounded. */
void put_run(const struct run_opts *o, const char *set, const char *program,
	     const char *input, const struct bpf_prog_info *info, double run_ns,
	     __u64 hits)
{
	fprintf(o->out, "%s,%s,%s,%.1f,%llu,%llu,", set, program, input, run_ns,
		(unsigned long long)hits,
		(unsigned long long)info->estimate_best_ns);
	if (info->estimate_worst_ns != ~0ULL)
		fprintf(o->out, "%llu",
			(unsigned long long)info->estimate_worst_ns);
	fprintf(o->out, ",%u\n", info->estimate_reason);
}
