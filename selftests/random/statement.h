/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that write statements of random programs share. */
#ifndef RANDOM_STATEMENT_H
#define RANDOM_STATEMENT_H

#include "random/gen.h"

/* What a hook's programs may use. */
enum {
	CAN_TIMER = 1 << 0, /* and bpf_wq */
	CAN_LOCK = 1 << 1,
	CAN_OBJECTS = 1 << 2, /* tasks, cgroups, allocated objects */
	CAN_CSUM = 1 << 3,
	CAN_SOCK = 1 << 4,
	CAN_TAIL = 1 << 5,
	CAN_SLEEP = 1 << 6,
};

struct gen {
	struct program *p;
	const struct home *h;
	struct code *c;
	__u64 random;
	unsigned int can;
	int nr_static, nr_global;
	bool by_clock;
};

/* Where a statement stands. */
struct where {
	int depth; /* levels of statements that may follow */
	bool goes_on; /* the chain that is to run long */
	bool callback, global, locked, rcu, no_preempt, ctx;
	bool awake; /* cannot sleep */
	int refs;
	unsigned int turns; /* that the verifier has to follow one by one */
};

#define HAS(kind) (g->p->kinds |= 1ULL << KIND_##kind)
#define RND(field) offsetof(struct rnd, field)
#define C g->c, fn

/* gen.c: statements where @w says. */
void gen_block(struct gen *g, int fn, struct where w);

/* parts.c */
unsigned int random_below(struct gen *g, unsigned int n);
bool one_in(struct gen *g, unsigned int n);
void rnd_to(struct gen *g, int fn, int reg);
void load_field(struct gen *g, int fn, int reg, size_t field);
void count_up(struct gen *g, int fn, size_t field);
struct where inside(struct where w);
int take_reg(struct gen *g, int fn);
void give_reg(struct gen *g, int fn, int reg);
void heed(struct gen *g, int fn, struct where w, int out);
int by_register(struct gen *g, int fn);
void by_register_test(struct gen *g, int fn, int reg, int out);
int new_callback(struct gen *g);
void callback_body(struct gen *g, int fn, struct where w, int ctx_reg,
		   bool heeds);
int keep(struct gen *g, int fn);
void fetch_kept(struct gen *g, int fn, int dst, int kept);
void forget(struct gen *g, int fn, int kept);

/* calls.c */
void global_body(struct gen *g, int fn, struct where w);

/* loops.c, calls.c, holds.c */
#define STATEMENT(name) void st_##name(struct gen *g, int fn, struct where w)
STATEMENT(loop);
STATEMENT(around);
STATEMENT(each_array);
STATEMENT(each_percpu);
STATEMENT(each_hash);
STATEMENT(each_again);
STATEMENT(num);
STATEMENT(bits);
STATEMENT(task);
STATEMENT(task_vma);
STATEMENT(css);
STATEMENT(may_goto);
STATEMENT(count);
STATEMENT(drain);
STATEMENT(tail);
STATEMENT(call_static);
STATEMENT(call_global);
STATEMENT(timer);
STATEMENT(work);
STATEMENT(step);
STATEMENT(copy);
STATEMENT(csum);
STATEMENT(print);
STATEMENT(strtol);
STATEMENT(hash);
STATEMENT(fault);
STATEMENT(hold_record);
STATEMENT(hold_dynptr);
STATEMENT(hold_lock);
STATEMENT(hold_rcu);
STATEMENT(hold_preempt);
STATEMENT(hold_task);
STATEMENT(hold_cgroup);
STATEMENT(hold_sock);
STATEMENT(hold_object);
STATEMENT(hold_kptr);
STATEMENT(hold_list);
#undef STATEMENT

#endif
