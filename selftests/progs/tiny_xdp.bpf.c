// SPDX-License-Identifier: GPL-2.0
/* A short program with a bound, for the tests of the tool. */
#include "common.h"

SEC("xdp")
int tiny_xdp(struct xdp_md *ctx)
{
	return bpf_ktime_get_ns() ? XDP_PASS : XDP_DROP;
}
