// SPDX-License-Identifier: GPL-2.0
/* What serve does about policies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "policy/report.h"
#include "service/serve_policy.h"

/* Loading it again would only set its counters back. */
static bool kernel_has(const struct policy_rules *file)
{
	struct policy_rules kernel;
	bool same;

	if (kwd_policy_get(&kernel))
		return false;
	for (u32 i = 0; i < kernel.n; i++) {
		struct bpf_policy_rule *r = &kernel.rules[i];

		r->allowed = r->would_deny = r->denied = 0;
		r->latency_ns = 0;
		r->programs = r->hooks = 0;
		r->over_share = r->share_taken_ns = 0;
	}
	same = kernel.n == file->n && !kernel.revert_s &&
	       kernel.strings_size == file->strings_size &&
	       !memcmp(kernel.rules, file->rules,
		       kernel.n * sizeof(*kernel.rules)) &&
	       !memcmp(kernel.strings, file->strings, kernel.strings_size);
	policy_rules_free(&kernel);
	return same;
}

static int load_files(struct ctx *ctx, struct serve_files *files,
		      struct fault *f)
{
	char *const paths[] = { (char *)files->path };
	struct loaded_policy p;
	int err, ret;

	/* what cannot be read now may be right when other modules are there */
	files->by_code = true;
	if (loaded_policy_load(&p, paths, 1, NULL, f))
		return f->exit;
	files->n = p.set.n;
	files->by_code = p.cg;
	loaded_policy_notes(ctx, &p);
	/* what enforces nothing must not look as if it did */
	err = p.set.n ? kwd_policy_probe() : 0;
	if (err)
		ret = kwd_policy_missing(f, err, "cannot load the policies");
	else if (!p.set.n || kernel_has(&p.rules))
		ret = 0;
	else
		ret = kwd_policy_load(&p.rules, 0, false, f);
	loaded_policy_free(&p);
	return ret;
}

static u64 generation(void)
{
	struct policy_rules rules;
	u64 n;

	if (kwd_policy_get(&rules))
		return 0;
	n = rules.generation;
	policy_rules_free(&rules);
	return n;
}

int serve_policy_load(struct ctx *ctx, struct serve_files *files,
		      struct fault *f)
{
	int ret;

	files->n = 0;
	files->error[0] = '\0';
	files->by_code = false;
	if (!files->path || (files->optional && access(files->path, F_OK)))
		return 0;
	files->modules = files->seen = callgraph_modules();
	ret = load_files(ctx, files, f);
	if (ret)
		snprintf(files->error, sizeof(files->error), "%.300s%s%.200s",
			 f->msg, f->why[0] ? ": " : "", f->why);
	files->generation = generation();
	return ret;
}

bool serve_policy_outdated(struct serve_files *files,
			   const struct serve_policy *kernel)
{
	u64 modules, before = files->seen;

	if (!files->by_code ||
	    files->generation != (kernel->loaded ? kernel->generation : 0))
		return false;
	modules = files->seen = callgraph_modules();
	return modules == before && modules != files->modules;
}

bool serve_policy_look(struct serve_policy *seen)
{
	struct serve_policy now = { .known = true };
	struct policy_rules rules;
	bool changed;

	if (!kwd_policy_get(&rules)) {
		now.loaded = true;
		now.generation = rules.generation;
		now.shares_blind = policy_shares_blind(&rules);
		memcpy(now.name, rules.name, sizeof(now.name));
		snprintf(now.mode, sizeof(now.mode), "unknown");
		for (u32 i = 0; i < rules.n; i++)
			if (rules.rules[i].kind == BPF_POLICY_DEFAULTS) {
				now.denied = rules.rules[i].denied;
				snprintf(now.mode, sizeof(now.mode), "%s",
					 rule_mode_name(rules.rules[i].mode));
			}
		policy_rules_free(&rules);
	}
	changed = seen->known ? seen->loaded != now.loaded ||
					seen->generation != now.generation :
				now.loaded;
	*seen = now;
	return changed;
}
