// SPDX-License-Identifier: GPL-2.0
/* How each helper is called to be measured. One row per way; calib.h has the
 * language. Where a helper's time depends on what it finds (hit, miss, insert,
 * overwrite) there is a row for each.
 */
#include "calibrate/calib.h"
#include "show/types.h"

/* clang-format off */
static const u32 bytes[] = { 8, 64, 256, 1024, 0 };
static const u32 key_bytes[] = { 8, 16, 64, 256, 0 };
static const u32 packet_bytes[] = { 4, 16, 64, 128, 192, 0 };
static const u32 string_bytes[] = { 16, 64, 128, 256, 0 };
static const u32 format_bytes[] = { 16, 40, 80, 120, 0 };
static const u32 turns[] = { 1, 16, 128, 1024, 0 };
static const u32 stack_bytes[] = { 8, 64, 256, 1016, 0 };

/* Objects of all turns, as `once` and what gives them back, as `done`. */
#define TASK .once = "s0 = bpf_get_current_task_btf()"
#define CGROUP                                \
	.once = "s0 = bpf_get_current_task_btf(); s1 = bpf_cgroup_from_id(1)?", \
	.done = "bpf_cgroup_release(s1)"
#define SOCK                                                              \
	.once = "s1 = bpf_sk_lookup_tcp(ctx, &buf+8160, 12, -1, 0)?",     \
	.done = "bpf_sk_release(s1)"
#define VALUE(map) .once = "s0 = bpf_map_lookup_elem(@" map ", fp-16)?"

#define TC CALIB_TC
#define SYS CALIB_SYSCALL
#define XDP CALIB_XDP
#define RAW CALIB_RAW_TP
#define FAILS .flags = CALIB_MAY_FAIL
#define VOID .flags = CALIB_VOID
#define SHARED .flags = CALIB_SHARED

/* Map types with the same four calls. */
#define KEYED(map)                                                             \
	{ "bpf_map_lookup_elem/" map, TC,                                      \
	  "bpf_map_lookup_elem(@" map ", fp-8)",                               \
	  .pre = "bpf_map_update_elem(@" map ", fp-8, &buf, 0)", FAILS },      \
	{ "bpf_map_update_elem/" map, TC,                                      \
	  "bpf_map_update_elem(@" map ", fp-8, &buf, 0)",                      \
	  .post = "bpf_map_delete_elem(@" map ", fp-8)", .sizes = bytes,       \
	  .key = 8 },                                                          \
	{ "bpf_map_update_elem/" map, TC,                                      \
	  "bpf_map_update_elem(@" map ", fp-8, &buf, 0)",                      \
	  .pre = "bpf_map_update_elem(@" map ", fp-8, &buf, 0)",               \
	  .sizes = bytes, .key = 8, SHARED },                                  \
	{ "bpf_map_delete_elem/" map, TC,                                      \
	  "bpf_map_delete_elem(@" map ", fp-8)",                               \
	  .pre = "bpf_map_update_elem(@" map ", fp-8, &buf, 0)" },             \
	{ "bpf_map_delete_elem/" map, TC,                                      \
	  "bpf_map_delete_elem(@" map ", fp-8)", FAILS },                      \
	{ "bpf_map_lookup_elem/" map, TC,                                      \
	  "bpf_map_lookup_elem(@" map ", fp-8)", FAILS }

#define LISTED(map)                                                          \
	{ "bpf_map_push_elem/" map, TC,                                      \
	  "bpf_map_push_elem(@" map ", &buf, 0)",                            \
	  .post = "bpf_map_pop_elem(@" map ", &buf)", .sizes = bytes,        \
	  SHARED },                                                          \
	{ "bpf_map_pop_elem/" map, TC, "bpf_map_pop_elem(@" map ", &buf)",   \
	  .pre = "bpf_map_push_elem(@" map ", &buf, 0)", .sizes = bytes },   \
	{ "bpf_map_pop_elem/" map, TC, "bpf_map_pop_elem(@" map ", &buf)",   \
	  FAILS },                                                           \
	{ "bpf_map_peek_elem/" map, TC, "bpf_map_peek_elem(@" map ", &buf)", \
	  .pre = "bpf_map_push_elem(@" map ", &buf, 0)",                     \
	  .post = "bpf_map_pop_elem(@" map ", &buf)", .sizes = bytes }

#define EACH(map)                                                             \
	{ "bpf_for_each_map_elem/" map, TC,                                   \
	  "bpf_for_each_map_elem(@" map "_n, %callback, 0, 0)",               \
	  .sizes = turns },                                                   \
	{ "bpf_for_each_map_elem/" map, TC,                                   \
	  "bpf_for_each_map_elem(@" map "_n, %busy_callback, 0, 0)",          \
	  .sizes = turns }

const struct calib_row calib_rows[] = {
	/* maps */
	KEYED("hash"),
	KEYED("percpu_hash"),
	KEYED("lru_hash"),
	KEYED("lru_percpu_hash"),
	{ "bpf_map_update_elem/hash", TC,
	  "bpf_map_update_elem(@hash_alloc, fp-8, &buf, 0)",
	  .post = "bpf_map_delete_elem(@hash_alloc, fp-8)", .sizes = bytes,
	  .key = 8 },
	/* long keys take time to hash and to compare */
	{ "bpf_map_lookup_elem/hash", TC, "bpf_map_lookup_elem(@hash_key, &buf)",
	  .pre = "bpf_map_update_elem(@hash_key, &buf, &buf, 0)",
	  .sizes = key_bytes, FAILS },
	{ "bpf_map_update_elem/hash", TC,
	  "bpf_map_update_elem(@hash_key, &buf, &buf+4096, 0)",
	  .post = "bpf_map_delete_elem(@hash_key, &buf)",
	  .sizes = key_bytes, .key = 8 },
	{ "bpf_map_delete_elem/hash", TC, "bpf_map_delete_elem(@hash_key, &buf)",
	  .pre = "bpf_map_update_elem(@hash_key, &buf, &buf, 0)",
	  .sizes = key_bytes },
	{ "bpf_map_delete_elem/hash", TC,
	  "bpf_map_delete_elem(@hash_alloc, fp-8)",
	  .pre = "bpf_map_update_elem(@hash_alloc, fp-8, &buf, 0)" },
	/* full: each new key drives out an old one */
	{ "bpf_map_update_elem/lru_hash", TC,
	  "bpf_map_update_elem(@lru_small, fp-8, &buf, 0)", .sizes = bytes,
	  .key = 8 },
	{ "bpf_map_lookup_elem/array", TC,
	  "bpf_map_lookup_elem(@array, fp-8)", FAILS },
	{ "bpf_map_lookup_elem/array", TC,
	  "bpf_map_lookup_elem(@array, fp-24)", .pre = "[fp-24] = 5000",
	  FAILS },
	{ "bpf_map_update_elem/array", TC,
	  "bpf_map_update_elem(@array, fp-8, &buf, 0)", .sizes = bytes,
	  .key = 4, SHARED },
	{ "bpf_map_lookup_elem/percpu_array", TC,
	  "bpf_map_lookup_elem(@percpu_array, fp-8)", FAILS },
	{ "bpf_map_update_elem/percpu_array", TC,
	  "bpf_map_update_elem(@percpu_array, fp-8, &buf, 0)",
	  .sizes = bytes, .key = 4 },
	{ "bpf_map_delete_elem/array", TC, "bpf_map_delete_elem(@array, fp-8)",
	  FAILS },
	{ "bpf_map_lookup_elem/lpm_trie", TC,
	  "bpf_map_lookup_elem(@lpm_trie, fp-24)",
	  .pre = "[fp-24] = 32; bpf_map_update_elem(@lpm_trie, fp-24, &buf, 0)",
	  FAILS },
	{ "bpf_map_update_elem/lpm_trie", TC,
	  "bpf_map_update_elem(@lpm_trie, fp-24, &buf, 0)",
	  .pre = "[fp-24] = 32", .sizes = bytes, .key = 8 },
	{ "bpf_map_delete_elem/lpm_trie", TC,
	  "bpf_map_delete_elem(@lpm_trie, fp-24)",
	  .pre = "[fp-24] = 32; bpf_map_update_elem(@lpm_trie, fp-24, &buf, 0)" },
	LISTED("queue"),
	LISTED("stack"),
	{ "bpf_map_push_elem/bloom_filter", TC,
	  "bpf_map_push_elem(@bloom_filter, &buf, 0)", .sizes = bytes },
	{ "bpf_map_peek_elem/bloom_filter", TC,
	  "bpf_map_peek_elem(@bloom_filter, &buf)", .sizes = bytes, FAILS },
	{ "bpf_map_lookup_percpu_elem/percpu_array", TC,
	  "bpf_map_lookup_percpu_elem(@percpu_array, fp-8, 0)", FAILS },
	{ "bpf_map_lookup_percpu_elem/percpu_hash", TC,
	  "bpf_map_lookup_percpu_elem(@percpu_hash, fp-8, 0)",
	  .pre = "bpf_map_update_elem(@percpu_hash, fp-8, &buf, 0)", FAILS },
	EACH("array"),
	EACH("percpu_array"),
	EACH("hash"),
	EACH("percpu_hash"),
	EACH("lru_hash"),
	{ "bpf_loop", TC, "bpf_loop(%n, %callback, 0, 0)", .sizes = turns },
	{ "bpf_loop", TC, "bpf_loop(%n, %busy_callback, 0, 0)", .sizes = turns },
	{ "bpf_tail_call", TC, "bpf_tail_call(ctx, @prog_array, 0)", VOID },

	/* ring buffers */
	{ "bpf_ringbuf_output", TC, "bpf_ringbuf_output(@ringbuf, &buf, %n, 1)",
	  .sizes = bytes, .flags = CALIB_MAY_FAIL | CALIB_SHARED },
	{ "bpf_ringbuf_reserve", TC,
	  "r9 = bpf_ringbuf_reserve(@ringbuf, 64, 0)?",
	  .post = "bpf_ringbuf_discard(r9, 1)", SHARED },
	{ "bpf_ringbuf_submit", TC, "bpf_ringbuf_submit(r9, 1)",
	  .pre = "r9 = bpf_ringbuf_reserve(@ringbuf, 64, 0)?", VOID },
	{ "bpf_ringbuf_discard", TC, "bpf_ringbuf_discard(r9, 1)",
	  .pre = "r9 = bpf_ringbuf_reserve(@ringbuf, 64, 0)?", VOID },
	{ "bpf_ringbuf_query", TC, "bpf_ringbuf_query(@ringbuf, 0)" },
	{ "bpf_ringbuf_reserve_dynptr", TC,
	  "bpf_ringbuf_reserve_dynptr(@ringbuf, 64, 0, fp-40)",
	  .post = "bpf_ringbuf_discard_dynptr(fp-40, 1)", FAILS },
	{ "bpf_ringbuf_submit_dynptr", TC,
	  "bpf_ringbuf_submit_dynptr(fp-40, 1)",
	  .pre = "bpf_ringbuf_reserve_dynptr(@ringbuf, 64, 0, fp-40)", VOID },
	{ "bpf_ringbuf_discard_dynptr", TC,
	  "bpf_ringbuf_discard_dynptr(fp-40, 1)",
	  .pre = "bpf_ringbuf_reserve_dynptr(@ringbuf, 64, 0, fp-40)", VOID },

	/* flags that fit, and flags that do not */
	{ "bpf_map_update_elem/hash", TC,
	  "bpf_map_update_elem(@hash, fp-16, &buf, 1)",
	  .pre = "bpf_map_update_elem(@hash, fp-16, &buf, 0)", FAILS },
	{ "bpf_map_update_elem/hash", TC,
	  "bpf_map_update_elem(@hash, fp-16, &buf, 2)", FAILS },
	{ "bpf_map_update_elem/percpu_hash", TC,
	  "bpf_map_update_elem(@percpu_hash, fp-16, &buf, 2)", FAILS },
	{ "bpf_map_update_elem/lru_hash", TC,
	  "bpf_map_update_elem(@lru_hash, fp-16, &buf, 2)", FAILS },
	{ "bpf_map_update_elem/array", TC,
	  "bpf_map_update_elem(@array, fp-24, &buf, 0)",
	  .pre = "[fp-24] = 5000", FAILS },

	/* numbers, clocks, tasks */
	{ "bpf_get_prandom_u32", TC, "bpf_get_prandom_u32()", FAILS },
	{ "bpf_get_smp_processor_id", TC, "bpf_get_smp_processor_id()" },
	{ "bpf_get_numa_node_id", TC, "bpf_get_numa_node_id()" },
	{ "bpf_ktime_get_ns", TC, "bpf_ktime_get_ns()", FAILS },
	{ "bpf_ktime_get_boot_ns", TC, "bpf_ktime_get_boot_ns()", FAILS },
	{ "bpf_ktime_get_coarse_ns", TC, "bpf_ktime_get_coarse_ns()", FAILS },
	{ "bpf_ktime_get_tai_ns", TC, "bpf_ktime_get_tai_ns()", FAILS },
	{ "bpf_jiffies64", TC, "bpf_jiffies64()", FAILS },
	{ "bpf_get_current_pid_tgid", TC, "bpf_get_current_pid_tgid()" },
	{ "bpf_get_current_uid_gid", SYS, "bpf_get_current_uid_gid()" },
	{ "bpf_get_current_comm", SYS, "bpf_get_current_comm(&buf, %n)",
	  .sizes = string_bytes },
	{ "bpf_get_current_task", TC, "bpf_get_current_task()", FAILS },
	{ "bpf_get_current_task_btf", TC, "bpf_get_current_task_btf()", FAILS },
	{ "bpf_get_current_cgroup_id", TC, "bpf_get_current_cgroup_id()" },
	{ "bpf_get_current_ancestor_cgroup_id", TC,
	  "bpf_get_current_ancestor_cgroup_id(0)" },
	{ "bpf_get_ns_current_pid_tgid", TC,
	  "bpf_get_ns_current_pid_tgid(4, 0xeffffffc, fp-192, 8)", FAILS },
	{ "bpf_current_task_under_cgroup", RAW,
	  "bpf_current_task_under_cgroup(@cgroup_array, 0)" },
	{ "bpf_skb_under_cgroup", TC,
	  "bpf_skb_under_cgroup(ctx, @cgroup_array, 0)", FAILS },
	{ "bpf_per_cpu_ptr", TC, "bpf_per_cpu_ptr(%percpu, 0)", FAILS },
	{ "bpf_this_cpu_ptr", TC, "bpf_this_cpu_ptr(%percpu)", FAILS },
	{ "bpf_task_pt_regs", SYS, "bpf_task_pt_regs(s0)", TASK, FAILS },
	{ "bpf_get_task_stack", SYS, "bpf_get_task_stack(s0, &buf, %n, 0)",
	  TASK, .sizes = bytes },
	{ "bpf_get_stack", RAW, "bpf_get_stack(ctx, &buf, %n, 0)",
	  .sizes = bytes },
	{ "bpf_get_stackid", RAW, "bpf_get_stackid(ctx, @stack_trace, 0x200)",
	  FAILS },
	/* of user space, by frame pointers */
	{ "bpf_get_stackid/stack_trace", RAW,
	  "bpf_get_stackid(ctx, @stack_sized, 0x500)", .sizes = stack_bytes,
	  .flags = CALIB_MAY_FAIL | CALIB_DEEP },
	{ "bpf_get_stack/stack_trace", RAW,
	  "bpf_get_stack(ctx, &buf, %n, 0x100)", .sizes = stack_bytes,
	  .flags = CALIB_MAY_FAIL | CALIB_DEEP },
	/* which is not there */
	{ "bpf_get_stackid", RAW, "bpf_get_stackid(ctx, @stack_trace, 0x300)",
	  FAILS },
	{ "bpf_get_stackid", CALIB_PERF,
	  "bpf_get_stackid(ctx, @stack_trace, 0x200)", FAILS },
	{ "bpf_get_stackid", CALIB_PERF,
	  "bpf_get_stackid(ctx, @stack_trace, 0x300)", FAILS },
	{ "bpf_get_stack", RAW, "bpf_get_stack(ctx, &buf, %n, 0x100)",
	  .sizes = bytes, FAILS },
	{ "bpf_get_stack", CALIB_PERF, "bpf_get_stack(ctx, &buf, %n, 0)",
	  .sizes = bytes, FAILS },
	{ "bpf_perf_prog_read_value", CALIB_PERF,
	  "bpf_perf_prog_read_value(ctx, &buf, 24)" },
	{ "bpf_read_branch_records", CALIB_PERF,
	  "bpf_read_branch_records(ctx, &buf, 240, 0)", FAILS },
	{ "bpf_send_signal", SYS, "bpf_send_signal(23)" },
	{ "bpf_send_signal_thread", SYS, "bpf_send_signal_thread(23)" },
	{ "bpf_get_branch_snapshot", RAW,
	  "bpf_get_branch_snapshot(&buf, 256, 0)", FAILS },
	{ "bpf_get_func_ip", CALIB_FENTRY, "bpf_get_func_ip(ctx)", FAILS },
	{ "bpf_get_func_arg", CALIB_FENTRY, "bpf_get_func_arg(ctx, 0, fp-24)" },
	{ "bpf_get_func_arg_cnt", CALIB_FENTRY, "bpf_get_func_arg_cnt(ctx)" },
	{ "bpf_get_func_ret", CALIB_FEXIT, "bpf_get_func_ret(ctx, fp-24)" },
	{ "bpf_get_attach_cookie", CALIB_FENTRY, "bpf_get_attach_cookie(ctx)" },

	/* memory and text */
	{ "bpf_probe_read", RAW, "bpf_probe_read(&buf, %n, &buf+4096)",
	  .sizes = bytes },
	{ "bpf_probe_read_str", RAW, "bpf_probe_read_str(&buf, %n, &buf+4096)",
	  .sizes = bytes },
	{ "bpf_probe_read_kernel", TC,
	  "bpf_probe_read_kernel(&buf, %n, &buf+4096)", .sizes = bytes },
	/* a page that is not there */
	{ "bpf_probe_read_kernel", TC, "bpf_probe_read_kernel(&buf, 8, 4096)",
	  FAILS },
	{ "bpf_probe_read_kernel_str", TC,
	  "bpf_probe_read_kernel_str(&buf, %n, &buf+4096)", .sizes = bytes },
	{ "bpf_probe_read_user", TC, "bpf_probe_read_user(&buf, %n, %user)",
	  .sizes = bytes },
	{ "bpf_probe_read_user_str", TC,
	  "bpf_probe_read_user_str(&buf, %n, %user)", .sizes = bytes },
	{ "bpf_probe_write_user", RAW,
	  "bpf_probe_write_user(%user, &buf+4096, %n)", .sizes = bytes },
	{ "bpf_copy_from_user", SYS, "bpf_copy_from_user(&buf, %n, %user)",
	  .sizes = bytes },
	{ "bpf_copy_from_user_task", SYS,
	  "bpf_copy_from_user_task(&buf, %n, %user, s0, 0)", TASK,
	  .sizes = bytes },
	{ "bpf_strncmp", TC, "bpf_strncmp(&buf+4096, %n, &ro+512)",
	  .sizes = string_bytes, FAILS },
	/* data that end it soon */
	{ "bpf_strncmp", TC, "bpf_strncmp(&buf+6000, %n, &ro+512)",
	  .sizes = string_bytes, FAILS },
	{ "bpf_probe_read_str", RAW, "bpf_probe_read_str(&buf, %n, &buf+6000)",
	  .sizes = bytes },
	{ "bpf_probe_read_kernel_str", TC,
	  "bpf_probe_read_kernel_str(&buf, %n, &buf+6000)", .sizes = bytes },
	{ "bpf_probe_read_user_str", TC,
	  "bpf_probe_read_user_str(&buf, %n, %empty)", .sizes = bytes },
	{ "bpf_probe_read_user", TC, "bpf_probe_read_user(&buf, %n, 4096)",
	  .sizes = bytes, FAILS },
	{ "bpf_skb_load_bytes", TC, "bpf_skb_load_bytes(ctx, 5000, &buf, %n)",
	  .sizes = packet_bytes, FAILS },
	{ "bpf_skb_store_bytes", TC,
	  "bpf_skb_store_bytes(ctx, 5000, &buf, %n, 0)", .sizes = packet_bytes,
	  FAILS },
	{ "bpf_perf_event_output/perf_event_array", TC,
	  "bpf_perf_event_output(ctx, @perf, 5000, &buf, %n)", .sizes = bytes,
	  FAILS },
	/* full, and then some are lost */
	{ "bpf_perf_event_output/perf_event_array", TC,
	  "bpf_perf_event_output(ctx, @perf_read, 0xffffffff, &buf, 64)",
	  FAILS },
	/* with 192 bytes of the packet, from a fragment of its own */
	{ "bpf_perf_event_output/perf_event_array", TC,
	  "bpf_perf_event_output(ctx, @perf, 0xc0ffffffff, &buf, 8)",
	  FAILS },
	{ "bpf_perf_event_output/perf_event_array", RAW,
	  "bpf_perf_event_output(ctx, @perf, 0xffffffff, &buf, %n)",
	  .sizes = bytes, FAILS },
	{ "bpf_sk_lookup_tcp", TC,
	  "bpf_sk_lookup_tcp(ctx, &buf+8160, 1, -1, 0)", FAILS },
	{ "bpf_sk_lookup_udp", TC,
	  "bpf_sk_lookup_udp(ctx, &buf+8160, 1, -1, 0)", FAILS },
	{ "bpf_strtol", CALIB_TC, "bpf_strtol(&buf+8150, 2, 10, fp-24)" },
	{ "bpf_strtoul", CALIB_TC, "bpf_strtoul(&buf+8150, 2, 10, fp-24)" },
	{ "bpf_strtol", CALIB_TC, "bpf_strtol(&buf+8144, 8, 10, fp-24)" },
	{ "bpf_strtoul", CALIB_TC, "bpf_strtoul(&buf+8144, 8, 10, fp-24)" },
	{ "bpf_trace_printk", TC, "bpf_trace_printk(&format, %n, -1, -1, -1)",
	  .sizes = format_bytes, FAILS },
	{ "bpf_trace_printk", TC, "bpf_trace_printk(&ro+64, 1)", FAILS },
	{ "bpf_trace_vprintk", TC,
	  "bpf_trace_vprintk(&format, %n, &buf+4096, 24)",
	  .sizes = format_bytes, .key = 24, FAILS },
	{ "bpf_trace_vprintk", TC, "bpf_trace_vprintk(&ro+64, 1, 0, 0)",
	  FAILS },
	/* what it writes, the format decides, which has no size */
	{ "bpf_snprintf", TC, "bpf_snprintf(&buf, 256, &ro+3072, &buf+4096, 24)",
	  FAILS },
	{ "bpf_snprintf", TC, "bpf_snprintf(&buf, 64, &ro+64, 0, 0)", FAILS },
	{ "bpf_snprintf_btf", TC, "bpf_snprintf_btf(&buf, 512, fp-40, 16, 0)",
	  .pre = "[fp-40] = 0; [fp-32] = 0", FAILS },
	{ "bpf_dynptr_from_mem", TC, "bpf_dynptr_from_mem(&buf, 4096, 0, fp-40)" },
	{ "bpf_dynptr_read", TC, "bpf_dynptr_read(&buf, %n, fp-40, 0, 0)",
	  .once = "bpf_dynptr_from_mem(&buf+4096, 4000, 0, fp-40)",
	  .sizes = bytes },
	{ "bpf_dynptr_write", TC, "bpf_dynptr_write(fp-40, 0, &buf+4096, %n, 0)",
	  .once = "bpf_dynptr_from_mem(&buf, 4000, 0, fp-40)", .sizes = bytes },
	{ "bpf_dynptr_data", TC, "bpf_dynptr_data(fp-40, 0, 64)",
	  .once = "bpf_dynptr_from_mem(&buf, 4000, 0, fp-40)", FAILS },
	{ "bpf_csum_diff", TC, "bpf_csum_diff(0, 0, &buf+4096, %n, 0)",
	  .sizes = packet_bytes, FAILS },
	{ "bpf_perf_event_output/perf_event_array", TC,
	  "bpf_perf_event_output(ctx, @perf, 0xffffffff, &buf, %n)",
	  .sizes = bytes, FAILS },

	/* locks, timers, kernel pointers, local storage */
	{ "bpf_spin_lock", TC, "bpf_spin_lock(s0); bpf_spin_unlock(s0)",
	  VALUE("lock"), .also = "bpf_spin_unlock",
	  .flags = CALIB_VOID | CALIB_SHARED },
	{ "bpf_timer_init", TC, "bpf_timer_init(s0, @timer, 1)", VALUE("timer"),
	  FAILS },
	{ "bpf_timer_set_callback", TC, "bpf_timer_set_callback(s0, %callback)",
	  .once = "s0 = bpf_map_lookup_elem(@timer, fp-16)?; "
		  "bpf_timer_init(s0, @timer, 1)" },
	{ "bpf_timer_start", TC, "bpf_timer_start(s0, 1000000000, 0)",
	  .once = "s0 = bpf_map_lookup_elem(@timer, fp-16)?; "
		  "bpf_timer_init(s0, @timer, 1); "
		  "bpf_timer_set_callback(s0, %callback)",
	  .done = "bpf_timer_cancel(s0)" },
	{ "bpf_timer_cancel", TC, "bpf_timer_cancel(s0)",
	  .once = "s0 = bpf_map_lookup_elem(@timer, fp-16)?; "
		  "bpf_timer_init(s0, @timer, 1)",
	  .pre = "bpf_timer_set_callback(s0, %callback); "
		 "bpf_timer_start(s0, 1000000000, 0)",
	  FAILS },
	{ "bpf_kptr_xchg", TC, "r9 = bpf_kptr_xchg(s0, r9)?",
	  .once = "s0 = bpf_map_lookup_elem(@kptr, fp-16)?; "
		  "s1 = bpf_get_current_task_btf()",
	  .pre = "r9 = bpf_task_acquire(s1)?",
	  .post = "bpf_task_release(r9)" },
	{ "bpf_task_storage_get", SYS,
	  "bpf_task_storage_get(@task_storage, s0, 0, 1)", TASK, FAILS },
	{ "bpf_task_storage_get", SYS,
	  "bpf_task_storage_get(@task_storage, s0, 0, 1)", TASK,
	  .post = "bpf_task_storage_delete(@task_storage, s0)", FAILS },
	{ "bpf_task_storage_delete", SYS,
	  "bpf_task_storage_delete(@task_storage, s0)", TASK,
	  .pre = "bpf_task_storage_get(@task_storage, s0, 0, 1)", FAILS },
	{ "bpf_cgrp_storage_get", SYS,
	  "bpf_cgrp_storage_get(@cgrp_storage, s1, 0, 1)", CGROUP, FAILS },
	{ "bpf_cgrp_storage_get", SYS,
	  "bpf_cgrp_storage_get(@cgrp_storage, s1, 0, 1)", CGROUP,
	  .post = "bpf_cgrp_storage_delete(@cgrp_storage, s1)", FAILS },
	{ "bpf_cgrp_storage_delete", SYS,
	  "bpf_cgrp_storage_delete(@cgrp_storage, s1)", CGROUP,
	  .pre = "bpf_cgrp_storage_get(@cgrp_storage, s1, 0, 1)", FAILS },
	{ "bpf_sk_storage_get", TC, "bpf_sk_storage_get(@sk_storage, s1, 0, 1)",
	  SOCK, FAILS },
	{ "bpf_sk_storage_get", TC, "bpf_sk_storage_get(@sk_storage, s1, 0, 1)",
	  SOCK, .post = "bpf_sk_storage_delete(@sk_storage, s1)", FAILS },
	{ "bpf_sk_storage_delete", TC, "bpf_sk_storage_delete(@sk_storage, s1)",
	  SOCK, .pre = "bpf_sk_storage_get(@sk_storage, s1, 0, 1)", FAILS },

	/* sockets */
	{ "bpf_sk_lookup_tcp", TC,
	  "r9 = bpf_sk_lookup_tcp(ctx, &buf+8160, 12, -1, 0)?",
	  .post = "bpf_sk_release(r9)" },
	{ "bpf_skc_lookup_tcp", TC,
	  "r9 = bpf_skc_lookup_tcp(ctx, &buf+8160, 12, -1, 0)?",
	  .post = "bpf_sk_release(r9)" },
	{ "bpf_sk_lookup_udp", TC,
	  "r9 = bpf_sk_lookup_udp(ctx, &buf+8160, 12, -1, 0)?",
	  .post = "bpf_sk_release(r9)" },
	{ "bpf_sk_release", TC, "bpf_sk_release(r9)",
	  .pre = "r9 = bpf_sk_lookup_tcp(ctx, &buf+8160, 12, -1, 0)?" },
	{ "bpf_tcp_sock", TC, "bpf_tcp_sock(s1)", SOCK, FAILS },
	{ "bpf_sk_fullsock", TC, "bpf_sk_fullsock(s1)", SOCK, FAILS },
	{ "bpf_get_listener_sock", TC, "bpf_get_listener_sock(s1)", SOCK,
	  FAILS },
	{ "bpf_skc_to_tcp_sock", TC, "bpf_skc_to_tcp_sock(s1)", SOCK, FAILS },
	{ "bpf_skc_to_tcp6_sock", TC, "bpf_skc_to_tcp6_sock(s1)", SOCK, FAILS },
	{ "bpf_skc_to_tcp_timewait_sock", TC,
	  "bpf_skc_to_tcp_timewait_sock(s1)", SOCK, FAILS },
	{ "bpf_skc_to_tcp_request_sock", TC, "bpf_skc_to_tcp_request_sock(s1)",
	  SOCK, FAILS },
	{ "bpf_skc_to_udp6_sock", TC, "bpf_skc_to_udp6_sock(s1)", SOCK, FAILS },
	{ "bpf_skc_to_unix_sock", TC, "bpf_skc_to_unix_sock(s1)", SOCK, FAILS },
	{ "bpf_skc_to_mptcp_sock", TC, "bpf_skc_to_mptcp_sock(s1)", SOCK,
	  FAILS },
	{ "bpf_sk_cgroup_id", CALIB_CGROUP_SKB, "bpf_sk_cgroup_id(s1)", SOCK,
	  FAILS },
	{ "bpf_sk_ancestor_cgroup_id", CALIB_CGROUP_SKB,
	  "bpf_sk_ancestor_cgroup_id(s1, 0)", SOCK, FAILS },
	{ "bpf_sk_assign", TC, "bpf_sk_assign(ctx, s1, 0)", SOCK, FAILS },
	{ "bpf_tcp_check_syncookie", TC,
	  "bpf_tcp_check_syncookie(s1, &buf+4096, 20, &buf+4200, 20)", SOCK,
	  FAILS },
	{ "bpf_tcp_gen_syncookie", TC,
	  "bpf_tcp_gen_syncookie(s1, &buf+4096, 20, &buf+4200, 20)", SOCK,
	  FAILS },
	{ "bpf_tcp_raw_gen_syncookie_ipv4", TC,
	  "bpf_tcp_raw_gen_syncookie_ipv4(&buf, &buf+1024, 20)", FAILS },
	{ "bpf_tcp_raw_gen_syncookie_ipv6", TC,
	  "bpf_tcp_raw_gen_syncookie_ipv6(&buf, &buf+1024, 20)", FAILS },
	{ "bpf_tcp_raw_check_syncookie_ipv4", TC,
	  "bpf_tcp_raw_check_syncookie_ipv4(&buf, &buf+1024)", FAILS },
	{ "bpf_tcp_raw_check_syncookie_ipv6", TC,
	  "bpf_tcp_raw_check_syncookie_ipv6(&buf, &buf+1024)", FAILS },
	{ "bpf_get_socket_cookie", TC, "bpf_get_socket_cookie(ctx)", FAILS },
	{ "bpf_get_socket_uid", TC, "bpf_get_socket_uid(ctx)", FAILS },

	{ "bpf_getsockopt", CALIB_SOCK_OPS,
	  "bpf_getsockopt(ctx, 6, 13, &buf, 20)" },
	{ "bpf_getsockopt", CALIB_SOCK_OPS, "bpf_getsockopt(ctx, 1, 8, &buf, 4)",
	  FAILS },
	{ "bpf_getsockopt", CALIB_SOCK_OPS, "bpf_getsockopt(ctx, 99, 8, &buf, 4)",
	  FAILS },
	{ "bpf_setsockopt", CALIB_SOCK_OPS,
	  "bpf_setsockopt(ctx, 6, 13, &buf+8176, 6)", FAILS },
	{ "bpf_setsockopt", CALIB_SOCK_OPS,
	  "bpf_setsockopt(ctx, 1, 8, &buf+4096, 4)", FAILS },
	{ "bpf_sock_ops_cb_flags_set", CALIB_SOCK_OPS,
	  "bpf_sock_ops_cb_flags_set(ctx, 0)", FAILS },
	{ "bpf_load_hdr_opt", CALIB_SOCK_OPS,
	  "bpf_load_hdr_opt(ctx, &buf, 16, 0)", FAILS },
	{ "bpf_get_netns_cookie", CALIB_SOCK_OPS, "bpf_get_netns_cookie(ctx)",
	  FAILS },
	{ "bpf_get_retval", CALIB_SOCKOPT, "bpf_get_retval()", FAILS },
	{ "bpf_set_retval", CALIB_SOCKOPT, "bpf_set_retval(0)", FAILS },

	/* packets */
	{ "bpf_skb_load_bytes", TC, "bpf_skb_load_bytes(ctx, 0, &buf, %n)",
	  .sizes = packet_bytes },
	{ "bpf_skb_load_bytes_relative", TC,
	  "bpf_skb_load_bytes_relative(ctx, 0, &buf, %n, 0)",
	  .sizes = packet_bytes },
	{ "bpf_skb_store_bytes", TC,
	  "bpf_skb_store_bytes(ctx, 0, &buf, %n, 0)", .sizes = packet_bytes },
	{ "bpf_l3_csum_replace", TC, "bpf_l3_csum_replace(ctx, 24, 1, 2, 2)" },
	{ "bpf_l4_csum_replace", TC, "bpf_l4_csum_replace(ctx, 50, 1, 2, 2)" },
	{ "bpf_csum_update", TC, "bpf_csum_update(ctx, 1)", FAILS },
	{ "bpf_csum_level", TC, "bpf_csum_level(ctx, 0)", FAILS },
	{ "bpf_skb_pull_data", TC, "bpf_skb_pull_data(ctx, 64)" },
	{ "bpf_get_hash_recalc", TC, "bpf_get_hash_recalc(ctx)",
	  .pre = "bpf_set_hash_invalid(ctx)", FAILS },
	{ "bpf_get_hash_recalc", TC, "bpf_get_hash_recalc(ctx)", FAILS },
	{ "bpf_set_hash_invalid", TC, "bpf_set_hash_invalid(ctx)" },
	{ "bpf_set_hash", TC, "bpf_set_hash(ctx, 1)" },
	{ "bpf_skb_change_type", TC, "bpf_skb_change_type(ctx, 0)" },
	{ "bpf_skb_change_tail", TC, "bpf_skb_change_tail(ctx, 200, 0)",
	  .post = "bpf_skb_change_tail(ctx, 256, 0)" },
	{ "bpf_skb_change_tail", TC, "bpf_skb_change_tail(ctx, 256, 0)",
	  .pre = "bpf_skb_change_tail(ctx, 200, 0)" },
	{ "bpf_skb_change_head", TC, "bpf_skb_change_head(ctx, 14, 0)",
	  .post = "bpf_skb_adjust_room(ctx, -14, 1, 0)", FAILS },
	{ "bpf_skb_adjust_room", TC, "bpf_skb_adjust_room(ctx, 8, 1, 0)",
	  .post = "bpf_skb_adjust_room(ctx, -8, 1, 0)" },
	{ "bpf_skb_change_proto", TC, "bpf_skb_change_proto(ctx, 0xdd86, 0)",
	  .post = "bpf_skb_change_proto(ctx, 0x0008, 0)", FAILS },
	{ "bpf_skb_vlan_push", TC, "bpf_skb_vlan_push(ctx, 0x0081, 5)",
	  .post = "bpf_skb_vlan_pop(ctx)" },
	{ "bpf_skb_vlan_pop", TC, "bpf_skb_vlan_pop(ctx)",
	  .pre = "bpf_skb_vlan_push(ctx, 0x0081, 5)" },
	{ "bpf_skb_cgroup_id", TC, "bpf_skb_cgroup_id(ctx)", FAILS },
	{ "bpf_skb_ancestor_cgroup_id", TC, "bpf_skb_ancestor_cgroup_id(ctx, 0)",
	  FAILS },
	{ "bpf_get_cgroup_classid", TC, "bpf_get_cgroup_classid(ctx)", FAILS },
	{ "bpf_get_route_realm", TC, "bpf_get_route_realm(ctx)", FAILS },
	{ "bpf_clone_redirect", TC, "bpf_clone_redirect(ctx, 1, 0)", FAILS },
	{ "bpf_redirect", TC, "bpf_redirect(1, 0)" },
	{ "bpf_redirect_peer", TC, "bpf_redirect_peer(1, 0)", FAILS },
	{ "bpf_redirect_neigh", TC, "bpf_redirect_neigh(1, 0, 0, 0)", FAILS },
	{ "bpf_fib_lookup", TC, "bpf_fib_lookup(ctx, &buf+7000, 64, 0)",
	  FAILS },
	{ "bpf_check_mtu", TC, "bpf_check_mtu(ctx, 0, fp-24, 0, 0)",
	  .pre = "[fp-24] = 0", FAILS },
	{ "bpf_skb_set_tstamp", TC, "bpf_skb_set_tstamp(ctx, 1, 1)", FAILS },
	{ "bpf_skb_ecn_set_ce", CALIB_CGROUP_SKB, "bpf_skb_ecn_set_ce(ctx)",
	  FAILS },
	{ "bpf_skb_set_tunnel_key", TC,
	  "bpf_skb_set_tunnel_key(ctx, &buf, 44, 0)", FAILS },
	{ "bpf_skb_get_tunnel_key", TC,
	  "bpf_skb_get_tunnel_key(ctx, &buf, 44, 0)", FAILS },
	{ "bpf_skb_set_tunnel_opt", TC, "bpf_skb_set_tunnel_opt(ctx, &buf, 8)",
	  FAILS },
	{ "bpf_skb_get_tunnel_opt", TC, "bpf_skb_get_tunnel_opt(ctx, &buf, 8)",
	  FAILS },
	{ "bpf_skb_get_xfrm_state", TC,
	  "bpf_skb_get_xfrm_state(ctx, 0, &buf, 28, 0)", FAILS },
	{ "bpf_xdp_adjust_head", XDP, "bpf_xdp_adjust_head(ctx, 4)",
	  .post = "bpf_xdp_adjust_head(ctx, -4)" },
	{ "bpf_xdp_adjust_meta", XDP, "bpf_xdp_adjust_meta(ctx, -4)",
	  .post = "bpf_xdp_adjust_meta(ctx, 4)" },
	{ "bpf_xdp_adjust_tail", XDP, "bpf_xdp_adjust_tail(ctx, -4)",
	  .post = "bpf_xdp_adjust_tail(ctx, 4)" },
	{ "bpf_xdp_get_buff_len", XDP, "bpf_xdp_get_buff_len(ctx)" },
	{ "bpf_xdp_load_bytes", XDP, "bpf_xdp_load_bytes(ctx, 0, &buf, %n)",
	  .sizes = packet_bytes },
	{ "bpf_xdp_store_bytes", XDP, "bpf_xdp_store_bytes(ctx, 0, &buf, %n)",
	  .sizes = packet_bytes },
	{ "bpf_redirect_map/devmap", XDP, "bpf_redirect_map(@devmap, 0, 0)" },
	{ "bpf_redirect_map/devmap_hash", XDP,
	  "bpf_redirect_map(@devmap_hash, 0, 0)" },
	{ "bpf_redirect_map/xskmap", XDP, "bpf_redirect_map(@xskmap, 0, 2)" },
	{ "bpf_lwt_push_encap", CALIB_LWT_XMIT,
	  "bpf_lwt_push_encap(ctx, 2, &buf+4096, 20)", FAILS },

	/* the kernel's own tables */
	{ "bpf_btf_find_by_name_kind", SYS,
	  "bpf_btf_find_by_name_kind(&ro+16, 12, 4, 0)" },
	{ "bpf_kallsyms_lookup_name", SYS,
	  "bpf_kallsyms_lookup_name(&ro+32, 16, 0, fp-24)", FAILS },
};

const size_t calib_n_rows = ARRAY_SIZE(calib_rows);
