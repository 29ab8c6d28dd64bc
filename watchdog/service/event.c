// SPDX-License-Identifier: GPL-2.0
/* One event of the watchdog, as the kernel's trace ring prints it:
 *
 *	     cat-611   [001]    81.234567: terminate: prog_id=42 name=spin ...
 *	CPU:1 [LOST 12 EVENTS]
 *
 * The command comes first and may hold anything, but it has at most 16
 * characters: too few to look like the rest of such a line.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/event.h"

static const struct {
	const char *name, *word;
} kinds[] = {
	[EV_TERMINATED] = { "terminated", "KILLED" },
	[EV_WARNED] = { "warned", "WARNED" },
	[EV_OVERRUN] = { "overrun", "OVERRUN" },
	[EV_LATE] = { "late", "LATE" },
	[EV_STUCK] = { "stuck", "STUCK" },
	[EV_VIOLATION] = { "violation", "VIOLATION" },
	[EV_QUARANTINED] = { "quarantined", "QUARANTINED" },
	[EV_RELEASED] = { "released", "RELEASED" },
	[EV_DENIED] = { "attach_denied", "DENIED" },
	[EV_WOULD_DENY] = { "attach_would_deny", "WOULD-DENY" },
	[EV_DETACHED] = { "detached", "DETACHED" },
	[EV_THROTTLED] = { "throttled", "THROTTLED" },
	[EV_OVER_SHARE] = { "over_share", "OVER-SHARE" },
	[EV_LOST] = { "lost", "LOST" },
};

const char *event_kind_name(enum event_kind kind)
{
	return kinds[kind].name;
}

const char *event_kind_word(enum event_kind kind)
{
	return kinds[kind].word;
}

/* The value of `key=` in a list of `key=value`, up to the next blank. */
static bool field(const char *fields, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);

	for (const char *p = fields; *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (strncmp(p, key, len) || p[len] != '=')
			continue;
		p += len + 1;
		snprintf(buf, size, "%.*s", (int)strcspn(p, " "), p);
		return true;
	}
	return false;
}

static u64 field_num(const char *fields, const char *key, int base)
{
	char buf[32];

	return field(fields, key, buf, sizeof(buf)) ?
		       strtoull(buf, NULL, base) :
		       0;
}

/* Numbers that an older or newer kernel may print for words. */
static const struct {
	const char *number, *word;
} reasons[] = { { "1", "request" }, { "2", "quarantine" }, { "16", "budget" } };

static void read_reason(const char *fields, struct event *e)
{
	field(fields, "reason", e->reason, sizeof(e->reason));
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (!strcmp(e->reason, reasons[i].number))
			strcpy(e->reason, reasons[i].word);
}

static void read_terminate(const char *fields, struct event *e)
{
	e->kind = EV_TERMINATED;
	read_reason(fields, e);
}

static void read_late(const char *fields, struct event *e)
{
	e->kind = EV_LATE;
	read_reason(fields, e);
}

static void read_stuck(const char *fields, struct event *e)
{
	e->kind = EV_STUCK;
	read_reason(fields, e);
}

static void read_violation(const char *fields, struct event *e)
{
	e->kind = EV_VIOLATION;
	e->worst_ns = field_num(fields, "worst_ns", 10);
}

static void read_overrun(const char *fields, struct event *e)
{
	char action[16] = "";

	field(fields, "action", action, sizeof(action));
	e->kind = !strcmp(action, "warn") || !strcmp(action, "1") ? EV_WARNED :
								    EV_OVERRUN;
	strcpy(e->reason, "budget");
}

static void read_quarantine(const char *fields, struct event *e)
{
	e->kind = field_num(fields, "quarantined", 10) ? EV_QUARANTINED :
							 EV_RELEASED;
	e->terminations = field_num(fields, "terminations", 10);
}

/* What policies say, with the names of their own JSON. */
static const struct {
	const char *trace, *word;
} policy_reasons[] = {
	{ "latency", "over_latency" }, { "programs", "over_programs" },
	{ "unbounded", "unbounded" },  { "unknown", "unknown_hook" },
	{ "stop", "over_stop" },       { "share", "over_share" },
};

static void read_policy(const char *fields, struct event *e)
{
	static const enum event_kind said[] = { EV_WOULD_DENY, EV_DENIED,
						EV_DETACHED };
	/* what was done to what takes more than its share */
	static const enum event_kind done[] = {
		EV_OVER_SHARE, EV_OVER_SHARE,  EV_OVER_SHARE,
		EV_THROTTLED,  EV_QUARANTINED, EV_DETACHED,
	};
	u64 denied = field_num(fields, "denied", 10);

	field(fields, "reason", e->reason, sizeof(e->reason));
	e->by_share = !strcmp(e->reason, "share");
	if (e->by_share)
		e->kind = denied < ARRAY_SIZE(done) ? done[denied] :
						      EV_OVER_SHARE;
	else
		e->kind = denied < ARRAY_SIZE(said) ? said[denied] : EV_DENIED;
	for (size_t i = 0; i < ARRAY_SIZE(policy_reasons); i++)
		if (!strcmp(e->reason, policy_reasons[i].trace)) {
			strcpy(e->reason, policy_reasons[i].word);
			break;
		}
	field(fields, "hook", e->hook, sizeof(e->hook));
	field(fields, "rule", e->rule, sizeof(e->rule));
	field(fields, "at", e->at, sizeof(e->at));
	e->worst_ns = field_num(fields, "worst_ns", 10);
	e->there_ns = field_num(fields, "there_ns", 10);
	e->limit_ns = field_num(fields, "limit_ns", 10);
	e->terminable = field_num(fields, "terminable", 10);
}

static const struct {
	const char *name;
	void (*read)(const char *fields, struct event *e);
} tracepoints[] = {
	{ "terminate", read_terminate },   { "late", read_late },
	{ "stuck", read_stuck },	   { "overrun", read_overrun },
	{ "quarantine", read_quarantine }, { "policy_denied", read_policy },
	{ "violation", read_violation },
};

/* The kernel tells soon after, in whatever task runs then: who it was is in the event,
 * at its end, for a command may hold anything. Older kernels told at once.
 */
static void read_task(const char *fields, struct event *e)
{
	const char *comm = strstr(fields, " comm=");

	if (!comm)
		return;
	e->pid = field_num(fields, "pid", 10);
	snprintf(e->comm, sizeof(e->comm), "%s", comm + strlen(" comm="));
}

static void read_common(const char *fields, struct event *e)
{
	e->prog_id = field_num(fields, "prog_id", 10);
	field(fields, "name", e->name, sizeof(e->name));
	e->ran_ns = field_num(fields, "ran_ns", 10);
	e->budget_ns = field_num(fields, "budget_ns", 10);
	e->late_ns = field_num(fields, "late_ns", 10);
	e->stop_ns = field_num(fields, "stop_ns", 10);
	e->commits = field_num(fields, "commits", 10);
	e->ip = field_num(fields, "ip", 16);
}

enum { M_COMM = 1, M_PID, M_CPU, M_SEC, M_USEC, M_NAME, M_FIELDS, M_ALL };

struct event_parser {
	regex_t line;
};

struct event_parser *event_parser_new(void)
{
	struct event_parser *parser = calloc(1, sizeof(*parser));

	if (parser && regcomp(&parser->line,
			      "^(.{0,16})-([0-9]+) +\\[([0-9]+)\\][^:]* "
			      "([0-9]+)\\.([0-9]{6}): ([a-z_]+): (.*)$",
			      REG_EXTENDED)) {
		free(parser);
		return NULL;
	}
	return parser;
}

void event_parser_free(struct event_parser *parser)
{
	if (parser)
		regfree(&parser->line);
	free(parser);
}

static bool parse_lost(const char *line, struct event *e)
{
	unsigned long long lost = 0;

	if (sscanf(line, "CPU:%u [LOST %llu EVENTS]", &e->cpu, &lost) < 1 ||
	    !strstr(line, "[LOST "))
		return false;
	e->kind = EV_LOST;
	e->lost = lost;
	return true;
}

bool event_parse(const struct event_parser *parser, const char *line,
		 struct event *e)
{
	regmatch_t m[M_ALL];
	const char *comm;
	size_t i;

	memset(e, 0, sizeof(*e));
	if (parse_lost(line, e))
		return true;
	memset(e, 0, sizeof(*e));
	if (regexec(&parser->line, line, M_ALL, m, 0))
		return false;
	for (i = 0; i < ARRAY_SIZE(tracepoints); i++)
		if (!strncmp(line + m[M_NAME].rm_so, tracepoints[i].name,
			     m[M_NAME].rm_eo - m[M_NAME].rm_so) &&
		    !tracepoints[i].name[m[M_NAME].rm_eo - m[M_NAME].rm_so])
			break;
	if (i == ARRAY_SIZE(tracepoints))
		return false;

	comm = line + strspn(line, " ");
	snprintf(e->comm, sizeof(e->comm), "%.*s",
		 (int)(line + m[M_COMM].rm_eo - comm), comm);
	/* what the kernel prints for a command that it does not remember */
	if (!strcmp(e->comm, "<...>"))
		e->comm[0] = '\0';
	e->pid = strtoul(line + m[M_PID].rm_so, NULL, 10);
	e->cpu = strtoul(line + m[M_CPU].rm_so, NULL, 10);
	e->boot_ns = strtoull(line + m[M_SEC].rm_so, NULL, 10) * 1000000000 +
		     strtoull(line + m[M_USEC].rm_so, NULL, 10) * 1000;
	read_common(line + m[M_FIELDS].rm_so, e);
	tracepoints[i].read(line + m[M_FIELDS].rm_so, e);
	if (!event_is_policy(e))
		read_task(line + m[M_FIELDS].rm_so, e);
	return true;
}
