// SPDX-License-Identifier: GPL-2.0
/* Statements that take something, and give it back behind those inside. */
#include <linux/bpf.h>
#include "progs/random.h"
#include "random/statement.h"

/* --- What is held ---------------------------------------------------------------------------- */

/* Statements with what R0 refers to, and then it is back in @reg. */
static void hold(struct gen *g, int fn, struct where w, int reg)
{
	int kept = keep(g, fn);

	w.refs++;
	gen_block(g, fn, inside(w));
	fetch_kept(g, fn, reg, kept);
	forget(g, fn, kept);
}

/*
 * Behind a call that returns a reference or NULL: statements with it, and then it is back
 * in R1.
 */
static void with_reference(struct gen *g, int fn, struct where w, int none)
{
	jump_if(C, BPF_JEQ, R0, 0, none);
	hold(g, fn, w, R1);
}

/* What takes a reference over does so on the fast path, too: what runs long may be before it. */
static bool run_before(struct gen *g)
{
	return one_in(g, 2);
}

void st_hold_record(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_record);
	load_map(C, R1, g->h->ring_fd);
	mov_imm(C, R2, 8 << random_below(g, 5));
	mov_imm(C, R3, 0);
	call_helper(C, BPF_FUNC_ringbuf_reserve);
	with_reference(g, fn, w, none);
	mov_imm(C, R2, BPF_RB_NO_WAKEUP);
	call_helper(C, one_in(g, 2) ? BPF_FUNC_ringbuf_submit :
				      BPF_FUNC_ringbuf_discard);
	place(C, none);
}

void st_hold_dynptr(struct gen *g, int fn, struct where w)
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
	gen_block(g, fn, inside(w));
	mov(C, R1, FP);
	alu_imm(C, BPF_ADD, R1, ptr);
	mov_imm(C, R2, BPF_RB_NO_WAKEUP);
	call_helper(C, one_in(g, 2) ? BPF_FUNC_ringbuf_submit_dynptr :
				      BPF_FUNC_ringbuf_discard_dynptr);
}

void st_hold_lock(struct gen *g, int fn, struct where w)
{
	HAS(hold_lock);
	load_value(C, R1, g->h->locks_fd, g->h->lock_at);
	call_helper(C, BPF_FUNC_spin_lock);
	w.locked = true;
	gen_block(g, fn, inside(w));
	load_value(C, R1, g->h->locks_fd, g->h->lock_at);
	call_helper(C, BPF_FUNC_spin_unlock);
}

void st_hold_rcu(struct gen *g, int fn, struct where w)
{
	HAS(hold_rcu);
	call_kfunc(C, g->h->bpf_rcu_read_lock);
	w.rcu = true;
	w.awake = true;
	gen_block(g, fn, inside(w));
	call_kfunc(C, g->h->bpf_rcu_read_unlock);
}

void st_hold_preempt(struct gen *g, int fn, struct where w)
{
	HAS(hold_preempt);
	call_kfunc(C, g->h->bpf_preempt_disable);
	w.no_preempt = true;
	gen_block(g, fn, inside(w));
	call_kfunc(C, g->h->bpf_preempt_enable);
}

void st_hold_task(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_task);
	load_field(g, fn, R1, RND(pid));
	call_kfunc(C, g->h->bpf_task_from_pid);
	with_reference(g, fn, w, none);
	call_kfunc(C, g->h->bpf_task_release);
	place(C, none);
}

void st_hold_cgroup(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_cgroup);
	load_field(g, fn, R1, RND(cgroup_id));
	call_kfunc(C, g->h->bpf_cgroup_from_id);
	with_reference(g, fn, w, none);
	call_kfunc(C, g->h->bpf_cgroup_release);
	place(C, none);
}

void st_hold_sock(struct gen *g, int fn, struct where w)
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

void st_hold_object(struct gen *g, int fn, struct where w)
{
	int none = label(C);

	HAS(hold_object);
	new_node(g, fn);
	with_reference(g, fn, w, none);
	drop_node(g, fn);
	place(C, none);
}

/* A task into the map, and what was there before is held. */
void st_hold_kptr(struct gen *g, int fn, struct where w)
{
	bool before = run_before(g);
	int none = label(C);

	HAS(hold_kptr);
	load_field(g, fn, R1, RND(pid));
	call_kfunc(C, g->h->bpf_task_from_pid);
	jump_if(C, BPF_JEQ, R0, 0, none);
	if (before)
		hold(g, fn, w, R2);
	else
		mov(C, R2, R0);
	load_value(C, R1, g->h->slots_fd, 0);
	call_helper(C, BPF_FUNC_kptr_xchg);
	jump_if(C, BPF_JEQ, R0, 0, none);
	if (before)
		mov(C, R1, R0);
	else
		hold(g, fn, w, R1);
	call_kfunc(C, g->h->bpf_task_release);
	place(C, none);
}

static void lock_list(struct gen *g, int fn, int helper)
{
	load_value(C, R1, g->h->lists_fd, g->h->list_lock_at);
	call_helper(C, helper);
}

/* An object into a list, statements, and out again. */
void st_hold_list(struct gen *g, int fn, struct where w)
{
	bool before = run_before(g);
	int none = label(C), kept;

	HAS(hold_list);
	new_node(g, fn);
	jump_if(C, BPF_JEQ, R0, 0, none);
	if (before)
		hold(g, fn, w, R0);
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
	if (!before)
		gen_block(g, fn, inside(w));
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
