// SPDX-License-Identifier: GPL-2.0
/* Statements that go round: each has others inside, and a way out. */
#include <linux/bpf.h>
#include "progs/random.h"
#include "random/statement.h"

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
		mov_imm(C, R1, 1 + random_below(g, 4));
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

void st_loop(struct gen *g, int fn, struct where w)
{
	emit_loop(g, fn, w, one_in(g, 3) ? on_stack(C, 8) : 0, false);
}

/*
 * A loop around a short one: the verifier takes it without a bound. It looks for loops
 * that go on for ever wherever it keeps a state, which it does after 8 instructions, and
 * only at the inner call it knows better. So there are fewer up to that.
 */
void st_around(struct gen *g, int fn, struct where w)
{
	int again = label(C), out = label(C), slot = 0, reg = -1;
	unsigned int exit = g->by_clock ? 0 : random_below(g, 4);
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

void st_each_array(struct gen *g, int fn, struct where w)
{
	HAS(each_array);
	each(g, fn, w, g->h->array_fd, false);
}

void st_each_percpu(struct gen *g, int fn, struct where w)
{
	HAS(each_percpu);
	each(g, fn, w, g->h->percpu_fd, false);
}

void st_each_hash(struct gen *g, int fn, struct where w)
{
	HAS(each_hash);
	each(g, fn, w, g->h->hash_fd, false);
}

void st_each_again(struct gen *g, int fn, struct where w)
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
	gen_block(g, fn, inside(w));
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

void st_num(struct gen *g, int fn, struct where w)
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

void st_bits(struct gen *g, int fn, struct where w)
{
	int it = new_iterator(g, fn, 16);

	HAS(bits);
	load_value(C, R2, g->h->data_fd, RND(words));
	mov_imm(C, R3, w.goes_on || one_in(g, 2) ? RND_WORDS : 1);
	call_kfunc(C, g->h->bpf_iter_bits_new);
	iterate(g, fn, w, it, g->h->bpf_iter_bits_next,
		g->h->bpf_iter_bits_destroy);
}

void st_task(struct gen *g, int fn, struct where w)
{
	int it = new_iterator(g, fn, 24);

	HAS(task);
	mov_imm(C, R2, 0);
	mov_imm(C, R3, 0);
	call_kfunc(C, g->h->bpf_iter_task_new);
	iterate(g, fn, w, it, g->h->bpf_iter_task_next,
		g->h->bpf_iter_task_destroy);
}

/* Holds the lock of the address space. */
void st_task_vma(struct gen *g, int fn, struct where w)
{
	int it;

	HAS(task_vma);
	call_helper(C, BPF_FUNC_get_current_task_btf);
	mov(C, R2, R0);
	it = new_iterator(g, fn, 8);
	mov_imm(C, R3, 0);
	call_kfunc(C, g->h->bpf_iter_task_vma_new);
	iterate(g, fn, w, it, g->h->bpf_iter_task_vma_next,
		g->h->bpf_iter_task_vma_destroy);
}

void st_css(struct gen *g, int fn, struct where w)
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

void st_may_goto(struct gen *g, int fn, struct where w)
{
	int again = label(C), out = label(C), reg = by_register(g, fn);

	HAS(may_goto);
	place(C, again);
	may_goto(C, out);
	gen_block(g, fn, inside(w));
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
void st_count(struct gen *g, int fn, struct where w)
{
	int again = label(C), reg = take_reg(g, fn), most, n;

	if (reg < 0)
		return;
	HAS(count);
	most = w.depth > 1 ? 8 : w.locked ? 400 : 200;
	n = 2 + random_below(g, most / (w.turns ?: 1) + 1);
	w.turns = (w.turns ?: 1) * n;
	mov_imm(C, reg, 0);
	place(C, again);
	gen_block(g, fn, inside(w));
	alu_imm(C, BPF_ADD, reg, 1);
	jump_if(C, BPF_JLT, reg, n, again);
	give_reg(g, fn, reg);
}

void st_drain(struct gen *g, int fn, struct where w)
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
