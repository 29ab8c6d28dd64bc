// SPDX-License-Identifier: GPL-2.0
/* Statements that call, now or later, and that take long by themselves. */
#include <linux/bpf.h>
#include "progs/random.h"
#include "random/statement.h"

/* --- Calls ----------------------------------------------------------------------------------- */

void st_tail(struct gen *g, int fn, struct where w)
{
	bool itself = !one_in(g, 3), last = one_in(g, 2);

	if (fn)
		HAS(tail_static);
	else
		HAS(tail);
	g->p->tails = true;
	/* Behind a loop that was ended, or before one. */
	if (last)
		gen_block(g, fn, inside(w));
	if (itself) {
		rnd_to(g, fn, R1);
		store_imm(C, BPF_DW, R1, RND(armed), 1);
	}
	count_up(g, fn, RND(tails));
	/* An index that the verifier knows becomes a jump, another one a look into the map. */
	if (!one_in(g, 3)) {
		HAS(tail_index);
		load_field(g, fn, R3, RND(zero));
		if (!itself)
			alu_imm(C, BPF_ADD, R3, 1);
	} else {
		mov_imm(C, R3, itself ? 0 : 1);
	}
	mov(C, R1, R6);
	load_map(C, R2, TAILS_FD);
	call_helper(C, BPF_FUNC_tail_call);
	/* Behind the last of a chain. */
	if (itself) {
		rnd_to(g, fn, R1);
		store_imm(C, BPF_DW, R1, RND(armed), 0);
	}
	if (!last)
		gen_block(g, fn, inside(w));
}

void st_call_static(struct gen *g, int fn, struct where w)
{
	/* What was ended in the first one comes to the next ones on the fast path. */
	int target, calls = w.goes_on ? 1 + random_below(g, 6) : 1;

	if (g->nr_static == 8)
		return;
	HAS(call_static);
	target = code_add(g->c, g->h->static_type[g->nr_static++]);
	while (calls--) {
		if (w.ctx)
			mov(C, R1, R6);
		else
			mov_imm(C, R1, 0);
		call_fn(C, target);
	}
	if (target < 0)
		return;
	fn = target;
	mov(C, R6, R1);
	w = inside(w);
	gen_block(g, fn, w);
	mov_imm(C, R0, 0);
	leave_fn(C);
}

void global_body(struct gen *g, int fn, struct where w)
{
	struct where own = { .depth = w.depth - 1,
			     .goes_on = w.goes_on,
			     .global = true,
			     .awake = w.awake,
			     .callback = true };

	gen_block(g, fn, own);
	mov_imm(C, R0, 0);
	leave_fn(C);
}

void st_call_global(struct gen *g, int fn, struct where w)
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
	count_up(g, fn, RND(async_started));
	gen_block(g, fn, own);
	count_up(g, fn, RND(async_finished));
	mov_imm(C, R0, 0);
	leave_fn(C);
}

void st_timer(struct gen *g, int fn, struct where w)
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
	count_up(g, fn, RND(async_armed));
	load_value(C, R1, g->h->timers_fd, 0);
	mov_imm(C, R2, 300000);
	mov_imm(C, R3, 0);
	call_helper(C, BPF_FUNC_timer_start);
	jump_if(C, BPF_JEQ, R0, 0, no);
	count_up(g, fn, RND(async_finished));
	place(C, no);
	later_body(g, cb, w, false);
}

void st_work(struct gen *g, int fn, struct where w)
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
	call_kfunc(C, g->h->bpf_wq_set_callback > 0 ?
			      g->h->bpf_wq_set_callback :
			      g->h->bpf_wq_set_callback_impl);
	jump_if(C, BPF_JNE, R0, 0, no);
	count_up(g, fn, RND(async_armed));
	load_value(C, R1, g->h->works_fd, 0);
	mov_imm(C, R2, 0);
	call_kfunc(C, g->h->bpf_wq_start);
	jump_if(C, BPF_JEQ, R0, 0, no);
	count_up(g, fn, RND(async_finished));
	place(C, no);
	later_body(g, cb, w, true);
}

/* --- Without a loop of their own ------------------------------------------------------------- */

void st_step(struct gen *g, int fn, struct where w)
{
	if (one_in(g, 3)) {
		count_up(g, fn, RND(steps));
		return;
	}
	rnd_to(g, fn, R1);
	load(C, BPF_DW, R2, R1, RND(steps));
	alu_imm(C, BPF_ADD, R2, 1);
	store(C, BPF_DW, R1, RND(steps), R2);
}

void st_copy(struct gen *g, int fn, struct where w)
{
	HAS(copy);
	load_value(C, R1, g->h->data_fd, RND(big));
	mov_imm(C, R2, one_in(g, 4) ? RND_COPY : 1 << (6 + random_below(g, 8)));
	load_value(C, R3, g->h->data_fd, RND(big) + RND_COPY);
	call_helper(C, BPF_FUNC_probe_read_kernel);
}

void st_csum(struct gen *g, int fn, struct where w)
{
	HAS(csum);
	mov_imm(C, R1, 0);
	mov_imm(C, R2, 0);
	load_value(C, R3, g->h->data_fd, RND(big));
	mov_imm(C, R4, 512);
	mov_imm(C, R5, 0);
	call_helper(C, BPF_FUNC_csum_diff);
}

void st_print(struct gen *g, int fn, struct where w)
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

void st_strtol(struct gen *g, int fn, struct where w)
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

void st_hash(struct gen *g, int fn, struct where w)
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
void st_fault(struct gen *g, int fn, struct where w)
{
	int none = label(C), i, n = 1 + random_below(g, 8);

	HAS(fault);
	load_field(g, fn, R1, RND(bad));
	mov_imm(C, R2, g->h->cast_type);
	call_kfunc(C, g->h->bpf_rdonly_cast);
	for (i = 0; i < n; i++) {
		load(C, BPF_DW, R1, R0, 0);
		jump_if(C, BPF_JEQ, R1, 0, none);
	}
	count_up(g, fn, RND(faults));
	place(C, none);
}
