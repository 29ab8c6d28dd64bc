// SPDX-License-Identifier: GPL-2.0
/* bpfwd serve: what happens goes to the log, what is counted to who asks by HTTP.
 * One thread: the trace ring, the HTTP server, signals and a clock. It enforces
 * nothing; the kernel goes on without it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/ring.h"
#include "callgraph/callgraph.h"
#include "policy/policy.h"
#include "progs/view.h"
#include "service/event_out.h"
#include "service/http.h"
#include "service/journal.h"
#include "service/metrics.h"
#include "service/notify.h"
#include "service/serve_policy.h"
#include "show/ctx.h"
#include "show/duration.h"

/* Not in the registry of exporters' ports, and below the ephemeral ones. */
#define LISTEN "127.0.0.1:19612"
#define HEALTH_SCHEMA "bpfwd.health/1"
#define TICK_NS 10000000000ULL
/* What is logged at most, the rest is counted. */
#define LOG_EVENTS 50
#define LOG_NS 10000000000ULL
/* Names and sources of programs that are gone are let go at times. */
#define FORGET_EVENTS 1000

struct serve {
	struct ctx *ctx;
	const char *listen;
	struct serve_policy kernel_policy;
	struct serve_files files;
	struct event_parser *parser;
	struct event_out *out;
	struct ring *ring;
	struct http *http;
	struct journal *journal;
	struct metrics_events counts;
	u64 described, log_since_ns;
	u32 logged, not_logged;
	bool on;
	bool no_stats; /* do not have runs counted */
	int stats; /* what keeps run statistics on, or -1 */
};

enum { KEY_POLICY = 0x100, KEY_NO_STATS };

static const struct argp_option options[] = {
	{ "listen", 'l', "ADDRESS:PORT", 0,
	  "numbers, or none; " LISTEN " if not given", 1 },
	{ "policy", KEY_POLICY, "FILE|FOLDER", 0,
	  "load these policies first, none: do not; " POLICY_DIR
	  " if not given",
	  1 },
	{ "no-stats", KEY_NO_STATS, NULL, 0,
	  "leave run statistics as they are: no runs are counted, and none "
	  "pays for it",
	  1 },
	{ 0 },
};

static void serve_say(struct serve *s, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void serve_say(struct serve *s, int priority, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->ctx->quiet && priority > LOG_WARNING)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	journal_begin(s->journal, priority, text);
	journal_send(s->journal);
}

/* ---- Events ---- */

static int priority(const struct event *e)
{
	return e->kind == EV_TERMINATED || e->kind == EV_WARNED ||
			       e->kind == EV_STUCK || e->kind == EV_VIOLATION ||
			       e->kind == EV_QUARANTINED ||
			       e->kind == EV_LOST || event_is_policy(e) ?
		       LOG_WARNING :
		       LOG_NOTICE;
}

static void fields(struct journal *j, const struct event *e,
		   const struct event_more *more)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "MESSAGE_ID", JOURNAL_EVENT_ID },
		{ "EVENT", event_kind_name(e->kind) },
		{ "PROG_NAME", more->name },
		{ "PROG_HOOK", more->hook },
		{ "REASON", e->reason },
		{ "TASK_COMM", e->comm },
		{ "POLICY_RULE", e->rule },
		{ "SOURCE_FILE", more->has_source ? more->source.file : NULL },
		{ "SOURCE_TEXT", more->has_source ? more->source.text : NULL },
	};
	const struct {
		const char *name;
		u64 value;
		bool known;
	} numbers[] = {
		{ "PROG_ID", e->prog_id, true },
		{ "CPU", e->cpu, true },
		{ "TASK_PID", e->pid, true },
		{ "BOOT_NS", e->boot_ns, true },
		{ "RAN_NS", e->ran_ns, e->ran_ns },
		{ "BUDGET_NS", e->budget_ns, e->budget_ns },
		{ "LATE_NS", e->late_ns, !strcmp(e->reason, "budget") },
		{ "STOP_NS", e->stop_ns, e->kind == EV_TERMINATED },
		{ "SOURCE_LINE", more->source.line, more->has_source },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].value && texts[i].value[0])
			journal_field(j, texts[i].name, texts[i].value);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].known)
			journal_number(j, numbers[i].name, numbers[i].value);
}

static void forget(struct serve *s)
{
	struct event_out *out = event_out_new(s->ctx);

	if (!out)
		return;
	event_out_free(s->out);
	s->out = out;
	s->described = 0;
}

static void log_event(struct serve *s, const struct event *e)
{
	struct event_more more = {};
	char *text = NULL;
	size_t len;
	FILE *f;

	if (++s->described > FORGET_EVENTS)
		forget(s);
	f = open_memstream(&text, &len);
	if (!f)
		return;
	event_more(s->out, e, &more);
	event_text(f, e, &more, false);
	if (more.has_source)
		fprintf(f, " at %s:%u", more.source.file, more.source.line);
	if (!fclose(f)) {
		journal_begin(s->journal, priority(e), text);
		fields(s->journal, e, &more);
		journal_send(s->journal);
	}
	free(text);
}

static void log_suppressed(struct serve *s)
{
	u64 now = clock_ns(CLOCK_MONOTONIC);

	if (now - s->log_since_ns < LOG_NS)
		return;
	if (s->not_logged)
		serve_say(s, LOG_WARNING,
			  "%u more events were counted, not logged",
			  s->not_logged);
	s->log_since_ns = now;
	s->logged = s->not_logged = 0;
}

static bool serve_take_line(void *arg, char *line)
{
	struct serve *s = arg;
	struct event e;

	if (!event_parse(s->parser, line, &e))
		return true;
	metrics_count(&s->counts, &e);
	event_look(s->out, &e);
	/* the termination that follows says it again */
	if (e.kind == EV_OVERRUN && !s->ctx->verbose)
		return true;
	log_suppressed(s);
	if (s->logged >= LOG_EVENTS) {
		s->not_logged++;
		return true;
	}
	s->logged++;
	if (e.kind == EV_LOST)
		serve_say(s, LOG_WARNING, "the trace ring lost %llu events",
			  (unsigned long long)e.lost);
	else
		log_event(s, &e);
	return true;
}

/* ---- Health: what the kernel says now, not what we remember ---- */

struct health {
	bool ok, enabled;
	size_t programs;
	int kernel, list; /* 0 or -errno */
	bool events;
};

static struct health look_after(const struct serve *s)
{
	struct health h = {};
	struct kwd_state state = {};
	u32 id = 0;

	h.kernel = kwd_state_read(&state);
	h.enabled = !h.kernel && state.val[KWD_ON];
	while (!(h.list = bpf_prog_get_next_id(id, &id)))
		h.programs++;
	if (h.list == -ENOENT)
		h.list = 0;
	h.events = s->ring && ring_alive(s->ring);
	/* What was there when it started must not be gone. */
	h.ok = !h.list &&
	       (s->ring ? !h.kernel && h.events : h.kernel == -ENOSYS);
	return h;
}

static const char *check_text(const struct serve *s, int err)
{
	return !err			  ? "ok" :
	       err == -ENOSYS && !s->ring ? "not in this kernel" :
					    errno_name(-err);
}

static char *serve_page_health(void *arg, bool *ok, size_t *len)
{
	const struct serve *s = arg;
	struct health h = look_after(s);
	json_t *doc = json_pack("{s:s, s:b, s:b, s:I, s:{s:s, s:s, s:s}}",
				"schema", HEALTH_SCHEMA, "ok", h.ok, "enabled",
				h.enabled, "programs", (json_int_t)h.programs,
				"checks", "sysctls", check_text(s, h.kernel),
				"programs", check_text(s, h.list), "events",
				h.kernel == -ENOSYS ? check_text(s, h.kernel) :
				h.events	    ? "ok" :
						      "the trace ring is gone");
	struct serve_policy policy = {};
	char *text;

	serve_policy_look(&policy);
	if (policy.loaded)
		json_object_set_new(doc, "policy",
				    json_pack("{s:s, s:s}", "name", policy.name,
					      "mode", policy.mode));
	/* who serves this is well: to start it again would not help */
	if (s->files.error[0])
		json_object_set_new(doc, "policy_error",
				    json_string(s->files.error));
	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	json_decref(doc);
	*ok = h.ok;
	*len = text ? strlen(text) : 0;
	return text;
}

static char *serve_page_metrics(void *arg, bool openmetrics, size_t *len)
{
	struct serve *s = arg;
	struct expo *e =
		expo_new(openmetrics ? EXPO_OPENMETRICS : EXPO_PROMETHEUS);
	struct fault f = {};
	char *text = NULL;

	if (!e)
		return NULL;
	if (!metrics_write(e, &s->counts, &f))
		text = expo_text(e, len);
	else
		serve_say(s, LOG_ERR, "no metrics: %s: %s", f.msg,
			  strerror(f.err));
	expo_free(e);
	return text;
}

static u64 ended(const struct serve *s)
{
	u64 n = 0;

	for (size_t i = 0; i < METRICS_REASONS; i++)
		n += s->counts.ended[i];
	return n;
}

static void watch_policy(struct serve *s)
{
	const struct serve_policy *p = &s->kernel_policy;

	if (!serve_policy_look(&s->kernel_policy))
		return;
	if (p->loaded)
		serve_say(s, LOG_NOTICE, "the kernel has policy %s, mode %s",
			  p->name, p->mode);
	else
		serve_say(s, LOG_WARNING, "the kernel has no policy any more");
}

/* What is wrong with policies is said, counted, and no reason to leave. */
static int load_policies(struct serve *s)
{
	struct fault f = {};
	int ret;

	if (s->files.optional && !kwd_here())
		s->files.path = NULL;
	ret = serve_policy_load(s->ctx, &s->files, &f);
	s->counts.policy_path = s->files.path;
	s->counts.policy_failed = ret;
	watch_policy(s);
	if (ret)
		serve_say(s, LOG_ERR, "%s: %s%s%s",
			  s->kernel_policy.loaded ?
				  "the policy stays as it was" :
				  "no policy is in force",
			  s->files.error, f.hint[0] ? "; try: " : "", f.hint);
	else if (s->files.n)
		serve_say(s, LOG_INFO, "%zu policies are in force", s->files.n);
	/* no watchdog at all, and this was asked for by name */
	if (ret && !kwd_here())
		s->ctx->fault = f;
	return s->ctx->fault.exit;
}

/* Every so often: tell the manager, and the log if somebody turned the switch. */
static void tick(struct serve *s)
{
	struct health h = look_after(s);

	event_watch(s->out);
	if (!h.kernel && h.enabled != s->on) {
		s->on = h.enabled;
		serve_say(s, s->on ? LOG_NOTICE : LOG_WARNING,
			  "the watchdog was switched %s", s->on ? "on" : "off");
	}
	if (!h.ok)
		serve_say(s, LOG_ERR,
			  "not healthy: sysctls %s, programs %s, events %s",
			  check_text(s, h.kernel), check_text(s, h.list),
			  h.events ? "ok" : "gone");
	if (h.kernel == -ENOSYS) {
		notify("%sSTATUS=no watchdog in this kernel, measuring %zu "
		       "programs",
		       h.ok ? "WATCHDOG=1\n" : "", h.programs);
		return;
	}
	log_suppressed(s);
	watch_policy(s);
	/* without it a manager that was asked to restarts us */
	notify("%sSTATUS=watchdog %s, %zu programs, %llu runs ended since the "
	       "start%s%s%s%s%s",
	       h.ok ? "WATCHDOG=1\n" : "", h.enabled ? "on" : "off", h.programs,
	       (unsigned long long)ended(s),
	       s->kernel_policy.loaded ? ", policy " : "",
	       s->kernel_policy.name, s->kernel_policy.loaded ? " " : "",
	       s->kernel_policy.mode,
	       s->files.error[0] ? ", POLICY FILES NOT LOADED" : "");
	if (serve_policy_outdated(&s->files, &s->kernel_policy)) {
		serve_say(s, LOG_INFO,
			  "other modules are loaded: the policies "
			  "are read again");
		load_policies(s);
	}
}

/* ---- Life ---- */

/* Bound to the port and with the ring open, this is all that is needed: programs
 * by id and their addresses. 0 or -errno.
 */
static int drop_capabilities(void)
{
	static const cap_value_t keep[] = { CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON,
					    CAP_SYSLOG };
	cap_t now = cap_get_proc(), then = cap_init();
	int err = -ENOMEM;

	if (!now || !then)
		goto out;
	err = 0;
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		cap_flag_value_t had = CAP_CLEAR;
		bool kept = false;

		for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
			kept |= keep[i] == c;
		if (cap_get_flag(now, c, CAP_PERMITTED, &had))
			continue;
		if (kept && had == CAP_SET) {
			cap_set_flag(then, CAP_PERMITTED, 1, &c, CAP_SET);
			cap_set_flag(then, CAP_EFFECTIVE, 1, &c, CAP_SET);
		}
		/* fails where the unit has dropped CAP_SETPCAP already */
		if (!kept && cap_get_bound(c) > 0)
			cap_drop_bound(c);
	}
	if (cap_set_proc(then))
		err = -errno;
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
out:
	cap_free(now);
	cap_free(then);
	return err;
}

static void reload(struct serve *s)
{
	notify("RELOADING=1\nMONOTONIC_USEC=%llu",
	       (unsigned long long)clock_ns(CLOCK_MONOTONIC) / 1000);
	forget(s);
	load_policies(s);
	tick(s);
	serve_say(s, LOG_NOTICE, "state read again");
	notify("READY=1");
}

/* False: leave. */
static bool take_signal(struct serve *s, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGHUP)
		return false;
	reload(s);
	return true;
}

static void loop(struct serve *s, int signals)
{
	u64 every = notify_watchdog_ns() / 2, next = 0;

	every = every && every < TICK_NS ? every : TICK_NS;
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = s->ring ? ring_fd(s->ring) : -1,
			  .events = POLLIN },
			{ .fd = s->http ? http_fd(s->http) : -1,
			  .events = POLLIN },
		};
		u64 now = clock_ns(CLOCK_MONOTONIC);
		int ms, http_ms;

		if (now >= next) {
			tick(s);
			next = now + every;
		}
		ms = (next - now) / 1000000 + 1;
		http_ms = s->http ? http_timeout_ms(s->http) : -1;
		if (http_ms >= 0 && http_ms < ms)
			ms = http_ms;
		if (poll(fds, ARRAY_SIZE(fds), ms) < 0)
			continue;
		if (fds[0].revents && !take_signal(s, signals))
			return;
		if (fds[1].revents)
			ring_read(s->ring, serve_take_line, s);
		if (s->http)
			http_run(s->http);
	}
}

static int open_http(struct serve *s)
{
	struct http_pages pages = { serve_page_metrics, serve_page_health, s };
	struct fault *f = &s->ctx->fault;
	char at[80];
	int fd = notify_socket();

	if (fd < 0 && fd != -ENOENT) {
		fault_set(f, EXIT_USAGE, fd,
			  "cannot use the socket that was "
			  "handed over");
		return fault_why(f, "it must be one listening stream socket");
	}
	if (fd == -ENOENT) {
		if (!strcmp(s->listen, "none"))
			return 0;
		fd = http_listen(s->listen);
	}
	if (fd == -EINVAL) {
		fault_set(f, EXIT_USAGE, fd, "bad address '%s'", s->listen);
		return fault_hint(f, "--listen 127.0.0.1:19612, or "
				     "'[::1]:19612', or none");
	}
	if (fd < 0)
		return fault_set(f, EXIT_FAILED, fd, "cannot listen on %s",
				 s->listen);
	http_address(fd, at, sizeof(at));
	s->http = http_start(fd, &pages);
	if (!s->http)
		return fault_set(f, EXIT_FAILED, EIO, "no HTTP server on %s",
				 at);
	serve_say(s, LOG_INFO, "metrics on http://%s/metrics", at);
	return 0;
}

/* Runs are counted as long as somebody wants to know. */
static int start_counting(struct serve *s)
{
	struct fault *f = &s->ctx->fault;

	if (s->no_stats)
		return 0;
	s->stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (s->stats == -EPERM) {
		fault_set(f, EXIT_LACKS, s->stats,
			  "cannot switch run statistics on");
		return fault_hint(f, "run it as root");
	}
	if (s->stats < 0)
		return fault_set(f, EXIT_FAILED, s->stats,
				 "cannot switch run statistics on");
	s->counts.stats = true;
	return 0;
}

/* A kernel that only measures: its figures are worth a service, too. */
static int start_measuring(struct serve *s)
{
	serve_say(s, LOG_NOTICE,
		  "this kernel has no watchdog: runs are measured, none is "
		  "ended, and no policy is enforced; bpfwd doctor says what "
		  "the patches add");
	return 0;
}

static int start_watching(struct serve *s)
{
	struct fault *f = &s->ctx->fault;
	struct kwd_state state;
	int err = kwd_state_read(&state);

	if (err)
		return fault_set(f, EXIT_FAILED, err,
				 "cannot read the watchdog's sysctls");
	s->on = state.val[KWD_ON];
	err = ring_follow(&s->ring);
	return err ? ring_fault(f, err) : 0;
}

static int serve_run(struct serve *s, int signals)
{
	struct fault *f = &s->ctx->fault;
	int err;

	if (start_counting(s) ||
	    (kwd_here() ? start_watching(s) : start_measuring(s)))
		return f->exit;
	if (open_http(s) || load_policies(s))
		return f->exit;
	callgraph_keep_memory();
	err = drop_capabilities();
	if (err)
		return fault_set(f, EXIT_FAILED, err,
				 "cannot drop capabilities");
	serve_say(s, LOG_INFO, "started, the watchdog is %s",
		  !s->ring ? "not in this kernel" :
		  s->on	   ? "on" :
			     "off");
	notify("READY=1");
	loop(s, signals);
	notify("STOPPING=1");
	return EXIT_OK;
}

static error_t serve_parse(int key, char *arg, struct argp_state *state)
{
	struct serve *s = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = s->ctx;
		return 0;
	case 'l':
		s->listen = arg;
		return 0;
	case KEY_POLICY:
		s->files = (struct serve_files){
			.path = strcmp(arg, "none") ? arg : NULL,
		};
		return 0;
	case KEY_NO_STATS:
		s->no_stats = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no argument, got '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Signals come as data, from the first moment on. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int cmd_serve(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = serve_parse,
		.doc = "Load policies, log what the watchdog does, and serve "
		       "metrics by HTTP.\v"
		       "Runs in the foreground until SIGTERM; SIGHUP reads all "
		       "state and the policies again. If these are bad, those "
		       "in force stay, and bpfwd_policy_load_failed is 1. The log is the journal if stderr is, else "
		       "stderr. Pages are /metrics and /healthz. A socket that "
		       "the service manager hands over is used instead of "
		       "--listen.\n"
		       "Examples:\n"
		       "  systemctl start bpfwd\n"
		       "  bpfwd serve --listen '[::1]:19612'",
		.children = common_options,
	};
	struct serve s = {
		.ctx = ctx,
		.listen = LISTEN,
		.stats = -1,
		.files = { .path = POLICY_DIR, .optional = true },
	};
	int ret, signals;

	parse_command(&argp, argc, argv, &s);
	signals = signals_open();
	s.parser = event_parser_new();
	s.out = event_out_new(ctx);
	s.journal = journal_open();
	ret = s.parser && s.out && s.journal && signals >= 0 ?
		      serve_run(&s, signals) :
		      fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no memory");
	http_stop(s.http);
	ring_close(s.ring);
	journal_close(s.journal);
	event_parser_free(s.parser);
	event_out_free(s.out);
	if (s.stats >= 0)
		close(s.stats);
	if (signals >= 0)
		close(signals);
	return ret;
}
