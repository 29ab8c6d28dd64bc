// SPDX-License-Identifier: GPL-2.0
/* bpfwd events: what the watchdog did, from the history that `bpfwd enable`
 * starts, and with -f what it does from now on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "btfs.h"
#include "event.h"
#include "kwd.h"
#include "main.h"
#include "prog.h"
#include "ring.h"
#include "source.h"

#define SCHEMA "bpfwd.event/1"

struct events {
	struct ctx *ctx;
	bool follow;
	u64 since_ns, last; /* 0: all */
	u64 seq; /* of the last event, printed or not */
	u64 boot_to_real_ns;
	struct progs *progs; /* for what the kernel does not tell, cached */
	u32 progs_up_to; /* ids only grow: what is not cached below is gone */
	struct btfs *btfs;
	bool failed; /* stdout is gone */
};

static const struct argp_option options[] = {
	{ "follow", 'f', 0, 0, "go on with what happens from now on", 1 },
	{ "since", 's', "DUR", 0, "from the history only the last DUR", 1 },
	{ "last", 'n', "N", 0, "from the history only the last N", 1 },
	{ 0 },
};

static u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The program as it is now, if it is still there. */
static const struct prog *find_prog(struct events *ev, u32 id)
{
	const struct prog *p = progs_find(ev->progs, id);
	struct fault ignored = {};

	if (p || id <= ev->progs_up_to)
		return p;
	ev->progs_up_to = id;
	progs_free(ev->progs);
	ev->progs = NULL;
	if (progs_load(&ev->progs, NULL, PROGS_HOOKS, &ignored))
		return NULL;
	return progs_find(ev->progs, id);
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

	if (!p)
		return prog;
	json_object_set_new(prog, "tag", json_string(p->tag));
	json_object_set_new(prog, "type", json_string(p->type));
	if (p->hooks[0])
		json_object_set_new(prog, "hook", json_string(p->hooks[0]));
	return prog;
}

static void timestamp(const struct events *ev, u64 boot_ns, char *buf,
		      size_t size)
{
	u64 real = boot_ns + ev->boot_to_real_ns;
	time_t secs = real / 1000000000;
	char day[32];
	struct tm tm;

	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&secs, &tm));
	snprintf(buf, size, "%s.%06lluZ", day,
		 (unsigned long long)(real % 1000000000 / 1000));
}

/* Keys of an event by its kind: absent means unknown, never 0. */
static void json_details(json_t *doc, const struct event *e)
{
	bool ended = e->kind == EV_TERMINATED;
	const struct {
		const char *key;
		u64 value;
		bool known;
	} numbers[] = {
		{ "ran_ns", e->ran_ns, e->ran_ns },
		{ "budget_ns", e->budget_ns, e->budget_ns },
		{ "late_ns", e->late_ns, !strcmp(e->reason, "budget") },
		{ "stop_ns", e->stop_ns, ended },
		{ "commits", e->commits, ended },
		{ "terminations", e->terminations,
		  e->kind == EV_QUARANTINED || e->kind == EV_RELEASED },
	};

	if (e->reason[0])
		json_object_set_new(doc, "reason", json_string(e->reason));
	if (e->reason[0])
		json_object_set_new(doc, "action",
				    json_string(e->kind == EV_WARNED ? "warn" :
								       "end"));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].known)
			json_object_set_new(doc, numbers[i].key,
					    json_integer(numbers[i].value));
}

static int print_json(struct events *ev, const struct event *e)
{
	json_t *doc = json_pack("{s:s, s:s, s:I}", "schema", SCHEMA, "event",
				event_kind_name(e->kind), "seq",
				(json_int_t)ev->seq);
	const struct prog *p;
	struct source src;
	char ts[64];

	json_object_set_new(doc, "cpu", json_integer(e->cpu));
	if (e->kind == EV_LOST) {
		if (e->lost)
			json_object_set_new(doc, "lost", json_integer(e->lost));
		return out_json(&ev->ctx->out, doc);
	}
	timestamp(ev, e->boot_ns, ts, sizeof(ts));
	json_object_set_new(doc, "ts", json_string(ts));
	json_object_set_new(doc, "mono_ns", json_integer(e->boot_ns));
	json_details(doc, e);
	p = find_prog(ev, e->prog_id);
	json_object_set_new(doc, "prog", json_prog(e, p));
	json_object_set_new(doc, "task", json_pack("{s:i}", "pid", e->pid));
	if (e->comm[0])
		/* a command that is no UTF-8 leaves the key out */
		json_object_set_new(json_object_get(doc, "task"), "comm",
				    json_string(e->comm));
	if (source_find(ev->btfs, e->prog_id, e->ip, &src))
		json_object_set_new(doc, "at",
				    json_pack("{s:s, s:i, s:s*}", "file",
					      src.file, "line", src.line,
					      "text", src.text));
	return out_json(&ev->ctx->out, doc);
}

static void print_cost(const struct event *e)
{
	char ran[DURATION_LEN], budget[DURATION_LEN], stop[DURATION_LEN];

	if (e->kind == EV_QUARANTINED || e->kind == EV_RELEASED) {
		printf(" after %llu kills",
		       (unsigned long long)e->terminations);
		return;
	}
	printf(" ran %s", duration(e->ran_ns, ran));
	if (!strcmp(e->reason, "budget"))
		printf(" > %s", duration_set(e->budget_ns, budget));
	if (e->kind == EV_TERMINATED)
		printf(", ended%s%s in %s",
		       strcmp(e->reason, "budget") ? " by " : "",
		       strcmp(e->reason, "budget") ? e->reason : "",
		       duration(e->stop_ns, stop));
}

/* No control character of a command reaches the terminal. */
static void print_safe(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
}

static int print_text(struct events *ev, const struct event *e)
{
	u64 real = e->boot_ns + ev->boot_to_real_ns;
	time_t secs = real / 1000000000;
	const struct prog *p;
	struct source src;
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
	/* the termination that follows says it again */
	if (e->kind == EV_OVERRUN && !ev->ctx->verbose)
		return 0;
	p = find_prog(ev, e->prog_id);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&secs, &tm));
	printf("%s.%03u %s%s%s %u %s %s cpu%u ", clock,
	       (unsigned int)(real % 1000000000 / 1000000),
	       ev->ctx->out.color ? "\033[1m" : "", event_kind_word(e->kind),
	       ev->ctx->out.color ? "\033[0m" : "", e->prog_id, full_name(e, p),
	       p && p->hooks[0] ? p->hooks[0] : "-", e->cpu);
	print_safe(e->comm[0] ? e->comm : "-");
	printf("[%u]", e->pid);
	print_cost(e);
	putchar('\n');
	if (e->kind == EV_TERMINATED &&
	    source_find(ev->btfs, e->prog_id, e->ip, &src))
		printf("%-12s %s:%u  %s\n", "", src.file, src.line,
		       src.text ? src.text : "");
	return fflush(stdout) ? -errno : 0;
}

static void print_csv(const struct event *e, u64 seq)
{
	printf("%llu,%s,%llu,%u,%u,%u,%s,%s,%llu,%llu,%llu,%llu,%llu\n",
	       (unsigned long long)seq, event_kind_name(e->kind),
	       (unsigned long long)e->boot_ns, e->cpu, e->pid, e->prog_id,
	       e->name, e->reason, (unsigned long long)e->ran_ns,
	       (unsigned long long)e->budget_ns, (unsigned long long)e->late_ns,
	       (unsigned long long)e->stop_ns, (unsigned long long)e->lost);
}

static const char csv_head[] =
	"seq,event,mono_ns,cpu,pid,prog_id,name,reason,ran_ns,budget_ns,"
	"late_ns,stop_ns,lost";

static void print(struct events *ev, const struct event *e)
{
	int err;

	if (ev->ctx->out.format == OUT_CSV) {
		print_csv(e, ev->seq);
		err = fflush(stdout) ? -errno : 0;
	} else if (out_is_json(&ev->ctx->out)) {
		err = print_json(ev, e);
	} else {
		err = print_text(ev, e);
	}
	if (err)
		ev->failed = true;
}

/* Every event has its number; `lost` takes as many as were lost. */
static void count(struct events *ev, const struct event *e)
{
	ev->seq += e->kind == EV_LOST ? e->lost : 1;
}

/* Reads the history up to before_ns, prints what was asked for. */
static int print_history(struct events *ev, FILE *trace, u64 from_ns,
			 u64 before_ns)
{
	unsigned long long kept, written;
	struct event *events = NULL;
	size_t n = 0, skip, size = 0;
	char *line = NULL;
	u64 overwritten = 0;

	while (getline(&line, &size, trace) > 0) {
		struct event *all;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line,
			   "# entries-in-buffer/entries-written: %llu/%llu",
			   &kept, &written) == 2)
			overwritten = written - kept;
		all = reallocarray(events, n + 1, sizeof(*events));
		if (!all)
			break;
		events = all;
		n += event_parse(line, &events[n]);
	}
	free(line);
	while (n && events[n - 1].kind != EV_LOST &&
	       events[n - 1].boot_ns >= before_ns)
		n--;

	skip = ev->last && n > ev->last ? n - ev->last : 0;
	if (overwritten) {
		struct event lost = { .kind = EV_LOST, .lost = overwritten };

		count(ev, &lost);
		if (!skip && !from_ns)
			print(ev, &lost);
	}
	for (size_t i = 0; i < n && !ev->failed; i++) {
		count(ev, &events[i]);
		if (i >= skip &&
		    (events[i].kind == EV_LOST || events[i].boot_ns >= from_ns))
			print(ev, &events[i]);
	}
	free(events);
	return 0;
}

/* Takes whole lines out of buf; returns how much is left in it. */
static size_t take_lines(struct events *ev, char *buf, size_t len, u64 from_ns)
{
	char *line = buf, *end;

	while ((end = memchr(line, '\n', buf + len - line)) && !ev->failed) {
		struct event e;

		*end = '\0';
		if (event_parse(line, &e) &&
		    (e.kind == EV_LOST || e.boot_ns >= from_ns)) {
			count(ev, &e);
			print(ev, &e);
		}
		line = end + 1;
	}
	memmove(buf, line, buf + len - line);
	return buf + len - line;
}

static void follow(struct events *ev, struct ring *ring, u64 from_ns)
{
	struct pollfd fds[] = { { .fd = ring_fd(ring), .events = POLLIN },
				{ .fd = STDOUT_FILENO } };
	char buf[16384];
	size_t len = 0;
	sigset_t blocked, open;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	/* a signal is seen in ppoll() only, so none is missed before it */
	sigprocmask(SIG_BLOCK, &blocked, &open);
	while (!stopped && !ev->failed) {
		ssize_t n;

		if (ppoll(fds, ARRAY_SIZE(fds), NULL, &open) < 0)
			continue;
		/* the reader of our pipe has gone */
		if (fds[1].revents & (POLLERR | POLLHUP))
			break;
		n = read(fds[0].fd, buf + len, sizeof(buf) - len);
		if (n > 0)
			len = take_lines(ev, buf, len + n, from_ns);
		/* a line that fills the buffer is none of the watchdog's */
		if (len == sizeof(buf))
			len = 0;
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
}

static int ring_fault(struct fault *f, int err)
{
	bool denied = err == -EACCES || err == -EPERM;

	fault_set(f, denied || err == -ENODEV ? EXIT_LACKS : EXIT_FAILED, err,
		  "cannot use a trace ring");
	if (denied) {
		fault_why(f, "tracefs is closed to this user");
		return fault_hint(f, "run it as root");
	}
	if (err == -ENODEV)
		fault_why(f, "tracefs is neither mounted nor can be");
	return fault_hint(f, "bpfwd doctor");
}

static int no_history(struct fault *f)
{
	fault_set(f, EXIT_FAILED, ENOENT, "there is no history of events");
	fault_why(f, "it is recorded from `bpfwd enable` on");
	return fault_hint(f, "bpfwd enable, or bpfwd events -f for what comes");
}

static int run(struct events *ev)
{
	struct fault *f = &ev->ctx->fault;
	struct kwd_state state;
	struct ring *ring = NULL;
	FILE *trace = NULL;
	u64 now, from_ns = 0;
	int err;

	if (kwd_state_read(&state) == -ENOSYS)
		return kwd_missing(f, "no events");
	stop_on_signals();
	if (ev->follow) {
		err = ring_follow(&ring);
		if (err)
			return ring_fault(f, err);
	}
	/* from here on our ring has it, before that the history */
	now = now_ns(CLOCK_BOOTTIME);
	ev->boot_to_real_ns = now_ns(CLOCK_REALTIME) - now;
	if (ev->ctx->out.format == OUT_CSV)
		puts(csv_head);
	err = ring_history_open(&trace);
	if (!err) {
		if (ev->since_ns)
			from_ns = now > ev->since_ns ? now - ev->since_ns : 1;
		else if (ev->follow && !ev->last)
			from_ns = now;
		print_history(ev, trace, from_ns,
			      ev->follow ? now : UINT64_MAX);
		fclose(trace);
	} else if (!ev->follow) {
		return err == -ENOENT ? no_history(f) : ring_fault(f, err);
	}
	if (ring)
		follow(ev, ring, err ? 0 : now);
	ring_close(ring);
	/* who reads us may stop at any time: no failure */
	if (ev->failed)
		clearerr(stdout);
	return EXIT_OK;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct events *ev = state->input;
	struct fault *f = &ev->ctx->fault;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = ev->ctx;
		return 0;
	case 'f':
		ev->follow = true;
		return 0;
	case 's':
		if (!f->exit)
			duration_option(f, "since", arg, &ev->since_ns);
		return 0;
	case 'n':
		if (!f->exit &&
		    (number_parse(arg, UINT32_MAX, &ev->last) || !ev->last))
			fault_set(f, EXIT_USAGE, EINVAL,
				  "bad number of events '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no argument, got '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int cmd_events(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What the watchdog did.\v"
		       "The history is what the trace ring holds that `bpfwd "
		       "enable` starts; -f follows with a ring of its own. JSON "
		       "is one object per line; the numbers in `seq` have no "
		       "gap, `lost` takes as many as were lost.\n"
		       "Examples:\n"
		       "  bpfwd events -f\n"
		       "  bpfwd events --since 1h -j",
		.children = common_options,
	};
	struct events ev = { .ctx = ctx };
	int ret;

	parse_command(&argp, argc, argv, &ev);
	/* a stream has no end that could close an array */
	if (ctx->out.format == OUT_JSON)
		ctx->out.format = OUT_JSONL;
	if (ctx->fault.exit)
		return ctx->fault.exit;
	ev.btfs = btfs_new();
	ret = run(&ev);
	progs_free(ev.progs);
	btfs_free(ev.btfs);
	return ret;
}
