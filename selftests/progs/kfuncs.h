/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel functions that the test programs call, and the macros around them. */
#ifndef KFUNCS_H
#define KFUNCS_H

#define __contains(name, node) \
	__attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words,
			     u32 nr_words) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

extern int bpf_list_push_front_impl(struct bpf_list_head *head,
				    struct bpf_list_node *node, void *meta,
				    __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head,
				   struct bpf_list_node *node, void *meta,
				   __u64 off) __ksym;

extern void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *kptr, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *kptr, void *meta) __ksym;

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map,
		       unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int
bpf_wq_set_callback_impl(struct bpf_wq *wq,
			 int (*callback_fn)(void *map, int *key, void *value),
			 unsigned int flags, void *aux__ign) __ksym __weak;
/* What newer kernels have in its place. */
extern int bpf_wq_set_callback(struct bpf_wq *wq,
			       int (*callback_fn)(void *map, int *key,
						  void *value),
			       unsigned int flags) __ksym __weak;

#define wq_set_callback(wq, fn)                   \
	(bpf_ksym_exists(bpf_wq_set_callback) ?   \
		 bpf_wq_set_callback(wq, fn, 0) : \
		 bpf_wq_set_callback_impl(wq, fn, 0, NULL))

#define obj_new(type) \
	((type *)bpf_obj_new_impl(bpf_core_type_id_local(type), NULL))
#define obj_drop(p) bpf_obj_drop_impl(p, NULL)
#define refcount_acquire(p) bpf_refcount_acquire_impl(p, NULL)

/* may_goto, spelled in bytes: clang 19 has no name for it in C. */
#define can_loop                                                       \
	({                                                             \
		__label__ l_break, l_continue;                         \
		bool ret = true;                                       \
		asm volatile goto(                                     \
			"1:.byte 0xe5;"                                \
			".byte 0;"                                     \
			".long ((%l[l_break] - 1b - 8) / 8) & 0xffff;" \
			".short 0" :: ::l_break);                      \
		goto l_continue;                                       \
l_break:                                                               \
		ret = false;                                           \
l_continue:;                                                           \
		ret;                                                   \
	})

#endif
