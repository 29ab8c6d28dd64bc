// SPDX-License-Identifier: GPL-2.0
/* The table of the peers, its CSV and its JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "csv.h"
#include "peers.h"
#include "stalls.h"

#define NSEC_PER_USEC 1000.0

static const struct peers_setup {
	const char *name;
	const char *what;
} peers_setups[] = {
	{ "icount", "1 CPU, deterministic: 1 ns is 1 guest instruction" },
	{ "mt",
	  "2 CPUs, multi-threaded TCG, a bystander spins on the other: time is the host's, its scheduling is in it" },
	{ "mt-idle", "the same, and the other CPU is idle" },
};

struct peers_sum {
	struct dist stop, overshoot, patch, gap;
	double ipis, memory;
	bool has_memory;
	const char *note;
	size_t runs; /* stop.n of them were ended, the others went on to their end */
};

static struct peers_sum peers_fold(const struct csv *raw, const char *setup,
				   const char *name, const char *way,
				   double budget)
{
	static const char *const cols[] = { "stop_ns", "overshoot_ns",
					    "patch_ns", "gap_ns", "ipis" };
	int cs = csv__col(raw, "setup"), cr = csv__col(raw, "reproducer"),
	    cw = csv__col(raw, "way"), cb = csv__col(raw, "budget_ns"),
	    cm = csv__col(raw, "image_bytes"), cn = csv__col(raw, "note");
	size_t rows = csv__rows(raw), n[ARRAY_SIZE(cols)] = {}, i, c;
	double *v[ARRAY_SIZE(cols)], b;
	struct peers_sum s = { .note = "" };

	for (c = 0; c < ARRAY_SIZE(cols); c++)
		v[c] = calloc(rows, sizeof(double));
	for (i = 0; i < rows; i++) {
		if (strcmp(csv__str(raw, i, cs), setup) ||
		    strcmp(csv__str(raw, i, cr), name) ||
		    strcmp(csv__str(raw, i, cw), way) ||
		    !csv__num(raw, i, cb, &b) || b != budget)
			continue;
		s.note = csv__str(raw, i, cn);
		if (csv__num(raw, i, cm, &b)) {
			s.has_memory = true;
			s.memory = b;
		}
		s.runs += !s.note[0];
		for (c = 0; c < ARRAY_SIZE(cols); c++)
			n[c] += csv__num(raw, i, csv__col(raw, cols[c]),
					 &v[c][n[c]]);
	}
	s.stop = dist_of(v[0], n[0]);
	s.overshoot = dist_of(v[1], n[1]);
	s.patch = dist_of(v[2], n[2]);
	s.gap = dist_of(v[3], n[3]);
	for (i = 0; i < n[4]; i++)
		s.ipis += v[4][i] / n[4];
	if (!n[4])
		s.ipis = NAN;
	for (c = 0; c < ARRAY_SIZE(cols); c++)
		free(v[c]);
	return s;
}

static void csv_dist(FILE *f, const struct dist *d)
{
	if (d->n)
		fprintf(f, ",%.0f,%.0f,%.0f,%.0f", d->min, d->p50, d->p99,
			d->max);
	else
		fputs(",,,,", f);
}

static void put_sum(const struct table_opts *o, const char *setup,
		    const char *name, const char *way, double budget,
		    const struct peers_sum *s)
{
	static bool more;

	if (o->csv) {
		fprintf(o->csv, "%s,%s,%s,%.0f,%zu,%zu", setup, name, way,
			budget, s->runs, s->stop.n);
		csv_dist(o->csv, &s->stop);
		csv_dist(o->csv, &s->overshoot);
		csv_dist(o->csv, &s->patch);
		csv_dist(o->csv, &s->gap);
		fputc(',', o->csv);
		put_num(o->csv, s->ipis);
		put_num(o->csv, s->has_memory ? s->memory : NAN);
		fprintf(o->csv, "%s\n", s->note);
	}
	if (!o->json)
		return;
	fprintf(o->json,
		"%s\n    {\"measured\": \"%s\", \"reproducer\": \"%s\", \"way\": \"%s\", \"runs\": %zu, \"kills\": %zu, \"budget_ns\": %.0f",
		more ? "," : "", setup, name, way, s->runs, s->stop.n, budget);
	more = true;
	json_dist(o->json, "stop_ns", &s->stop);
	json_dist(o->json, "overshoot_ns", &s->overshoot);
	json_dist(o->json, "patch_ns", &s->patch);
	json_dist(o->json, "bystander_gap_ns", &s->gap);
	fputs(", \"bystander_ipis\": ", o->json);
	json_num(o->json, isfinite(s->ipis), s->ipis);
	fputs(", \"image_bytes\": ", o->json);
	json_num(o->json, s->has_memory, s->memory);
	fputs(", \"note\": ", o->json);
	json_str(o->json, s->note);
	fputc('}', o->json);
}

static void us(double v, bool known)
{
	if (known)
		printf(" %10.*f", fabs(v) < 99950 ? 2 : 0, v / NSEC_PER_USEC);
	else
		printf(" %10s", "-");
}

static double median_of(double *v, size_t n)
{
	return dist_of(v, n).p50;
}

/* One line for a way and a budget: the median reproducer and the worst of all. */
static void print_way(const struct table_opts *o, const char *setup,
		      const struct way *w, double budget)
{
	double stop[NR_STALLS], over[NR_STALLS], gap[NR_STALLS], ipis = 0;
	double stop_min = INFINITY, stop_max = 0, over_max = 0, gap_max = 0;
	size_t k, missed = 0, ended = 0, ns = 0, no = 0, ng = 0, ni = 0,
		  tried = 0;

	for (k = 0; k < NR_STALLS; k++) {
		struct peers_sum s = peers_fold(
			o->raw, setup, stall_kinds[k].name, w->name, budget);

		if (!s.runs && !s.note[0])
			continue;
		tried++;
		put_sum(o, setup, stall_kinds[k].name, w->name, budget, &s);
		ended += s.runs > 0;
		missed += w->natural ? 0 : s.runs - s.stop.n;
		if (s.stop.n) {
			stop[ns++] = s.stop.p50;
			stop_min = fmin(stop_min, s.stop.min);
			stop_max = fmax(stop_max, s.stop.max);
		}
		if (s.overshoot.n) {
			over[no++] = s.overshoot.p50;
			over_max = fmax(over_max, s.overshoot.max);
		}
		if (s.gap.n) {
			gap[ng++] = s.gap.p50;
			gap_max = fmax(gap_max, s.gap.max);
		}
		if (isfinite(s.ipis)) {
			ipis += s.ipis;
			ni++;
		}
	}
	if (!tried)
		return;
	printf("  %-15s %8.0f %5zu/%-2zu %6zu |", w->name,
	       budget / NSEC_PER_USEC, ended, tried, missed);
	us(stop_min, ns);
	us(median_of(stop, ns), ns);
	us(stop_max, ns);
	fputs(" |", stdout);
	us(median_of(over, no), no);
	us(over_max, no);
	fputs(" |", stdout);
	us(median_of(gap, ng), ng);
	us(gap_max, ng);
	if (ni)
		printf(" | %6.1f", ipis / ni);
	else
		printf(" | %6s", "-");
	putchar('\n');
}

static void print_reproducers(const struct table_opts *o, const char *setup,
			      double budget)
{
	size_t k, w;

	printf("\n  budget %.0f us, each reproducer: decision to return p50 / over the budget p50, us; bytes\n  %-16s",
	       budget / NSEC_PER_USEC, "");
	for (w = 0; w < NR_WAYS; w++)
		if (!peers_ways[w].max_budget)
			printf(" %24s", peers_ways[w].name);
	putchar('\n');
	for (k = 0; k < NR_STALLS; k++) {
		printf("  %-16s", stall_kinds[k].name);
		for (w = 0; w < NR_WAYS; w++) {
			struct peers_sum s =
				peers_fold(o->raw, setup, stall_kinds[k].name,
					   peers_ways[w].name, budget);
			char cell[64] = "-";

			if (peers_ways[w].max_budget)
				continue;
			if (s.stop.n)
				snprintf(cell, sizeof(cell),
					 "%.1f / %.1f; %.0f",
					 s.stop.p50 / NSEC_PER_USEC,
					 s.overshoot.p50 / NSEC_PER_USEC,
					 s.memory);
			else if (s.overshoot.n)
				snprintf(cell, sizeof(cell), "/ %.0f",
					 s.overshoot.p50 / NSEC_PER_USEC);
			else if (s.note[0])
				snprintf(cell, sizeof(cell), "cannot");
			printf(" %24s", cell);
		}
		putchar('\n');
	}
}

static void print_notes(const struct table_opts *o, const char *setup)
{
	size_t k, w;

	for (w = 0; w < NR_WAYS; w++)
		for (k = 0; k < NR_STALLS; k++) {
			struct peers_sum s = peers_fold(o->raw, setup,
							stall_kinds[k].name,
							peers_ways[w].name,
							peers_budgets[0]);

			if (s.note[0] && !peers_ways[w].natural)
				printf("  %-15s %-16s %s\n", peers_ways[w].name,
				       stall_kinds[k].name, s.note);
		}
}

int peers_table(const struct table_opts *o)
{
	size_t i, w, b;

	if (o->csv)
		fputs("setup,reproducer,way,budget_ns,runs,kills,stop_min_ns,stop_p50_ns,stop_p99_ns,stop_max_ns,"
		      "overshoot_min_ns,overshoot_p50_ns,overshoot_p99_ns,overshoot_max_ns,"
		      "patch_min_ns,patch_p50_ns,patch_p99_ns,patch_max_ns,"
		      "gap_min_ns,gap_p50_ns,gap_p99_ns,gap_max_ns,ipis,image_bytes,note\n",
		      o->csv);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, o->raw);
		fputs(",\n  \"rows\": [", o->json);
	}
	for (i = 0; i < ARRAY_SIZE(peers_setups); i++) {
		const char *setup = peers_setups[i].name;

		printf("\npeers, %s: %s\n\n", setup, peers_setups[i].what);
		printf("  %-15s %8s %8s %6s | %32s | %21s | %21s |\n", "", "",
		       "", "runs", "decision to return", "over the budget",
		       "bystander's longest gap");
		printf("  %-15s %8s %8s %6s | %10s %10s %10s | %10s %10s | %10s %10s | %6s\n",
		       "way", "budget", "ends", "not", "least us", "median us",
		       "max us", "median us", "max us", "median us", "max us",
		       "IPIs");
		for (w = 0; w < NR_WAYS; w++)
			for (b = 0; b < NR_BUDGETS; b++)
				print_way(o, setup, &peers_ways[w],
					  peers_budgets[b]);
		for (b = 0; b < NR_BUDGETS; b++) {
			struct peers_sum s = peers_fold(o->raw, setup, "none",
							"none",
							peers_budgets[b]);

			if (!s.runs)
				continue;
			put_sum(o, setup, "none", "none", peers_budgets[b], &s);
			printf("  %-15s %8.0f %8s %6s | %32s | %21s |",
			       "no program", peers_budgets[b] / NSEC_PER_USEC,
			       "", "", "", "");
			us(s.gap.p50, s.gap.n);
			us(s.gap.max, s.gap.n);
			printf(" | %6.1f\n", s.ipis);
		}
		print_reproducers(o, setup, peers_budgets[NR_BUDGETS - 1]);
		putchar('\n');
		print_notes(o, setup);
	}
	putchar('\n');
	for (w = 0; w < NR_WAYS; w++)
		printf("  %-15s %s\n", peers_ways[w].name, peers_ways[w].what);
	puts("\nenvironment");
	print_env(o->raw);
	if (o->json)
		fputs("\n  ]\n}\n", o->json);
	return 0;
}
