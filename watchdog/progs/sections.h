/* SPDX-License-Identifier: GPL-2.0 */
/* How SEC() spells types of programs and of attachments. */
#ifndef BPFWD_SECTIONS_H
#define BPFWD_SECTIONS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include "show/types.h"

const char *section_of_attach(enum bpf_attach_type attach);
/* How programs of a type can be attached, each way once; says how many. */
size_t section_attach_types(enum bpf_prog_type of, enum bpf_attach_type *types,
			    size_t max);
/* NULL: a program of this type without a link is not attached. */
const char *section_of_linkless(enum bpf_prog_type type);
/* Does the kernel tell all places where programs of this type are attached? */
bool section_is_told(enum bpf_prog_type type);
/* What the kernel's policy gate calls the hook of SEC(section), malloc()ed: "lsm/x" for
 * "lsm.s/x". Where SEC() may end before what it is (a device, a function), that is open:
 * "xdp/" and that. NULL: no memory.
 */
char *section_hook(const char *section, const char *open);
/* Can a hook begin with this, before the first slash? */
bool section_is_kind(const char *kind);
/* Is there a kind that this pattern fits? */
bool section_kind_fits(const char *pattern);

#endif
