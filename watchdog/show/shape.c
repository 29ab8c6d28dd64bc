// SPDX-License-Identifier: GPL-2.0
/* JSON Schema, from a short notation of what a document looks like. */
#include <string.h>
#include "show/shape.h"

static json_t *parse_type(const char **at);

static const char *simple_type(char letter)
{
	switch (letter) {
	case 's':
		return "string";
	case 'b':
		return "boolean";
	case 'i':
		return "integer";
	case 'n':
		return "number";
	}
	return NULL;
}

/* Behind the brace: "key:type key?:type}" or "*:type}". */
static json_t *parse_keys(const char **at)
{
	json_t *props = json_object(), *required = json_array(), *any = NULL;
	const char *p = *at;

	while (*p && *p != '}') {
		size_t len = strcspn(p, "?: }");
		const char *key = p;
		json_t *type;

		p += len;
		if (*p == '?')
			p++;
		else if (*key != '*')
			json_array_append_new(required, json_stringn(key, len));
		type = *p == ':' && len ? (p++, parse_type(&p)) : NULL;
		if (!type)
			goto bad;
		if (*key == '*')
			any = type;
		else
			json_object_setn_new(props, key, len, type);
		p += *p == ' ';
	}
	if (*p != '}')
		goto bad;
	*at = p + 1;
	if (any) {
		json_decref(props);
		json_decref(required);
		return json_pack("{s:s, s:o}", "type", "object",
				 "additionalProperties", any);
	}
	return json_pack("{s:s, s:o, s:o}", "type", "object", "required",
			 required, "properties", props);
bad:
	json_decref(props);
	json_decref(required);
	json_decref(any);
	return NULL;
}

static json_t *parse_type(const char **at)
{
	char first = **at;
	const char *name = simple_type(first);
	json_t *of;

	(*at)++;
	if (first == '{')
		return parse_keys(at);
	if (first == '[') {
		of = parse_type(at);
		if (!of || *(*at)++ != ']') {
			json_decref(of);
			return NULL;
		}
		return json_pack("{s:s, s:o}", "type", "array", "items", of);
	}
	if (name && **at == '!') {
		(*at)++;
		return json_pack("{s:[s, s]}", "type", name, "null");
	}
	return name ? json_pack("{s:s}", "type", name) : NULL;
}

json_t *shape_schema(const char *shape)
{
	json_t *schema = parse_type(&shape);

	if (!schema || !*shape)
		return schema;
	json_decref(schema);
	return NULL;
}

json_t *shape_document(const char *name, const char *shape)
{
	json_t *schema = shape_schema(shape);

	json_object_set_new(schema, "title", json_string(name));
	json_object_set_new(json_object_get(schema, "properties"), "schema",
			    json_pack("{s:s}", "const", name));
	json_array_append_new(json_object_get(schema, "required"),
			      json_string("schema"));
	return schema;
}
