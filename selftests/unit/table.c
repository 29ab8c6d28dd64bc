// SPDX-License-Identifier: GPL-2.0
/* Rows of named columns: which are shown, filters, order, CSV, JSON. */
#include "unit.h"
#include "show/table.h"

struct beast {
	const char *name;
	u64 legs;
	bool tame;
	u64 sleeps_ns;
	double weight;
};

#define GETTER(member, value)                             \
	static struct val beast_##member(const void *row) \
	{                                                 \
		const struct beast *b = row;              \
                                                          \
		return value;                             \
	}

GETTER(name, val_text(b->name))
/* of a snake nobody knows */
GETTER(legs, val_num(b->legs, b->legs))
GETTER(tame, val_num(b->tame, true))
GETTER(sleeps_ns, val_num(b->sleeps_ns, true))
GETTER(weight, val_real(b->weight, true))

static const struct col beast_cols[] = {
	{ "name", "name", VAL_STR, COL_DEFAULT, "its name", beast_name },
	{ "legs", "nr_legs", VAL_U64, COL_DEFAULT, "how many", beast_legs },
	{ "tame", "tame", VAL_BOOL, COL_WIDE, "comes when called", beast_tame },
	{ "sleeps", "sleeps_ns", VAL_NS_BOUND, 0, "how long", beast_sleeps_ns },
	{ "weight", "weight", VAL_REAL, COL_WIDE, "in kg", beast_weight },
};

static const struct beast zoo[] = {
	{ "cat", 4, true, 2000000, 4.5 },
	{ "snake", 0, false, UINT64_MAX, 2 },
	{ "a \"bird\", small", 2, true, 1000, 0.125 },
	{ "spider", 8, false, 0, 0.001 },
};

static struct table *zoo_table(void)
{
	struct table *t = table_new(beast_cols, ARRAY_SIZE(beast_cols));

	assert_non_null(t);
	return t;
}

static void zoo_fill(struct table *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(zoo); i++)
		assert_int_equal(table_add(t, &zoo[i]), 0);
	table_close(t);
}

/* The first letters of the names that are left. */
static void zoo_is(const struct table *t, const char *letters)
{
	const struct col *name = table_col(t, "name");

	assert_int_equal(table_rows(t), strlen(letters));
	for (size_t i = 0; letters[i]; i++)
		assert_int_equal(table_val(t, i, name)->str[0], letters[i]);
}

static void zoo_prints(void *arg)
{
	table_print(arg, &(struct out){ .format = OUT_TABLE }, true);
}

static void zoo_prints_csv(void *arg)
{
	table_print(arg, &(struct out){ .format = OUT_CSV }, true);
}

static void table_filters(void **state)
{
	static const struct {
		const char *filter, *left;
	} rows[] = {
		{ "legs>2", "cs" },
		{ "legs>=2", "cas" },
		{ "legs<4", "a" },
		{ "legs<=4", "ca" },
		{ "legs=4", "c" },
		{ "legs==4", "c" },
		/* of an unknown value nothing can be said */
		{ "legs!=4", "as" },
		{ "nr_legs>2", "cs" },
		{ "LEGS > 2", "cs" },
		{ "name=s*", "ss" },
		{ "name!=s*", "ca" },
		{ "sn*", "s" },
		{ "tame=yes", "ca" },
		{ "tame=no", "ss" },
		{ "tame=true", "ca" },
		{ "sleeps>1us", "cs" },
		{ "sleeps>=1us", "csa" },
		{ "weight<1", "as" },
	};
	struct fault f = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct table *t = zoo_table();

		assert_int_equal(table_filter(t, rows[i].filter, &f), 0);
		zoo_fill(t);
		zoo_is(t, rows[i].left);
		table_free(t);
	}
}

static void table_filters_are_all_true(void **state)
{
	struct table *t = zoo_table();
	struct fault f = {};

	table_filter(t, "legs>2", &f);
	table_filter(t, "tame=yes", &f);
	zoo_fill(t);
	zoo_is(t, "c");
	table_clear(t);
	table_filter_none(t);
	zoo_fill(t);
	zoo_is(t, "csas");
	table_free(t);
}

static void table_filter_is_refused(void **state)
{
	static const char *const bad[] = {
		"wings>2",	"legs>many", "legs>",  "sleeps>10",
		"tame=perhaps", "name>a",    "legs!4", "weight<x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct table *t = zoo_table();
		struct fault f = {};

		assert_int_equal(table_filter(t, bad[i], &f), EXIT_USAGE);
		assert_int_equal(f.exit, EXIT_USAGE);
		assert_true(f.msg[0]);
		zoo_fill(t);
		zoo_is(t, "csas");
		table_free(t);
	}
}

static void table_sorts(void **state)
{
	static const struct {
		const char *by, *order;
	} rows[] = {
		/* unknown ones last, both ways */
		{ "legs", "acss" },    { "legs-", "scas" },
		{ "legs+", "acss" },   { "name", "acss" },
		{ "name-", "ssca" },   { "sleeps", "sacs" },
		{ "weight-", "csas" },
	};
	struct fault f = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct table *t = zoo_table();

		assert_int_equal(table_sort(t, rows[i].by, &f), 0);
		zoo_fill(t);
		zoo_is(t, rows[i].order);
		table_free(t);
	}
}

static void table_cuts(void **state)
{
	struct table *t = zoo_table();
	struct fault f = {};

	table_sort(t, "legs-", &f);
	table_top(t, 2);
	zoo_fill(t);
	zoo_is(t, "sc");
	assert_int_equal(table_sort(t, "wings", &f), EXIT_USAGE);
	table_free(t);
}

static void table_emits(void **state)
{
	struct table *t = zoo_table();
	struct fault f = {};
	char buf[TABLE_CELL_LEN];

	assert_int_equal(table_shown(t), 2);
	assert_int_equal(table_emit(t, "+sleeps", false, &f), 0);
	assert_int_equal(table_shown(t), 3);
	assert_string_equal(table_head(t, 2, buf), "SLEEPS");
	assert_true(table_wants(t, "sleeps_ns"));
	assert_false(table_wants(t, "weight"));
	assert_int_equal(table_emit(t, NULL, true, &f), 0);
	assert_int_equal(table_shown(t), 5);
	assert_int_equal(table_emit(t, "tame,name,tame", false, &f), 0);
	assert_int_equal(table_shown(t), 2);
	assert_string_equal(table_head(t, 0, buf), "TAME");
	assert_int_equal(table_emit(t, ",", false, &f), EXIT_USAGE);
	assert_int_equal(table_emit(t, "wings", false, &f), EXIT_USAGE);
	assert_string_equal(f.msg, "no column 'wings'");
	table_free(t);
}

static void table_prints(void **state)
{
	struct table *t = zoo_table();
	struct fault f = {};
	char *text;

	table_emit(t, "name,legs,sleeps,tame", false, &f);
	zoo_fill(t);
	text = printed(zoo_prints, t);
	assert_string_equal(text, "NAME             LEGS  SLEEPS  TAME\n"
				  "cat                 4  2.00ms   yes\n"
				  "snake               -     inf    no\n"
				  "a \"bird\", small     2  1.00us   yes\n"
				  "spider              8     0ns    no\n");
	free(text);
	table_free(t);
}

static void table_prints_csv(void **state)
{
	struct table *t = zoo_table();
	struct fault f = {};
	char *text;

	table_emit(t, "name,legs,sleeps,tame,weight", false, &f);
	zoo_fill(t);
	text = printed(zoo_prints_csv, t);
	assert_string_equal(text, "name,nr_legs,sleeps_ns,tame,weight\n"
				  "cat,4,2000000,1,4.5\n"
				  "snake,,,0,2\n"
				  "\"a \"\"bird\"\", small\",2,1000,1,0.125\n"
				  "spider,8,0,0,0.001\n");
	free(text);
	table_free(t);
}

/* Both ways to JSON say the same. */
static void table_prints_json(void **state)
{
	struct table *t = zoo_table();
	json_t *tree, *row;
	char *text, *want;
	size_t len;
	FILE *file;

	zoo_fill(t);
	tree = table_json(t);
	assert_int_equal(json_array_size(tree), ARRAY_SIZE(zoo));
	for (size_t i = 0; i < ARRAY_SIZE(zoo); i++) {
		file = open_memstream(&text, &len);
		table_json_write(t, i, file);
		fclose(file);
		row = json_loads(text, 0, NULL);
		assert_non_null(row);
		assert_true(json_equal(row, json_array_get(tree, i)));
		json_decref(row);
		free(text);
	}
	want = json_dumps(json_array_get(tree, 1), JSON_COMPACT);
	assert_string_equal(want, "{\"name\":\"snake\",\"tame\":false,"
				  "\"sleeps_ns\":null,\"weight\":2.0}");
	free(want);
	json_decref(tree);
	table_free(t);
}

static void table_has_a_schema(void **state)
{
	json_t *doc = cols_schema(beast_cols, ARRAY_SIZE(beast_cols),
				  "bpfwd.zoo/1", "beasts"),
	       *props, *sleeps;

	assert_string_equal(json_string_value(json_object_get(doc, "title")),
			    "bpfwd.zoo/1");
	props = json_object_get(doc, "properties");
	props = json_object_get(json_object_get(props, "beasts"), "items");
	props = json_object_get(props, "properties");
	assert_int_equal(json_object_size(props), ARRAY_SIZE(beast_cols));
	sleeps = json_object_get(json_object_get(props, "sleeps_ns"), "type");
	assert_string_equal(json_string_value(json_array_get(sleeps, 1)),
			    "null");
	json_decref(doc);
}

static const struct CMUnitTest table_tests[] = {
	cmocka_unit_test(table_filters),
	cmocka_unit_test(table_filters_are_all_true),
	cmocka_unit_test(table_filter_is_refused),
	cmocka_unit_test(table_sorts),
	cmocka_unit_test(table_cuts),
	cmocka_unit_test(table_emits),
	cmocka_unit_test(table_prints),
	cmocka_unit_test(table_prints_csv),
	cmocka_unit_test(table_prints_json),
	cmocka_unit_test(table_has_a_schema),
};

RUN(table_tests)
