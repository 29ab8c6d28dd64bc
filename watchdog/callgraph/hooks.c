// SPDX-License-Identifier: GPL-2.0
/* Where the kernel runs programs of hooks that are neither at a function nor at a
 * tracepoint: the one place that says which function leads to which hooks.
 *
 * A row is the function whose code calls the program or, where that one is called
 * through a pointer only, also the one with the pointer. What the compiler inlines
 * is named by the function that it ends up in. Where the attach type is an argument,
 * all hooks that it may stand for are meant. selftests/cli/policy.sh finds each
 * function in the running kernel, if it was built with what the row needs.
 */
#include <string.h>
#include "callgraph/priv.h"
#include "show/types.h"

/* clang-format off */
static const struct cg_hook hooks[] = {
	/* all drivers, generic XDP, devmaps and cpumaps, by bpf_prog_run_xdp() */
	{ "bpf_dispatcher_xdp_func", "NET", { "xdp/*" } },
	/* sch_handle_ingress() and sch_handle_egress(), with tcx_run(), are inlined */
	{ "__netif_receive_skb_core", "NET_XGRESS", { "tcx/ingress/*" } },
	{ "__dev_queue_xmit", "NET_XGRESS", { "tcx/egress/*" } },
	/* a classifier, cls_bpf_classify() among them, is behind a pointer */
	{ "tcf_classify", "NET_CLS", { "tc/*" } },
	{ "cls_bpf_classify", "NET_CLS_BPF", { "tc/*" } },
	/* and so is an action */
	{ "tcf_action_exec", "NET_CLS_ACT", { "action" } },
	{ "tcf_bpf_act", "NET_ACT_BPF", { "action" } },
	{ "netkit_xmit", "NETKIT", { "netkit/*" } },
	/* BPF_CGROUP_RUN_PROG_*(), at many places */
	{ "__cgroup_bpf_run_filter_skb", "CGROUP_BPF", { "cgroup_skb/*" } },
	{ "__cgroup_bpf_run_filter_sk", "CGROUP_BPF",
	  { "cgroup/sock_create", "cgroup/sock_release", "cgroup/post_bind4",
	    "cgroup/post_bind6" } },
	{ "__cgroup_bpf_run_filter_sock_addr", "CGROUP_BPF",
	  { "cgroup/bind4", "cgroup/bind6", "cgroup/connect4", "cgroup/connect6",
	    "cgroup/connect_unix", "cgroup/sendmsg4", "cgroup/sendmsg6",
	    "cgroup/sendmsg_unix", "cgroup/recvmsg4", "cgroup/recvmsg6",
	    "cgroup/recvmsg_unix", "cgroup/getpeername4", "cgroup/getpeername6",
	    "cgroup/getpeername_unix", "cgroup/getsockname4",
	    "cgroup/getsockname6", "cgroup/getsockname_unix" } },
	{ "__cgroup_bpf_run_filter_sock_ops", "CGROUP_BPF", { "sockops" } },
	{ "__cgroup_bpf_check_dev_permission", "CGROUP_BPF", { "cgroup/dev" } },
	{ "__cgroup_bpf_run_filter_sysctl", "CGROUP_BPF", { "cgroup/sysctl" } },
	{ "__cgroup_bpf_run_filter_setsockopt", "CGROUP_BPF",
	  { "cgroup/setsockopt" } },
	{ "__cgroup_bpf_run_filter_getsockopt", "CGROUP_BPF",
	  { "cgroup/getsockopt" } },
	{ "__cgroup_bpf_run_filter_getsockopt_kern", "CGROUP_BPF",
	  { "cgroup/getsockopt" } },
	/* sockmaps; what the stream parser calls, it calls through pointers */
	{ "sk_psock_msg_verdict", "NET_SOCK_MSG", { "sk_msg" } },
	{ "sk_psock_verdict_recv", "NET_SOCK_MSG",
	  { "sk_skb/verdict", "sk_skb/stream_verdict" } },
	{ "sk_psock_tls_strp_read", "BPF_STREAM_PARSER",
	  { "sk_skb/stream_verdict" } },
	{ "sk_psock_strp_parse", "BPF_STREAM_PARSER",
	  { "sk_skb/stream_parser" } },
	{ "sk_psock_strp_read", "BPF_STREAM_PARSER",
	  { "sk_skb/stream_verdict" } },
	{ "strp_recv", "STREAM_PARSER",
	  { "sk_skb/stream_parser", "sk_skb/stream_verdict", "kcm" } },
	{ "kcm_parse_func_strparser", "AF_KCM", { "kcm" } },
	/* sockets; run_filter(), run_bpf_filter() and the like are inlined */
	{ "sk_filter_trim_cap", "NET", { "socket" } },
	{ "packet_rcv", "PACKET", { "socket" } },
	{ "tpacket_rcv", "PACKET", { "socket" } },
	{ "packet_rcv_fanout", "PACKET", { "fanout" } },
	{ "reuseport_select_sock", "INET", { "sk_reuseport", "socket" } },
	{ "bpf_run_sk_reuseport", "INET", { "sk_reuseport" } },
	{ "tun_net_xmit", "TUN", { "tun" } },
	{ "tun_select_queue", "TUN", { "tun" } },
	/* a namespace: the lookup of TCP and UDP, and before flows are hashed */
	{ "inet_lookup_run_sk_lookup", "INET", { "sk_lookup" } },
	{ "inet6_lookup_run_sk_lookup", "IPV6", { "sk_lookup" } },
	{ "bpf_flow_dissect", "NET", { "flow_dissector" } },
	/* netfilter's hooks are behind pointers, and so are matches of a table */
	{ "nf_hook_slow", "NETFILTER_BPF_LINK", { "netfilter/*" } },
	{ "nf_hook_slow_list", "NETFILTER_BPF_LINK", { "netfilter/*" } },
	{ "nf_hook_run_bpf", "NETFILTER_BPF_LINK", { "netfilter/*" } },
	{ "ipt_do_table", "IP_NF_IPTABLES_LEGACY", { "xt_bpf" } },
	{ "ip6t_do_table", "IP6_NF_IPTABLES_LEGACY", { "xt_bpf" } },
	{ "bpf_mt_v1", "NETFILTER_XT_MATCH_BPF", { "xt_bpf" } },
	/* routes: the operations of a tunnel are behind pointers */
	{ "lwtunnel_input", "LWTUNNEL", { "lwt_in", "lwt_seg6local" } },
	{ "lwtunnel_output", "LWTUNNEL", { "lwt_out" } },
	{ "lwtunnel_xmit", "LWTUNNEL", { "lwt_xmit" } },
	{ "bpf_input", "LWTUNNEL_BPF", { "lwt_in" } },
	{ "bpf_output", "LWTUNNEL_BPF", { "lwt_out" } },
	{ "bpf_xmit", "LWTUNNEL_BPF", { "lwt_xmit" } },
	{ "input_action_end_bpf", "IPV6_SEG6_BPF", { "lwt_seg6local" } },
	{ "lirc_bpf_run", "BPF_LIRC_MODE2", { "lirc_mode2" } },
	/* perf: its own events; probes and tracepoints, whose handlers call it */
	{ "__perf_event_overflow", "PERF_EVENTS", { "perf_event" } },
	{ "trace_call_bpf", "BPF_EVENTS", { "kprobe/*", "kretprobe/*", "tp/*" } },
	/* breakpoints of uprobes, whose consumers are behind pointers */
	{ "uprobe_notify_resume", "UPROBES", { "uprobe/*", "uretprobe/*" } },
	/* events of system calls: behind the two tracepoints of all of them */
	{ "__traceiter_sys_enter", "FTRACE_SYSCALLS", { "tp/syscalls/*" } },
	{ "__traceiter_sys_exit", "FTRACE_SYSCALLS", { "tp/syscalls/*" } },
	{ "bpf_iter_run_prog", "BPF_SYSCALL", { "iter/*" } },
};
/* clang-format on */

const struct cg_hook *cg_hooks(size_t *n)
{
	*n = ARRAY_SIZE(hooks);
	return hooks;
}

bool cg_is_function(const char *symbol, const char *function)
{
	size_t len = strlen(function);

	/* ".isra.0", ".cold" and the like are parts or copies of it */
	return !strncmp(symbol, function, len) &&
	       (!symbol[len] || symbol[len] == '.');
}
