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
#include "random/gen.h"

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

static unsigned int below(struct gen *g, unsigned int n)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return (g->random >> 11) % n;
}

static bool one_in(struct gen *g, unsigned int n)
{
	return !below(g, n);
}

#define HAS(kind) (g->p->kinds |= 1ULL << KIND_##kind)
#define RND(field) offsetof(struct rnd, field)
#define C g->c, fn

/* --- Small parts ----------------------------------------------------------------------------- */

static void block(struct gen *g, int fn, struct where w);

static void rnd_to(struct gen *g, int fn, int reg)
{
	load_value(C, reg, g->h->data_fd, 0);
}

/* A number that the verifier does not know. */
static void load_field(struct gen *g, int fn, int reg, size_t field)
{
	rnd_to(g, fn, reg);
	load(C, BPF_DW, reg, reg, field);
}

static void count(struct gen *g, int fn, size_t field)
{
	rnd_to(g, fn, R1);
	mov_imm(C, R2, 1);
	atomic(C, BPF_ADD, R1, field, R2);
}

static struct where inside(struct where w)
{
	w.depth--;
	return w;
}

/* R7 to R9, or -1. */
static int take_reg(struct gen *g, int fn)
{
	struct fn *f = &g->c->fns[fn];
	int r;

	for (r = R7; r <= R9; r++) {
		if (f->regs & 1U << r)
			continue;
		f->regs |= 1U << r;
		return r;
	}
	return -1;
}

static void give_reg(struct gen *g, int fn, int reg)
{
	if (reg >= 0)
		g->c->fns[fn].regs &= ~(1U << reg);
}

/* Jumps to @out when all are to leave. Changes R0 to R5. */
static void heed(struct gen *g, int fn, struct where w, int out)
{
	int slot;

	if (g->by_clock || (!w.locked && one_in(g, 5))) {
		HAS(exit_helper);
		call_helper(C, BPF_FUNC_ktime_get_ns);
		load_field(g, fn, R1, RND(deadline));
		jump_if_reg(C, BPF_JGE, R0, R1, out);
	} else if (!w.locked && one_in(g, 5)) {
		/* What is not there any more when "leave" is 1. */
		HAS(exit_helper);
		slot = on_stack(C, 8);
		load_field(g, fn, R1, RND(leave));
		store(C, BPF_DW, FP, slot, R1);
		load_map(C, R1, g->h->stay_fd);
		mov(C, R2, FP);
		alu_imm(C, BPF_ADD, R2, slot);
		call_helper(C, BPF_FUNC_map_lookup_elem);
		jump_if(C, BPF_JEQ, R0, 0, out);
	} else {
		HAS(exit_memory);
		load_field(g, fn, R1, RND(leave));
		jump_if(C, one_in(g, 2) ? BPF_JNE : BPF_JSET, R1,
			one_in(g, 2) ? 1 : 0xff, out);
	}
}

/* An exit that is never taken, by a value that the loop does not change. */
static int by_register(struct gen *g, int fn)
{
	int reg = one_in(g, 4) ? take_reg(g, fn) : -1;

	if (reg >= 0) {
		HAS(exit_register);
		load_field(g, fn, reg, RND(zero));
	}
	return reg;
}

static void by_register_test(struct gen *g, int fn, int reg, int out)
{
	if (reg >= 0)
		jump_if(C, BPF_JNE, reg, 0, out);
}

/* --- Loops ----------------------------------------------------------------------------------- */

static int new_callback(struct gen *g)
{
	return code_add(g->c, g->h->callback_type);
}

/* Statements of a callback of C, and what it returns: 1 if all are to leave. */
static void callback_body(struct gen *g, int fn, struct where w, int ctx_reg,
			  bool heeds)
{
	int out, ctx = -1;

	if (fn < 0)
		return;
	w.callback = true;
	w.ctx = false;
	if (ctx_reg >= 0) {
		ctx = take_reg(g, fn);
		mov(C, ctx, ctx_reg);
	}
	out = label(C);
	block(g, fn, inside(w));
	if (heeds)
		heed(g, fn, w, out);
	mov_imm(C, R0, 0);
	leave_fn(C);
	if (!heeds)
		return;
	place(C, out);
	if (ctx >= 0)
		store_imm(C, BPF_DW, ctx, 0, 1);
	mov_imm(C, R0, 1);
	leave_fn(C);
}

/* @slot: on the stack, which the callback sets when it leaves; 0: none. */
static void emit_loop(struct gen *g, int fn, struct where w, int slot,
		      bool once)
{
	bool called = one_in(g, 3), many = w.goes_on && !once;
	int cb = new_callback(g);

	if (called)
		HAS(loop_called);
	else
		HAS(loop);
	if (many && one_in(g, 2))
		mov_imm(C, R1, 1 << 23);
	else if (many || (!once && one_in(g, 2)))
		load_field(g, fn, R1, many ? RND(many) : RND(few));
	else
		mov_imm(C, R1, 1 + below(g, 4));
	load_fn(C, R2, cb);
	if (slot) {
		mov(C, R3, FP);
		alu_imm(C, BPF_ADD, R3, slot);
	} else {
		mov_imm(C, R3, 0);
	}
	/* Flags that the verifier does not know: it stays a call. */
	if (called)
		load_field(g, fn, R4, RND(zero));
	else
		mov_imm(C, R4, 0);
	call_helper(C, BPF_FUNC_loop);
	callback_body(g, cb, w, slot ? R2 : -1, many || slot || one_in(g, 2));
}

static void st_loop(struct gen *g, int fn, struct where w)
{
	emit_loop(g, fn, w, one_in(g, 3) ? on_stack(C, 8) : 0, false);
}

/*
 * A loop around a short one: the verifier takes it without a bound. It looks for loops
 * that go on for ever wherever it keeps a state, which it does after 8 instructions, and
 * only at the inner call it knows better. So there are fewer up to that.
 */
static void st_around(struct gen *g, int fn, struct where w)
{
	int again = label(C), out = label(C), slot = 0, reg = -1;
	unsigned int exit = g->by_clock ? 0 : below(g, 4);
	bool endless = w.goes_on && one_in(g, 40) && !g->by_clock;

	HAS(around);
	if (exit == 1 && !endless)
		reg = take_reg(g, fn);
	if (endless) {
		/* What is behind it can be reached, the verifier believes. */
		HAS(endless);
		g->p->endless = true;
		load_field(g, fn, R1, RND(few));
		jump_if(C, BPF_JEQ, R1, 1, out);
	} else if (reg >= 0) {
		slot = on_stack(C, 8);
		load_field(g, fn, R1, RND(zero));
		store(C, BPF_DW, FP, slot, R1);
		rnd_to(g, fn, reg);
	}
	place(C, again);
	emit_loop(g, fn, w, slot, true);
	if (endless) {
		jump(C, again);
	} else if (!w.goes_on) {
		load_field(g, fn, R1, RND(zero));
		jump_if(C, BPF_JNE, R1, 0, again);
	} else if (exit == 0) {
		HAS(exit_helper);
		call_helper(C, BPF_FUNC_ktime_get_ns);
		load_field(g, fn, R1, RND(deadline));
		jump_if_reg(C, BPF_JLT, R0, R1, again);
	} else if (slot) {
		/* What the callback sets; without a watchdog that works, memory. */
		HAS(exit_stack);
		load(C, BPF_DW, R1, FP, slot);
		load(C, BPF_DW, R2, reg, RND(leave));
		alu_reg(C, BPF_OR, R1, R2);
		jump_if(C, BPF_JEQ, R1, 0, again);
	} else {
		HAS(exit_memory);
		load_field(g, fn, R1, RND(leave));
		jump_if(C, BPF_JEQ, R1, 0, again);
	}
	place(C, out);
	give_reg(g, fn, reg);
}

static void each(struct gen *g, int fn, struct where w, int map_fd, bool again)
{
	int cb = new_callback(g), key, value, body = cb;

	if (cb < 0)
		return;
	load_map(C, R1, map_fd);
	load_fn(C, R2, cb);
	mov_imm(C, R3, 0);
	mov_imm(C, R4, 0);
	call_helper(C, BPF_FUNC_for_each_map_elem);
	if (again) {
		/* Takes the element out and puts it, or another one, in again. */
		fn = cb;
		key = on_stack(C, 8);
		value = on_stack(C, 8);
		load(C, BPF_W, R1, R2, 0);
		store(C, BPF_DW, FP, key, R1);
		store_imm(C, BPF_DW, FP, value, 1);
		load_map(C, R1, map_fd);
		mov(C, R2, FP);
		alu_imm(C, BPF_ADD, R2, key);
		call_helper(C, BPF_FUNC_map_delete_elem);
		if (one_in(g, 2)) {
			load(C, BPF_W, R1, FP, key);
			alu_imm(C, BPF_XOR, R1, 1 << 20);
			store(C, BPF_W, FP, key, R1);
		}
		load_map(C, R1, map_fd);
		mov(C, R2, FP);
		alu_imm(C, BPF_ADD, R2, key);
		mov(C, R3, FP);
		alu_imm(C, BPF_ADD, R3, value);
		mov_imm(C, R4, 0);
		call_helper(C, BPF_FUNC_map_update_elem);
	}
	callback_body(g, body, w, -1, true);
}

static void st_each_array(struct gen *g, int fn, struct where w)
{
	HAS(each_array);
	each(g, fn, w, g->h->array_fd, false);
}

static void st_each_percpu(struct gen *g, int fn, struct where w)
{
	HAS(each_percpu);
	each(g, fn, w, g->h->percpu_fd, false);
}

static void st_each_hash(struct gen *g, int fn, struct where w)
{
	HAS(each_hash);
	each(g, fn, w, g->h->hash_fd, false);
}

static void st_each_again(struct gen *g, int fn, struct where w)
{
	HAS(each_again);
	each(g, fn, w, g->h->hash_fd, true);
}

/* What the open-coded iterators have in common, behind their new(). */
static void iterate(struct gen *g, int fn, struct where w, int it, int next,
		    int destroy)
{
	int again = label(C), out = label(C), reg = by_register(g, fn);

	place(C, again);
	mov(C, R1, FP);
	alu_imm(C, BPF_ADD, R1, it);
	call_kfunc(C, next);
	jump_if(C, BPF_JEQ, R0, 0, out);
	w.refs++;
	block(g, fn, inside(w));
	by_register_test(g, fn, reg, out);
	heed(g, fn, w, out);
	jump(C, again);
	place(C, out);
	mov(C, R1, FP);
	alu_imm(C, BPF_ADD, R1, it);
	call_kfunc(C, destroy);
	give_reg(g, fn, reg);
}

static int new_iterator(struct gen *g, int fn, int bytes)
{
	int it = on_stack(C, bytes);

	mov(C, R1, FP);
	alu_imm(C, BPF_ADD, R1, it);
	return it;
}

static void st_num(struct gen *g, int fn, struct where w)
{
	int it = new_iterator(g, fn, 8);

	HAS(num);
	mov_imm(C, R2, 0);
	if (w.goes_on && one_in(g, 2))
		mov_imm(C, R3, 1 << 23);
	else
		load_field(g, fn, R3, w.goes_on ? RND(many) : RND(few));
	call_kfunc(C, g->h->bpf_iter_num_new);
	iterate(g, fn, w, it, g->h->bpf_iter_num_next,
		g->h->bpf_iter_num_destroy);
}

static void st_bits(struct gen *g, int fn, struct where w)
{
	int it = new_iterator(g, fn, 16);

	HAS(bits);
	load_value(C, R2, g->h->data_fd, RND(words));
	mov_imm(C, R3, w.goes_on || one_in(g, 2) ? RND_WORDS : 1);
	call_kfunc(C, g->h->bpf_iter_bits_new);
	iterate(g, fn, w, it, g->h->bpf_iter_bits_next,
		g->h->bpf_iter_bits_destroy);
}

static void st_task(struct gen *g, int fn, struct where w)
{
	int it = new_iterator(g, fn, 24);

	HAS(task);
	mov_imm(C, R2, 0);
	mov_imm(C, R3, 0);
	call_kfunc(C, g->h->bpf_iter_task_new);
	iterate(g, fn, w, it, g->h->bpf_iter_task_next,
		g->h->bpf_iter_task_destroy);
}

/* Keeps what R0 points to in a register or on the stack; returns which: below 0, its slot. */
static int keep(struct gen *g, int fn)
{
	int reg = one_in(g, 2) ? take_reg(g, fn) : -1, slot;

	if (reg >= 0) {
		mov(C, reg, R0);
		return reg;
	}
	slot = on_stack(C, 8);
	store(C, BPF_DW, FP, slot, R0);
	return slot;
}

static void fetch_kept(struct gen *g, int fn, int dst, int kept)
{
	if (kept >= 0)
		mov(C, dst, kept);
	else
		load(C, BPF_DW, dst, FP, kept);
}

static void forget(struct gen *g, int fn, int kept)
{
	give_reg(g, fn, kept >= 0 ? kept : -1);
}

static void st_css(struct gen *g, int fn, struct where w)
{
	int none = label(C), kept, it;

	HAS(css);
	load_field(g, fn, R1, RND(cgroup_id));
	call_kfunc(C, g->h->bpf_cgroup_from_id);
	jump_if(C, BPF_JEQ, R0, 0, none);
	kept = keep(g, fn);
	it = new_iterator(g, fn, 24);
	fetch_kept(g, fn, R2, kept);
	mov_imm(C, R3, 2 /* BPF_CGROUP_ITER_DESCENDANTS_PRE */);
	call_kfunc(C, g->h->bpf_iter_css_new);
	iterate(g, fn, w, it, g->h->bpf_iter_css_next,
		g->h->bpf_iter_css_destroy);
	fetch_kept(g, fn, R1, kept);
	call_kfunc(C, g->h->bpf_cgroup_release);
	forget(g, fn, kept);
	place(C, none);
}

static void st_may_goto(struct gen *g, int fn, struct where w)
{
	int again = label(C), out = label(C), reg = by_register(g, fn);

	HAS(may_goto);
	place(C, again);
	may_goto(C, out);
	block(g, fn, inside(w));
	by_register_test(g, fn, reg, out);
	heed(g, fn, w, out);
	if (!w.goes_on) {
		load_field(g, fn, R1, RND(zero));
		jump_if(C, BPF_JEQ, R1, 0, out);
	}
	jump(C, again);
	place(C, out);
	give_reg(g, fn, reg);
}

/* Turns that the verifier follows, so there are few, and they end. */
static void st_count(struct gen *g, int fn, struct where w)
{
	int again = label(C), reg = take_reg(g, fn), most, n;

	if (reg < 0)
		return;
	HAS(count);
	most = w.depth > 1 ? 8 : w.locked ? 400 : 200;
	n = 2 + below(g, most / (w.turns ?: 1) + 1);
	w.turns = (w.turns ?: 1) * n;
	mov_imm(C, reg, 0);
	place(C, again);
	block(g, fn, inside(w));
	alu_imm(C, BPF_ADD, reg, 1);
	jump_if(C, BPF_JLT, reg, n, again);
	give_reg(g, fn, reg);
}

static void st_drain(struct gen *g, int fn, struct where w)
{
	int cb = new_callback(g);

	HAS(drain);
	load_map(C, R1, g->h->user_ring_fd);
	load_fn(C, R2, cb);
	mov_imm(C, R3, 0);
	mov_imm(C, R4, 0);
	call_helper(C, BPF_FUNC_user_ringbuf_drain);
	callback_body(g, cb, w, -1, true);
}

/* --- Calls ----------------------------------------------------------------------------------- */

static void st_tail(struct gen *g, int fn, struct where w)
{
	bool itself = one_in(g, 2);

	if (fn)
		HAS(tail_static);
	else
		HAS(tail);
	g->p->tails = true;
	if (itself) {
		rnd_to(g, fn, R1);
		store_imm(C, BPF_DW, R1, RND(armed), 1);
	}
	count(g, fn, RND(tails));
	mov(C, R1, R6);
	load_map(C, R2, TAILS_FD);
	mov_imm(C, R3, itself ? 0 : 1);
	call_helper(C, BPF_FUNC_tail_call);
	/* Behind the last of a chain. */
	if (itself) {
		rnd_to(g, fn, R1);
		store_imm(C, BPF_DW, R1, RND(armed), 0);
	}
	block(g, fn, inside(w));
}

static void st_call_static(struct gen *g, int fn, struct where w)
{
	int target;

	if (g->nr_static == 8)
		return;
	HAS(call_static);
	target = code_add(g->c, g->h->static_type[g->nr_static++]);
	if (w.ctx)
		mov(C, R1, R6);
	else
		mov_imm(C, R1, 0);
	call_fn(C, target);
	if (target < 0)
		return;
	fn = target;
	mov(C, R6, R1);
	w = inside(w);
	block(g, fn, w);
	mov_imm(C, R0, 0);
	leave_fn(C);
}

static void global_body(struct gen *g, int fn, struct where w)
{
	struct where own = { .depth = w.depth - 1,
			     .goes_on = w.goes_on,
			     .global = true,
			     .awake = w.awake,
			     .callback = true };

	block(g, fn, own);
	mov_imm(C, R0, 0);
	leave_fn(C);
}

static void st_call_global(struct gen *g, int fn, struct where w)
{
	int target;

	if (g->nr_global == 4)
		return;
	HAS(call_global);
	target = code_add(g->c, g->h->global_type[g->nr_global++]);
	mov_imm(C, R1, 1);
	call_fn(C, target);
	if (target >= 0)
		global_body(g, target, w);
}

/* --- Callbacks that run later ---------------------------------------------------------------- */

static void later_body(struct gen *g, int fn, struct where w, bool sleeps)
{
	struct where own = { .depth = w.depth - 1,
			     .goes_on = w.goes_on,
			     .callback = true,
			     .awake = !sleeps };

	if (fn < 0)
		return;
	count(g, fn, RND(async_started));
	block(g, fn, own);
	count(g, fn, RND(async_finished));
	mov_imm(C, R0, 0);
	leave_fn(C);
}

static void st_timer(struct gen *g, int fn, struct where w)
{
	int cb = new_callback(g), no = label(C);

	HAS(timer);
	load_value(C, R1, g->h->timers_fd, 0);
	load_map(C, R2, g->h->timers_fd);
	mov_imm(C, R3, 1 /* CLOCK_MONOTONIC */);
	call_helper(C, BPF_FUNC_timer_init);
	load_value(C, R1, g->h->timers_fd, 0);
	load_fn(C, R2, cb);
	call_helper(C, BPF_FUNC_timer_set_callback);
	jump_if(C, BPF_JNE, R0, 0, no);
	/* Before it fires. */
	count(g, fn, RND(async_armed));
	load_value(C, R1, g->h->timers_fd, 0);
	mov_imm(C, R2, 300000);
	mov_imm(C, R3, 0);
	call_helper(C, BPF_FUNC_timer_start);
	jump_if(C, BPF_JEQ, R0, 0, no);
	count(g, fn, RND(async_finished));
	place(C, no);
	later_body(g, cb, w, false);
}

static void st_work(struct gen *g, int fn, struct where w)
{
	int cb = new_callback(g), no = label(C);

	HAS(work);
	load_value(C, R1, g->h->works_fd, 0);
	load_map(C, R2, g->h->works_fd);
	mov_imm(C, R3, 0);
	call_kfunc(C, g->h->bpf_wq_init);
	load_value(C, R1, g->h->works_fd, 0);
	load_fn(C, R2, cb);
	mov_imm(C, R3, 0);
	mov_imm(C, R4, 0);
	call_kfunc(C, g->h->bpf_wq_set_callback_impl);
	jump_if(C, BPF_JNE, R0, 0, no);
	count(g, fn, RND(async_armed));
	load_value(C, R1, g->h->works_fd, 0);
	mov_imm(C, R2, 0);
	call_kfunc(C, g->h->bpf_wq_start);
	jump_if(C, BPF_JEQ, R0, 0, no);
	count(g, fn, RND(async_finished));
	place(C, no);
	later_body(g, cb, w, true);
}

/* --- Without a loop of their own ------------------------------------------------------------- */

static void st_step(struct gen *g, int fn, struct where w)
{
	if (one_in(g, 3)) {
		count(g, fn, RND(steps));
		return;
	}
	rnd_to(g, fn, R1);
	load(C, BPF_DW, R2, R1, RND(steps));
	alu_imm(C, BPF_ADD, R2, 1);
	store(C, BPF_DW, R1, RND(steps), R2);
}

static void st_copy(struct gen *g, int fn, struct where w)
{
	HAS(copy);
	load_value(C, R1, g->h->data_fd, RND(big));
	mov_imm(C, R2, one_in(g, 4) ? RND_COPY : 1 << (6 + below(g, 8)));
	load_value(C, R3, g->h->data_fd, RND(big) + RND_COPY);
	call_helper(C, BPF_FUNC_probe_read_kernel);
}

static void st_csum(struct gen *g, int fn, struct where w)
{
	HAS(csum);
	mov_imm(C, R1, 0);
	mov_imm(C, R2, 0);
	load_value(C, R3, g->h->data_fd, RND(big));
	mov_imm(C, R4, 512);
	mov_imm(C, R5, 0);
	call_helper(C, BPF_FUNC_csum_diff);
}

static void st_print(struct gen *g, int fn, struct where w)
{
	int slot = on_stack(C, 32), i;

	HAS(print);
	for (i = 0; i < 4; i++)
		store_imm(C, BPF_DW, FP, slot + 8 * i, -1);
	load_value(C, R1, g->h->data_fd, RND(text));
	store(C, BPF_DW, FP, slot + 16, R1); /* %64s */
	load_value(C, R1, g->h->data_fd, RND(big));
	mov_imm(C, R2, 256);
	load_value(C, R3, g->h->format_fd, 0);
	mov(C, R4, FP);
	alu_imm(C, BPF_ADD, R4, slot);
	mov_imm(C, R5, 32);
	call_helper(C, BPF_FUNC_snprintf);
}

static void st_strtol(struct gen *g, int fn, struct where w)
{
	int slot = on_stack(C, 8);

	HAS(strtol);
	store_imm(C, BPF_DW, FP, slot, 0);
	load_value(C, R1, g->h->data_fd, RND(text));
	mov_imm(C, R2, RND_TEXT);
	mov_imm(C, R3, 10);
	mov(C, R4, FP);
	alu_imm(C, BPF_ADD, R4, slot);
	call_helper(C, BPF_FUNC_strtol);
}

static void st_hash(struct gen *g, int fn, struct where w)
{
	int key = on_stack(C, 8), value = on_stack(C, 8), none = label(C);

	HAS(hash);
	load_field(g, fn, R1, RND(steps));
	alu_imm(C, BPF_AND, R1, RND_EACH - 1);
	store(C, BPF_W, FP, key, R1);
	store_imm(C, BPF_DW, FP, value, 1);
	load_map(C, R1, g->h->hash_fd);
	mov(C, R2, FP);
	alu_imm(C, BPF_ADD, R2, key);
	if (one_in(g, 2)) {
		call_helper(C, BPF_FUNC_map_lookup_elem);
		jump_if(C, BPF_JEQ, R0, 0, none);
		store_imm(C, BPF_DW, R0, 0, 1);
	} else {
		mov(C, R3, FP);
		alu_imm(C, BPF_ADD, R3, value);
		mov_imm(C, R4, 0);
		call_helper(C, BPF_FUNC_map_update_elem);
	}
	place(C, none);
}

/* A load from nowhere, which the kernel makes a 0. */
static void st_fault(struct gen *g, int fn, struct where w)
{
	int none = label(C), i, n = 1 + below(g, 8);

	HAS(fault);
	load_field(g, fn, R1, RND(bad));
	mov_imm(C, R2, g->h->cast_type);
	call_kfunc(C, g->h->bpf_rdonly_cast);
	for (i = 0; i < n; i++) {
		load(C, BPF_DW, R1, R0, 0);
		jump_if(C, BPF_JEQ, R1, 0, none);
	}
	count(g, fn, RND(faults));
	place(C, none);
}

/* --- What is held ---------------------------------------------------------------------------- */

/*
 * Behind a call that returns a reference or NULL: statements with it, and then it is back
 * in R1.
 */
static void with_reference(struct gen *g, int fn, struct where w, int none)
{
	int kept;

	jump_if(C, BPF_JEQ, R0, 0, none);
	kept = keep(g, fn);
	w.refs++;
	block(g, fn, inside(w));
	fetch_kept(g, fn, R1, kept);
	forget(g, fn, kept);
}

static void st_hold_record(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_record);
	load_map(C, R1, g->h->ring_fd);
	mov_imm(C, R2, 8 << below(g, 5));
	mov_imm(C, R3, 0);
	call_helper(C, BPF_FUNC_ringbuf_reserve);
	with_reference(g, fn, w, none);
	mov_imm(C, R2, BPF_RB_NO_WAKEUP);
	call_helper(C, one_in(g, 2) ? BPF_FUNC_ringbuf_submit :
				      BPF_FUNC_ringbuf_discard);
	place(C, none);
}

static void st_hold_dynptr(struct gen *g, int fn, struct where w)
{
	int ptr = on_stack(C, 16);

	HAS(hold_dynptr);
	load_map(C, R1, g->h->ring_fd);
	mov_imm(C, R2, 64);
	mov_imm(C, R3, 0);
	mov(C, R4, FP);
	alu_imm(C, BPF_ADD, R4, ptr);
	call_helper(C, BPF_FUNC_ringbuf_reserve_dynptr);
	w.refs++;
	block(g, fn, inside(w));
	mov(C, R1, FP);
	alu_imm(C, BPF_ADD, R1, ptr);
	mov_imm(C, R2, BPF_RB_NO_WAKEUP);
	call_helper(C, one_in(g, 2) ? BPF_FUNC_ringbuf_submit_dynptr :
				      BPF_FUNC_ringbuf_discard_dynptr);
}

static void st_hold_lock(struct gen *g, int fn, struct where w)
{
	HAS(hold_lock);
	load_value(C, R1, g->h->locks_fd, g->h->lock_at);
	call_helper(C, BPF_FUNC_spin_lock);
	w.locked = true;
	block(g, fn, inside(w));
	load_value(C, R1, g->h->locks_fd, g->h->lock_at);
	call_helper(C, BPF_FUNC_spin_unlock);
}

static void st_hold_rcu(struct gen *g, int fn, struct where w)
{
	HAS(hold_rcu);
	call_kfunc(C, g->h->bpf_rcu_read_lock);
	w.rcu = true;
	w.awake = true;
	block(g, fn, inside(w));
	call_kfunc(C, g->h->bpf_rcu_read_unlock);
}

static void st_hold_preempt(struct gen *g, int fn, struct where w)
{
	HAS(hold_preempt);
	call_kfunc(C, g->h->bpf_preempt_disable);
	w.no_preempt = true;
	block(g, fn, inside(w));
	call_kfunc(C, g->h->bpf_preempt_enable);
}

static void st_hold_task(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_task);
	load_field(g, fn, R1, RND(pid));
	call_kfunc(C, g->h->bpf_task_from_pid);
	with_reference(g, fn, w, none);
	call_kfunc(C, g->h->bpf_task_release);
	place(C, none);
}

static void st_hold_cgroup(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_cgroup);
	load_field(g, fn, R1, RND(cgroup_id));
	call_kfunc(C, g->h->bpf_cgroup_from_id);
	with_reference(g, fn, w, none);
	call_kfunc(C, g->h->bpf_cgroup_release);
	place(C, none);
}

static void st_hold_sock(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_sock);
	mov(C, R1, R6);
	load_value(C, R2, g->h->data_fd, RND(tuple));
	mov_imm(C, R3, 12);
	mov_imm(C, R4, -1);
	mov_imm(C, R5, 0);
	call_helper(C, one_in(g, 2) ? BPF_FUNC_sk_lookup_tcp :
				      BPF_FUNC_skc_lookup_tcp);
	with_reference(g, fn, w, none);
	call_helper(C, BPF_FUNC_sk_release);
	place(C, none);
}

static void new_node(struct gen *g, int fn)
{
	mov_imm(C, R1, g->h->node_type);
	mov_imm(C, R2, 0);
	call_kfunc(C, g->h->bpf_obj_new_impl);
}

static void drop_node(struct gen *g, int fn)
{
	mov_imm(C, R2, 0);
	call_kfunc(C, g->h->bpf_obj_drop_impl);
}

static void st_hold_object(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_object);
	new_node(g, fn);
	with_reference(g, fn, w, none);
	drop_node(g, fn);
	place(C, none);
}

/* A task into the map, and what was there before is held. */
static void st_hold_kptr(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_kptr);
	load_field(g, fn, R1, RND(pid));
	call_kfunc(C, g->h->bpf_task_from_pid);
	jump_if(C, BPF_JEQ, R0, 0, none);
	mov(C, R2, R0);
	load_value(C, R1, g->h->slots_fd, 0);
	call_helper(C, BPF_FUNC_kptr_xchg);
	with_reference(g, fn, w, none);
	call_kfunc(C, g->h->bpf_task_release);
	place(C, none);
}

static void lock_list(struct gen *g, int fn, int helper)
{
	load_value(C, R1, g->h->lists_fd, g->h->list_lock_at);
	call_helper(C, helper);
}

/* An object into a list, statements, and out again. */
static void st_hold_list(struct gen *g, int fn, struct where w)
{
	int none = label(C), kept;

	HAS(hold_list);
	new_node(g, fn);
	jump_if(C, BPF_JEQ, R0, 0, none);
	kept = keep(g, fn);
	lock_list(g, fn, BPF_FUNC_spin_lock);
	load_value(C, R1, g->h->lists_fd, g->h->list_head_at);
	fetch_kept(g, fn, R2, kept);
	forget(g, fn, kept);
	alu_imm(C, BPF_ADD, R2, g->h->node_link);
	mov_imm(C, R3, 0);
	mov_imm(C, R4, 0);
	call_kfunc(C, g->h->bpf_list_push_front_impl);
	lock_list(g, fn, BPF_FUNC_spin_unlock);
	block(g, fn, inside(w));
	lock_list(g, fn, BPF_FUNC_spin_lock);
	load_value(C, R1, g->h->lists_fd, g->h->list_head_at);
	call_kfunc(C, g->h->bpf_list_pop_front);
	kept = keep(g, fn);
	lock_list(g, fn, BPF_FUNC_spin_unlock);
	fetch_kept(g, fn, R1, kept);
	forget(g, fn, kept);
	jump_if(C, BPF_JEQ, R1, 0, none);
	alu_imm(C, BPF_SUB, R1, g->h->node_link);
	drop_node(g, fn);
	place(C, none);
}

/* --- Which statement ------------------------------------------------------------------------- */

enum {
	LOOPS = 1 << 0, /* runs as long as the data says */
	HOLDS_BLOCK = 1 << 1, /* has statements inside */
	IN_LOCK = 1 << 2, /* calls nothing */
	WITH_CTX = 1 << 3,
	NOT_AWAKE = 1 << 4, /* only where RCU is not needed for it */
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
	{ st_css, 2, LOOPS | HOLDS_BLOCK, CAN_OBJECTS, 40 },
	{ st_may_goto, 6, LOOPS | HOLDS_BLOCK | IN_LOCK, 0, 8 },
	{ st_drain, 2, LOOPS | HOLDS_BLOCK },
	{ st_tail, 5, HOLDS_BLOCK | WITH_CTX, CAN_TAIL },
	{ st_call_static, 5, HOLDS_BLOCK },
	{ st_call_global, 5, HOLDS_BLOCK },
	{ st_timer, 2, HOLDS_BLOCK, CAN_TIMER },
	{ st_work, 2, HOLDS_BLOCK, CAN_TIMER },
	{ st_hold_record, 3, HOLDS_BLOCK, 0, 8 },
	{ st_hold_dynptr, 2, HOLDS_BLOCK, 0, 16 },
	{ st_hold_lock, 3, HOLDS_BLOCK, CAN_LOCK },
	{ st_hold_rcu, 2, HOLDS_BLOCK },
	{ st_hold_preempt, 2, HOLDS_BLOCK },
	{ st_hold_task, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_cgroup, 2, HOLDS_BLOCK, CAN_OBJECTS, 8 },
	{ st_hold_sock, 3, HOLDS_BLOCK | WITH_CTX, CAN_SOCK, 8 },
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
	/* On one CPU nobody is left to end it. */
	if (s->emit == st_hold_lock && g->by_clock)
		return false;
	if (s->emit == st_hold_lock && w->goes_on && w->depth < 2)
		return false;
	/* The verifier goes through all of it each time. */
	if (w->turns > 50 && s->flags & HOLDS_BLOCK && s->emit != st_count)
		return false;
	return true;
}

static void one_statement(struct gen *g, int fn, struct where w)
{
	unsigned int total = 0, n, i;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (may_stand(g, fn, &w, &statements[i]))
			total += statements[i].weight;
	if (!total)
		return;
	n = below(g, total);
	for (i = 0;; i++) {
		if (!may_stand(g, fn, &w, &statements[i]))
			continue;
		if (n < statements[i].weight)
			break;
		n -= statements[i].weight;
	}
	statements[i].emit(g, fn, w);
}

/* One or two statements; if it is to go on, the last one does. */
static void block(struct gen *g, int fn, struct where w)
{
	struct where brief = w;

	brief.goes_on = false;
	if (brief.depth > 1)
		brief.depth = 1;
	/* The innermost of what goes on: its loop's body. */
	if (!w.depth)
		w.goes_on = false;
	if (one_in(g, 3))
		one_statement(g, fn, brief);
	one_statement(g, fn, w);
	if (!w.goes_on && w.depth && one_in(g, 4))
		one_statement(g, fn, brief);
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
	below(g, 2);
	below(g, 2);
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
	count(g, fn, RND(finished));
	place(C, out);
	mov_imm(C, R0, hooks[g->p->hook].ret);
	leave_fn(C);
}

void gen_main(struct program *p, const struct home *h, __u64 seed)
{
	struct gen gen, *g = &gen;
	int fn, out;

	begin(g, p, h, seed, 0);
	p->hook = below(g, NR_HOOKS);
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
	count(g, fn, RND(started));
	block(g, fn, outside(g, p->overruns, 2 + below(g, 3)));
	end_main(g, fn, out);
	p->nr_globals = g->nr_global;
	if (g->nr_global && one_in(g, 2)) {
		HAS(extended);
		p->extends = h->global_type[below(g, g->nr_global)];
	} else if ((p->hook == HOOK_tc || p->hook == HOOK_xdp) &&
		   one_in(g, 6)) {
		HAS(extended_main);
		p->extends = gen_main_type(h, p->hook);
	} else if (g->nr_static && one_in(g, 4)) {
		HAS(fexit);
		p->fexit = h->static_type[below(g, g->nr_static)];
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
	block(g, fn, outside(g, !one_in(g, 3), 1 + below(g, 2)));
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
		block(g, fn, outside(g, true, 1 + below(g, 2)));
		end_main(g, fn, out);
	} else {
		global_body(g, fn,
			    (struct where){ .depth = 2 + below(g, 2),
					    .goes_on = true,
					    .awake = !(g->can & CAN_SLEEP) });
	}
	p->code.full |= !code_link(g->c);
}
