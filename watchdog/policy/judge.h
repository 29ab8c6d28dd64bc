/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by judge.c, which decides, and there.c, which sums up. */
#ifndef BPFWD_POLICY_JUDGE_H
#define BPFWD_POLICY_JUDGE_H

#include "policy/rules.h"

struct there {
	u64 ns, programs;
};

/* A place that the kernel has told. */
struct pile {
	u64 place, whole;
	const char *hook;
	/* of a control group: the next one above it with something at the same hook */
	struct pile *above;
	/* for the look with this number: what is at it, and most of what is below */
	u64 look;
	struct there own, below;
};

/* A hook, and the first rule for it. */
struct fit {
	const char *hook;
	u32 rule;
};

/* What is asked of a program. */
enum question {
	ASK_ANEW, /* may it be attached beside what is there? */
	ASK_ALONE, /* or whatever else is there? */
	ASK_SUMS, /* is too much where it is, with it? */
};

struct judge {
	/* of the last program: its hook's, and that of the whole of it */
	struct fit fits[2];
	const struct policy_rules *rules;
	const struct policy_graphs *graphs;
	const struct bpf_policy_rule *defaults;
	struct attachment *all;
	size_t n_stay; /* so many are attached */
	size_t there; /* of all before it, what is not gone or denied is there */
	size_t self; /* but this one, which is judged */
	bool *gone; /* detached, or in quarantine */
	enum question question;

	struct pile *piles; /* by place */
	size_t n_piles;
	struct pile **pile; /* of each; NULL: it is not known */
	u64 looks; /* at them */
	const char **groups; /* hooks of control groups that have a place */
	size_t n_groups;
	u32 *graph_rules;
	size_t n_graphs;
	bool *in_graph; /* of each: is it in this graph? */
	bool *group_in_graph; /* likewise of hooks of control groups */
};

enum relation {
	AT_PLACE, /* at the place itself, */
	AT_WHOLE, /* at that of which it is a part, */
	AT_PARTS, /* or at a part of it */
};

/* What becomes of programs without a bound where a rule applies, not the defaults. */
u32 unbounded_action(const struct judge *j, const struct bpf_policy_rule *r);
u64 judge_add(u64 a, u64 b);
/* What it is in the sum of a rule, 0: it is not in it. */
u64 summand(const struct judge *j, const struct bpf_policy_rule *r,
	    const struct attachment *a);

/* 0 or -ENOMEM. */
int there_begin(struct judge *j, size_t n);
void there_end(struct judge *j);
/* What a rule counts there besides the one that is judged. */
struct there there_at(struct judge *j, const struct bpf_policy_rule *r,
		      const struct attachment *a, enum relation relation);
bool there_is_in_graph(const struct judge *j, size_t i, size_t graph);
u64 there_in_graph(struct judge *j, size_t graph, const struct attachment *a);

#endif
