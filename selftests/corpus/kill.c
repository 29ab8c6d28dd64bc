// SPDX-License-Identifier: GPL-2.0
/*
 * Ends a program at its k-th call for every k that it reaches, and anywhere: by
 * a budget that has passed whenever the timer looks, and on request of another
 * thread. A kill point is an invocation that was ended, as the kernel tells by
 * its event, with the number of the call and the address.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include "corpus/corpus.h"

#define EVERY_CALL 1000 /* one in fifty beyond */
#define MAX_CALL 1000000
#define SPARE_NS (50 * NSEC_PER_MSEC) /* longer invocations end by budget */

/* A set of numbers other than 0. */
struct set {
	__u64 *slots;
	size_t size, used; /* size is a power of two */
};

struct victim {
	struct drive *drive;
	int fd, pipe;
	__u32 id;
	__u32 call; /* that it is to be ended at, 0: anywhere */
	struct corpus_prog *row;
	struct set set;
	unsigned int ended; /* by the last reading of events */
};

static bool set_insert(__u64 *slots, size_t size, __u64 value)
{
	size_t i = value * 0x9E3779B97F4A7C15ULL >> 32;

	for (;; i++) {
		i &= size - 1;
		if (slots[i] == value)
			return false;
		if (!slots[i]) {
			slots[i] = value;
			return true;
		}
	}
}

static bool set_add(struct set *set, __u64 value)
{
	size_t i, size = set->size ? set->size * 2 : 1024;
	__u64 *slots;

	if (set->used * 2 >= set->size) {
		slots = calloc(size, sizeof(*slots));
		REQUIRE(slots, "no memory");
		for (i = 0; i < set->size; i++)
			if (set->slots[i])
				set_insert(slots, size, set->slots[i]);
		free(set->slots);
		set->slots = slots;
		set->size = size;
	}
	if (!set_insert(set->slots, set->size, value))
		return false;
	set->used++;
	return true;
}

static void on_line(struct victim *v, const char *line)
{
	const char *p = strstr(line, " terminate: ");
	char reason[16] = "";
	unsigned long long ip;
	unsigned int id;
	bool is_new;

	if (!p || sscanf(p, " terminate: prog_id=%u", &id) != 1 || id != v->id)
		return;
	line = strstr(p, " reason=");
	p = strstr(p, " ip=");
	if (!line || !p || sscanf(line, " reason=%15s", reason) != 1 ||
	    sscanf(p, " ip=%llx", &ip) != 1)
		return;
	/* It returned before it could be moved to its fast path. */
	if (!v->call && strstr(line, " commits=0 "))
		return;
	/* What is left to run is ended by its budget: no kill point of the sweep. */
	if (v->call && strcmp(reason, "request"))
		return;
	is_new = set_add(&v->set, (__u64)v->call << 32 | (__u32)ip);
	if (v->call) {
		v->row->at_calls++;
		v->row->at_calls_distinct += is_new;
	} else {
		v->row->anywhere++;
		v->row->anywhere_distinct += is_new;
	}
	v->ended++;
}

/*
 * Takes the events since the last time; returns how many were kill points. Not for
 * ever: a program that is attached to what this does causes events, too.
 */
static unsigned int read_events(struct victim *v)
{
	static char buf[65536];
	size_t have = 0, reads = 0;
	char *line, *end;
	ssize_t n;

	v->ended = 0;
	while (reads++ < 256 &&
	       (n = read(v->pipe, buf + have, sizeof(buf) - 1 - have)) > 0) {
		have += n;
		buf[have] = 0;
		for (line = buf; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			on_line(v, line);
		}
		have = strlen(line);
		memmove(buf, line, have);
		if (have == sizeof(buf) - 1)
			have = 0;
	}
	return v->ended;
}

static bool set_call(struct victim *v, __u32 call)
{
	v->call = call;
	return !wd_end_at(v->fd, call);
}

/* Ends it at every call, one way of running it, as far as the time allows. */
static void sweep(struct victim *v, unsigned int way, unsigned int ms)
{
	uint64_t deadline = now_ns() + ms * NSEC_PER_MSEC;
	unsigned int missed = 0;
	__u32 k;

	for (k = 1; k <= MAX_CALL; k += k < EVERY_CALL ? 1 : k / 50) {
		if (now_ns() > deadline) {
			v->row->cut_short = true;
			return;
		}
		if (!set_call(v, k))
			return;
		drive_run(v->drive, way, 1);
		/* What depends on time or chance may miss one. */
		missed = read_events(v) ? 0 : missed + 1;
		if (missed == 2)
			return;
	}
}

struct requester {
	int fd;
	volatile bool stop;
};

static void *request(void *arg)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	struct requester *r = arg;

	pin_to(0);
	while (!r->stop) {
		wd_command(r->fd, BPF_WD_END, 0);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Runs it for a while, all ways in turn, whoever ends it. */
static void run_for(struct victim *v, unsigned int ms)
{
	uint64_t end = now_ns() + ms * NSEC_PER_MSEC;
	unsigned int way = 0;

	do {
		drive_run(v->drive, way++ % drive_ways(v->drive), 200);
		read_events(v);
	} while (now_ns() < end);
}

static void anywhere(struct victim *v, unsigned int ms)
{
	struct requester r = { .fd = v->fd };
	pthread_t thread;

	v->call = 0;
	/* The timer may look at any time from then on. */
	wd_command(v->fd, BPF_WD_SET_BUDGET, 1);
	run_for(v, ms - ms / 4);
	wd_command(v->fd, BPF_WD_SET_BUDGET, SPARE_NS);
	if (!pthread_create(&thread, NULL, request, &r)) {
		run_for(v, ms / 4);
		r.stop = true;
		pthread_join(thread, NULL);
	}
}

void corpus_kill(const struct corpus_opts *opts, struct bpf_object *obj,
		 struct bpf_program *prog, struct corpus_prog *row)
{
	struct victim v = { .fd = bpf_program__fd(prog), .row = row };
	unsigned int round, way;

	v.id = prog_info(v.fd).id;
	wd_command(v.fd, BPF_WD_SET_BUDGET, SPARE_NS);
	corpus_count_runs();
	v.pipe = trace_pipe();
	v.drive = drive_open(prog, opts->attach);
	for (way = 0; way < drive_ways(v.drive); way++)
		drive_run(v.drive, way, 1);
	row->driven = prog_info(v.fd).run_cnt > 0;
	read_events(&v);

	/* Asking for its first call gives it an image, if it can have one. */
	if (row->driven && set_call(&v, MAX_CALL)) {
		for (round = 0; round < opts->rounds; round++) {
			corpus_seed(obj, round);
			for (way = 0; way < drive_ways(v.drive) &&
				      opts->kills & KILL_AT_CALLS;
			     way++)
				sweep(&v, way,
				      opts->sweep_ms / drive_ways(v.drive));
		}
		set_call(&v, 0);
		for (round = 0; round < opts->rounds; round++) {
			corpus_seed(obj, round);
			if (opts->kills & KILL_ANYWHERE && opts->anywhere_ms)
				anywhere(&v, opts->anywhere_ms);
		}
		wd_command(v.fd, BPF_WD_SET_BUDGET, SPARE_NS);
	}
	free(v.set.slots);
	drive_close(v.drive);
	close(v.pipe);
}
