// SPDX-License-Identifier: GPL-2.0
/* bpfwd explain: the worst path of a program by source line, the bounds of its
 * loops and where they come from, and what change would help.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calibrate/model.h"
#include "cmd/cmd.h"
#include "cmd/explain.h"
#include "cmd/explain_tail.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "kernel/machine.h"
#include "progs/btfs.h"
#include "progs/objs.h"
#include "progs/prog.h"
#include "progs/source.h"
#include "show/ctx.h"
#include "show/duration.h"

#define SCHEMA "bpfwd.explain/1"

struct explain {
	struct ctx *ctx;
	struct explainer by;
	struct obj_settings settings;
	char **words;
	int n_words;
	json_t *programs; /* NULL: as text */
	size_t n;
};

static error_t explain_parse(int key, char *arg, struct argp_state *state)
{
	struct explain *x = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &x->settings;
		state->child_inputs[1] = x->ctx;
		return 0;
	case ARGP_KEY_ARGS:
		x->words = state->argv + state->next;
		x->n_words = state->argc - state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = explain_parse,
	.args_doc = "PROG...|OBJ...",
	.doc = "What makes the worst case of a program.\v"
	       "OBJ is an object file (it ends in .o), of which each program is "
	       "loaded but not attached; PROG is a loaded program: id N, name N, "
	       "tag T, pinned PATH, a number or a word. Times of a loop are "
	       "those of all its turns, with what is in it.\n"
	       "Examples:\n"
	       "  bpfwd explain spin.bpf.o\n"
	       "  bpfwd explain id 42",
	.children = object_options,
};

static const char *explain_count(u64 n, char buf[DURATION_LEN])
{
	if (n == UINT64_MAX)
		return "inf";
	if (n >= 10000)
		return amount(n, buf);
	snprintf(buf, DURATION_LEN, "%llu", (unsigned long long)n);
	return buf;
}

/* What the spot is: "bpf_loop", "8388608 turns: the argument of ...". */
static void explain_describe(const struct explainer *x,
			     const struct bpf_estimate_spot *s, char *buf,
			     size_t size)
{
	const struct btf_type *t;
	const char *name;

	switch (s->kind) {
	case BPF_SPOT_HELPER:
		name = model_helper_name(s->id);
		snprintf(buf, size, "%s()", name ? name : "a helper");
		return;
	case BPF_SPOT_KFUNC:
		t = x->vmlinux ? btf__type_by_id(x->vmlinux, s->id) : NULL;
		name = t ? btf__name_by_offset(x->vmlinux, t->name_off) : NULL;
		snprintf(buf, size, "%s()", name && *name ? name : "a kfunc");
		return;
	case BPF_SPOT_LOOP:
		snprintf(buf, size, "%llu turns at most: %s",
			 (unsigned long long)s->bound, kwd_loop_text(s->id));
		if (s->bound == UINT64_MAX)
			snprintf(buf, size, "turns without a limit");
		return;
	case BPF_SPOT_ENTRY:
		snprintf(buf, size, "entry and return of the program");
		return;
	default:
		snprintf(buf, size, "instructions");
	}
}

static bool locate(const struct explainer *x, int fd, u32 xlated, u32 insn,
		   char *buf, size_t size)
{
	struct source src;

	if (xlated != UINT32_MAX &&
	    source_find_insn(x->btfs, fd, xlated, &src)) {
		snprintf(buf, size, "%s:%u: %s", src.file, src.line,
			 src.text ? src.text : "");
		return true;
	}
	if (insn == UINT32_MAX)
		return false;
	snprintf(buf, size, "insn %u", insn);
	return true;
}

/* The bound at which the program would fit, 0: no bound of this loop helps. */
static u64 fitting_bound(const struct bpf_estimate_spot *s, u64 worst,
			 u64 budget, u64 *then)
{
	double turn, rest;
	u64 bound = 1;

	if (s->kind != BPF_SPOT_LOOP || !s->bound || s->bound == UINT64_MAX ||
	    s->worst_ns == UINT64_MAX || worst == UINT64_MAX ||
	    s->worst_ns > worst)
		return 0;
	turn = (double)s->worst_ns / s->bound;
	rest = worst - s->worst_ns;
	if (rest + turn > budget)
		return 0;
	/* a power of two is a number that people write */
	while (bound <= s->bound / 2 && rest + turn * bound * 2 <= budget)
		bound *= 2;
	*then = rest + turn * bound;
	return bound;
}

/* What change would help most: of the reason, or of the longest loop. */
static void advise(const struct explainer *x, int fd, const struct estimate *e,
		   u64 budget, char *buf, size_t size)
{
	u64 worst = e->info.estimate_worst_ns, then;
	char dur[DURATION_LEN], where[400];

	buf[0] = '\0';
	if (e->info.estimate_reason) {
		snprintf(buf, size, "%s",
			 kwd_reason_advice(e->info.estimate_reason));
		return;
	}
	if (!budget || worst <= budget)
		return;
	for (u32 i = 0; i < e->n; i++) {
		u64 bound = fitting_bound(&e->spots[i], worst, budget, &then);

		if (!bound ||
		    !locate(x, fd, e->spots[i].xlated_off, e->spots[i].insn_off,
			    where, sizeof(where)))
			continue;
		snprintf(
			buf, size,
			"a bound of %llu instead of %llu at %.200s would give %s",
			(unsigned long long)bound,
			(unsigned long long)e->spots[i].bound, where,
			duration(then, dur));
		return;
	}
	if (e->n && locate(x, fd, e->spots[0].xlated_off, e->spots[0].insn_off,
			   where, sizeof(where)))
		snprintf(buf, size,
			 "no bound of one loop is enough; start at "
			 "%.200s",
			 where);
}

/* A spot that takes less of the whole is not worth the work. */
#define TIGHTEN_PERCENT 10
#define CALIBRATE                                                     \
	"the cost model is the built-in one, for any machine: bpfwd " \
	"calibrate run --load measures this one (load the program again)"

/* What to write where, for the program's bound to be lower: of one spot, false if it
 * matters little or nothing helps.
 */
static bool tighten(const struct explainer *x, int fd, const struct estimate *e,
		    const struct bpf_estimate_spot *s, char *buf, size_t size)
{
	u64 worst = e->info.estimate_worst_ns;
	bool loop = s->kind == BPF_SPOT_LOOP;
	char where[400], what[600], runs[DURATION_LEN], share[40] = "";
	const char *advice = loop ? kwd_loop_advice(s->id) :
			     s->kind == BPF_SPOT_HELPER ||
					     s->kind == BPF_SPOT_KFUNC ?
				    "call it less often" :
				    "";

	/* of what nothing bounds, the reason is the advice */
	if (!*advice ||
	    (worst != UINT64_MAX ? s->worst_ns < worst / 100 * TIGHTEN_PERCENT :
				   !loop || s->worst_ns != UINT64_MAX ||
					   e->info.estimate_reason !=
						   BPF_ESTIMATE_OVERFLOW) ||
	    !locate(x, fd, s->xlated_off, s->insn_off, where, sizeof(where)))
		return false;
	explain_describe(x, s, what, sizeof(what));
	if (worst != UINT64_MAX)
		snprintf(share, sizeof(share), ", %.0f %% of the bound",
			 100.0 * s->worst_ns / worst);
	snprintf(buf, size, "%.200s: %.200s, %s runs%s: %s", where, what,
		 explain_count(s->runs, runs), share, advice);
	return true;
}

/* The instruction that an offset of the object is now: that of a spot or a reason. */
static u32 xlated_of(const struct estimate *e, u32 insn)
{
	if (insn == e->info.estimate_insn_off)
		return e->info.estimate_xlated_off;
	for (u32 i = 0; i < e->n; i++)
		if (e->spots[i].insn_off == insn)
			return e->spots[i].xlated_off;
	return UINT32_MAX;
}

/* Where it could go on after it was to be ended; false: nothing is named. */
static bool locate_stop(const struct explainer *x, int fd,
			const struct estimate *e, char *buf, size_t size)
{
	u32 insn = e->info.stop_bound_insn_off;

	return e->info.stop_bound_ns == UINT64_MAX &&
	       locate(x, fd, xlated_of(e, insn), insn, buf, size);
}

/* Why there is no bound: the call that is the cause is named. */
static const char *why(const struct explainer *x, const struct estimate *e,
		       char *buf, size_t size)
{
	u32 reason = e->info.estimate_reason;
	char name[100];

	for (u32 i = 0; reason == BPF_ESTIMATE_NO_COST && i < e->n; i++) {
		const struct bpf_estimate_spot *s = &e->spots[i];

		if (s->insn_off != e->info.estimate_insn_off ||
		    (s->kind != BPF_SPOT_HELPER && s->kind != BPF_SPOT_KFUNC))
			continue;
		explain_describe(x, s, name, sizeof(name));
		snprintf(buf, size, "the %s %s has no measured cost",
			 kwd_spot_name(s->kind), name);
		return buf;
	}
	return kwd_reason_text(reason);
}

static json_t *ns_json(u64 ns)
{
	return ns == UINT64_MAX ? json_null() : json_integer(ns);
}

static void explain_json(struct explain *x, int fd, const char *name,
			 const struct estimate *e, u64 budget)
{
	json_t *spots = json_array(), *tighter = json_array(),
	       *p = json_object();
	u32 reason = e->info.estimate_reason;
	char text[600];

	for (u32 i = 0; i < e->n; i++) {
		const struct bpf_estimate_spot *s = &e->spots[i];
		json_t *spot = json_object();

		explain_describe(&x->by, s, text, sizeof(text));
		json_object_set_new(spot, "kind",
				    json_string(kwd_spot_name(s->kind)));
		json_object_set_new(spot, "what", json_string(text));
		json_object_set_new(spot, "worst_ns", ns_json(s->worst_ns));
		json_object_set_new(spot, "runs", ns_json(s->runs));
		json_object_set_new(spot, "insn", json_integer(s->insn_off));
		if (s->kind == BPF_SPOT_LOOP) {
			json_object_set_new(spot, "bound", ns_json(s->bound));
			json_object_set_new(spot, "bound_from",
					    json_string(kwd_loop_name(s->id)));
		}
		if (locate(&x->by, fd, s->xlated_off, s->insn_off, text,
			   sizeof(text)))
			json_object_set_new(spot, "at", json_string(text));
		json_array_append_new(spots, spot);
	}
	json_object_set_new(p, "name", json_string(name));
	if (e->info.id)
		json_object_set_new(p, "id", json_integer(e->info.id));
	if (!kwd_estimate_none(reason)) {
		json_object_set_new(p, "best_ns",
				    json_integer(e->info.estimate_best_ns));
		json_object_set_new(p, "worst_ns",
				    ns_json(e->info.estimate_worst_ns));
		json_object_set_new(p, "bounded",
				    json_boolean(e->info.estimate_worst_ns !=
						 UINT64_MAX));
	}
	json_object_set_new(
		p, "source",
		json_string(estimate_source(&e->info, &x->by.model)));
	if (reason) {
		json_object_set_new(p, "reason",
				    json_string(kwd_reason_name(reason)));
		json_object_set_new(
			p, "reason_text",
			json_string(why(&x->by, e, text, sizeof(text))));
		if (locate(&x->by, fd, e->info.estimate_xlated_off,
			   e->info.estimate_insn_off, text, sizeof(text)))
			json_object_set_new(p, "at", json_string(text));
	}
	explain_tail_json(p, fd, e);
	if (budget)
		json_object_set_new(p, "budget_ns", json_integer(budget));
	json_object_set_new(
		p, "terminable",
		json_string(kwd_terminable_name(e->info.terminable)));
	json_object_set_new(
		p, "terminable_text",
		json_string(kwd_terminable_text(e->info.terminable)));
	if (e->stops && !kwd_estimate_none(e->info.stop_bound_reason)) {
		json_object_set_new(p, "stop_bound_ns",
				    ns_json(e->info.stop_bound_ns));
		if (e->info.stop_bound_reason)
			json_object_set_new(
				p, "stop_reason",
				json_string(kwd_reason_name(
					e->info.stop_bound_reason)));
		if (locate_stop(&x->by, fd, e, text, sizeof(text)))
			json_object_set_new(p, "stop_at", json_string(text));
	}
	json_object_set_new(p, "spots", spots);
	advise(&x->by, fd, e, budget, text, sizeof(text));
	if (text[0])
		json_object_set_new(p, "advice", json_string(text));
	for (u32 i = 0; i < e->n; i++)
		if (tighten(&x->by, fd, e, &e->spots[i], text, sizeof(text)))
			json_array_append_new(tighter, json_string(text));
	if (e->info.estimate_flags & BPF_ESTIMATE_F_BUILTIN)
		json_array_append_new(tighter, json_string(CALIBRATE));
	json_object_set_new(p, "tighter", tighter);
	json_array_append_new(x->programs, p);
}

/* Can it be ended, and how soon? */
static void explain_stop(const struct explainer *x, FILE *to, int fd,
			 const struct estimate *e)
{
	char text[600], dur[DURATION_LEN];

	fprintf(to, "  terminable %s: %s\n",
		kwd_terminable_name(e->info.terminable),
		kwd_terminable_text(e->info.terminable));
	if (!e->stops || kwd_estimate_none(e->info.stop_bound_reason))
		return;
	if (e->info.stop_bound_ns != UINT64_MAX) {
		fprintf(to,
			"  stop %s: from the redirect of a run to its return, at most\n",
			duration_bound(e->info.stop_bound_ns, dur));
		return;
	}
	fprintf(to, "  stop inf: %s",
		kwd_reason_text(e->info.stop_bound_reason));
	if (locate_stop(x, fd, e, text, sizeof(text)))
		fprintf(to, "\n    at %s", text);
	putc('\n', to);
}

static void explain_text(const struct explainer *x, FILE *to, int fd,
			 const char *name, const char *where,
			 const struct estimate *e, u64 budget)
{
	char a[DURATION_LEN], b[DURATION_LEN], c[DURATION_LEN], text[600],
		n[DURATION_LEN];
	u64 worst = e->info.estimate_worst_ns;
	u32 reason = e->info.estimate_reason;

	fputs(name, to);
	if (where)
		fprintf(to, "  %s", where);
	if (kwd_estimate_none(reason))
		fprintf(to, "  best -  worst -");
	else
		fprintf(to, "  best %s  worst %s%s",
			duration_bound(e->info.estimate_best_ns, a),
			duration_bound(worst, b),
			budget && worst > budget ? "!" : "");
	if (budget)
		fprintf(to, "  budget %s", duration_set(budget, c));
	fprintf(to, "  (%s cost model)\n",
		estimate_source(&e->info, &x->model));
	if (e->info.estimate_async_ns)
		fprintf(to,
			"  its timer or work queue callbacks take %s at worst\n",
			duration_bound(e->info.estimate_async_ns, a));
	if (reason) {
		fprintf(to, "  %s: %s",
			kwd_estimate_none(reason) ? "no estimate" : "unbounded",
			why(x, e, text, sizeof(text)));
		if (locate(x, fd, e->info.estimate_xlated_off,
			   e->info.estimate_insn_off, text, sizeof(text)))
			fprintf(to, "\n    at %s", text);
		putc('\n', to);
	}
	explain_tail_text(to, fd, e);
	explain_stop(x, to, fd, e);
	if (e->n)
		fprintf(to, "  %9s  %8s  %s\n", "WORST", "RUNS", "SOURCE");
	for (u32 i = 0; i < e->n; i++) {
		const struct bpf_estimate_spot *s = &e->spots[i];

		if (!locate(x, fd, s->xlated_off, s->insn_off, text,
			    sizeof(text)))
			snprintf(text, sizeof(text), "-");
		fprintf(to, "  %9s  %8s  %s\n", duration_bound(s->worst_ns, a),
			explain_count(s->runs, n), text);
		explain_describe(x, s, text, sizeof(text));
		fprintf(to, "  %9s  %8s    %s\n", "", "", text);
	}
	advise(x, fd, e, budget, text, sizeof(text));
	if (text[0])
		fprintf(to, "  try: %s\n", text);
	for (u32 i = 0; i < e->n; i++)
		if (tighten(x, fd, e, &e->spots[i], text, sizeof(text)))
			fprintf(to, "  tighter: %s\n", text);
	if (e->info.estimate_flags & BPF_ESTIMATE_F_BUILTIN)
		fprintf(to, "  tighter: " CALIBRATE "\n");
}

static u64 explain_budget(const struct estimate *e, u64 otherwise)
{
	return e->info.watchdog_budget_ns ? e->info.watchdog_budget_ns :
					    otherwise;
}

int explainer_open(struct explainer *x)
{
	struct kwd_state state;

	*x = (struct explainer){ .btfs = btfs_new(),
				 .vmlinux = btf__load_vmlinux_btf() };
	model_in_use(&x->model);
	if (!kwd_state_read(&state))
		x->budget_ns = state.val[KWD_BUDGET_US] * 1000;
	return x->btfs ? 0 : -ENOMEM;
}

void explainer_close(struct explainer *x)
{
	btf__free(x->vmlinux);
	btfs_free(x->btfs);
}

int explainer_write(const struct explainer *x, FILE *to, int fd,
		    const char *name, const char *where)
{
	static struct estimate e;
	int err = kwd_estimate_get(fd, &e);

	if (!err)
		explain_text(x, to, fd, name, where, &e,
			     explain_budget(&e, x->budget_ns));
	return err;
}

static int explain_fd(struct explain *x, int fd, const char *name,
		      const char *where)
{
	struct fault *f = &x->ctx->fault;
	static struct estimate e;
	u64 budget;
	int err;

	err = kwd_estimate_get(fd, &e);
	if (err == -ENOSYS)
		return kwd_estimate_missing(f);
	if (err)
		return fault_set(f, EXIT_FAILED, err,
				 "cannot ask the kernel about %s", name);
	budget = explain_budget(&e, x->by.budget_ns);
	if (!x->programs && x->n)
		putchar('\n');
	if (x->programs)
		explain_json(x, fd, name, &e, budget);
	else
		explain_text(&x->by, stdout, fd, name, where, &e, budget);
	x->n++;
	return 0;
}

static int explain_take(void *arg, const struct obj_prog *prog)
{
	struct explain *x = arg;

	if (prog->fd >= 0)
		return explain_fd(x, prog->fd, prog->name, prog->section);
	note(x->ctx, "%s of %s does not load: %s (%s)", prog->name,
	     prog->object, prog->why, errno_name(-prog->fd));
	return 0;
}

static int explain_loaded(struct explain *x, int argc, char **argv, int *used)
{
	struct fault *f = &x->ctx->fault;
	struct prog_sel *sel = NULL;
	struct progs *progs;
	int ret = prog_sel_parse(&sel, argc, argv, used, f);

	if (ret)
		return ret;
	if (!*used) {
		prog_sel_free(sel);
		return fault_set(f, EXIT_USAGE, EINVAL,
				 "'%s' is no program and no object file",
				 argv[0]);
	}
	ret = progs_load(&progs, sel, PROGS_HOOKS, f);
	prog_sel_free(sel);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < progs_count(progs); i++) {
		const struct prog *p = progs_get(progs, i);
		int fd = bpf_prog_get_fd_by_id(p->info.id);

		if (fd < 0) /* gone meanwhile */
			continue;
		ret = explain_fd(x, fd, p->name, p->hooks[0]);
		close(fd);
	}
	progs_free(progs);
	return ret;
}

int cmd_explain(struct ctx *ctx, int argc, char **argv)
{
	struct explain x = { .ctx = ctx };
	int ret = 0, used;

	parse_command(&argp, argc, argv, &x);
	if (!x.n_words) {
		fault_set(&ctx->fault, EXIT_USAGE, 0, "explain what?");
		return fault_hint(&ctx->fault, "bpfwd explain PROG|OBJ");
	}
	if (!kwd_here())
		return kwd_estimate_missing(&ctx->fault);
	if (explainer_open(&x.by))
		return fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no memory");
	if (out_is_json(&ctx->out))
		x.programs = json_array();
	for (int i = 0; !ret && i < x.n_words; i += used) {
		used = 1;
		if (objs_is_file(x.words[i]))
			ret = objs_each(ctx, x.words[i], &x.settings,
					explain_take, &x);
		else
			ret = explain_loaded(&x, x.n_words - i, x.words + i,
					     &used);
	}
	ret = ret ? ret : obj_settings_used(&x.settings, &ctx->fault);
	if (!ret && !x.n)
		ret = fault_set(&ctx->fault, EXIT_FAILED, 0,
				"no program that could be loaded");
	if (!ret && x.programs)
		out_json(&ctx->out, json_pack("{s:s, s:O}", "schema", SCHEMA,
					      "programs", x.programs));
	obj_settings_free(&x.settings);
	json_decref(x.programs);
	explainer_close(&x.by);
	return ret;
}
