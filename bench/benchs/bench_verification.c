// SPDX-License-Identifier: GPL-2.0
/*
 * What estimates cost at load: veristat's figures for each program, on the
 * unpatched and on the patched kernel. Nothing but the time may differ.
 *
 * Under `-icount shift=0` a microsecond of the verifier is 1,000 instructions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "csv.h"

static const char *const same[] = { "verdict", "total_insns", "total_states",
				    "peak_states" };

struct cols {
	int kernel, round, file, prog, duration, same[ARRAY_SIZE(same)];
};

/* One program on both kernels. Times are of the fastest round, us. */
struct pair {
	const char *file, *prog;
	size_t row[2]; /* +1 */
	double best[2];
};

static int verification_run(const struct run_opts *o)
{
	(void)o;
	warn_f("verification: veristat runs in the guest, see run/verification.sh");
	return -ENOTSUP;
}

static int verification_by_name(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return strcmp(x->file, y->file) ?: strcmp(x->prog, y->prog);
}

/* Rows of the same program become one. Return: how many. */
static size_t verification_merge(struct pair *p, size_t n)
{
	size_t i, to = 0;
	int k;

	qsort(p, n, sizeof(*p), verification_by_name);
	for (i = 0; i < n; i++) {
		if (!to || verification_by_name(&p[to - 1], &p[i])) {
			p[to++] = p[i];
			continue;
		}
		for (k = 0; k < 2; k++) {
			if (!p[i].row[k])
				continue;
			if (!p[to - 1].row[k] ||
			    p[i].best[k] < p[to - 1].best[k])
				p[to - 1].best[k] = p[i].best[k];
			p[to - 1].row[k] = p[i].row[k];
		}
	}
	return to;
}

/* Does something differ that must not? Says what. */
static bool differs(const struct csv *c, const struct cols *col,
		    const struct pair *p)
{
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(same); i++) {
		const char *a = csv__str(c, p->row[0] - 1, col->same[i]);
		const char *b = csv__str(c, p->row[1] - 1, col->same[i]);

		if (!strcmp(a, b))
			continue;
		printf("  %s/%s: %s %s, was %s\n", p->file, p->prog, same[i], b,
		       a);
		found = true;
	}
	return found;
}

static int verification_table(const struct table_opts *o)
{
	const struct csv *c = o->raw;
	struct cols col = {
		.kernel = csv__col(c, "kernel"),
		.round = csv__col(c, "round"),
		.file = csv__col(c, "file_name"),
		.prog = csv__col(c, "prog_name"),
		.duration = csv__col(c, "duration"),
	};
	size_t i, n = 0, both = 0, ok = 0, different = 0, lone = 0;
	double time[2] = {}, ratio;
	struct pair *p;

	for (i = 0; i < ARRAY_SIZE(same); i++)
		col.same[i] = csv__col(c, same[i]);
	p = calloc(csv__rows(c) + 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (i = 0; i < csv__rows(c); i++) {
		int k = !strcmp(csv__str(c, i, col.kernel), "patched");

		p[n].file = csv__str(c, i, col.file);
		p[n].prog = csv__str(c, i, col.prog);
		p[n].row[k] = i + 1;
		n += csv__num(c, i, col.duration, &p[n].best[k]);
	}
	n = verification_merge(p, n);

	printf("\nverification: time of the verifier, unpatched and patched\n\n");
	if (o->csv)
		fputs("file,program,verdict,vanilla_us,patched_us\n", o->csv);
	for (i = 0; i < n; i++) {
		const char *verdict;

		if (!p[i].row[0] || !p[i].row[1]) {
			lone++;
			continue;
		}
		both++;
		different += differs(c, &col, &p[i]);
		verdict = csv__str(c, p[i].row[1] - 1, col.same[0]);
		if (!strcmp(verdict, "success")) {
			ok++;
			time[0] += p[i].best[0];
			time[1] += p[i].best[1];
		}
		if (o->csv)
			fprintf(o->csv, "%s,%s,%s,%.0f,%.0f\n", p[i].file,
				p[i].prog, verdict, p[i].best[0], p[i].best[1]);
	}
	free(p);
	ratio = time[0] > 0 ? time[1] / time[0] : 0;

	printf("  %-44s %6zu, of which %zu load\n", "programs on both kernels",
	       both, ok);
	printf("  %-44s %10.3f s unpatched %10.3f s patched\n\n",
	       "verification of those that load", time[0] / 1e6, time[1] / 1e6);
	target_line("programs on one kernel only", "0", both > 0, !lone, "%zu",
		    lone);
	target_line("other verdict, instructions or states", "0", both > 0,
		    !different, "%zu", different);
	target_line("time of verification, patched / unpatched", "<= 1.03",
		    ok > 0, ratio <= 1.03, "%.4f", ratio);
	puts("\nenvironment");
	print_env(c);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, c);
		fprintf(o->json,
			",\n  \"total\": {\"programs\": %zu, \"load\": %zu, \"one_kernel_only\": %zu, \"different\": %zu, \"time_ratio\": ",
			both, ok, lone, different);
		json_num(o->json, ok > 0, ratio);
		fputs("}\n}\n", o->json);
	}
	return 0;
}

const struct bench bench_verification = {
	.name = "verification",
	.desc = "time of the verifier, unpatched and patched",
	.nr_keys = 2,
	.run = verification_run,
	.table = verification_table,
};
