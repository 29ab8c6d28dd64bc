// SPDX-License-Identifier: GPL-2.0
/* Metrics as Prometheus text (what node_exporter's textfile collector reads),
 * OpenMetrics text or JSON. The two texts differ in the name of a counter's
 * family and in the last line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "expo.h"

struct expo {
	enum expo_format format;
	const struct expo_family *family;
	FILE *text;
	char *buf;
	size_t len;
	json_t *families, *samples;
};

static const char *const types[] = {
	[EXPO_GAUGE] = "gauge",
	[EXPO_COUNTER] = "counter",
	[EXPO_HISTOGRAM] = "histogram",
};

struct expo *expo_new(enum expo_format format)
{
	struct expo *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->format = format;
	if (format == EXPO_JSON)
		e->families = json_array();
	else
		e->text = open_memstream(&e->buf, &e->len);
	if (e->families || e->text)
		return e;
	free(e);
	return NULL;
}

void expo_free(struct expo *e)
{
	if (!e)
		return;
	if (e->text)
		fclose(e->text);
	free(e->buf);
	json_decref(e->families);
	free(e);
}

void expo_family(struct expo *e, const struct expo_family *family)
{
	int len = strlen(family->name);

	e->family = family;
	if (e->families) {
		json_t *f = json_pack("{s:s, s:s, s:s, s:[]}", "name",
				      family->name, "type", types[family->type],
				      "help", family->help, "samples");

		e->samples = json_object_get(f, "samples");
		json_array_append_new(e->families, f);
		return;
	}
	if (e->format == EXPO_OPENMETRICS && family->type == EXPO_COUNTER)
		len -= strlen("_total");
	fprintf(e->text, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, family->name,
		family->help, len, family->name, types[family->type]);
}

/* Both formats are UTF-8, and one byte that is not spoils the whole scrape:
 * file and device names may hold any.
 */
static bool is_utf8(const char *s)
{
	json_t *text = json_string(s);

	json_decref(text);
	return text;
}

static void put_label_value(FILE *f, const char *s)
{
	bool utf8;

	/* most of them hold nothing that needs a look */
	if (!s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_./-:")]) {
		fputs(s, f);
		return;
	}
	utf8 = is_utf8(s);
	for (; *s; s++) {
		if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			putc(utf8 || (unsigned char)*s < 0x80 ? *s : '?', f);
	}
}

static void sample(struct expo *e, const char *suffix,
		   const struct expo_label *labels, size_t n, const char *value)
{
	if (e->families) {
		json_t *object = json_object();

		for (size_t i = 0; i < n; i++) {
			json_t *text = json_string(labels[i].value);

			json_object_set_new(object, labels[i].name,
					    text ? text : json_string("?"));
		}
		json_array_append_new(
			e->samples,
			json_pack("{s:s+, s:o, s:s}", "name", e->family->name,
				  suffix, "labels", object, "value", value));
		return;
	}
	fprintf(e->text, "%s%s", e->family->name, suffix);
	for (size_t i = 0; i < n; i++) {
		fprintf(e->text, "%s%s=\"", i ? "," : "{", labels[i].name);
		put_label_value(e->text, labels[i].value);
		putc('"', e->text);
	}
	fprintf(e->text, "%s %s\n", n ? "}" : "", value);
}

const char *seconds_text(u64 ns, char buf[SECONDS_LEN])
{
	int len;

	if (ns == UINT64_MAX)
		return strcpy(buf, "+Inf");
	len = snprintf(buf, SECONDS_LEN, "%llu.%09llu",
		       (unsigned long long)(ns / 1000000000),
		       (unsigned long long)(ns % 1000000000));
	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	if (buf[len - 1] == '.')
		buf[--len] = '\0';
	return buf;
}

void expo_count(struct expo *e, const char *suffix,
		const struct expo_label *labels, size_t n, u64 value)
{
	char buf[SECONDS_LEN];

	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)value);
	sample(e, suffix, labels, n, buf);
}

void expo_seconds(struct expo *e, const char *suffix,
		  const struct expo_label *labels, size_t n, u64 ns)
{
	char buf[SECONDS_LEN];

	sample(e, suffix, labels, n, seconds_text(ns, buf));
}

char *expo_text(struct expo *e, size_t *len)
{
	char *text;

	if (e->format == EXPO_OPENMETRICS)
		fputs("# EOF\n", e->text);
	if (fclose(e->text)) {
		e->text = NULL;
		return NULL;
	}
	e->text = NULL;
	text = e->buf;
	*len = e->len;
	e->buf = NULL;
	return text;
}

json_t *expo_json(struct expo *e)
{
	return json_incref(e->families);
}
