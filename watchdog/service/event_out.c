// SPDX-License-Identifier: GPL-2.0
/* Events as text, CSV and JSON Lines, with what the kernel's event does not say:
 * the program's hook, the source line, the date.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "policy/show.h"
#include "progs/btfs.h"
#include "progs/prog.h"
#include "service/event_out.h"
#include "service/event_where.h"
#include "show/duration.h"

#define SCHEMA "bpfwd.event/1"

struct event_out {
	const struct ctx *ctx;
	u64 boot_to_real_ns;
	struct event_where *where;
	struct btfs *btfs;
	bool head_printed;
};

struct event_out *event_out_new(const struct ctx *ctx)
{
	struct event_out *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->ctx = ctx;
	out->boot_to_real_ns = clock_boot_to_real();
	out->btfs = btfs_new();
	out->where = event_where_new();
	if (out->btfs && out->where)
		return out;
	event_out_free(out);
	return NULL;
}

void event_out_free(struct event_out *out)
{
	if (!out)
		return;
	event_where_free(out->where);
	btfs_free(out->btfs);
	free(out);
}

void event_look(struct event_out *out, struct event *e)
{
	event_where_fill(out->where, e);
}

void event_watch(struct event_out *out)
{
	event_where_watch(out->where);
}

static const char *full_name(const struct event *e, const struct prog *p)
{
	return p && !strncmp(p->name, e->name, strlen(e->name)) ? p->name :
								  e->name;
}

static json_t *json_prog(const struct event *e, const struct prog *p)
{
	json_t *prog = json_pack("{s:i, s:s}", "id", e->prog_id, "name",
				 full_name(e, p));

	if (p) {
		json_object_set_new(prog, "tag", json_string(p->tag));
		json_object_set_new(prog, "type", json_string(p->type));
	}
	if (e->hook[0])
		json_object_set_new(prog, "hook", json_string(e->hook));
	if (e->where[0])
		json_object_set_new(prog, "hooks", json_string(e->where));
	if (e->target_id)
		json_object_set_new(prog, "extends",
				    json_pack("{s:i, s:s}", "id", e->target_id,
					      "name", e->target));
	return prog;
}

static void json_policy(json_t *doc, const struct event *e)
{
	char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN];

	rule_names(e->rule, policy, rule);
	json_object_set_new(doc, "policy", json_string(policy));
	json_object_set_new(doc, "rule", json_string(rule));
	json_object_set_new(doc, "rule_at", json_string(e->at));
	denial_numbers(doc, rule_reason_find(e->reason), e->worst_ns,
		       e->there_ns, e->limit_ns);
}

/* Keys of an event by its kind: absent means unknown, never 0. */
static void json_details(json_t *doc, const struct event *e)
{
	bool ended = e->kind == EV_TERMINATED,
	     ending = ended || e->kind == EV_LATE || e->kind == EV_STUCK;
	const struct {
		const char *key;
		u64 value;
		bool known;
	} numbers[] = {
		{ "ran_ns", e->ran_ns, e->ran_ns },
		{ "budget_ns", e->budget_ns, e->budget_ns },
		{ "worst_ns", e->worst_ns, e->kind == EV_VIOLATION },
		{ "late_ns", e->late_ns, !strcmp(e->reason, "budget") },
		{ "stop_ns", e->stop_ns, ended },
		{ "commits", e->commits, ending },
		{ "terminations", e->terminations,
		  e->kind == EV_QUARANTINED || e->kind == EV_RELEASED },
	};

	if (e->reason[0])
		json_object_set_new(doc, "reason", json_string(e->reason));
	if (event_is_policy(e)) {
		json_policy(doc, e);
		return;
	}
	if (e->reason[0])
		json_object_set_new(doc, "action",
				    json_string(e->kind == EV_WARNED ? "warn" :
								       "end"));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].known)
			json_object_set_new(doc, numbers[i].key,
					    json_integer(numbers[i].value));
}

static int event_print_json(struct event_out *out, const struct event *e,
			    u64 seq)
{
	json_t *doc = json_pack("{s:s, s:s, s:I}", "schema", SCHEMA, "event",
				event_kind_name(e->kind), "seq",
				(json_int_t)seq);
	const struct prog *p;
	struct source src;
	char ts[UTC_LEN];

	json_object_set_new(doc, "cpu", json_integer(e->cpu));
	if (e->kind == EV_LOST) {
		if (e->lost)
			json_object_set_new(doc, "lost", json_integer(e->lost));
		return out_json(&out->ctx->out, doc);
	}
	utc(e->boot_ns + out->boot_to_real_ns, ts);
	json_object_set_new(doc, "ts", json_string(ts));
	json_object_set_new(doc, "mono_ns", json_integer(e->boot_ns));
	json_details(doc, e);
	p = event_where_prog(out->where, e->prog_id);
	json_object_set_new(doc, "prog", json_prog(e, p));
	json_object_set_new(doc, "task", json_pack("{s:i}", "pid", e->pid));
	if (e->comm[0])
		/* a command that is no UTF-8 leaves the key out */
		json_object_set_new(json_object_get(doc, "task"), "comm",
				    json_string(e->comm));
	if (source_find(out->btfs, e->prog_id, e->ip, &src))
		json_object_set_new(doc, "at",
				    json_pack("{s:s, s:i, s:s*}", "file",
					      src.file, "line", src.line,
					      "text", src.text));
	return out_json(&out->ctx->out, doc);
}

/* No control character of a command or a device reaches the terminal. */
static void put_safe(FILE *f, const char *s)
{
	for (; *s; s++)
		putc((unsigned char)*s < ' ' || *s == 127 ? '?' : *s, f);
}

static void put_policy(FILE *f, const struct event *e)
{
	struct attachment a = { .cost_ns = e->worst_ns,
				.there_ns = e->there_ns,
				.limit_ns = e->limit_ns,
				.terminable = e->terminable,
				.reason = rule_reason_find(e->reason) };
	char why[200];

	decision_why(&a, why, sizeof(why));
	fprintf(f, ": %s (", why);
	put_safe(f, e->rule);
	fputs(", ", f);
	put_safe(f, e->at);
	putc(')', f);
}

static void put_cost(FILE *f, const struct event *e)
{
	char ran[DURATION_LEN], budget[DURATION_LEN], stop[DURATION_LEN],
		worst[DURATION_LEN];

	if (event_is_policy(e)) {
		put_policy(f, e);
		return;
	}
	if (e->kind == EV_QUARANTINED || e->kind == EV_RELEASED) {
		fprintf(f, " after %llu kills",
			(unsigned long long)e->terminations);
		return;
	}
	fprintf(f, " ran %s", duration(e->ran_ns, ran));
	if (!strcmp(e->reason, "budget"))
		fprintf(f, " > %s", duration_set(e->budget_ns, budget));
	if (e->kind == EV_VIOLATION)
		fprintf(f, " > %s, its estimate", duration(e->worst_ns, worst));
	if (e->kind == EV_LATE)
		fputs(", returned by itself before it was ended", f);
	if (e->kind == EV_STUCK)
		fputs(", does not stop", f);
	if (e->kind == EV_TERMINATED)
		fprintf(f, ", ended%s%s in %s",
			strcmp(e->reason, "budget") ? " by " : "",
			strcmp(e->reason, "budget") ? e->reason : "",
			duration(e->stop_ns, stop));
}

void event_more(struct event_out *out, const struct event *e,
		struct event_more *more)
{
	const struct prog *p = event_where_prog(out->where, e->prog_id);

	more->name = full_name(e, p);
	more->hook = e->where[0] ? e->where : NULL;
	more->has_source =
		(e->kind == EV_TERMINATED || e->kind == EV_STUCK) &&
		source_find(out->btfs, e->prog_id, e->ip, &more->source);
}

void event_text(FILE *f, const struct event *e, const struct event_more *more,
		bool color)
{
	fprintf(f, "%s%s%s %u ", color ? "\033[1m" : "",
		event_kind_word(e->kind), color ? "\033[0m" : "", e->prog_id);
	put_safe(f, more->name);
	putc(' ', f);
	put_safe(f, more->hook ? more->hook : "-");
	fprintf(f, " cpu%u ", e->cpu);
	put_safe(f, e->comm[0] ? e->comm : "-");
	fprintf(f, "[%u]", e->pid);
	put_cost(f, e);
}

bool event_is_shown(const struct event_out *out, const struct event *e)
{
	/* in words, the termination that follows says it again */
	return e->kind != EV_OVERRUN || out->ctx->verbose ||
	       out->ctx->out.format != OUT_TABLE;
}

static int event_print_text(struct event_out *out, const struct event *e)
{
	u64 real = e->boot_ns + out->boot_to_real_ns;
	time_t secs = real / 1000000000;
	struct event_more more;
	char clock[16];
	struct tm tm;

	if (e->kind == EV_LOST) {
		if (e->lost)
			printf("%-12s LOST %llu events\n", "",
			       (unsigned long long)e->lost);
		else
			printf("%-12s LOST events\n", "");
		return fflush(stdout) ? -errno : 0;
	}
	event_more(out, e, &more);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&secs, &tm));
	printf("%s.%03u ", clock, (unsigned int)(real % 1000000000 / 1000000));
	event_text(stdout, e, &more, out->ctx->out.color);
	putchar('\n');
	if (more.has_source)
		printf("%-12s %s:%u  %s\n", "", more.source.file,
		       more.source.line,
		       more.source.text ? more.source.text : "");
	return fflush(stdout) ? -errno : 0;
}

static const char csv_head[] =
	"seq,event,mono_ns,cpu,pid,prog_id,name,reason,ran_ns,budget_ns,"
	"late_ns,stop_ns,lost";

static int event_print_csv(struct event_out *out, const struct event *e,
			   u64 seq)
{
	if (!out->head_printed)
		puts(csv_head);
	out->head_printed = true;
	printf("%llu,%s,%llu,%u,%u,%u,%s,%s,%llu,%llu,%llu,%llu,%llu\n",
	       (unsigned long long)seq, event_kind_name(e->kind),
	       (unsigned long long)e->boot_ns, e->cpu, e->pid, e->prog_id,
	       e->name, e->reason, (unsigned long long)e->ran_ns,
	       (unsigned long long)e->budget_ns, (unsigned long long)e->late_ns,
	       (unsigned long long)e->stop_ns, (unsigned long long)e->lost);
	return fflush(stdout) ? -errno : 0;
}

int event_print(struct event_out *out, const struct event *e, u64 seq)
{
	const struct ctx *ctx = out->ctx;

	if (ctx->out.format == OUT_CSV)
		return event_print_csv(out, e, seq);
	if (out_is_json(&ctx->out))
		return event_print_json(out, e, seq);
	return event_print_text(out, e);
}
