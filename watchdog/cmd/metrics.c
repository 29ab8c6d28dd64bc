// SPDX-License-Identifier: GPL-2.0
/* bpfwd metrics: all metrics once, as text on stdout or in a file for
 * node_exporter's textfile collector.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "service/metrics.h"
#include "show/ctx.h"

#define SCHEMA "bpfwd.metrics/1"

struct metrics {
	struct ctx *ctx;
	const char *path;
	bool openmetrics;
};

enum { KEY_TEXTFILE = 0x100, KEY_OPENMETRICS };

static const struct argp_option options[] = {
	{ "textfile", KEY_TEXTFILE, "FILE", 0,
	  "to a file for node_exporter, which never sees half of it", 1 },
	{ "openmetrics", KEY_OPENMETRICS, 0, 0,
	  "OpenMetrics instead of Prometheus text", 1 },
	{ 0 },
};

static error_t metrics_parse(int key, char *arg, struct argp_state *state)
{
	struct metrics *m = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = m->ctx;
		return 0;
	case KEY_TEXTFILE:
		m->path = arg;
		return 0;
	case KEY_OPENMETRICS:
		m->openmetrics = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no argument, got '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int metrics_write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= n;
	}
	return 0;
}

/* Written beside it, under a name that the collector does not read, and renamed. */
static int write_file(const char *path, const char *text, size_t len,
		      struct fault *f)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = -1, err = -ENOMEM;
	char *beside;

	if (asprintf(&beside, "%s.%d", path, getpid()) < 0) {
		beside = NULL;
		goto out;
	}
	fd = open(beside, flags, 0644);
	/* left behind by one who was killed and had our number */
	if (fd < 0 && errno == EEXIST && !unlink(beside))
		fd = open(beside, flags, 0644);
	err = fd < 0 ? -errno : metrics_write_all(fd, text, len);
	if (fd >= 0 && !err && fchmod(fd, 0644))
		err = -errno;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (fd >= 0 && err)
		unlink(beside);
out:
	free(beside);
	if (!err)
		return 0;
	fault_set(f, EXIT_FAILED, err, "cannot write %s", path);
	return fault_why(f, "what was there before stays");
}

/* The families are text already: only who wants it indented pays for a tree. */
static int metrics_print_json(struct metrics *m, const char *families)
{
	json_t *doc;

	if (!m->ctx->out.pretty) {
		printf("{\"schema\":\"" SCHEMA "\",\"metrics\":%s}\n",
		       families);
		return 0;
	}
	doc = json_pack("{s:s, s:o}", "schema", SCHEMA, "metrics",
			json_loads(families, 0, NULL));
	return out_json(&m->ctx->out, doc) ?
		       fault_set(&m->ctx->fault, EXIT_FAILED, ENOMEM,
				 "no memory") :
		       0;
}

static int metrics_print(struct metrics *m, struct expo *e)
{
	struct fault *f = &m->ctx->fault;
	size_t len;
	char *text = expo_text(e, &len);
	int ret = 0;

	if (!text)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no memory");
	if (out_is_json(&m->ctx->out))
		ret = metrics_print_json(m, text);
	else if (m->path)
		ret = write_file(m->path, text, len, f);
	else
		fwrite(text, 1, len, stdout);
	free(text);
	return ret;
}

static int metrics_run(struct metrics *m)
{
	struct fault *f = &m->ctx->fault;
	enum expo_format format = out_is_json(&m->ctx->out) ? EXPO_JSON :
				  m->openmetrics	    ? EXPO_OPENMETRICS :
							      EXPO_PROMETHEUS;
	struct expo *e;
	int ret;

	e = expo_new(format);
	if (!e)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no memory");
	ret = metrics_write(e, NULL, f);
	if (!ret)
		ret = metrics_print(m, e);
	expo_free(e);
	return ret;
}

int cmd_metrics(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = metrics_parse,
		.doc = "All metrics once, as Prometheus text.\v"
		       "Times are in seconds. What bpfwd serve counts of events "
		       "is not among them.\n"
		       "Examples:\n"
		       "  bpfwd metrics --textfile "
		       "/var/lib/prometheus/node-exporter/bpfwd.prom\n"
		       "  bpfwd metrics | promtool check metrics",
		.children = common_options,
	};
	struct metrics m = { .ctx = ctx };
	size_t len;

	parse_command(&argp, argc, argv, &m);
	len = m.path ? strlen(m.path) : 0;
	if (m.path && (len < 6 || strcmp(m.path + len - 5, ".prom"))) {
		fault_set(&ctx->fault, EXIT_USAGE, EINVAL, "bad textfile '%s'",
			  m.path);
		fault_why(&ctx->fault, "the textfile collector reads files "
				       "that end in .prom");
		return fault_hint(&ctx->fault, "--textfile %s.prom",
				  len ? m.path : "bpfwd");
	}
	if (m.path && (m.openmetrics || out_is_json(&ctx->out))) {
		fault_set(&ctx->fault, EXIT_USAGE, EINVAL,
			  "bad options together with --textfile");
		return fault_why(&ctx->fault, "the textfile collector reads "
					      "Prometheus text only");
	}
	return metrics_run(&m);
}
