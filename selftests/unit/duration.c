// SPDX-License-Identifier: GPL-2.0
/* Durations, moments and numbers as text. */
#include "unit.h"
#include <errno.h>
#include "show/duration.h"

static void duration_is_printed(void **state)
{
	static const struct {
		u64 ns;
		const char *measured, *set;
	} rows[] = {
		{ 0, "0ns", "0ns" },
		{ 1, "1ns", "1ns" },
		{ 999, "999ns", "999ns" },
		{ 1000, "1.00us", "1us" },
		{ 1500, "1.50us", "1.5us" },
		{ 9994, "9.99us", "9.99us" },
		{ 9996, "10.0us", "10us" },
		{ 99940, "99.9us", "99.9us" },
		{ 99960, "100us", "100us" },
		{ 999499, "999us", "999us" },
		{ 999600, "1.00ms", "1ms" },
		{ 10000000, "10.0ms", "10ms" },
		{ 1000000000, "1.00s", "1s" },
		{ 3600000000000, "3600s", "3600s" },
		{ UINT64_MAX, "18446744074s", "18446744074s" },
	};
	char buf[DURATION_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(duration(rows[i].ns, buf),
				    rows[i].measured);
		assert_string_equal(duration_set(rows[i].ns, buf), rows[i].set);
	}
}

static void duration_is_a_bound(void **state)
{
	char buf[DURATION_LEN];

	assert_string_equal(duration_bound(1500, buf), "1.50us");
	assert_string_equal(duration_bound(3600000000000, buf), "3600s");
	assert_string_equal(duration_bound(3600000000001, buf), ">1h");
	assert_string_equal(duration_bound(UINT64_MAX, buf), "inf");
}

static void duration_is_parsed(void **state)
{
	static const struct {
		const char *text;
		u64 ns;
	} rows[] = {
		{ "1ns", 1 },
		{ "10ms", 10000000 },
		{ "1.5us", 1500 },
		{ "0.5s", 500000000 },
		{ "2.000000001s", 2000000001 },
		/* digits below a nanosecond are cut off */
		{ "1.0009us", 1000 },
		{ "1m", 60000000000 },
		{ "1min", 60000000000 },
		{ "1.5h", 5400000000000 },
		{ "9223372036854775807ns", INT64_MAX },
		{ "007s", 7000000000 },
	};
	u64 ns;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(duration_parse(rows[i].text, &ns), 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

static void duration_is_refused(void **state)
{
	static const char *const malformed[] = {
		"",	"ms",	 "10",	 "-1ms",  "+1ms",  "1.ms",
		".5ms", "1 ms",	 " 1ms", "1ms ",  "1e3ms", "0x1ms",
		"1kg",	"1msms", "1.5",	 "1,5ms",
	};
	static const char *const range[] = {
		"0",
		"0ns",
		"0.0s",
		"0.1ns",
		"9223372036854775808ns",
		"18446744073709551617ns",
		"99999999999999999999s",
		"2562048h",
	};
	u64 ns = 42;

	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		assert_int_equal(duration_parse(malformed[i], &ns), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(range); i++)
		assert_int_equal(duration_parse(range[i], &ns), -ERANGE);
	assert_int_equal(ns, 42);
}

static void duration_option_says_why(void **state)
{
	struct fault f = {};
	u64 ns;

	assert_int_equal(duration_option(&f, "budget", "10ms", "1ms", &ns), 0);
	assert_int_equal(f.exit, 0);
	assert_int_equal(duration_option(&f, "budget", "10ms", "10", &ns),
			 EXIT_USAGE);
	assert_string_equal(f.msg, "bad budget '10'");
	assert_non_null(strstr(f.why, "a number with a unit"));
	assert_string_equal(f.hint, "--budget 10ms");
	assert_int_equal(f.err, EINVAL);
	duration_option(&f, "budget", "10ms", "0s", &ns);
	assert_int_equal(f.err, ERANGE);
}

static void number_is_parsed(void **state)
{
	u64 n = 42;

	assert_int_equal(number_parse("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse("18446744073709551615", UINT64_MAX, &n),
			 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(number_parse("11", 10, &n), -ERANGE);
	assert_int_equal(number_parse("18446744073709551616", UINT64_MAX, &n),
			 -ERANGE);
	assert_int_equal(number_parse("", 10, &n), -EINVAL);
	assert_int_equal(number_parse("-1", 10, &n), -EINVAL);
	assert_int_equal(number_parse("1x", 10, &n), -EINVAL);
	assert_int_equal(number_parse(" 1", 10, &n), -EINVAL);
}

static void moment_is_printed(void **state)
{
	char buf[UTC_LEN];

	assert_string_equal(utc(0, buf), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(utc(1769860800000001999, buf),
			    "2026-01-31T12:00:00.000001Z");
}

static const struct CMUnitTest duration_tests[] = {
	cmocka_unit_test(duration_is_printed),
	cmocka_unit_test(duration_is_a_bound),
	cmocka_unit_test(duration_is_parsed),
	cmocka_unit_test(duration_is_refused),
	cmocka_unit_test(duration_option_says_why),
	cmocka_unit_test(number_is_parsed),
	cmocka_unit_test(moment_is_printed),
};

RUN(duration_tests)
