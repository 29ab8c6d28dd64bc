/* SPDX-License-Identifier: GPL-2.0 */
/* Route netlink, as far as libbpf does not have it: it lists no filters of tc, and
 * takes off only those for all protocols.
 */
#ifndef BPFWD_RTNL_H
#define BPFWD_RTNL_H

#include <linux/rtnetlink.h>
#include "show/types.h"

typedef void (*rtnl_fn)(const struct tcmsg *tcm, struct rtattr **attrs,
			void *arg);

/* Calls fn for each qdisc (RTM_GETQDISC) or filter (RTM_GETTFILTER) that fits.
 * attrs[] has TCA_MAX + 1 entries. 0 or -errno.
 */
int rtnl_dump(int type, const struct tcmsg *which, rtnl_fn fn, void *arg);
/* RTM_DELTFILTER; chain 0 is the usual one. 0 or -errno. */
int rtnl_delete_filter(const struct tcmsg *which, const char *kind, u32 chain);
/* Sorts attributes by type into attrs[0 ... max]. */
void rtnl_attrs(struct rtattr **attrs, __u16 max, struct rtattr *first,
		size_t len);

#endif
