// SPDX-License-Identifier: GPL-2.0
/* kernel.bpf_watchdog*: ranges, garbage, defaults. */
#include "harness/test_util.h"

static const struct {
	const char *name;
	long long deflt, min, max;
} sysctls[] = {
	{ "bpf_watchdog", 0, 0, 1 },
	{ "bpf_watchdog_period_us", 1000, 100, 1000000 },
	{ "bpf_watchdog_budget_us", 10000, 100, 2147483647 },
	{ "bpf_watchdog_budget_user_us", 1000000, 100, 2147483647 },
	{ "bpf_watchdog_budget_min_us", 1000, 1, 2147483647 },
	{ "bpf_watchdog_slack_percent", 400, 0, 100000 },
	{ "bpf_watchdog_quarantine", 0, 0, 2147483647 },
};

static void defaults(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sysctls); i++)
		CHECK(wd_sysctl_get(sysctls[i].name) == sysctls[i].deflt,
		      "kernel.%s is %lld, not %lld", sysctls[i].name,
		      wd_sysctl_get(sysctls[i].name), sysctls[i].deflt);
}

static void accepted(const char *name, long long value)
{
	char text[30];
	int err;

	snprintf(text, sizeof(text), "%lld", value);
	err = wd_sysctl_set(name, text);
	CHECK(!err, "kernel.%s = %s: %s", name, text, strerror(-err));
	CHECK(wd_sysctl_get(name) == value, "kernel.%s = %s, reads %lld", name,
	      text, wd_sysctl_get(name));
}

static void refused(const char *name, const char *text)
{
	long long before = wd_sysctl_get(name);
	int err = wd_sysctl_set(name, text);

	CHECK(err == -EINVAL || err == -ERANGE, "kernel.%s = '%s': %s", name,
	      text, strerror(-err));
	CHECK(wd_sysctl_get(name) == before,
	      "kernel.%s = '%s' changed it to %lld", name, text,
	      wd_sysctl_get(name));
}

static void ranges(void)
{
	static const char *const garbage[] = {
		"x",
		"1x",
		"-1",
		"0x",
		"1.5",
		"4294967296",
		"18446744073709551616",
	};
	char text[30];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sysctls); i++) {
		const char *name = sysctls[i].name;

		accepted(name, sysctls[i].max);
		accepted(name, sysctls[i].min);
		snprintf(text, sizeof(text), "%lld", sysctls[i].max + 1);
		refused(name, text);
		snprintf(text, sizeof(text), "%lld", sysctls[i].min - 1);
		refused(name, text);
		for (j = 0; j < ARRAY_SIZE(garbage); j++)
			refused(name, garbage[j]);
	}
}

static const struct test tests[] = {
	{ "defaults",
	  "the watchdog is off, its parameters are the documented ones",
	  defaults, NEEDS_WATCHDOG },
	{ "ranges",
	  "limits are accepted, what is beyond or garbage is refused and changes nothing",
	  ranges, NEEDS_WATCHDOG },
};

const struct suite suite_sysctl = {
	.name = "sysctl",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
