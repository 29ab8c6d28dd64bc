// SPDX-License-Identifier: GPL-2.0
/*
 * What bounds of programs are worth that others wrote, and of those that try to exceed
 * them: is each run within, how far is the bound above it, why has a program none, and
 * does a second model of the same machine say the same? run/estimate.sh collects the rows:
 *
 *   kind      set                          what a row is
 *   run       adversarial, corpus, field   a program that was run, and its bound
 *   estimate  the same                     a program that was estimated; for the reason
 *   model     VM or machine                a program's worst case by two models of it
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "csv.h"

#define NOT_LOADED "not_loaded"

static const char *const sets[] = { "adversarial", "corpus", "field" };
static const char *const machines[] = { "icount", "mt", "native" };

struct row {
	const char *kind, *set, *program, *reason;
	double min, max, best, worst, again;
	bool ran, has_min, bounded, bounded_again;
};

struct rows {
	struct row *v;
	size_t n;
};

/* Of one set. */
struct verdict {
	size_t programs, loaded, bounded, silent;
	size_t run, run_bounded, inside, above, below;
	struct dist tight;
};

static int bounds_run(const struct run_opts *o)
{
	(void)o;
	warn_f("bounds: collected by run/estimate.sh, `make bench B=estimate`");
	return -ENOTSUP;
}

static bool is(const struct row *r, const char *kind, const char *set)
{
	return !strcmp(r->kind, kind) && !strcmp(r->set, set);
}

static bool loaded(const struct row *r)
{
	return strcmp(r->reason, NOT_LOADED);
}

static int bounds_by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcmp(x->set, y->set)		      ?:
		       strcmp(x->program, y->program) ?:
							strcmp(x->kind, y->kind);
}

static struct rows read_rows(const struct csv *c)
{
	struct rows rows = { calloc(csv__rows(c) + 1, sizeof(*rows.v)), 0 };
	int min = csv__col(c, "measured_min_ns"),
	    max = csv__col(c, "measured_max_ns"), best = csv__col(c, "best_ns"),
	    worst = csv__col(c, "worst_ns"), again = csv__col(c, "worst2_ns");

	for (size_t i = 0; rows.v && i < csv__rows(c); i++) {
		struct row *r = &rows.v[rows.n++];

		r->kind = csv__str(c, i, csv__col(c, "kind"));
		r->set = csv__str(c, i, csv__col(c, "set"));
		r->program = csv__str(c, i, csv__col(c, "program"));
		r->reason = csv__str(c, i, csv__col(c, "reason"));
		r->has_min = csv__num(c, i, min, &r->min);
		r->ran = csv__num(c, i, max, &r->max) && r->max > 0;
		r->bounded = csv__num(c, i, worst, &r->worst);
		r->bounded_again = csv__num(c, i, again, &r->again);
		csv__num(c, i, best, &r->best);
	}
	if (rows.v)
		qsort(rows.v, rows.n, sizeof(*rows.v), bounds_by_name);
	return rows;
}

/* The row behind one is of the same program: estimated, and then run. */
static bool same_program(const struct rows *rows, size_t i)
{
	return i + 1 < rows->n && !strcmp(rows->v[i].set, rows->v[i + 1].set) &&
	       !strcmp(rows->v[i].program, rows->v[i + 1].program) &&
	       !strcmp(rows->v[i].kind, "estimate") &&
	       !strcmp(rows->v[i + 1].kind, "run");
}

/* A program that was estimated and run is one. Its bound is that of the run, as its maps
 * were then; why it has none, only the estimate says.
 */
static void bounds_merge(struct rows *rows)
{
	size_t to = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (same_program(rows, i)) {
			if (!rows->v[i + 1].bounded && loaded(&rows->v[i]))
				rows->v[i + 1].reason = rows->v[i].reason;
			continue;
		}
		rows->v[to++] = rows->v[i];
	}
	rows->n = to;
}

static bool above(const struct row *r)
{
	return r->ran && r->bounded && r->max > r->worst;
}

/* Samples of a tool that runs have no shortest one. */
static bool below(const struct row *r)
{
	return r->ran && r->bounded && r->has_min && r->min < r->best;
}

static struct verdict bounds_judge(const struct rows *rows, const char *set)
{
	double *tight = calloc(rows->n + 1, sizeof(*tight));
	struct verdict v = {};
	size_t n = 0;

	for (size_t i = 0; tight && i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		if (strcmp(r->set, set))
			continue;
		v.programs++;
		if (!loaded(r))
			continue;
		v.loaded++;
		v.bounded += r->bounded;
		v.silent += !r->bounded && !r->reason[0];
		v.run += r->ran;
		if (!r->ran || !r->bounded)
			continue;
		v.run_bounded++;
		v.above += above(r);
		v.below += below(r);
		v.inside += !above(r) && !below(r);
		tight[n++] = r->worst / r->max;
	}
	if (tight)
		v.tight = dist_of(tight, n);
	free(tight);
	return v;
}

/* How far two models are apart, of the programs that both of them bound. */
static struct dist bounds_apart(const struct rows *rows, const char *machine,
				size_t *one_only)
{
	double *ratio = calloc(rows->n + 1, sizeof(*ratio));
	struct dist d = {};
	size_t n = 0;

	*one_only = 0;
	for (size_t i = 0; ratio && i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		if (!is(r, "model", machine))
			continue;
		*one_only += r->bounded != r->bounded_again;
		if (r->bounded && r->bounded_again && r->worst > 0 &&
		    r->again > 0)
			ratio[n++] = fmax(r->worst, r->again) /
				     fmin(r->worst, r->again);
	}
	if (ratio)
		d = dist_of(ratio, n);
	free(ratio);
	return d;
}

static size_t count_reason(const struct rows *rows, const char *set,
			   const char *reason)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		n += !r->bounded && !strcmp(r->set, set) &&
		     !strcmp(r->reason, reason);
	}
	return n;
}

/* Has no row before i the reason of i? Rows of models have none. */
static bool new_reason(const struct rows *rows, size_t i)
{
	if (rows->v[i].bounded || !rows->v[i].reason[0])
		return false;
	for (size_t j = 0; j < i; j++)
		if (!rows->v[j].bounded &&
		    !strcmp(rows->v[j].reason, rows->v[i].reason))
			return false;
	return true;
}

static void print_reasons(const struct rows *rows)
{
	printf("\n  %-24s", "without a bound, why");
	for (size_t s = 0; s < ARRAY_SIZE(sets); s++)
		printf(" %11s", sets[s]);
	putchar('\n');
	for (size_t i = 0; i < rows->n; i++) {
		if (!new_reason(rows, i))
			continue;
		printf("  %-24s", rows->v[i].reason);
		for (size_t s = 0; s < ARRAY_SIZE(sets); s++)
			printf(" %11zu",
			       count_reason(rows, sets[s], rows->v[i].reason));
		putchar('\n');
	}
}

static void print_exceptions(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		if (above(r))
			printf("  above its bound: %s, %s: %.0f ns of %.0f\n",
			       r->set, r->program, r->max, r->worst);
		if (below(r))
			printf("  below its best: %s, %s: %.0f ns of %.0f\n",
			       r->set, r->program, r->min, r->best);
	}
}

static void judge_set(const char *set, const struct verdict *v)
{
	char what[80];

	snprintf(what, sizeof(what), "%s: programs within their bounds", set);
	target_line(what, "100 %", v->run_bounded, v->inside == v->run_bounded,
		    "%.1f %%",
		    v->run_bounded ? v->inside * 100.0 / v->run_bounded : 0);
	snprintf(what, sizeof(what), "%s: neither a bound nor a reason", set);
	target_line(what, "0", v->loaded, !v->silent, "%zu", v->silent);
	/* inputs of the others reach little of what their programs could do */
	if (strcmp(set, "field"))
		return;
	target_line("field: worst / longest measured, median", "<= 2",
		    v->tight.n, v->tight.p50 <= 2, "%.2f", v->tight.p50);
	target_line("field: worst / longest measured, p90", "<= 4", v->tight.n,
		    v->tight.p90 <= 4, "%.2f", v->tight.p90);
}

static void put_num(FILE *f, bool known, double v)
{
	if (known)
		fprintf(f, "%.10g", v);
	putc(',', f);
}

static void put_summary(const struct table_opts *o, const char *set,
			const struct verdict *v, bool first)
{
	if (!o->json)
		return;
	fprintf(o->json, "%s\n    {\"set\": ", first ? "" : ",");
	json_str(o->json, set);
	fprintf(o->json,
		", \"programs\": %zu, \"load\": %zu, \"bounded\": %zu, \"unbounded\": %zu, \"without_reason\": %zu, \"run\": %zu, \"run_bounded\": %zu, \"contained\": %zu, \"above\": %zu, \"below\": %zu, \"tightness\": {\"p50\": ",
		v->programs, v->loaded, v->bounded, v->loaded - v->bounded,
		v->silent, v->run, v->run_bounded, v->inside, v->above,
		v->below);
	json_num(o->json, v->tight.n, v->tight.p50);
	fputs(", \"p90\": ", o->json);
	json_num(o->json, v->tight.n, v->tight.p90);
	fputs(", \"max\": ", o->json);
	json_num(o->json, v->tight.n, v->tight.max);
	fputs("}}", o->json);
}

static void put_stability(const struct table_opts *o, const char *machine,
			  const struct dist *d, size_t one_only, bool first)
{
	if (!o->json)
		return;
	fprintf(o->json, "%s\n    {\"machine\": ", first ? "" : ",");
	json_str(o->json, machine);
	fprintf(o->json,
		", \"programs\": %zu, \"bounded_by_one\": %zu, \"p50\": ", d->n,
		one_only);
	json_num(o->json, d->n, d->p50);
	fputs(", \"p90\": ", o->json);
	json_num(o->json, d->n, d->p90);
	fputs(", \"max\": ", o->json);
	json_num(o->json, d->n, d->max);
	putc('}', o->json);
}

static void put_csv(FILE *f, const struct rows *rows)
{
	fputs("kind,set,program,measured_min_ns,measured_max_ns,best_ns,worst_ns,worst2_ns,reason\n",
	      f);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		fprintf(f, "%s,%s,%s,", r->kind, r->set, r->program);
		put_num(f, r->has_min, r->min);
		put_num(f, r->ran, r->max);
		put_num(f, loaded(r) && strcmp(r->kind, "model"), r->best);
		put_num(f, r->bounded, r->worst);
		put_num(f, r->bounded_again, r->again);
		fprintf(f, "%s\n", r->reason);
	}
}

static void table_sets(const struct table_opts *o, const struct rows *rows)
{
	struct verdict v[ARRAY_SIZE(sets)];

	printf("\nbounds: programs of others, and those that try to exceed theirs; factors are worst / longest measured\n\n"
	       "  %-12s %8s %8s %8s %9s %6s %9s %6s %6s %8s %8s %8s\n",
	       "set", "programs", "load", "bounded", "unbounded", "run",
	       "contained", "above", "below", "median", "p90", "largest");
	for (size_t s = 0; s < ARRAY_SIZE(sets); s++) {
		v[s] = bounds_judge(rows, sets[s]);
		printf("  %-12s %8zu %8zu %8zu %9zu %6zu %5zu/%-3zu %6zu %6zu %8.3g %8.3g %8.3g\n",
		       sets[s], v[s].programs, v[s].loaded, v[s].bounded,
		       v[s].loaded - v[s].bounded, v[s].run, v[s].inside,
		       v[s].run_bounded, v[s].above, v[s].below, v[s].tight.p50,
		       v[s].tight.p90, v[s].tight.max);
		put_summary(o, sets[s], &v[s], !s);
	}
	print_reasons(rows);
	putchar('\n');
	print_exceptions(rows);
	for (size_t s = 0; s < ARRAY_SIZE(sets); s++)
		judge_set(sets[s], &v[s]);
}

static void table_models(const struct table_opts *o, const struct rows *rows)
{
	const char *why;
	size_t one_only;

	printf("\nstability: worst case of a program by two models of the same machine, the larger by the smaller\n\n"
	       "  %-12s %8s %8s %8s %8s %20s\n",
	       "machine", "programs", "median", "p90", "largest",
	       "bounded by one only");
	for (size_t m = 0; m < ARRAY_SIZE(machines); m++) {
		struct dist d = bounds_apart(rows, machines[m], &one_only);

		put_stability(o, machines[m], &d, one_only, !m);
		if (d.n)
			printf("  %-12s %8zu %8.3g %8.3g %8.3g %20zu\n",
			       machines[m], d.n, d.p50, d.p90, d.max, one_only);
	}
	putchar('\n');
	for (size_t m = 0; m < ARRAY_SIZE(machines); m++) {
		struct dist d = bounds_apart(rows, machines[m], &one_only);
		char what[80];

		snprintf(what, sizeof(what), "%s: two models, p90 of programs",
			 machines[m]);
		target_line(what, "<= 1.5", d.n, d.p90 <= 1.5, "%.3f", d.p90);
	}
	why = csv__stamp(o->raw, "native_why");
	if (why)
		printf("  native: not measured: %s\n", why);
}

static int bounds_table(const struct table_opts *o)
{
	struct rows rows = read_rows(o->raw);

	if (!rows.v)
		return -ENOMEM;
	bounds_merge(&rows);
	if (o->csv)
		put_csv(o->csv, &rows);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, o->raw);
		fputs(",\n  \"sets\": [", o->json);
	}
	table_sets(o, &rows);
	if (o->json)
		fputs("\n  ],\n  \"stability\": [", o->json);
	table_models(o, &rows);
	if (o->json)
		fputs("\n  ]\n}\n", o->json);
	puts("\nenvironment");
	print_env(o->raw);
	free(rows.v);
	return 0;
}

const struct bench bench_bounds = {
	.name = "bounds",
	.desc = "bounds of programs of others, collected by estimate",
	.nr_keys = 3,
	.run = bounds_run,
	.table = bounds_table,
};
