// SPDX-License-Identifier: GPL-2.0
/*
 * Makes programs of others run: BPF_PROG_TEST_RUN with several packets and
 * contexts; what is attached to functions, by calling these.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include "corpus/corpus.h"

#define MAX_WAYS 16
#define PACKET_MAX 1514
#define ARG_BYTES 256

struct way {
	const void *data, *ctx;
	__u32 data_size, ctx_size;
};

struct drive {
	struct bpf_program *prog;
	struct bpf_link *link;
	bool repeats, syscalls;
	unsigned int nr_ways;
	struct way ways[MAX_WAYS];
};

static unsigned char packets[6][PACKET_MAX];
static const __u32 packet_sizes[] = { 74, 94, 242, 94, 64, PACKET_MAX };

static void put_ip4(unsigned char *p, __u8 protocol, __u16 len)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = protocol,
		.tot_len = htons(len),
		.saddr = htonl(INADDR_LOOPBACK),
		.daddr = htonl(INADDR_LOOPBACK),
	};

	memcpy(p, &ip, sizeof(ip));
}

static void put_tcp(unsigned char *p, bool syn)
{
	struct tcphdr tcp = {
		.source = htons(1234),
		.dest = htons(80),
		.doff = 5,
		.syn = syn,
		.ack = !syn,
		.window = htons(100),
	};

	memcpy(p, &tcp, sizeof(tcp));
}

static void build_packets(void)
{
	struct ipv6hdr ip6 = { .version = 6,
			       .nexthdr = IPPROTO_TCP,
			       .hop_limit = 64,
			       .payload_len = htons(40) };
	struct udphdr udp = { .source = htons(53),
			      .dest = htons(7),
			      .len = htons(208) };
	static const __u16 types[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_IP,
				       ETH_P_IP, 0x1234,     ETH_P_8021Q };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		for (j = 0; j < PACKET_MAX; j++)
			packets[i][j] = i < 4 ? 0 : j * 7 + i;
		packets[i][12] = types[i] >> 8;
		packets[i][13] = types[i] & 0xff;
	}
	/* TCP over IPv4 and IPv6, UDP, IPv4 in IPv4, noise, a frame with a tag */
	put_ip4(packets[0] + ETH_HLEN, IPPROTO_TCP, 60);
	put_tcp(packets[0] + 34, true);
	ip6.saddr.s6_addr[15] = ip6.daddr.s6_addr[15] = 1;
	memcpy(packets[1] + ETH_HLEN, &ip6, sizeof(ip6));
	put_tcp(packets[1] + 54, false);
	put_ip4(packets[2] + ETH_HLEN, IPPROTO_UDP, 228);
	memcpy(packets[2] + 34, &udp, sizeof(udp));
	put_ip4(packets[3] + ETH_HLEN, IPPROTO_IPIP, 80);
	put_ip4(packets[3] + 34, IPPROTO_TCP, 60);
	put_tcp(packets[3] + 54, true);
}

static void add_way(struct drive *d, const void *data, __u32 data_size,
		    const void *ctx, __u32 ctx_size)
{
	if (d->nr_ways < MAX_WAYS)
		d->ways[d->nr_ways++] =
			(struct way){ data, ctx, data_size, ctx_size };
}

static void add_packets(struct drive *d, const void *ctx, __u32 ctx_size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(packets); i++)
		add_way(d, packets[i], packet_sizes[i], i % 2 ? ctx : NULL,
			i % 2 ? ctx_size : 0);
}

/* Arguments as numbers: nothing, zeros, small numbers, all bits. */
static void add_numbers(struct drive *d)
{
	static __u64 args[3][ARG_BYTES / 8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(args[0]); i++) {
		args[1][i] = i + 1;
		args[2][i] = -1;
	}
	add_way(d, NULL, 0, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(args); i++)
		add_way(d, NULL, 0, args[i],
			d->prog && bpf_program__type(d->prog) ==
						BPF_PROG_TYPE_RAW_TRACEPOINT ?
				96 :
				ARG_BYTES);
}

/* One to five arguments, the first of which may be a pointer to a state. */
static void add_dummy_ops(struct drive *d)
{
	static __u32 state[4];
	static __u64 args[2][5] = { { 0, 1, 2, 3, 4 }, { 0, 1, 2, 3, 4 } };
	int i, n;

	args[1][0] = (unsigned long)state;
	for (n = 1; n <= 5; n++)
		for (i = 0; i < 2; i++)
			add_way(d, NULL, 0, args[i], n * sizeof(__u64));
}

static void add_sk_lookup(struct drive *d)
{
	static struct bpf_sk_lookup ctx[4];
	int i;

	for (i = 0; i < 4; i++) {
		ctx[i].family = i & 1 ? AF_INET6 : AF_INET;
		ctx[i].protocol = i & 2 ? IPPROTO_UDP : IPPROTO_TCP;
		ctx[i].remote_ip4 = ctx[i].local_ip4 = htonl(INADDR_LOOPBACK);
		ctx[i].remote_port = htons(1234);
		ctx[i].local_port = 7007;
		add_way(d, NULL, 0, &ctx[i], sizeof(ctx[i]));
	}
}

static void add_ways(struct drive *d)
{
	static struct __sk_buff skb = { .mark = 7,
					.priority = 6,
					.cb = { 1, 2, 3, 4, 5 } };

	switch (bpf_program__type(d->prog)) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		d->repeats = true;
		add_packets(d, &skb, sizeof(skb));
		break;
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_NETFILTER:
		d->repeats = true;
		add_packets(d, NULL, 0);
		break;
	case BPF_PROG_TYPE_SK_LOOKUP:
		d->repeats = true;
		add_sk_lookup(d);
		break;
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_SYSCALL:
		add_numbers(d);
		break;
	case BPF_PROG_TYPE_STRUCT_OPS:
		add_dummy_ops(d);
		break;
	case BPF_PROG_TYPE_TRACING:
		/* The kernel calls bpf_fentry_test1() and its like. */
		if (d->link)
			add_way(d, NULL, 0, NULL, 0);
		break;
	default:
		break;
	}
}

static int test_run(struct drive *d, const struct way *way, unsigned int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = way->data,
		    .data_size_in = way->data_size, .ctx_in = way->ctx,
		    .ctx_size_in = way->ctx_size,
		    .repeat = d->repeats ? repeat : 0);

	return bpf_prog_test_run_opts(bpf_program__fd(d->prog), &opts);
}

/* Those that the kernel accepts for this program. */
static void keep_ways(struct drive *d)
{
	unsigned int i, n = 0;

	for (i = 0; i < d->nr_ways; i++)
		if (!test_run(d, &d->ways[i], 1))
			d->ways[n++] = d->ways[i];
	d->nr_ways = n;
}

/* Is it attached where nobody but this process gets, by BPF_PROG_TEST_RUN? */
static bool on_test_function(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);

	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACING &&
	       (strstr(section, "/bpf_fentry_test") ||
		strstr(section, "/bpf_modify_return_test"));
}

/* Hooks that a few system calls reach, and that decide on nothing. */
static bool on_passive_hook(const struct bpf_program *prog)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return true;
	case BPF_PROG_TYPE_TRACING:
		return bpf_program__expected_attach_type(prog) !=
		       BPF_MODIFY_RETURN;
	default:
		return false;
	}
}

static void read_iterator(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link)), n = 0;
	char buf[4096];

	if (fd < 0)
		return;
	while (n++ < 16 && read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void do_syscalls(void)
{
	const struct timespec moment = { .tv_nsec = 1 };
	char byte = 0;
	void *p;
	int fd;

	syscall(SYS_getpgid, 0);
	syscall(SYS_getpid);
	syscall(SYS_prctl, 0xbadbad, 0, 0, 0, 0);
	nanosleep(&moment, NULL);
	fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &byte, 1) < 0)
			byte = 0;
		close(fd);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		struct sockaddr_in to = { .sin_family = AF_INET,
					  .sin_port = htons(7) };

		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sendto(fd, &byte, 1, MSG_DONTWAIT, (struct sockaddr *)&to,
		       sizeof(to));
		close(fd);
	}
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		munmap(p, 4096);
}

struct drive *drive_open(struct bpf_program *prog, bool attach)
{
	struct drive *d = calloc(1, sizeof(*d));
	static bool built;

	REQUIRE(d, "no memory");
	if (!built)
		build_packets();
	built = true;
	d->prog = prog;
	if (on_test_function(prog)) {
		d->link = bpf_program__attach(prog);
	}
	add_ways(d);
	keep_ways(d);
	if (!d->nr_ways && attach && !d->link && on_passive_hook(prog)) {
		d->link = bpf_program__attach(prog);
		if (d->link) {
			d->syscalls = true;
			add_way(d, NULL, 0, NULL, 0);
		}
	}
	return d;
}

void drive_close(struct drive *d)
{
	bpf_link__destroy(d->link);
	free(d);
}

unsigned int drive_ways(const struct drive *d)
{
	return d->nr_ways;
}

void drive_run(struct drive *d, unsigned int way, unsigned int repeat)
{
	if (!d->syscalls)
		test_run(d, &d->ways[way], repeat);
	else if (bpf_program__expected_attach_type(d->prog) == BPF_TRACE_ITER)
		read_iterator(d->link);
	else
		do_syscalls();
}
