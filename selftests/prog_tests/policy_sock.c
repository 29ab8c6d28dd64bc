// SPDX-License-Identifier: GPL-2.0
/* The gate at sockets, what is like them, and iptables. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/kcm.h>
#include <net/if.h>
#include <linux/netfilter/xt_bpf.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "harness/stops.h"
#include "traffic/policy_ways.h"

static int sock_fd;

/* --- iptables, by hand ----------------------------------------------------------------------- */

/* A rule with the match, if there is one, that accepts, or the one at the end. Its size. */
static size_t xt_entry(char *at, const struct xt_bpf_info_v1 *info, bool end)
{
	struct ipt_entry *e = (void *)at;
	struct xt_standard_target *accept;
	struct xt_entry_match *m = (void *)e->elems;
	struct xt_error_target *error;

	e->target_offset = e->next_offset = sizeof(*e);
	if (info) {
		m->u.user.match_size = sizeof(*m) + sizeof(*info);
		m->u.user.revision = 1;
		strcpy(m->u.user.name, "bpf");
		memcpy(m->data, info, sizeof(*info));
		e->target_offset += m->u.user.match_size;
	}
	accept = (void *)(at + e->target_offset);
	error = (void *)accept;
	if (end) {
		error->target.u.user.target_size = sizeof(*error);
		strcpy(error->target.u.user.name, XT_ERROR_TARGET);
		strcpy(error->errorname, "ERROR");
	} else {
		accept->target.u.user.target_size = sizeof(*accept);
		accept->verdict = -NF_ACCEPT - 1;
	}
	e->next_offset = e->target_offset + accept->target.u.user.target_size;
	return e->next_offset;
}

#define XT_RULES_MAX 8

/* The table "filter": with @nr rules for what comes in. */
static int xt_replace(const struct xt_bpf_info_v1 *info, int nr)
{
	static const int hooks[] = { NF_INET_LOCAL_IN, NF_INET_FORWARD,
				     NF_INET_LOCAL_OUT };
	static char buf[2048 + XT_RULES_MAX * 1024];
	struct ipt_replace *r = memset(buf, 0, sizeof(buf));
	struct ipt_getinfo old = { .name = "filter" };
	socklen_t len = sizeof(old);
	struct xt_counters counters[8 + XT_RULES_MAX];
	char *rules = buf + sizeof(*r);
	int err = 0;

	sock_fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	REQUIRE(sock_fd >= 0, "raw socket: %m");
	REQUIRE(!getsockopt(sock_fd, SOL_IP, IPT_SO_GET_INFO, &old, &len),
		"iptables: %m");
	strcpy(r->name, "filter");
	r->valid_hooks = old.valid_hooks;
	r->num_entries = ARRAY_SIZE(hooks) + 1 + nr;
	r->num_counters = old.num_entries;
	r->counters = counters;
	for (int i = 0; i < nr; i++)
		r->size += xt_entry(rules + r->size, info, false);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		r->hook_entry[hooks[i]] = i ? r->size : 0;
		r->underflow[hooks[i]] = r->size;
		r->size += xt_entry(rules + r->size, NULL, false);
	}
	r->size += xt_entry(rules + r->size, NULL, true);
	if (setsockopt(sock_fd, SOL_IP, IPT_SO_SET_REPLACE, r,
		       sizeof(*r) + r->size))
		err = -errno;
	close(sock_fd);
	return err;
}

static int xt_fd(struct bpf_program *prog)
{
	struct xt_bpf_info_v1 info = { .mode = XT_BPF_MODE_FD_ELF,
				       .fd = bpf_program__fd(prog) };

	return xt_replace(&info, 1);
}

static int xt_path(struct bpf_program *prog)
{
	struct xt_bpf_info_v1 info = { .mode = XT_BPF_MODE_PATH_PINNED,
				       .path = WAY_PIN };
	int err = way_pin(prog);

	REQUIRE(!err, "pin: %s", strerror(-err));
	err = xt_replace(&info, 1);
	unlink(WAY_PIN);
	return err;
}

static void xt_off(void)
{
	int err = xt_replace(NULL, 0);

	CHECK(!err, "no rule: %s", strerror(-err));
}

/* --- Sockets --------------------------------------------------------------------------------- */

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

static int tun(struct bpf_program *prog, unsigned long what)
{
	struct ifreq ifr = { .ifr_name = "ptun",
			     .ifr_flags = IFF_TUN | IFF_NO_PI |
					  IFF_MULTI_QUEUE };
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
	if (ioctl(sock_fd, what, &fd))
		err = -errno;
	if (err)
		close(sock_fd);
	return err;
}

static int tun_filter(struct bpf_program *prog)
{
	return tun(prog, TUNSETFILTEREBPF);
}

static int tun_steering(struct bpf_program *prog)
{
	return tun(prog, TUNSETSTEERINGEBPF);
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

WAY(way_xt_bpf_fd, { "xt_bpf", "p_socket", .attach = xt_fd, .detach = xt_off,
		     .end = WAY_QUARANTINED })
WAY(way_xt_bpf_path, { "xt_bpf", "p_socket", .attach = xt_path,
		       .detach = xt_off, .end = WAY_QUARANTINED })
WAY(way_socket, { "socket", "p_socket", .attach = so_attach,
		  .detach = so_detach, .end = WAY_QUARANTINED })
WAY(way_reuseport, { "sk_reuseport", "p_sk_reuseport", .attach = reuseport,
		     .detach = just_close, .for_good = true })
WAY(way_reuseport_filter, { "socket", "p_socket", .attach = reuseport,
			    .detach = just_close, .for_good = true })
WAY(way_fanout, { "fanout", "p_socket", .attach = fanout, .detach = just_close,
		  .for_good = true })
WAY(way_tun, { "tun", "p_socket", .attach = tun_filter, .detach = just_close,
	       .for_good = true })
WAY(way_tun_steering, { "tun", "p_socket", .attach = tun_steering,
			.detach = just_close, .for_good = true })
WAY(way_kcm,
    { "kcm", "p_socket", .attach = kcm, .detach = kcm_off, .for_good = true })
WAY(way_sk_msg, { "sk_msg", "p_sk_msg", .attach = sockmap,
		  .detach = sockmap_off, .for_good = true })
WAY(way_sk_msg_link, { "sk_msg", "p_sk_msg", .attach = sockmap_link,
		       .detach = way_unlink, .for_good = true })
WAY(way_sk_skb_parser,
    { "sk_skb/stream_parser", "p_sk_skb_parser", .attach = sockmap,
      .detach = sockmap_off, .for_good = true, .end = WAY_STAYS })
WAY(way_sk_skb_any, { "sk_skb/verdict", "p_sk_skb_any", .attach = sockmap,
		      .detach = sockmap_off, .for_good = true })
WAY(way_sk_skb_verdict,
    { "sk_skb/stream_verdict", "p_sk_skb_verdict", .attach = sockmap,
      .detach = sockmap_off, .for_good = true })

/* --- Ways that run a program more than once -------------------------------------------------- */

static void limit_ticks(const char *hook, __u32 ticks)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, hook)
		->max_latency_ns = ticks * TICK_NS;
	policy_use(p);
}

/* Each rule runs its program. */
static void xt_rules(void)
{
	struct xt_bpf_info_v1 info = { .mode = XT_BPF_MODE_FD_ELF };
	__u32 id, nr;
	int err;

	OPEN("p_socket");
	info.fd = way_fd("p_socket");
	id = prog_info(info.fd).id;
	limit_ticks("xt_bpf", 3);
	err = xt_replace(&info, 4);
	CHECK(err == -EACCES, "four rules, three ticks: %s", strerror(-err));
	CHECK(!policy_charged(id, NULL), "charged though it is denied");
	err = xt_replace(&info, 3);
	CHECK(!err, "three: %s", strerror(-err));
	nr = policy_charged(id, NULL);
	CHECK(nr == 3, "charged %u times", nr);
	xt_off();
	CHECK(!policy_charged(id, NULL), "charged though they are gone");
}

static int packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	REQUIRE(fd >= 0, "packet socket: %m");
	return fd;
}

static int set_filter(int fd)
{
	int prog = way_fd("p_socket");

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) ?
		       -errno :
		       0;
}

/* A packet comes to all of them, but to one of the others. */
static void packet_sockets(void)
{
	int fds[3], udp[3], err;

	OPEN("p_socket");
	limit_ticks("socket", 2);
	for (int i = 0; i < 3; i++) {
		fds[i] = packet_socket();
		err = set_filter(fds[i]);
		CHECK(err == (i < 2 ? 0 : -EACCES), "socket %d: %s", i,
		      strerror(-err));
		udp[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = set_filter(udp[i]);
		CHECK(!err, "UDP socket %d: %s", i, strerror(-err));
	}
	err = set_filter(fds[1]);
	CHECK(!err, "in place of another one: %s", strerror(-err));
	close(fds[0]);
	err = set_filter(fds[2]);
	CHECK(!err, "there is room again: %s", strerror(-err));
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
		close(udp[i]);
	}
}

#define MANY 20000
#define PART 5000

static __u32 nr_charges(void)
{
	union bpf_attr attr = {
		.policy.op = BPF_POLICY_CHARGES,
		.policy.rec_size = sizeof(struct bpf_policy_charge),
	};

	policy_command(&attr, sizeof(attr)); /* no room, but their number */
	return attr.policy.nr_recs;
}

/* For PART sockets, until none of it is left to do. */
static uint64_t take_off(const int *fds)
{
	__u32 left = nr_charges() - PART;
	uint64_t start = now_ns();
	int none = 0, err = 0;

	for (int i = 0; !err && i < PART; i++)
		err = setsockopt(fds[i], SOL_SOCKET, SO_DETACH_FILTER, &none,
				 sizeof(none));
	REQUIRE(!err, "detach: %m");
	while (nr_charges() > left)
		usleep(1000);
	return now_ns() - start;
}

/* One filter on many sockets: the first goes as fast as the last. */
static void many_sockets(void)
{
	struct rlimit most = { MANY + 1000, MANY + 1000 };
	uint64_t first, last;
	int *fds = calloc(MANY, sizeof(*fds));
	int err;

	OPEN("p_socket");
	REQUIRE(fds && !setrlimit(RLIMIT_NOFILE, &most), "descriptors: %m");
	for (int i = 0; i < MANY; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = fds[i] < 0 ? -errno : set_filter(fds[i]);
		REQUIRE(!err, "socket %d: %s", i, strerror(-err));
	}
	first = take_off(fds);
	for (int i = PART; i < MANY - PART; i++)
		close(fds[i]);
	last = take_off(fds + MANY - PART);
	diag("%d ns each with %d sockets, %d ns with %d", (int)(first / PART),
	     MANY, (int)(last / PART), PART);
	if (time_is_exact())
		CHECK(first < 4 * last, "it takes longer the more there are");
	for (int i = 0; i < PART; i++) {
		close(fds[i]);
		close(fds[MANY - 1 - i]);
	}
	free(fds);
}

static const struct test tests[] = {
	{ "xt_rules", "each rule of iptables counts", xt_rules,
	  NEEDS_WATCHDOG },
	{ "packet_sockets", "all packet sockets have one sum", packet_sockets,
	  NEEDS_WATCHDOG },
	{ "many_sockets", "one filter on 20,000 sockets", many_sockets,
	  NEEDS_WATCHDOG, 240 },
	{ "xt_bpf_fd", "xt_bpf, by descriptor", way_xt_bpf_fd, NEEDS_WATCHDOG },
	{ "xt_bpf_path", "xt_bpf, by path", way_xt_bpf_path, NEEDS_WATCHDOG },
	{ "socket", "SO_ATTACH_BPF", way_socket, NEEDS_WATCHDOG },
	{ "reuseport", "SO_ATTACH_REUSEPORT_EBPF", way_reuseport,
	  NEEDS_WATCHDOG },
	{ "reuseport_filter", "SO_ATTACH_REUSEPORT_EBPF, socket filter",
	  way_reuseport_filter, NEEDS_WATCHDOG },
	{ "fanout", "PACKET_FANOUT_DATA", way_fanout, NEEDS_WATCHDOG },
	{ "tun", "TUNSETFILTEREBPF", way_tun, NEEDS_WATCHDOG },
	{ "tun_steering", "TUNSETSTEERINGEBPF", way_tun_steering,
	  NEEDS_WATCHDOG },
	{ "kcm", "SIOCKCMATTACH", way_kcm, NEEDS_WATCHDOG },
	{ "sk_msg", "sockmap, BPF_PROG_ATTACH", way_sk_msg, NEEDS_WATCHDOG },
	{ "sk_msg_link", "sockmap, link", way_sk_msg_link, NEEDS_WATCHDOG },
	{ "sk_skb_parser", "sockmap, parser", way_sk_skb_parser,
	  NEEDS_WATCHDOG },
	{ "sk_skb_any", "sockmap, verdict on any packet", way_sk_skb_any,
	  NEEDS_WATCHDOG },
	{ "sk_skb_verdict", "sockmap, verdict", way_sk_skb_verdict,
	  NEEDS_WATCHDOG },
};

const struct suite suite_policy_sock = {
	.name = "policy_sock",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
