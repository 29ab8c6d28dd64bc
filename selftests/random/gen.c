// SPDX-License-Identifier: GPL-2.0
/*
 * Programs from a seed. A statement is written by a function, which asks for the
 * statements inside of it; a table says where each may stand. Three rules:
 *
 * - Each loop heeds rnd.leave (or the clock), so that the driver gets a program back that
 *   the watchdog did not end. Only "endless" has no such way, and is never run.
 * - One chain of statements is made to run long ("where.goes_on"): its loops take as many
 *   turns as the data says, and that is more than anybody waits for. The others are short.
 * - What is taken is given back behind the statements inside, whatever their result.
 *
 * R6 is the context in main and static functions. R7 to R9 are handed out.
 */
#include <linux/bpf.h>
#include "progs/random.h"
#include "random/statement.h"

const char *const kind_names[] = {
#define K(name) #name,
	KINDS
#undef K
};

const char *const hook_names[] = {
#define H(name) #name,
	HOOKS
#undef H
};

static const struct {
	unsigned int can;
	int ret;
} hooks[] = {
	[HOOK_syscall] = { CAN_TIMER | CAN_LOCK | CAN_OBJECTS | CAN_SLEEP },
	[HOOK_tc] = { CAN_TIMER | CAN_LOCK | CAN_OBJECTS | CAN_CSUM | CAN_SOCK |
		      CAN_TAIL },
	[HOOK_xdp] = { CAN_TIMER | CAN_LOCK | CAN_OBJECTS | CAN_CSUM |
			       CAN_SOCK | CAN_TAIL,
		       2 },
	[HOOK_raw_tp] = { CAN_TAIL },
	[HOOK_raw_tp_ipi] = { CAN_TAIL },
	[HOOK_socket] = { CAN_TAIL },
	[HOOK_cgroup_skb] = { CAN_TIMER | CAN_LOCK | CAN_OBJECTS | CAN_TAIL,
			      1 },
	[HOOK_kprobe] = { CAN_TAIL },
	[HOOK_tracepoint] = { CAN_OBJECTS | CAN_TAIL },
	[HOOK_perf_event] = { CAN_OBJECTS | CAN_TAIL },
	[HOOK_fentry] = { CAN_LOCK | CAN_OBJECTS | CAN_TAIL },
	[HOOK_fexit] = { CAN_LOCK | CAN_OBJECTS | CAN_TAIL },
	[HOOK_lsm] = { CAN_LOCK | CAN_OBJECTS | CAN_TAIL },
};

/* --- Which statement ------------------------------------------------------------------------- */

enum {
	LOOPS = 1 << 0, /* runs as long as the data says */
	HOLDS_BLOCK = 1 << 1, /* has statements inside */
	IN_LOCK = 1 << 2, /* calls nothing */
	WITH_CTX = 1 << 3,
	NOT_AWAKE = 1 << 4, /* only where RCU is not needed for it */
	CALLS = 1 << 5, /* the block is another function or program */
};

static const struct statement {
	void (*emit)(struct gen *g, int fn, struct where w);
	unsigned int weight, flags, can, stack;
} statements[] = {
	{ st_step, 8, IN_LOCK },
	{ st_copy, 2 },
	{ st_csum, 3, 0, CAN_CSUM },
	{ st_print, 2, 0, 0, 32 },
	{ st_strtol, 2, 0, 0, 8 },
	{ st_hash, 4, 0, 0, 16 },
	{ st_fault, 3 },
	{ st_count, 4, HOLDS_BLOCK | IN_LOCK },
	{ st_loop, 8, LOOPS | HOLDS_BLOCK, 0, 8 },
	{ st_around, 8, LOOPS | HOLDS_BLOCK, 0, 16 },
	{ st_each_array, 3, LOOPS | HOLDS_BLOCK },
	{ st_each_percpu, 2, LOOPS | HOLDS_BLOCK },
	{ st_each_hash, 3, LOOPS | HOLDS_BLOCK },
	{ st_each_again, 2, LOOPS | HOLDS_BLOCK },
	{ st_num, 6, LOOPS | HOLDS_BLOCK, 0, 16 },
	{ st_bits, 3, LOOPS | HOLDS_BLOCK, 0, 24 },
	{ st_task, 2, LOOPS | HOLDS_BLOCK, 0, 32 },
	{ st_task_vma, 2, LOOPS | HOLDS_BLOCK, 0, 8 },
	{ st_css, 2, LOOPS | HOLDS_BLOCK, CAN_OBJECTS, 40 },
	{ st_may_goto, 6, LOOPS | HOLDS_BLOCK | IN_LOCK, 0, 8 },
	{ st_drain, 2, LOOPS | HOLDS_BLOCK },
	{ st_tail, 8, HOLDS_BLOCK | WITH_CTX | CALLS, CAN_TAIL },
	{ st_call_static, 5, HOLDS_BLOCK | CALLS },
	{ st_call_global, 5, HOLDS_BLOCK | CALLS },
	{ st_timer, 6, HOLDS_BLOCK, CAN_TIMER },
	{ st_work, 4, HOLDS_BLOCK, CAN_TIMER },
	{ st_hold_record, 3, HOLDS_BLOCK, 0, 8 },
	{ st_hold_dynptr, 2, HOLDS_BLOCK, 0, 16 },
	{ st_hold_lock, 3, HOLDS_BLOCK, CAN_LOCK },
	{ st_hold_rcu, 2, HOLDS_BLOCK },
	{ st_hold_preempt, 2, HOLDS_BLOCK },
	{ st_hold_task, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_cgroup, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_sock, 8, HOLDS_BLOCK | WITH_CTX, CAN_SOCK, 8 },
	{ st_hold_object, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_kptr, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_list, 2, HOLDS_BLOCK, CAN_OBJECTS | CAN_LOCK, 16 },
};

#define MAX_STACK 96 /* of a function, of 512 of all that are active */

static bool may_stand(struct gen *g, int fn, const struct where *w,
		      const struct statement *s)
{
	bool sleeps = g->can & CAN_SLEEP && !w->rcu && !w->awake;
	bool later = s->emit == st_timer || s->emit == st_work;

	if ((s->can & g->can) != s->can)
		return false;
	if (s->flags & HOLDS_BLOCK && !w->depth)
		return false;
	/* What is to go on needs a loop in the end. */
	if (w->goes_on && !(s->flags & (LOOPS | HOLDS_BLOCK)))
		return false;
	if (w->goes_on && w->depth == 1 && !(s->flags & LOOPS))
		return false;
	if (w->goes_on && w->locked && s->emit != st_may_goto)
		return false;
	if (w->locked && !(s->flags & IN_LOCK))
		return false;
	if (s->flags & WITH_CTX && !w->ctx)
		return false;
	if (g->c->fns[fn].stack + s->stack > MAX_STACK)
		return false;
	if (s->emit == st_tail &&
	    (w->callback || w->refs || w->rcu || w->no_preempt || w->turns))
		return false;
	if (s->emit == st_call_global && (w->no_preempt || w->locked || w->rcu))
		return false;
	if (s->emit == st_hold_rcu && w->rcu)
		return false;
	if ((s->emit == st_task || s->emit == st_css) && sleeps)
		return false;
	if (later && (w->turns || w->callback || w->rcu || w->no_preempt))
		return false;
	/* Nothing is called with a lock held, so the clock cannot be asked. */
	if (s->emit == st_hold_lock && g->by_clock)
		return false;
	if (s->emit == st_hold_lock && w->goes_on && w->depth < 2)
		return false;
	/* The verifier goes through all of it each time. */
	if (w->turns > 50 && s->flags & HOLDS_BLOCK && s->emit != st_count)
		return false;
	return true;
}

static bool fits(struct gen *g, int fn, const struct where *w,
		 const struct statement *s, unsigned int only)
{
	return (s->flags & only) == only && may_stand(g, fn, w, s);
}

/* One that has all the flags @only. */
static void one_statement(struct gen *g, int fn, struct where w,
			  unsigned int only)
{
	unsigned int total = 0, n, i;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (fits(g, fn, &w, &statements[i], only))
			total += statements[i].weight;
	if (!total)
		return;
	n = random_below(g, total);
	for (i = 0;; i++) {
		if (!fits(g, fn, &w, &statements[i], only))
			continue;
		if (n < statements[i].weight)
			break;
		n -= statements[i].weight;
	}
	statements[i].emit(g, fn, w);
}

/*
 * One or two statements; if it is to go on, the last one does. Behind it may be a call that
 * would go on as well. It is come to when the first one was ended: on the fast path.
 */
void gen_block(struct gen *g, int fn, struct where w)
{
	struct where brief = w;

	brief.goes_on = false;
	if (brief.depth > 1)
		brief.depth = 1;
	/* The innermost of what goes on: its loop's body. */
	if (!w.depth)
		w.goes_on = false;
	if (one_in(g, 3))
		one_statement(g, fn, brief, 0);
	one_statement(g, fn, w, 0);
	if (w.goes_on && one_in(g, 4))
		one_statement(g, fn, w, CALLS);
	else if (!w.goes_on && w.depth && one_in(g, 4))
		one_statement(g, fn, brief, 0);
}

/* --- Programs -------------------------------------------------------------------------------- */

static void begin(struct gen *g, struct program *p, const struct home *h,
		  __u64 seed, enum random_hook hook)
{
	memset(g, 0, sizeof(*g));
	p->seed = seed;
	p->hook = hook;
	p->kinds = 0;
	p->endless = p->overruns = p->tails = false;
	p->extends = p->fexit = -1;
	code_init(&p->code);
	g->p = p;
	g->h = h;
	g->c = &p->code;
	g->can = hooks[hook].can;
	/* The CPU that would set "leave" waits for the IPI. */
	g->by_clock = h->by_clock || hook == HOOK_raw_tp_ipi;
	g->random = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	random_below(g, 2);
	random_below(g, 2);
}

int gen_main_type(const struct home *h, enum random_hook hook)
{
	return hook == HOOK_tc	? h->tc_type :
	       hook == HOOK_xdp ? h->xdp_type :
				  h->any_type;
}

static struct where outside(struct gen *g, bool goes_on, int depth)
{
	return (struct where){ .depth = depth,
			       .goes_on = goes_on,
			       .ctx = true,
			       .awake = !(g->can & CAN_SLEEP) };
}

static void end_main(struct gen *g, int fn, int out)
{
	count_up(g, fn, RND(finished));
	place(C, out);
	mov_imm(C, R0, hooks[g->p->hook].ret);
	leave_fn(C);
}

void gen_main(struct program *p, const struct home *h, __u64 seed)
{
	struct gen gen, *g = &gen;
	int fn, out;

	begin(g, p, h, seed, 0);
	p->hook = random_below(g, NR_HOOKS);
	g->can = hooks[p->hook].can;
	g->by_clock = h->by_clock || p->hook == HOOK_raw_tp_ipi;
	p->overruns = !one_in(g, 10);
	fn = code_add(g->c, gen_main_type(h, p->hook));
	out = label(C);
	mov(C, R6, R1);
	/* Others pass some of the hooks, and an extension of main needs no more than this. */
	rnd_to(g, fn, R1);
	mov_imm(C, R2, 0);
	atomic(C, BPF_XCHG, R1, RND(armed), R2);
	jump_if(C, BPF_JEQ, R2, 0, out);
	count_up(g, fn, RND(started));
	gen_block(g, fn, outside(g, p->overruns, 2 + random_below(g, 3)));
	end_main(g, fn, out);
	p->nr_globals = g->nr_global;
	if (g->nr_global && one_in(g, 2)) {
		HAS(extended);
		p->extends = h->global_type[random_below(g, g->nr_global)];
	} else if ((p->hook == HOOK_tc || p->hook == HOOK_xdp) &&
		   one_in(g, 6)) {
		HAS(extended_main);
		p->extends = gen_main_type(h, p->hook);
	} else if (g->nr_static && one_in(g, 4)) {
		HAS(fexit);
		p->fexit = h->static_type[random_below(g, g->nr_static)];
	}
	p->code.full |= !code_link(g->c);
}

void gen_target(struct program *p, const struct home *h, __u64 seed,
		enum random_hook hook)
{
	struct gen gen, *g = &gen;
	int fn, out;

	begin(g, p, h, ~seed, hook);
	fn = code_add(g->c, gen_main_type(h, hook));
	out = label(C);
	mov(C, R6, R1);
	gen_block(g, fn, outside(g, !one_in(g, 3), 1 + random_below(g, 2)));
	end_main(g, fn, out);
	p->code.full |= !code_link(g->c);
}

void gen_extension(struct program *p, const struct home *h, __u64 seed,
		   enum random_hook hook, int type_id)
{
	bool main = type_id == gen_main_type(h, hook);
	struct gen gen, *g = &gen;
	int fn, out;

	begin(g, p, h, ~seed * 3, hook);
	if (!main)
		g->can &= ~(CAN_TAIL | CAN_SOCK);
	fn = code_add(g->c, type_id);
	out = label(C);
	if (main) {
		mov(C, R6, R1);
		rnd_to(g, fn, R1);
		store_imm(C, BPF_DW, R1, RND(armed), 0);
		gen_block(g, fn, outside(g, true, 1 + random_below(g, 2)));
		end_main(g, fn, out);
	} else {
		global_body(g, fn,
			    (struct where){ .depth = 2 + random_below(g, 2),
					    .goes_on = true,
					    .awake = !(g->can & CAN_SLEEP) });
	}
	p->code.full |= !code_link(g->c);
}
