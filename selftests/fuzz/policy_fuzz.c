// SPDX-License-Identifier: GPL-2.0
/* Policy files of any bytes: compiled to rules, or refused with a place in the
 * file, and nothing in between. Built with libFuzzer, ASan and UBSan by run.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/rules.h"

#define NAME "fuzz.yaml"

/* What the kernel would get is well formed. */
static void compile(struct policy *policy)
{
	struct policy_set set = { .policies = &policy, .n = 1 };
	struct policy_graphs graphs;
	struct policy_rules rules;
	struct fault f = {};

	if (policy_needs_graph(&set))
		return;
	if (policy_compile(&set, NULL, &rules, &graphs, &f))
		abort();
	if (!rules.n || rules.n > BPF_POLICY_MAX_RULES ||
	    rules.rules[0].kind != BPF_POLICY_DEFAULTS || rules.strings[0] ||
	    rules.strings[rules.strings_size - 1])
		abort();
	for (u32 i = 0; i < rules.n; i++) {
		char *line = rule_line(&rules, i);

		if (!line || (i && rules.rules[i].kind == BPF_POLICY_DEFAULTS))
			abort();
		free(line);
	}
	policy_graphs_free(&graphs);
	policy_rules_free(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy *policy;
	struct fault f = {};
	int ret = policy_parse((const char *)data, size, NAME, &policy, &f);

	if (!ret != !!policy || ret != f.exit)
		abort();
	if (ret) {
		/* a refusal says where */
		if (ret == EXIT_USAGE && !f.err &&
		    (strncmp(f.msg, NAME ":", sizeof(NAME)) ||
		     strtoul(f.msg + sizeof(NAME), NULL, 10) == 0))
			abort();
		return 0;
	}
	if (!policy->name[0] || policy->version != 1)
		abort();
	compile(policy);
	policy_free(policy);
	return 0;
}
