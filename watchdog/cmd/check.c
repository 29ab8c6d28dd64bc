// SPDX-License-Identifier: GPL-2.0
/* bpfwd check: would the programs of objects be admitted? They are loaded, for the
 * kernel's estimate, and not attached.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "kernel/machine.h"
#include "policy/report.h"
#include "progs/digest.h"
#include "progs/objs.h"
#include "progs/sections.h"
#include "show/ctx.h"

struct check {
	struct ctx *ctx;
	const char *vmlinux;
	struct obj_settings settings;
	struct model_use model;
	char **policies, **words;
	size_t n_policies;
	int n_words;
	bool beside;
	struct attachment *all; /* those that are attached first */
	size_t n, n_attached, failed;
};

enum { KEY_POLICY = 0x100, KEY_BESIDE, KEY_VMLINUX };

static const struct argp_option options[] = {
	{ "policy", KEY_POLICY, "FILE|FOLDER", 0,
	  "judge by this; may be repeated. " POLICY_DIR " if not given", 1 },
	{ "beside", KEY_BESIDE, 0, 0,
	  "together with what is attached on this machine now", 1 },
	{ "vmlinux", KEY_VMLINUX, "FILE", 0,
	  "the running kernel with its symbols, for call graphs", 1 },
	{ 0 },
};

static error_t check_parse(int key, char *arg, struct argp_state *state)
{
	struct check *c = state->input;
	char **all;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->settings;
		state->child_inputs[1] = c->ctx;
		return 0;
	case KEY_POLICY:
		all = reallocarray(c->policies, c->n_policies + 1,
				   sizeof(*all));
		if (!all)
			return ENOMEM;
		c->policies = all;
		all[c->n_policies++] = arg;
		return 0;
	case KEY_BESIDE:
		c->beside = true;
		return 0;
	case KEY_VMLINUX:
		c->vmlinux = arg;
		return 0;
	case ARGP_KEY_ARGS:
		c->words = state->argv + state->next;
		c->n_words = state->argc - state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Which device, file or function it will be is not known: `?` stands for it. */
static char *hook_of(const char *section)
{
	while (*section == '?')
		section++;
	return section_hook(section, "?");
}

static int check_take(void *arg, const struct obj_prog *prog)
{
	struct check *c = arg;
	struct attachment *all, a = {};
	struct estimate e;
	int err;

	if (prog->fd < 0) {
		c->failed++;
		note(c->ctx, "%s: %s does not load: %s (%s)", prog->object,
		     prog->name, prog->why, errno_name(-prog->fd));
		return 0;
	}
	err = kwd_estimate_get(prog->fd, &e);
	if (err == -ENOSYS)
		return kwd_estimate_missing(&c->ctx->fault);
	if (err)
		return fault_set(&c->ctx->fault, EXIT_FAILED, err,
				 "cannot ask the kernel about %s", prog->name);
	attachment_estimate(&a, &e.info, e.info_len, &c->model);
	/* libbpf has closed its tables of tail calls */
	if (!prog->whole)
		a.tail_ns = a.worst_ns;
	a.type = e.info.type;
	memcpy(a.tag, e.info.tag, sizeof(a.tag));
	/* it is gone with the object */
	a.btf = btf_digest(e.info.btf_id);
	a.prog = strdup(prog->name);
	a.hook = hook_of(prog->section);
	a.comm = "";
	all = reallocarray(c->all, c->n + 1, sizeof(*all));
	if (all)
		c->all = all;
	if (!all || !a.prog || !a.hook) {
		free((char *)a.prog);
		free((char *)a.hook);
		return fault_set(&c->ctx->fault, EXIT_FAILED, ENOMEM,
				 "cannot keep %s", prog->name);
	}
	all[c->n++] = a;
	return 0;
}

static int check_run(struct check *c)
{
	struct fault *f = &c->ctx->fault;
	struct loaded_policy p;
	struct attached at = {};
	int ret = loaded_policy_load(&p, c->policies, c->n_policies, c->vmlinux,
				     f);

	if (ret)
		return ret;
	loaded_policy_notes(c->ctx, &p);
	model_in_use(&c->model);
	if (c->beside)
		ret = attached_load(&at, &p.rules, f);
	if (!ret && at.n) {
		c->all = calloc(at.n, sizeof(*c->all));
		if (c->all) {
			memcpy(c->all, at.all, at.n * sizeof(*c->all));
			c->n = c->n_attached = at.n;
		}
	}
	for (int i = 0; !ret && i < c->n_words; i++)
		ret = objs_each(c->ctx, c->words[i], &c->settings, check_take,
				c);
	ret = ret ? ret : obj_settings_used(&c->settings, f);
	if (!ret) {
		ret = policy_judge(&p.rules, &p.graphs, c->all, c->n,
				   c->n_attached) ?
			      fault_set(f, EXIT_FAILED, ENOMEM, "no memory") :
			      decisions_print(c->ctx, &p.rules, &p.graphs,
					      c->all + c->n_attached,
					      c->n - c->n_attached,
					      "bpfwd.check/1");
	}
	/* of what does not load nobody knows whether it is admitted */
	if ((!ret || ret == EXIT_JUDGED) && c->failed)
		ret = fault_set(f, EXIT_FAILED, 0,
				"%zu programs do not load on this kernel",
				c->failed);
	for (size_t i = c->n_attached; i < c->n; i++) {
		free((char *)c->all[i].prog);
		free((char *)c->all[i].hook);
	}
	free(c->all);
	attached_free(&at);
	loaded_policy_free(&p);
	return ret;
}

int cmd_check(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = check_parse,
		.args_doc = "OBJ...",
		.doc = "Would a policy admit the programs of objects?\v"
		       "Each program is loaded, not attached, and judged at "
		       "the hook that its SEC() names, with those before it "
		       "attached. `?` stands for what SEC() leaves open, as "
		       "the device of `xdp`. Exit status 4 if one is not "
		       "admitted.\n"
		       "Examples:\n"
		       "  bpfwd check *.bpf.o --policy 10-prod.yaml\n"
		       "  bpfwd check --beside spin.bpf.o",
		.children = object_options,
	};
	struct check c = { .ctx = ctx };
	int ret;

	parse_command(&argp, argc, argv, &c);
	if (c.n_words) {
		ret = kwd_here() ? check_run(&c) :
				   kwd_estimate_missing(&ctx->fault);
	} else {
		fault_set(&ctx->fault, EXIT_USAGE, 0, "check what?");
		ret = fault_hint(&ctx->fault,
				 "bpfwd check OBJ... --policy FILE");
	}
	obj_settings_free(&c.settings);
	free(c.policies);
	return ret;
}
