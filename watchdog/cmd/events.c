// SPDX-License-Identifier: GPL-2.0
/* bpfwd events: what the watchdog did, from the history that `bpfwd enable`
 * starts, and with -F what it does from now on.
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
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/ring.h"
#include "policy/report.h"
#include "policy/show.h"
#include "service/event.h"
#include "service/event_out.h"
#include "show/ctx.h"
#include "show/duration.h"

struct events {
	struct ctx *ctx;
	bool follow, denied;
	u64 since_ns, last; /* 0: all */
	u64 seq; /* of the last event, printed or not */
	struct event_parser *parser;
	struct event_out *out;
	int failed; /* stdout is gone: -errno */
};

static const struct argp_option options[] = {
	{ "follow", 'F', 0, 0, "go on with what happens from now on", 1 },
	{ "since", 'S', "DUR", 0, "from the history only the last DUR", 1 },
	{ "last", 'n', "N|denied", 0,
	  "from the history only the last N; denied: what the policy did not "
	  "admit, with the reasons, as long as the kernel remembers it",
	  1 },
	{ 0 },
};

static void events_print(struct events *ev, const struct event *e)
{
	if (!ev->failed)
		ev->failed = event_print(ev->out, e, ev->seq);
}

/* Every event has its number; `lost` takes as many as were lost. */
static void events_count(struct events *ev, const struct event *e)
{
	ev->seq += e->kind == EV_LOST ? e->lost : 1;
}

static bool events_wanted(const struct events *ev, const struct event *e,
			  u64 from_ns)
{
	return event_is_shown(ev->out, e) &&
	       (e->kind == EV_LOST || e->boot_ns >= from_ns);
}

/* Reads the history up to before_ns, prints what was asked for. */
static int print_history(struct events *ev, FILE *trace, u64 from_ns,
			 u64 before_ns)
{
	unsigned long long kept, written;
	struct event *events = NULL;
	size_t n = 0, shown = 0, skip, size = 0;
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
		if (event_parse(ev->parser, line, &events[n]))
			event_look(ev->out, &events[n++]);
	}
	free(line);
	while (n && events[n - 1].kind != EV_LOST &&
	       events[n - 1].boot_ns >= before_ns)
		n--;

	for (size_t i = 0; i < n; i++)
		shown += events_wanted(ev, &events[i], from_ns);
	skip = ev->last && shown > ev->last ? shown - ev->last : 0;
	if (overwritten) {
		struct event lost = { .kind = EV_LOST, .lost = overwritten };

		events_count(ev, &lost);
		if (!skip && !from_ns)
			events_print(ev, &lost);
	}
	for (size_t i = 0; i < n && !ev->failed; i++) {
		events_count(ev, &events[i]);
		if (!events_wanted(ev, &events[i], from_ns))
			continue;
		if (skip)
			skip--;
		else
			events_print(ev, &events[i]);
	}
	free(events);
	return 0;
}

struct following {
	struct events *ev;
	u64 from_ns;
};

static bool events_take_line(void *arg, char *line)
{
	struct following *following = arg;
	struct events *ev = following->ev;
	struct event e;

	if (event_parse(ev->parser, line, &e) &&
	    (e.kind == EV_LOST || e.boot_ns >= following->from_ns)) {
		events_count(ev, &e);
		event_look(ev->out, &e);
		if (events_wanted(ev, &e, following->from_ns))
			events_print(ev, &e);
	}
	return !ev->failed;
}

static void events_follow(struct events *ev, struct ring *ring, u64 from_ns)
{
	struct pollfd fds[] = { { .fd = ring_fd(ring), .events = POLLIN },
				{ .fd = STDOUT_FILENO } };
	struct following following = { ev, from_ns };
	sigset_t blocked, open;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	/* a signal is seen in ppoll() only, so none is missed before it */
	sigprocmask(SIG_BLOCK, &blocked, &open);
	while (!stopped && !ev->failed) {
		struct timespec wait = { .tv_sec = 1 };

		event_watch(ev->out);
		if (ppoll(fds, ARRAY_SIZE(fds), &wait, &open) < 0)
			continue;
		/* the reader of our pipe has gone */
		if (fds[1].revents & (POLLERR | POLLHUP))
			break;
		ring_read(ring, events_take_line, &following);
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
}

static int no_history(struct fault *f)
{
	fault_set(f, EXIT_FAILED, ENOENT, "there is no history of events");
	fault_why(f, "it is recorded from `bpfwd enable` on");
	return fault_hint(f, "bpfwd enable, or bpfwd events -F for what comes");
}

static int events_run(struct events *ev)
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
	now = clock_ns(CLOCK_BOOTTIME);
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
		events_follow(ev, ring, err ? 0 : now);
	ring_close(ring);
	/* who reads us may stop at any time: no failure */
	if (ev->failed == -EPIPE)
		clearerr(stdout);
	else if (ev->failed)
		return fault_set(f, EXIT_FAILED, ev->failed,
				 "cannot write the events");
	return EXIT_OK;
}

static error_t events_parse(int key, char *arg, struct argp_state *state)
{
	struct events *ev = state->input;
	struct fault *f = &ev->ctx->fault;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = ev->ctx;
		return 0;
	case 'F':
		ev->follow = true;
		return 0;
	case 'S':
		if (!f->exit)
			duration_option(f, "since", "1h", arg, &ev->since_ns);
		return 0;
	case 'n':
		if (!strcmp(arg, "denied")) {
			ev->denied = true;
			return 0;
		}
		if (!f->exit)
			count_option(f, "events", arg, &ev->last);
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
		.parser = events_parse,
		.doc = "What the watchdog did.\v"
		       "The history is what the trace ring holds that `bpfwd "
		       "enable` starts; -F follows with a ring of its own. JSON "
		       "is one object per line; the numbers in `seq` have no "
		       "gap, `lost` takes as many as were lost.\n"
		       "Examples:\n"
		       "  bpfwd events -F\n"
		       "  bpfwd events --since 1h -j\n"
		       "  bpfwd events --last denied",
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
	if (ev.denied)
		return denials_print(ctx, ev.last ? ev.last : UINT32_MAX);
	ev.parser = event_parser_new();
	ev.out = event_out_new(ctx);
	ret = ev.parser && ev.out ?
		      events_run(&ev) :
		      fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no memory");
	event_parser_free(ev.parser);
	event_out_free(ev.out);
	return ret;
}
