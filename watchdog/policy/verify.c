// SPDX-License-Identifier: GPL-2.0
/* What the schema of a policy cannot say: units, patterns, dates, rules that say
 * nothing. Also keeps the line of each rule.
 */
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "policy/hook.h"
#include "policy/priv.h"
#include "progs/sections.h"
#include "show/duration.h"

struct verify {
	struct policy *p;
	const struct marks *marks;
	struct fault *f;
	char at[128]; /* path of what is looked at */
};

static int verify_refuse(struct verify *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int verify_refuse(struct verify *v, const char *fmt, ...)
{
	u32 line, column;
	char text[384];
	va_list ap;

	marks_find(v->marks, v->at, &line, &column);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(v->f, EXIT_USAGE, 0, "%s:%u:%u: %s", v->p->path, line,
			 column, text);
}

static void at(struct verify *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void at(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->at, sizeof(v->at), fmt, ap);
	va_end(ap);
}

static u32 line_of(const struct verify *v)
{
	u32 line, column;

	marks_find(v->marks, v->at, &line, &column);
	return line;
}

/* v->at is the rule. */
static int check_time(struct verify *v, const char *key, struct policy_time *t)
{
	size_t len = strlen(v->at);
	int err, ret = 0;

	if (!t->text)
		return 0;
	snprintf(v->at + len, sizeof(v->at) - len, ".%s", key);
	err = duration_parse(t->text, &t->ns);
	if (err == -ERANGE && !strcmp(key, "max_latency"))
		ret = verify_refuse(
			v,
			"%s '%.64s' is not between 1ns and 2^63-1 ns; to "
			"forbid all programs, write deny: true",
			key, t->text);
	else if (err == -ERANGE)
		ret = verify_refuse(
			v, "%s '%.64s' is not between 1ns and 2^63-1 ns", key,
			t->text);
	else if (err)
		ret = verify_refuse(
			v,
			"%s '%.64s' is no duration: a number with a "
			"unit (ns, us, ms, s, m or h)",
			key, t->text);
	v->at[len] = '\0';
	return ret;
}

/* "5%", "0.5%" or "250%", of one CPU. */
static int parse_percent(const char *text, u64 *ns)
{
	const char *digits = text;
	double value = 0, unit = 1;

	for (; isdigit((unsigned char)*digits); digits++)
		value = value * 10 + (*digits - '0');
	if (digits == text)
		return -EINVAL;
	if (*digits == '.') {
		if (!isdigit((unsigned char)*++digits))
			return -EINVAL;
		for (; isdigit((unsigned char)*digits); digits++)
			value += (*digits - '0') * (unit /= 10);
	}
	if (strcmp(digits, "%"))
		return -EINVAL;
	if (value > 1e6)
		return -ERANGE;
	*ns = (u64)(value * 1e7 + 0.5);
	return *ns ? 0 : -ERANGE;
}

/* "50ms per 1s" */
static int parse_per(const char *text, u64 *ns, u64 *window)
{
	const char *per = strstr(text, " per ");
	char part[64];
	int err;

	if (!per || per - text >= (long)sizeof(part))
		return -EINVAL;
	snprintf(part, sizeof(part), "%.*s", (int)(per - text), text);
	err = duration_parse(part, ns);
	return err ? err : duration_parse(per + strlen(" per "), window);
}

/* v->at is the rule. */
static int check_share(struct verify *v, struct policy_part *s)
{
	const char *key = s->max_cpu ? "max_cpu" : "max_time",
		   *text = s->max_cpu ? s->max_cpu : s->max_time;
	size_t len = strlen(v->at);
	int err, ret = 0;

	if (!text && s->on_share)
		return verify_refuse(v, "on_share needs a share: max_cpu or "
					"max_time");
	if (!text)
		return 0;
	snprintf(v->at + len, sizeof(v->at) - len, ".%s", key);
	s->window_ns = 1000000000;
	err = s->max_cpu ? parse_percent(text, &s->ns) :
			   parse_per(text, &s->ns, &s->window_ns);
	if (s->max_cpu && s->max_time)
		ret = verify_refuse(v, "max_cpu and max_time say the same: "
				       "give it one of them");
	else if (err == -ERANGE)
		ret = verify_refuse(v, "%s '%.64s' is out of range", key, text);
	else if (err && s->max_cpu)
		ret = verify_refuse(v,
				    "%s '%.64s' is no share of a CPU, such as "
				    "5%% or 0.5%%",
				    key, text);
	else if (err)
		ret = verify_refuse(v,
				    "%s '%.64s' is no time in a window, such "
				    "as 50ms per 1s",
				    key, text);
	else if (s->window_ns < BPF_POLICY_SHARE_WINDOW_MIN ||
		 s->window_ns > BPF_POLICY_SHARE_WINDOW_MAX)
		ret = verify_refuse(v, "a window is between 100ms and 60s");
	else if (s->ns / s->window_ns > 10000)
		ret = verify_refuse(v, "%s '%.64s' is out of range", key, text);
	v->at[len] = '\0';
	s->on_share = s->on_share ? s->on_share : POLICY_THROTTLE;
	return ret;
}

/* Names become labels of metrics and parts of messages. */
static int verify_check_name(struct verify *v, const char *what,
			     const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return verify_refuse(v, "%s is empty", what);
	if (len > POLICY_MAX_NAME)
		return verify_refuse(v, "%s has %zu characters, %d are allowed",
				     what, len, POLICY_MAX_NAME);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return verify_refuse(
				v,
				"%s may have letters, digits, '.', "
				"'_' and '-' only",
				what);
	return 0;
}

/* Patterns that the kernel and fnmatch(3) understand in the same way. */
static int check_glob(struct verify *v, const char *what, const char *glob,
		      size_t max)
{
	size_t len = strlen(glob);

	if (!len)
		return verify_refuse(v, "%s is empty", what);
	if (len > max)
		return verify_refuse(v,
				     "%s has %zu characters, %zu are allowed",
				     what, len, max);
	for (const char *c = glob; *c; c++) {
		if (!isprint((unsigned char)*c))
			return verify_refuse(v,
					     "%s holds a byte that cannot be "
					     "printed",
					     what);
		if (*c == '\\' && !*++c)
			return verify_refuse(v, "%s ends with a '\\'", what);
		if (*c != '[' || (c > glob && c[-1] == '\\'))
			continue;
		c += 1 + (c[1] == '!');
		if (*c == '^')
			return verify_refuse(v, "%s: negate with [!...]", what);
		if (*c == ']')
			c++;
		for (; *c && *c != ']'; c++)
			if (*c == '[' || *c == '\\')
				return verify_refuse(v,
						     "%s: no '%c' inside [...]",
						     what, *c);
		if (!*c)
			return verify_refuse(v, "%s: a '[' without ']'", what);
	}
	return 0;
}

/* What stands before the first slash is a kind of hook, or a pattern. */
static int check_hook(struct verify *v, struct policy_hook *h)
{
	char kind[BPF_POLICY_HOOK_LEN], *spelled;
	int ret = check_glob(v, "match", h->match, BPF_POLICY_HOOK_LEN - 1);

	if (ret)
		return ret;
	spelled = hook_spelled(h->match);
	if (!spelled)
		return fault_set(v->f, EXIT_FAILED, ENOMEM,
				 "cannot read the policy");
	if (strcmp(spelled, h->match)) {
		h->written = h->match;
		h->match = spelled;
	} else {
		free(spelled);
	}
	ret = check_glob(v, "match", h->match, BPF_POLICY_HOOK_LEN - 1);
	if (ret)
		return ret;
	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(h->match, "/"),
		 h->match);
	if (section_kind_fits(kind))
		return 0;
	return verify_refuse(v,
			     "there is no kind of hook '%s'; `bpfwd ps` and "
			     "bpfwd.policy(5) have their names",
			     kind);
}

/* A number, or the name of a user of this machine. */
static int check_uid(struct verify *v, struct policy_match *m)
{
	const struct passwd *user;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(m->uid, &end, 10);
	if (isdigit((unsigned char)*m->uid) && !*end && !errno &&
	    n < UINT32_MAX) {
		m->user = n;
		return 0;
	}
	user = isdigit((unsigned char)*m->uid) ? NULL : getpwnam(m->uid);
	if (!user)
		return verify_refuse(v, "there is no user '%.64s'", m->uid);
	m->user = user->pw_uid;
	return 0;
}

/* Below where control groups are mounted: whether it is there is seen later. */
static int check_cgroup(struct verify *v, const char *path)
{
	const char *part = path, *end;

	if (*path != '/')
		return verify_refuse(v,
				     "cgroup '%.64s' does not begin with '/', "
				     "as /system.slice/foo.service",
				     path);
	for (; *part; part = end) {
		part++;
		end = strchrnul(part, '/');
		if ((end == part && (*end || part - path > 1)) ||
		    (end - part == 1 && *part == '.') ||
		    (end - part == 2 && !strncmp(part, "..", 2)))
			return verify_refuse(v,
					     "cgroup '%.64s' has an empty "
					     "part, '.' or '..'",
					     path);
	}
	return 0;
}

/* A hash, as `bpfwd ps` has it. */
static int check_hash(struct verify *v, const char *key, const char *hex,
		      unsigned char *bytes, size_t n)
{
	if (strspn(hex, "0123456789abcdef") != 2 * n || hex[2 * n])
		return verify_refuse(v,
				     "%s '%.64s' is not one of %zu digits, "
				     "as `bpfwd ps -e +%s` has it",
				     key, hex, 2 * n, key);
	for (size_t i = 0; i < n; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1)
			return verify_refuse(v, "%s '%.64s'", key, hex);
	return 0;
}

/* One of two words, or a path: what is there is seen later. */
static int check_place(struct verify *v, const char *key, const char *text,
		       const char *one, const char *other, const char *example)
{
	if (*text == '/' || !strcmp(text, one) || !strcmp(text, other))
		return 0;
	return verify_refuse(v, "%s '%.64s' is not %s, %s or a path, as %s",
			     key, text, one, other, example);
}

static int check_who(struct verify *v, struct policy_match *m)
{
	size_t len = strlen(v->at);
	int ret = 0;

	if (m->uid) {
		snprintf(v->at + len, sizeof(v->at) - len, ".uid");
		ret = check_uid(v, m);
	}
	if (!ret && m->cgroup) {
		snprintf(v->at + len, sizeof(v->at) - len, ".cgroup");
		ret = check_cgroup(v, m->cgroup);
	}
	if (!ret && m->tag) {
		snprintf(v->at + len, sizeof(v->at) - len, ".tag");
		ret = check_hash(v, "tag", m->tag, m->tag_bytes,
				 sizeof(m->tag_bytes));
	}
	if (!ret && m->btf) {
		snprintf(v->at + len, sizeof(v->at) - len, ".btf");
		ret = check_hash(v, "btf", m->btf, m->btf_bytes,
				 sizeof(m->btf_bytes));
	}
	if (!ret && m->user_ns) {
		snprintf(v->at + len, sizeof(v->at) - len, ".user_ns");
		ret = check_place(v, "user_ns", m->user_ns, "initial", "other",
				  "/proc/PID/ns/user");
	}
	if (!ret && m->pid_ns) {
		snprintf(v->at + len, sizeof(v->at) - len, ".pid_ns");
		ret = check_place(v, "pid_ns", m->pid_ns, "initial", "other",
				  "/proc/PID/ns/pid");
	}
	if (!ret && m->token) {
		snprintf(v->at + len, sizeof(v->at) - len, ".token");
		ret = check_place(v, "token", m->token, "none", "any",
				  "/run/c1/bpf");
	}
	v->at[len] = '\0';
	return ret;
}

static int check_match(struct verify *v, struct policy_match *m)
{
	size_t len = strlen(v->at);
	int ret = 0;

	if (!m->name && !m->type && !m->comm && !m->uid && !m->cgroup &&
	    !m->tag && !m->user_ns && !m->pid_ns && !m->token && !m->btf)
		return verify_refuse(
			v, "match says nothing; to match all programs "
			   "say name: \"*\"");
	if (m->name) {
		snprintf(v->at + len, sizeof(v->at) - len, ".name");
		ret = check_glob(v, "name", m->name, BPF_POLICY_NAME_LEN - 1);
	}
	if (!ret && m->comm) {
		snprintf(v->at + len, sizeof(v->at) - len, ".comm");
		ret = check_glob(v, "comm", m->comm, BPF_POLICY_NAME_LEN - 1);
	}
	if (!ret && m->type) {
		const char *name;

		snprintf(v->at + len, sizeof(v->at) - len, ".type");
		for (u32 t = 1; (name = libbpf_bpf_prog_type_str(t)); t++)
			if (!strcmp(name, m->type))
				m->prog_type = t;
		if (!m->prog_type)
			ret = verify_refuse(
				v,
				"there is no type of program '%.64s', "
				"see bpfwd ps -w",
				m->type);
	}
	v->at[len] = '\0';
	return ret ? ret : check_who(v, m);
}

static bool asks_for_share(const struct policy_part *s)
{
	return s->max_cpu || s->max_time;
}

static int verify_hooks(struct verify *v)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < v->p->n_hooks; i++) {
		struct policy_hook *h = &v->p->hooks[i];

		at(v, "hooks[%u].match", i);
		ret = check_hook(v, h);
		at(v, "hooks[%u]", i);
		h->line = line_of(v);
		if (!ret && !h->max_latency.text && !h->max_programs &&
		    !h->max_stop.text && !h->unbounded && !h->budget.text &&
		    !h->deny && !asks_for_share(&h->share))
			ret = verify_refuse(v,
					    "a rule without a limit: give it "
					    "max_latency, max_programs, "
					    "max_stop, unbounded, budget, "
					    "max_cpu, max_time or "
					    "deny: true");
		ret = ret ? ret : check_time(v, "max_latency", &h->max_latency);
		ret = ret ? ret : check_time(v, "max_stop", &h->max_stop);
		ret = ret ? ret : check_time(v, "budget", &h->budget);
		ret = ret ? ret : check_share(v, &h->share);
		h->on_exceed = h->on_exceed ? h->on_exceed : POLICY_DENY;
	}
	return ret;
}

static int check_root(struct verify *v, const char *root)
{
	for (const char *c = root; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._$", *c))
			return verify_refuse(
				v, "'%.64s' is no name of a function", root);
	return *root ? 0 : verify_refuse(v, "a root is empty");
}

static int verify_graphs(struct verify *v)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < v->p->n_graphs; i++) {
		struct policy_graph *g = &v->p->graphs[i];

		at(v, "call_graphs[%u].name", i);
		ret = verify_check_name(v, "name", g->name);
		for (u32 k = 0; !ret && k < i; k++)
			if (!strcmp(v->p->graphs[k].name, g->name))
				ret = verify_refuse(
					v, "there are two call graphs %s",
					g->name);
		for (u32 k = 0; !ret && k < g->n_roots; k++) {
			at(v, "call_graphs[%u].roots[%u]", i, k);
			ret = check_root(v, g->roots[k]);
		}
		at(v, "call_graphs[%u].depth", i);
		if (!ret && g->depth > POLICY_MAX_DEPTH)
			ret = verify_refuse(v, "depth is at most %d",
					    POLICY_MAX_DEPTH);
		at(v, "call_graphs[%u]", i);
		g->line = line_of(v);
		if (!ret && !g->max_latency.text && !g->max_stop.text &&
		    !g->unbounded && !asks_for_share(&g->share))
			ret = verify_refuse(v,
					    "a call graph without a limit: "
					    "give it max_latency, max_stop, "
					    "unbounded, max_cpu or max_time");
		ret = ret ? ret : check_time(v, "max_latency", &g->max_latency);
		ret = ret ? ret : check_time(v, "max_stop", &g->max_stop);
		ret = ret ? ret : check_share(v, &g->share);
		g->on_exceed = g->on_exceed ? g->on_exceed : POLICY_DENY;
	}
	at(v, "call_graphs");
	if (!ret && v->p->n_graphs > BPF_POLICY_MAX_GRAPHS)
		ret = verify_refuse(v, "%u call graphs, %d are allowed",
				    v->p->n_graphs, BPF_POLICY_MAX_GRAPHS);
	return ret;
}

static int verify_programs(struct verify *v)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < v->p->n_programs; i++) {
		struct policy_program *p = &v->p->programs[i];

		at(v, "programs[%u].match", i);
		ret = check_match(v, &p->match);
		at(v, "programs[%u]", i);
		p->line = line_of(v);
		if (!ret && !p->budget.text && !p->on_overrun &&
		    !p->quarantine && !asks_for_share(&p->share))
			ret = verify_refuse(v,
					    "a rule that says nothing: give it "
					    "budget, on_overrun, quarantine, "
					    "max_cpu or max_time");
		ret = ret ? ret : check_time(v, "budget", &p->budget);
		ret = ret ? ret : check_share(v, &p->share);
		if (ret || !p->quarantine)
			continue;
		at(v, "programs[%u].quarantine", i);
		if (p->quarantine->after < 1 ||
		    p->quarantine->after > INT32_MAX)
			ret = verify_refuse(v, "after is 1 or more");
		else if (p->quarantine->window.text &&
			 p->quarantine->after > POLICY_MAX_WINDOW)
			ret = verify_refuse(
				v, "within a window, after is at most %d",
				POLICY_MAX_WINDOW);
		ret = ret ? ret :
			    check_time(v, "window", &p->quarantine->window);
	}
	return ret;
}

static int verify_together(struct verify *v)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < v->p->n_together; i++) {
		struct policy_together *t = &v->p->together[i];

		at(v, "together[%u].name", i);
		ret = verify_check_name(v, "name", t->name);
		for (u32 k = 0; !ret && k < i; k++)
			if (!strcmp(v->p->together[k].name, t->name))
				ret = verify_refuse(
					v,
					"together has %s for the second "
					"time",
					t->name);
		at(v, "together[%u].match", i);
		ret = ret ? ret : check_match(v, &t->match);
		at(v, "together[%u]", i);
		t->line = line_of(v);
		if (!ret && !asks_for_share(&t->share))
			ret = verify_refuse(v, "without a share: give it "
					       "max_cpu or max_time");
		ret = ret ? ret : check_share(v, &t->share);
	}
	at(v, "together");
	if (!ret && v->p->n_together > BPF_POLICY_MAX_TOGETHER)
		ret = verify_refuse(v,
				    "%u shares of several programs, %d are "
				    "allowed",
				    v->p->n_together, BPF_POLICY_MAX_TOGETHER);
	return ret;
}

/* The second in which a day, or a moment, is over. */
static int check_until(struct verify *v, struct policy_exempt *e)
{
	struct tm tm = {}, said;
	const char *end = strptime(e->until, "%Y-%m-%dT%H:%M:%SZ", &tm);
	bool day = !end || *end;
	time_t t;

	if (day) {
		tm = (struct tm){};
		end = strptime(e->until, "%Y-%m-%d", &tm);
	}
	said = tm;
	t = end && !*end ? timegm(&tm) : -1;
	/* 30 February would become a day in March, and second 60 another minute */
	if (t <= 0 || tm.tm_mday != said.tm_mday || tm.tm_sec != said.tm_sec)
		return verify_refuse(
			v,
			"until '%.64s' is no date such as 2027-06-30 "
			"or 2027-06-30T12:00:00Z",
			e->until);
	/* the whole day */
	e->until_s = day ? t + 24 * 60 * 60 : t;
	return 0;
}

static int verify_exempt(struct verify *v)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < v->p->n_exempt; i++) {
		struct policy_exempt *e = &v->p->exempt[i];

		at(v, "exempt[%u].match", i);
		ret = check_match(v, &e->match);
		at(v, "exempt[%u].from", i);
		if (!ret && !e->from)
			ret = verify_refuse(
				v, "exempt from what? latency, budget");
		at(v, "exempt[%u].reason", i);
		if (!ret && !e->reason[strspn(e->reason, " \t\n")])
			ret = verify_refuse(v, "a reason is required");
		at(v, "exempt[%u].until", i);
		if (!ret && e->until)
			ret = check_until(v, e);
		at(v, "exempt[%u]", i);
		e->line = line_of(v);
	}
	return ret;
}

int policy_verify(struct policy *policy, const struct marks *marks,
		  struct fault *f)
{
	struct verify v = { .p = policy, .marks = marks, .f = f };
	u64 rules = 1ULL + policy->n_hooks + policy->n_graphs +
		    policy->n_programs + policy->n_together + policy->n_exempt;
	int ret = 0;

	at(&v, "version");
	if (policy->version != 1)
		ret = verify_refuse(&v,
				    "version %u; this bpfwd knows version 1",
				    policy->version);
	at(&v, "name");
	ret = ret ? ret : verify_check_name(&v, "name", policy->name);
	at(&v, "defaults");
	policy->defaults_line = line_of(&v);
	if (!ret && policy->defaults) {
		ret = check_time(&v, "max_stop", &policy->defaults->max_stop);
		ret = ret ? ret :
			    check_time(&v, "budget", &policy->defaults->budget);
	}
	at(&v, "name");
	if (!ret && rules > BPF_POLICY_MAX_RULES)
		ret = verify_refuse(&v, "%llu rules, %d are allowed",
				    (unsigned long long)rules,
				    BPF_POLICY_MAX_RULES);
	ret = ret ? ret : verify_hooks(&v);
	ret = ret ? ret : verify_graphs(&v);
	ret = ret ? ret : verify_programs(&v);
	ret = ret ? ret : verify_together(&v);
	return ret ? ret : verify_exempt(&v);
}
