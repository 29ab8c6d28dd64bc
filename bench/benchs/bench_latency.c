// SPDX-License-Identifier: GPL-2.0
/*
 * How long after the deadline the watchdog decides, and how long from the
 * decision until the program has returned, per way to stall.
 *
 * The kernel measures both itself and says so in the tracepoint
 * bpf_watchdog:terminate (late_ns, stop_ns), read here through a perf ring:
 * no BPF program takes part that the watchdog could watch. The start of each
 * invocation is moved by a pseudo-random part of the timer's period, or the
 * deterministic VM would meet the timer at the same phase each time.
 */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"
#include "events.h"
#include "stalls.h"

#define MAX_CPUS 8
#define NSEC_PER_USEC 1000.0

struct thread {
	pthread_t id;
	const struct run_opts *o;
	struct stall s;
	int cpu, err;
	long ran, survived, terminations;
	long seen; /* events of it */
	double *took; /* ns of each BPF_PROG_TEST_RUN, seen from outside */
	__u64 rng;
};

/* --- kills --- */

static void *kill_loop(void *arg)
{
	struct thread *t = arg;
	struct bpf_prog_info info;
	long i, kills = t->o->count ?: 1000;
	cpu_set_t cpus;
	__u64 start;

	CPU_ZERO(&cpus);
	CPU_SET(t->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	t->took = calloc(kills, sizeof(*t->took));
	if (!t->took)
		t->err = -ENOMEM;
	t->rng = PHASE_SEED + t->cpu;
	for (i = 0; i < kills && !t->err; i++) {
		t->err = stall__prepare(&t->s);
		wait_phase(&t->rng);
		start = now_ns();
		if (!t->err)
			t->err = test_run(t->s.fd, false, 1, NULL);
		t->took[i] = now_ns() - start;
		if (!t->err)
			t->err = wd_prog_info(t->s.fd, &info);
		if (t->err)
			break;
		t->ran++;
		if ((long)info.terminations == t->terminations &&
		    ++t->survived >= 3 && t->survived == t->ran) {
			t->err =
				-ETIME; /* it never ends them: do not wait for all */
			break;
		}
		t->terminations = info.terminations;
		if (t->cpu == 0)
			events__drain();
	}
	return NULL;
}

static int run_kind(const struct run_opts *o, const struct stall_kind *k)
{
	struct thread t[MAX_CPUS] = {};
	long ran = 0, ended = 0, seen = 0;
	int i, n, err = 0;
	size_t e;

	n = k->irqs_off ? 1 : o->threads;
	events__clear();
	for (i = 0; i < n && !err; i++) {
		t[i].o = o;
		t[i].cpu = i;
		err = stall__open(&t[i].s, k);
		if (!err)
			err = stall__set_budget(&t[i].s, o->budget_us * 1000);
	}
	for (i = 0; i < n && !err; i++)
		err = -pthread_create(&t[i].id, NULL, kill_loop, &t[i]);
	for (i = 0; i < n && t[i].id; i++) {
		pthread_join(t[i].id, NULL);
		err = err ?: t[i].err;
		ran += t[i].ran;
		ended += t[i].terminations;
	}
	events__drain();
	for (e = 0; e < events__nr(); e++) {
		const struct event *ev = events__at(e);

		for (i = 0; i < n && t[i].s.prog_id != ev->val[F_PROG_ID]; i++)
			;
		if (i == n)
			continue;
		seen++;
		fprintf(o->out, "%s,%s,%ld,%lld,%lld,%lld,%lld,%lld,%lld,",
			o->label, k->name, seen, ev->val[F_LATE],
			ev->val[F_STOP], ev->val[F_RAN], ev->val[F_BUDGET],
			ev->val[F_COMMITS], ev->val[F_REASON]);
		/* the n-th event is of the n-th run, if all were ended and none lost */
		if (t[i].terminations == t[i].ran && !events__lost() &&
		    t[i].seen < t[i].ran)
			fprintf(o->out, "%.0f", t[i].took[t[i].seen++]);
		fputc('\n', o->out);
	}
	fflush(o->out);
	if (err)
		warn_f("%s: %s after %ld of %ld runs", k->name,
		       err == -ETIME ? "not ended by the watchdog" :
				       strerror(-err),
		       ran, n * (o->count ?: 1000));
	fprintf(stderr, "  %-8s %-16s %5ld runs, %5ld ended, %5ld events\n",
		o->label, k->name, ran, ended, seen);
	if (!err && (seen != ended || ended != ran))
		warn_f("%s: %ld runs, %ld ended, %ld events, %lu lost: these should be equal",
		       k->name, ran, ended, seen, events__lost());
	for (i = 0; i < n; i++) {
		stall__close(&t[i].s);
		free(t[i].took);
	}
	return err;
}

static int latency_validate(const struct run_opts *o)
{
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	if (o->threads < 1 || o->threads > MAX_CPUS ||
	    o->threads > libbpf_num_possible_cpus()) {
		warn_f("-t %d: from 1 to the number of CPUs, at most %d",
		       o->threads, MAX_CPUS);
		return -EINVAL;
	}
	if (o->budget_us < 1) {
		warn_f("-b %ld: a budget has at least 1 us", o->budget_us);
		return -EINVAL;
	}
	return 0;
}

static int latency_run(const struct run_opts *o)
{
	int err, failed = 0;
	size_t k;

	err = wd_sysctl("bpf_watchdog", 1);
	if (err) {
		warn_f("cannot switch the watchdog on: %s", strerror(-err));
		return err;
	}
	err = events__open();
	if (err)
		goto out;
	fprintf(o->out, "# budget_us: %ld\n", o->budget_us);
	fputs("setup,reproducer,kill,late_ns,stop_ns,ran_ns,budget_ns,commits,reason,took_ns\n",
	      o->out);
	for (k = 0; k < ARRAY_SIZE(stall_kinds); k++) {
		if (fnmatch(o->filter, stall_kinds[k].name, 0) ||
		    !fnmatch(o->skip, stall_kinds[k].name, 0))
			continue;
		err = run_kind(o, &stall_kinds[k]);
		failed = failed ?: err;
	}
	err = failed;
out:
	wd_sysctl("bpf_watchdog", 0);
	return err;
}

/* --- table --- */

/* how a VM is called in the raw rows (run/latency.sh) and what that means */
static const struct setup {
	const char *name;
	const char *what;
	bool detect, once, stop; /* figures that have a target here */
} setups[] = {
	{ "icount", "1 CPU, deterministic: 1 ns is 1 guest instruction", true,
	  true, true },
	{ "tight", "as icount, budget 1 ms: the timer has not seen it before",
	  true, false, true },
	{ "pair",
	  "2 CPUs, both stalled, deterministic; they take turns, so up to a turn is in each figure",
	  true, false, false },
	{ "mt",
	  "2 CPUs, both stalled, multi-threaded TCG: the host's scheduling is in it (ms outliers)",
	  false, false, false },
};

struct sum {
	struct dist late, stop, commits;
	struct dist rest; /* of the system call: took - (budget + late + stop) */
	double budget_ns;
	size_t other_reason;
};

static struct sum latency_fold(const struct csv *raw, const char *setup,
			       const char *name)
{
	int cs = csv__col(raw, "setup"), cr = csv__col(raw, "reproducer");
	int cl = csv__col(raw, "late_ns"), ct = csv__col(raw, "stop_ns"),
	    cc = csv__col(raw, "commits");
	int cb = csv__col(raw, "budget_ns"), ce = csv__col(raw, "reason"),
	    ck = csv__col(raw, "took_ns");
	size_t n = 0, nr = 0, i, rows = csv__rows(raw);
	double *l = calloc(rows, sizeof(*l)), *t = calloc(rows, sizeof(*t)),
	       *c = calloc(rows, sizeof(*c));
	double *r = calloc(rows, sizeof(*r));
	struct sum s = {};

	for (i = 0; i < rows; i++) {
		double reason, took;

		if (strcmp(csv__str(raw, i, cs), setup) ||
		    strcmp(csv__str(raw, i, cr), name))
			continue;
		if (!csv__num(raw, i, cl, &l[n]) ||
		    !csv__num(raw, i, ct, &t[n]) ||
		    !csv__num(raw, i, cc, &c[n]))
			continue;
		csv__num(raw, i, cb, &s.budget_ns);
		s.other_reason += !csv__num(raw, i, ce, &reason) ||
				  reason != 16;
		if (csv__num(raw, i, ck, &took))
			r[nr++] = took - s.budget_ns - l[n] - t[n];
		n++;
	}
	s.rest = dist_of(r, nr);
	s.late = dist_of(l, n);
	s.stop = dist_of(t, n);
	s.commits = dist_of(c, n);
	free(l);
	free(t);
	free(c);
	free(r);
	return s;
}

static void json_rows(const struct table_opts *o, const char *key,
		      const char *setup)
{
	size_t k;

	fprintf(o->json, ",\n  \"%s\": [", key);
	for (k = 0; k < ARRAY_SIZE(stall_kinds); k++) {
		struct sum s = latency_fold(o->raw, setup, stall_kinds[k].name);

		fprintf(o->json,
			"%s\n    {\"reproducer\": \"%s\", \"kills\": %zu, \"budget_ns\": ",
			k ? "," : "", stall_kinds[k].name, s.late.n);
		json_num(o->json, s.late.n, s.budget_ns);
		json_dist(o->json, "detect_ns", &s.late);
		json_dist(o->json, "stop_ns", &s.stop);
		json_dist(o->json, "commits", &s.commits);
		fputc('}', o->json);
	}
	fputs("\n  ]", o->json);
}

static void print_setup(const struct table_opts *o, const struct setup *st)
{
	double seen_max = 0, first_max = 0, stop_p99 = 0, other_p99 = 0;
	double rest_p50 = 0, rest_max = 0;
	size_t k, kills = 0, seen = 0, first = 0, loops = 0, others = 0,
		  other_reason = 0, rest = 0;
	char what[160];

	printf("\nlatency, %s: %s\n\n", st->name, st->what);
	printf("  %-16s %6s %9s | %9s %9s %9s | %9s %9s %9s | %s\n", "", "",
	       "budget", "deadline", "to", "decision", "decision", "to",
	       "return", "walks");
	printf("  %-16s %6s %9s | %9s %9s %9s | %9s %9s %9s | %s\n",
	       "reproducer", "kills", "us", "p50 us", "p99 us", "max us",
	       "p50 us", "p99 us", "max us", "max");
	for (k = 0; k < ARRAY_SIZE(stall_kinds); k++) {
		struct sum s =
			latency_fold(o->raw, st->name, stall_kinds[k].name);

		if (!s.late.n) {
			printf("  %-16s %6s %s\n", stall_kinds[k].name, "-",
			       stall_kinds[k].irqs_off &&
					       strcmp(st->name, "mt") ?
				       "interrupts off: needs a second CPU that is well, see mt" :
				       "");
			continue;
		}
		kills += s.late.n;
		other_reason += s.other_reason;
		printf("  %-16s %6zu %9.0f | %9.2f %9.2f %9.2f | %9.2f %9.2f %9.2f | %.0f\n",
		       stall_kinds[k].name, s.late.n,
		       s.budget_ns / NSEC_PER_USEC, s.late.p50 / NSEC_PER_USEC,
		       s.late.p99 / NSEC_PER_USEC, s.late.max / NSEC_PER_USEC,
		       s.stop.p50 / NSEC_PER_USEC, s.stop.p99 / NSEC_PER_USEC,
		       s.stop.max / NSEC_PER_USEC, s.commits.max);
		if (s.budget_ns >=
		    2000000) { /* two periods: the timer has met it */
			seen++;
			seen_max = fmax(seen_max, s.late.max);
		}
		if (s.rest.n) {
			rest++;
			rest_p50 = fmax(rest_p50, s.rest.p50);
			rest_max = fmax(rest_max, s.rest.max);
		}
		first++;
		first_max = fmax(first_max, s.late.max);
		if (stall_kinds[k].loop) {
			loops++;
			stop_p99 = fmax(stop_p99, s.stop.p99);
		} else {
			others++;
			other_p99 = fmax(other_p99, s.stop.p99);
		}
		if (o->csv)
			fprintf(o->csv,
				"%s,%s,%zu,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f\n",
				st->name, stall_kinds[k].name, s.late.n,
				s.budget_ns, s.late.p50, s.late.p99, s.late.max,
				s.stop.p50, s.stop.p99, s.stop.max,
				s.commits.max);
	}
	putchar('\n');
	if (rest)
		printf("  from outside: BPF_PROG_TEST_RUN took at most %.1f us more than budget + these two (median %.1f us)\n",
		       rest_max / NSEC_PER_USEC, rest_p50 / NSEC_PER_USEC);
	if (other_reason)
		printf("  %zu kills were not for the budget's sake\n",
		       other_reason);
	snprintf(what, sizeof(what),
		 "detection past the deadline, max of %zu kills", kills);
	target_line(what, st->detect ? "<= 1 ms" : NULL, first,
		    first_max <= 1e6, "%.2f us", first_max / NSEC_PER_USEC);
	if (st->once)
		target_line("detection, seen by the timer before, max",
			    "<= 50 us", seen, seen_max <= 50e3, "%.2f us",
			    seen_max / NSEC_PER_USEC);
	target_line("decision to return, bpf_loop reproducers, worst p99",
		    st->stop ? "<= 4 us" : NULL, loops, stop_p99 <= 4e3,
		    "%.2f us", stop_p99 / NSEC_PER_USEC);
	target_line("decision to return, the others, worst p99", NULL, others,
		    true, "%.2f us", other_p99 / NSEC_PER_USEC);
}

static int latency_table(const struct table_opts *o)
{
	size_t i;

	if (o->csv)
		fputs("setup,reproducer,kills,budget_ns,detect_p50_ns,detect_p99_ns,detect_max_ns,"
		      "stop_p50_ns,stop_p99_ns,stop_max_ns,commits_max\n",
		      o->csv);
	for (i = 0; i < ARRAY_SIZE(setups); i++)
		print_setup(o, &setups[i]);
	puts("\nenvironment");
	print_env(o->raw);
	if (!o->json)
		return 0;
	fputs("{\n  ", o->json);
	json_env(o->json, o->raw);
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		char key[64];

		snprintf(key, sizeof(key), i ? "rows_%s" : "rows",
			 setups[i].name);
		json_rows(o, key, setups[i].name);
	}
	fputs("\n}\n", o->json);
	return 0;
}

const struct bench bench_latency = {
	.name = "latency",
	.desc = "deadline to decision, decision to return, per way to stall",
	.nr_keys = 2,
	.validate = latency_validate,
	.run = latency_run,
	.table = latency_table,
};
