/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of patterns, from files in the folder of the selftests. */
#ifndef PATTERNS_H
#define PATTERNS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define MAX_PATTERNS 64

struct pattern {
	char *text, *reason;
	regex_t regex;
};

struct patterns {
	struct pattern p[MAX_PATTERNS];
	size_t nr;
};

/*
 * One pattern a line, then two spaces or more and the reason; # starts a comment.
 * Ends the process if the file is none.
 */
void patterns_read(struct patterns *list, const char *file, bool regex,
		   bool reasons);
bool patterns_match(const struct patterns *list, const char *line);

#endif
