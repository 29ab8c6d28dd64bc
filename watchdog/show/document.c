// SPDX-License-Identifier: GPL-2.0
/* Documents on stdout, and what failed as one of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "show/document.h"

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

/* Why the last document could not be written; what was not, is not tried again. */
static int lost = EIO;

int out_errno(void)
{
	return fflush(stdout) ? errno : lost;
}

int out_json(const struct out *out, json_t *doc)
{
	size_t flags = out->pretty && out->format == OUT_JSON ? JSON_INDENT(2) :
								JSON_COMPACT;
	int err = 0;

	if (!doc)
		return -ENOMEM;
	errno = 0;
	if (json_dumpf(doc, stdout, flags) || putchar('\n') == EOF ||
	    fflush(stdout)) {
		if (errno)
			lost = errno;
		err = -lost;
	}
	json_decref(doc);
	return err;
}

/* Where no errno applies. */
static const char *exit_name(int exit)
{
	static const char *const names[] = {
		[EXIT_FAILED] = "failed",   [EXIT_USAGE] = "usage",
		[EXIT_LACKS] = "lacks",	    [EXIT_JUDGED] = "judged",
		[EXIT_NO_PROG] = "no_prog",
	};

	return exit > 0 && exit < (int)ARRAY_SIZE(names) ? names[exit] :
							   "failed";
}

json_t *fault_json(const struct fault *f)
{
	json_t *error = json_object();

	json_object_set_new(error, "code",
			    json_string(f->err ? errno_name(f->err) :
						 exit_name(f->exit)));
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
	/* where stdout is full or gone, a word on stderr is all that is left */
	if (out_is_json(out) && !ferror(stdout) &&
	    !out_json(out, json_pack("{s:s, s:o}", "schema", "bpfwd.error/1",
				     "error", fault_json(f))))
		return;
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
