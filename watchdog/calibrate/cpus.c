// SPDX-License-Identifier: GPL-2.0
/* What it costs that other CPUs do the same at the same time: the rows that share
 * a lock or a cache line run on 1 to N CPUs at once, on the same map.
 *
 * Each CPU has a program and results of its own. The mean is taken without the
 * longest hundredth: a CPU that is preempted while it holds the lock is not what
 * the lock costs.
 *
 * On a busy machine a CPU may have something else to do meanwhile, and nobody gets in its
 * way: a run counts only if each of the others has ended one during it. Where that hardly
 * happens, each call is taken to wait for one of each of the others.
 */
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "show/fault.h"

#define RUNS 30
/* Of so many measurements the middle one counts. */
#define TRIES 3
#define SAMPLES (RUNS * CALIB_LOOP)
/* All CPUs of a measurement together have so many at least, and so much time for them. */
#define SAMPLES_MIN (SAMPLES / 4)
#define TIME_MAX_MS 1000

struct worker {
	struct calib_env *env;
	struct calib_prog prog;
	pthread_t thread;
	int *state; /* WAIT until all are there, GO until one is done */
	int cpu, err;
	u64 overhead;
	u64 *ns;
	size_t n;
	u64 runs; /* so far; the others look at it */
	const struct worker *all;
	int n_all;
};

enum { WAIT, GO, DONE };

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void runs_of_all(const struct worker *w, u64 *runs)
{
	for (int i = 0; i < w->n_all; i++)
		runs[i] = __atomic_load_n(&w->all[i].runs, __ATOMIC_RELAXED);
}

/* Has each of the others ended a run since then? */
static bool all_at_it(const struct worker *w, const u64 *then)
{
	u64 now[MODEL_CPUS_MAX];

	runs_of_all(w, now);
	for (int i = 0; i < w->n_all; i++)
		if (&w->all[i] != w && now[i] == then[i])
			return false;
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct calib_mem *mem = calib_mem(w->env);
	u64 then[MODEL_CPUS_MAX], end;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		w->err = -errno;
	while (__atomic_load_n(w->state, __ATOMIC_ACQUIRE) == WAIT)
		sched_yield();
	end = now_ms() + TIME_MAX_MS;
	while (w->n < SAMPLES && !w->err && now_ms() < end) {
		/* alone, the last of them would see no contention */
		if (__atomic_load_n(w->state, __ATOMIC_RELAXED) != GO)
			break;
		runs_of_all(w, then);
		mem->base = w->runs % CALIB_RUNS * CALIB_LOOP;
		w->err = calib_run(&w->prog);
		if (w->err)
			break;
		__atomic_store_n(&w->runs, w->runs + 1, __ATOMIC_RELAXED);
		if (!all_at_it(w, then))
			continue;
		memcpy(w->ns + w->n, mem->ns, sizeof(mem->ns));
		w->n += CALIB_LOOP;
	}
	__atomic_store_n(w->state, DONE, __ATOMIC_RELAXED);
	return NULL;
}

static double trimmed_mean(struct worker *w)
{
	size_t n = w->n - w->n / 100;
	double sum = 0;

	qsort(w->ns, w->n, sizeof(*w->ns), calib_by_value);
	for (size_t i = 0; i < n; i++)
		sum += w->ns[i] > w->overhead ? w->ns[i] - w->overhead : 0;
	return n ? sum / n : 0;
}

static int prepare(struct worker *w, struct calib_env *maps,
		   const struct calib_row *row)
{
	static struct calib_code code;
	u32 size = row->sizes ? row->sizes[0] : 0;
	struct calib_prog empty;
	static char log[4096];
	struct fault f = {};
	int err;

	w->env = calib_env_new(&f);
	w->ns = calloc(SAMPLES, sizeof(*w->ns));
	if (!w->env || !w->ns)
		return -ENOMEM;
	calib_maps_share(w->env, maps);
	err = calib_generate(w->env, row, size, true, &code);
	err = err ? err :
		    calib_load(w->env, row->type, &code, &empty, log,
			       sizeof(log));
	if (err)
		return err;
	err = calib_overhead(w->env, &empty, &w->overhead);
	calib_unload(&empty);
	err = err ? err : calib_generate(w->env, row, size, false, &code);
	return err ? err :
		     calib_load(w->env, row->type, &code, &w->prog, log,
				sizeof(log));
}

/* -ETIME: they were hardly at it at once. */
static int cpus_measure(const struct calib_row *row, struct calib_env *maps,
			int cpus, double *mean)
{
	struct worker workers[MODEL_CPUS_MAX] = {};
	int err = 0, started = 0, state = WAIT;
	size_t n = 0;

	for (int i = 0; i < cpus; i++)
		workers[i].prog.fd = workers[i].prog.link = -1;
	for (int i = 0; !err && i < cpus; i++)
		err = prepare(&workers[i], maps, row);
	while (!err && started < cpus) {
		struct worker *w = &workers[started];

		w->state = &state;
		w->cpu = started;
		w->all = workers;
		w->n_all = cpus;
		err = -pthread_create(&w->thread, NULL, work, w);
		started += !err;
	}
	__atomic_store_n(&state, err ? DONE : GO, __ATOMIC_RELEASE);
	*mean = 0;
	for (int i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		err = err ? err : workers[i].err;
		*mean += trimmed_mean(&workers[i]) * workers[i].n;
		n += workers[i].n;
	}
	*mean /= n ? n : 1;
	if (!err && n < SAMPLES_MIN)
		err = -ETIME;
	for (int i = 0; i < cpus; i++) {
		calib_unload(&workers[i].prog);
		calib_env_free(workers[i].env);
		free(workers[i].ns);
	}
	return err;
}

static struct model_entry *cpus_find(struct model *m, const char *name)
{
	char key[128];

	for (size_t i = 0; i < m->n; i++) {
		model_key(&m->entries[i], key, sizeof(key));
		if (!strcmp(strchr(key, ' ') + 1, name))
			return &m->entries[i];
	}
	return NULL;
}

/* Those that a row wants, before it is generated for each CPU. */
static int make_maps(struct calib_env *env, const struct calib_row *row)
{
	static struct calib_code code;

	/* whatever else it does, it asks for them */
	return calib_generate(env, row, row->sizes ? row->sizes[0] : 0, false,
			      &code);
}

/* On n CPUs, in percent of what it takes on one, in one measurement. */
static int try_percent(struct calib_env *env, const struct calib_row *row,
		       int n, u64 *pct)
{
	double mean[2];

	for (int many = 0; many < 2; many++) {
		int err;

		calib_maps_close(env);
		err = make_maps(env, row);
		err = err ? err :
			    cpus_measure(row, env, many ? n : 1, &mean[many]);
		if (err)
			return err;
	}
	*pct = mean[0] > 0 ? mean[1] * 100 / mean[0] + 0.5 : 100;
	return 0;
}

/* Of several measurements, the middle one. 0: it cannot be measured. */
static u64 cpus_percent(struct calib_env *env, const struct calib_row *row,
			int n, bool *assumed)
{
	u64 pct[TRIES];
	int got = 0;

	for (int i = 0; i < TRIES; i++) {
		int err = try_percent(env, row, n, &pct[got]);

		if (err && err != -ETIME)
			return 0;
		got += !err;
	}
	*assumed = !got;
	if (!got)
		return n * 100;
	qsort(pct, got, sizeof(*pct), calib_by_value);
	return pct[got / 2] < 100 ? 100 : pct[got / 2];
}

static void cpus_measure_row(struct calib_env *env,
			     const struct calib_opts *opts,
			     const struct calib_row *row, int cpus,
			     struct model *m)
{
	struct model_entry *e = cpus_find(m, row->name);
	char said[400] = "";

	if (!e || !e->measured)
		return;
	for (int n = 2; n <= cpus; n++) {
		bool assumed;
		u64 pct = cpus_percent(env, row, n, &assumed);

		if (!pct)
			return;
		if (pct > e->cpus_pct[n])
			e->cpus_pct[n] = pct;
		snprintf(said + strlen(said), sizeof(said) - strlen(said),
			 "%s%d CPUs: %u %%%s", n > 2 ? ", " : "", n, (u32)pct,
			 assumed ? " (not at it at once)" : "");
	}
	if (opts->say)
		opts->say(opts->arg, row->name, said);
}

int calib_measure_cpus(struct calib_env *env, const struct calib_opts *opts,
		       struct model *m, struct fault *f)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);

	(void)f;
	if (cpus > MODEL_CPUS_MAX)
		cpus = MODEL_CPUS_MAX;
	for (size_t i = 0; cpus > 1 && i < calib_n_rows; i++)
		if (calib_rows[i].flags & CALIB_SHARED &&
		    (!opts->only ||
		     !fnmatch(opts->only, calib_rows[i].name, 0)))
			cpus_measure_row(env, opts, &calib_rows[i], cpus, m);
	calib_maps_close(env);
	return 0;
}
