// SPDX-License-Identifier: GPL-2.0
/* The gate at each way of attaching that is of the network, and at struct_ops. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/if_link.h>
#include <linux/kcm.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <netinet/in.h>
#include "policy_ways.h"

#define LO 1
#define PIN "/sys/fs/bpf/policy_test"

/* --- Devices --------------------------------------------------------------------------------- */

static int xdp_netlink(struct bpf_program *prog)
{
	return bpf_xdp_attach(LO, bpf_program__fd(prog), XDP_FLAGS_SKB_MODE,
			      NULL);
}

static void xdp_netlink_off(void)
{
	int err = bpf_xdp_detach(LO, XDP_FLAGS_SKB_MODE, NULL);

	CHECK(!err, "detach: %s", strerror(-err));
}

static int xdp_link(struct bpf_program *prog)
{
	return way_keep(bpf_program__attach_xdp(prog, LO));
}

static struct bpf_tc_opts tc_opts;

static int tc(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO,
		    .attach_point = BPF_TC_EGRESS);
	int err = bpf_tc_hook_create(&hook);

	REQUIRE(!err || err == -EEXIST, "clsact: %s", strerror(-err));
	memset(&tc_opts, 0, sizeof(tc_opts));
	tc_opts.sz = sizeof(tc_opts);
	tc_opts.prog_fd = bpf_program__fd(prog);
	tc_opts.handle = tc_opts.priority = 1;
	tc_opts.flags = BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &tc_opts);
}

static void tc_off(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO,
		    .attach_point = BPF_TC_EGRESS);
	int err;

	tc_opts.prog_fd = tc_opts.prog_id = tc_opts.flags = 0;
	err = bpf_tc_detach(&hook, &tc_opts);
	CHECK(!err, "detach: %s", strerror(-err));
	way_wait_free();
}

static int tcx(struct bpf_program *prog)
{
	return bpf_prog_attach_opts(bpf_program__fd(prog), LO, BPF_TCX_INGRESS,
				    NULL);
}

static void tcx_off(void)
{
	int err =
		bpf_prog_detach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);

	CHECK(!err, "detach: %s", strerror(-err));
}

static int tcx_link(struct bpf_program *prog)
{
	return way_link_create(prog, LO, BPF_TCX_EGRESS);
}

static void command(const char *cmd)
{
	char out[500];
	int status = run_command(out, sizeof(out), "%s 2>&1", cmd);

	REQUIRE(!status, "%s: %s", cmd, out);
}

static int netkit_ifindex(void)
{
	static int ifindex;

	if (!ifindex) {
		/* The other end is called nk0. */
		command("ip link add dev pnk type netkit");
		ifindex = if_nametoindex("pnk");
		REQUIRE(ifindex, "pnk: %m");
	}
	return ifindex;
}

static int netkit(struct bpf_program *prog)
{
	return bpf_prog_attach_opts(bpf_program__fd(prog), netkit_ifindex(),
				    BPF_NETKIT_PRIMARY, NULL);
}

static void netkit_off(void)
{
	int err = bpf_prog_detach_opts(way_fd("p_tc"), netkit_ifindex(),
				       BPF_NETKIT_PRIMARY, NULL);

	CHECK(!err, "detach: %s", strerror(-err));
}

static int netkit_link(struct bpf_program *prog)
{
	return way_link_create(prog, netkit_ifindex(), BPF_NETKIT_PRIMARY);
}

/* A device that goes away gives back what is attached to it. */
static void device_gone(void)
{
	static const char *const hooks[] = { "xdp/gone0", "tcx/ingress/gone0",
					     "tcx/egress/gone0" };
	struct bpf_map *map;
	struct bpf_program *prog;
	int err, ifindex;
	__u32 nr;
	size_t i;

	ways = policy_progs__open();
	REQUIRE(ways, "open: %m");
	bpf_object__for_each_program(prog, ways->obj)
		bpf_program__set_autoload(prog,
					  prog == ways->progs.p_xdp ||
						  prog == ways->progs.p_tc);
	bpf_object__for_each_map(map, ways->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, false);
	err = policy_progs__load(ways);
	REQUIRE(!err, "load: %s", strerror(-err));
	command("ip link add gone0 type veth peer gone1");
	ifindex = if_nametoindex("gone0");
	err = bpf_xdp_attach(ifindex, way_fd("p_xdp"), XDP_FLAGS_SKB_MODE,
			     NULL);
	REQUIRE(!err, "xdp: %s", strerror(-err));
	err = bpf_prog_attach_opts(way_fd("p_tc"), ifindex, BPF_TCX_INGRESS,
				   NULL);
	REQUIRE(!err, "tcx: %s", strerror(-err));
	err = way_link_create(ways->progs.p_tc, ifindex, BPF_TCX_EGRESS);
	REQUIRE(!err, "tcx link: %s", strerror(-err));
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		CHECK(policy_charged(prog_info(way_fd(i ? "p_tc" : "p_xdp")).id,
				     hooks[i]) == 1,
		      "%s is not charged", hooks[i]);
	command("ip link del gone0");
	policy_charges(&nr);
	CHECK(!nr, "%u charges are left", nr);
	way_close();
}

/* --- Pinned, by commands --------------------------------------------------------------------- */

static int pin(struct bpf_program *prog)
{
	unlink(PIN);
	return bpf_program__pin(prog, PIN);
}

static int by_command(struct bpf_program *prog, const char *cmd)
{
	char out[500];
	int status, err = pin(prog);

	REQUIRE(!err, "pin: %s", strerror(-err));
	status = run_command(out, sizeof(out), "%s 2>&1", cmd);
	unlink(PIN);
	if (!status)
		return 0;
	/* EACCES, or the reason from the extended acknowledgment. */
	if (strstr(out, "Permission denied") ||
	    strstr(out, "BPF runtime policy: rule hooks[1], test.yaml:2"))
		return -EACCES;
	diag("%s: %s", cmd, out);
	return -EINVAL;
}

static int action(struct bpf_program *prog)
{
	return by_command(prog, "tc actions add action bpf object-pinned " PIN
				" index 1");
}

static void action_off(void)
{
	command("tc actions del action bpf index 1");
}

static int lwt(struct bpf_program *prog)
{
	return by_command(
		prog,
		"ip route add 192.0.2.0/24 encap bpf out object-pinned " PIN
		" dev lo");
}

static void lwt_off(void)
{
	command("ip route del 192.0.2.0/24 dev lo");
}

static int seg6local(struct bpf_program *prog)
{
	return by_command(
		prog,
		"ip -6 route add 2001:db8::/64 encap seg6local action End.BPF "
		"endpoint object-pinned " PIN " dev lo");
}

static void seg6local_off(void)
{
	command("ip -6 route del 2001:db8::/64 dev lo");
}

/* --- Namespace ------------------------------------------------------------------------------- */

static int netns_link(struct bpf_program *prog)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), err;

	REQUIRE(fd >= 0, "netns: %m");
	err = way_keep(bpf_program__attach_netns(prog, fd));
	close(fd);
	return err;
}

static int flow_dissector(struct bpf_program *prog)
{
	return bpf_prog_attach(bpf_program__fd(prog), 0, BPF_FLOW_DISSECTOR, 0);
}

static void flow_dissector_off(void)
{
	int err = bpf_prog_detach2(way_fd("p_flow_dissector"), 0,
				   BPF_FLOW_DISSECTOR);

	CHECK(!err, "detach: %s", strerror(-err));
}

static int netfilter(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = AF_INET, .hooknum = 1,
		    .priority = -128);

	return way_keep(bpf_program__attach_netfilter(prog, &opts));
}

/* --- Sockets --------------------------------------------------------------------------------- */

static int sock_fd;

static void close_sock(void)
{
	close(sock_fd);
	way_wait_free();
}

static int set_prog(int level, int opt, struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog);

	if (!setsockopt(sock_fd, level, opt, &fd, sizeof(fd)))
		return 0;
	fd = -errno;
	close(sock_fd);
	return fd;
}

static int so_attach(struct bpf_program *prog)
{
	sock_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return set_prog(SOL_SOCKET, SO_ATTACH_BPF, prog);
}

static void so_detach(void)
{
	int one = 1;

	CHECK(!setsockopt(sock_fd, SOL_SOCKET, SO_DETACH_BPF, &one,
			  sizeof(one)),
	      "detach: %m");
	close_sock();
}

static int reuseport(struct bpf_program *prog)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	sock_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	REQUIRE(!setsockopt(sock_fd, SOL_SOCKET, SO_REUSEPORT, &one,
			    sizeof(one)),
		"reuseport: %m");
	REQUIRE(!bind(sock_fd, (struct sockaddr *)&addr, sizeof(addr)),
		"bind: %m");
	return set_prog(SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, prog);
}

static void just_close(void)
{
	close(sock_fd);
}

static int fanout(struct bpf_program *prog)
{
	int val = 1 | PACKET_FANOUT_EBPF << 16;

	sock_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	REQUIRE(sock_fd >= 0, "packet socket: %m");
	REQUIRE(!setsockopt(sock_fd, SOL_PACKET, PACKET_FANOUT, &val,
			    sizeof(val)),
		"fanout: %m");
	return set_prog(SOL_PACKET, PACKET_FANOUT_DATA, prog);
}

static int tun_filter(struct bpf_program *prog)
{
	struct ifreq ifr = { .ifr_name = "ptun",
			     .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = bpf_program__fd(prog), err = 0;

	sock_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (sock_fd < 0) {
		unlink("/tmp/policy_tun");
		REQUIRE(!mknod("/tmp/policy_tun", S_IFCHR | 0600,
			       makedev(10, 200)),
			"mknod: %m");
		sock_fd = open("/tmp/policy_tun", O_RDWR | O_CLOEXEC);
	}
	if (sock_fd < 0)
		skip("no tun device: %s", strerror(errno));
	REQUIRE(!ioctl(sock_fd, TUNSETIFF, &ifr), "TUNSETIFF: %m");
	if (ioctl(sock_fd, TUNSETFILTEREBPF, &fd))
		err = -errno;
	if (err)
		close(sock_fd);
	return err;
}

static int kcm_fds[3];

static void kcm_off(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kcm_fds); i++)
		close(kcm_fds[i]);
}

static int kcm(struct bpf_program *prog)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	struct kcm_attach info = { .bpf_fd = bpf_program__fd(prog) };
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	kcm_fds[0] =
		socket(AF_KCM, SOCK_DGRAM | SOCK_CLOEXEC, KCMPROTO_CONNECTED);
	if (kcm_fds[0] < 0)
		skip("no KCM sockets");
	REQUIRE(!bind(listen_fd, (struct sockaddr *)&addr, len) &&
			!listen(listen_fd, 1) &&
			!getsockname(listen_fd, (struct sockaddr *)&addr, &len),
		"listen: %m");
	kcm_fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!connect(kcm_fds[1], (struct sockaddr *)&addr, len),
		"connect: %m");
	kcm_fds[2] = accept(listen_fd, NULL, NULL);
	close(listen_fd);
	info.fd = kcm_fds[1];
	if (ioctl(kcm_fds[0], SIOCKCMATTACH, &info))
		err = -errno;
	if (err)
		kcm_off();
	return err;
}

static enum bpf_attach_type sockmap_type;
static int sockmap_prog;

static int sockmap(struct bpf_program *prog)
{
	sockmap_type = bpf_program__expected_attach_type(prog);
	sockmap_prog = bpf_program__fd(prog);
	return bpf_prog_attach(sockmap_prog, bpf_map__fd(ways->maps.sockmap),
			       sockmap_type, 0);
}

static void sockmap_off(void)
{
	int err = bpf_prog_detach2(
		sockmap_prog, bpf_map__fd(ways->maps.sockmap), sockmap_type);

	CHECK(!err, "detach: %s", strerror(-err));
}

static int sockmap_link(struct bpf_program *prog)
{
	return way_keep(bpf_program__attach_sockmap(
		prog, bpf_map__fd(ways->maps.sockmap)));
}

/* --- struct_ops ------------------------------------------------------------------------------ */

/* Three programs at once: if one of them is denied, none is attached. */
static void struct_ops(bool by_link)
{
	struct bpf_program *prog;
	struct bpf_link *link = NULL;
	struct bpf_policy_denial d;
	struct bpf_map *map;
	__u32 nr = 0, id;
	__u64 seq;
	int err;

	policy_cost_model();
	ways = policy_progs__open();
	REQUIRE(ways, "open: %m");
	bpf_object__for_each_program(prog, ways->obj)
		bpf_program__set_autoload(prog, false);
	/* Their programs are loaded with the maps. */
	bpf_map__set_autocreate(ways->maps.cong, !by_link);
	bpf_map__set_autocreate(ways->maps.cong_link, by_link);
	bpf_program__set_autoload(ways->progs.p_cong_avoid, true);
	bpf_program__set_autoload(ways->progs.p_ssthresh, true);
	bpf_program__set_autoload(ways->progs.p_undo_cwnd, true);
	err = policy_progs__load(ways);
	REQUIRE(!err, "load: %s", strerror(-err));
	map = by_link ? ways->maps.cong_link : ways->maps.cong;
	id = prog_info(way_fd("p_ssthresh")).id;

	policy_forbid("struct_ops/tcp_congestion_ops/ssthresh",
		      BPF_POLICY_ENFORCE);
	seq = policy_seq();
	link = bpf_map__attach_struct_ops(map);
	CHECK(!link && errno == EACCES, "denied: %m");
	CHECK(policy_denial(seq, &d) && d.prog_id == id,
	      "nothing was told of it");
	way_wait_free();
	policy_charges(&nr);
	CHECK(!nr, "%u charges though it was denied", nr);

	policy_forbid("other/hook", BPF_POLICY_ENFORCE);
	link = bpf_map__attach_struct_ops(map);
	REQUIRE(link, "allowed: %m");
	policy_charges(&nr);
	CHECK(nr == 3, "%u charges", nr);
	CHECK(policy_charged(id, "struct_ops/tcp_congestion_ops/ssthresh") == 1,
	      "not charged");
	bpf_link__destroy(link);
	if (by_link) {
		/* The map is filled already: it is the link that is denied. */
		policy_forbid("struct_ops/tcp_congestion_ops/ssthresh",
			      BPF_POLICY_ENFORCE);
		link = bpf_map__attach_struct_ops(map);
		CHECK(!link && errno == EACCES, "denied, filled before: %m");
		policy_unload();
		link = bpf_map__attach_struct_ops(map);
		CHECK(link, "filled before: %m");
		policy_charges(&nr);
		CHECK(nr == 3, "%u charges of one that was filled before", nr);
		bpf_link__destroy(link);
	}
	policy_progs__destroy(ways);
	way_wait_free();
	policy_charges(&nr);
	CHECK(!nr, "%u charges though it is gone", nr);
}

static void struct_ops_map(void)
{
	struct_ops(false);
}

static void struct_ops_link(void)
{
	struct_ops(true);
}

WAY(way_xdp,
    { "xdp/lo", "p_xdp", .attach = xdp_netlink, .detach = xdp_netlink_off })
WAY(way_xdp_link,
    { "xdp/lo", "p_xdp", .attach = xdp_link, .detach = way_unlink })
WAY(way_tc, { "tc/lo", "p_tc", .attach = tc, .detach = tc_off })
WAY(way_tcx, { "tcx/ingress/lo", "p_tc", .attach = tcx, .detach = tcx_off })
WAY(way_tcx_link,
    { "tcx/egress/lo", "p_tc", .attach = tcx_link, .detach = way_close })
WAY(way_netkit,
    { "netkit/primary/pnk", "p_tc", .attach = netkit, .detach = netkit_off })
WAY(way_netkit_link, { "netkit/primary/pnk", "p_tc", .attach = netkit_link,
		       .detach = way_close })
WAY(way_action, { "action", "p_action", .attach = action, .detach = action_off,
		  .for_good = true, .by_command = true })
WAY(way_lwt, { "lwt_out", "p_lwt_out", .attach = lwt, .detach = lwt_off,
	       .for_good = true, .by_command = true })
WAY(way_seg6local,
    { "lwt_seg6local", "p_seg6local", .attach = seg6local,
      .detach = seg6local_off, .for_good = true, .by_command = true })
WAY(way_sk_lookup,
    { "sk_lookup", "p_sk_lookup", .attach = netns_link, .detach = way_unlink })
WAY(way_flow_dissector,
    { "flow_dissector", "p_flow_dissector", .attach = flow_dissector,
      .detach = flow_dissector_off })
WAY(way_flow_dissector_link, { "flow_dissector", "p_flow_dissector",
			       .attach = netns_link, .detach = way_unlink })
WAY(way_netfilter, { "netfilter/ip/input", "p_netfilter", .attach = netfilter,
		     .detach = way_unlink })
WAY(way_socket,
    { "socket", "p_socket", .attach = so_attach, .detach = so_detach })
WAY(way_reuseport, { "sk_reuseport", "p_sk_reuseport", .attach = reuseport,
		     .detach = just_close, .for_good = true })
WAY(way_reuseport_filter, { "socket", "p_socket", .attach = reuseport,
			    .detach = just_close, .for_good = true })
WAY(way_fanout, { "fanout", "p_socket", .attach = fanout, .detach = just_close,
		  .for_good = true })
WAY(way_tun, { "tun", "p_socket", .attach = tun_filter, .detach = just_close,
	       .for_good = true })
WAY(way_kcm,
    { "kcm", "p_socket", .attach = kcm, .detach = kcm_off, .for_good = true })
WAY(way_sk_msg, { "sk_msg", "p_sk_msg", .attach = sockmap,
		  .detach = sockmap_off, .for_good = true })
WAY(way_sk_msg_link, { "sk_msg", "p_sk_msg", .attach = sockmap_link,
		       .detach = way_unlink, .for_good = true })
WAY(way_sk_skb_parser,
    { "sk_skb/stream_parser", "p_sk_skb_parser", .attach = sockmap,
      .detach = sockmap_off, .for_good = true })
WAY(way_sk_skb_verdict,
    { "sk_skb/stream_verdict", "p_sk_skb_verdict", .attach = sockmap,
      .detach = sockmap_off, .for_good = true })

static const struct test tests[] = {
	{ "xdp", "XDP by netlink", way_xdp, NEEDS_WATCHDOG },
	{ "xdp_link", "XDP, link", way_xdp_link, NEEDS_WATCHDOG },
	{ "tc", "cls_bpf by netlink", way_tc, NEEDS_WATCHDOG },
	{ "tcx", "tcx, BPF_PROG_ATTACH", way_tcx, NEEDS_WATCHDOG },
	{ "tcx_link", "tcx, link", way_tcx_link, NEEDS_WATCHDOG },
	{ "netkit", "netkit, BPF_PROG_ATTACH", way_netkit, NEEDS_WATCHDOG },
	{ "netkit_link", "netkit, link", way_netkit_link, NEEDS_WATCHDOG },
	{ "device_gone", "a device that goes away gives back", device_gone,
	  NEEDS_WATCHDOG },
	{ "action", "action of tc", way_action, NEEDS_WATCHDOG },
	{ "lwt", "lightweight tunnel of a route", way_lwt, NEEDS_WATCHDOG },
	{ "seg6local", "End.BPF of a route", way_seg6local, NEEDS_WATCHDOG },
	{ "sk_lookup", "socket lookup of a namespace, link", way_sk_lookup,
	  NEEDS_WATCHDOG },
	{ "flow_dissector", "flow dissector, BPF_PROG_ATTACH",
	  way_flow_dissector, NEEDS_WATCHDOG },
	{ "flow_dissector_link", "flow dissector, link",
	  way_flow_dissector_link, NEEDS_WATCHDOG },
	{ "netfilter", "netfilter, link", way_netfilter, NEEDS_WATCHDOG },
	{ "socket", "SO_ATTACH_BPF", way_socket, NEEDS_WATCHDOG },
	{ "reuseport", "SO_ATTACH_REUSEPORT_EBPF", way_reuseport,
	  NEEDS_WATCHDOG },
	{ "reuseport_filter", "SO_ATTACH_REUSEPORT_EBPF, socket filter",
	  way_reuseport_filter, NEEDS_WATCHDOG },
	{ "fanout", "PACKET_FANOUT_DATA", way_fanout, NEEDS_WATCHDOG },
	{ "tun", "TUNSETFILTEREBPF", way_tun, NEEDS_WATCHDOG },
	{ "kcm", "SIOCKCMATTACH", way_kcm, NEEDS_WATCHDOG },
	{ "sk_msg", "sockmap, BPF_PROG_ATTACH", way_sk_msg, NEEDS_WATCHDOG },
	{ "sk_msg_link", "sockmap, link", way_sk_msg_link, NEEDS_WATCHDOG },
	{ "sk_skb_parser", "sockmap, parser", way_sk_skb_parser,
	  NEEDS_WATCHDOG },
	{ "sk_skb_verdict", "sockmap, verdict", way_sk_skb_verdict,
	  NEEDS_WATCHDOG },
	{ "struct_ops", "struct_ops, all or nothing", struct_ops_map,
	  NEEDS_WATCHDOG },
	{ "struct_ops_link", "struct_ops by link, all or nothing",
	  struct_ops_link, NEEDS_WATCHDOG },
};

const struct suite suite_policy_net = {
	.name = "policy_net",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
