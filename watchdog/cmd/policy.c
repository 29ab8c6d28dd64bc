// SPDX-License-Identifier: GPL-2.0
/* bpfwd policy: which programs may be attached where. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "policy/report.h"
#include "policy/show.h"
#include "show/ctx.h"
#include "show/duration.h"

struct options {
	struct ctx *ctx;
	const char *what, *vmlinux, *hook;
	char **paths;
	int n_paths;
	u64 for_ns;
	bool dry_run, syntax, allow_unmatched;
};

enum {
	KEY_FOR = 0x100,
	KEY_DRY_RUN,
	KEY_VMLINUX,
	KEY_PATH,
	KEY_SYNTAX,
	KEY_ALLOW_UNMATCHED
};

static const struct argp_option options[] = {
	{ "for", KEY_FOR, "DUR", 0,
	  "load: return to the policy before after DUR, unless `policy keep` "
	  "follows; observe: so long",
	  1 },
	{ "allow-unmatched", KEY_ALLOW_UNMATCHED, 0, 0,
	  "check, load: also rules for functions and events that this kernel "
	  "does not have",
	  1 },
	{ "dry-run", KEY_DRY_RUN, 0, 0,
	  "load, unload, keep: say what would be done", 1 },
	{ "path", KEY_PATH, "HOOK", 0,
	  "check: only print the calls that make HOOK part of call graphs", 1 },
	{ "syntax", KEY_SYNTAX, 0, 0,
	  "check: the files only, not what is attached", 1 },
	{ "vmlinux", KEY_VMLINUX, "FILE", 0,
	  "the running kernel with its symbols, for call graphs; looked for if "
	  "not given",
	  1 },
	{ 0 },
};

static int parse_for(struct fault *f, const char *arg, u64 *ns)
{
	if (duration_option(f, "for", "10m", arg, ns))
		return f->exit;
	if (*ns >= 1000000000ULL && *ns / 1000000000 <= UINT32_MAX)
		return 0;
	fault_set(f, EXIT_USAGE, ERANGE, "bad for '%s'", arg);
	return fault_why(f, "it is at least 1s and at most 2^32-1 s");
}

static error_t cmd_policy_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct fault *f = &o->ctx->fault;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->ctx;
		return 0;
	case KEY_FOR:
		if (!f->exit)
			parse_for(f, arg, &o->for_ns);
		return 0;
	case KEY_DRY_RUN:
		o->dry_run = true;
		return 0;
	case KEY_VMLINUX:
		o->vmlinux = arg;
		return 0;
	case KEY_PATH:
		o->hook = arg;
		return 0;
	case KEY_ALLOW_UNMATCHED:
		o->allow_unmatched = true;
		return 0;
	case KEY_SYNTAX:
		o->syntax = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->what = state->argv[state->next];
		o->paths = state->argv + state->next + 1;
		o->n_paths = state->argc - state->next - 1;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- check ---- */

static int check_path(struct options *o, const struct loaded_policy *p)
{
	json_t *graphs = json_array();
	size_t found = 0;

	for (u32 i = 0; i < p->rules.n; i++) {
		const struct reach *r = rule_reach(&p->graphs, i);
		const char *name =
			rule_text(&p->rules, p->rules.rules[i].name_off);
		char *path = r ? reach_path(r, o->hook) : NULL;

		if (!r)
			continue;
		found += !!path;
		if (out_is_json(&o->ctx->out))
			json_array_append_new(graphs,
					      json_pack("{s:s, s:s*}", "name",
							name, "path", path));
		else
			printf("%s: %s\n", name,
			       path ? path : "not part of it by direct calls");
		free(path);
	}
	if (out_is_json(&o->ctx->out))
		out_json(&o->ctx->out,
			 json_pack("{s:s, s:s, s:O}", "schema",
				   "bpfwd.policy-path/1", "hook", o->hook,
				   "call_graphs", graphs));
	json_decref(graphs);
	return found ? EXIT_OK : EXIT_JUDGED;
}

static int check(struct options *o)
{
	struct fault *f = &o->ctx->fault;
	struct loaded_policy p;
	struct attached at;
	int ret;

	/* a kernel without estimates judges nothing, and nor do we */
	if (o->syntax || (!o->hook && !kwd_here())) {
		struct policy_set set;

		ret = policy_set_load(&set, o->paths, o->n_paths, f);
		if (!ret && !o->syntax)
			ret = kwd_estimate_missing(f);
		else if (!ret)
			note(o->ctx, "%zu policies, mode %s", set.n,
			     policy_mode_name(policy_set_mode(&set)));
		policy_set_free(&set);
		return ret;
	}
	if (loaded_policy_load(&p, o->paths, o->n_paths, o->vmlinux, f))
		return f->exit;
	if (o->hook) {
		ret = check_path(o, &p);
		loaded_policy_free(&p);
		return ret;
	}
	loaded_policy_notes(o->ctx, &p);
	ret = o->allow_unmatched ? 0 : policy_unmatched(&p.rules, f);
	if (ret) {
		loaded_policy_free(&p);
		return ret;
	}
	/* what the kernel would say of the rules themselves */
	ret = kwd_policy_probe() ? 0 : kwd_policy_load(&p.rules, 0, true, f);
	ret = ret ? ret : attached_load(&at, &p.rules, f);
	if (!ret) {
		ret = policy_judge(&p.rules, &p.graphs, at.all, at.n, at.n) ?
			      fault_set(f, EXIT_FAILED, ENOMEM, "no memory") :
			      decisions_print(o->ctx, &p.rules, &p.graphs,
					      at.all, at.n,
					      "bpfwd.policy-check/1");
		attached_free(&at);
	}
	loaded_policy_free(&p);
	return ret;
}

/* ---- load, unload, keep ---- */

static int done(struct options *o, const char *mode, const char *name,
		size_t rules)
{
	if (out_is_json(&o->ctx->out)) {
		out_json(&o->ctx->out,
			 json_pack("{s:s, s:b, s:s, s:s, s:I, s:I}", "schema",
				   "bpfwd.policy-load/1", "changed",
				   !o->dry_run, "mode", mode, "name", name,
				   "rules", (json_int_t)rules, "returns_in_s",
				   (json_int_t)(o->for_ns / 1000000000)));
		return EXIT_OK;
	}
	printf("%spolicy %s: mode %s, %zu rules\n",
	       o->dry_run ? "would load " : "", *name ? name : "(empty)", mode,
	       rules);
	if (o->for_ns)
		printf("for %llu s, unless `bpfwd policy keep` follows\n",
		       (unsigned long long)(o->for_ns / 1000000000));
	return EXIT_OK;
}

/* What the kernel has detached, or put in quarantine, since its denial number seq. */
static void tell_detached(const struct ctx *ctx, u64 seq)
{
	struct bpf_policy_denial *all;
	u32 n;

	if (kwd_policy_denials(&all, &n))
		return;
	for (u32 i = 0; i < n; i++) {
		const struct bpf_policy_denial *d = &all[i];

		if (d->seq > seq && d->denied == POLICY_DETACHED)
			note(ctx, "detached: %u %.*s %.*s", d->prog_id,
			     (int)sizeof(d->prog_name), d->prog_name,
			     (int)sizeof(d->hook), d->hook);
	}
	free(all);
}

static u64 last_denial(void)
{
	struct bpf_policy_denial *all;
	u64 seq = 0;
	u32 n;

	if (kwd_policy_denials(&all, &n))
		return 0;
	if (n)
		seq = all[n - 1].seq;
	free(all);
	return seq;
}

/* What is attached and not admitted, and stays: at least it is said. */
static void tell_existing(const struct ctx *ctx,
			  const struct policy_rules *rules,
			  const struct policy_graphs *graphs)
{
	struct fault ignored = {};
	struct attached at;
	size_t n = 0;

	if (attached_load(&at, rules, &ignored))
		return;
	if (policy_judge(rules, graphs, at.all, at.n, at.n))
		at.n = 0;
	for (size_t i = 0; i < at.n; i++) {
		const struct attachment *a = &at.all[i];
		const struct prog *p = progs_find(at.progs, a->prog_id);
		char why[200];

		if (a->decision == DECIDED_ALLOW || (p && p->info.quarantined))
			continue;
		n++;
		decision_why(a, why, sizeof(why));
		note(ctx, "stays attached: %u %s %s: %s", a->prog_id, a->prog,
		     a->hook, why);
	}
	if (n)
		note(ctx,
		     "%zu attachments are not what the policy admits; "
		     "bpfwd policy check says why",
		     n);
	attached_free(&at);
}

static int policy_load(struct options *o)
{
	struct fault *f = &o->ctx->fault;
	struct loaded_policy p;
	const char *mode;
	u64 seq = last_denial();
	int ret = kwd_policy_probe();

	/* a policy must not look enforced where it is not */
	if (ret)
		return kwd_policy_missing(f, ret, "cannot load the policy");
	if (loaded_policy_load(&p, o->paths, o->n_paths, o->vmlinux, f))
		return f->exit;
	mode = policy_mode_name(policy_set_mode(&p.set));
	loaded_policy_notes(o->ctx, &p);
	ret = o->allow_unmatched ? 0 : policy_unmatched(&p.rules, f);
	if (!ret)
		ret = kwd_policy_load(&p.rules, o->for_ns / 1000000000,
				      o->dry_run, f);
	if (!ret) {
		ret = done(o, mode, p.rules.name, p.rules.n);
		tell_detached(o->ctx, seq);
		tell_existing(o->ctx, &p.rules, &p.graphs);
	}
	loaded_policy_free(&p);
	return ret;
}

static int policy_change(struct options *o, int (*fn)(void), const char *text,
			 const char *done)
{
	struct fault *f = &o->ctx->fault;
	struct policy_rules rules;
	int err = kwd_policy_probe();

	if (err)
		return kwd_policy_missing(f, err, "no policy");
	err = kwd_policy_get(&rules);
	policy_rules_free(&rules);
	if (!err && !o->dry_run)
		err = fn();
	if (err == -ENOENT)
		return fault_set(f, EXIT_FAILED, err,
				 "there is no policy to %s", text);
	if (err)
		return fault_set(f, EXIT_FAILED, err, "cannot %s the policy",
				 text);
	if (out_is_json(&o->ctx->out))
		return out_json(&o->ctx->out,
				json_pack("{s:s, s:s, s:b}", "schema",
					  "bpfwd.policy-change/1", "action",
					  text, "changed", !o->dry_run));
	if (o->dry_run)
		note(o->ctx, "would %s the policy", text);
	else
		note(o->ctx, "the policy is %s", done);
	return EXIT_OK;
}

static int unload(struct options *o)
{
	return policy_change(o, kwd_policy_unload, "unload", "unloaded");
}

static int keep(struct options *o)
{
	return policy_change(o, kwd_policy_keep, "keep", "kept");
}

static int cmd_policy_show(struct options *o)
{
	return policy_show(o->ctx);
}

static int diff(struct options *o)
{
	struct loaded_policy p;
	int ret = kwd_policy_probe();

	if (ret)
		return kwd_policy_missing(&o->ctx->fault, ret,
					  "cannot read the policy");
	if (loaded_policy_load(&p, o->paths, o->n_paths, o->vmlinux,
			       &o->ctx->fault))
		return o->ctx->fault.exit;
	ret = policy_diff(o->ctx, &p);
	loaded_policy_free(&p);
	return ret;
}

static int observe(struct options *o)
{
	struct fault *f = &o->ctx->fault;
	u64 for_ns = o->for_ns ? o->for_ns : 10000000000ULL;
	struct callgraph *cg;
	size_t n;
	int ret;

	if (callgraph_load(&cg, o->vmlinux, f))
		return f->exit;
	stop_on_signals();
	ret = callgraph_observe(cg, o->paths, o->n_paths, for_ns, &stopped, &n,
				f);
	callgraph_free(cg);
	if (ret)
		return ret;
	if (out_is_json(&o->ctx->out))
		return out_json(&o->ctx->out,
				json_pack("{s:s, s:I}", "schema",
					  "bpfwd.policy-observe/1", "calls",
					  (json_int_t)n));
	printf("%zu calls through pointers that were not known\n", n);
	return EXIT_OK;
}

static const struct {
	const char *name;
	int (*run)(struct options *o);
	bool paths;
} verbs[] = {
	{ "check", check, true },	    { "load", policy_load, true },
	{ "show", cmd_policy_show, false }, { "diff", diff, true },
	{ "unload", unload, false },	    { "keep", keep, false },
	{ "observe", observe, true },
};

int cmd_policy(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = cmd_policy_parse,
		.args_doc = "check [FILE|FOLDER...]\n"
			    "load [--for DUR] [FILE|FOLDER...]\n"
			    "diff [FILE|FOLDER...]\n"
			    "show\n"
			    "unload\n"
			    "keep\n"
			    "observe [--for DUR] [FUNCTION...]",
		.doc = "Which programs may be attached where.\v"
		       "FILE is described in bpfwd.policy(5); without one, "
		       "those in " POLICY_DIR " are taken. `check` says what a "
		       "policy would do to what is attached now, exit status 4 "
		       "if it would deny some of it; `diff` compares with the "
		       "kernel's, exit status 4 if they differ. `observe` follows "
		       "the calls of FUNCTIONs (patterns, else all of the "
		       "kernel) for 10s, or DUR, for call graphs to know where "
		       "pointers lead; the kernel is slower meanwhile.\n"
		       "Examples:\n"
		       "  bpfwd policy check 10-prod.yaml\n"
		       "  bpfwd policy check --path kprobe/vfs_read\n"
		       "  bpfwd policy load --for 10m && bpfwd policy keep",
		.children = common_options,
	};
	struct options o = { .ctx = ctx };
	size_t i = 0;

	parse_command(&argp, argc, argv, &o);
	if (ctx->fault.exit)
		return ctx->fault.exit;
	while (o.what && i < ARRAY_SIZE(verbs) && strcmp(o.what, verbs[i].name))
		i++;
	if (!o.what || i == ARRAY_SIZE(verbs)) {
		if (o.what)
			fault_set(&ctx->fault, EXIT_USAGE, 0,
				  "no policy command '%s'", o.what);
		else
			fault_set(&ctx->fault, EXIT_USAGE, 0, "policy what?");
		return fault_hint(
			&ctx->fault,
			"check, load, show, diff, unload, keep or observe");
	}
	if (o.n_paths && !verbs[i].paths)
		return fault_set(&ctx->fault, EXIT_USAGE, 0,
				 "policy %s takes no file", o.what);
	return verbs[i].run(&o);
}
