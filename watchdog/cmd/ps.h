/* SPDX-License-Identifier: GPL-2.0 */
/* What `bpfwd top` takes from `bpfwd ps`. */
#ifndef BPFWD_PS_H
#define BPFWD_PS_H

#include "progs/view.h"
#include "show/types.h"

/* What ps does with an interval: prints again and again, count times if it is
 * not 0. 0 or an exit status.
 */
int view_repeat(struct view *view, u64 interval_ns, u64 count, bool stamp);

#endif
