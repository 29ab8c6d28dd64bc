/* SPDX-License-Identifier: GPL-2.0 */
/* A test for each way of attaching a program: allowed, denied, and given back. */
#ifndef POLICY_WAYS_H
#define POLICY_WAYS_H

#include "policy.h"
#include "policy_progs.skel.h"

struct way {
	const char *hook; /* as the kernel is to call it */
	const char *prog;
	const char *also; /* another program that attach() needs */
	/* 0 or -errno. */
	int (*attach)(struct bpf_program *prog);
	void (*detach)(void);
	bool for_good; /* it is charged until it is freed */
	bool by_command; /* another process attaches it */
	__u32 hooks; /* 0: one */
};

/* The skeleton, with nothing but the program of the way and @also to be loaded. */
extern struct policy_progs *ways;

void way_run(const struct way *w);

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

#define WAY(name_, ...)                                    \
	static void name_(void)                            \
	{                                                  \
		static const struct way way = __VA_ARGS__; \
                                                           \
		way_run(&way);                             \
	}

#endif
