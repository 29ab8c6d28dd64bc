// SPDX-License-Identifier: GPL-2.0
/* Metrics as Prometheus text (what node_exporter's textfile collector reads),
 * OpenMetrics text or JSON. The two texts differ in the name of a counter's
 * family and in the last line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show/document.h"
#include "show/expo.h"

/* With 1,000 programs there are 14,000 samples: no stdio and no tree for them. */
struct expo {
	enum expo_format format;
	const struct expo_family *family;
	char *buf;
	size_t len, size;
	bool oom, first; /* sample of its family */
};

static const char *const types[] = {
	[EXPO_GAUGE] = "gauge",
	[EXPO_COUNTER] = "counter",
	[EXPO_HISTOGRAM] = "histogram",
};

struct expo *expo_new(enum expo_format format)
{
	struct expo *e = calloc(1, sizeof(*e));

	if (e)
		e->format = format;
	return e;
}

void expo_free(struct expo *e)
{
	if (!e)
		return;
	free(e->buf);
	free(e);
}

static void expo_put(struct expo *e, const char *s, size_t len)
{
	if (e->size - e->len < len) {
		size_t size = 2 * (e->size + len) + 4096;
		char *buf = e->oom ? NULL : realloc(e->buf, size);

		if (!buf) {
			e->oom = true;
			return;
		}
		e->buf = buf;
		e->size = size;
	}
	memcpy(e->buf + e->len, s, len);
	e->len += len;
}

static void puts_to(struct expo *e, const char *s)
{
	expo_put(e, s, strlen(s));
}

/* As JSON has it, with quotes. */
static void put_json(struct expo *e, const char *s)
{
	json_t *text;
	char *quoted;

	if (!s[strcspn(s, "\"\\")]) {
		size_t len = 0;

		while ((unsigned char)s[len] >= ' ' && s[len] < 127)
			len++;
		if (!s[len]) {
			expo_put(e, "\"", 1);
			expo_put(e, s, len);
			expo_put(e, "\"", 1);
			return;
		}
	}
	text = json_string(s);
	quoted = text ? json_dumps(text, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	puts_to(e, quoted ? quoted : "\"?\"");
	free(quoted);
	json_decref(text);
}

static void json_family(struct expo *e, const struct expo_family *family)
{
	puts_to(e, e->family ? "]},{\"name\":" : "[{\"name\":");
	put_json(e, family->name);
	puts_to(e, ",\"type\":");
	put_json(e, types[family->type]);
	puts_to(e, ",\"help\":");
	put_json(e, family->help);
	puts_to(e, ",\"samples\":[");
}

void expo_family(struct expo *e, const struct expo_family *family)
{
	size_t len = strlen(family->name);

	e->first = true;
	if (e->format == EXPO_JSON) {
		json_family(e, family);
		e->family = family;
		return;
	}
	e->family = family;
	if (e->format == EXPO_OPENMETRICS && family->type == EXPO_COUNTER)
		len -= strlen("_total");
	puts_to(e, "# HELP ");
	expo_put(e, family->name, len);
	puts_to(e, " ");
	puts_to(e, family->help);
	puts_to(e, "\n# TYPE ");
	expo_put(e, family->name, len);
	puts_to(e, " ");
	puts_to(e, types[family->type]);
	puts_to(e, "\n");
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

static void put_label_value(struct expo *e, const char *s)
{
	size_t plain = 0;
	bool utf8;

	/* most of them hold nothing that needs a look */
	while (s[plain] >= ' ' && s[plain] < 127 && s[plain] != '"' &&
	       s[plain] != '\\')
		plain++;
	expo_put(e, s, plain);
	s += plain;
	if (!*s)
		return;
	utf8 = is_utf8(s);
	for (; *s; s++) {
		if (*s == '\n')
			puts_to(e, "\\n");
		else if (*s == '"' || *s == '\\')
			expo_put(e, (char[]){ '\\', *s }, 2);
		else
			expo_put(e, utf8 || (unsigned char)*s < 0x80 ? s : "?",
				 1);
	}
}

static void json_sample(struct expo *e, const char *suffix,
			const struct expo_label *labels, size_t n,
			const char *value)
{
	/* names of metrics and labels, and numbers, are plain */
	puts_to(e, e->first ? "{\"name\":\"" : ",{\"name\":\"");
	puts_to(e, e->family->name);
	puts_to(e, suffix);
	puts_to(e, "\",\"labels\":{");
	for (size_t i = 0; i < n; i++) {
		puts_to(e, i ? ",\"" : "\"");
		puts_to(e, labels[i].name);
		puts_to(e, "\":");
		put_json(e, labels[i].value);
	}
	puts_to(e, "},\"value\":\"");
	puts_to(e, value);
	puts_to(e, "\"}");
}

static void sample(struct expo *e, const char *suffix,
		   const struct expo_label *labels, size_t n, const char *value)
{
	if (e->format == EXPO_JSON) {
		json_sample(e, suffix, labels, n, value);
		e->first = false;
		return;
	}
	puts_to(e, e->family->name);
	puts_to(e, suffix);
	for (size_t i = 0; i < n; i++) {
		expo_put(e, i ? "," : "{", 1);
		puts_to(e, labels[i].name);
		expo_put(e, "=\"", 2);
		put_label_value(e, labels[i].value);
		expo_put(e, "\"", 1);
	}
	puts_to(e, n ? "} " : " ");
	puts_to(e, value);
	expo_put(e, "\n", 1);
}

/* At least so many digits; returns what follows them. */
static char *put_number(char *at, u64 n, int digits)
{
	char reversed[24];
	int len = 0;

	while (n || len < digits) {
		reversed[len++] = '0' + n % 10;
		n /= 10;
	}
	while (len)
		*at++ = reversed[--len];
	*at = '\0';
	return at;
}

const char *seconds_text(u64 ns, char buf[SECONDS_LEN])
{
	char *end;

	if (ns == UINT64_MAX)
		return strcpy(buf, "+Inf");
	end = put_number(buf, ns / 1000000000, 1);
	if (ns % 1000000000) {
		*end++ = '.';
		end = put_number(end, ns % 1000000000, 9);
		while (end[-1] == '0')
			*--end = '\0';
	}
	return buf;
}

void expo_count(struct expo *e, const char *suffix,
		const struct expo_label *labels, size_t n, u64 value)
{
	char buf[SECONDS_LEN];

	put_number(buf, value, 1);
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
		puts_to(e, "# EOF\n");
	if (e->format == EXPO_JSON)
		puts_to(e, e->family ? "]}]" : "[]");
	*len = e->len;
	/* not of it */
	expo_put(e, "", 1);
	if (e->oom)
		return NULL;
	text = e->buf;
	e->buf = NULL;
	e->len = e->size = 0;
	return text;
}
