// SPDX-License-Identifier: GPL-2.0
/* Route netlink: one question, and its answer to the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "progs/rtnl.h"

struct question {
	struct nlmsghdr head;
	struct tcmsg tcm;
	char attrs[64];
};

void rtnl_attrs(struct rtattr **attrs, __u16 max, struct rtattr *first,
		size_t len)
{
	unsigned int left = len;

	memset(attrs, 0, (max + 1) * sizeof(*attrs));
	for (; RTA_OK(first, left); first = RTA_NEXT(first, left)) {
		__u16 type = first->rta_type & NLA_TYPE_MASK;

		if (type <= max)
			attrs[type] = first;
	}
}

static void put_attr(struct question *q, __u16 type, const void *data,
		     __u16 len)
{
	struct rtattr *attr = (void *)q + NLMSG_ALIGN(q->head.nlmsg_len);

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_SPACE(len);
}

static void take_message(const struct nlmsghdr *m, rtnl_fn fn, void *arg)
{
	struct rtattr *attrs[TCA_MAX + 1];
	const struct tcmsg *tcm = NLMSG_DATA(m);

	if (!fn || m->nlmsg_len < NLMSG_LENGTH(sizeof(*tcm)))
		return;
	rtnl_attrs(attrs, TCA_MAX, TCA_RTA(tcm),
		   m->nlmsg_len - NLMSG_LENGTH(sizeof(*tcm)));
	fn(tcm, attrs, arg);
}

/* One datagram of the answer: 1 if it was not the last one, 0, or -errno. */
static int take_answer(int fd, char *buf, size_t size, rtnl_fn fn, void *arg)
{
	ssize_t len = recv(fd, buf, size, 0);
	struct nlmsghdr *m = (void *)buf;

	if (len < 0)
		return errno == EINTR ? 1 : -errno;
	for (; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (m->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(m))->error;
		take_message(m, fn, arg);
	}
	return 1;
}

static int rtnl_ask(struct question *q, rtnl_fn fn, void *arg)
{
	size_t size = 1 << 16;
	char *buf = malloc(size);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int err = !buf ? -ENOMEM : fd < 0 ? -errno : 0;

	if (!err && send(fd, q, q->head.nlmsg_len, 0) < 0)
		err = -errno;
	if (!err)
		do
			err = take_answer(fd, buf, size, fn, arg);
		while (err > 0);
	if (fd >= 0)
		close(fd);
	free(buf);
	return err;
}

static struct question rtnl_question(int type, int flags,
				     const struct tcmsg *which)
{
	return (struct question){
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(*which)),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | flags },
		.tcm = *which,
	};
}

int rtnl_dump(int type, const struct tcmsg *which, rtnl_fn fn, void *arg)
{
	struct question q = rtnl_question(type, NLM_F_DUMP, which);

	return rtnl_ask(&q, fn, arg);
}

int rtnl_delete_filter(const struct tcmsg *which, const char *kind, u32 chain)
{
	struct question q = rtnl_question(RTM_DELTFILTER, NLM_F_ACK, which);

	put_attr(&q, TCA_KIND, kind, strlen(kind) + 1);
	if (chain)
		put_attr(&q, TCA_CHAIN, &chain, sizeof(chain));
	return rtnl_ask(&q, NULL, NULL);
}
