// SPDX-License-Identifier: GPL-2.0
/* What the kernel tells of the watchdog and its programs, as metrics. Those of a
 * program are columns of `bpfwd ps`: what a column does not know is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "kernel/kwd.h"
#include "kernel/machine.h"
#include "progs/view.h"
#include "service/metrics.h"

/* No pid and no command: each of them would be a time series of its own. */
static const struct prog_metric {
	struct expo_family family; /* an empty name: another sample of it */
	const char *column;
	const char *bound; /* value of the label `bound` */
} prog_metrics[] = {
	{ { "bpfwd_program_estimate_seconds", EXPO_GAUGE,
	    "Estimated time of one run; +Inf if it has no bound." },
	  "best",
	  "best" },
	{ {}, "worst", "worst" },
	{ { "bpfwd_program_estimate_tail_seconds", EXPO_GAUGE,
	    "Worst case with what its tail calls can reach now; +Inf: no bound." },
	  "estimate_tail_ns",
	  NULL },
	{ { "bpfwd_program_budget_seconds", EXPO_GAUGE,
	    "CPU time that one run may take." },
	  "budget_ns",
	  NULL },
	{ { "bpfwd_program_runs_total", EXPO_COUNTER,
	    "Runs, counted while run statistics or the watchdog are on." },
	  "run_cnt",
	  NULL },
	{ { "bpfwd_program_run_seconds_total", EXPO_COUNTER,
	    "Run time, counted while run statistics or the watchdog are on." },
	  "run_time_ns",
	  NULL },
	{ { "bpfwd_program_longest_run_seconds", EXPO_GAUGE,
	    "CPU time of the longest run that the watchdog saw." },
	  "longest_run_ns",
	  NULL },
	{ { "bpfwd_program_run_p99_seconds", EXPO_GAUGE,
	    "CPU time that 99 % of the sampled runs took at most." },
	  "p99_run_ns",
	  NULL },
	{ { "bpfwd_program_sampled_runs_total", EXPO_COUNTER,
	    "Runs that were timed while the watchdog was on." },
	  "sampled_runs",
	  NULL },
	{ { "bpfwd_program_recursion_misses_total", EXPO_COUNTER,
	    "Runs that were skipped because it was running already." },
	  "recursion_misses",
	  NULL },
	{ { "bpfwd_program_estimate_violations_total", EXPO_COUNTER,
	    "Runs that a look found to take longer than their worst case." },
	  "estimate_violations",
	  NULL },
	{ { "bpfwd_program_overruns_total", EXPO_COUNTER,
	    "Runs that passed their budget." },
	  "overruns",
	  NULL },
	{ { "bpfwd_program_terminations_total", EXPO_COUNTER,
	    "Runs that were ended early." },
	  "terminations",
	  NULL },
	{ { "bpfwd_program_late_ends_total", EXPO_COUNTER,
	    "Runs that returned by themselves before they were ended." },
	  "late_ends",
	  NULL },
	{ { "bpfwd_program_stuck_ends_total", EXPO_COUNTER,
	    "Runs that did not stop for a long time." },
	  "stuck_ends",
	  NULL },
	{ { "bpfwd_program_stop_bound_seconds", EXPO_GAUGE,
	    "From the redirect of a run to its return at most; +Inf: no bound." },
	  "stop_bound_ns",
	  NULL },
	{ { "bpfwd_program_longest_stop_seconds", EXPO_GAUGE,
	    "The longest such time that was seen." },
	  "longest_stop_ns",
	  NULL },
	{ { "bpfwd_program_asleep_tasks", EXPO_GAUGE,
	    "Tasks that sleep in a run of it." },
	  "nr_asleep",
	  NULL },
	{ { "bpfwd_program_quarantined", EXPO_GAUGE,
	    "1: it is skipped at entry." },
	  "quarantined",
	  NULL },
	{ { "bpfwd_program_throttled", EXPO_GAUGE,
	    "1: it took more than its share, and is skipped until its window "
	    "is over." },
	  "throttled",
	  NULL },
	{ { "bpfwd_program_throttles_total", EXPO_COUNTER,
	    "Windows for the rest of which it was skipped." },
	  "throttles",
	  NULL },
	{ { "bpfwd_program_seen_seconds_total", EXPO_COUNTER,
	    "CPU time that the watchdog saw it run, an estimate." },
	  "seen_ns",
	  NULL },
	{ { "bpfwd_program_fast_path_bytes", EXPO_GAUGE,
	    "Memory of its fast-path image." },
	  "fast_path_bytes",
	  NULL },
};

static const char *const reasons[METRICS_REASONS] = { "budget", "request",
						      "quarantine", "other" };

static const u64 buckets[METRICS_BUCKETS] = {
	10000,	 25000,	  50000,    100000,   250000,	 500000,     1000000,
	2500000, 5000000, 10000000, 25000000, 100000000, 1000000000, UINT64_MAX
};

void metrics_count(struct metrics_events *events, const struct event *event)
{
	u64 latency = event->late_ns + event->stop_ns;
	size_t i = 0;

	switch (event->kind) {
	case EV_TERMINATED:
		while (i + 1 < METRICS_REASONS &&
		       strcmp(event->reason, reasons[i]))
			i++;
		events->ended[i]++;
		/* others have no deadline to be late after */
		if (strcmp(event->reason, "budget"))
			return;
		for (i = 0; latency > buckets[i];)
			i++;
		events->latency[i]++;
		events->latencies++;
		events->latency_ns += latency;
		return;
	case EV_WARNED:
		events->warned++;
		return;
	case EV_QUARANTINED:
		/* that has an event of its own, too */
		events->quarantined += !event->by_share;
		return;
	case EV_LOST:
		/* the kernel does not always say how many: then it is one */
		events->lost += event->lost ? event->lost : 1;
		return;
	case EV_OVERRUN:
	case EV_RELEASED:
	/* the kernel counts these */
	case EV_LATE:
	case EV_STUCK:
	case EV_VIOLATION:
	case EV_DENIED:
	case EV_WOULD_DENY:
	case EV_DETACHED:
	case EV_THROTTLED:
	case EV_OVER_SHARE:
		return;
	}
}

void metrics_gauge(struct expo *e, const char *name, const char *help,
		   u64 value)
{
	struct expo_family family = { name, EXPO_GAUGE, help };

	expo_family(e, &family);
	expo_count(e, "", NULL, 0, value);
}

static void gauge_us(struct expo *e, const char *name, const char *help, u64 us)
{
	struct expo_family family = { name, EXPO_GAUGE, help };

	expo_family(e, &family);
	expo_seconds(e, "", NULL, 0, us * 1000);
}

static void counter(struct expo *e, const char *name, const char *help,
		    u64 value)
{
	struct expo_family family = { name, EXPO_COUNTER, help };

	expo_family(e, &family);
	expo_count(e, "", NULL, 0, value);
}

static void write_state(struct expo *e, const struct metrics_events *events)
{
	static const struct expo_family info = {
		"bpfwd_build_info", EXPO_GAUGE,
		"Always 1; kernel_abi 0 is a kernel without the watchdog."
	};
	struct kwd_state s = {};
	bool feature = !kwd_state_read(&s);
	struct model_use use;
	struct utsname uts;

	uname(&uts);
	expo_family(e, &info);
	expo_count(
		e, "",
		(struct expo_label[]){ { "version", BPFWD_VERSION },
				       { "kernel", uts.release },
				       { "kernel_abi", feature ? "1" : "0" } },
		3, 1);
	metrics_gauge(e, "bpfwd_watchdog_enabled", "1: overruns are ended.",
		      s.val[KWD_ON]);
	metrics_gauge(e, "bpfwd_bpf_stats_enabled",
		      "1: runs are counted, by kernel.bpf_stats_enabled or "
		      "for bpfwd serve.",
		      kwd_stats_sysctl() > 0 || (events && events->stats));
	if (!feature)
		return;
	gauge_us(e, "bpfwd_watchdog_budget_seconds",
		 "CPU time that one run may take by default.",
		 s.val[KWD_BUDGET_US]);
	if (s.val[KWD_BUDGET_USER_US] != KWD_UNKNOWN)
		gauge_us(
			e, "bpfwd_watchdog_user_budget_seconds",
			"The same for runs that user space asks for and waits for.",
			s.val[KWD_BUDGET_USER_US]);
	gauge_us(e, "bpfwd_watchdog_period_seconds", "How often a CPU looks.",
		 s.val[KWD_PERIOD_US]);
	metrics_gauge(
		e, "bpfwd_watchdog_quarantine_terminations",
		"A program is skipped after that many ended runs; 0: never.",
		s.val[KWD_QUARANTINE]);
	if (model_in_use(&use))
		return;
	metrics_gauge(e, "bpfwd_cost_model_calibrated",
		      "1: estimates are made with a model that was loaded.",
		      use.loaded);
	metrics_gauge(e, "bpfwd_cost_model_stale",
		      "1: that model is of another kernel or CPU.", use.stale);
}

static const char *cell_text(const struct table *t, size_t row,
			     const struct col *col)
{
	const struct val *v = table_val(t, row, col);

	return v->known ? v->str : "";
}

static const char *cell_id(const struct table *t, size_t row, char buf[16])
{
	u64 id = table_val(t, row, table_col(t, "id"))->num;

	snprintf(buf, 16, "%u", (u32)id);
	return buf;
}

static void write_info(struct expo *e, const struct table *t)
{
	static const struct expo_family info = {
		"bpfwd_program_info", EXPO_GAUGE,
		"Always 1; to be joined with the others on id."
	};
	static const char *const names[] = { "name", "type", "hook", "tag",
					     "terminable" };
	struct expo_label labels[ARRAY_SIZE(names) + 1] = { { "id", NULL } };
	const struct col *cols[ARRAY_SIZE(names)];
	char id[16];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		labels[i + 1].name = names[i];
		cols[i] = table_col(t, names[i]);
	}
	expo_family(e, &info);
	for (size_t r = 0; r < table_rows(t); r++) {
		labels[0].value = cell_id(t, r, id);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			labels[i + 1].value = cell_text(t, r, cols[i]);
		expo_count(e, "", labels, ARRAY_SIZE(labels), 1);
	}
}

static void write_column(struct expo *e, const struct table *t,
			 const struct prog_metric *m)
{
	const struct col *col = table_col(t, m->column);
	char id[16];

	for (size_t i = 0; i < table_rows(t); i++) {
		const struct val *v = table_val(t, i, col);
		struct expo_label labels[] = { { "id", id },
					       { "bound", m->bound } };

		if (!v->known)
			continue;
		cell_id(t, i, id);
		if (col->kind == VAL_U64 || col->kind == VAL_BOOL)
			expo_count(e, "", labels, 1 + !!m->bound, v->num);
		else
			expo_seconds(e, "", labels, 1 + !!m->bound, v->num);
	}
}

static bool column_known(const struct table *t, const char *name)
{
	const struct col *col = table_col(t, name);

	for (size_t i = 0; i < table_rows(t); i++)
		if (table_val(t, i, col)->known)
			return true;
	return false;
}

static void write_programs(struct expo *e, const struct table *t)
{
	bool open = false;

	write_info(e, t);
	for (size_t i = 0; i < ARRAY_SIZE(prog_metrics); i++) {
		const struct prog_metric *m = &prog_metrics[i];

		/* no head without a sample */
		if (m->family.name) {
			open = column_known(t, m->column);
			if (open)
				expo_family(e, &m->family);
		}
		if (open)
			write_column(e, t, m);
	}
}

static void write_latency(struct expo *e, const struct metrics_events *events)
{
	static const struct expo_family family = {
		"bpfwd_termination_latency_seconds", EXPO_HISTOGRAM,
		"From the end of the budget to the return of the run."
	};
	char le[SECONDS_LEN];
	u64 sum = 0;

	expo_family(e, &family);
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		struct expo_label label = { "le", le };

		sum += events->latency[i];
		seconds_text(buckets[i], le);
		expo_count(e, "_bucket", &label, 1, sum);
	}
	expo_seconds(e, "_sum", NULL, 0, events->latency_ns);
	expo_count(e, "_count", NULL, 0, events->latencies);
}

static void write_events(struct expo *e, const struct metrics_events *events)
{
	static const struct expo_family ended = {
		"bpfwd_terminations_total", EXPO_COUNTER,
		"Runs that were ended early since bpfwd serve started, of "
		"programs that are gone as well."
	};

	expo_family(e, &ended);
	for (size_t i = 0; i < METRICS_REASONS; i++) {
		struct expo_label label = { "reason", reasons[i] };

		expo_count(e, "", &label, 1, events->ended[i]);
	}
	write_latency(e, events);
	counter(e, "bpfwd_warnings_total",
		"Overruns of programs that are only warned about.",
		events->warned);
	counter(e, "bpfwd_quarantines_total",
		"Programs that were put in quarantine.", events->quarantined);
	counter(e, "bpfwd_events_lost_total",
		"Events that the trace ring had no room for.", events->lost);
}

int metrics_write(struct expo *e, const struct metrics_events *events,
		  struct fault *f)
{
	struct table *t = table_new(ps_cols, ps_n_cols);
	struct look look = {};
	int ret;

	if (!t)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no table");
	ret = look_load(&look, NULL, NULL, PROGS_HOOKS | PROGS_TIMES, f);
	if (!ret)
		ret = look_fill(&look, t, f);
	if (!ret) {
		write_state(e, events);
		write_programs(e, t);
		metrics_runs(e, look.progs);
		metrics_policy(e, events);
		if (events && kwd_here())
			write_events(e, events);
	}
	look_free(&look);
	table_free(t);
	return ret;
}
