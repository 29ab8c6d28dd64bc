// SPDX-License-Identifier: GPL-2.0
/* Programs that see packets and sockets, on their hooks and with real traffic. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/lirc.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "traffic/repro.h"
#include "traffic/traffic.h"
#include "context_net.skel.h"

#define LO 1
#define PIN "/sys/fs/bpf/context_net"
#define ROUTE "192.0.2.1"
#define NF_INET_LOCAL_OUT 3

/* The program is pinned for the time of the command. */
static int pinned(struct run *run, const char *cmd)
{
	int err;

	unlink(PIN);
	err = bpf_program__pin(repro_prog(run), PIN);
	if (!err)
		err = command(cmd);
	unlink(PIN);
	return err;
}

/* --- UDP ------------------------------------------------------------------------------------- */

static int receiver = -1;

static void close_udp(void)
{
	close(receiver);
	receiver = -1;
}

static int send_to(const char *ip)
{
	int err = udp_send(ip);
	char c;

	while (receiver >= 0 && recv(receiver, &c, 1, MSG_DONTWAIT) > 0)
		;
	return err;
}

static int send_local(struct run *run)
{
	return send_to("127.0.0.1");
}

static int send_routed(struct run *run)
{
	return send_to(ROUTE);
}

/* --- tc -------------------------------------------------------------------------------------- */

static int tc_cls(struct run *run)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = repro_fd(run));
	int err = bpf_tc_hook_create(&hook);

	receiver = udp_open("127.0.0.1");
	return err ?: bpf_tc_attach(&hook, &opts);
}

static int tc_act(struct run *run)
{
	int err = command("tc qdisc add dev lo clsact");

	receiver = udp_open("127.0.0.1");
	/* The classifier is classic BPF that matches all. */
	return err   ?:
		       pinned(run, "tc filter add dev lo egress bpf "
				   "bytecode '1,6 0 0 4294967295,' "
				   "action bpf object-pinned " PIN);
}

static void tc_off(void)
{
	close_udp();
	CHECK(!command("tc qdisc del dev lo clsact"), "tc");
}

/* --- Lightweight tunnels --------------------------------------------------------------------- */

static int lwt_in(struct run *run)
{
	return pinned(run, "ip route add table local local " ROUTE
			   " encap bpf in object-pinned " PIN " dev lo");
}

static int lwt_out(struct run *run)
{
	return pinned(run, "ip route add " ROUTE
			   " encap bpf out object-pinned " PIN " dev lo");
}

static int lwt_xmit(struct run *run)
{
	return pinned(run, "ip route add " ROUTE
			   " encap bpf xmit object-pinned " PIN " dev lo");
}

static void lwt_in_off(void)
{
	CHECK(!command("ip route del table local local " ROUTE " dev lo"),
	      "ip");
}

static void lwt_off(void)
{
	CHECK(!command("ip route del " ROUTE " dev lo"), "ip");
}

static int seg6local(struct run *run)
{
	return seg6_up(repro_prog(run));
}

static int send_segments(struct run *run)
{
	return seg6_send();
}

/* --- Namespace ------------------------------------------------------------------------------- */

static int netns(struct run *run)
{
	int fd = netns_open(), err;

	err = repro_keep(run, bpf_program__attach_netns(repro_prog(run), fd));
	close(fd);
	return err;
}

static int sk_lookup(struct run *run)
{
	receiver = udp_open("127.0.0.1");
	return netns(run);
}

static int packet_fd;

/* A fanout by hash has each packet dissected. */
static int dissector(struct run *run)
{
	int val = 1 | PACKET_FANOUT_HASH << 16;

	packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
	REQUIRE(packet_fd >= 0, "packet socket: %m");
	REQUIRE(!setsockopt(packet_fd, SOL_PACKET, PACKET_FANOUT, &val,
			    sizeof(val)),
		"fanout: %m");
	receiver = udp_open("127.0.0.1");
	return netns(run);
}

static void dissector_off(void)
{
	close_udp();
	close(packet_fd);
}

static int netfilter(struct run *run)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = AF_INET,
		    .hooknum = NF_INET_LOCAL_OUT, .priority = -128);

	receiver = udp_open("127.0.0.1");
	return repro_keep(run, bpf_program__attach_netfilter(repro_prog(run),
							     &opts));
}

/* --- Sockets --------------------------------------------------------------------------------- */

static int reuseport(struct run *run)
{
	int fd = repro_fd(run);

	receiver = udp_open("127.0.0.1");
	return setsockopt(receiver, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &fd,
			  sizeof(fd)) ?
		       -errno :
		       0;
}

static int pair[2];

static void close_pair(void)
{
	close_both(pair);
}

static int send_pair(struct run *run)
{
	char c[64];

	if (send(pair[0], "x", 1, 0) != 1)
		return -errno;
	while (recv(pair[1], c, sizeof(c), MSG_DONTWAIT) > 0)
		;
	return 0;
}

/* The programs are of the map, and see what one of the pair does. */
static int in_sockmap(struct run *run, int sock)
{
	int map = bpf_object__find_map_fd_by_name(repro_obj(run), "sockets");
	__u64 value;
	__u32 key = 0;
	int err;

	err = bpf_prog_attach(
		repro_fd(run), map,
		bpf_program__expected_attach_type(repro_prog(run)), 0);
	if (err)
		return err;
	tcp_open(pair, NULL);
	value = pair[sock];
	return bpf_map_update_elem(map, &key, &value, BPF_ANY);
}

static int sk_msg(struct run *run)
{
	return in_sockmap(run, 0);
}

static int verdict(struct run *run)
{
	return in_sockmap(run, 1);
}

/* A parser works with a verdict only. */
static int parser(struct run *run)
{
	struct bpf_program *verdict =
		bpf_object__find_program_by_name(repro_obj(run), "net_verdict");
	int err = bpf_prog_attach(
		bpf_program__fd(verdict),
		bpf_object__find_map_fd_by_name(repro_obj(run), "sockets"),
		BPF_SK_SKB_STREAM_VERDICT, 0);

	return err ?: in_sockmap(run, 1);
}

/* --- Others ---------------------------------------------------------------------------------- */

/* XDP on the kernel thread of CPU 0. */
static int cpumap(struct run *run)
{
	struct bpf_program *to_cpu =
		bpf_object__find_program_by_name(repro_obj(run), "net_to_cpu");
	struct bpf_cpumap_val val = { .qsize = 16,
				      .bpf_prog.fd = repro_fd(run) };
	__u32 key = 0;
	int err = bpf_map_update_elem(
		bpf_object__find_map_fd_by_name(repro_obj(run), "cpus"), &key,
		&val, 0);

	receiver = udp_open("127.0.0.1");
	return err ?: repro_keep(run, bpf_program__attach_xdp(to_cpu, LO));
}

static int lirc_fd;

static int lirc(struct run *run)
{
	lirc_fd = open("/dev/lirc0", O_RDWR | O_CLOEXEC);
	if (lirc_fd < 0)
		skip("no infrared device: %s", strerror(errno));
	return bpf_prog_attach(repro_fd(run), lirc_fd, BPF_LIRC_MODE2, 0);
}

static void lirc_off(void)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts);
	__u32 id = 0, n = 1;

	if (!bpf_prog_query(lirc_fd, BPF_LIRC_MODE2, 0, NULL, &id, &n) && n)
		bpf_prog_detach2(bpf_prog_get_fd_by_id(id), lirc_fd,
				 BPF_LIRC_MODE2);
	close(lirc_fd);
}

/* rc-loopback receives what it sends, in a kernel thread. */
static int send_pulses(struct run *run)
{
	static const __u32 pulses[] = { 400, 800, 400 };

	return write(lirc_fd, pulses, sizeof(pulses)) == sizeof(pulses) ?
		       0 :
		       -errno;
}

#define NET(name_, attach_, fire_, detach_, desc_)                           \
	.name = name_, .trigger = BY_OWN, .hook = ON_OWN, .attach = attach_, \
	.fire = fire_, .detach = detach_, .desc = desc_

static const struct repro repros[] = {
	{ NET("net_act", tc_act, send_local, tc_off,
	      "an action of a tc filter on lo"),
	  .holds = HOLDS_RECORD },
	{ NET("net_cls", tc_cls, send_local, tc_off, "a tc classifier on lo"),
	  .holds = HOLDS_RECORD },
	{ NET("net_cpumap", cpumap, send_local, close_udp,
	      "XDP on the kernel thread of a cpumap"),
	  .also = "net_to_cpu", .holds = HOLDS_RECORD },
	{ NET("net_dissector", dissector, send_local, dissector_off,
	      "the flow dissector of the namespace"),
	  .holds = HOLDS_RECORD },
	{ NET("net_lirc", lirc, send_pulses, lirc_off,
	      "may_goto loops in an infrared decoder, in a kernel thread"),
	  .holds = HOLDS_NOTHING },
	{ NET("net_lwt_in", lwt_in, send_routed, lwt_in_off,
	      "a route, when a packet comes in"),
	  .holds = HOLDS_RECORD },
	{ NET("net_lwt_out", lwt_out, send_routed, lwt_off,
	      "a route, when a packet goes out"),
	  .holds = HOLDS_RECORD },
	{ NET("net_lwt_xmit", lwt_xmit, send_routed, lwt_off,
	      "a route, when a packet is transmitted"),
	  .holds = HOLDS_RECORD },
	{ NET("net_netfilter", netfilter, send_local, close_udp,
	      "a netfilter hook, output"),
	  .holds = HOLDS_RECORD },
	{ NET("net_parser", parser, send_pair, close_pair,
	      "the stream parser of a sockmap"),
	  .also = "net_verdict", .holds = HOLDS_RECORD },
	{ NET("net_reuseport", reuseport, send_local, close_udp,
	      "the choice of a socket among those of a port"),
	  .holds = HOLDS_RECORD },
	{ NET("net_seg6local", seg6local, send_segments, seg6_down,
	      "a segment of SRv6, End.BPF"),
	  .holds = HOLDS_RECORD },
	{ NET("net_sk_lookup", sk_lookup, send_local, close_udp,
	      "the socket lookup of the namespace"),
	  .holds = HOLDS_RECORD },
	{ NET("net_sk_msg", sk_msg, send_pair, close_pair,
	      "a message of a socket in a sockmap"),
	  .holds = HOLDS_RECORD },
	{ NET("net_verdict", verdict, send_pair, close_pair,
	      "the verdict of a sockmap, on a stream"),
	  .holds = HOLDS_RECORD },
};

const struct suite suite_context_net = {
	.name = "context_net",
	.elf = context_net__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
