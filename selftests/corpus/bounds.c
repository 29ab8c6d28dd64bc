// SPDX-License-Identifier: GPL-2.0
/*
 * What programs of others take, and what they are estimated at: one line for each that can
 * be run. A run that an interrupt falls into is no measure of the program.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include "corpus/corpus.h"

#define RUNS 5 /* of each way, with the same maps and variables */

/* All interrupts so far: the first number of the line "intr". */
static unsigned long long interrupts(void)
{
	static char text[1 << 16];
	const char *p;

	if (file_read("/proc/stat", text, sizeof(text)))
		return 0;
	p = strstr(text, "\nintr ");
	return p ? strtoull(p + 6, NULL, 10) : 0;
}

/* ns of one run; 0: it did not run, or more than once, or an interrupt came. */
static __u64 run_once(struct drive *d, int fd, unsigned int way)
{
	struct bpf_prog_info before, after;
	unsigned long long hits = interrupts();

	before = prog_info(fd);
	drive_run(d, way, 1);
	after = prog_info(fd);
	if (interrupts() != hits || after.run_cnt != before.run_cnt + 1)
		return 0;
	return after.run_time_ns - before.run_time_ns;
}

static void write_bounds(const struct corpus_opts *opts, const char *object,
			 const char *program, __u64 min, __u64 max,
			 const struct bpf_prog_info *info)
{
	FILE *f = fopen(opts->bounds, "ae");
	struct stat st;

	if (!CHECK(f, "%s: %m", opts->bounds))
		return;
	if (!fstat(fileno(f), &st) && !st.st_size)
		fputs("program,measured_min_ns,measured_max_ns,best_ns,worst_ns\n",
		      f);
	fprintf(f, "%s/%s,%llu,%llu,%llu,", object, program, min, max,
		info->estimate_best_ns);
	if (info->estimate_worst_ns != ~0ULL)
		fprintf(f, "%llu", info->estimate_worst_ns);
	fputc('\n', f);
	fclose(f);
}

void corpus_bounds(const struct corpus_opts *opts, const char *object,
		   struct bpf_object *obj, struct bpf_program *prog,
		   struct corpus_prog *row)
{
	int fd = bpf_program__fd(prog);
	struct bpf_prog_info info = prog_info(fd);
	struct drive *d = drive_open(prog, opts->attach);
	__u64 min = ~0ULL, max = 0;

	corpus_count_runs();
	for (unsigned int round = 0; round < opts->rounds; round++) {
		corpus_seed(obj, round);
		for (unsigned int n = 0; n < RUNS * drive_ways(d); n++) {
			__u64 ns = run_once(d, fd, n % drive_ways(d));

			if (!ns)
				continue;
			min = ns < min ? ns : min;
			max = ns > max ? ns : max;
		}
	}
	row->driven = max > 0;
	if (max)
		write_bounds(opts, object, row->name, min, max, &info);
	drive_close(d);
}
