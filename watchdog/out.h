/* SPDX-License-Identifier: GPL-2.0 */
/* Errors, durations, and documents on stdout. */
#ifndef BPFWD_OUT_H
#define BPFWD_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses; documented, and tested. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LACKS = 3, /* the kernel or the privilege lacks it */
	EXIT_JUDGED = 4, /* judged negative: a regression */
	EXIT_NO_PROG = 5,
};

enum out_format { OUT_TABLE, OUT_CSV, OUT_JSON, OUT_JSONL };

struct out {
	enum out_format format;
	bool pretty;
	bool color;
};

int out_format_parse(const char *name, enum out_format *format);
bool out_is_json(const struct out *out);

/* Prints a document on a line of its own and flushes; takes the reference. */
int out_json(const struct out *out, json_t *doc);

/* What failed, why, and what to do: what a user reads when things go wrong. */
struct fault {
	int exit; /* 0: no fault */
	int err; /* positive errno, 0: none applies */
	char msg[512];
	char why[512];
	char hint[256];
};

/* Each returns what the caller can return: the exit status that it set. */
int fault_set(struct fault *f, int exit, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int fault_why(struct fault *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int fault_hint(struct fault *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* {"code":...,"message":...}: the value of the key "error". */
json_t *fault_json(const struct fault *f);
void fault_print(const struct fault *f, const struct out *out);

/* The name of an errno, never NULL. */
const char *errno_name(int err);

#define DURATION_LEN 24

/* A measured duration: three significant digits, "1.00ms". */
const char *duration(u64 ns, char buf[DURATION_LEN]);
/* A configured one: no trailing zeros, "1ms". */
const char *duration_set(u64 ns, char buf[DURATION_LEN]);

#define UTC_LEN 64

/* Of ns since 1970: "2026-01-31T12:00:00.000001Z". */
const char *utc(u64 ns, char buf[UTC_LEN]);

/* "10ms" to ns. -EINVAL: no number or no unit; -ERANGE: 0 or beyond 2^63-1. */
int duration_parse(const char *s, u64 *ns);
/* The same, with the message for the user. 0 or an exit status. */
int duration_option(struct fault *f, const char *what, const char *s, u64 *ns);

/* A decimal number without sign. -EINVAL, -ERANGE beyond max. */
int number_parse(const char *s, u64 max, u64 *n);

#endif
