// SPDX-License-Identifier: GPL-2.0
/* XDP, TC and socket filter, on packets that go through lo. */
#include "common.h"
#include "ringbuf.h"

#define CURRENT_NETNS ((__u64) - 1)

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline bool triggers(const struct packet *p)
{
	return p->eth.h_proto == bpf_htons(0x0800) && p->ip.protocol == 17 &&
	       p->udp.dest == bpf_htons(TRIGGER_PORT);
}

static __always_inline bool skb_triggers(struct __sk_buff *skb)
{
	struct packet p;

	return ctl.tgid && !bpf_skb_load_bytes(skb, 0, &p, sizeof(p)) &&
	       triggers(&p);
}

static __always_inline bool xdp_triggers(struct xdp_md *xdp)
{
	const struct packet *p = (void *)(long)xdp->data;

	return ctl.tgid && (void *)(p + 1) <= (void *)(long)xdp->data_end &&
	       triggers(p);
}

static __always_inline void connection(struct bpf_sock_tuple *t)
{
	__builtin_memset(t, 0, sizeof(*t));
	t->ipv4.saddr = ctl.saddr;
	t->ipv4.daddr = ctl.daddr;
	t->ipv4.sport = ctl.sport;
	t->ipv4.dport = ctl.dport;
}

#define HOLD_SOCKET(lookup, ctx)                                            \
	({                                                                  \
		struct bpf_sock_tuple tuple;                                \
		struct bpf_sock *sk;                                        \
                                                                            \
		enter();                                                    \
		connection(&tuple);                                         \
		sk = lookup(ctx, &tuple, sizeof(tuple.ipv4), CURRENT_NETNS, \
			    0);                                             \
		got(sk);                                                    \
		if (sk) {                                                   \
			stall_loop_inlined();                               \
			bpf_sk_release(sk);                                 \
			leave();                                            \
		}                                                           \
	})

SEC("xdp")
int xdp_socket(struct xdp_md *xdp)
{
	if (xdp_triggers(xdp))
		HOLD_SOCKET(bpf_skc_lookup_tcp, xdp);
	return XDP_PASS;
}

SEC("tcx/ingress")
int tc_socket(struct __sk_buff *skb)
{
	if (skb_triggers(skb))
		HOLD_SOCKET(bpf_sk_lookup_tcp, skb);
	return -1; /* TCX_NEXT */
}

SEC("socket")
int socket_record(struct __sk_buff *skb)
{
	__u64 *rec;

	if (!ctl.tgid)
		return -1;
	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return -1;
	*rec = 0;
	stall_loop_called();
	bpf_ringbuf_submit(rec, 0);
	leave();
	return -1;
}
