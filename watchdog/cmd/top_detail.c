// SPDX-License-Identifier: GPL-2.0
/* All that is known of one program, as text: the detail of `bpfwd top`. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/explain.h"
#include "cmd/top_priv.h"
#include "kernel/kwd.h"
#include "kernel/ring.h"
#include "service/event_out.h"
#include "show/ctx.h"
#include "show/duration.h"

#define SPARK 60 /* cells */
#define BAR 40
#define LAST_ENDS 8

struct detail {
	struct explainer by;
	struct event_parser *parser;
	struct event_out *out;
	u64 boot_to_real_ns;
};

static struct detail *detail_new(const struct ctx *ctx)
{
	struct detail *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->parser = event_parser_new();
	d->out = event_out_new(ctx);
	d->boot_to_real_ns = clock_boot_to_real();
	if (!explainer_open(&d->by) && d->parser && d->out)
		return d;
	top_detail_free(d);
	return NULL;
}

void top_detail_free(struct detail *d)
{
	if (!d)
		return;
	explainer_close(&d->by);
	event_parser_free(d->parser);
	event_out_free(d->out);
	free(d);
}

/* Values by the columns of ps, so that both say the same; what is unknown is left out. */
static void put_columns(FILE *f, const struct ps_row *row, const char *head,
			const char *columns)
{
	struct table *t = table_new(ps_cols, ps_n_cols);
	struct fault ignored = {};
	char buf[TABLE_CELL_LEN];
	bool mark, some = false;

	if (!t || table_emit(t, columns, false, &ignored) ||
	    table_add(t, row)) {
		table_free(t);
		return;
	}
	for (size_t i = 0; i < table_shown(t); i++) {
		const struct col *c = table_shown_col(t, i);

		if (!table_val(t, 0, c)->known)
			continue;
		if (!some)
			fprintf(f, "%s\n", head);
		some = true;
		fprintf(f, "  %-12s %s\n", c->name,
			table_cell(t, 0, i, &mark, buf));
	}
	table_free(t);
}

static void put_graph(FILE *f, const struct history_of *of)
{
	char buf[512];

	fputs("SHARE OF A CPU\n", f);
	if (!of) {
		fputs("  it comes with the second look\n", f);
		return;
	}
	fprintf(f, "  %s\n", history_spark(of, SPARK, buf, sizeof(buf)));
	fprintf(f, "  now %.3g%%, at most %.3g%% in %zu looks\n",
		of->values[(of->n - 1) % HISTORY_LOOKS], history_most(of),
		of->n < HISTORY_LOOKS ? of->n : HISTORY_LOOKS);
}

/* Of each look the average is known, and how many runs it is of. */
static void put_histogram(FILE *f, const struct history_of *of)
{
	char from[DURATION_LEN], to[DURATION_LEN];
	size_t first = HISTORY_BUCKETS, last = 0;
	u64 most = 0;

	for (size_t i = 0; of && i < HISTORY_BUCKETS; i++) {
		if (!of->runs[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = of->runs[i] > most ? of->runs[i] : most;
	}
	fputs("RUN TIMES, by the average of each look\n", f);
	if (!most)
		fputs("  no run was seen yet\n", f);
	for (size_t i = first; most && i <= last; i++) {
		int bar = (of->runs[i] * BAR + most - 1) / most;

		fprintf(f, "  %8s to %-8s %10llu %.*s\n",
			duration_set(i ? 1ULL << i : 0, from),
			duration_set(2ULL << i, to),
			(unsigned long long)of->runs[i], bar,
			"########################################");
	}
}

static void put_places(FILE *f, const struct prog *p)
{
	fputs("ATTACHED TO\n", f);
	if (!p->hooks[0])
		fputs("  nothing that is known\n", f);
	for (const char *const *hook = p->hooks; *hook; hook++)
		fprintf(f, "  %s\n", *hook);
}

static void put_event(FILE *f, struct detail *d, const struct event *e)
{
	u64 real = e->boot_ns + d->boot_to_real_ns;
	time_t secs = real / 1000000000;
	struct event_more more = {};
	char clock[16];
	struct tm tm;

	event_more(d->out, e, &more);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&secs, &tm));
	fprintf(f, "  %s ", clock);
	event_text(f, e, &more, false);
	putc('\n', f);
	if (more.has_source)
		fprintf(f, "    at %s:%u: %s\n", more.source.file,
			more.source.line,
			more.source.text ? more.source.text : "");
}

/* The last ones of this program, from the history of `bpfwd events`. */
static void put_ends(FILE *f, struct detail *d, u32 id)
{
	struct event last[LAST_ENDS], e;
	FILE *trace = NULL;
	size_t n = 0, size = 0;
	char *line = NULL;

	fputs("LAST ENDS\n", f);
	if (ring_history_open(&trace)) {
		fputs("  there is no history: it is recorded from `bpfwd enable` on\n",
		      f);
		return;
	}
	while (getline(&line, &size, trace) > 0) {
		line[strcspn(line, "\n")] = '\0';
		/* an overrun is told by its end */
		if (event_parse(d->parser, line, &e) && e.prog_id == id &&
		    e.kind != EV_LOST && e.kind != EV_OVERRUN)
			last[n++ % LAST_ENDS] = e;
	}
	free(line);
	fclose(trace);
	if (!n)
		fputs("  none\n", f);
	for (size_t i = 0; i < n && i < LAST_ENDS; i++)
		put_event(f, d, &last[(n - 1 - i) % LAST_ENDS]);
}

static void put_worst(FILE *f, struct detail *d, const struct prog *p)
{
	int fd = bpf_prog_get_fd_by_id(p->info.id), err = fd;

	fputs("WORST PATH\n", f);
	if (fd >= 0)
		err = explainer_write(&d->by, f, fd, "  estimate", NULL);
	if (err == -ENOSYS)
		fputs("  this kernel does not estimate; bpfwd doctor says what "
		      "the patches add\n",
		      f);
	else if (err)
		fprintf(f, "  unknown: %s (%s)\n", strerror(-err),
			errno_name(-err));
	if (fd >= 0)
		close(fd);
}

char *top_detail(struct top *top, const struct ps_row *row)
{
	const struct history_of *of =
		history_find(top->history, row->p->info.id);
	char *text = NULL;
	size_t len;
	FILE *f;

	if (!top->details)
		top->details = detail_new(top->ctx);
	f = top->details ? open_memstream(&text, &len) : NULL;
	if (!f)
		return NULL;
	fprintf(f, "%u %s\n", row->p->info.id, row->p->name);
	put_columns(
		f, row, "WHAT IT IS",
		"type,tag,owner,uid,state,terminable,why,insns,jited,image");
	put_graph(f, of);
	put_columns(
		f, row, "RUNS",
		"runs,rate,avg,p99,sampled,max,worst,budget,action,misses,"
		"overruns,kills,late,stuck,longest_stop,asleep_in,violations");
	put_histogram(f, of);
	put_places(f, row->p);
	if (kwd_here())
		put_ends(f, top->details, row->p->info.id);
	put_worst(f, top->details, row->p);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}
