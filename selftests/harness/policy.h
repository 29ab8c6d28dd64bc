/* SPDX-License-Identifier: GPL-2.0 */
/* Runtime policies, for tests: making one, loading it, reading what is there. */
#ifndef POLICY_H
#define POLICY_H

#include "harness/test_util.h"

#define MAX_RULES 1100
#define MAX_CHARGES 1200

struct policy {
	struct bpf_policy_rule rules[MAX_RULES];
	__u32 nr;
	char strings[64 * 1024];
	__u32 strings_size;
	__u32 revert_s, flags;
	/* What the kernel said of it: */
	__u32 bad_reason, bad_rule;
	__u64 generation;
};

/* One with the defaults, "defaults" test.yaml:1. There is only one at a time. */
struct policy *policy_new(__u32 mode);
/* The offset of a string. */
__u32 policy_string(struct policy *p, const char *text);
/* A rule named "<kind>[i]", in line nr + 1 of test.yaml. */
struct bpf_policy_rule *policy_rule(struct policy *p, __u32 kind, __u32 flags,
				    const char *match);
/* 0 or -errno. */
int policy_command(union bpf_attr *attr, size_t size);
int policy_load(struct policy *p);
void policy_use(struct policy *p); /* must succeed */
int policy_unload(void);
/* Reads back into @p. */
int policy_get(struct policy *p);
/* Nobody may attach anything to @hook. */
void policy_forbid(const char *hook, __u32 mode);
/* And who is there is to be detached. */
void policy_forbid_existing(const char *hook);

/* What is charged, to be read until the next call. */
const struct bpf_policy_charge *policy_charges(__u32 *nr);
/* How often is the program charged to @hook, NULL: to any? */
__u32 policy_charged(__u32 prog_id, const char *hook);
/* What all that is at @hook is charged, ns. */
__u64 policy_worst(const char *hook);
/* The last denial; false if there is none after @seq. */
bool policy_denial(__u64 seq, struct bpf_policy_denial *d);
__u64 policy_seq(void);

/* Run a program, of type syscall or for packets, until the policy believes what was seen. */
void policy_sample(int fd);

/* A cost model of these entries, besides which nothing takes time. 0 or -errno. */
int policy_cost_model_of(const struct bpf_cost_entry *entries, __u32 nr);
/* One in which nothing takes time but bpf_ktime_get_ns(), so many ns at most;
 * ~0ULL: it has no bound.
 */
#define TICK_NS 1000ULL
void policy_cost_model(__u64 worst);
int policy_cost_model_load(__u64 worst); /* 0 or -errno */

#endif
