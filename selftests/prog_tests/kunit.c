// SPDX-License-Identifier: GPL-2.0
/* The KUnit tests of the kernel's bounds and rules, which have run when it booted. */
#include "harness/test_util.h"

#define RESULTS "/sys/kernel/debug/kunit/bpf_runtime/results"

static void bpf_runtime(void)
{
	char text[8192], *line, *end;
	unsigned int passed = 0;
	int err = file_read(RESULTS, text, sizeof(text));

	if (err == -ENOENT)
		skip("this kernel is built without CONFIG_BPF_RUNTIME_KUNIT_TEST");
	REQUIRE(!err, "%s: %s", RESULTS, strerror(-err));
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		CHECK(!strstr(line, "not ok"), "%s", line);
		passed += !strncmp(line, "    ok ", 7);
	}
	CHECK(passed >= 9, "%u tests have passed", passed);
}

static const struct test tests[] = {
	{ "bpf_runtime", "bounds of small graphs, rules that match",
	  bpf_runtime, NEEDS_WATCHDOG },
};

const struct suite suite_kunit = {
	.name = "kunit",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
