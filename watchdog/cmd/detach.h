/* SPDX-License-Identifier: GPL-2.0 */
/* What `bpfwd kill --detach` does with the programs that it was given. */
#ifndef BPFWD_CMD_DETACH_H
#define BPFWD_CMD_DETACH_H

#include "progs/prog.h"
#include "show/ctx.h"

/* Takes them, loaded with PROGS_HOLDERS, off all places, ends what still runs, and
 * says what was done and what stays. 0, or an exit status if one stays attached.
 */
int detach_progs(struct ctx *ctx, const struct progs *progs, bool dry_run);

#endif
