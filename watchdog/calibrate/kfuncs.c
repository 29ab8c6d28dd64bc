// SPDX-License-Identifier: GPL-2.0
/* How each kfunc is called to be measured; calib.h has the language. */
#include <string.h>
#include "calibrate/calib.h"
#include "show/types.h"

/* clang-format off */
static const u32 bytes[] = { 8, 64, 256, 1024, 0 };

#define SYS CALIB_SYSCALL
#define TC CALIB_TC
#define FAILS .flags = CALIB_MAY_FAIL
#define VOID .flags = CALIB_VOID
#define TASK .once = "s0 = bpf_get_current_task_btf()"
#define CGROUP .once = "s1 = bpf_cgroup_from_id(1)?", \
	       .done = "bpf_cgroup_release(s1)"
#define CPUMASK .once = "s1 = bpf_cpumask_create()?", \
		.done = "bpf_cpumask_release(s1)"
#define DYNPTR .once = "bpf_dynptr_from_mem(&buf, 4000, 0, fp-40)"
/* new, next and destroy of an iterator at fp-128 */
#define ITER(name, make, ...)                                                \
	{ "bpf_iter_" name "_new", SYS, make,                                \
	  .post = "bpf_iter_" name "_destroy(fp-128)", FAILS, __VA_ARGS__ }, \
	{ "bpf_iter_" name "_next", SYS, "bpf_iter_" name "_next(fp-128)",   \
	  .pre = make, .post = "bpf_iter_" name "_destroy(fp-128)", FAILS,   \
	  __VA_ARGS__ },                                                     \
	{ "bpf_iter_" name "_destroy", SYS,                                  \
	  "bpf_iter_" name "_destroy(fp-128)", .pre = make, VOID,            \
	  __VA_ARGS__ },                                                     \
	{ "bpf_iter_" name "_destroy", SYS,                                  \
	  "bpf_iter_" name "_destroy(fp-128)",                               \
	  .pre = make "; bpf_iter_" name "_next(fp-128)", VOID, __VA_ARGS__ }
#define MASK(name, args, ...) \
	{ "bpf_cpumask_" name, SYS, "bpf_cpumask_" name "(" args ")", \
	  CPUMASK, __VA_ARGS__ }

const struct calib_row calib_kfunc_rows[] = {
	/* tasks and cgroups */
	{ "bpf_task_acquire", SYS, "r9 = bpf_task_acquire(s0)?", TASK,
	  .post = "bpf_task_release(r9)" },
	{ "bpf_task_release", SYS, "bpf_task_release(r9)", TASK,
	  .pre = "r9 = bpf_task_acquire(s0)?", VOID },
	{ "bpf_task_from_pid", SYS, "r9 = bpf_task_from_pid(1)?",
	  .post = "bpf_task_release(r9)" },
	{ "bpf_cgroup_from_id", SYS, "r9 = bpf_cgroup_from_id(1)?",
	  .post = "bpf_cgroup_release(r9)" },
	{ "bpf_cgroup_acquire", SYS, "r9 = bpf_cgroup_acquire(s1)?", CGROUP,
	  .post = "bpf_cgroup_release(r9)" },
	{ "bpf_cgroup_release", SYS, "bpf_cgroup_release(r9)", CGROUP,
	  .pre = "r9 = bpf_cgroup_acquire(s1)?", VOID },
	{ "bpf_cgroup_ancestor", SYS, "r9 = bpf_cgroup_ancestor(s1, 0)?",
	  CGROUP, .post = "bpf_cgroup_release(r9)" },
	{ "bpf_task_under_cgroup", SYS, "bpf_task_under_cgroup(s0, s1)",
	  .once = "s0 = bpf_get_current_task_btf(); s1 = bpf_cgroup_from_id(1)?",
	  .done = "bpf_cgroup_release(s1)", FAILS },
	{ "bpf_rcu_read_lock", SYS, "bpf_rcu_read_lock(); bpf_rcu_read_unlock()",
	  .also = "bpf_rcu_read_unlock", VOID },
	{ "bpf_preempt_disable", SYS,
	  "bpf_preempt_disable(); bpf_preempt_enable()",
	  .also = "bpf_preempt_enable", VOID },
	{ "bpf_get_task_exe_file", CALIB_FENTRY, "bpf_get_task_exe_file(s0)",
	  TASK, FAILS },

	/* sets of CPUs */
	{ "bpf_cpumask_create", SYS, "r9 = bpf_cpumask_create()?",
	  .post = "bpf_cpumask_release(r9)" },
	{ "bpf_cpumask_release", SYS, "bpf_cpumask_release(r9)",
	  .pre = "r9 = bpf_cpumask_create()?", VOID },
	{ "bpf_cpumask_acquire", SYS, "r9 = bpf_cpumask_acquire(s1)", CPUMASK,
	  .post = "bpf_cpumask_release(r9)", FAILS },
	MASK("set_cpu", "1, s1", VOID),
	MASK("clear_cpu", "1, s1", VOID),
	MASK("test_cpu", "1, s1", FAILS),
	MASK("test_and_set_cpu", "1, s1", FAILS),
	MASK("test_and_clear_cpu", "1, s1", FAILS),
	MASK("setall", "s1", VOID),
	MASK("clear", "s1", VOID),
	MASK("and", "s1, s1, s1", FAILS),
	MASK("or", "s1, s1, s1", VOID),
	MASK("xor", "s1, s1, s1", VOID),
	MASK("equal", "s1, s1", FAILS),
	MASK("intersects", "s1, s1", FAILS),
	MASK("subset", "s1, s1", FAILS),
	MASK("empty", "s1", FAILS),
	MASK("full", "s1", FAILS),
	MASK("copy", "s1, s1", VOID),
	MASK("first", "s1", FAILS),
	MASK("first_zero", "s1", FAILS),
	MASK("first_and", "s1, s1", FAILS),
	MASK("any_distribute", "s1", FAILS),
	MASK("any_and_distribute", "s1, s1", FAILS),
	MASK("weight", "s1", FAILS),

	/* what schedulers ask for */
	{ "scx_bpf_nr_cpu_ids", SYS, "scx_bpf_nr_cpu_ids()", FAILS },
	{ "scx_bpf_cpuperf_cap", SYS, "scx_bpf_cpuperf_cap(0)", FAILS },
	{ "scx_bpf_cpuperf_cur", SYS, "scx_bpf_cpuperf_cur(0)", FAILS },
	{ "scx_bpf_dsq_nr_queued", SYS, "scx_bpf_dsq_nr_queued(0)", FAILS },
	{ "scx_bpf_task_cpu", SYS, "scx_bpf_task_cpu(s0)", TASK, FAILS },
	{ "scx_bpf_task_running", SYS, "scx_bpf_task_running(s0)", TASK, FAILS },
	{ "scx_bpf_get_possible_cpumask", SYS,
	  "r9 = scx_bpf_get_possible_cpumask()",
	  .post = "scx_bpf_put_cpumask(r9)", FAILS },
	{ "scx_bpf_get_online_cpumask", SYS, "r9 = scx_bpf_get_online_cpumask()",
	  .post = "scx_bpf_put_cpumask(r9)", FAILS },
	{ "scx_bpf_put_cpumask", SYS, "scx_bpf_put_cpumask(r9)",
	  .pre = "r9 = scx_bpf_get_possible_cpumask()", VOID },

	/* dynamic pointers */
	{ "bpf_dynptr_size", SYS, "bpf_dynptr_size(fp-40)", DYNPTR, FAILS },
	{ "bpf_dynptr_is_null", SYS, "bpf_dynptr_is_null(fp-40)", DYNPTR,
	  FAILS },
	{ "bpf_dynptr_is_rdonly", SYS, "bpf_dynptr_is_rdonly(fp-40)", DYNPTR,
	  FAILS },
	{ "bpf_dynptr_adjust", SYS, "bpf_dynptr_adjust(fp-40, 0, 4000)", DYNPTR,
	  FAILS },
	{ "bpf_dynptr_clone", SYS, "bpf_dynptr_clone(fp-40, fp-56)", DYNPTR,
	  FAILS },
	{ "bpf_dynptr_slice", SYS, "bpf_dynptr_slice(fp-40, 0, &buf+4096, 64)",
	  DYNPTR, FAILS },
	{ "bpf_dynptr_slice_rdwr", TC,
	  "bpf_dynptr_slice_rdwr(fp-40, 0, &buf+4096, 64)", DYNPTR, FAILS },
	{ "bpf_dynptr_from_skb", TC, "bpf_dynptr_from_skb(ctx, 0, fp-40)" },
	{ "bpf_dynptr_slice", TC, "bpf_dynptr_slice(fp-40, 0, fp-192, 64)",
	  .once = "bpf_dynptr_from_skb(ctx, 0, fp-40); [fp-192] = 0; "
		  "[fp-184] = 0; [fp-176] = 0; [fp-168] = 0; [fp-160] = 0; "
		  "[fp-152] = 0; [fp-144] = 0; [fp-136] = 0",
	  FAILS },
	{ "bpf_dynptr_from_xdp", CALIB_XDP, "bpf_dynptr_from_xdp(ctx, 0, fp-40)" },

	/* iterators */
	ITER("num", "bpf_iter_num_new(fp-128, 0, 10)"),
	ITER("bits", "bpf_iter_bits_new(fp-128, &buf+4096, 8)"),
	ITER("task", "bpf_iter_task_new(fp-128, 0, 0)",
	     .once = "bpf_rcu_read_lock()", .done = "bpf_rcu_read_unlock()"),
	ITER("task_vma", "bpf_iter_task_vma_new(fp-128, s0, 0)", TASK),
	ITER("css_task", "bpf_iter_css_task_new(fp-128, s1, 0)", CGROUP),

	/* keys, files, memory */
	{ "bpf_lookup_system_key", SYS, "r9 = bpf_lookup_system_key(0)?",
	  .post = "bpf_key_put(r9)" },
	{ "bpf_key_put", SYS, "bpf_key_put(r9)",
	  .pre = "r9 = bpf_lookup_system_key(0)?", VOID },
	{ "bpf_copy_from_user_str", SYS,
	  "bpf_copy_from_user_str(&buf, %n, %user, 0)", .sizes = bytes },
	{ "bpf_copy_from_user_str", SYS,
	  "bpf_copy_from_user_str(&buf, %n, %empty, 0)", .sizes = bytes },
	{ "bpf_cast_to_kern_ctx", TC, "bpf_cast_to_kern_ctx(ctx)", FAILS },
	{ "bpf_map_sum_elem_count", SYS, "bpf_map_sum_elem_count(@hash)",
	  FAILS },
	{ "bpf_wq_init", TC, "bpf_wq_init(s0, @wq, 0)",
	  .once = "s0 = bpf_map_lookup_elem(@wq, fp-16)?", FAILS },
};

const size_t calib_n_kfunc_rows = ARRAY_SIZE(calib_kfunc_rows);

bool calib_kfunc_known(const char *name)
{
	for (size_t i = 0; i < calib_n_kfunc_rows; i++)
		if (!strcmp(calib_kfunc_rows[i].name, name) ||
		    (calib_kfunc_rows[i].also &&
		     !strcmp(calib_kfunc_rows[i].also, name)))
			return true;
	for (size_t i = 0; i < calib_n_defaults; i++)
		if (calib_defaults[i].kind == MODEL_KFUNC &&
		    !strcmp(calib_defaults[i].name, name))
			return true;
	return false;
}
