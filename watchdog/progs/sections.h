/* SPDX-License-Identifier: GPL-2.0 */
/* How SEC() spells types of programs and of attachments. */
#ifndef BPFWD_SECTIONS_H
#define BPFWD_SECTIONS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include "show/types.h"

const char *section_of_attach(enum bpf_attach_type attach);
/* NULL: a program of this type without a link is not attached. */
const char *section_of_linkless(enum bpf_prog_type type);
/* Can a hook begin with this, before the first slash? */
bool section_is_kind(const char *kind);

#endif
