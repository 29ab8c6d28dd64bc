// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <linux/seg6.h>
#include <netinet/tcp.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include "traffic/traffic.h"

#define SEGMENT "2001:db8::1"
#define LAST_SEGMENT "2001:db8::3"
#define MAC "02:00:00:00:00:01"
#define PIN "/sys/fs/bpf/traffic" /* for the time of the command */

int command(const char *cmd)
{
	char out[500];
	int status = run_command(out, sizeof(out), "%s 2>&1", cmd);

	if (!status)
		return 0;
	diag("%s: %s", cmd, out);
	return -EINVAL;
}

void cgroup_mount(void)
{
	if (access(CGROUP_ROOT "/cgroup.procs", F_OK))
		REQUIRE(!mount("none", CGROUP_ROOT, "cgroup2", 0, NULL),
			"cgroup2: %m");
}

static int open_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	REQUIRE(fd >= 0, "%s: %m", path);
	return fd;
}

int cgroup_open(void)
{
	cgroup_mount();
	return open_path(CGROUP_ROOT, O_DIRECTORY);
}

int netns_open(void)
{
	return open_path("/proc/self/ns/net", 0);
}

struct sockaddr_in ipv4(const char *ip, in_port_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = inet_addr(ip) };
}

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	REQUIRE(fd >= 0, "socket: %m");
	return fd;
}

int udp_open(const char *ip)
{
	struct sockaddr_in addr = ipv4(ip, TRIGGER_PORT);
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)),
		"reuseport: %m");
	REQUIRE(!bind(fd, (void *)&addr, sizeof(addr)), "bind: %m");
	return fd;
}

int udp_send(const char *ip)
{
	struct sockaddr_in addr = ipv4(ip, TRIGGER_PORT);
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0), err = 0;

	if (sendto(fd, "x", 1, 0, (void *)&addr, sizeof(addr)) != 1)
		err = -errno;
	close(fd);
	return err;
}

void tcp_open(int pair[2], const char *congestion)
{
	struct sockaddr_in addr = ipv4("127.0.0.1", 0);
	int fd = open_socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);

	pair[0] = open_socket(AF_INET, SOCK_STREAM, 0);
	if (congestion)
		REQUIRE(!setsockopt(pair[0], IPPROTO_TCP, TCP_CONGESTION,
				    congestion, strlen(congestion)),
			"%s: %m", congestion);
	REQUIRE(!bind(fd, (void *)&addr, len) && !listen(fd, 1) &&
			!getsockname(fd, (void *)&addr, &len),
		"listen: %m");
	REQUIRE(!connect(pair[0], (void *)&addr, len), "connect: %m");
	pair[1] = accept(fd, NULL, NULL);
	REQUIRE(pair[1] >= 0, "accept: %m");
	close(fd);
}

void close_both(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* The route is the way out of seg0 and, for what comes in at seg1, the program's. */
static int seg6_links(void)
{
	return command("ip link add seg0 type veth peer name seg1 address " MAC
		       " && ip link add seg2 type veth peer name seg3"
		       " && for i in 0 1 2 3; do ip link set seg$i up; done"
		       " && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
		       " && ip -6 neigh add " SEGMENT " lladdr " MAC " dev seg0"
		       " && ip -6 neigh add " LAST_SEGMENT " lladdr " MAC
		       " dev seg2"
		       " && ip -6 route add " LAST_SEGMENT " dev seg2");
}

int seg6_up(struct bpf_program *prog)
{
	int err;

	unlink(PIN);
	err = bpf_program__pin(prog, PIN);
	if (!err)
		err = seg6_links();
	if (!err)
		err = command("ip -6 route add " SEGMENT
			      " encap seg6local action End.BPF"
			      " endpoint object-pinned " PIN " dev seg0");
	unlink(PIN);
	return err;
}

void seg6_down(void)
{
	CHECK(!command("ip link del seg0 && ip link del seg2"), "ip");
}

__u64 ipv6_forwarded(void)
{
	static const char field[] = "Ip6OutForwDatagrams";
	char text[8192], *p;
	int err = file_read("/proc/net/snmp6", text, sizeof(text));

	REQUIRE(!err, "/proc/net/snmp6: %s", strerror(-err));
	p = strstr(text, field);
	REQUIRE(p, "no %s", field);
	return strtoull(p + strlen(field), NULL, 10);
}

int seg6_send(void)
{
	struct {
		struct ipv6hdr ip;
		struct ipv6_sr_hdr srh;
		struct in6_addr segments[2];
	} __attribute__((packed)) p = {
		.ip = { .version = 6,
			.nexthdr = IPPROTO_ROUTING,
			.hop_limit = 64,
			.payload_len = htons(sizeof(p) - sizeof(p.ip)) },
		.srh = { .nexthdr = IPPROTO_NONE,
			 .hdrlen = sizeof(p.segments) / 8,
			 .type = 4,
			 .segments_left = 1,
			 .first_segment = 1 },
	};
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
	int fd = open_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW), err = 0;

	inet_pton(AF_INET6, "2001:db8::2", &p.ip.saddr);
	inet_pton(AF_INET6, SEGMENT, &p.ip.daddr);
	inet_pton(AF_INET6, LAST_SEGMENT, &p.segments[0]);
	inet_pton(AF_INET6, SEGMENT, &p.segments[1]);
	addr.sin6_addr = *(struct in6_addr *)&p.ip.daddr;
	if (sendto(fd, &p, sizeof(p), 0, (void *)&addr, sizeof(addr)) !=
	    sizeof(p))
		err = -errno;
	close(fd);
	return err;
}
