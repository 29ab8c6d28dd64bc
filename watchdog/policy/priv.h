/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by policy_*.c. */
#ifndef BPFWD_POLICY_PRIV_H
#define BPFWD_POLICY_PRIV_H

#include "policy/policy.h"
#include "show/fault.h"

/* Where in a file its values stand: "hooks[1].match" is at line 3, column 5. */
struct marks;

/* Also refuses what no policy needs: anchors, aliases, tags, several documents,
 * deep nesting. 0 or an exit status.
 */
int marks_load(struct marks **marks, const char *text, size_t len,
	       const char *path, struct fault *f);
void marks_free(struct marks *marks);
/* Of the nearest value that is there: a key that is missing is at its parent. */
void marks_find(const struct marks *marks, const char *at, u32 *line,
		u32 *column);

/* The first key of this name at or behind a place. */
void marks_key(const struct marks *marks, const char *key, size_t *line,
	       size_t *column);
/* The last mapping that begins at or before a place. */
void marks_mapping(const struct marks *marks, size_t *line, size_t *column);

/* What the schema cannot say. 0 or an exit status. */
int policy_verify(struct policy *policy, const struct marks *marks,
		  struct fault *f);

#endif
