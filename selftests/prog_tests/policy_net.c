// SPDX-License-Identifier: GPL-2.0
/* The gate at devices, routes and namespaces of the network, and at struct_ops. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>
#include "traffic/policy_ways.h"

#define LO 1

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

	way_detached(err);
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

	way_detached(err);
}

static int netkit_peer(struct bpf_program *prog)
{
	return way_link_create(prog, netkit_ifindex(), BPF_NETKIT_PEER);
}

static int netkit_link(struct bpf_program *prog)
{
	return way_link_create(prog, netkit_ifindex(), BPF_NETKIT_PRIMARY);
}

/* The driver of a bond runs the program on the slaves. */
#define BOND "pbond"

static int bond(struct bpf_program *prog)
{
	static int ifindex;

	if (!ifindex) {
		command("ip link add " BOND " type bond mode balance-rr && "
			"ip link add pslave0 type veth peer ppeer0 && "
			"ip link add pslave1 type veth peer ppeer1 && "
			"ip link set pslave0 master " BOND " && "
			"ip link set pslave1 master " BOND);
		ifindex = if_nametoindex(BOND);
		REQUIRE(ifindex, BOND ": %m");
	}
	return bpf_xdp_attach(ifindex, bpf_program__fd(prog),
			      XDP_FLAGS_DRV_MODE, NULL);
}

static void bond_off(void)
{
	int err =
		bpf_xdp_detach(if_nametoindex(BOND), XDP_FLAGS_DRV_MODE, NULL);

	CHECK(!err, "detach: %s", strerror(-err));
}

/* Slaves come and go while the bond has a program, and so do programs. */
static void bond_slaves(void)
{
	char out[500];
	__u32 id, nr;
	int err;

	OPEN("p_xdp", "p_xdp_long");
	id = prog_info(way_fd("p_xdp")).id;
	err = bond(ways->progs.p_xdp);
	REQUIRE(!err, "attach: %s", strerror(-err));
	command("ip link set pslave1 nomaster");
	CHECK(!policy_charged(id, "xdp/pslave1") &&
		      policy_charged(id, "xdp/pslave0") == 1,
	      "one slave has left: charges");
	policy_forbid("xdp/pslave1", BPF_POLICY_ENFORCE);
	err = run_command(out, sizeof(out), "%s 2>&1",
			  "ip link set pslave1 master " BOND);
	CHECK(err && strstr(out, "BPF runtime policy: rule hooks[1]"),
	      "a slave that may not run it: %s", out);
	CHECK(!policy_charged(id, "xdp/pslave1"), "charged though denied");
	policy_unload();
	command("ip link set pslave1 master " BOND);
	CHECK(policy_charged(id, "xdp/pslave1") == 1,
	      "a slave has come: not charged");

	policy_forbid("xdp/pslave1", BPF_POLICY_ENFORCE);
	err = bond(ways->progs.p_xdp_long);
	CHECK(err == -EACCES, "replaced: %s", strerror(-err));
	policy_charges(&nr);
	CHECK(nr == 3 && policy_charged(id, NULL) == 3,
	      "denied: %u charges, %u of the first program", nr,
	      policy_charged(id, NULL));
	policy_unload();
	/* Not replaced: the driver of 6.12 keeps a reference to the old program then. */
	bond_off();
	err = bond(ways->progs.p_xdp_long);
	CHECK(!err, "another one: %s", strerror(-err));
	policy_charges(&nr);
	CHECK(nr == 3 && !policy_charged(id, NULL),
	      "another one: %u charges, %u of the first program", nr,
	      policy_charged(id, NULL));
	command("ip link del pslave0");
	command("ip link del " BOND);
	policy_charges(&nr);
	CHECK(!nr, "%u charges are left", nr);
}

/* A device that goes away gives back what is attached to it. */
static void device_gone(void)
{
	static const char *const hooks[] = { "xdp/gone0", "tcx/ingress/gone0",
					     "tcx/egress/gone0" };
	int err, ifindex;
	__u32 nr;
	size_t i;

	OPEN("p_xdp", "p_tc");
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

static int action(struct bpf_program *prog)
{
	return way_command(prog,
			   "tc actions add action bpf object-pinned " WAY_PIN
			   " index 1");
}

static void action_off(void)
{
	command("tc actions del action bpf index 1");
}

#define LWT(where)                                                          \
	static int lwt_##where(struct bpf_program *prog)                    \
	{                                                                   \
		return way_command(                                         \
			prog, "ip route add 192.0.2.0/24 encap bpf " #where \
			      " object-pinned " WAY_PIN " dev lo");         \
	}
LWT(in)
LWT(out)
LWT(xmit)

static void lwt_off(void)
{
	command("ip route del 192.0.2.0/24 dev lo");
}

static int seg6local(struct bpf_program *prog)
{
	return way_command(
		prog,
		"ip -6 route add 2001:db8::/64 encap seg6local action End.BPF "
		"endpoint object-pinned " WAY_PIN " dev lo");
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

	way_detached(err);
}

static int attach_netfilter(struct bpf_program *prog, int family)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = family, .hooknum = 1,
		    .priority = -128);

	return way_keep(bpf_program__attach_netfilter(prog, &opts));
}

static int netfilter(struct bpf_program *prog)
{
	return attach_netfilter(prog, AF_INET);
}

static int netfilter6(struct bpf_program *prog)
{
	return attach_netfilter(prog, AF_INET6);
}

/* --- struct_ops ------------------------------------------------------------------------------ */

/* Three programs at once. They are charged until the map is freed. */
static void with_map(struct bpf_program *prog)
{
	bpf_map__set_autocreate(ways->maps.cong, true);
}

static int struct_ops(struct bpf_program *prog)
{
	return way_keep(bpf_map__attach_struct_ops(ways->maps.cong));
}

static void with_link_map(struct bpf_program *prog)
{
	bpf_map__set_autocreate(ways->maps.cong_link, true);
}

static int struct_ops_link(struct bpf_program *prog)
{
	return way_keep(bpf_map__attach_struct_ops(ways->maps.cong_link));
}

WAY(way_xdp,
    { "xdp/lo", "p_xdp", .attach = xdp_netlink, .detach = xdp_netlink_off })
WAY(way_xdp_link,
    { "xdp/lo", "p_xdp", .attach = xdp_link, .detach = way_unlink })
WAY(way_bond, { "xdp/pslave1", "p_xdp", .attach = bond, .detach = bond_off,
		.hooks = 3, .end = WAY_QUARANTINED })
WAY(way_tc,
    { "tc/lo", "p_tc", .attach = tc, .detach = tc_off, .end = WAY_QUARANTINED })
WAY(way_tcx, { "tcx/ingress/lo", "p_tc", .attach = tcx, .detach = tcx_off })
WAY(way_tcx_link,
    { "tcx/egress/lo", "p_tc", .attach = tcx_link, .detach = way_close })
WAY(way_netkit,
    { "netkit/primary/pnk", "p_tc", .attach = netkit, .detach = netkit_off })
WAY(way_netkit_link, { "netkit/primary/pnk", "p_tc", .attach = netkit_link,
		       .detach = way_close })
WAY(way_netkit_peer,
    { "netkit/peer/nk0", "p_tc", .attach = netkit_peer, .detach = way_close })
WAY(way_action, { "action", "p_action", .attach = action, .detach = action_off,
		  .by_command = true, .end = WAY_QUARANTINED })
#define WAY_LWT(where)                                               \
	WAY(way_lwt_##where,                                         \
	    { "lwt_" #where, "p_lwt_" #where, .attach = lwt_##where, \
	      .detach = lwt_off, .for_good = true, .by_command = true })
WAY_LWT(in)
WAY_LWT(out)
WAY_LWT(xmit)
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
WAY(way_netfilter6, { "netfilter/ip6/input", "p_netfilter",
		      .attach = netfilter6, .detach = way_unlink })

WAY(way_struct_ops,
    { "struct_ops/tcp_congestion_ops/cong_avoid", "p_cong_avoid",
      .also = { "p_ssthresh", "p_undo_cwnd" }, .prepare = with_map,
      .attach = struct_ops, .detach = way_unlink, .for_good = true,
      .once = true, .hooks = 3, .end = WAY_STAYS })
WAY(way_struct_ops_link,
    { "struct_ops/tcp_congestion_ops/cong_avoid", "p_cong_avoid",
      .also = { "p_ssthresh", "p_undo_cwnd" }, .prepare = with_link_map,
      .attach = struct_ops_link, .detach = way_unlink, .for_good = true,
      .hooks = 3, .end = WAY_STAYS })

/* The map is filled already: it is the link that is denied. */
static void struct_ops_filled(void)
{
	static const char *const names[] = { "p_cong_avoid", "p_ssthresh",
					     "p_undo_cwnd" };
	int err;

	policy_cost_model(TICK_NS);
	ways_open(names, ARRAY_SIZE(names));
	with_link_map(NULL);
	ways_load();
	err = struct_ops_link(NULL);
	REQUIRE(!err, "without a policy: %s", strerror(-err));
	way_unlink();
	policy_forbid("struct_ops/tcp_congestion_ops/ssthresh",
		      BPF_POLICY_ENFORCE);
	err = struct_ops_link(NULL);
	CHECK(err == -EACCES, "denied: %s", strerror(-err));
	policy_forbid("struct_ops/tcp_congestion_ops/ssthresh",
		      BPF_POLICY_MONITOR);
	err = struct_ops_link(NULL);
	CHECK(!err, "monitored: %s", strerror(-err));
	if (!err)
		way_unlink();
}

static int action_at(const char *verb, int index)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd),
		 "tc actions %s action bpf object-pinned " WAY_PIN " index %d",
		 verb, index);
	return way_command(ways->progs.p_action, cmd);
}

/* Each action runs its program. */
static void actions(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	__u32 id, nr;
	int err;

	OPEN("p_action");
	id = prog_info(way_fd("p_action")).id;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "action")
		->max_latency_ns = 2 * TICK_NS;
	policy_use(p);
	for (int i = 1; i <= 3; i++) {
		err = action_at("add", i);
		CHECK(err == (i < 3 ? 0 : -EACCES), "action %d: %s", i,
		      strerror(-err));
	}
	err = action_at("replace", 1);
	CHECK(!err, "in place of another one: %s", strerror(-err));
	nr = policy_charged(id, NULL);
	CHECK(nr == 2, "charged %u times", nr);
	command("tc actions flush action bpf");
	nr = policy_charged(id, NULL);
	CHECK(!nr, "charged %u times though they are gone", nr);
}

static const struct test tests[] = {
	{ "xdp", "XDP by netlink", way_xdp, NEEDS_WATCHDOG },
	{ "xdp_link", "XDP, link", way_xdp_link, NEEDS_WATCHDOG },
	{ "bond", "XDP of a bond, charged to its slaves, too", way_bond,
	  NEEDS_WATCHDOG },
	{ "bond_slaves", "slaves of a bond with a program come and go",
	  bond_slaves, NEEDS_WATCHDOG },
	{ "tc", "cls_bpf by netlink", way_tc, NEEDS_WATCHDOG },
	{ "tcx", "tcx, BPF_PROG_ATTACH", way_tcx, NEEDS_WATCHDOG },
	{ "tcx_link", "tcx, link", way_tcx_link, NEEDS_WATCHDOG },
	{ "netkit", "netkit, BPF_PROG_ATTACH", way_netkit, NEEDS_WATCHDOG },
	{ "netkit_link", "netkit, link", way_netkit_link, NEEDS_WATCHDOG },
	{ "netkit_peer", "netkit, link, at the other end", way_netkit_peer,
	  NEEDS_WATCHDOG },
	{ "device_gone", "a device that goes away gives back", device_gone,
	  NEEDS_WATCHDOG },
	{ "action", "action of tc", way_action, NEEDS_WATCHDOG },
	{ "actions", "each action counts", actions, NEEDS_WATCHDOG },
	{ "lwt_in", "lightweight tunnel of a route, input", way_lwt_in,
	  NEEDS_WATCHDOG },
	{ "lwt_out", "lightweight tunnel of a route, output", way_lwt_out,
	  NEEDS_WATCHDOG },
	{ "lwt_xmit", "lightweight tunnel of a route, transmission",
	  way_lwt_xmit, NEEDS_WATCHDOG },
	{ "seg6local", "End.BPF of a route", way_seg6local, NEEDS_WATCHDOG },
	{ "sk_lookup", "socket lookup of a namespace, link", way_sk_lookup,
	  NEEDS_WATCHDOG },
	{ "flow_dissector", "flow dissector, BPF_PROG_ATTACH",
	  way_flow_dissector, NEEDS_WATCHDOG },
	{ "flow_dissector_link", "flow dissector, link",
	  way_flow_dissector_link, NEEDS_WATCHDOG },
	{ "netfilter", "netfilter, link", way_netfilter, NEEDS_WATCHDOG },
	{ "netfilter6", "netfilter of IPv6, link", way_netfilter6,
	  NEEDS_WATCHDOG },
	{ "struct_ops", "struct_ops, all or nothing", way_struct_ops,
	  NEEDS_WATCHDOG },
	{ "struct_ops_link", "struct_ops by link, all or nothing",
	  way_struct_ops_link, NEEDS_WATCHDOG },
	{ "struct_ops_filled", "struct_ops by link, of a map in use before",
	  struct_ops_filled, NEEDS_WATCHDOG },
};

const struct suite suite_policy_net = {
	.name = "policy_net",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
