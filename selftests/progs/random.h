/* SPDX-License-Identifier: GPL-2.0 */
/* What the random programs and their driver share: map ".bss.rnd", one for all programs. */
#ifndef RANDOM_H
#define RANDOM_H

#define RND_TEXT 4096
#define RND_WORDS 511 /* what the bits iterator takes */
#define RND_BIG (1 << 20)
#define RND_COPY (RND_BIG / 2)
#define RND_EACH 4096 /* elements of the maps that are walked */
#define RND_HASH_ROOM (2 * RND_EACH) /* a callback may add to what it walks */
#define RND_TAILS 2 /* the program itself, and another one */
#define RND_RINGBUF (1 << 16)

struct rnd {
	/* Set before a run. */
	__u64 leave; /* each loop heeds it: the way out if the watchdog fails */
	__u64 deadline; /* the same, by the clock */
	__u64 zero; /* always 0, but the verifier does not know */
	__u64 many; /* turns of a loop that is to overrun */
	__u64 few;
	__u64 bad; /* an address that faults */
	__u64 armed; /* the next invocation goes beyond its first lines */
	__u64 cgroup_id;
	__u64 pid;
	__u32 tuple[3]; /* struct bpf_sock_tuple.ipv4 of a connection */
	__u32 unused;
	/* Set by the program. */
	__u64 started, finished;
	__u64 async_armed, async_started,
		async_finished; /* timers and work queues */
	__u64 tails; /* tail calls that were taken */
	__u64 steps;
	__u64 faults; /* loads that gave something: none does */
	__u64 words[RND_WORDS + 1];
	char text[RND_TEXT];
	char big[RND_BIG];
};

#endif
