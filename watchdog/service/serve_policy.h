/* SPDX-License-Identifier: GPL-2.0 */
/* What serve does about policies: brings the files into the kernel, and watches
 * what the kernel has.
 */
#ifndef BPFWD_SERVE_POLICY_H
#define BPFWD_SERVE_POLICY_H

#include "kernel/kwd_policy.h"
#include "show/ctx.h"

/* What the kernel has, as it was seen last. */
struct serve_policy {
	bool known, loaded;
	u64 generation, denied;
	char name[BPF_POLICY_NAME_LEN], mode[16];
};

/* Loads a folder or file; NULL: POLICY_DIR if it is there. *n: policies found; with
 * none the kernel keeps what it has, as it does if it has the same already. 0 or an
 * exit status.
 */
int serve_policy_load(struct ctx *ctx, const char *path, size_t *n,
		      struct fault *f);
/* True: it is another policy than last time. */
bool serve_policy_look(struct serve_policy *seen);

#endif
