/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's policy says and has done. */
#ifndef BPFWD_POLICY_SHOW_H
#define BPFWD_POLICY_SHOW_H

#include "policy/report.h"
#include "show/ctx.h"

/* The last denials that the kernel remembers. 0 or an exit status. */
int denials_print(struct ctx *ctx, u32 last);

/* The numbers of a denial, as far as its reason has them. */
void denial_numbers(json_t *doc, u32 reason, u64 worst_ns, u64 there_ns,
		    u64 limit_ns);

int policy_show(struct ctx *ctx);
int policy_diff(struct ctx *ctx, const struct loaded_policy *file);

#endif
