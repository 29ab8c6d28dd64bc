// SPDX-License-Identifier: GPL-2.0
/* Durations, moments and numbers as text. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show/duration.h"

static const struct unit {
	const char *name;
	u64 ns;
	bool shown; /* h, min and m are understood but never printed */
} units[] = {
	{ "h", 3600000000000ULL, false },
	{ "min", 60000000000ULL, false },
	{ "m", 60000000000ULL, false },
	{ "s", 1000000000ULL, true },
	{ "ms", 1000000ULL, true },
	{ "us", 1000ULL, true },
	{ "ns", 1ULL, true },
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

const char *duration_bound(u64 ns, char buf[DURATION_LEN])
{
	if (ns == UINT64_MAX)
		return strcpy(buf, "inf");
	return ns > BOUND_SHOWN_MAX ? strcpy(buf, ">1h") : duration(ns, buf);
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

int count_option(struct fault *f, const char *what, const char *s, u64 *n)
{
	if (!number_parse(s, UINT32_MAX, n) && *n)
		return 0;
	fault_set(f, EXIT_USAGE, EINVAL, "bad number of %s '%s'", what, s);
	return fault_why(f, "it is how many to print, 1 or more");
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

int duration_option(struct fault *f, const char *option, const char *example,
		    const char *s, u64 *ns)
{
	int err = duration_parse(s, ns);

	if (!err)
		return 0;
	fault_set(f, EXIT_USAGE, err, "bad %s '%s'", option, s);
	if (err == -ERANGE)
		fault_why(f, "it must be at least 1ns and at most 2^63-1 ns");
	else
		fault_why(f, "a duration is a number with a unit: ns, us, ms, "
			     "s, m (or min) or h");
	return fault_hint(f, "--%s %s", option, example);
}

u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* From CLOCK_BOOTTIME to CLOCK_REALTIME: the tightest of some looks, so that two
 * calls of bpfwd date an event alike.
 */
u64 clock_boot_to_real(void)
{
	u64 best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 10; i++) {
		u64 before = clock_ns(CLOCK_BOOTTIME);
		u64 real = clock_ns(CLOCK_REALTIME);
		u64 took = clock_ns(CLOCK_BOOTTIME) - before;

		if (took >= best)
			continue;
		best = took;
		offset = real - before - took / 2;
	}
	return offset;
}

const char *amount(double n, char buf[DURATION_LEN])
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };
	size_t i = 0;

	while (n >= 999.5 && i + 1 < ARRAY_SIZE(units)) {
		n /= 1000;
		i++;
	}
	snprintf(buf, DURATION_LEN, "%.3g%s", n, units[i]);
	return buf;
}
