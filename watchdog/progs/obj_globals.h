/* SPDX-License-Identifier: GPL-2.0 */
/* Constants of an object that its loader sets. */
#ifndef BPFWD_OBJ_GLOBALS_H
#define BPFWD_OBJ_GLOBALS_H

#include <bpf/libbpf.h>
#include "show/fault.h"
#include "show/types.h"

/* Gives the constant `name` of an object that is open and not loaded the value `text`.
 * found: it has one. Returns an exit status.
 */
int obj_globals_set(struct bpf_object *obj, const char *name, const char *text,
		    bool *found, struct fault *f);

#endif
