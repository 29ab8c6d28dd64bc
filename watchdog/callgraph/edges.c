// SPDX-License-Identifier: GPL-2.0
/* Where the kernel's own well-known pointers lead: paths that everybody limits go through
 * them, and no code shows it. A row is there as far as this kernel has its functions;
 * the compiler's parts and copies of a function are the function.
 *
 * And where a path ends though the code goes on: what runs there is another task, or an
 * interrupt, and not what the path has called.
 */
#include <stdlib.h>
#include <string.h>
#include "callgraph/priv.h"
#include "show/types.h"

#define MAX_CALLEES 40

/* A caller that ends with a star stands for all that begin with what is before. */
static const struct {
	const char *caller;
	const char *callees[MAX_CALLEES]; /* up to NULL */
} known[] = {
	/* system calls: entry and exit are around each of them */
	{ "__x64_sys_*",
	  { "syscall_trace_enter", "syscall_exit_work",
	    /* newer kernels: the caller itself has these */
	    "trace_syscall_enter", "trace_syscall_exit", "syscall_enter_audit",
	    "__audit_syscall_exit", "__seccomp_permit_syscall",
	    "ptrace_notify" } },
	/* receive: softirqs, the driver, protocols, routes, transports */
	{ "handle_softirqs",
	  { "net_rx_action", "net_tx_action", "run_timer_softirq",
	    "hrtimer_run_softirq", "tasklet_action", "tasklet_hi_action",
	    "blk_done_softirq", "rcu_core_si" } },
	{ "__napi_poll", { "process_backlog",	 "gro_cell_poll",
			   "veth_poll",		 "virtnet_poll",
			   "xennet_poll",	 "e1000_clean",
			   "e1000e_poll",	 "igb_poll",
			   "igc_poll",		 "ixgbe_poll",
			   "ixgbevf_poll",	 "i40e_napi_poll",
			   "ice_napi_poll",	 "iavf_napi_poll",
			   "mlx4_en_poll_rx_cq", "mlx5e_napi_poll",
			   "bnxt_poll",		 "tg3_poll",
			   "ena_io_poll",	 "gve_napi_poll",
			   "mana_poll",		 "netvsc_poll",
			   "vmxnet3_poll",	 "rtl8169_poll",
			   "nicvf_poll",	 "stmmac_napi_poll_rx",
			   "tun_napi_poll" } },
	/* to a device of this machine: the packet is received next */
	{ "enqueue_to_backlog", { "process_backlog" } },
	{ "__netif_receive_skb_core",
	  { "ip_rcv", "ipv6_rcv", "arp_rcv", "packet_rcv", "tpacket_rcv",
	    "packet_rcv_fanout", "packet_rcv_spkt", "br_handle_frame",
	    "bond_handle_frame", "macvlan_handle_frame", "ipvlan_handle_frame",
	    "team_handle_frame", "ovs_netdev_frame_hook" } },
	{ "__netif_receive_skb_one_core", { "ip_rcv", "ipv6_rcv", "arp_rcv" } },
	{ "__netif_receive_skb_list_core", { "ip_list_rcv", "ipv6_list_rcv" } },
	{ "dev_gro_receive",
	  { "inet_gro_receive", "ipv6_gro_receive", "vlan_gro_receive" } },
	{ "inet_gro_receive", { "tcp4_gro_receive", "udp4_gro_receive" } },
	{ "ipv6_gro_receive", { "tcp6_gro_receive", "udp6_gro_receive" } },
	{ "ip_rcv_finish",
	  { "ip_local_deliver", "ip_forward", "ip_mr_input", "ip_error" } },
	{ "ip_rcv", { "ip_rcv_finish" } },
	{ "ip_list_rcv",
	  { "ip_local_deliver", "ip_forward", "ip_mr_input", "ip_error" } },
	{ "ip_sublist_rcv_finish",
	  { "ip_local_deliver", "ip_forward", "ip_mr_input", "ip_error" } },
	{ "ip_local_deliver", { "ip_local_deliver_finish" } },
	{ "ip_protocol_deliver_rcu",
	  { "tcp_v4_rcv", "udp_rcv", "icmp_rcv", "igmp_rcv", "gre_rcv",
	    "udplite_rcv", "tunnel4_rcv", "xfrm4_rcv", "sctp_rcv" } },
	{ "ipv6_rcv", { "ip6_rcv_finish" } },
	{ "ip6_rcv_finish", { "ip6_input", "ip6_forward", "ip6_mc_input" } },
	{ "ip6_sublist_rcv_finish",
	  { "ip6_input", "ip6_forward", "ip6_mc_input" } },
	{ "ip6_input", { "ip6_input_finish" } },
	{ "ip6_protocol_deliver_rcu",
	  { "tcp_v6_rcv", "udpv6_rcv", "icmpv6_rcv", "tunnel6_rcv",
	    "xfrm6_rcv" } },
	{ "__release_sock", { "tcp_v4_do_rcv", "tcp_v6_do_rcv" } },
	{ "__sk_receive_skb", { "tcp_v4_do_rcv", "tcp_v6_do_rcv" } },
	{ "tcp_data_ready", { "sock_def_readable" } },
	{ "__udp_enqueue_schedule_skb", { "sock_def_readable" } },
	/* send */
	{ "__sys_sendto",
	  { "inet_sendmsg", "inet6_sendmsg", "unix_stream_sendmsg",
	    "unix_dgram_sendmsg", "netlink_sendmsg", "packet_sendmsg" } },
	{ "____sys_sendmsg",
	  { "inet_sendmsg", "inet6_sendmsg", "unix_stream_sendmsg",
	    "unix_dgram_sendmsg", "netlink_sendmsg", "packet_sendmsg" } },
	{ "sock_write_iter",
	  { "inet_sendmsg", "inet6_sendmsg", "unix_stream_sendmsg",
	    "unix_dgram_sendmsg", "netlink_sendmsg", "packet_sendmsg" } },
	{ "inet_sendmsg",
	  { "tcp_sendmsg", "udp_sendmsg", "raw_sendmsg", "ping_v4_sendmsg" } },
	{ "inet6_sendmsg",
	  { "tcp_sendmsg", "udpv6_sendmsg", "rawv6_sendmsg" } },
	{ "__tcp_transmit_skb", { "ip_queue_xmit", "inet6_csk_xmit" } },
	{ "ip_local_out", { "ip_output", "ip_mc_output" } },
	{ "__ip_queue_xmit", { "ip_output" } },
	{ "ip_send_skb", { "ip_output", "ip_mc_output" } },
	{ "ip_output", { "ip_finish_output" } },
	{ "ip6_xmit", { "ip6_output" } },
	{ "ip6_send_skb", { "ip6_output" } },
	{ "ip_finish_output2",
	  { "neigh_resolve_output", "neigh_connected_output",
	    "neigh_direct_output" } },
	{ "ip6_finish_output2",
	  { "neigh_resolve_output", "neigh_connected_output",
	    "neigh_direct_output" } },
	{ "dev_hard_start_xmit",
	  { "loopback_xmit",
	    "veth_xmit",
	    "tun_net_xmit",
	    "br_dev_xmit",
	    "bond_start_xmit",
	    "netkit_xmit",
	    "vlan_dev_hard_start_xmit",
	    "macvlan_start_xmit",
	    "ipvlan_start_xmit",
	    "vxlan_xmit",
	    "start_xmit",
	    "e1000_xmit_frame",
	    "igb_xmit_frame",
	    "ixgbe_xmit_frame",
	    "i40e_lan_xmit_frame",
	    "ice_start_xmit",
	    "mlx5e_xmit",
	    "bnxt_start_xmit",
	    "ena_start_xmit",
	    "gve_tx",
	    "vmxnet3_xmit_frame",
	    "netvsc_start_xmit",
	    "rtl8169_start_xmit" } },
	/* read and write, of files: a socket is limited by the network's functions */
	{ "vfs_read",
	  { "generic_file_read_iter", "ext4_file_read_iter",
	    "xfs_file_read_iter", "btrfs_file_read_iter", "f2fs_file_read_iter",
	    "v9fs_file_read_iter", "nfs_file_read", "fuse_file_read_iter",
	    "ovl_read_iter", "shmem_file_read_iter", "blkdev_read_iter",
	    "pipe_read", "kernfs_fop_read_iter", "fat_file_read_iter",
	    "netfs_file_read_iter" } },
	{ "filemap_read_folio",
	  { "ext4_read_folio", "xfs_vm_read_folio", "btrfs_read_folio",
	    "netfs_read_folio", "blkdev_read_folio", "fuse_read_folio",
	    "nfs_read_folio" } },
	{ "read_pages",
	  { "ext4_readahead", "xfs_vm_readahead", "btrfs_readahead",
	    "netfs_readahead", "blkdev_readahead", "fuse_readahead",
	    "nfs_readahead" } },
	{ "sock_read_iter",
	  { "inet_recvmsg", "unix_stream_recvmsg", "unix_dgram_recvmsg",
	    "netlink_recvmsg", "packet_recvmsg" } },
	{ "__sys_recvfrom",
	  { "inet_recvmsg", "unix_stream_recvmsg", "unix_dgram_recvmsg",
	    "netlink_recvmsg", "packet_recvmsg" } },
	{ "inet_recvmsg", { "tcp_recvmsg", "udp_recvmsg", "raw_recvmsg" } },
	{ "vfs_write",
	  { "ext4_file_write_iter", "xfs_file_write_iter",
	    "btrfs_file_write_iter", "v9fs_file_write_iter", "nfs_file_write",
	    "fuse_file_write_iter", "ovl_write_iter", "shmem_file_write_iter",
	    "blkdev_write_iter", "pipe_write", "kernfs_fop_write_iter" } },
	/* block: to the driver */
	{ "__blk_mq_issue_directly",
	  { "virtio_queue_rq", "nvme_queue_rq", "scsi_queue_rq",
	    "loop_queue_rq" } },
	{ "blk_mq_dispatch_rq_list",
	  { "virtio_queue_rq", "nvme_queue_rq", "scsi_queue_rq",
	    "loop_queue_rq" } },
};

/* The scheduler and preemption run others; an interrupt that ends, its own. */
static const char *const stops[] = {
	"__schedule",
	"schedule",
	"preempt_schedule",
	"preempt_schedule_thunk",
	"preempt_schedule_notrace",
	"preempt_schedule_notrace_thunk",
	"preempt_schedule_common",
	"preempt_schedule_irq",
	"__cond_resched",
	"dynamic_cond_resched",
	"irqentry_exit",
	"irq_exit_rcu",
	"__irq_exit_rcu",
	"do_softirq",
	"__do_softirq",
};

bool cg_is_stop(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
		if (cg_is_function(function, stops[i]))
			return true;
	return false;
}

u32 cg_find_name(const struct callgraph *cg, const char *text)
{
	u32 low = 0, high = cg->head.n_names;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (strcmp(cg->strings + cg->names[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool edge_begins(const char *text, const char *prefix, size_t len)
{
	return !strncmp(text, prefix, len);
}

u32 cg_next_named(const struct callgraph *cg, const char *name, u32 from)
{
	size_t len = strcspn(name, "*");

	for (; from < cg->head.n_names; from++) {
		const char *text = cg->strings + cg->names[from].text;

		if (!edge_begins(text, name, len))
			break;
		if (name[len] || cg_is_function(text, name))
			return from;
	}
	return cg->head.n_names;
}

static u32 first_named(const struct callgraph *cg, const char *name)
{
	char prefix[128];

	if (strcspn(name, "*") >= sizeof(prefix))
		return cg->head.n_names;
	*stpncpy(prefix, name, strcspn(name, "*")) = '\0';
	return cg_next_named(cg, name, cg_find_name(cg, prefix));
}

void cg_add_known(struct callgraph *cg)
{
	struct cg_pairs p = {};
	bool full = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		for (const char *const *to = known[i].callees; *to; to++)
			for (u32 a = first_named(cg, known[i].caller);
			     a < cg->head.n_names;
			     a = cg_next_named(cg, known[i].caller, a + 1))
				for (u32 b = first_named(cg, *to);
				     !full && b < cg->head.n_names;
				     b = cg_next_named(cg, *to, b + 1))
					full = cg_pairs_add(&p,
							    cg->names[a].node,
							    cg->names[b].node);
	if (p.n)
		cg->known = cg_pairs_merge(cg, &p);
	free(p.all);
}
