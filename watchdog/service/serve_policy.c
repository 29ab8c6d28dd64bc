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
	}
	same = kernel.n == file->n && !kernel.revert_s &&
	       kernel.strings_size == file->strings_size &&
	       !memcmp(kernel.rules, file->rules,
		       kernel.n * sizeof(*kernel.rules)) &&
	       !memcmp(kernel.strings, file->strings, kernel.strings_size);
	policy_rules_free(&kernel);
	return same;
}

int serve_policy_load(struct ctx *ctx, const char *path, size_t *n,
		      struct fault *f)
{
	char *const paths[] = { (char *)(path ? path : POLICY_DIR) };
	struct loaded_policy p;
	int err, ret;

	*n = 0;
	if (!path && access(POLICY_DIR, F_OK))
		return 0;
	if (loaded_policy_load(&p, paths, 1, NULL, f))
		return f->exit;
	*n = p.set.n;
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

bool serve_policy_look(struct serve_policy *seen)
{
	struct serve_policy now = { .known = true };
	struct policy_rules rules;
	bool changed;

	if (!kwd_policy_get(&rules)) {
		now.loaded = true;
		now.generation = rules.generation;
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
