// SPDX-License-Identifier: GPL-2.0
/* The helper timer: runs the rows of the tables and makes entries of the model. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate/calib.h"
#include "show/fault.h"

#define SIZES_MAX 8

static int calls_measure(struct calib_env *env, const struct calib_opts *opts,
			 const struct calib_row *row, u32 size,
			 struct calib_sample *s, char *why, size_t why_size)
{
	struct calib_mem *mem = calib_mem(env);
	int rounds = opts->quick ? 1 : CALIB_ROUNDS, err;
	struct calib_prog empty, full;
	u64 overhead, calls = 0;

	*s = (struct calib_sample){ .best = UINT64_MAX };
	mem->failed = mem->last_error = mem->base = 0;
	calib_maps_close(env);
	err = calib_load_row(env, row, size, true, &empty, why, why_size);
	if (err)
		return err;
	err = calib_overhead(env, &empty, &overhead);
	calib_unload(&empty);
	if (!err) {
		mem->failed = 0;
		err = calib_load_row(env, row, size, false, &full, why,
				     why_size);
		if (err)
			return err;
	}
	for (int run = 0; !err && run < rounds * CALIB_RUNS; run++) {
		u64 before = calib_interrupts();

		mem->base = run % CALIB_RUNS * CALIB_LOOP;
		memset(mem->ns, 0, sizeof(mem->ns));
		calib_samples_read(env);
		err = calib_run(&full);
		if (!err)
			calib_take_run(s, mem->ns, overhead,
				       calib_interrupts() - before);
		calls += CALIB_LOOP;
	}
	if (err) {
		snprintf(why, why_size, "cannot be run here (%s)",
			 errno_name(-err));
		calib_unload(&full);
		calib_settle(s, 1000);
		return err;
	}
	calib_unload(&full);
	calib_settle(s, opts->exact ? 1000 : CALIB_CALLS_PERMILLE);
	if (!s->sum && s->best == UINT64_MAX)
		return -EINVAL;
	if (mem->failed >= calls) {
		snprintf(why, why_size, "fails whenever it is called here (%s)",
			 errno_name(-(int)mem->last_error));
		return -ENODATA;
	}
	return 0;
}

/* What tells whether to believe the line. */
static void note_shape(struct model_entry *e, const struct calib_sample *s,
		       const u32 *n, int points)
{
	double steepest = 0, last = 0, sum = 0, calls = 0;

	for (int i = 0; i < points; i++) {
		double mean = (double)s[i].sum / s[i].calls, steep = 0;

		sum += s[i].sum;
		calls += s[i].calls;
		if (i)
			steep = (mean - last) / (n[i] - n[i - 1]);
		if (steep > steepest)
			steepest = steep;
		last = mean;
	}
	e->all_mean_ps = sum * 1000 / calls;
	e->steepest_ps = steepest * 1000 + 0.999;
}

/* cost(n) = best..worst + n * slope, so that every sample is inside. */
static void fit(struct model_entry *e, const struct calib_sample *s,
		const u32 *n, int points, u32 key)
{
	double sn = 0, st = 0, snn = 0, snt = 0, slope, base, error = 0, low,
	       best = 1e300, worst = 0;

	for (int i = 0; i < points; i++) {
		double mean = (double)s[i].sum / s[i].calls;

		sn += n[i] + key;
		st += mean;
		snn += (double)(n[i] + key) * (n[i] + key);
		snt += (n[i] + key) * mean;
	}
	slope = points > 1 ?
			(points * snt - sn * st) / (points * snn - sn * sn) :
			0;
	/* the time of no call gets shorter with more to do */
	slope = slope < 0 ? 0 : slope;
	base = (st - slope * sn) / points;
	low = slope;
	for (int i = 0; i < points; i++) {
		double mean = (double)s[i].sum / s[i].calls, units = n[i] + key,
		       off = mean - (base + slope * units);

		off = off < 0 ? -off : off;
		/* the clock counts whole ns */
		if (mean > 0 && off > 1 && off / mean > error)
			error = off / mean;
		if (units > 0 && s[i].best / units < low)
			low = s[i].best / units;
		if (s[i].worst - slope * units > worst)
			worst = s[i].worst - slope * units;
	}
	for (int i = 0; i < points; i++)
		if (s[i].best - low * (n[i] + key) < best)
			best = s[i].best - low * (n[i] + key);
	/* The clock counts whole ns, and what reading it takes has been subtracted. */
	e->best_ps = best < 1 ? 0 : (best - 1) * 1000;
	e->worst_ps = worst * 1000 + 0.999;
	e->per_unit_ps = slope * 1000 + (slope > 0 ? 0.999 : 0);
	e->best_per_unit_ps = low * 1000;
	if (e->best_ps > e->worst_ps)
		e->worst_ps = e->best_ps;
	note_shape(e, s, n, points);
	e->fit_error_permille = error * 1000;
	/* as the others, without the units */
	e->mean_ps = base < 0 ? 0 : base * 1000;
	if (e->mean_ps < e->best_ps)
		e->mean_ps = e->best_ps;
	if (e->mean_ps > e->worst_ps)
		e->mean_ps = e->worst_ps;
}

/* Another way to call the same: both are inside what is said of it. */
static void calls_merge(struct model_entry *to, const struct model_entry *e)
{
	u64 calls = (u64)to->calls + e->calls;

	to->mean_ps = (to->mean_ps * to->calls + e->mean_ps * e->calls) / calls;
	to->all_mean_ps =
		(to->all_mean_ps * to->calls + e->all_mean_ps * e->calls) /
		calls;
	to->calls = calls;
	if (to->fit_error_permille < e->fit_error_permille)
		to->fit_error_permille = e->fit_error_permille;
	calib_widen(to, e);
}

static void calls_set_name(struct model_entry *e, const char *name)
{
	const char *slash = strchr(name, '/');

	snprintf(e->name, sizeof(e->name), "%.*s",
		 (int)(slash ? slash - name : (ptrdiff_t)strlen(name)), name);
	if (slash)
		snprintf(e->map, sizeof(e->map), "%s", slash + 1);
}

static struct model_entry *calls_find(struct model *m,
				      const struct model_entry *e)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].kind == e->kind &&
		    !strcmp(m->entries[i].name, e->name) &&
		    !strcmp(m->entries[i].map, e->map))
			return &m->entries[i];
	return NULL;
}

static int calls_put(struct model *m, const struct model_entry *e)
{
	struct model_entry *old = calls_find(m, e);

	if (!old)
		return model_add(m, e);
	/* one way that works is enough to know something */
	if (!e->measured)
		return 0;
	if (old->measured)
		calls_merge(old, e);
	else
		*old = *e;
	return 0;
}

/* What is not measured is taken for the worst that its kind is taken for. */
static void make_default(struct model_entry *e, const char *why)
{
	e->measured = false;
	e->best_ps = e->best_per_unit_ps = 0;
	e->worst_ps = CALIB_UNKNOWN_NS * 1000ULL;
	e->per_unit_ps = CALIB_UNKNOWN_UNIT_NS * 1000ULL;
	snprintf(e->reason, sizeof(e->reason), "%s", why);
}

/* What the callback itself does is not the helper's time: n instructions. Those
 * of each class are measured before.
 */
static void without_body(struct model_entry *e, u64 n, struct model *m)
{
	struct model_entry key = { .kind = MODEL_INSN, .name = "alu" },
			   *alu = calls_find(m, &key);

	if (!alu)
		return;
	if (e->best_per_unit_ps > n * alu->worst_ps)
		e->best_per_unit_ps -= n * alu->worst_ps;
	else
		e->best_per_unit_ps = 0;
	if (e->per_unit_ps > n * alu->best_ps)
		e->per_unit_ps -= n * alu->best_ps;
	if (e->best_per_unit_ps > e->per_unit_ps)
		e->best_per_unit_ps = e->per_unit_ps;
}

static int calls_measure_row(struct calib_env *env,
			     const struct calib_opts *opts,
			     const struct calib_row *row, enum model_kind kind,
			     struct model *m)
{
	struct model_entry e = { .kind = kind, .measured = true };
	struct calib_sample samples[SIZES_MAX] = {};
	char why[MODEL_TEXT_LEN] = "", said[200];
	u32 one = 0;
	const u32 *sizes = row->sizes ? row->sizes : &one;
	int points = 0, err = 0;

	calls_set_name(&e, row->name);
	do {
		err = calls_measure(env, opts, row, sizes[points],
				    &samples[points], why, sizeof(why));
		if (err)
			break;
		e.calls += samples[points].calls;
		e.outliers += samples[points].outliers;
		e.beyond += samples[points].beyond;
		if (samples[points].outlier_max * 1000 > e.outlier_max_ps)
			e.outlier_max_ps = samples[points].outlier_max * 1000;
		points++;
	} while (row->sizes && sizes[points] && points < SIZES_MAX);
	if (!err)
		fit(&e, samples, sizes, points, row->key);
	if (!err && strstr(row->call, "callback"))
		without_body(&e, strstr(row->call, "busy") ? 6 : 1, m);
	if (err) {
		make_default(&e, why);
		snprintf(said, sizeof(said), "%s", why);
	} else {
		snprintf(said, sizeof(said),
			 "%.1f..%.1f ns, mean %.1f, per unit %.2f",
			 e.best_ps / 1e3, e.worst_ps / 1e3, e.mean_ps / 1e3,
			 e.per_unit_ps / 1e3);
	}
	if (opts->say)
		opts->say(opts->arg, row->name, said);
	if (row->also && !err) {
		struct model_entry other;

		e.best_ps /= 2;
		e.worst_ps = (e.worst_ps + 1) / 2;
		e.mean_ps /= 2;
		other = e;
		calls_set_name(&other, row->also);
		err = calls_put(m, &other);
		if (err)
			return err;
	}
	return calls_put(m, &e);
}

static bool calls_wanted(const struct calib_opts *opts,
			 const struct calib_row *row, enum model_kind kind)
{
	struct model_entry key = { .kind = kind };

	if (opts->only && fnmatch(opts->only, row->name, 0))
		return false;
	calls_set_name(&key, row->name);
	return !opts->again || model_find(opts->again, &key);
}

static int measure_table(struct calib_env *env, const struct calib_opts *opts,
			 const struct calib_row *rows, size_t n,
			 enum model_kind kind, struct model *m)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		if (calls_wanted(opts, &rows[i], kind))
			err = calls_measure_row(env, opts, &rows[i], kind, m);
	return err;
}

static int calls_add_defaults(const struct calib_opts *opts, struct model *m)
{
	int err = 0;

	for (size_t i = 0; !err && i < calib_n_defaults; i++) {
		const struct calib_default *d = &calib_defaults[i];
		struct model_entry e = { .kind = d->kind };

		if (opts->only && fnmatch(opts->only, d->name, 0) &&
		    strcmp(d->name, MODEL_DEFAULT))
			continue;
		calls_set_name(&e, d->name);
		make_default(&e, d->reason);
		if (d->worst_ns) {
			e.worst_ps = d->worst_ns * 1000;
			e.per_unit_ps = d->per_unit_ns * 1000;
		}
		err = calls_put(m, &e);
	}
	return err;
}

/* An entry for one type of map says nothing of the others: they get the worst of
 * those measured, times two, since nobody looked.
 */
static int add_other_maps(struct model *m)
{
	int err = 0;

	for (size_t i = 0, n = m->n; !err && i < n; i++) {
		struct model_entry e = m->entries[i], *any;

		if (e.kind != MODEL_HELPER || !e.map[0] || !e.measured)
			continue;
		e.map[0] = '\0';
		any = calls_find(m, &e);
		if (!any) {
			make_default(&e, "map types that are not measured: "
					 "twice the worst of those that are");
			e.worst_ps = 2 * m->entries[i].worst_ps;
			e.per_unit_ps = 2 * m->entries[i].per_unit_ps;
			err = model_add(m, &e);
		} else if (!any->measured) {
			if (any->worst_ps < 2 * e.worst_ps)
				any->worst_ps = 2 * e.worst_ps;
			if (any->per_unit_ps < 2 * e.per_unit_ps)
				any->per_unit_ps = 2 * e.per_unit_ps;
		}
	}
	return err;
}

/* A stack is as deep as there are frames where it is asked for, which here are few: with more
 * room, it takes no longer. So each has to cost what one more did while there were any. For
 * bpf_get_stackid(), which takes no size, the kernel counts that of the map's values. Those of
 * user space have no end here, and are measured as they are.
 */
static void add_frames(struct model *m)
{
	static const char *const names[] = { "bpf_get_stack", "bpf_get_stackid",
					     "bpf_get_task_stack" };
	struct model_entry key = { .kind = MODEL_HELPER }, *stack, *e;
	u64 per_byte;

	snprintf(key.name, sizeof(key.name), "bpf_get_stack");
	stack = calls_find(m, &key);
	per_byte = stack && stack->measured ? stack->steepest_ps :
					      CALIB_UNKNOWN_UNIT_NS * 1000;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(key.name, sizeof(key.name), "%s", names[i]);
		key.map[0] = '\0';
		e = calls_find(m, &key);
		if (e && e->measured && e->per_unit_ps < per_byte)
			e->per_unit_ps = per_byte;
		/* or there is none */
		if (e)
			e->best_per_unit_ps = 0;
		snprintf(key.map, sizeof(key.map), "stack_trace");
		e = calls_find(m, &key);
		if (e)
			e->best_per_unit_ps = 0;
	}
}

int calib_measure_calls(struct calib_env *env, const struct calib_opts *opts,
			struct model *m, struct fault *f)
{
	int err;

	err = measure_table(env, opts, calib_rows, calib_n_rows, MODEL_HELPER,
			    m);
	err = err ? err :
		    measure_table(env, opts, calib_kfunc_rows,
				  calib_n_kfunc_rows, MODEL_KFUNC, m);
	add_frames(m);
	err = err ? err : calls_add_defaults(opts, m);
	err = err ? err : add_other_maps(m);
	if (err)
		fault_set(f, EXIT_FAILED, err, "cannot measure the helpers");
	return err;
}

static bool rows_match(const struct calib_row *rows, size_t n, const char *glob)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(glob, rows[i].name, 0) ||
		    (rows[i].also && !fnmatch(glob, rows[i].also, 0)))
			return true;
	return false;
}

bool calib_knows(const char *glob)
{
	return !glob || rows_match(calib_rows, calib_n_rows, glob) ||
	       rows_match(calib_kfunc_rows, calib_n_kfunc_rows, glob);
}
