/* SPDX-License-Identifier: GPL-2.0 */
/* What is attached, judged by the policies of files and folders. */
#ifndef BPFWD_POLICY_REPORT_H
#define BPFWD_POLICY_REPORT_H

#include "kernel/machine.h"
#include "policy/rules.h"
#include "progs/prog.h"
#include "show/ctx.h"

/* Policies of files and folders, compiled; with what the compilation stands on. */
struct loaded_policy {
	struct policy_set set;
	struct policy_rules rules;
	struct policy_graphs graphs;
	struct callgraph *cg;
};

/* No paths: POLICY_DIR. vmlinux: NULL, or as callgraph_load() takes it. 0 or an
 * exit status.
 */
int loaded_policy_load(struct loaded_policy *p, char *const *paths, size_t n,
		       const char *vmlinux, struct fault *f);
void loaded_policy_free(struct loaded_policy *p);
/* One line for each thing that is not as it looks: exemptions that have expired,
 * what a mode leaves out, calls that the graph does not see.
 */
void loaded_policy_notes(const struct ctx *ctx, const struct loaded_policy *p);

/* Says so if shares cannot be measured: neither the watchdog nor bpf_stats are on. */
bool policy_shares_blind(const struct policy_rules *rules);
void policy_note_shares(const struct ctx *ctx,
			const struct policy_rules *rules);

/* Refuses a rule for hooks that this kernel cannot have. 0 or an exit status. */
int policy_unmatched(const struct policy_rules *rules, struct fault *f);

/* What is attached now, as the kernel has it charged, or as far as it can be seen.
 * The texts live as long as it does.
 */
struct attached {
	struct attachment *all;
	size_t n;
	struct progs *progs;
	struct bpf_policy_charge *charges;
	struct model_use model; /* that their bounds are made with */
};

/* What the kernel's estimate says of it. */
void attachment_estimate(struct attachment *a, const struct bpf_prog_info *info,
			 u32 info_len, const struct model_use *model);
/* rules: that they will be judged by, NULL: those in force. The kernel says who is exempt. */
int attached_load(struct attached *at, const struct policy_rules *rules,
		  struct fault *f);
void attached_free(struct attached *at);

/* The decisions as a table, or as JSON with this schema; notes the sums. Returns
 * EXIT_JUDGED if something is not admitted, else 0, or an exit status.
 */
int decisions_print(struct ctx *ctx, const struct policy_rules *rules,
		    const struct policy_graphs *graphs,
		    const struct attachment *all, size_t n, const char *schema);

#endif
