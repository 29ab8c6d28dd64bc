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
	bool shares_blind; /* it has some, and they are not measured */
	u64 generation, denied;
	char name[BPF_POLICY_NAME_LEN], mode[16];
};

/* The files, as of their last load. */
struct serve_files {
	const char *path; /* a folder or file; NULL: none are wanted */
	bool optional; /* the folder need not be there */
	size_t n; /* policies that were found */
	bool by_code; /* they stand on the kernel's code, modules included */
	char error[512]; /* empty: all went well */
	u64 modules, seen; /* what was loaded then, and at the last look */
	u64 generation; /* of the kernel's policy after it, 0: none */
};

/* Loads them. With none the kernel keeps what it has, as it does if it has the same
 * already, or if one of them is bad. 0 or an exit status.
 */
int serve_policy_load(struct ctx *ctx, struct serve_files *files,
		      struct fault *f);
/* Modules came or went, and are settled: functions and hooks of a call graph may be
 * others. Not if somebody else has loaded a policy meanwhile.
 */
bool serve_policy_outdated(struct serve_files *files,
			   const struct serve_policy *kernel);
/* True: it is another policy than last time. */
bool serve_policy_look(struct serve_policy *seen);

#endif
