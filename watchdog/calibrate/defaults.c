// SPDX-License-Identifier: GPL-2.0
/* Helpers and kfuncs that no row measures: what they are taken for, and why they
 * cannot be measured by a program that calls them a thousand times.
 */
#include "calibrate/calib.h"
#include "show/types.h"

#define H(name, reason) { "bpf_" #name, MODEL_HELPER, 0, 0, reason }
#define K(name, reason) { #name, MODEL_KFUNC, 0, 0, reason }
/* for those that cannot take as little as most */
#define SLOW_H(name, reason) \
	{ "bpf_" #name, MODEL_HELPER, 10000000, 100, reason }
#define SLOW_K(name, reason) { #name, MODEL_KFUNC, 10000000, 100, reason }

#define SOCKOPT "only cgroup hooks of a socket call may call it"
#define SOCK_OPS "only the hook of a TCP connection may call it"
#define MSG "only a parser of socket messages may call it"
#define LWT "only SRv6 routes may call it"
#define LSM_SLEEPS "only LSM hooks may call it, and it reads files"
#define SOCKMAP "needs connected sockets in a sockmap"
#define SYSCTL "only the cgroup hook of a sysctl may call it"
#define SEQ "only iterators over kernel objects may call it"
#define OBJ "needs types with graph nodes in the program's BTF"
#define CT "needs the connection tracker"
#define XFRM "needs an IPsec state"
#define STRUCT_OPS "only congestion control may call it"
#define TEST_ONLY "a test's own function"
#define CRYPTO "needs a cipher that the kernel may lack"
#define ARENA "needs an arena, and allocates pages"

const struct calib_default calib_defaults[] = {
	{ MODEL_DEFAULT, MODEL_HELPER, 0, 0, "helpers that have no entry" },
	{ MODEL_DEFAULT, MODEL_KFUNC, 0, 0, "kfuncs that have no entry" },

	SLOW_H(bind, SOCKOPT),
	H(get_local_storage, "needs a cgroup storage attached to a cgroup"),
	H(store_hdr_opt, SOCK_OPS),
	H(reserve_hdr_opt, SOCK_OPS),
	H(sock_hash_update, SOCK_OPS),
	H(sock_map_update, SOCK_OPS),
	H(tcp_send_ack, STRUCT_OPS),
	H(msg_apply_bytes, MSG),
	H(msg_cork_bytes, MSG),
	H(msg_pop_data, MSG),
	H(msg_pull_data, MSG),
	H(msg_push_data, MSG),
	H(msg_redirect_hash, MSG),
	H(msg_redirect_map, MSG),
	H(sk_redirect_hash, SOCKMAP),
	H(sk_redirect_map, SOCKMAP),
	H(sk_select_reuseport, "only SO_REUSEPORT groups may call it"),
	H(lwt_seg6_action, LWT),
	H(lwt_seg6_adjust_srh, LWT),
	H(lwt_seg6_store_bytes, LWT),
	SLOW_H(bprm_opts_set, LSM_SLEEPS),
	SLOW_H(d_path, "walks a path; only some kernel functions may call it"),
	SLOW_H(ima_file_hash, LSM_SLEEPS),
	SLOW_H(ima_inode_hash, LSM_SLEEPS),
	H(inode_storage_get, "only LSM hooks of inodes may call it"),
	H(inode_storage_delete, "only LSM hooks of inodes may call it"),
	H(override_return, "changes what the traced function returns"),
	H(perf_event_output, "samples of more than data: stacks, call chains"),
	H(perf_event_read_value, "needs a hardware counter"),
	H(perf_event_read, "needs a hardware counter"),
	H(seq_printf_btf, SEQ),
	H(seq_write, SEQ),
	H(seq_printf, SEQ),
	H(skb_output, "only traced functions with a packet may call it"),
	H(xdp_output, "only traced functions with a packet may call it"),
	H(sock_from_file, "needs a file that is a socket"),
	SLOW_H(sys_bpf, "takes as long as the system call"),
	SLOW_H(sys_close, "takes as long as the system call"),
	H(sysctl_get_current_value, SYSCTL),
	H(sysctl_get_name, SYSCTL),
	H(rc_keydown, "only decoders of remote controls may call it"),
	H(rc_pointer_rel, "only decoders of remote controls may call it"),
	H(find_vma,
	  "its callback is too much for the verifier a hundred times"),
	H(user_ringbuf_drain, "needs a producer in user space"),

	SLOW_K(bpf_arena_alloc_pages, ARENA),
	SLOW_K(bpf_arena_free_pages, ARENA),
	K(bpf_crypto_ctx_acquire, CRYPTO),
	SLOW_K(bpf_crypto_ctx_create, CRYPTO),
	K(bpf_crypto_ctx_release, CRYPTO),
	SLOW_K(bpf_crypto_decrypt, CRYPTO),
	SLOW_K(bpf_crypto_encrypt, CRYPTO),
	K(bpf_ct_change_status, CT),
	K(bpf_ct_change_timeout, CT),
	K(bpf_ct_insert_entry, CT),
	K(bpf_ct_release, CT),
	K(bpf_ct_set_nat_info, CT),
	K(bpf_ct_set_status, CT),
	K(bpf_ct_set_timeout, CT),
	K(bpf_skb_ct_alloc, CT),
	K(bpf_skb_ct_lookup, CT),
	K(bpf_xdp_ct_alloc, CT),
	K(bpf_xdp_ct_lookup, CT),
	K(bpf_xdp_flow_lookup, CT),
	K(bpf_fentry_test1, TEST_ONLY),
	K(bpf_kfunc_call_test_release, TEST_ONLY),
	K(bpf_modify_return_test, TEST_ONLY),
	K(bpf_modify_return_test2, TEST_ONLY),
	K(bpf_modify_return_test_tp, TEST_ONLY),
	SLOW_K(bpf_get_dentry_xattr, LSM_SLEEPS),
	SLOW_K(bpf_get_file_xattr, LSM_SLEEPS),
	SLOW_K(bpf_get_fsverity_digest, LSM_SLEEPS),
	SLOW_K(bpf_verify_pkcs7_signature, LSM_SLEEPS),
	SLOW_K(bpf_path_d_path, LSM_SLEEPS),
	K(bpf_put_file, "only LSM hooks may call it"),
	K(bpf_lookup_user_key, "needs a key in a keyring"),
	K(bpf_iter_css_new, "needs a control group's controller"),
	K(bpf_iter_css_next, "needs a control group's controller"),
	K(bpf_iter_css_destroy, "needs a control group's controller"),
	K(bpf_task_get_cgroup1, "needs a version 1 hierarchy"),
	SLOW_K(bpf_list_pop_back, OBJ),
	K(bpf_list_pop_front, OBJ),
	K(bpf_list_push_back_impl, OBJ),
	K(bpf_list_push_front_impl, OBJ),
	SLOW_K(bpf_obj_drop_impl, OBJ),
	K(bpf_obj_new_impl, OBJ),
	SLOW_K(bpf_percpu_obj_drop_impl, OBJ),
	K(bpf_percpu_obj_new_impl, OBJ),
	K(bpf_rbtree_add_impl, OBJ),
	K(bpf_rbtree_first, OBJ),
	K(bpf_rbtree_remove, OBJ),
	K(bpf_refcount_acquire_impl, OBJ),
	K(bpf_rdonly_cast, "becomes no code"),
	K(bpf_session_cookie, "only sessions of kprobes may call it"),
	K(bpf_session_is_return, "only sessions of kprobes may call it"),
	K(bpf_sk_assign_tcp_reqsk, "needs a SYN cookie's connection request"),
	K(bpf_skb_get_fou_encap, "needs a tunnel device"),
	K(bpf_skb_set_fou_encap, "needs a tunnel device"),
	K(bpf_skb_get_xfrm_info, XFRM),
	K(bpf_skb_set_xfrm_info, XFRM),
	K(bpf_xdp_get_xfrm_state, XFRM),
	K(bpf_xdp_xfrm_state_release, XFRM),
	K(bpf_sock_addr_set_sun_path, SOCKOPT),
	SLOW_K(bpf_sock_destroy, "ends a connection each time"),
	SLOW_K(bpf_throw, "unwinds the stack of the program and ends it"),
	K(bpf_wq_set_callback_impl, "makes work for a kernel thread each time"),
	K(bpf_wq_start, "makes work for a kernel thread each time"),
	SLOW_K(cgroup_rstat_flush, "as long as there are CPUs and groups"),
	K(cgroup_rstat_updated,
	  "only iterators over control groups may call it"),
	K(cubictcp_acked, STRUCT_OPS),
	K(cubictcp_cong_avoid, STRUCT_OPS),
	K(cubictcp_cwnd_event, STRUCT_OPS),
	K(cubictcp_init, STRUCT_OPS),
	K(cubictcp_recalc_ssthresh, STRUCT_OPS),
	K(cubictcp_state, STRUCT_OPS),
	K(tcp_cong_avoid_ai, STRUCT_OPS),
	K(tcp_reno_cong_avoid, STRUCT_OPS),
	K(tcp_reno_undo_cwnd, STRUCT_OPS),
	K(tcp_slow_start, STRUCT_OPS),
};

const size_t calib_n_defaults = ARRAY_SIZE(calib_defaults);

#define ENDLESS_H(fn) { .kind = MODEL_HELPER, .name = "bpf_" #fn }
#define ENDLESS_M(fn, type) \
	{ .kind = MODEL_HELPER, .name = "bpf_map_" #fn "_elem", .map = (type) }
#define ENDLESS_K(fn) { .kind = MODEL_KFUNC, .name = #fn }

/* They wait for others, run other programs or work on any amount, which may be what others
 * have made: what a call that was measured took says nothing of the next one. cost_builtin.c
 * of the kernel has why.
 */
const struct model_entry calib_endless[] = {
	/* nobody has said what they are */
	{ .kind = MODEL_HELPER, .name = MODEL_DEFAULT },
	{ .kind = MODEL_KFUNC, .name = MODEL_DEFAULT },
	ENDLESS_H(clone_redirect),
	ENDLESS_H(send_signal),
	ENDLESS_H(send_signal_thread),
	ENDLESS_H(sys_bpf),
	ENDLESS_H(sys_close),
	ENDLESS_H(bind),
	ENDLESS_H(ima_inode_hash),
	ENDLESS_H(ima_file_hash),
	ENDLESS_H(snprintf_btf),
	ENDLESS_H(seq_printf_btf),
	ENDLESS_H(btf_find_by_name_kind),
	ENDLESS_H(copy_from_user),
	ENDLESS_H(copy_from_user_task),
	ENDLESS_H(sk_lookup_tcp),
	ENDLESS_H(sk_lookup_udp),
	ENDLESS_H(skc_lookup_tcp),
	ENDLESS_H(task_storage_get),
	ENDLESS_H(task_storage_delete),
	ENDLESS_H(sk_storage_get),
	ENDLESS_H(sk_storage_delete),
	ENDLESS_H(inode_storage_get),
	ENDLESS_H(inode_storage_delete),
	ENDLESS_H(cgrp_storage_get),
	ENDLESS_H(cgrp_storage_delete),
	ENDLESS_H(sock_map_update),
	ENDLESS_H(sock_hash_update),
	ENDLESS_M(update, "sockmap"),
	ENDLESS_M(update, "sockhash"),
	ENDLESS_M(delete, "sockmap"),
	ENDLESS_M(delete, "sockhash"),
	ENDLESS_H(sk_release),
	ENDLESS_H(sk_assign),
	ENDLESS_H(check_mtu),
	ENDLESS_H(fib_lookup),
	ENDLESS_H(lwt_seg6_action),
	ENDLESS_H(d_path),
	ENDLESS_H(setsockopt),
	ENDLESS_H(tcp_send_ack),
	ENDLESS_H(timer_cancel),
	ENDLESS_H(get_hash_recalc),
	ENDLESS_H(kallsyms_lookup_name),
	ENDLESS_H(rc_keydown),
	ENDLESS_H(rc_repeat),
	ENDLESS_H(rc_pointer_rel),
	ENDLESS_K(bpf_arena_alloc_pages),
	ENDLESS_K(bpf_arena_free_pages),
	ENDLESS_K(bpf_crypto_ctx_create),
	ENDLESS_K(bpf_crypto_encrypt),
	ENDLESS_K(bpf_crypto_decrypt),
	ENDLESS_K(bpf_get_file_xattr),
	ENDLESS_K(bpf_get_dentry_xattr),
	ENDLESS_K(bpf_get_fsverity_digest),
	ENDLESS_K(bpf_verify_pkcs7_signature),
	ENDLESS_K(bpf_sock_destroy),
	ENDLESS_K(cgroup_rstat_flush),
	ENDLESS_K(bpf_copy_from_user_str),
	ENDLESS_K(bpf_lookup_user_key),
	ENDLESS_K(bpf_path_d_path),
	ENDLESS_K(bpf_skb_ct_lookup),
	ENDLESS_K(bpf_skb_ct_alloc),
	ENDLESS_K(bpf_xdp_ct_lookup),
	ENDLESS_K(bpf_xdp_ct_alloc),
	ENDLESS_K(bpf_xdp_get_xfrm_state),
	ENDLESS_K(bpf_task_get_cgroup1),
	ENDLESS_K(bpf_iter_css_next),
	ENDLESS_K(bpf_iter_css_task_new),
	ENDLESS_K(bpf_iter_css_task_next),
	ENDLESS_K(bpf_iter_task_vma_next),
};

const size_t calib_n_endless = ARRAY_SIZE(calib_endless);

/* Of these the kernel's own model has no cost, as nobody has shown that they are short. So they
 * have none here either, unless they are measured.
 */
const struct model_entry calib_unknown[] = {
	ENDLESS_H(getsockopt),
	ENDLESS_H(lwt_push_encap),
	ENDLESS_H(lwt_seg6_adjust_srh),
	ENDLESS_H(get_branch_snapshot),
	ENDLESS_K(bpf_ct_change_status),
	ENDLESS_K(bpf_ct_change_timeout),
	ENDLESS_K(bpf_ct_insert_entry),
	ENDLESS_K(bpf_ct_release),
	ENDLESS_K(bpf_ct_set_nat_info),
	ENDLESS_K(bpf_ct_set_status),
	ENDLESS_K(bpf_ct_set_timeout),
	ENDLESS_K(bpf_xdp_flow_lookup),
	ENDLESS_K(bpf_fentry_test1),
	ENDLESS_K(bpf_kfunc_call_test_release),
	ENDLESS_K(bpf_modify_return_test),
	ENDLESS_K(bpf_modify_return_test2),
	ENDLESS_K(bpf_modify_return_test_tp),
	ENDLESS_K(bpf_sk_assign_tcp_reqsk),
	ENDLESS_K(bpf_skb_get_fou_encap),
	ENDLESS_K(bpf_skb_set_fou_encap),
	ENDLESS_K(bpf_skb_get_xfrm_info),
	ENDLESS_K(bpf_skb_set_xfrm_info),
	ENDLESS_K(bpf_iter_task_vma_new),
	ENDLESS_K(bpf_iter_task_vma_destroy),
	ENDLESS_K(cgroup_rstat_updated),
};

const size_t calib_n_unknown = ARRAY_SIZE(calib_unknown);

#define AT_LEAST(what, helper, type, worst, unit) \
	{ .kind = (what),                         \
	  .name = (helper),                       \
	  .map = (type),                          \
	  .worst_ps = (worst) * 1000000,          \
	  .per_unit_ps = (unit) * 1000 }
#define H_AT_LEAST(name, us, ns) \
	AT_LEAST(MODEL_HELPER, "bpf_" #name, "", us, ns)
#define M_AT_LEAST(name, map, us, ns) \
	AT_LEAST(MODEL_HELPER, "bpf_map_" #name "_elem", map, us, ns)
#define K_AT_LEAST(name, us, ns) AT_LEAST(MODEL_KFUNC, #name, "", us, ns)

/* What the state or an argument decides: symbols that are looked up, samples with stack and
 * registers (those of data only have an entry for the map), prefixes in prefixes, a reader to be woken; or that there is nothing to do. A call
 * that is measured does not show it. us, and ns for each unit; 0: only the best is open.
 */
const struct model_entry calib_at_least[] = {
	M_AT_LEAST(lookup, "lpm_trie", 10, 2000),
	M_AT_LEAST(update, "lpm_trie", 100, 2000),
	M_AT_LEAST(delete, "lpm_trie", 100, 2000),
	M_AT_LEAST(push, "bloom_filter", 20, 100),
	M_AT_LEAST(peek, "bloom_filter", 20, 100),
	M_AT_LEAST(pop, "queue", 0, 0),
	M_AT_LEAST(peek, "queue", 0, 0),
	M_AT_LEAST(pop, "stack", 0, 0),
	M_AT_LEAST(peek, "stack", 0, 0),
	H_AT_LEAST(csum_diff, 0, 0),
	/* 32 records that are passed, and one for each 8 bytes of its own; a reader to be woken */
	H_AT_LEAST(ringbuf_output, 5, 2),
	H_AT_LEAST(ringbuf_reserve, 3, 2),
	H_AT_LEAST(ringbuf_submit, 3, 0),
	H_AT_LEAST(ringbuf_discard, 3, 0),
	H_AT_LEAST(ringbuf_reserve_dynptr, 3, 2),
	H_AT_LEAST(ringbuf_submit_dynptr, 3, 0),
	H_AT_LEAST(ringbuf_discard_dynptr, 3, 0),
	H_AT_LEAST(strtol, 20, 10),
	H_AT_LEAST(strtoul, 20, 10),
	H_AT_LEAST(perf_event_output, 500, 10),
	H_AT_LEAST(skb_output, 500, 10),
	H_AT_LEAST(xdp_output, 500, 10),
	H_AT_LEAST(snprintf, 200, 10),
	H_AT_LEAST(seq_printf, 200, 10),
	H_AT_LEAST(trace_printk, 200, 10),
	H_AT_LEAST(trace_vprintk, 200, 10),
	H_AT_LEAST(skb_store_bytes, 200, 10),
	H_AT_LEAST(l3_csum_replace, 200, 10),
	H_AT_LEAST(l4_csum_replace, 200, 10),
	H_AT_LEAST(skb_ecn_set_ce, 200, 10),
	H_AT_LEAST(dynptr_write, 200, 10),
	H_AT_LEAST(skb_change_tail, 200, 10),
	H_AT_LEAST(skb_change_head, 200, 10),
	H_AT_LEAST(skb_change_proto, 200, 10),
	H_AT_LEAST(skb_adjust_room, 200, 10),
	H_AT_LEAST(skb_pull_data, 200, 10),
	H_AT_LEAST(skb_vlan_push, 200, 10),
	H_AT_LEAST(skb_vlan_pop, 200, 10),
	H_AT_LEAST(xdp_adjust_tail, 200, 10),
	H_AT_LEAST(msg_pull_data, 200, 10),
	H_AT_LEAST(msg_push_data, 200, 10),
	H_AT_LEAST(msg_pop_data, 200, 10),
	/* memory that is there, or is to be made */
	H_AT_LEAST(timer_start, 20, 10),
	K_AT_LEAST(bpf_iter_bits_new, 20, 10),
	K_AT_LEAST(bpf_cpumask_create, 20, 10),
	K_AT_LEAST(bpf_obj_new_impl, 20, 10),
};

const size_t calib_n_at_least = ARRAY_SIZE(calib_at_least);
