// SPDX-License-Identifier: GPL-2.0
/* The notation of documents, and what JSON Schema becomes of it. */
#include "unit.h"
#include "show/shape.h"
#include "show/types.h"

static void is_schema(const char *shape, const char *want)
{
	json_t *schema = shape_schema(shape);
	char *text = json_dumps(schema, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(schema);
}

static void shape_is_schema(void **state)
{
	is_schema("s", "{\"type\":\"string\"}");
	is_schema("i!", "{\"type\":[\"integer\",\"null\"]}");
	is_schema("[b]",
		  "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}");
	is_schema("{*:n}", "{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":\"number\"}}");
	is_schema(
		"{a:i b?:[{c:s}] d:s}",
		"{\"type\":\"object\",\"required\":[\"a\",\"d\"],\"properties\":{"
		"\"a\":{\"type\":\"integer\"},"
		"\"b\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
		"\"required\":[\"c\"],\"properties\":{\"c\":{\"type\":\"string\"}}}},"
		"\"d\":{\"type\":\"string\"}}}");
}

static void shape_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	   "x",		 "[s",	     "[s}",	  "{a",
		"{a:",	   "{a:s",	 "{a:x}",    "{:s}",	  "{a?s}",
		"{a:s} s", "{a:[s b:s}", "{a:{b:s}", "{*:s a:x}", "ss",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(shape_schema(bad[i]));
}

static void shape_names_its_document(void **state)
{
	json_t *schema = shape_document("x/1", "{a:s}");

	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(schema, "properties"),
					"schema"),
			"const")),
		"x/1");
	assert_int_equal(json_array_size(json_object_get(schema, "required")),
			 2);
	json_decref(schema);
}

static const struct CMUnitTest shape_tests[] = {
	cmocka_unit_test(shape_is_schema),
	cmocka_unit_test(shape_is_refused),
	cmocka_unit_test(shape_names_its_document),
};

RUN(shape_tests)
