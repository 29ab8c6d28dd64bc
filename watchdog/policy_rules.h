/* SPDX-License-Identifier: GPL-2.0 */
/* Policies as the kernel takes them: rules and their strings. */
#ifndef BPFWD_POLICY_RULES_H
#define BPFWD_POLICY_RULES_H

#include <linux/bpf.h>
#include "callgraph.h"
#include "policy.h"

#define UNBOUNDED UINT64_MAX

struct policy_rules {
	struct bpf_policy_rule *rules;
	u32 n;
	char *strings;
	u32 strings_size;
	char name[BPF_POLICY_NAME_LEN];
	struct reach **reach; /* of BPF_POLICY_GRAPH rules; NULL: not known */
	/* of what the kernel gave us: */
	u64 generation;
	u32 revert_s;
};

/* Does it need a call graph to be compiled? */
bool policy_needs_graph(const struct policy_set *set);
/* cg may be NULL if none is needed; it must live as long as the rules. 0 or an
 * exit status.
 */
int policy_compile(const struct policy_set *set, const struct callgraph *cg,
		   struct policy_rules *rules, struct fault *f);
void policy_rules_free(struct policy_rules *rules);

/* A string of a rule, "" if its offset is out of range. */
const char *rule_text(const struct policy_rules *rules, u32 off);
/* "hook kprobe/vfs_* max_latency 5us on_exceed deny", malloc()ed. */
char *rule_line(const struct policy_rules *rules, u32 i);
/* "prod-latency" and "hooks[1]" of the name "prod-latency:hooks[1]". */
void rule_names(const char *name, char policy[BPF_POLICY_NAME_LEN],
		char rule[BPF_POLICY_NAME_LEN]);
const char *rule_mode_name(u32 mode);
const char *rule_reason_name(u32 reason);

/* ---- What the rules say of programs at hooks ---- */

enum decision {
	DECIDED_ALLOW,
	DECIDED_WOULD_DENY,
	DECIDED_DENY,
	DECIDED_DETACH, /* attached, and the kernel will not leave it there */
};

struct attachment {
	const char *prog, *hook;
	const char *comm; /* of who attaches; NULL: unknown */
	u32 prog_id, type;
	u64 worst_ns; /* UNBOUNDED: no bound */
	u64 longest_ns; /* 0: not measured */
	bool attached;
	/* filled: */
	enum decision decision;
	bool exempt;
	u32 rule,
		reason; /* of the decision, or the hook's rule; UINT32_MAX: none */
	u64 cost_ns, there_ns, limit_ns;
};

/* Attaches one after the other, in memory only; a denied one is not there for
 * those behind it. The first n_stay are attached and stay, whatever the rules say.
 * 0 or -ENOMEM.
 */
int policy_judge(const struct policy_rules *rules, struct attachment *all,
		 size_t n, size_t n_stay);
const char *decision_name(enum decision decision);
/* "worst case 3.81us + 2.10us already there = 5.91us > 5us" */
void decision_why(const struct attachment *a, char *buf, size_t size);

#endif
