// SPDX-License-Identifier: GPL-2.0
/*
 * Is what the verifier estimates true, and how near is it? Programs whose
 * shortest and longest inputs are known run with both, one run at a time, and
 * bpf_stats tells what each run took. A run that an interrupt fell into is no
 * measure of the program: the kernel's count of interrupts says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "bench_samples.h"
#include "csv.h"
#include "estimate.skel.h"
#include "estimate_runs.h"

#define HEAD "set,program,input,run_ns,interrupts,best_ns,worst_ns,reason\n"

static int estimate_validate(const struct run_opts *o)
{
	(void)o;
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	return 0;
}

static void put_elem(const struct bpf_map *map, __u64 key)
{
	static char value[4096];

	bpf_map__update_elem(map, &key, bpf_map__key_size(map), value,
			     bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH ?
				     8u * libbpf_num_possible_cpus() :
				     bpf_map__value_size(map),
			     BPF_ANY);
}

static void estimate_prepare(struct estimate_bpf *skel)
{
	for (__u64 key = 0; key < 64; key++)
		put_elem(skel->maps.hash_each, key);
	for (__u64 key = 0; key < 2; key++) {
		put_elem(skel->maps.hash, key);
		put_elem(skel->maps.hash_big, key);
		put_elem(skel->maps.percpu_hash, key);
		put_elem(skel->maps.lru, key);
	}
	memset(skel->bss->from, 'a', sizeof(skel->bss->from));
}

static int estimate_measure(const struct run_opts *o, struct estimate_bpf *skel,
			    struct bpf_program *prog)
{
	static const struct {
		const char *name;
		__u32 mode, n;
	} inputs[] = {
		{ "short", 0, 0 },
		{ "middle", 1, 9 },
		{ "long", 1, 255 },
	};
	int fd = bpf_program__fd(prog), err;
	struct bpf_prog_info info;

	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		__u64 ns = 0;

		skel->bss->in_mode = inputs[i].mode;
		skel->bss->in_n = inputs[i].n;
		for (long run = 0; run <= o->count; run++) {
			__u64 before = interrupts(), after;
			__u32 mean;

			err = test_run(fd, false, 1, &mean);
			after = interrupts();
			err = err ?: wd_prog_info(fd, &info);
			if (err)
				return err;
			/* the first of each input warms up maps and caches */
			if (run || o->any_clock)
				put_run(o, "own", bpf_program__name(prog),
					inputs[i].name, &info,
					info.run_time_ns - ns, after - before);
			ns = info.run_time_ns;
		}
	}
	return 0;
}

/* --- contention --- */

#define LAPS 4096
#define UPDATES 20

static struct contention {
	int fd, go;
} contention;

static void *updates(void *arg)
{
	int cpu = (long)arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!__atomic_load_n(&contention.go, __ATOMIC_ACQUIRE))
		sched_yield();
	/* more than are kept, so that the last one is not alone in them */
	for (int i = 0; i < LAPS; i++)
		test_run(contention.fd, false, 1, NULL);
	return NULL;
}

/* ns of one update on n CPUs at once, without the longest hundredth: a CPU that
 * is taken away while it has the lock is no cost of the lock.
 */
static double update_ns(struct estimate_bpf *skel, int n)
{
	pthread_t threads[8];
	double *ns = calloc(n * LAPS, sizeof(*ns)), sum = 0;
	int started = 0, k = 0;

	contention = (struct contention){
		.fd = bpf_program__fd(skel->progs.contend),
	};
	memset(skel->bss->lap, 0, sizeof(skel->bss->lap));
	while (started < n && !pthread_create(&threads[started], NULL, updates,
					      (void *)(long)started))
		started++;
	__atomic_store_n(&contention.go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	/* the first and the last tenth may be alone */
	for (int cpu = 0; ns && cpu < started; cpu++)
		for (int i = LAPS / 10; i < LAPS * 9 / 10; i++)
			ns[k++] = skel->bss->laps[cpu][i];
	if (k)
		dist_of(ns, k);
	k -= k / 100;
	for (int i = 0; i < k; i++)
		sum += ns[i] / k / UPDATES;
	free(ns);
	return started == n ? sum : 0;
}

static void measure_contention(const struct run_opts *o,
			       struct estimate_bpf *skel)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int n = 1; n <= cpus && n <= 8; n++)
		fprintf(o->out, "contention,update,%d,%.1f,0,,,\n", n,
			update_ns(skel, n));
}

static int estimate_run(const struct run_opts *opts)
{
	struct run_opts o = *opts;
	struct estimate_bpf *skel;
	struct bpf_program *prog;
	int stats, err = 0, failed = 0, n = 0;

	o.count = o.count ?: 30;
	fputs(HEAD, o.out);
	skel = estimate_bpf__open_and_load();
	if (!skel) {
		warn_f("estimate: cannot load the programs: %s",
		       strerror(errno));
		return -errno;
	}
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0) {
		warn_f("no run statistics: %s", strerror(errno));
		estimate_bpf__destroy(skel);
		return -EOPNOTSUPP;
	}
	estimate_prepare(skel);
	bpf_object__for_each_program(prog, skel->obj) {
		if (fnmatch(o.filter, bpf_program__name(prog), 0) ||
		    prog == skel->progs.contend)
			continue;
		err = estimate_measure(&o, skel, prog);
		if (err) {
			warn_f("%s: %s", bpf_program__name(prog),
			       strerror(-err));
			failed = err;
		}
		n++;
	}
	for (int i = 0; i < o.nr_files; i++) {
		err = estimate_sample(&o, o.files[i]);
		if (err)
			failed = err;
		n++;
	}
	close(stats);
	measure_contention(&o, skel);
	estimate_bpf__destroy(skel);
	fprintf(stderr, "  %d programs\n", n);
	return failed;
}

/* --- table --- */

struct prog {
	const char *set, *name;
	double best, worst, min, max;
	bool bounded;
	size_t runs, hit, below, above;
};

static struct prog *estimate_find(struct prog *progs, size_t *n,
				  const char *set, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(progs[i].set, set) && !strcmp(progs[i].name, name))
			return &progs[i];
	progs[*n] = (struct prog){ .set = set, .name = name, .min = INFINITY };
	return &progs[(*n)++];
}

static size_t collect(const struct csv *c, struct prog *progs)
{
	int cs = csv__col(c, "set"), cp = csv__col(c, "program"),
	    cr = csv__col(c, "run_ns"), ci = csv__col(c, "interrupts"),
	    cb = csv__col(c, "best_ns"), cw = csv__col(c, "worst_ns");
	size_t n = 0;

	for (size_t i = 0; i < csv__rows(c); i++) {
		double ns, hits, best, worst;
		struct prog *p;

		if (!csv__num(c, i, cr, &ns) || !csv__num(c, i, cb, &best))
			continue;
		p = estimate_find(progs, &n, csv__str(c, i, cs),
				  csv__str(c, i, cp));
		p->best = best;
		p->bounded = csv__num(c, i, cw, &worst);
		p->worst = p->bounded ? worst : INFINITY;
		if (csv__num(c, i, ci, &hits) && hits > 0) {
			p->hit++;
			continue;
		}
		p->runs++;
		p->min = fmin(p->min, ns);
		p->max = fmax(p->max, ns);
		p->below += ns < p->best;
		p->above += ns > p->worst;
	}
	return n;
}

static void put_rows(const struct table_opts *o, const struct prog *progs,
		     size_t n)
{
	if (o->csv)
		fputs("set,program,best_ns,measured_min_ns,measured_max_ns,worst_ns,unbounded\n",
		      o->csv);
	for (size_t i = 0; i < n; i++) {
		const struct prog *p = &progs[i];

		if (o->csv) {
			fprintf(o->csv, "%s,%s,%.0f,", p->set, p->name,
				p->best);
			if (p->runs)
				fprintf(o->csv, "%.1f,%.1f,", p->min, p->max);
			else
				fputs(",,", o->csv);
			if (p->bounded)
				fprintf(o->csv, "%.0f", p->worst);
			fprintf(o->csv, ",%d\n", !p->bounded);
		}
		if (o->json) {
			fprintf(o->json, "%s\n    {\"set\": ", i ? "," : "");
			json_str(o->json, p->set);
			fputs(", \"program\": ", o->json);
			json_str(o->json, p->name);
			fputs(", \"best_ns\": ", o->json);
			json_num(o->json, true, p->best);
			fputs(", \"measured_min_ns\": ", o->json);
			json_num(o->json, p->runs, p->min);
			fputs(", \"measured_max_ns\": ", o->json);
			json_num(o->json, p->runs, p->max);
			fputs(", \"worst_ns\": ", o->json);
			json_num(o->json, p->bounded, p->worst);
			fprintf(o->json, ", \"unbounded\": %s}",
				p->bounded ? "false" : "true");
		}
	}
}

static double median(double *v, size_t n)
{
	return dist_of(v, n).p50;
}

static void estimate_judge(const char *set, const struct prog *progs, size_t n)
{
	double *tight = calloc(n + 1, sizeof(*tight)),
	       *loose = calloc(n + 1, sizeof(*loose));
	size_t runs = 0, inside = 0, hit = 0, k = 0, unbounded = 0, of = 0;
	char what[80];

	for (size_t i = 0; tight && loose && i < n; i++) {
		const struct prog *p = &progs[i];

		if (strcmp(p->set, set))
			continue;
		of++;
		runs += p->runs;
		hit += p->hit;
		inside += p->runs - p->below - p->above;
		unbounded += !p->bounded;
		if (p->runs && p->bounded && p->max > 0 && p->min > 0) {
			tight[k] = p->worst / p->max;
			loose[k++] = p->best / p->min;
		}
	}
	printf("\n  %s: %zu programs, %zu unbounded; %zu runs, %zu more with an interrupt in them\n",
	       set, of, unbounded, runs, hit);
	snprintf(what, sizeof(what),
		 "%s: best <= measured <= worst, of all runs", set);
	target_line(what, "100 %", runs, runs == inside, "%.2f %%",
		    runs ? inside * 100.0 / runs : 0);
	snprintf(what, sizeof(what), "%s: worst / longest measured, median",
		 set);
	target_line(what, "<= 2", k, k && median(tight, k) <= 2, "%.2f",
		    k ? median(tight, k) : 0);
	snprintf(what, sizeof(what), "%s: best / shortest measured, median",
		 set);
	target_line(what, ">= 0.5", k, k && median(loose, k) >= 0.5, "%.2f",
		    k ? median(loose, k) : 0);
	free(tight);
	free(loose);
}

/* One CPU as measured here, more by what the model says of the helper. */
static void judge_contention(const struct csv *c)
{
	const char *pct = csv__stamp(c, "model_update_cpus2_pct"),
		   *mean = csv__stamp(c, "model_update_mean_ns");
	double one = 0, two = 0, predicted;
	int cs = csv__col(c, "set"), ci = csv__col(c, "input"),
	    cr = csv__col(c, "run_ns");

	for (size_t i = 0; i < csv__rows(c); i++) {
		if (strcmp(csv__str(c, i, cs), "contention"))
			continue;
		if (!strcmp(csv__str(c, i, ci), "1"))
			csv__num(c, i, cr, &one);
		if (!strcmp(csv__str(c, i, ci), "2"))
			csv__num(c, i, cr, &two);
	}
	if (!two || !pct || !mean)
		return;
	predicted = one + atof(mean) * (atof(pct) / 100 - 1);
	printf("\n  map update on 1 CPU %.0f ns, on 2 CPUs %.0f ns measured, %.0f ns predicted\n",
	       one, two, predicted);
	target_line("2 CPUs: predicted / measured", "0.7..1.3", true,
		    predicted / two >= 0.7 && predicted / two <= 1.3, "%.2f",
		    predicted / two);
}

static int estimate_table(const struct table_opts *o)
{
	struct prog *progs = calloc(csv__rows(o->raw) + 1, sizeof(*progs));
	static const char *const sets[] = { "original", "own" };
	size_t n;

	if (!progs)
		return -ENOMEM;
	n = collect(o->raw, progs);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, o->raw);
		fputs(",\n  \"rows\": [", o->json);
	}
	put_rows(o, progs, n);
	if (o->json)
		fputs("\n  ]\n}\n", o->json);
	printf("\nestimate: ns of one run, as estimated and as measured\n\n  %-9s %-32s %10s %10s %10s %10s %6s %6s\n",
	       "set", "program", "best", "min", "max", "worst", "w/max",
	       "b/min");
	for (size_t i = 0; i < n; i++) {
		const struct prog *p = &progs[i];

		printf("  %-9s %-32s %10.0f %10.0f %10.0f %10.0f %6.2f %6.2f%s%s\n",
		       p->set, p->name, p->best, p->min, p->max, p->worst,
		       p->worst / p->max, p->best / p->min,
		       p->below ? "  below best" : "",
		       p->above ? "  above worst" : "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		estimate_judge(sets[i], progs, n);
	judge_contention(o->raw);
	puts("\nenvironment");
	print_env(o->raw);
	free(progs);
	return 0;
}

const struct bench bench_estimate = {
	.name = "estimate",
	.desc = "estimates against measured runs",
	.nr_keys = 2,
	.validate = estimate_validate,
	.run = estimate_run,
	.table = estimate_table,
};
