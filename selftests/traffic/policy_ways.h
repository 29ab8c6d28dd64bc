/* SPDX-License-Identifier: GPL-2.0 */
/* A test for each way of attaching a program: each kind of rule allows and denies it. */
#ifndef POLICY_WAYS_H
#define POLICY_WAYS_H

#include "harness/policy.h"
#include "policy_progs.skel.h"

/* What becomes of what is attached, by a policy that wants it detached. */
enum way_end { WAY_DETACHED, WAY_QUARANTINED, WAY_STAYS };

struct way {
	const char *hook; /* as the kernel is to call it */
	const char *prog;
	const char *also[3]; /* other programs that attach() needs */
	/* 0 or -errno. */
	int (*attach)(struct bpf_program *prog);
	void (*detach)(void);
	/* Between opening and loading. */
	void (*prepare)(struct bpf_program *prog);
	bool for_good; /* it is charged until it is freed */
	bool by_command; /* another process attaches it */
	bool once; /* for each time that it is loaded */
	__u32 hooks; /* all that are charged at once; 0: one */
	/* Of them, in the family of the hook and in its function; 0: all, and one. */
	__u32 in_family, in_function;
	__u32 in_place; /* of them, at the place of the hook; 0: one */
	const char *rule; /* as rules call its place; NULL: as hook */
	enum way_end end; /* for_good: quarantined, unless it stays */
};

extern struct policy_progs *ways;

/* Opens the skeleton, with nothing but the programs that are named to be loaded. */
void ways_open(const char *const *names, size_t nr);
void ways_load(void);
#define LOAD(...)                                             \
	do {                                                  \
		const char *const names_[] = { __VA_ARGS__ }; \
		ways_open(names_, ARRAY_SIZE(names_));        \
		ways_load();                                  \
	} while (0)
/* Their bounds are TICK_NS, those of *_long twice that. */
#define OPEN(...)                           \
	do {                                \
		policy_cost_model(TICK_NS); \
		LOAD(__VA_ARGS__);          \
	} while (0)

void way_run(const struct way *w);
/* @prog is attached @hooks times, to @hook once: what a policy makes of it that forbids
 * @rule. NULL: to several hooks there.
 */
void way_existing(const char *rule, const char *hook, int prog_fd, __u32 hooks,
		  enum way_end end);
/* For detach(): it has returned @err. The policy may have been there before. */
void way_detached(int err);

/* attach() and detach() for what bpf_program__attach() knows. */
int way_attach(struct bpf_program *prog);
int way_keep(struct bpf_link *link); /* of attach(): 0 or -errno */
void way_unlink(void);
/* BPF_LINK_CREATE, for programs that are loaded without an attach type. */
int way_link_create(struct bpf_program *prog, int target,
		    enum bpf_attach_type type);
void way_close(void);
/* Some charges end after a grace period. */
void way_wait_free(void);
int way_fd(const char *prog);
/* Pins it there, whatever was there before. 0 or -errno. */
#define WAY_PIN "/sys/fs/bpf/policy_test"
int way_pin(struct bpf_program *prog);
/* Runs a command that attaches what is pinned there. 0, -EACCES: the policy denies it, or -EINVAL. */
int way_command(struct bpf_program *prog, const char *cmd);

#define WAY(name_, ...)                                    \
	static void name_(void)                            \
	{                                                  \
		static const struct way way = __VA_ARGS__; \
                                                           \
		way_run(&way);                             \
	}

#endif
