/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel says of how long a program can take. */
#ifndef BPFWD_KWD_ESTIMATE_H
#define BPFWD_KWD_ESTIMATE_H

#include <linux/bpf.h>
#include "show/fault.h"

#define ESTIMATE_SPOTS 32

/* Are the fields of an estimate in what the kernel returned? */
bool kwd_estimate_known(u32 info_len);
/* No estimate at all, not even a lower bound? */
bool kwd_estimate_none(u32 reason);
/* What a policy charges, and to what it limits the time from the end of a budget to the
 * return, as the kernel computes them; UINT64_MAX: no bound.
 */
u64 kwd_estimate_charge(const struct bpf_prog_info *info);
/* The same with what its tail calls can reach now, where these are why it has no bound. */
u64 kwd_estimate_tail(const struct bpf_prog_info *info, u32 info_len);
u64 kwd_estimate_stop(const struct bpf_prog_info *info, u32 info_len);
/* The kernel's name of a reason ("iterator"), what it means, and what to do. */
const char *kwd_reason_name(u32 reason);
const char *kwd_reason_text(u32 reason);
const char *kwd_reason_advice(u32 reason);
/* Where the bound of a loop comes from, in words. */
const char *kwd_loop_text(u32 loop_kind);
const char *kwd_loop_name(u32 loop_kind);
/* What to write for it to be lower, as a sentence; empty: nothing helps. */
const char *kwd_loop_advice(u32 loop_kind);
const char *kwd_spot_name(u32 spot_kind);

struct estimate {
	struct bpf_prog_info info;
	struct bpf_estimate_spot spots[ESTIMATE_SPOTS];
	u32 n;
	u32 info_len; /* as the kernel returned it */
	bool stops; /* the kernel says how soon it can be ended */
};

/* -ENOSYS: this kernel makes none */
int kwd_estimate_get(int prog_fd, struct estimate *e);

/* For what judges by estimates, on a kernel that makes none. Returns its exit status. */
int kwd_estimate_missing(struct fault *f);

#endif
