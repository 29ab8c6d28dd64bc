/* SPDX-License-Identifier: GPL-2.0 */
/* Makes a program from a seed. */
#ifndef RANDOM_GEN_H
#define RANDOM_GEN_H

#include "random/emit.h"

/* What a program may contain; a program's kinds are a set of them. */
/* clang-format off */
#define KINDS \
	K(count) K(loop) K(loop_called) K(around) K(endless) K(each_array) K(each_percpu) K(each_hash) K(each_again) \
	K(num) K(bits) K(task) K(task_vma) K(css) K(may_goto) K(drain) K(tail) K(tail_static) K(tail_index) \
	K(call_static) K(call_global) K(timer) K(work) K(copy) K(csum) K(print) K(strtol) K(hash) K(fault) \
	K(hold_record) K(hold_dynptr) K(hold_lock) K(hold_rcu) K(hold_preempt) K(hold_task) K(hold_cgroup) K(hold_sock) \
	K(hold_object) K(hold_kptr) K(hold_list) K(exit_memory) K(exit_register) K(exit_helper) K(exit_stack) \
	K(extended) K(extended_main) K(fexit)
/* clang-format on */

enum kind {
#define K(name) KIND_##name,
	KINDS
#undef K
		NR_KINDS
};

/* Where a program runs. */
/* clang-format off */
#define HOOKS \
	H(syscall) H(tc) H(xdp) H(raw_tp) H(raw_tp_ipi) H(socket) H(cgroup_skb) H(kprobe) \
	H(tracepoint) H(perf_event) H(fentry) H(fexit) H(lsm)
/* clang-format on */

enum random_hook {
#define H(name) HOOK_##name,
	HOOKS
#undef H
		NR_HOOKS
};

extern const char *const kind_names[], *const hook_names[];

/* clang-format off */
#define MAPS \
	M(array) M(percpu) M(hash) M(stay) M(ring) M(user_ring) M(timers) M(works) M(locks) M(slots) M(lists)
#define KFUNCS \
	F(bpf_iter_num_new) F(bpf_iter_num_next) F(bpf_iter_num_destroy) \
	F(bpf_iter_bits_new) F(bpf_iter_bits_next) F(bpf_iter_bits_destroy) \
	F(bpf_iter_task_new) F(bpf_iter_task_next) F(bpf_iter_task_destroy) \
	F(bpf_iter_task_vma_new) F(bpf_iter_task_vma_next) F(bpf_iter_task_vma_destroy) \
	F(bpf_iter_css_new) F(bpf_iter_css_next) F(bpf_iter_css_destroy) \
	F(bpf_rcu_read_lock) F(bpf_rcu_read_unlock) F(bpf_preempt_disable) F(bpf_preempt_enable) \
	F(bpf_task_from_pid) F(bpf_task_release) F(bpf_cgroup_from_id) F(bpf_cgroup_release) \
	F(bpf_rdonly_cast) F(bpf_obj_new_impl) F(bpf_obj_drop_impl) \
	F(bpf_list_push_front_impl) F(bpf_list_pop_front) \
	F(bpf_wq_init) F(bpf_wq_set_callback_impl) F(bpf_wq_set_callback) F(bpf_wq_start)
/* clang-format on */

/* The object whose maps and types the programs use: progs/random.bpf.c. */
struct home {
	int btf_fd, data_fd, format_fd;
	/* clang-format off */
#define M(name) int name##_fd;
	MAPS
#undef M
	/* BTF ids, negative if the kernel has none */
#define F(name) int name;
	KFUNCS
#undef F
		/* clang-format on */
		int static_type[8],
		global_type[4];
	int callback_type, any_type, tc_type, xdp_type;
	int node_type, node_link; /* and where its link is */
	int lock_at, list_lock_at, list_head_at;
	int cast_type; /* a type of the kernel, for pointers to nowhere */
	bool by_clock; /* no other CPU sets the way out */
};

struct program {
	__u64 seed;
	enum random_hook hook;
	struct code code;
	__u64 kinds;
	bool endless; /* has a loop without a way out: it must say so */
	bool overruns; /* by design */
	bool tails; /* needs a program array in place of tails_fd */
	int extends; /* -1, or the function of another one that it replaces */
	int fexit; /* -1, or the static function that a program is attached to */
	int nr_globals;
};

#define TAILS_FD 0x7fff0000 /* replaced when it is loaded */

void gen_main(struct program *p, const struct home *h, __u64 seed);
/* What a tail call of @p goes to, and what replaces function @fn of it, or main. */
void gen_target(struct program *p, const struct home *h, __u64 seed,
		enum random_hook hook);
void gen_extension(struct program *p, const struct home *h, __u64 seed,
		   enum random_hook hook, int type_id);
int gen_main_type(const struct home *h, enum random_hook hook);

#endif
