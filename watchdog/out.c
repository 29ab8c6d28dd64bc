// SPDX-License-Identifier: GPL-2.0
/* Errors, durations, and documents on stdout. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "out.h"

static const char *const formats[] = {
	[OUT_TABLE] = "table",
	[OUT_CSV] = "csv",
	[OUT_JSON] = "json",
	[OUT_JSONL] = "jsonl",
};

int out_format_parse(const char *name, enum out_format *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(name, formats[i]))
			continue;
		*format = i;
		return 0;
	}
	return -EINVAL;
}

bool out_is_json(const struct out *out)
{
	return out->format == OUT_JSON || out->format == OUT_JSONL;
}

int out_json(const struct out *out, json_t *doc)
{
	size_t flags = out->pretty && out->format == OUT_JSON ? JSON_INDENT(2) :
								JSON_COMPACT;
	int err = 0;

	if (!doc)
		return -ENOMEM;
	if (json_dumpf(doc, stdout, flags) || putchar('\n') == EOF ||
	    fflush(stdout))
		err = -EIO;
	json_decref(doc);
	return err;
}

const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "EUNKNOWN";
}

int fault_set(struct fault *f, int exit, int err, const char *fmt, ...)
{
	va_list ap;

	*f = (struct fault){ .exit = exit, .err = err < 0 ? -err : err };
	va_start(ap, fmt);
	vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	va_end(ap);
	return exit;
}

int fault_why(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return f->exit;
}

int fault_hint(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
	return f->exit;
}

json_t *fault_json(const struct fault *f)
{
	json_t *error = json_object();

	json_object_set_new(error, "code", json_string(errno_name(f->err)));
	json_object_set_new(error, "message", json_string(f->msg));
	if (f->why[0])
		json_object_set_new(error, "why", json_string(f->why));
	if (f->hint[0])
		json_object_set_new(error, "hint", json_string(f->hint));
	json_object_set_new(error, "exit", json_integer(f->exit));
	return error;
}

void fault_print(const struct fault *f, const struct out *out)
{
	if (out_is_json(out)) {
		out_json(out, json_pack("{s:s, s:o}", "schema", "bpfwd.error/1",
					"error", fault_json(f)));
		return;
	}
	fflush(stdout);
	fprintf(stderr, "bpfwd: %s", f->msg);
	if (f->err)
		fprintf(stderr, ": %s (%s)", strerror(f->err),
			errno_name(f->err));
	fputc('\n', stderr);
	if (f->why[0])
		fprintf(stderr, "  why: %s\n", f->why);
	if (f->hint[0])
		fprintf(stderr, "  try: %s\n", f->hint);
}

static const struct unit {
	const char *name;
	u64 ns;
	bool shown; /* h and min are understood but never printed */
} units[] = {
	{ "h", 3600000000000ULL, false }, { "min", 60000000000ULL, false },
	{ "s", 1000000000ULL, true },	  { "ms", 1000000ULL, true },
	{ "us", 1000ULL, true },	  { "ns", 1ULL, true },
};

static const char *format_duration(u64 ns, bool trim, char buf[DURATION_LEN])
{
	const struct unit *unit = units;
	int decimals = 0;

	while (!unit->shown || (ns < unit->ns && unit->ns > 1))
		unit++;
	/* 999.6us has no fourth digit: it is 1.00ms */
	if (unit->shown && unit > units && (unit - 1)->shown &&
	    (double)ns / unit->ns >= 999.5)
		unit--;
	if (unit->ns > 1)
		decimals = (double)ns / unit->ns < 9.995 ? 2 :
			   (double)ns / unit->ns < 99.95 ? 1 :
							   0;
	snprintf(buf, DURATION_LEN, "%.*f", decimals, (double)ns / unit->ns);
	if (trim && decimals) {
		char *end = buf + strlen(buf);

		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	strcat(buf, unit->name);
	return buf;
}

const char *duration(u64 ns, char buf[DURATION_LEN])
{
	return format_duration(ns, false, buf);
}

const char *duration_set(u64 ns, char buf[DURATION_LEN])
{
	return format_duration(ns, true, buf);
}

int number_parse(const char *s, u64 max, u64 *n)
{
	char *end;
	u64 v;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || v > max)
		return -ERANGE;
	*n = v;
	return 0;
}

const char *utc(u64 ns, char buf[UTC_LEN])
{
	time_t secs = ns / 1000000000;
	char day[32];
	struct tm tm;

	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&secs, &tm));
	snprintf(buf, UTC_LEN, "%s.%06lluZ", day,
		 (unsigned long long)(ns % 1000000000 / 1000));
	return buf;
}

int duration_parse(const char *s, u64 *ns)
{
	const struct unit *unit = units, *end = units + ARRAY_SIZE(units);
	u64 whole = 0, part = 0, scale;
	bool too_long = false;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		too_long |= __builtin_mul_overflow(whole, 10, &whole) ||
			    __builtin_add_overflow(whole, *s - '0', &whole);
	if (*s == '.') {
		const char *digits = ++s;

		s += strspn(s, "0123456789");
		if (s == digits)
			return -EINVAL;
		while (unit < end && strcmp(s, unit->name))
			unit++;
		if (unit == end)
			return -EINVAL;
		/* digits below a nanosecond are cut off */
		for (scale = unit->ns / 10; digits < s && scale; scale /= 10)
			part += (*digits++ - '0') * scale;
	} else {
		/* 0 is 0 in every unit: out of range, not malformed */
		if (!*s && !whole && !too_long)
			return -ERANGE;
		while (unit < end && strcmp(s, unit->name))
			unit++;
		if (unit == end)
			return -EINVAL;
	}
	if (too_long || __builtin_mul_overflow(whole, unit->ns, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) || whole > INT64_MAX ||
	    !whole)
		return -ERANGE;
	*ns = whole;
	return 0;
}

int duration_option(struct fault *f, const char *what, const char *s, u64 *ns)
{
	int err = duration_parse(s, ns);

	if (!err)
		return 0;
	fault_set(f, EXIT_USAGE, err, "bad %s '%s'", what, s);
	if (err == -ERANGE)
		fault_why(f, "it must be at least 1ns and at most 2^63-1 ns");
	else
		fault_why(f, "a duration is a number with a unit: ns, us, ms, "
			     "s, min or h");
	return fault_hint(f, "--%s 10ms", what);
}
