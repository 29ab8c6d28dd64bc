// SPDX-License-Identifier: GPL-2.0
/* What the statements of random programs have in common. */
#include <linux/bpf.h>
#include "progs/random.h"
#include "random/statement.h"

unsigned int random_below(struct gen *g, unsigned int n)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return (g->random >> 11) % n;
}

bool one_in(struct gen *g, unsigned int n)
{
	return !random_below(g, n);
}

void rnd_to(struct gen *g, int fn, int reg)
{
	load_value(C, reg, g->h->data_fd, 0);
}

/* A number that the verifier does not know. */
void load_field(struct gen *g, int fn, int reg, size_t field)
{
	rnd_to(g, fn, reg);
	load(C, BPF_DW, reg, reg, field);
}

void count_up(struct gen *g, int fn, size_t field)
{
	rnd_to(g, fn, R1);
	mov_imm(C, R2, 1);
	atomic(C, BPF_ADD, R1, field, R2);
}

struct where inside(struct where w)
{
	w.depth--;
	return w;
}

/* R7 to R9, or -1. */
int take_reg(struct gen *g, int fn)
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

void give_reg(struct gen *g, int fn, int reg)
{
	if (reg >= 0)
		g->c->fns[fn].regs &= ~(1U << reg);
}

/* Jumps to @out when all are to leave. Changes R0 to R5. */
void heed(struct gen *g, int fn, struct where w, int out)
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
int by_register(struct gen *g, int fn)
{
	int reg = one_in(g, 4) ? take_reg(g, fn) : -1;

	if (reg >= 0) {
		HAS(exit_register);
		load_field(g, fn, reg, RND(zero));
	}
	return reg;
}

void by_register_test(struct gen *g, int fn, int reg, int out)
{
	if (reg >= 0)
		jump_if(C, BPF_JNE, reg, 0, out);
}

int new_callback(struct gen *g)
{
	return code_add(g->c, g->h->callback_type);
}

/* Statements of a callback of C, and what it returns: 1 if all are to leave. */
void callback_body(struct gen *g, int fn, struct where w, int ctx_reg,
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
	gen_block(g, fn, inside(w));
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

/* Keeps what R0 points to in a register or on the stack; returns which: below 0, its slot. */
int keep(struct gen *g, int fn)
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

void fetch_kept(struct gen *g, int fn, int dst, int kept)
{
	if (kept >= 0)
		mov(C, dst, kept);
	else
		load(C, BPF_DW, dst, FP, kept);
}

void forget(struct gen *g, int fn, int kept)
{
	give_reg(g, fn, kept >= 0 ? kept : -1);
}
