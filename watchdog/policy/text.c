// SPDX-License-Identifier: GPL-2.0
/* Rules and decisions in words. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include "kernel/kwd.h"
#include "policy/rules.h"
#include "show/duration.h"

static const char *const kinds[] = {
	[BPF_POLICY_DEFAULTS] = "defaults", [BPF_POLICY_HOOK] = "hook",
	[BPF_POLICY_GRAPH] = "call_graph",  [BPF_POLICY_PROGRAM] = "program",
	[BPF_POLICY_EXEMPT] = "exempt",	    [BPF_POLICY_TOGETHER] = "together",
};

static const char *const modes[] = {
	[BPF_POLICY_OFF] = "off",
	[BPF_POLICY_MONITOR] = "monitor",
	[BPF_POLICY_ENFORCE] = "enforce",
};

static const char *const actions[] = {
	[BPF_POLICY_DENY] = "deny",
	[BPF_POLICY_WARN] = "warn",
	[BPF_POLICY_ALLOW] = "allow",
	[BPF_POLICY_AUTO] = "auto",
};

static const char *const overruns[] = {
	[BPF_WD_ACTION_END] = "kill",
	[BPF_WD_ACTION_WARN] = "warn",
	[BPF_WD_ACTION_DETACH] = "detach",
};

static const char *const reasons[] = {
	[BPF_POLICY_OVER_LATENCY] = "over_latency",
	[BPF_POLICY_OVER_PROGRAMS] = "over_programs",
	[BPF_POLICY_UNBOUNDED] = "unbounded",
	[BPF_POLICY_UNKNOWN_HOOK] = "unknown_hook",
	[BPF_POLICY_OVER_STOP] = "over_stop",
	[BPF_POLICY_OVER_SHARE] = "over_share",
};

static const char *const on_shares[] = {
	[BPF_POLICY_SHARE_THROTTLE] = "throttle",
	[BPF_POLICY_SHARE_WARN] = "warn",
	[BPF_POLICY_SHARE_QUARANTINE] = "quarantine",
	[BPF_POLICY_SHARE_DETACH] = "detach",
};

#define NAME(names, i) \
	((i) < ARRAY_SIZE(names) && (names)[i] ? (names)[i] : "unknown")

const char *rule_mode_name(u32 mode)
{
	return NAME(modes, mode);
}

const char *rule_reason_name(u32 reason)
{
	return NAME(reasons, reason);
}

u32 rule_reason_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i] && !strcmp(reasons[i], name))
			return i;
	return 0;
}

const char *decision_name(enum decision decision)
{
	static const char *const names[] = { "allow", "would_deny", "deny",
					     "detach" };

	return NAME(names, decision);
}

void rule_names(const char *name, char policy[BPF_POLICY_NAME_LEN],
		char rule[BPF_POLICY_NAME_LEN])
{
	const char *colon = strchr(name, ':');

	snprintf(policy, BPF_POLICY_NAME_LEN, "%.*s",
		 colon ? (int)(colon - name) : 0, name);
	snprintf(rule, BPF_POLICY_NAME_LEN, "%s", colon ? colon + 1 : name);
}

/* By its file descriptor, or by what the kernel says of it. */
static void put_ns(FILE *f, const struct policy_rules *rules, const char *key,
		   u32 which, u32 fd, const char *kind)
{
	struct stat st = { .st_ino = fd };

	fprintf(f, " %s ", key);
	if (which == BPF_POLICY_NS_INITIAL)
		fputs("initial", f);
	else if (which == BPF_POLICY_NS_OTHER)
		fputs("other", f);
	else if (rules->generation || !fstat(fd, &st))
		fprintf(f, "%s:[%llu]", kind, (unsigned long long)st.st_ino);
}

static void put_token(FILE *f, const struct policy_rules *rules,
		      const struct bpf_policy_rule *r)
{
	u32 d = r->token_fd, major = d >> 8 & 0xfff,
	    minor = (d & 0xff) | (d >> 12 & 0xfff00);
	struct stat st;

	if (r->token == BPF_POLICY_TOKEN_NONE) {
		fputs(" token none", f);
		return;
	}
	if (r->token == BPF_POLICY_TOKEN_ANY) {
		fputs(" token any", f);
		return;
	}
	if (!rules->generation && !fstat(r->token_fd, &st)) {
		major = major(st.st_dev);
		minor = minor(st.st_dev);
	}
	fprintf(f, " token bpffs:[%u:%u]", major, minor);
}

static void put_match(FILE *f, const struct policy_rules *rules,
		      const struct bpf_policy_rule *r)
{
	const char *name = rule_text(rules, r->match_off),
		   *comm = rule_text(rules, r->comm_off);
	const char *type = libbpf_bpf_prog_type_str(r->prog_type);

	if (*name)
		fprintf(f, " %s", name);
	if (r->prog_type)
		fprintf(f, " type %s", type ? type : "unknown");
	if (*comm)
		fprintf(f, " comm %s", comm);
	if (r->flags & BPF_POLICY_F_UID)
		fprintf(f, " uid %u", r->uid);
	if (r->flags & BPF_POLICY_F_CGROUP)
		fprintf(f, " cgroup %llu", (unsigned long long)r->cgroup_id);
	if (r->flags & BPF_POLICY_F_TAG) {
		fputs(" tag ", f);
		for (size_t i = 0; i < sizeof(r->tag); i++)
			fprintf(f, "%02x", r->tag[i]);
	}
	if (r->flags & BPF_POLICY_F_BTF) {
		fputs(" btf ", f);
		for (size_t i = 0; i < sizeof(r->btf_digest); i++)
			fprintf(f, "%02x", r->btf_digest[i]);
	}
	if (r->flags & BPF_POLICY_F_USER_NS)
		put_ns(f, rules, "user_ns", r->user_ns, r->user_ns_fd, "user");
	if (r->flags & BPF_POLICY_F_PID_NS)
		put_ns(f, rules, "pid_ns", r->pid_ns, r->pid_ns_fd, "pid");
	if (r->flags & BPF_POLICY_F_TOKEN)
		put_token(f, rules, r);
}

static void put_limits(FILE *f, const struct bpf_policy_rule *r)
{
	char buf[DURATION_LEN];

	if (r->flags & BPF_POLICY_F_LATENCY)
		fprintf(f, " max_latency %s",
			duration_set(r->max_latency_ns, buf));
	if (r->flags & BPF_POLICY_F_PROGRAMS)
		fprintf(f, r->max_programs ? " max_programs %u" : " deny",
			r->max_programs);
	if (r->flags & BPF_POLICY_F_STOP)
		fprintf(f, " max_stop %s", duration_set(r->max_stop_ns, buf));
	if (r->flags & BPF_POLICY_F_UNBOUNDED)
		fprintf(f, " unbounded %s", NAME(actions, r->unbounded));
	if (r->flags & BPF_POLICY_F_BUDGET)
		fprintf(f, " budget %s", duration_set(r->budget_ns, buf));
	if (r->flags & BPF_POLICY_F_OVERRUN)
		fprintf(f, " on_overrun %s", NAME(overruns, r->on_overrun));
	if (r->flags & BPF_POLICY_F_QUARANTINE) {
		fprintf(f, " quarantine after %u", r->quarantine_after);
		if (r->quarantine_window_ns)
			fprintf(f, " within %s",
				duration_set(r->quarantine_window_ns, buf));
	}
	if (r->flags & BPF_POLICY_F_SHARE) {
		fprintf(f, " max_time %s", duration_set(r->share_ns, buf));
		fprintf(f, " per %s on_share %s",
			duration_set(r->share_window_ns, buf),
			NAME(on_shares, r->on_share));
	}
}

static void put_until(FILE *f, u64 until)
{
	time_t t = until;
	char text[32];
	struct tm tm;

	if (until && gmtime_r(&t, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		fprintf(f, " until %s", text);
}

char *rule_line(const struct policy_rules *rules, u32 i)
{
	const struct bpf_policy_rule *r = &rules->rules[i];
	char *line = NULL;
	size_t len;
	FILE *f = open_memstream(&line, &len);

	if (!f)
		return NULL;
	fputs(NAME(kinds, r->kind), f);
	switch (r->kind) {
	case BPF_POLICY_DEFAULTS:
		fprintf(f, " mode %s charge %s unbounded %s existing %s",
			NAME(modes, r->mode),
			r->charge == BPF_POLICY_MEASURED ? "measured" : "worst",
			NAME(actions, r->action),
			r->flags & BPF_POLICY_F_DETACH_EXISTING ? "detach" :
			r->flags & BPF_POLICY_F_WARN_EXISTING	? "warn" :
								  "keep");
		if (r->flags & BPF_POLICY_F_TAIL_CALLS)
			fputs(" tail_calls entries", f);
		put_limits(f, r);
		break;
	case BPF_POLICY_HOOK:
		fprintf(f, " %s", rule_text(rules, r->match_off));
		put_limits(f, r);
		fprintf(f, " on_exceed %s", NAME(actions, r->action));
		break;
	case BPF_POLICY_GRAPH:
		fprintf(f, " of %u functions and tracepoints", r->nr_match);
		put_limits(f, r);
		fprintf(f, " on_exceed %s", NAME(actions, r->action));
		break;
	case BPF_POLICY_PROGRAM:
	case BPF_POLICY_TOGETHER:
		put_match(f, rules, r);
		put_limits(f, r);
		break;
	case BPF_POLICY_EXEMPT:
		put_match(f, rules, r);
		if (r->flags & BPF_POLICY_F_EXEMPT_ATTACH)
			fputs(" from latency", f);
		if (r->flags & BPF_POLICY_F_EXEMPT_BUDGET)
			fputs(" from budget", f);
		put_until(f, r->until);
		break;
	}
	return fclose(f) ? NULL : line;
}

const char *attachment_source(const struct attachment *a)
{
	return a->measured ? "measured" : a->source;
}

void decision_why(const struct attachment *a, char *buf, size_t size)
{
	char worst[DURATION_LEN], there[DURATION_LEN], sum[DURATION_LEN],
		limit[DURATION_LEN];
	const char *source = attachment_source(a);
	int n;

	switch (a->reason) {
	case BPF_POLICY_OVER_LATENCY:
		snprintf(buf, size, "%s %s%s%s%s + %s already there = %s > %s",
			 a->measured ? "longest run" : "worst case",
			 duration_bound(a->cost_ns, worst), source ? " (" : "",
			 source ? source : "", source ? ")" : "",
			 duration_bound(a->there_ns, there),
			 duration_bound(a->cost_ns + a->there_ns < a->cost_ns ?
						UNBOUNDED :
						a->cost_ns + a->there_ns,
					sum),
			 duration_set(a->limit_ns, limit));
		break;
	case BPF_POLICY_OVER_PROGRAMS:
		if (!a->limit_ns) {
			snprintf(buf, size, "nothing may be attached there");
			break;
		}
		snprintf(buf, size,
			 "%llu programs are there already, %llu "
			 "are allowed",
			 (unsigned long long)a->there_ns,
			 (unsigned long long)a->limit_ns);
		break;
	case BPF_POLICY_UNBOUNDED:
		n = snprintf(buf, size, "it has no bound of its time");
		if (kwd_terminable_never(a->terminable))
			n += snprintf(buf + n, size - n,
				      ", and cannot be ended (%s)",
				      kwd_terminable_name(a->terminable));
		if (a->limit_ns)
			snprintf(buf + n, size - n, "; the limit is %s",
				 duration_set(a->limit_ns, limit));
		break;
	case BPF_POLICY_OVER_STOP:
		if (kwd_terminable_never(a->terminable))
			snprintf(buf, size,
				 "it cannot be ended (%s), and its worst case "
				 "%s is above max_stop %s",
				 kwd_terminable_name(a->terminable),
				 duration_bound(a->there_ns, there),
				 duration_set(a->limit_ns, limit));
		else
			snprintf(buf, size, "%s %s is above max_stop %s",
				 a->there_ns == a->cost_ns ? "worst case" :
							     "stop bound",
				 duration_bound(a->there_ns, there),
				 duration_set(a->limit_ns, limit));
		break;
	case BPF_POLICY_OVER_SHARE:
		snprintf(buf, size,
			 "it took %s of CPU time in a window, the share is %s",
			 duration(a->there_ns, there),
			 duration_set(a->limit_ns, limit));
		break;
	case BPF_POLICY_UNKNOWN_HOOK:
		snprintf(buf, size,
			 "the kernel does not know where it would "
			 "run");
		break;
	default:
		*buf = '\0';
	}
}
