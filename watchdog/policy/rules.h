/* SPDX-License-Identifier: GPL-2.0 */
/* From policies to the rules that the kernel takes, and what these say of programs. */
#ifndef BPFWD_POLICY_RULES_H
#define BPFWD_POLICY_RULES_H

#include "callgraph/callgraph.h"
#include "kernel/kwd_policy.h"
#include "policy/policy.h"
#include "show/fault.h"

#define UNBOUNDED UINT64_MAX

/* What rules of call graphs reach, by the number of the rule; NULL: it is none, or
 * what it reaches is not known.
 */
struct policy_graphs {
	struct reach **reach;
	u32 n;
};

void policy_graphs_free(struct policy_graphs *graphs);
/* Of one rule; graphs may be NULL. */
const struct reach *rule_reach(const struct policy_graphs *graphs, u32 rule);

/* Does it need a call graph to be compiled? */
bool policy_needs_graph(const struct policy_set *set);
/* cg may be NULL if none is needed; it must live as long as the rules. 0 or an
 * exit status.
 */
int policy_compile(const struct policy_set *set, const struct callgraph *cg,
		   struct policy_rules *rules, struct policy_graphs *graphs,
		   struct fault *f);

/* "hook kprobe/vfs_* max_latency 5us on_exceed deny", malloc()ed. */
char *rule_line(const struct policy_rules *rules, u32 i);
/* "prod-latency" and "hooks[1]" of the name "prod-latency:hooks[1]". */
void rule_names(const char *name, char policy[BPF_POLICY_NAME_LEN],
		char rule[BPF_POLICY_NAME_LEN]);
const char *rule_mode_name(u32 mode);
const char *rule_reason_name(u32 reason);
u32 rule_reason_find(const char *name); /* 0: there is none */

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
	/* of the program; what else there is of who has loaded it is not told */
	u32 uid, btf_id;
	bool uid_known;
	const char *btf; /* its digest, NULL: that of btf_id */
	unsigned char tag[BPF_TAG_SIZE];
	u64 worst_ns; /* UNBOUNDED: no bound */
	u64 tail_ns; /* with what its tail calls can reach; likewise */
	const char *source; /* of worst_ns; NULL: unknown */
	u64 longest_ns, sampled_runs;
	u64 stop_ns; /* from the end of its budget to its return; likewise */
	u32 terminable; /* enum bpf_terminable */
	bool attached;
	/* by the kernel; 0: where it will be is not known, or no part of another place */
	u64 place, whole;
	bool exempt_told,
		exempt_there; /* says the kernel whether it is exempt */
	/* likewise: a policy cannot detach it from there, but quarantine; not even that, as it
	 * denies what it does not see; it is in quarantine, and in no sum
	 */
	bool fixed, closes, skipped;
	/* filled: */
	enum decision decision;
	bool exempt, measured; /* cost_ns is not worst_ns, but longest_ns */
	u32 rule,
		reason; /* of the decision, or the hook's rule; UINT32_MAX: none */
	u64 cost_ns, there_ns, limit_ns;
};

/* Attaches one after the other, in memory only; a denied one is not there for
 * those behind it. The first n_stay are attached, the oldest first, and stay whatever
 * the rules say, unless these detach: then it is what the kernel would leave there.
 * 0 or -ENOMEM.
 */
int policy_judge(const struct policy_rules *rules,
		 const struct policy_graphs *graphs, struct attachment *all,
		 size_t n, size_t n_stay);
const char *decision_name(enum decision decision);
/* "built-in", "calibrated", "stale", "measured"; NULL: unknown */
const char *attachment_source(const struct attachment *a);
/* "worst case 3.81us (built-in) + 2.10us already there = 5.91us > 5us" */
void decision_why(const struct attachment *a, char *buf, size_t size);

#endif
