// SPDX-License-Identifier: GPL-2.0
/* Policy files of any bytes: parsed or refused with a place in the file, and
 * nothing in between. Built with libFuzzer, ASan and UBSan by run.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy.h"

#define NAME "fuzz.yaml"

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
	policy_free(policy);
	return 0;
}
