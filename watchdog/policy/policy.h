/* SPDX-License-Identifier: GPL-2.0 */
/* A runtime policy as its file says it, checked. See bpfwd.policy(5). */
#ifndef BPFWD_POLICY_H
#define BPFWD_POLICY_H

#include <linux/bpf.h>
#include "show/fault.h"

#define POLICY_DIR "/etc/bpfwd/policy.d"
/* What the kernel takes; a file that cannot be loaded is refused at once. */
#define POLICY_MAX_TEXT (1 << 20)
#define POLICY_MAX_NAME 32
#define POLICY_MAX_DEPTH 64
#define POLICY_MAX_WINDOW 1024 /* ended runs that are counted within a window */

enum policy_mode { POLICY_OFF, POLICY_MONITOR, POLICY_ENFORCE };
enum policy_charge { POLICY_WORST = 1, POLICY_MEASURED };
/* What runs by tail calls: no bound, or what the arrays hold. */
enum policy_tails { POLICY_TAILS_UNBOUNDED = 1, POLICY_TAILS_ENTRIES };
/* From the strictest on; 0: not said. Of what is unbounded and nothing is said of, the
 * kernel decides: BPF_POLICY_AUTO.
 */
enum policy_verdict { POLICY_DENY = 1, POLICY_WARN, POLICY_ALLOW };
enum policy_overrun { POLICY_KILL = 1, POLICY_KILL_WARN, POLICY_DETACH };
enum policy_on_share {
	POLICY_THROTTLE = 1,
	POLICY_SHARE_WARN,
	POLICY_SHARE_QUARANTINE,
	POLICY_SHARE_DETACH,
};
enum { POLICY_FROM_LATENCY = 1, POLICY_FROM_BUDGET = 2 };

/* Durations are kept as they were written, too. 0: not said. */
struct policy_time {
	char *text;
	u64 ns;
};

/* Of CPU time: "5%", or "50ms per 1s". ns 0: not said. */
struct policy_part {
	char *max_cpu, *max_time;
	u64 ns, window_ns;
	enum policy_on_share on_share;
};

struct policy_defaults {
	enum policy_charge charge;
	enum policy_tails tail_calls;
	enum policy_verdict unbounded;
	/* of what is attached; DENY: detach it, ALLOW: keep it silently */
	enum policy_verdict existing;
	struct policy_time max_stop, budget;
	enum policy_overrun on_overrun;
};

struct policy_hook {
	char *match;
	char *written; /* match as it is in the file, NULL: the same */
	struct policy_time max_latency, max_stop, budget;
	struct policy_part share;
	u32 *max_programs; /* NULL: not said */
	bool deny; /* nothing may be attached */
	enum policy_verdict unbounded, on_exceed;
	u32 line;
};

struct policy_graph {
	char *name;
	char **roots;
	u32 n_roots, depth;
	struct policy_time max_latency, max_stop;
	struct policy_part share;
	enum policy_verdict unbounded, on_exceed;
	/* without any root: DENY: it holds all hooks, else none */
	enum policy_verdict on_missing;
	const char
		*missing; /* of the roots, the first that this kernel has not */
	bool unknown; /* it has none */
	u32 line;
};

struct policy_match {
	char *name, *type, *comm, *uid, *cgroup, *tag;
	/* "initial", "other" or a path; "none", "any" or a path; 64 digits */
	char *user_ns, *pid_ns, *token, *btf;
	u32 prog_type; /* enum bpf_prog_type; 0: any */
	u32 user; /* of uid */
	unsigned char tag_bytes[8], btf_bytes[32];
	/* "control group" and its path, which is not there: the rule is left out */
	const char *gone, *gone_path;
};

struct policy_quarantine {
	u32 after;
	struct policy_time window;
};

struct policy_program {
	struct policy_match match;
	struct policy_time budget;
	struct policy_part share;
	enum policy_overrun on_overrun;
	struct policy_quarantine *quarantine;
	u32 line;
};

/* Of all programs that match together. */
struct policy_together {
	char *name;
	struct policy_match match;
	struct policy_part share;
	u32 line;
};

struct policy_exempt {
	struct policy_match match;
	u32 from;
	char *reason, *until;
	u64 until_s; /* CLOCK_REALTIME; 0: for good */
	u32 line;
};

struct policy {
	u32 version;
	char *name;
	enum policy_mode mode;
	struct policy_defaults *defaults;
	struct policy_hook *hooks;
	struct policy_graph *graphs;
	struct policy_program *programs;
	struct policy_together *together;
	struct policy_exempt *exempt;
	u32 defaults_line;
	u32 n_hooks, n_graphs, n_programs, n_together, n_exempt;
	char *path; /* of its file */
};

/* 0, or an exit status and a fault whose message begins with PATH:LINE:COLUMN. */
int policy_parse(const char *text, size_t len, const char *path,
		 struct policy **policy, struct fault *f);
int policy_read(const char *path, struct policy **policy, struct fault *f);
void policy_free(struct policy *policy);

/* Policies that are in force together, in the order of their files. */
struct policy_set {
	struct policy **policies;
	size_t n;
};

/* Files, or folders of *.yaml in lexical order; a policy takes the place of one
 * that came before and has its name. An empty folder makes an empty set.
 */
int policy_set_load(struct policy_set *set, char *const *paths, size_t n,
		    struct fault *f);
void policy_set_free(struct policy_set *set);
/* How many files there are at a path, good or bad. */
size_t policy_files(const char *path);
/* The strongest mode of all. */
enum policy_mode policy_set_mode(const struct policy_set *set);
/* What holds where several say something: the later file's word. *owner: the last
 * one that has a say, NULL: none.
 */
struct policy_defaults policy_set_defaults(const struct policy_set *set,
					   const struct policy **owner);

const char *policy_mode_name(enum policy_mode mode);
const char *policy_verdict_name(enum policy_verdict verdict);
const char *policy_overrun_name(enum policy_overrun overrun);

#endif
