/* SPDX-License-Identifier: GPL-2.0 */
/* Documents on stdout, and what failed as one of them. */
#ifndef BPFWD_DOCUMENT_H
#define BPFWD_DOCUMENT_H

#include <jansson.h>
#include "show/fault.h"

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
/* Why stdout takes no more. */
int out_errno(void);

/* {"code":...,"message":...}: the value of the key "error". */
json_t *fault_json(const struct fault *f);
void fault_print(const struct fault *f, const struct out *out);

#endif
