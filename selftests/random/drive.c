// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and runs random programs, in processes of their own, a batch each. What a
 * program was found to be is one of: rejected by the verifier; "no", it cannot be ended,
 * said when it was loaded; through by itself; ended; or an exception to the promise.
 * The seed of the current program is in the kernel's log before it runs.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "progs/random.h"
#include "corpus/corpus.h"
#include "harness/log.h"
#include "harness/process.h"
#include "harness/stops.h"
#include "traffic/traffic.h"
#include "random/drive.h"

/* To begin and to end one takes as long as 50 programs and more. */
#define BATCH 250
#define BATCH_TIMEOUT_NS (120 * NSEC_PER_SEC)
/* A run that takes longer was not ended, however busy the host is. */
#define STALLED_NS (3 * NSEC_PER_SEC / 2)
/* Then it leaves by itself. */
#define LEAVE_NS (2 * NSEC_PER_SEC)
/* The same where nobody may be left to end it: in the deterministic VM seconds are long. */
#define ALONE_STALLED_NS (100 * NSEC_PER_MSEC)
#define ALONE_LEAVE_NS (150 * NSEC_PER_MSEC)
/* To take a program from its hook waits for grace periods of RCU: not longer than it must. */
#define EXPEDITED "/sys/kernel/rcu_expedited"
#define CGROUP_OWN CGROUP_ROOT "/bpfwd_random"

/* What the processes of the batches add to. */
struct progress {
	struct random_totals totals;
	__u64 seed; /* of the program that is being run */
	bool stop; /* after a failure that the next one would show again */
};

static struct progress *progress;

/* --- One program ----------------------------------------------------------------------------- */

struct run {
	const struct random_opts *opts;
	struct home home;
	struct home_state *state;
	struct hook_state *hooks;
	volatile struct rnd *rnd;
	volatile __u64
		since; /* when the run began, for the thread that ends it */
	struct program main, other;
	char why[200];
	__u64 took_ns, stop_ns;
	__u64 bound; /* of the time that it takes to stop */
	bool ended, overran, above, not_needed;
};

enum verdict { REJECTED, SAID_NO, CONDITIONAL, THROUGH, EXCEPTION };

/* A second program: it goes into the chain, replaces a function or watches one. */
struct company {
	int tails_fd, other_fd, link_fd;
};

static char verifier_log[1 << 20];

static int load_program(struct run *r, struct program *p, int target_fd,
			int tails_fd)
{
	int i, fd;

	for (i = 0; i < p->code.nr_insns; i++)
		if (p->code.insns[i].src_reg == BPF_PSEUDO_MAP_FD &&
		    p->code.insns[i].imm == TAILS_FD)
			p->code.insns[i].imm = tails_fd;
	if (p->code.full)
		return -E2BIG;
	fd = hook_load(r->hooks, p, &r->home, target_fd, NULL, 0);
	if (fd < 0 && verbose) {
		hook_load(r->hooks, p, &r->home, target_fd, verifier_log,
			  sizeof(verifier_log));
		diag("seed %llu, %s: %s; the log ends with:\n%s", p->seed,
		     hook_names[p->hook], strerror(-fd),
		     verifier_log + (strlen(verifier_log) > 1500 ?
					     strlen(verifier_log) - 1500 :
					     0));
	}
	return fd;
}

/*
 * How long it takes at most until an invocation of @p, loaded as @fd, has stopped. A tail call
 * may run anything, so the kernel gives no bound to a program that makes one. Here it is known
 * what runs then, and add_bound() adds that. So the bound of @p itself is that of the same
 * program with a call that asks for the time in place of each tail call. Not if a static
 * function makes one: its callers are left on the stack each time.
 */
static __u64 stop_bound(struct run *r, struct program *p, int fd, int target_fd)
{
	struct bpf_insn *insn = p->code.insns;
	__u64 bound = prog_info(fd).stop_bound_ns;
	int i, alike;

	if (!p->tails || p->kinds & 1ULL << KIND_tail_static)
		return bound;
	for (i = 0; i < p->code.nr_insns; i++)
		if (insn[i].code == (BPF_JMP | BPF_CALL) && !insn[i].src_reg &&
		    insn[i].imm == BPF_FUNC_tail_call)
			insn[i].imm = BPF_FUNC_ktime_get_ns;
	alike = hook_load(r->hooks, p, &r->home, target_fd, NULL, 0);
	if (alike < 0)
		return bound;
	bound = prog_info(alike).stop_bound_ns;
	close(alike);
	return bound;
}

/*
 * What runs in an invocation of the main program may be of the other one, too: the target of
 * a tail call, or what replaces a function.
 */
static void add_bound(struct run *r, struct program *p, int fd, int target_fd)
{
	__u64 more = fd < 0 ? 0 : stop_bound(r, p, fd, target_fd);

	r->bound = r->bound + more < more ? ~0ULL : r->bound + more;
}

static __u32 terminable(int fd)
{
	return prog_info(fd).terminable;
}

static bool said_no(int fd)
{
	return fd >= 0 && terminable(fd) >= BPF_TERMINABLE_NO_CLASSIC;
}

static void get_company(struct run *r, int main_fd, struct company *c)
{
	struct program *p = &r->main, *o = &r->other;
	__u32 key;

	if (p->tails) {
		key = 0;
		bpf_map_update_elem(c->tails_fd, &key, &main_fd, 0);
		gen_target(o, &r->home, p->seed, p->hook);
		c->other_fd = load_program(r, o, -1, c->tails_fd);
		key = 1;
		if (c->other_fd >= 0)
			bpf_map_update_elem(c->tails_fd, &key, &c->other_fd, 0);
		add_bound(r, o, c->other_fd, -1);
		code_free(&o->code);
	} else if (p->extends >= 0) {
		gen_extension(o, &r->home, p->seed, p->hook, p->extends);
		o->extends = p->extends;
		c->other_fd = load_program(r, o, main_fd, -1);
		if (c->other_fd >= 0)
			c->link_fd = bpf_raw_tracepoint_open(NULL, c->other_fd);
		add_bound(r, o, c->other_fd, main_fd);
		code_free(&o->code);
	} else if (p->fexit >= 0) {
		const struct bpf_insn nothing[] = {
			{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
			{ .code = BPF_JMP | BPF_EXIT },
		};
		LIBBPF_OPTS(bpf_prog_load_opts, opts,
			    .expected_attach_type = BPF_TRACE_FEXIT,
			    .attach_prog_fd = main_fd,
			    .attach_btf_id = p->fexit);

		c->other_fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "watches",
					    "GPL", nothing, 2, &opts);
		if (c->other_fd >= 0)
			c->link_fd = bpf_raw_tracepoint_open(NULL, c->other_fd);
	}
}

static void part(struct company *c)
{
	if (c->link_fd > 0)
		close(c->link_fd);
	if (c->other_fd >= 0)
		close(c->other_fd);
	if (c->tails_fd >= 0)
		close(c->tails_fd);
}

/*
 * Programs that count the objects do not run where another one is under way on such a hook:
 * the kernel's own guard against recursion.
 */
static bool counts_objects(enum random_hook hook)
{
	return hook != HOOK_perf_event && hook != HOOK_kprobe &&
	       hook != HOOK_tracepoint;
}

static bool is_through(void *arg)
{
	volatile struct rnd *rnd = arg;

	return !rnd->armed && rnd->async_finished >= rnd->async_started &&
	       (!rnd->async_armed || rnd->async_finished);
}

/*
 * Interrupts are off on the only CPU: no timer comes through, and no other CPU is left to send
 * an NMI. Loops that look at the clock end all the same; the rest may not, and says so.
 */
static bool is_alone(const struct run *r)
{
	return r->home.by_clock && r->main.hook == HOOK_perf_event;
}

static void fire(struct run *r, int fd)
{
	volatile struct rnd *rnd = r->rnd;
	__u64 start = now_ns();
	int err;

	rnd->leave = 0;
	rnd->deadline = start + (is_alone(r) ? ALONE_LEAVE_NS : LEAVE_NS);
	rnd->started = rnd->finished = rnd->tails = 0;
	rnd->async_armed = rnd->async_started = rnd->async_finished = 0;
	rnd->armed = 1;
	r->since = start;
	err = hook_fire(r->hooks, r->main.hook, fd);
	wait_until(is_through, (void *)rnd, 3 * NSEC_PER_SEC);
	/* Armed several times it fires once, or once more. */
	if (rnd->async_armed > 1) {
		usleep(2000);
		wait_until(is_through, (void *)rnd, 3 * NSEC_PER_SEC);
	}
	r->took_ns = now_ns() - start;
	r->since = 0;
	rnd->armed = 0;
	rnd->leave = 0;
	if (err)
		snprintf(r->why, sizeof(r->why), "the trigger failed: %s",
			 strerror(-err));
	else if (!rnd->started && !(r->main.kinds & 1ULL << KIND_extended_main))
		snprintf(r->why, sizeof(r->why), "it did not run");
}

static enum verdict judge(struct run *r, int fd)
{
	struct bpf_prog_info info = prog_info(fd);

	r->ended = info.terminations;
	r->overran = info.overruns || info.terminations;
	r->stop_ns = info.longest_stop_ns;
	r->above = r->stop_ns > r->bound;
	if (r->why[0])
		return EXCEPTION;
	if (r->took_ns > (is_alone(r) ? ALONE_STALLED_NS : STALLED_NS) &&
	    !(is_alone(r) && info.terminable == BPF_TERMINABLE_CONDITIONAL)) {
		snprintf(
			r->why, sizeof(r->why),
			"it was not ended: %.0f ms, terminable %u, %llu overruns, %llu terminations",
			r->took_ns / (double)NSEC_PER_MSEC, info.terminable,
			info.overruns, info.terminations);
		return EXCEPTION;
	}
	if (info.stuck_ends) {
		snprintf(r->why, sizeof(r->why),
			 "told as one that could not be stopped");
		return EXCEPTION;
	}
	if (r->above && time_is_exact()) {
		snprintf(r->why, sizeof(r->why),
			 "it took %llu ns to stop, and its bound is %llu ns",
			 r->stop_ns, r->bound);
		return EXCEPTION;
	}
	if (!home_check(r->state, r->main.kinds | r->other.kinds,
			counts_objects(r->main.hook), r->why, sizeof(r->why))) {
		progress->stop = true;
		return EXCEPTION;
	}
	return is_alone(r) && !r->ended && r->took_ns > ALONE_STALLED_NS ?
		       CONDITIONAL :
		       THROUGH;
}

/* Adds the time since @start, which becomes now. */
static void spent(__u64 *sum, __u64 *start)
{
	__u64 now = now_ns();

	*sum += now - *start;
	*start = now;
}

static enum verdict run_one(struct run *r, __u64 seed)
{
	struct random_totals *t = &progress->totals;
	struct company c = { -1, -1, -1 };
	__u64 start = now_ns();
	enum verdict v;
	int fd, link_fd = -1;

	r->why[0] = 0;
	r->took_ns = r->stop_ns = 0;
	r->ended = r->overran = r->above = r->not_needed = false;
	r->other.kinds = 0;
	r->other.endless = false;
	gen_main(&r->main, &r->home, seed);
	if (r->main.tails)
		c.tails_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "tails", 4,
					    4, RND_TAILS, NULL);
	fd = load_program(r, &r->main, -1, c.tails_fd);
	r->bound = 0;
	add_bound(r, &r->main, fd, -1);
	code_free(&r->main.code);
	spent(&t->load_ns, &start);
	if (fd < 0) {
		part(&c);
		return REJECTED;
	}
	r->not_needed = terminable(fd) == BPF_TERMINABLE_NOT_NEEDED;
	get_company(r, fd, &c);
	spent(&t->load_ns, &start);
	if (r->main.endless || r->other.endless) {
		/* Never run: it is to say so itself. */
		v = SAID_NO;
		if (!said_no(r->main.endless ? fd : c.other_fd) &&
		    (r->main.endless || c.other_fd >= 0)) {
			snprintf(
				r->why, sizeof(r->why),
				"it has no way out and says %u of \"terminable\"",
				terminable(r->main.endless ? fd : c.other_fd));
			v = EXCEPTION;
		}
	} else if (said_no(fd) || said_no(c.other_fd)) {
		snprintf(r->why, sizeof(r->why),
			 "it says no (%u, %u), but can be ended by its making",
			 terminable(fd),
			 c.other_fd >= 0 ? terminable(c.other_fd) : 0);
		v = EXCEPTION;
	} else {
		home_prepare(r->state, r->main.kinds | r->other.kinds);
		link_fd = hook_attach(r->hooks, r->main.hook, fd);
		if (link_fd < 0)
			snprintf(r->why, sizeof(r->why), "not attached: %s",
				 strerror(-link_fd));
		else
			fire(r, fd);
		spent(&t->run_ns, &start);
		v = judge(r, fd);
	}
	if (link_fd > 0)
		hook_detach(r->hooks, r->main.hook, link_fd);
	part(&c);
	close(fd);
	spent(&t->check_ns, &start);
	return v;
}

static void add(struct kind_totals *t, const struct run *r, enum verdict v)
{
	t->programs++;
	t->accepted += v != REJECTED;
	t->overran += r->overran;
	t->ended += r->ended;
	t->said_no += v == SAID_NO;
	t->conditional += v == CONDITIONAL;
	t->exceptions += v == EXCEPTION;
	if (r->stop_ns > t->longest_stop_ns)
		t->longest_stop_ns = r->stop_ns;
}

static void account(const struct run *r, enum verdict v)
{
	struct random_totals *t = &progress->totals;
	struct kind_totals sum = {};
	__u64 kinds = r->main.kinds | r->other.kinds;
	int i;

	add(&sum, r, v);
	t->programs++;
	t->accepted += sum.accepted;
	t->not_needed += r->not_needed;
	t->overran += sum.overran;
	t->ended += sum.ended;
	t->said_no += sum.said_no;
	t->conditional += sum.conditional;
	t->exceptions += sum.exceptions;
	t->stop_over_bound += r->above;
	add(&t->hooks[r->main.hook], r, v);
	for (i = 0; i < NR_KINDS; i++)
		if (kinds & 1ULL << i)
			add(&t->kinds[i], r, v);
	if (v == EXCEPTION) {
		diag("seed %llu, %s: %s", r->main.seed,
		     hook_names[r->main.hook], r->why);
		progress->stop |= r->opts->first;
	} else if (verbose && v != REJECTED)
		diag("seed %llu, %s: %s, %.1f ms", r->main.seed,
		     hook_names[r->main.hook],
		     v == SAID_NO     ? "said no" :
		     v == CONDITIONAL ? "conditional" :
		     r->ended	      ? "ended" :
					"through",
		     r->took_ns / (double)NSEC_PER_MSEC);
}

/* --- Batches --------------------------------------------------------------------------------- */

/* On CPU 0: lets go what was not ended. */
static void *let_go(void *arg)
{
	struct run *r = arg;

	pin_to(0);
	for (;;) {
		__u64 since = r->since;

		/* A fast path takes every clock for 0. */
		if (since && now_ns() > since + LEAVE_NS) {
			r->rnd->leave = 1;
			r->rnd->deadline = 0;
		}
		usleep(20000);
	}
	return NULL;
}

static void run_batch(const struct random_opts *opts, __u64 seed,
		      unsigned int n)
{
	static struct run r;
	pthread_t thread;
	char name[60];
	unsigned int i;

	r.opts = opts;
	r.state = home_open(&r.home);
	r.rnd = home_rnd(r.state);
	r.hooks = hooks_open();
	REQUIRE(!pthread_create(&thread, NULL, let_go, &r), "no thread");
	for (i = 0; i < n && !progress->stop; i++) {
		progress->seed = seed + i;
		snprintf(name, sizeof(name), "random seed %llu", seed + i);
		log_name(name);
		account(&r, run_one(&r, seed + i));
	}
	fflush(stdout);
	_exit(nr_failures ? TEST_FAIL : TEST_PASS);
}

/* A process that hangs or dies takes its batch's rest with it. */
static void supervise_batch(pid_t pid)
{
	__u64 last = 0, since = now_ns();
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (progress->seed != last) {
			last = progress->seed;
			since = now_ns();
		}
		if (now_ns() - since > BATCH_TIMEOUT_NS)
			kill(pid, SIGKILL);
		usleep(10000);
	}
	if (status) {
		diag("seed %llu: the process that ran it ended with status %#x",
		     progress->seed, status);
		progress->totals.exceptions++;
	}
}

void random_run(const struct random_opts *opts, struct random_totals *totals)
{
	unsigned int i, n;
	pid_t pid;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(progress != MAP_FAILED, "mmap: %m");
	cgroup_mount();
	mkdir(CGROUP_OWN, 0700);
	kmemleak(false);
	wd_enable(opts->budget_us);
	log_quiet(true);
	file_write(EXPEDITED, "1");
	pin_to(0);
	for (i = 0; i < opts->programs; i += n) {
		n = opts->programs - i < BATCH ? opts->programs - i : BATCH;
		fflush(stdout);
		progress->stop = false;
		pid = fork();
		REQUIRE(pid >= 0, "fork: %m");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pin_to(last_cpu());
			run_batch(opts, opts->seed + i, n);
		}
		supervise_batch(pid);
		/* The rest of it is for another process. */
		if (progress->stop)
			n = progress->seed + 1 - (opts->seed + i);
		/* Before it is overwritten. */
		if (log_scan()) {
			diag("between the seeds %llu and %llu", opts->seed + i,
			     opts->seed + i + n - 1);
			progress->totals.exceptions++;
		}
		if (opts->first && progress->totals.exceptions)
			break;
	}
	file_write(EXPEDITED, "0");
	log_quiet(false);
	*totals = progress->totals;
	CHECK(!kmemleak(true), "memory is lost");
	CHECK(!rmdir(CGROUP_OWN), CGROUP_OWN ": %m");
}

/* --- Results --------------------------------------------------------------------------------- */

static void print_row(const char *name, const struct kind_totals *t)
{
	if (!t->programs)
		return;
	diag("%-14s %8u %8u %8u %8u %8u %11u %10u %9.1f", name, t->programs,
	     t->accepted, t->overran, t->ended, t->said_no, t->conditional,
	     t->exceptions, t->longest_stop_ns / 1000.0);
}

void random_print(const struct random_opts *opts, const struct random_totals *t)
{
	struct kind_totals all = { t->programs,	 t->accepted, t->overran,
				   t->ended,	 t->said_no,  t->conditional,
				   t->exceptions };
	FILE *f;
	int i;

	diag("%-14s %8s %8s %8s %8s %8s %11s %10s %9s", "", "programs",
	     "accepted", "overran", "ended", "said no", "conditional",
	     "exceptions", "stop us");
	for (i = 0; i < NR_HOOKS; i++)
		print_row(hook_names[i], &t->hooks[i]);
	for (i = 0; i < NR_KINDS; i++)
		print_row(kind_names[i], &t->kinds[i]);
	print_row("all", &all);
	diag("seeds %llu to %llu, %u need no image, %u stopped later than their bound",
	     opts->seed, opts->seed + opts->programs - 1, t->not_needed,
	     t->stop_over_bound);
	diag("%.1f s to load, %.1f s to run, %.1f s to look what is left",
	     t->load_ns / 1e9, t->run_ns / 1e9, t->check_ns / 1e9);
	if (!opts->json)
		return;
	f = fopen(opts->json, "we");
	REQUIRE(f, "%s: %m", opts->json);
	fprintf(f,
		"{\"seed\":%llu,\"programs\":%u,\"accepted\":%u,\"overran\":%u,\"ended\":%u,\"said_no\":%u,\"conditional\":%u,\"exceptions\":%u,\"stop_over_bound\":%u}\n",
		opts->seed, t->programs, t->accepted, t->overran, t->ended,
		t->said_no, t->conditional, t->exceptions, t->stop_over_bound);
	fclose(f);
}

int random_main(const struct random_opts *opts)
{
	struct random_totals totals;
	int bad;

	log_mark("random");
	prepare_process();
	random_run(opts, &totals);
	random_print(opts, &totals);
	wd_reset();
	bad = log_scan();
	return totals.exceptions || bad || nr_failures ? TEST_FAIL : TEST_PASS;
}
