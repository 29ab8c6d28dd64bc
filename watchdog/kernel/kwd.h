/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel feature: its sysctls, its bpf() command, its fields in struct
 * bpf_prog_info. Nothing else in this tool talks to it.
 */
#ifndef BPFWD_KWD_H
#define BPFWD_KWD_H

#include <linux/bpf.h>
#include "show/fault.h"

/* The sysctls, in the order in which they are set: the switch comes last. */
enum kwd_sysctl {
	KWD_PERIOD_US,
	KWD_BUDGET_US,
	KWD_BUDGET_USER_US, /* of runs that user space waits for */
	KWD_BUDGET_MIN_US,
	KWD_SLACK_PERCENT,
	KWD_QUARANTINE,
	KWD_ON,
	KWD_SYSCTLS,
};

/* Value of a sysctl that this kernel lacks: an older one. */
#define KWD_UNKNOWN UINT64_MAX

struct kwd_state {
	u64 val[KWD_SYSCTLS];
};

/* Has this kernel the watchdog? One without only measures: run statistics. */
bool kwd_here(void);

/* -ENOSYS: this kernel has no watchdog */
int kwd_state_read(struct kwd_state *state);
/* All or nothing; 0 or an exit status with the fault filled. */
int kwd_state_write(const struct kwd_state *old, const struct kwd_state *new,
		    struct fault *f);
/* Is ns a value for this sysctl (in us)? 0 or an exit status. */
int kwd_sysctl_check(enum kwd_sysctl which, const char *option, u64 ns,
		     struct fault *f);
/* "kernel.bpf_watchdog" and friends */
const char *kwd_sysctl_name(enum kwd_sysctl which);

/* Releases all programs from quarantine, by a sysctl: no bpf() is needed, which a
 * program may have closed. 0 or an exit status.
 */
int kwd_release_all(struct fault *f);

/* kernel.bpf_stats_enabled; -1: unknown */
int kwd_stats_sysctl(void);

/* bpf() with a command of the watchdog, by the number that it has in this kernel: another
 * one may use the number for something else. 0 or -errno; -EINVAL: there is none.
 */
int kwd_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size);

/* Does the bpf() command exist? 0, or -ENOSYS, -EPERM */
int kwd_command_probe(void);

/* One step of per-program control, with how to undo it. */
struct kwd_step {
	u32 prog_id;
	int prog_fd;
	enum bpf_watchdog_op op;
	u64 value;
	enum bpf_watchdog_op undo_op; /* 0: cannot be undone */
	u64 undo_value;
	const char *name; /* of the program, for messages */
	u32 terminable;
};

/* All or nothing; 0 or an exit status with the fault filled. */
int kwd_steps_run(const struct kwd_step *steps, size_t n, struct fault *f);
/* What a step does, in words: "set the budget of". */
const char *kwd_op_text(enum bpf_watchdog_op op);

/* Are the watchdog's fields in what the kernel returned? */
bool kwd_info_known(u32 info_len);
/* And those of the runs that were timed? */
bool kwd_samples_known(u32 info_len);
/* And those of how runs end: stop bound, late and stuck ends, tasks asleep? */
bool kwd_stops_known(u32 info_len);
/* The bound with what tail calls can reach. */
bool kwd_tail_known(u32 info_len);
/* The counters of sampled runs. */
bool kwd_run_times_known(u32 info_len);
/* The kernel's name of a value ("no_jit") and what it means. */
const char *kwd_terminable_name(u32 terminable);
/* One of the reasons why not? */
bool kwd_terminable_never(u32 terminable);
const char *kwd_verdict_name(u32 verdict);
const char *kwd_action_name(u32 action);
const char *kwd_terminable_text(u32 terminable);

/* Fills the fault for a kernel without the feature; returns its exit status. */
int kwd_missing(struct fault *f, const char *what);

#endif
