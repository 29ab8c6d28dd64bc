// SPDX-License-Identifier: GPL-2.0
/* The columns of `bpfwd ps`: how each is called, and where its value is. */
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "progs/holders.h"
#include "progs/place.h"
#include "progs/ps_cols.h"

#define ROW const struct ps_row *r = row
#define INFO(field) (((const struct ps_row *)row)->p->info.field)

static struct val col_get_id(const void *row)
{
	return val_num(INFO(id), true);
}

static struct val col_get_name(const void *row)
{
	ROW;
	struct val v = val_text(r->p->name);

	v.mark = r->p->name_cut;
	return v;
}

static struct val col_get_hook(const void *row)
{
	ROW;
	struct val v = val_text(r->p->hooks[0]);

	v.mark = v.known && (r->p->hooks[1] || r->p->n_places > 1);
	return v;
}

static struct val get_hooks(const void *row)
{
	ROW;
	return val_text(r->hooks);
}

static u64 budget(const struct ps_row *r)
{
	if (kwd_estimate_known(r->p->info_len) &&
	    r->p->info.watchdog_effective_budget_ns)
		return r->p->info.watchdog_effective_budget_ns;
	return r->p->info.watchdog_budget_ns ? r->p->info.watchdog_budget_ns :
					       r->default_budget_ns;
}

static bool estimated(const struct ps_row *r)
{
	return kwd_estimate_known(r->p->info_len) &&
	       !kwd_estimate_none(r->p->info.estimate_reason);
}

static struct val col_get_best(const void *row)
{
	ROW;
	struct val v = val_num(INFO(estimate_best_ns), estimated(r));

	v.mark = v.known && r->feature && v.num > budget(r);
	return v;
}

static struct val col_get_worst(const void *row)
{
	ROW;
	struct val v = val_num(INFO(estimate_worst_ns), estimated(r));

	v.mark = v.known && r->feature && v.num > budget(r);
	return v;
}

static struct val get_tail(const void *row)
{
	ROW;
	struct val v = val_num(INFO(estimate_tail_ns),
			       estimated(r) && kwd_tail_known(r->p->info_len));

	v.mark = v.known && r->feature && v.num > budget(r);
	return v;
}

static struct val get_use(const void *row)
{
	ROW;
	bool known = estimated(r) && r->feature && budget(r) &&
		     INFO(estimate_worst_ns) != UINT64_MAX;

	return val_real(known ? INFO(estimate_worst_ns) * 100.0 / budget(r) : 0,
			known);
}

static struct val col_get_bounded(const void *row)
{
	ROW;
	return val_num(INFO(estimate_worst_ns) != UINT64_MAX, estimated(r));
}

static struct val get_unbounded_why(const void *row)
{
	ROW;
	return val_text(kwd_estimate_known(r->p->info_len) &&
					INFO(estimate_reason) ?
				kwd_reason_name(INFO(estimate_reason)) :
				NULL);
}

static struct val col_get_source(const void *row)
{
	ROW;
	return val_text(estimated(r) ? r->source : NULL);
}

static struct val get_violations(const void *row)
{
	ROW;
	return val_num(INFO(estimate_violations),
		       kwd_estimate_known(r->p->info_len));
}

static struct val get_max(const void *row)
{
	ROW;
	struct val v = val_num(INFO(longest_run_ns),
			       r->feature && INFO(longest_run_ns));

	v.mark = v.known && v.num > budget(r);
	return v;
}

static struct val get_sampled(const void *row)
{
	ROW;
	return val_num(INFO(sampled_runs),
		       r->feature && kwd_samples_known(r->p->info_len));
}

static struct val get_p99(const void *row)
{
	ROW;
	struct val v = val_num(INFO(p99_run_ns),
			       get_sampled(row).known && INFO(sampled_runs));

	v.mark = v.known && v.num > budget(r);
	return v;
}

static struct val get_p99_now(const void *row)
{
	ROW;
	struct val v = val_num(r->p99_ns, r->p99_ns);

	v.mark = v.known && v.num > budget(r);
	return v;
}

static struct val get_budget(const void *row)
{
	ROW;
	return val_num(budget(r), r->feature);
}

static struct val get_kills(const void *row)
{
	ROW;
	return val_num(INFO(terminations), r->feature);
}

static struct val get_type(const void *row)
{
	ROW;
	return val_text(r->p->type);
}

static struct val get_avg(const void *row)
{
	return INFO(run_cnt) ?
		       val_num(INFO(run_time_ns) / INFO(run_cnt), true) :
		       val_num(0, false);
}

static struct val get_runs(const void *row)
{
	return val_num(INFO(run_cnt), true);
}

static struct val get_rate(const void *row)
{
	ROW;
	return val_real(r->rate, r->rates);
}

static struct val get_cpu(const void *row)
{
	ROW;
	return val_real(r->cpu, r->rates);
}

static struct val get_cpu_rel(const void *row)
{
	ROW;
	return val_real(r->cpu_rel, r->rates);
}

static struct val get_owner(const void *row)
{
	ROW;
	return val_text(r->p->owner);
}

static struct val get_device(const void *row)
{
	ROW;
	return val_text(r->devices);
}

static struct val get_cgroup(const void *row)
{
	ROW;
	return val_text(r->cgroups);
}

static struct val get_functions(const void *row)
{
	ROW;
	return val_text(r->functions);
}

static struct val get_attachments(const void *row)
{
	ROW;
	return val_list(r->p->n_places ? r->hooks : NULL, r->places_json);
}

static struct val get_holders(const void *row)
{
	ROW;
	return val_list(r->holders, r->holders_json);
}

static struct val get_tag(const void *row)
{
	ROW;
	return val_text(r->p->tag);
}

static struct val get_btf(const void *row)
{
	ROW;
	return val_text(r->btf);
}

static struct val get_run_time(const void *row)
{
	return val_num(INFO(run_time_ns), true);
}

static struct val get_misses(const void *row)
{
	return val_num(INFO(recursion_misses), true);
}

static struct val get_insns(const void *row)
{
	return val_num(INFO(xlated_prog_len) / sizeof(struct bpf_insn),
		       INFO(xlated_prog_len));
}

static struct val get_verified(const void *row)
{
	return val_num(INFO(verified_insns), INFO(verified_insns));
}

static struct val get_jited(const void *row)
{
	return val_num(INFO(jited_prog_len), INFO(jited_prog_len));
}

static struct val get_uid(const void *row)
{
	return val_num(INFO(created_by_uid), true);
}

static struct val get_own_budget(const void *row)
{
	ROW;
	return val_num(INFO(watchdog_budget_ns),
		       r->feature && INFO(watchdog_budget_ns));
}

static struct val get_overruns(const void *row)
{
	ROW;
	return val_num(INFO(overruns), r->feature);
}

static struct val col_get_verdict(const void *row)
{
	ROW;
	return val_text(r->feature ? kwd_verdict_name(INFO(watchdog_verdict)) :
				     NULL);
}

static struct val get_action(const void *row)
{
	ROW;
	return val_text(r->feature ? kwd_action_name(INFO(watchdog_action)) :
				     NULL);
}

static struct val get_state(const void *row)
{
	ROW;
	return val_text(!r->feature	  ? NULL :
			INFO(quarantined) ? "quarantined" :
			INFO(throttled)	  ? "throttled" :
					    "active");
}

static struct val get_throttled(const void *row)
{
	ROW;
	return val_num(INFO(throttled), r->feature);
}

static struct val get_throttles(const void *row)
{
	ROW;
	return val_num(INFO(throttles), r->feature);
}

static struct val get_seen(const void *row)
{
	ROW;
	return val_num(INFO(seen_ns), r->feature);
}

static struct val get_quarantined(const void *row)
{
	ROW;
	return val_num(INFO(quarantined), r->feature);
}

static struct val get_terminable(const void *row)
{
	ROW;
	return val_text(r->feature ? kwd_terminable_name(INFO(terminable)) :
				     NULL);
}

static struct val col_get_why(const void *row)
{
	ROW;
	return val_text(r->feature ? kwd_terminable_text(INFO(terminable)) :
				     NULL);
}

static struct val get_image(const void *row)
{
	ROW;
	return val_num(INFO(fast_path_bytes), r->feature);
}

static struct val get_last_kill(const void *row)
{
	ROW;
	return val_num(r->now_ns - INFO(last_termination_ns),
		       r->feature && INFO(last_termination_ns) &&
			       r->now_ns >= INFO(last_termination_ns));
}

static struct val get_last_termination(const void *row)
{
	ROW;
	return val_num(INFO(last_termination_ns),
		       r->feature && INFO(last_termination_ns));
}

static bool stops(const struct ps_row *r)
{
	return r->feature && kwd_stops_known(r->p->info_len);
}

static struct val get_stop(const void *row)
{
	ROW;
	return val_num(INFO(stop_bound_ns),
		       stops(r) && !kwd_estimate_none(INFO(stop_bound_reason)));
}

static struct val get_longest_stop(const void *row)
{
	ROW;
	struct val v = val_num(INFO(longest_stop_ns),
			       stops(r) && INFO(longest_stop_ns));

	v.mark = v.known && get_stop(row).known && v.num > INFO(stop_bound_ns);
	return v;
}

static struct val get_late(const void *row)
{
	ROW;
	return val_num(INFO(late_ends), stops(r));
}

static struct val get_stuck(const void *row)
{
	ROW;
	return val_num(INFO(stuck_ends), stops(r));
}

static struct val get_asleep(const void *row)
{
	ROW;
	return val_num(INFO(nr_asleep), stops(r));
}

static struct val get_asleep_in(const void *row)
{
	ROW;
	return val_text(r->asleep);
}

/* The keys are bpftool's and the kernel's where these have one. */
const struct col ps_cols[] = {
	{ "id", "id", VAL_U64, COL_DEFAULT | COL_MEASURED, "program id",
	  col_get_id },
	{ "name", "name", VAL_STR, COL_DEFAULT | COL_MEASURED,
	  "full name from BTF; ~ if only its first 15 characters are known",
	  col_get_name },
	{ "hook", "hook", VAL_STR, COL_DEFAULT | COL_MEASURED,
	  "where it is attached, as SEC() spells it; ~ if there are more",
	  col_get_hook },
	{ "best", "best_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "estimated shortest run; ! if over the budget", col_get_best },
	{ "worst", "worst_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "estimated longest run, inf: unbounded; ! if over the budget",
	  col_get_worst },
	{ "source", "estimate_source", VAL_STR, COL_DEFAULT,
	  "the cost model of both: built-in, calibrated, or stale (of another "
	  "kernel or CPU)",
	  col_get_source },
	{ "max", "longest_run_ns", VAL_NS, COL_DEFAULT,
	  "longest run that the watchdog saw, CPU time; ! if over the budget",
	  get_max },
	{ "budget", "budget_ns", VAL_NS_SET, COL_DEFAULT,
	  "CPU time that one run may take: its own, or the default",
	  get_budget },
	{ "kills", "terminations", VAL_U64, COL_DEFAULT,
	  "runs that were ended early", get_kills },
	{ "type", "type", VAL_STR, COL_WIDE, "program type", get_type },
	{ "avg", "run_avg_ns", VAL_NS, COL_WIDE | COL_MEASURED,
	  "run time / runs", get_avg },
	{ "runs", "run_cnt", VAL_U64, COL_WIDE | COL_MEASURED,
	  "runs, counted while statistics or the watchdog are on", get_runs },
	{ "rate", "rate_hz", VAL_REAL, COL_WIDE | COL_MEASURED,
	  "runs per second; needs an interval", get_rate },
	{ "cpu%", "cpu_percent", VAL_REAL, COL_WIDE | COL_MEASURED,
	  "share of one CPU; needs an interval", get_cpu },
	{ "owner", "owner", VAL_STR, COL_WIDE | COL_COSTLY,
	  "what holds it: a process and how many more, else a pin, a map, a "
	  "cgroup, the user who loaded it",
	  get_owner },
	{ "p99", "p99_run_ns", VAL_NS, 0,
	  "99 % of the sampled runs took at most so long; ! if over the budget",
	  get_p99 },
	{ "p99_now", "p99_now_ns", VAL_NS, 0,
	  "the same of the runs since the last look; needs an interval",
	  get_p99_now },
	{ "sampled", "sampled_runs", VAL_U64, 0,
	  "runs that were timed while the watchdog was on", get_sampled },
	{ "tail", "estimate_tail_ns", VAL_NS_BOUND, 0,
	  "worst with what its tail calls can reach now; ! if over the budget",
	  get_tail },
	{ "use", "use_percent", VAL_REAL, 0, "worst / budget, in percent",
	  get_use },
	{ "bounded", "bounded", VAL_BOOL, 0, "has it a longest run",
	  col_get_bounded },
	{ "unbounded", "unbounded_reason", VAL_STR, 0,
	  "why it has none, or no estimate", get_unbounded_why },
	{ "violations", "estimate_violations", VAL_U64, 0,
	  "runs seen to take longer than worst", get_violations },
	{ "hooks", "hooks", VAL_STR, 0,
	  "all places, separated by commas: HOOK, @ another network namespace, "
	  ": a cgroup",
	  get_hooks },
	{ "device", "device", VAL_STR, 0, "devices where it is attached",
	  get_device },
	{ "cgroup", "cgroup", VAL_STR, 0, "cgroups where it is attached",
	  get_cgroup },
	{ "functions", "functions", VAL_STR, 0,
	  "functions where a kprobe.multi is attached", get_functions },
	{ "attachments", "attachments", VAL_LIST, 0,
	  "where it is attached, as far as the kernel tells", get_attachments,
	  "{" PLACE_KEYS "}" },
	{ "holders", "holders", VAL_LIST, COL_COSTLY,
	  "all that holds it: processes, pins, links, maps, cgroups, devices, "
	  "its user",
	  get_holders, "{" HOLDER_KEYS "}" },
	{ "cpu_rel", "cpu_rel_percent", VAL_REAL, 0,
	  "share of all CPUs; needs an interval", get_cpu_rel },
	{ "tag", "tag", VAL_STR, 0, "hash of its instructions", get_tag },
	{ "btf", "btf_digest", VAL_STR, 0,
	  "SHA-256 of its BTF data; null unless asked for", get_btf },
	{ "run_time", "run_time_ns", VAL_NS, 0, "total run time",
	  get_run_time },
	{ "misses", "recursion_misses", VAL_U64, 0,
	  "runs that were skipped because it was running already", get_misses },
	{ "insns", "insns", VAL_U64, 0, "BPF instructions", get_insns },
	{ "verified", "verified_insns", VAL_U64, 0,
	  "instructions that the verifier walked", get_verified },
	{ "jited", "bytes_jited", VAL_U64, 0, "bytes of machine code",
	  get_jited },
	{ "uid", "uid", VAL_U64, 0, "user who loaded it", get_uid },
	{ "own_budget", "watchdog_budget_ns", VAL_NS_SET, 0,
	  "its own budget, if it has one", get_own_budget },
	{ "overruns", "overruns", VAL_U64, 0, "runs that passed their budget",
	  get_overruns },
	{ "action", "watchdog_action", VAL_STR, 0,
	  "what happens to an overrun: end or warn", get_action },
	{ "verdict", "watchdog_verdict", VAL_STR, 0,
	  "what it returns when ended: default, own, pass or deny",
	  col_get_verdict },
	{ "state", "state", VAL_STR, 0, "active, quarantined or throttled",
	  get_state },
	{ "throttled", "throttled", VAL_BOOL, 0,
	  "is it skipped until its window is over", get_throttled },
	{ "throttles", "throttles", VAL_U64, 0,
	  "windows for the rest of which it was skipped", get_throttles },
	{ "seen", "seen_ns", VAL_NS, 0,
	  "CPU time that the watchdog saw it run, an estimate", get_seen },
	{ "quarantined", "quarantined", VAL_BOOL, 0, "is it skipped at entry",
	  get_quarantined },
	{ "terminable", "terminable", VAL_STR, 0,
	  "can an overrun be ended: yes, not_needed, when_enabled, "
	  "conditional, or the reason why not",
	  get_terminable },
	{ "why", "terminable_text", VAL_STR, 0, "the same in words",
	  col_get_why },
	{ "image", "fast_path_bytes", VAL_U64, 0,
	  "bytes of its fast-path image", get_image },
	{ "stop", "stop_bound_ns", VAL_NS_BOUND, 0,
	  "from the redirect of a run to its return at most, inf: no bound",
	  get_stop },
	{ "longest_stop", "longest_stop_ns", VAL_NS, 0,
	  "the longest such time that was seen; ! if above the bound",
	  get_longest_stop },
	{ "late", "late_ends", VAL_U64, 0,
	  "runs that returned by themselves before they were ended", get_late },
	{ "stuck", "stuck_ends", VAL_U64, 0,
	  "runs that did not stop for a long time", get_stuck },
	{ "asleep", "nr_asleep", VAL_U64, 0, "tasks that sleep in a run of it",
	  get_asleep },
	{ "asleep_in", "asleep_in", VAL_STR, 0,
	  "where one of them sleeps, its pid and command", get_asleep_in },
	{ "last_kill", "last_termination_age_ns", VAL_NS, 0,
	  "time since a run was last ended", get_last_kill },
	{ "last_termination", "last_termination_ns", VAL_U64, 0,
	  "when that was, ns since boot", get_last_termination },
};

const size_t ps_n_cols = ARRAY_SIZE(ps_cols);
