// SPDX-License-Identifier: GPL-2.0
/* Prometheus text, OpenMetrics text, JSON. */
#include "unit.h"
#include <jansson.h>
#include "show/expo.h"

static const struct expo_family runs = { "x_runs_total", EXPO_COUNTER,
					 "Runs." };
static const struct expo_family took = { "x_took_seconds", EXPO_HISTOGRAM,
					 "Time." };

static char *expo_example(enum expo_format format)
{
	struct expo *e = expo_new(format);
	struct expo_label labels[] = { { "id", "7" },
				       { "dev", "a\"b\\c\nd\xff" } };
	struct expo_label le = { "le", "0.01" };
	size_t len;
	char *text;

	expo_family(e, &runs);
	expo_count(e, "", labels, 2, 12);
	expo_count(e, "", NULL, 0, UINT64_MAX);
	expo_family(e, &took);
	expo_count(e, "_bucket", &le, 1, 3);
	expo_seconds(e, "_sum", NULL, 0, 1500000000);
	text = expo_text(e, &len);
	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	expo_free(e);
	return text;
}

static void expo_is_prometheus(void **state)
{
	char *text = expo_example(EXPO_PROMETHEUS);

	assert_string_equal(
		text, "# HELP x_runs_total Runs.\n"
		      "# TYPE x_runs_total counter\n"
		      "x_runs_total{id=\"7\",dev=\"a\\\"b\\\\c\\nd?\"} 12\n"
		      "x_runs_total 18446744073709551615\n"
		      "# HELP x_took_seconds Time.\n"
		      "# TYPE x_took_seconds histogram\n"
		      "x_took_seconds_bucket{le=\"0.01\"} 3\n"
		      "x_took_seconds_sum 1.5\n");
	free(text);
}

static void expo_is_openmetrics(void **state)
{
	char *text = expo_example(EXPO_OPENMETRICS);

	assert_non_null(strstr(text, "# TYPE x_runs counter\n"));
	assert_non_null(strstr(text, "\nx_runs_total{id="));
	assert_string_equal(text + strlen(text) - strlen("1.5\n# EOF\n"),
			    "1.5\n# EOF\n");
	free(text);
}

static void expo_is_json(void **state)
{
	char *text = expo_example(EXPO_JSON);
	json_t *all = json_loads(text, 0, NULL), *samples, *labels;

	assert_int_equal(json_array_size(all), 2);
	samples = json_object_get(json_array_get(all, 0), "samples");
	assert_int_equal(json_array_size(samples), 2);
	labels = json_object_get(json_array_get(samples, 0), "labels");
	assert_string_equal(json_string_value(json_object_get(labels, "id")),
			    "7");
	json_decref(all);
	free(text);
}

static void expo_may_be_empty(void **state)
{
	struct expo *e = expo_new(EXPO_JSON);
	size_t len;
	char *text = expo_text(e, &len);

	assert_string_equal(text, "[]");
	free(text);
	expo_free(e);
}

static void seconds_are_exact(void **state)
{
	char buf[SECONDS_LEN];

	assert_string_equal(seconds_text(0, buf), "0");
	assert_string_equal(seconds_text(1, buf), "0.000000001");
	assert_string_equal(seconds_text(10000000, buf), "0.01");
	assert_string_equal(seconds_text(1000000000, buf), "1");
	assert_string_equal(seconds_text(1234567890123456789, buf),
			    "1234567890.123456789");
	assert_string_equal(seconds_text(UINT64_MAX, buf), "+Inf");
}

static const struct CMUnitTest expo_tests[] = {
	cmocka_unit_test(expo_is_prometheus),
	cmocka_unit_test(expo_is_openmetrics),
	cmocka_unit_test(expo_is_json),
	cmocka_unit_test(expo_may_be_empty),
	cmocka_unit_test(seconds_are_exact),
};

RUN(expo_tests)
