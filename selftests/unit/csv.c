// SPDX-License-Identifier: GPL-2.0
/* The CSV of the benchmarks, and the JSON that is made of it. */
#include "unit.h"
#include <errno.h>
#include <math.h>
#include "../../bench/csv.h"

static char csv_path[] = "/tmp/unit-csv.XXXXXX";

static struct csv *csv_of(const char *text)
{
	FILE *f = fopen(csv_path, "w");

	fputs(text, f);
	fclose(f);
	return csv__load(csv_path);
}

static int csv_file(void **state)
{
	int fd = mkstemp(csv_path);

	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int csv_file_gone(void **state)
{
	return unlink(csv_path);
}

static void csv_is_read(void **state)
{
	struct csv *c = csv_of("# kernel: 6.12\n"
			       "#cpu: some: cpu\n"
			       "# no stamp\n"
			       "a,b,c\n"
			       "1,x,2.5\n"
			       "\n"
			       "a,b,c\n"
			       "# kernel: 6.12\n"
			       "# kernel: 6.13\n"
			       "-3,,1e3\n"
			       "too,few\n"
			       "4,y,5 \n");
	double v;

	assert_non_null(c);
	assert_int_equal(csv__cols(c), 3);
	assert_int_equal(csv__rows(c), 3);
	assert_string_equal(csv__col_name(c, 1), "b");
	assert_int_equal(csv__col(c, "c"), 2);
	assert_int_equal(csv__col(c, "d"), -1);
	assert_string_equal(csv__str(c, 0, 1), "x");
	assert_string_equal(csv__str(c, 1, 1), "");
	assert_string_equal(csv__str(c, 0, -1), "");
	assert_true(csv__num(c, 0, 2, &v));
	assert_true(v == 2.5);
	assert_true(csv__num(c, 1, 2, &v));
	assert_true(v == 1000);
	assert_false(csv__num(c, 1, 1, &v));
	assert_false(csv__num(c, 0, 1, &v));
	assert_false(csv__num(c, 2, 2, &v));
	assert_false(csv__num(c, 0, -1, &v));
	/* the same stamp is kept once, another value is a further one */
	assert_int_equal(csv__nr_stamps(c), 3);
	assert_string_equal(csv__stamp(c, "kernel"), "6.12");
	assert_string_equal(csv__stamp(c, "cpu"), "some: cpu");
	assert_null(csv__stamp(c, "no stamp"));
	csv__free(c);
}

static void csv_is_missing(void **state)
{
	assert_null(csv__load("/nowhere.csv"));
	assert_int_equal(errno, ENOENT);
	assert_null(csv_of("# kernel: 6.12\n"));
	assert_int_equal(errno, ENODATA);
	csv__free(NULL);
}

static void csv_becomes_json(void **state)
{
	struct csv *c = csv_of("# a: true\n# b: 1\n# b: x\"y\n# c: 12\nh\n");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	json_env(f, c);
	csv__put_stamps(c, f);
	json_num(f, true, 1.23456);
	json_num(f, false, 1);
	json_num(f, true, NAN);
	json_str(f, "\\\t\n\x1f");
	fclose(f);
	assert_string_equal(text, "\"env\": {\n"
				  "    \"a\": true,\n"
				  "    \"b\": [\"1\", \"x\\\"y\"],\n"
				  "    \"c\": \"12\"\n"
				  "  }"
				  "# a: true\n# b: 1\n# b: x\"y\n# c: 12\n"
				  "1.235nullnull\"\\\\\\u0009\\u000a\\u001f\"");
	free(text);
	csv__free(c);
}

static const struct CMUnitTest csv_tests[] = {
	cmocka_unit_test(csv_is_read),
	cmocka_unit_test(csv_is_missing),
	cmocka_unit_test(csv_becomes_json),
};

int main(void)
{
	return cmocka_run_group_tests(csv_tests, csv_file, csv_file_gone);
}
