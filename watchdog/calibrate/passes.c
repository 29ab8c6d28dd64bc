// SPDX-License-Identifier: GPL-2.0
/* Measuring more than once: what one pass says and the next does not is no model.
 *
 * All is measured in several passes, one after the other, so that what disturbs one
 * of them does not disturb the same entry in the next. An entry contains what each
 * pass saw of it. It is settled if its passes agree on the mean and the worst of its
 * calls, and their lines fit, within the limit. What is not is measured again, up to so
 * many times, until two passes agree: these two are the entry, since what is
 * chance, or load, is no more than itself. If none do, the entry contains all passes and
 * is widened: it grows with size as fast as the steepest piece between two sizes, and
 * the file marks it. Of many such entries no model is made.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate/calib.h"

/* How often what is not settled is measured again. */
#define CALIB_AGAIN 4
/* So many may be widened, or a tenth of all that is measured. */
#define WIDENED_FEW 16

static u32 apart(u64 a, u64 b, u64 tick_ps)
{
	u64 less = a < b ? a : b, more = a + b - less, permille;

	if (more - less <= tick_ps)
		return 0;
	permille = (more - less) * 1000 / (less ? less : 1);
	return permille < UINT32_MAX ? permille : UINT32_MAX;
}

/* Below half a ns the clock tells no means apart, nor times of calls below its ticks. */
static u32 difference(const struct model_entry *a, const struct model_entry *b)
{
	u32 mean = apart(a->all_mean_ps, b->all_mean_ps, 500);
	u32 worst = apart(a->worst_ps, b->worst_ps,
			  a->kind == MODEL_INSN ? 500 : 10000);

	return mean > worst ? mean : worst;
}

static u32 pair_error(const struct model_entry *a, const struct model_entry *b)
{
	u32 error = difference(a, b);

	if (a->fit_error_permille > error)
		error = a->fit_error_permille;
	return b->fit_error_permille > error ? b->fit_error_permille : error;
}

void calib_widen(struct model_entry *to, const struct model_entry *e)
{
	to->outliers += e->outliers;
	to->beyond += e->beyond;
	LESS(to, e, best_ps);
	LESS(to, e, best_per_unit_ps);
	MORE(to, e, worst_ps);
	MORE(to, e, per_unit_ps);
	MORE(to, e, steepest_ps);
	MORE(to, e, outlier_max_ps);
}

static void contain(struct model_entry *to, const struct model_entry *e)
{
	to->calls += e->calls;
	to->mean_ps = (to->mean_ps + e->mean_ps) / 2;
	calib_widen(to, e);
}

/* The same entry in all passes that measured it. */
static int collect_entry(const struct model *passes, int n,
			 const struct model_entry *key,
			 const struct model_entry **found)
{
	int n_found = 0;

	for (int i = 0; i < n; i++) {
		const struct model_entry *e = model_find(&passes[i], key);

		if (e && e->measured)
			found[n_found++] = e;
	}
	return n_found;
}

/* What was guessed from what a pass measured. */
static void contain_defaults(struct model_entry *e, const struct model *passes,
			     int n)
{
	for (int i = 1; i < n; i++) {
		const struct model_entry *other = model_find(&passes[i], e);

		if (!other)
			continue;
		MORE(e, other, worst_ps);
		MORE(e, other, per_unit_ps);
	}
}

struct pair {
	const struct model_entry *a, *b;
	u32 error;
};

/* The two that are furthest from each other, or closest. */
static struct pair choose_pair(const struct model_entry **found, int n,
			       bool closest)
{
	struct pair chosen = { found[0], found[0],
			       closest && n > 1 ? UINT32_MAX : 0 };

	for (int i = 0; i < n; i++) {
		for (int j = i + 1; j < n; j++) {
			u32 error = pair_error(found[i], found[j]);

			if (closest ? error <= chosen.error :
				      error >= chosen.error)
				chosen = (struct pair){ found[i], found[j],
							error };
		}
	}
	return chosen;
}

/* What the passes say, or the two of them that agree, if there are such. */
static void merge_entry(struct model_entry *e, const struct model_entry **found,
			int n, bool closest, u32 max_permille)
{
	struct pair p = choose_pair(found, n, closest);
	bool agreed = closest && n > 1 && p.error <= max_permille;

	*e = agreed ? *p.a : *found[0];
	if (agreed)
		contain(e, p.b);
	for (int i = 1; i < n && !agreed; i++)
		contain(e, found[i]);
	e->fit_error_permille = p.a->fit_error_permille;
	MORE(e, p.b, fit_error_permille);
	e->difference_permille = p.a == p.b ? 0 : difference(p.a, p.b);
}

static bool settled(const struct model_entry *e, u32 max_permille)
{
	return !e->measured || (e->fit_error_permille <= max_permille &&
				e->difference_permille <= max_permille);
}

static int merge(struct model *m, const struct model *passes, int n, bool again,
		 u32 max_permille)
{
	const struct model_entry *found[CALIB_PASSES_MAX + CALIB_AGAIN];

	for (size_t i = 0; i < passes[0].n; i++) {
		struct model_entry e = passes[0].entries[i];
		int n_found = collect_entry(passes, n, &e, found);

		if (n_found)
			merge_entry(&e, found, n_found, again, max_permille);
		else
			contain_defaults(&e, passes, n);
		if (model_add(m, &e))
			return -ENOMEM;
	}
	return 0;
}

/* What is to be measured again. */
static int unsettled(const struct model *m, u32 max_permille, struct model *to)
{
	int err = 0;

	for (size_t i = 0; !err && i < m->n; i++)
		if (!settled(&m->entries[i], max_permille))
			err = model_add(to, &m->entries[i]);
	return err;
}

static void widen_all(struct model *m, u32 max_permille)
{
	for (size_t i = 0; i < m->n; i++) {
		struct model_entry *e = &m->entries[i];

		if (settled(e, max_permille))
			continue;
		e->widened = 1;
		if (e->steepest_ps > e->per_unit_ps)
			e->per_unit_ps = e->steepest_ps;
	}
}

/* What another kernel has is taken to be as dear as the dearest of these. */
static int add_other_classes(struct model *m)
{
	struct model_entry e = {
		.kind = MODEL_INSN,
		.name = MODEL_DEFAULT,
		.reason = "classes of instructions that have no entry",
	};

	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].kind == MODEL_INSN)
			MORE(&e, &m->entries[i], worst_ps);
	return model_add(m, &e);
}

/* The heads that say how good it is. */
static void note_errors(struct model *m, const struct calib_opts *opts)
{
	u64 within = 0, all = 0, permille = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct model_entry *e = &m->entries[i];

		within += e->calls - e->beyond;
		all += e->calls;
		if (e->fit_error_permille > permille)
			permille = e->fit_error_permille;
		if (e->difference_permille > permille)
			permille = e->difference_permille;
	}
	m->passes = opts->passes;
	snprintf(m->max_error, sizeof(m->max_error), "%u", opts->max_error_pct);
	snprintf(m->error, sizeof(m->error), "%.1f", permille / 10.0);
	snprintf(m->quantile, sizeof(m->quantile), "%.3f",
		 all ? (u64)(within * 1e5 / all) / 1e3 : 100);
}

static int too_many(const struct model *bad, size_t measured,
		    const struct calib_opts *opts, struct fault *f)
{
	char names[160] = "";
	size_t len = 0;

	for (size_t i = 0; i < bad->n && len < sizeof(names) - 72; i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%s%s%s",
				i ? ", " : "", bad->entries[i].name,
				bad->entries[i].map[0] ? "/" : "",
				bad->entries[i].map);
	fault_set(f, EXIT_FAILED, 0,
		  "%zu of %zu entries are off by more than %u %%: no model",
		  bad->n, measured, opts->max_error_pct);
	fault_why(f, "passes differ or lines do not fit: %s%s (-v: all)", names,
		  strlen(names) > 80 ? ", ..." : "");
	return fault_hint(f, "keep the machine quiet, or raise --max-error");
}

static int one_pass(struct calib_env *env, const struct calib_opts *opts,
		    struct model *m, struct fault *f)
{
	int ret = calib_measure_insns(env, opts, m, f);

	ret = ret ? ret : calib_measure_calls(env, opts, m, f);
	model_sort(m);
	return ret;
}

int calib_measure(struct calib_env *env, const struct calib_opts *opts,
		  struct model *m, struct fault *f)
{
	struct model passes[CALIB_PASSES_MAX + CALIB_AGAIN] = {}, bad = {};
	u32 limit = opts->max_error_pct * 10;
	struct calib_opts again = *opts;
	int n = opts->passes, ret = 0, err = 0;
	size_t measured = 0;

	for (int i = 0; !ret && i < n; i++)
		ret = one_pass(env, opts, &passes[i], f);
	err = ret ? 0 : merge(m, passes, n, false, limit);
	err = err ? err : unsettled(m, limit, &bad);
	for (int i = 0; !ret && !err && bad.n && i < CALIB_AGAIN; i++) {
		again.again = &bad;
		ret = one_pass(env, &again, &passes[n++], f);
		model_free(m);
		err = ret ? 0 : merge(m, passes, n, true, limit);
		model_free(&bad);
		err = err ? err : unsettled(m, limit, &bad);
	}
	err = err || ret ? err : add_other_classes(m);
	if (err)
		ret = fault_set(f, EXIT_FAILED, err, "cannot make the model");
	for (size_t i = 0; i < m->n; i++)
		measured += m->entries[i].measured;
	if (!ret && bad.n > WIDENED_FEW && bad.n > measured / 10)
		ret = too_many(&bad, measured, opts, f);
	widen_all(m, limit);
	note_errors(m, opts);
	for (size_t i = 0; opts->say && i < bad.n; i++) {
		const struct model_entry *e = &bad.entries[i];
		char key[128], said[100];

		snprintf(said, sizeof(said),
			 "widened: passes differ by %.1f %%, fit error %.1f %%",
			 e->difference_permille / 10.0,
			 e->fit_error_permille / 10.0);
		opts->say(opts->arg, model_key(e, key, sizeof(key)), said);
	}
	for (int i = 0; i < n; i++)
		model_free(&passes[i]);
	model_free(&bad);
	return ret;
}
