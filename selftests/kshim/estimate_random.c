// SPDX-License-Identifier: GPL-2.0
/*
 * The algorithms of estimate.c, estimate_solve.c, estimate_spots.c and estimate_fast.c in the
 * kernel's kernel/bpf/runtime/, built for user space, against random programs:
 * estimate_random [PROGRAMS [FIRST]].
 *
 * A program is a random control flow graph with iterators, callbacks, may_goto,
 * calls, a global function and a timer. A small verifier walks it, keeps states and prunes, and
 * logs what estimate_log.c and others would. The truth comes from a search of all
 * states that a run can be in: the shortest and the longest run, the longest one of the timer,
 * and the longest way from a redirect anywhere to the end of the fast path. No bound may be exceeded, and a fast path
 * with a cycle must not pass for one that ends. Exit status: 0, 1.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include "estimate_graph.h"

#define MAX_LEN 16
#define NR_ITERS 3
#define NR_TAGS 3
#define MAX_STEPS 1500
#define MAX_TURNS 2 /* of may_goto */
#define STUB_COST 1

enum op {
	COST,
	BRANCH, /* goes both ways */
	NEW, /* makes an iterator, or makes it anew */
	NEXT,
	BUMP, /* what follows costs something else, and is another state */
	JUMP,
	EXIT,
	CALLBACK, /* a helper that calls a callback */
	RETURN, /* of a callback */
	FUNC, /* a global function */
	CALL, /* a helper */
	GOTO, /* may_goto */
	START, /* of a timer: what it runs is no part of this run */
};

struct insn {
	enum op op;
	u32 it; /* which iterator */
	u32 to; /* where a jump, an element or a callback is */
	u64 min, max; /* elements or rounds; max may be U64_MAX */
	u64 call; /* what the helper takes in itself */
	u64 unit; /* and for each round */
	bool stops; /* the callback says that it was the last round */
	u64 cost[NR_TAGS];
};

static struct insn prog[MAX_LEN];
static u32 len;
static u32 timer; /* where what it runs begins, 0: nowhere */
static u64 func_cost[2], func_call;

static u32 below(u32 n)
{
	return rand() % n;
}

/* --- The program ----------------------------------------------------------------------------- */

static enum op random_op(bool callbacks)
{
	u32 r = below(100);

	return r < 10 ? COST :
	       r < 28 ? BRANCH :
	       r < 39 ? NEW :
	       r < 60 ? NEXT :
	       r < 66 ? BUMP :
	       r < 78 ? (callbacks ? CALLBACK : NEXT) :
	       r < 82 ? FUNC :
	       r < 87 ? CALL :
	       r < 92 ? GOTO :
	       r < 96 ? START :
			JUMP;
}

/* A callback: behind the exit, up to three instructions and its return. */
static void make_callback(void)
{
	u32 i, begin = len, end = len + below(4);

	end = min(end, (u32)MAX_LEN - 1);
	for (i = begin; i <= end; i++) {
		struct insn *in = &prog[i];
		u32 r = below(100), tag;

		in->op = i == end || r >= 90 ? RETURN :
			 r < 30		     ? COST :
			 r < 50		     ? BUMP :
			 r < 60		     ? CALL :
					       BRANCH;
		in->to = i < end ? i + 1 + below(end - i) : 0;
		in->stops = !below(4);
		in->call = below(30);
		for (tag = 0; tag < NR_TAGS; tag++)
			in->cost[tag] = below(20);
	}
	for (i = 0; i < begin; i++)
		if (prog[i].op == CALLBACK)
			prog[i].to = begin;
	len = end + 1;
}

static void make_insn(u32 i, enum op op, u32 nr_iters)
{
	struct insn *in = &prog[i];
	u32 tag;

	in->op = op;
	in->it = below(nr_iters);
	in->min = below(3);
	in->max = in->min + below(2);
	if (below(2))
		in->min = in->max;
	if (in->op == NEW && !below(12)) {
		in->min = 0;
		in->max = U64_MAX;
	}
	in->call = below(30);
	in->unit = below(5);
	for (tag = 0; tag < NR_TAGS; tag++)
		in->cost[tag] = in->op == COST || !below(3) ? below(20) :
				tag ? in->cost[tag - 1] :
				      0;
}

/* What a timer runs: behind all else, with an exit of its own. */
static void make_timer(void)
{
	u32 end = len + 1 + below(6), i;

	timer = 0;
	if (len + 1 >= MAX_LEN)
		return;
	timer = len;
	end = min(end, (u32)MAX_LEN - 1);
	for (i = timer; i <= end; i++) {
		make_insn(i, i == timer && end > timer ? NEW : random_op(false),
			  1);
		prog[i].to = timer + below(end - timer + 1);
	}
	prog[end].op = EXIT;
	len = end + 1;
}

static void make_program(unsigned int seed)
{
	u32 nr_iters, i;
	bool callbacks;

	srand(seed);
	memset(prog, 0, sizeof(prog));
	nr_iters = 1 + below(NR_ITERS);
	callbacks = below(2);
	len = 5 + below(MAX_LEN - 6);
	func_cost[0] = below(20);
	func_cost[1] = below(20);
	func_call = below(30);
	for (i = 0; i < len; i++) {
		/* Many begin by making their iterators. */
		bool make = i < nr_iters && below(4);

		make_insn(i, make ? NEW : random_op(callbacks), nr_iters);
		if (make)
			prog[i].it = i;
		prog[i].to = below(len);
	}
	prog[len - 1].op = EXIT;
	if (callbacks)
		make_callback();
	make_timer();
}

/* --- The verifier, and what it logs ---------------------------------------------------------- */

static struct bpf_est_graph g;
static u16 insns[MAX_LEN];

#define NEW_ELEMENT(what)                                               \
	(g.what = realloc(g.what, (g.nr_##what + 1) * sizeof(*g.what)), \
	 memset(&g.what[g.nr_##what], 0, sizeof(*g.what)), g.nr_##what++)

enum { NONE, ACTIVE, DRAINED };

/* A state of the verifier. */
struct vstate {
	u32 pc, tag;
	u32 caller; /* of the callback + 1 */
	u32 rounds; /* of it, that were walked */
	u32 turns; /* of may_goto, likewise */
	u32 goto_var; /* of these */
	u8 iter[NR_ITERS];
	u32 ref[NR_ITERS], depth[NR_ITERS];
	int parent;
	/* As struct bpf_est_state has it. */
	u64 cost, fast;
	u32 node, event, flags, cb_var, est_cb;
};

struct kept {
	struct vstate s;
	int branches, parent;
};

static struct kept *kept;
static struct vstate *stack;
static int nr_kept, nr_stack;
static u32 last_ref;
static bool prune_point[MAX_LEN];

static u32 var_of(u32 ref)
{
	u32 i;

	for (i = 1; i < g.nr_vars; i++)
		if (g.vars[i].ref == ref)
			return i;
	return 0;
}

static u32 new_var(u32 kind, u64 min, u64 max, u32 ref)
{
	u32 i = NEW_ELEMENT(vars);

	g.vars[i] = (struct bpf_est_var){
		.parent = i,
		.kind = kind,
		.min = min,
		.max = max,
		.ref = ref,
		.reason = max == U64_MAX ? BPF_ESTIMATE_ITERATOR : 0,
	};
	return i;
}

static void merge(u32 a, u32 b)
{
	struct bpf_est_var *va, *vb;

	if (!a || !b)
		return;
	a = bpf_est_find(&g, a);
	b = bpf_est_find(&g, b);
	if (a == b)
		return;
	va = &g.vars[min(a, b)];
	vb = &g.vars[max(a, b)];
	vb->parent = min(a, b);
	if (!va->reason)
		va->reason = vb->reason;
	va->max = max(va->max, vb->max);
	va->min = min(va->min, vb->min);
	va->may_stop |= vb->may_stop;
}

static u32 new_node(u32 insn)
{
	u32 n = NEW_ELEMENT(nodes);

	g.nodes[n].insn = insn;
	g.nodes[n].alias = n;
	return n;
}

static void new_edge(const struct vstate *s, u32 dst)
{
	u32 e = NEW_ELEMENT(edges);

	g.edges[e] = (struct bpf_est_edge){
		.best = s->cost,
		.worst = s->cost,
		.fast = s->fast,
		.weight = s->cost,
		.event = s->event,
		.flags = s->flags | (s->cb_var ? BPF_EST_RETURN : 0),
		.dst = dst,
		.next = g.nodes[s->node].first,
	};
	g.nodes[s->node].first = e;
}

static void new_event(struct vstate *s, u32 kind, u32 id, u64 worst)
{
	u32 i = NEW_ELEMENT(events);

	g.events[i] = (struct bpf_est_event){
		.prev = s->event,
		.insn = s->pc,
		.kind = kind,
		.id = id,
		.worst = worst,
	};
	s->event = i;
}

static void call(struct vstate *s, u64 cost)
{
	s->cost += cost;
	new_event(s, BPF_EST_HELPER, 1, cost);
}

/* A path of the verifier ends. */
static void path_ends(int k)
{
	for (; k >= 0 && !--kept[k].branches; k = kept[k].parent)
		;
}

static void push(const struct vstate *s)
{
	stack = realloc(stack, (nr_stack + 1) * sizeof(*s));
	stack[nr_stack++] = *s;
	if (s->parent >= 0)
		kept[s->parent].branches++;
}

static bool same_state(const struct vstate *old, const struct vstate *cur)
{
	return old->pc == cur->pc && old->tag == cur->tag &&
	       old->caller == cur->caller && old->rounds <= cur->rounds &&
	       !memcmp(old->iter, cur->iter, sizeof(old->iter));
}

static bool is_ancestor(int k, const struct vstate *s)
{
	int p;

	for (p = s->parent; p >= 0; p = kept[p].parent)
		if (p == k)
			return true;
	return false;
}

enum visit { GO_ON, PRUNED, REFUSED };

/* Is the state one of those that were kept? As is_state_visited() has it. */
static enum visit visit(struct vstate *s)
{
	const struct insn *in = &prog[s->pc];
	int k, i;

	for (k = nr_kept - 1; k >= 0; k--) {
		const struct vstate *old = &kept[k].s;

		if (!same_state(old, s))
			continue;
		if (kept[k].branches) {
			bool hit =
				in->op == CALLBACK ||
				(in->op == NEXT && s->iter[in->it] == ACTIVE) ||
				(in->op == GOTO && old->turns != s->turns);

			if (!hit && in->op != NEXT && is_ancestor(k, s) &&
			    !memcmp(old->depth, s->depth, sizeof(s->depth)) &&
			    old->turns == s->turns)
				return REFUSED;
			if (!hit)
				continue;
		}
		new_edge(s, old->node);
		merge(g.nodes[old->node].var, s->cb_var);
		merge(old->est_cb, s->est_cb);
		merge(old->goto_var, s->goto_var);
		for (i = 0; i < NR_ITERS; i++)
			if (s->iter[i] && old->iter[i])
				merge(var_of(old->ref[i]), var_of(s->ref[i]));
		return PRUNED;
	}
	return GO_ON;
}

static void keep(struct vstate *s)
{
	u32 n = new_node(s->pc);

	new_edge(s, n);
	s->node = n;
	s->cost = 0;
	s->fast = 0;
	s->event = 0;
	s->flags = 0;
	kept = realloc(kept, (nr_kept + 1) * sizeof(*kept));
	kept[nr_kept] =
		(struct kept){ .s = *s, .branches = 1, .parent = s->parent };
	s->parent = nr_kept++;
}

static void make_header(const struct vstate *s, u32 var)
{
	struct bpf_est_node *node = &g.nodes[s->node];
	struct bpf_est_var *v = &g.vars[var];

	if (node->var)
		return;
	node->var = var;
	if (!v->head)
		v->head = s->node;
	if (v->head != s->node && (v->kind != BPF_LOOP_MAY_GOTO ||
				   g.nodes[v->head].insn == node->insn)) {
		node->alias = v->head;
		g.chains = true;
	}
}

/* A run begins at @pc: the program's, or that of a timer. */
static struct vstate begin_run(u32 pc)
{
	struct vstate s = { .pc = pc, .parent = -1 };

	s.node = new_node(pc);
	s.goto_var = new_var(BPF_LOOP_MAY_GOTO, 0, MAX_TURNS, last_ref);
	new_event(&s, BPF_EST_RESET, s.goto_var, 0);
	return s;
}

/* One instruction. Return: false if the path ends, or the program is refused. */
static bool verify_insn(struct vstate *s, bool *refused)
{
	const struct insn *in = &prog[s->pc];
	struct vstate other;
	u32 var;

	s->cost += in->cost[s->tag];
	s->fast += in->cost[s->tag];
	*refused = false;
	switch (in->op) {
	case EXIT:
		*refused = s->caller;
		new_edge(s, 0);
		return false;
	case JUMP:
		s->pc = in->to;
		return true;
	case BUMP:
		s->tag = min(s->tag + 1, (u32)NR_TAGS - 1);
		break;
	case BRANCH:
		other = *s;
		new_event(&other, BPF_EST_BRANCH, 1, 0);
		new_event(s, BPF_EST_BRANCH, 0, 0);
		other.pc = in->to;
		push(&other);
		break;
	case NEW:
		call(s, in->call);
		s->iter[in->it] = ACTIVE;
		s->ref[in->it] = ++last_ref;
		s->depth[in->it] = 0;
		var = new_var(BPF_LOOP_NUM, in->min, in->max, last_ref);
		new_event(s, BPF_EST_RESET, var, 0);
		break;
	case NEXT:
		*refused = !s->iter[in->it];
		if (*refused)
			return false;
		call(s, in->call);
		if (s->iter[in->it] == ACTIVE) {
			other = *s;
			other.depth[in->it]++;
			other.pc = in->to;
			push(&other);
			make_header(s, var_of(s->ref[in->it]));
			s->flags |= BPF_EST_LEAVE;
		}
		s->iter[in->it] = DRAINED;
		break;
	case GOTO:
		/* Those of callbacks would have a counter of their own. */
		*refused = s->caller;
		other = *s;
		other.turns++;
		other.pc++;
		push(&other);
		make_header(s, s->goto_var);
		s->flags |= BPF_EST_LEAVE;
		s->pc = in->to;
		return true;
	case CALLBACK:
		*refused = s->caller;
		var = s->cb_var;
		if (!var) {
			var = new_var(BPF_LOOP_CALLBACK, in->min, in->max,
				      last_ref);
			s->rounds = 0;
		}
		s->cb_var = 0;
		make_header(s, var);
		if (s->rounds < in->max) {
			other = *s;
			other.rounds++;
			other.caller = s->pc + 1;
			other.est_cb = var;
			other.pc = in->to;
			other.cost += in->unit;
			other.fast += in->unit;
			push(&other);
		}
		call(s, in->call);
		s->flags |= BPF_EST_LEAVE;
		s->rounds = 0;
		break;
	case RETURN:
		*refused = !s->caller;
		if (*refused)
			return false;
		s->pc = s->caller - 1;
		s->caller = 0;
		s->cb_var = s->est_cb;
		s->est_cb = 0;
		if (in->stops)
			g.vars[bpf_est_find(&g, s->cb_var)].may_stop = true;
		return true;
	case FUNC:
		new_event(s, BPF_EST_FUNC, 1, 0);
		break;
	case CALL:
		call(s, in->call);
		break;
	case START:
		if (!timer)
			break;
		other = begin_run(timer);
		g.async = realloc(g.async, (g.nr_async + 1) * sizeof(*g.async));
		g.async[g.nr_async++] = other.node;
		push(&other);
		break;
	default:
		break;
	}
	s->pc++;
	return true;
}

static bool is_forced_point(enum op op)
{
	return op == NEXT || op == CALLBACK || op == GOTO;
}

/* Walks the program. Return: false if it is refused. */
static bool verify(void)
{
	struct vstate s;
	u32 steps = 0, i;
	bool refused;

	memset(&g, 0, sizeof(g));
	/* Index 0 is none. */
	NEW_ELEMENT(nodes);
	NEW_ELEMENT(edges);
	NEW_ELEMENT(events);
	NEW_ELEMENT(vars);
	NEW_ELEMENT(funcs);
	nr_kept = 0;
	nr_stack = 0;
	last_ref = 0;
	g.nr_insns = MAX_LEN;
	g.insns = insns;
	g.funcs[0].event = g.nr_events;
	s = begin_run(0);
	g.funcs[0].root = s.node;
	push(&s);
	while (nr_stack) {
		s = stack[--nr_stack];
		for (;;) {
			if (++steps > MAX_STEPS || s.pc >= len)
				return false;
			if (prune_point[s.pc] ||
			    is_forced_point(prog[s.pc].op)) {
				enum visit v = visit(&s);

				if (v == REFUSED)
					return false;
				if (v == PRUNED)
					break;
				keep(&s);
			}
			if (!verify_insn(&s, &refused))
				break;
			if (refused)
				return false;
		}
		if (refused)
			return false;
		path_ends(s.parent);
	}
	/* The global function: one of two paths, and a call. */
	NEW_ELEMENT(funcs);
	i = new_node(0);
	g.funcs[1].root = i;
	g.funcs[1].event = g.nr_events;
	new_event(&(struct vstate){ 0 }, BPF_EST_RESET, 0, 0);
	for (i = 0; i < 2; i++) {
		s = (struct vstate){ .node = g.funcs[1].root,
				     .pc = MAX_LEN - 1,
				     .cost = func_cost[i],
				     .fast = func_cost[i] };
		call(&s, func_call);
		new_edge(&s, 0);
	}
	return true;
}

/* --- The truth ------------------------------------------------------------------------------- */

/* A state of a run. Elements that are left: 0 to 5, or without a limit. */
#define LEFT_NONE 7
#define LEFT_ANY 6

struct state {
	u32 pc, tag, caller, rounds, turns;
	u32 left[NR_ITERS];
};

#define MAX_NEXT 8

struct step {
	struct state to;
	u64 cost;
	u64 rest; /* of it, if it is redirected in the middle, and still goes on there */
};

#define NR_KEYS (MAX_LEN * NR_TAGS * (MAX_LEN + 1) * 4 * (MAX_TURNS + 1) * 512)

struct found {
	u64 lo, hi, fast;
	u32 seen, fast_seen; /* number of the program * 2, + 1: done */
};

static struct found *all_found;
static u32 program;
static bool infinite, fast_infinite, timer_runs;
static u64 stop;

static struct found *find(const struct state *s)
{
	u32 key = s->pc, i;

	key = key * NR_TAGS + s->tag;
	key = key * (MAX_LEN + 1) + s->caller;
	key = key * 4 + s->rounds;
	key = key * (MAX_TURNS + 1) + s->turns;
	for (i = 0; i < NR_ITERS; i++)
		key = key * 8 + s->left[i];
	return &all_found[key];
}

static struct state *add_step(struct step *steps, u32 *nr,
			      const struct state *s, u64 cost)
{
	steps[*nr].to = *s;
	steps[*nr].cost = cost;
	steps[*nr].rest = U64_MAX;
	return &steps[(*nr)++].to;
}

/* What a call takes in the image that is run. */
static u64 call_cost(const struct insn *in, bool fast)
{
	return fast && insns[in - prog] & BPF_EST_STUB ? STUB_COST : in->call;
}

/* All that may come next. */
static u32 next_steps(const struct state *s, bool fast, struct step *steps)
{
	const struct insn *in = &prog[s->pc], *header;
	u64 cost = in->cost[s->tag], n;
	u16 flags = insns[s->pc];
	struct state *to;
	u32 nr = 0;

	switch (in->op) {
	case EXIT:
		break;
	case JUMP:
		add_step(steps, &nr, s, cost)->pc = in->to;
		break;
	case BUMP:
		to = add_step(steps, &nr, s, cost);
		to->pc++;
		to->tag = min(to->tag + 1, (u32)NR_TAGS - 1);
		break;
	case BRANCH:
		if (!fast || !(flags & BPF_EST_FORCE_TAKE))
			add_step(steps, &nr, s, cost)->pc++;
		if (!fast || !(flags & BPF_EST_FORCE_FALL))
			add_step(steps, &nr, s, cost)->pc = in->to;
		break;
	case NEW:
		cost += call_cost(in, fast);
		for (n = in->min; n <= (in->max == U64_MAX ? in->min : in->max);
		     n++) {
			to = add_step(steps, &nr, s, cost);
			to->pc++;
			to->left[in->it] = in->max == U64_MAX ? LEFT_ANY : n;
		}
		break;
	case NEXT:
		cost += call_cost(in, fast);
		if (s->left[in->it] && !(fast && flags & BPF_EST_CUT)) {
			to = add_step(steps, &nr, s, cost);
			to->pc = in->to;
			to->left[in->it] -= to->left[in->it] != LEFT_ANY;
			if (to->left[in->it] != LEFT_ANY)
				break;
		}
		to = add_step(steps, &nr, s, cost);
		to->pc++;
		to->left[in->it] = 0;
		break;
	case GOTO:
		if (s->turns && !fast) {
			to = add_step(steps, &nr, s, cost);
			to->pc++;
			to->turns--;
		} else {
			add_step(steps, &nr, s, cost)->pc = in->to;
		}
		break;
	case CALLBACK:
		for (n = in->min; n <= in->max; n++) {
			if (n && fast && flags & BPF_EST_CUT)
				n = 0;
			to = add_step(steps, &nr, s, cost);
			if (!n) {
				steps[nr - 1].cost += call_cost(in, fast);
				to->pc++;
				if (fast && flags & BPF_EST_CUT)
					break;
				continue;
			}
			steps[nr - 1].cost += in->unit;
			to->caller = s->pc + 1;
			to->rounds = n;
			to->pc = in->to;
		}
		break;
	case RETURN:
		header = &prog[s->caller - 1];
		to = add_step(steps, &nr, s, cost);
		to->rounds--;
		to->pc = s->caller - 1;
		/* The helper tests whether it is to end. */
		if (!in->stops && to->rounds &&
		    !(fast && insns[to->pc] & BPF_EST_CUT)) {
			to->pc = header->to;
			steps[0].cost += header->unit + header->cost[s->tag];
			steps[0].rest = header->unit;
			break;
		}
		steps[0].cost +=
			header->call + (fast ? 0 : header->cost[s->tag]);
		to->rounds = 0;
		to->caller = 0;
		to->pc++;
		break;
	case FUNC:
		for (n = 0; n < 2; n++) {
			u64 func = func_cost[n] + func_call;

			add_step(steps, &nr, s,
				 cost + (fast && flags & BPF_EST_STUB ?
						 STUB_COST :
						 func))
				->pc++;
		}
		break;
	case CALL:
		cost += call_cost(in, fast);
		/* fall through */
	default:
		add_step(steps, &nr, s, cost)->pc++;
	}
	return nr;
}

/* The longest way to the exit on the fast path. */
static u64 search_fast(const struct state *s)
{
	struct found *f = find(s);
	struct step steps[MAX_NEXT];
	u32 nr, i;

	if (f->fast_seen == program * 2 + 1)
		return f->fast;
	if (f->fast_seen == program * 2) {
		fast_infinite = true;
		return 0;
	}
	f->fast_seen = program * 2;
	f->fast = prog[s->pc].op == EXIT ? prog[s->pc].cost[s->tag] : 0;
	nr = next_steps(s, true, steps);
	for (i = 0; i < nr && !fast_infinite; i++)
		f->fast =
			max(f->fast, steps[i].cost + search_fast(&steps[i].to));
	f->fast_seen = program * 2 + 1;
	return f->fast;
}

/* The shortest and the longest way to the exit. */
static struct found *search(const struct state *s)
{
	struct found *f = find(s), *next;
	struct step steps[MAX_NEXT];
	u32 nr, i;

	if (f->seen == program * 2 + 1)
		return f;
	if (f->seen == program * 2) {
		infinite = true;
		return f;
	}
	f->seen = program * 2;
	f->lo = U64_MAX;
	f->hi = 0;
	timer_runs |= prog[s->pc].op == START && timer;
	if (prog[s->pc].op == EXIT)
		f->lo = f->hi = prog[s->pc].cost[s->tag];
	stop = max(stop, search_fast(s));
	nr = next_steps(s, false, steps);
	for (i = 0; i < nr; i++) {
		next = search(&steps[i].to);
		/* Redirected in the middle of this step. */
		stop = max(stop, min(steps[i].cost, steps[i].rest) +
					 search_fast(&steps[i].to));
		f->lo = min(f->lo, bpf_est_add(next->lo, steps[i].cost));
		f->hi = max(f->hi, next->hi + steps[i].cost);
	}
	f->seen = program * 2 + 1;
	return f;
}

/* --- Both ------------------------------------------------------------------------------------ */

/* What the fast path makes of each instruction. */
static void draw_flags(void)
{
	u32 i;

	for (i = 0; i < MAX_LEN; i++) {
		enum op op = i < len ? prog[i].op : CALL;

		insns[i] = 0;
		if (op == BRANCH && below(4)) {
			insns[i] |= below(2) ? BPF_EST_MAY_TAKE :
					       BPF_EST_MAY_FALL;
			if (!below(4))
				insns[i] |= BPF_EST_MAY_TAKE | BPF_EST_MAY_FALL;
			if (insns[i] & BPF_EST_MAY_TAKE && !below(4))
				insns[i] |= BPF_EST_EXIT_TAKE;
			if (insns[i] & BPF_EST_MAY_FALL && !below(4))
				insns[i] |= BPF_EST_EXIT_FALL;
		}
		if (op == GOTO || ((op == NEXT || op == CALLBACK) && below(6)))
			insns[i] |= BPF_EST_CUT;
		if (((op == CALL || op == CALLBACK) && below(2)) || op == NEW ||
		    op == NEXT || (op == FUNC && below(4)))
			insns[i] |= BPF_EST_STUB;
	}
	/* The call in the global function. */
	insns[MAX_LEN - 1] |= BPF_EST_STUB;
	g.stub = STUB_COST;
	g.inlined = STUB_COST;
	for (i = 0; i < MAX_LEN; i++)
		prune_point[i] = false;
	for (i = 0; i < len; i++) {
		if (prog[i].op != BRANCH && prog[i].op != JUMP &&
		    prog[i].op != NEXT)
			continue;
		prune_point[prog[i].to] = true;
		if (!below(3))
			prune_point[i] = true;
	}
}

static struct {
	u32 refused, unbounded, infinite, endless, cut, tight, stop_tight, bad;
	u32 timers, timers_tight;
} nr;

static void show_program(void)
{
	static const char *const names[] = {
		"cost",	    "branch", "new",  "next", "bump", "jump",  "exit",
		"callback", "return", "func", "call", "goto", "start",
	};
	u32 i;

	for (i = 0; i < len; i++) {
		const struct insn *in = &prog[i];

		printf("  %2u %-8s it %u to %2u, %lld to %lld, call %llu unit %llu%s, cost %llu %llu %llu, flags %03x%s\n",
		       i, names[in->op], in->it, in->to, (long long)in->min,
		       (long long)in->max, (unsigned long long)in->call,
		       (unsigned long long)in->unit, in->stops ? " stops" : "",
		       (unsigned long long)in->cost[0],
		       (unsigned long long)in->cost[1],
		       (unsigned long long)in->cost[2], insns[i],
		       prune_point[i] ? " *" : "");
	}
}

/* With rounds walked apart, the path is one of two that were computed. */
static bool path_adds_up(const struct bpf_est_result *res)
{
	u64 sum = 0;
	u32 i;

	if (g.chains || res->worst == U64_MAX ||
	    res->nr_spots == BPF_EST_MAX_SPOTS)
		return true;
	for (i = 0; i < res->nr_spots; i++)
		if (res->spots[i].kind != BPF_SPOT_LOOP)
			sum += res->spots[i].worst_ns;
	return sum == res->worst;
}

static void check(unsigned int seed)
{
	struct state begin = { .turns = MAX_TURNS };
	struct bpf_est_result *res;
	bool never, timer_never = false;
	u64 longest = 0; /* of the timer */
	struct found *f;
	const char *wrong;
	u32 i;

	make_program(seed);
	draw_flags();
	if (!verify()) {
		nr.refused++;
		goto out;
	}
	g.stub = STUB_COST;
	g.inlined = STUB_COST;
	res = calloc(1,
		     sizeof(*res) + BPF_EST_MAX_SPOTS * sizeof(res->spots[0]));
	if (bpf_est_evaluate(&g, res) || bpf_est_weigh(&g, res) ||
	    bpf_est_fast(&g, res))
		abort();

	program++;
	infinite = false;
	fast_infinite = false;
	timer_runs = false;
	stop = 0;
	for (i = 0; i < NR_ITERS; i++)
		begin.left[i] = LEFT_NONE;
	f = search(&begin);
	never = infinite;
	if (timer_runs) {
		infinite = false;
		begin.pc = timer;
		longest = search(&begin)->hi;
		timer_never = infinite;
		nr.timers++;
		nr.timers_tight += !infinite && res->async == longest;
	}
	infinite = never || timer_never;
	wrong = never && res->worst != U64_MAX		       ? "worst" :
		!never && res->worst < f->hi		       ? "worst" :
		!never && res->best > f->lo		       ? "best" :
		timer_never && res->async != U64_MAX	       ? "timer" :
		!timer_never && res->async < longest	       ? "timer" :
		infinite && res->weight != U64_MAX	       ? "weight" :
		!infinite && res->weight < max(f->hi, longest) ? "weight" :
		!path_adds_up(res)			       ? "path" :
		fast_infinite && !res->endless		       ? "endless" :
		!fast_infinite && res->stop < stop	       ? "stop" :
								 NULL;
	nr.infinite += infinite;
	nr.unbounded += res->worst == U64_MAX;
	nr.endless += res->endless;
	nr.cut += infinite && !res->endless;
	nr.tight += !never && res->worst == f->hi;
	nr.stop_tight += !fast_infinite && res->stop == stop;
	if (wrong) {
		nr.bad++;
		printf("program %u: %s: best %llu, worst %llu, timer %llu, stop %llu%s; truth %llu to %llu%s, timer %llu%s, stop %llu%s\n",
		       seed, wrong, (unsigned long long)res->best,
		       (unsigned long long)res->worst,
		       (unsigned long long)res->async,
		       (unsigned long long)res->stop,
		       res->endless ? " endless" : "",
		       (unsigned long long)f->lo, (unsigned long long)f->hi,
		       never ? " infinite" : "", (unsigned long long)longest,
		       timer_never ? " infinite" : "", (unsigned long long)stop,
		       fast_infinite ? " endless" : "");
		show_program();
	}
	free(res);
out:
	free(g.nodes);
	free(g.edges);
	free(g.events);
	free(g.vars);
	free(g.funcs);
	free(g.async);
}

int main(int argc, char **argv)
{
	unsigned int wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	unsigned int first = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	unsigned int i, accepted;

	all_found = calloc(NR_KEYS, sizeof(*all_found));
	if (!all_found)
		return 1;
	for (i = first; i < first + wanted; i++)
		check(i);
	accepted = wanted - nr.refused;
	printf("%u programs, %u with wrong bounds; %u accepted, %u without end, %u without bound, %u endless on the fast path, %u without end are cut; worst reached by %u, stop by %u; %u with a timer, its worst reached by %u\n",
	       wanted, nr.bad, accepted, nr.infinite, nr.unbounded, nr.endless,
	       nr.cut, nr.tight, nr.stop_tight, nr.timers, nr.timers_tight);
	return nr.bad || nr.tight < accepted / 4 ||
	       nr.stop_tight < accepted / 4 || nr.timers_tight < nr.timers / 4;
}
