/* SPDX-License-Identifier: GPL-2.0 */
/* Names of hooks: that of the kernel is the one spelling, as `bpfwd ps` shows it. */
#ifndef BPFWD_POLICY_HOOK_H
#define BPFWD_POLICY_HOOK_H

#include <linux/bpf.h>
#include "show/types.h"

/* A pattern of SEC() in the kernel's spelling, malloc()ed: "lsm.s/x" is "lsm/x", "xdp" is
 * "xdp/...". NULL: no memory.
 */
char *hook_spelled(const char *pattern);
/* Does a rule for this pattern apply to a hook? Hooks at one place have all its names. */
bool hook_fits(const char *pattern, const char *hook);
/* Do programs at both count together? */
bool hook_same_place(const char *a, const char *b);
/* The hook for all system calls of which one for a single call is a part, which runs right
 * after it; NULL: it is none.
 */
const char *hook_whole(const char *hook);
/* Is it that of a control group? What is in one runs after what is in those above it, and not
 * after what is in those beside it.
 */
bool hook_of_group(const char *hook);
/* Does no rule for the narrow pattern ever apply, as one for the wide one comes first? */
bool hook_covered(const char *wide, const char *narrow);
/* Is there a hook of this kernel, as it is now, that the pattern fits? What only time can
 * tell, such as names of devices, there is.
 */
bool hook_exists(const char *pattern);

#endif
