/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's runtime policy: bpf(BPF_RUNTIME_POLICY). */
#ifndef BPFWD_KWD_POLICY_H
#define BPFWD_KWD_POLICY_H

#include <linux/bpf.h>
#include "show/fault.h"

/* Rules and their strings. */
struct policy_rules {
	struct bpf_policy_rule *rules;
	u32 n;
	char *strings;
	u32 strings_size;
	char name[BPF_POLICY_NAME_LEN];
	/* of what the kernel gave us: */
	u64 generation;
	u32 revert_s;
	/* of what is to be loaded: those that rules name, which are closed with it */
	int *fds;
	u32 n_fds;
};

void policy_rules_free(struct policy_rules *rules);
/* A string of a rule, "" if its offset is out of range. */
const char *rule_text(const struct policy_rules *rules, u32 off);

/* 0, -ENOSYS: this kernel has no policies, -EPERM */
int kwd_policy_probe(void);
/* For a kernel that has none. Returns its exit status. */
int kwd_policy_missing(struct fault *f, int err, const char *what);

/* All or nothing. 0 or an exit status. */
int kwd_policy_load(const struct policy_rules *rules, u32 revert_s,
		    bool check_only, struct fault *f);
/* With counters; -ENOENT: none is loaded. Free it with policy_rules_free(). */
int kwd_policy_get(struct policy_rules *rules);
int kwd_policy_unload(void);
int kwd_policy_keep(void);

/* The value of `denied` of what was attached, and is no longer, or skipped. */
#define POLICY_DETACHED 2
/* What was done to what took more than its share; 0: it was told of. */
#define POLICY_DONE_THROTTLED 3
#define POLICY_DONE_QUARANTINED 4
#define POLICY_DONE_DETACHED 5

/* malloc()ed arrays. */
int kwd_policy_denials(struct bpf_policy_denial **denials, u32 *n);
int kwd_policy_charges(struct bpf_policy_charge **charges, u32 *n);
/* The same with rule and BPF_POLICY_CHARGE_EXEMPT as these rules would have it. */
int kwd_policy_try(const struct policy_rules *rules,
		   struct bpf_policy_charge **charges, u32 *n);

#endif
