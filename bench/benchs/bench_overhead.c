// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions per invocation on each entry path, per kernel and switch.
 *
 * Under `-icount shift=0` the guest's TSC counts guest instructions, so two
 * reads of it around n invocations give an exact count, if nothing else ran.
 * What else runs is the scheduler's tick (4 ms) and the watchdog's (1 ms).
 * Therefore: runs shorter than a tick, many of them, and the minimum; and the
 * difference of two lengths, which cancels the system call and the set-up:
 *
 *	figure = (min T(n2) - min T(n1)) / (n2 - n1)
 *
 * It is exact to the instruction. The loop around the program is in it (about
 * 60 instructions in BPF_PROG_TEST_RUN), the same one in every column, so the
 * columns' differences are the entry path's alone. What the ticks cost on top
 * shows in `mean`, the kernel's own mean over a million runs.
 *
 * Paths that hang off another event are driven by a cheap system call, and the
 * same loop with one program less attached is subtracted. Where the first
 * program on an event switches on more than itself (the slow system call path
 * for the tracepoints, the cgroup hooks), the base line has programs attached.
 *
 * Sparse programs begin less than once in a period. There nothing of what the
 * watchdog does is shared with other runs, so all interrupts count: the time in
 * between is spent in a loop of known length, and there is one CPU. What another
 * CPU takes that watches this one is not counted: with interrupts on none is
 * asked, as selftests/prog_tests/buddy.c counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"
#include "overhead.skel.h"

/*
 * So many instructions between two runs are more than two periods of the watchdog, so its timer has
 * expired. So many runs take 9 ticks of 4 ms, which is the same with the program and without.
 */
#define SPARSE_INSNS 2250000
#define SPARSE_RUNS 16

#define NR_OBJS 3 /* a path may have 2 programs in its base line */

enum drive {
	DRV_REPEAT,
	DRV_DURATION,
	DRV_TEST_RUN,
	DRV_GETPGID,
	DRV_GETPPID,
	DRV_GETSOCKOPT,
	DRV_TIMER,
	DRV_SPARSE
};

static const struct path {
	const char *name; /* row */
	const char *prog; /* in overhead.bpf.c */
	enum drive drive;
	int base; /* programs attached in the base line; -1: none to subtract */
	const char *what;
} paths[] = {
	{ "socket_filter", "socket_filter", DRV_REPEAT, -1,
	  "empty, BPF_PROG_TEST_RUN loop included" },
	{ "socket_loop", "socket_loop", DRV_REPEAT, -1,
	  "can overrun: bpf_loop() of 0 iterations, loop included" },
	{ "xdp", "on_xdp", DRV_DURATION, -1,
	  "empty, BPF_PROG_TEST_RUN loop included; kernel's own clock" },
	{ "tc", "on_tc", DRV_REPEAT, -1,
	  "empty, BPF_PROG_TEST_RUN loop included" },
	{ "flow_dissector", "on_flow_dissector", DRV_REPEAT, -1,
	  "empty, BPF_PROG_TEST_RUN loop included" },
	{ "fentry", "fentry", DRV_GETPGID, 0,
	  "trampoline and program, on getpgid()" },
	{ "fexit", "fexit", DRV_GETPGID, 0,
	  "trampoline and program, on getpgid()" },
	{ "fentry_s", "fentry_s", DRV_GETPGID, 0,
	  "sleepable trampoline and program, on getpgid()" },
	{ "lsm", "lsm", DRV_GETPGID, 0,
	  "trampoline and program, on task_getpgid" },
	{ "kprobe", "kprobe", DRV_GETPGID, 0,
	  "ftrace-based kprobe and program, on getpgid()" },
	{ "tracepoint", "tracepoint", DRV_GETPGID, 1,
	  "second program on sys_enter_getpgid" },
	{ "raw_tp", "raw_tp", DRV_GETPPID, 2, "third program on sys_enter" },
	{ "cgroup", "cgroup", DRV_GETSOCKOPT, 1,
	  "second program on getsockopt()" },
	{ "syscall", "syscall_prog", DRV_TEST_RUN, -1,
	  "one whole bpf() call, sleepable" },
	{ "timer", "timer", DRV_TIMER, -1,
	  "bpf_timer callback, softirq loop included" },
	{ "sparse", "fentry", DRV_SPARSE, 0,
	  "fentry, one run in two periods, interrupts included" },
	{ "sparse_loop", "fentry_loop", DRV_SPARSE, 0,
	  "the same, can overrun: bpf_loop() of 0 iterations" },
};

static const struct mode {
	const char *name;
	bool stats, wd;
} modes[] = {
	{ "off", false, false },
	{ "stats", true, false },
	{ "on", false, true },
	{ "on_stats", true, true },
};

struct ctx {
	struct overhead_bpf *obj[NR_OBJS];
	int prog_fd;
	int pid, sock, cgroup_fd;
	double *a, *b; /* samples */
};

/* Executes n instructions. */
static void spin(long n)
{
	n /= 2;
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
}

/* Ticks per instruction by a loop whose length is known; 1 under icount. */
static double ticks_per_insn(void)
{
	const long n = 100000;
	double best = 0, d;
	__u64 t;
	long i;

	for (i = 0; i < 20; i++) {
		t = rdtsc();
		spin(2 * n);
		d = rdtsc() - t;
		if (!i || d < best)
			best = d;
	}
	return best / (2 * n);
}

static int overhead_validate(const struct run_opts *o)
{
	double tpi = ticks_per_insn();

	if (o->any_clock || fabs(tpi - 1) < 0.001)
		return 0;
	warn_f("the TSC makes %.3f ticks per instruction: run it in the VM with ICOUNT=1, or -a for ticks",
	       tpi);
	return -EINVAL;
}

/* One sample: ticks for n invocations (or events), negative on error. */
static double drive(struct ctx *c, enum drive how, long n)
{
	socklen_t len;
	int err = 0, val;
	__u64 t;
	long i;

	t = rdtsc();
	switch (how) {
	case DRV_REPEAT:
		err = test_run(c->prog_fd, false, n, NULL);
		break;
	case DRV_TEST_RUN:
		for (i = 0; i < n && !err; i++)
			err = test_run(c->prog_fd, true, 0, NULL);
		break;
	case DRV_GETPGID:
		for (i = 0; i < n; i++)
			syscall(SYS_getpgid, c->pid);
		break;
	case DRV_GETPPID:
		for (i = 0; i < n; i++)
			syscall(SYS_getppid);
		break;
	case DRV_GETSOCKOPT:
		for (i = 0; i < n; i++) {
			len = sizeof(val);
			getsockopt(c->sock, SOL_SOCKET, SO_TYPE, &val, &len);
		}
		break;
	case DRV_SPARSE:
		for (i = 0; i < n; i++) {
			syscall(SYS_getpgid, c->pid);
			spin(SPARSE_INSNS);
		}
		break;
	case DRV_DURATION:
	case DRV_TIMER:
		break; /* measured from within */
	}
	t = rdtsc() - t;
	return err ? err : (double)t;
}

/* Per invocation: by minima (exact), and by medians (a check on it). */
static int per_op(struct ctx *c, enum drive how, long samples, double *exact,
		  double *median)
{
	long n1 = how == DRV_REPEAT ? 64 :
		  how == DRV_SPARSE ? 0 :
				      32,
	     n2 = n1 + (how == DRV_REPEAT ? 1024 :
			how == DRV_SPARSE ? SPARSE_RUNS :
					    256);
	struct dist a, b;
	long s;

	drive(c, how, n1); /* first touch of code and data */
	for (s = 0; s < samples; s++) {
		c->a[s] = drive(c, how, n1);
		c->b[s] = drive(c, how, n2);
		if (c->a[s] < 0 || c->b[s] < 0)
			return c->a[s] < 0 ? c->a[s] : c->b[s];
	}
	a = dist_of(c->a, samples);
	b = dist_of(c->b, samples);
	*exact = (b.min - a.min) / (n2 - n1);
	*median = (b.p50 - a.p50) / (n2 - n1);
	return 0;
}

/*
 * A test run of XDP rebuilds its dispatcher, which takes milliseconds and never
 * the same. The kernel's own mean leaves that out; it is rounded down to whole
 * ns, and the count is whole, so what its clock costs (50 instructions in 2000
 * runs) falls off.
 */
static int per_duration(struct ctx *c, long samples, double *exact,
			double *median)
{
	struct dist d;
	__u32 ns;
	long s;
	int err;

	for (s = 0; s < samples; s++) {
		err = test_run(c->prog_fd, false, 2000, &ns);
		if (err)
			return err;
		c->a[s] = ns;
	}
	d = dist_of(c->a, samples);
	*exact = d.min;
	*median = d.p50;
	return 0;
}

/* The timers of one softirq; ktime counts instructions too. */
static int per_timer(struct ctx *c, long samples, double *exact, double *median)
{
	struct overhead_bpf *obj = c->obj[0];
	int n = ARRAY_SIZE(obj->bss->fired_ns), err;
	volatile __u32 *fired = &obj->bss->fired;
	struct dist d;
	__u64 end;
	long s;

	for (s = 0; s < samples; s++) {
		err = test_run(c->prog_fd, true, 0, NULL);
		if (err)
			return err;
		end = now_ns() + 1000000000;
		while (*fired < (__u32)n && now_ns() < end)
			;
		if (*fired != (__u32)n)
			return -ETIMEDOUT;
		c->a[s] = (double)(obj->bss->fired_ns[n - 1] -
				   obj->bss->fired_ns[0]) /
			  (n - 1);
	}
	d = dist_of(c->a, samples);
	*exact = d.min;
	*median = d.p50;
	return 0;
}

static int overhead_attach(struct ctx *c, const struct path *p, int from,
			   int to, struct bpf_link **links)
{
	struct bpf_program *prog;
	int i;

	for (i = from; i < to; i++) {
		prog = bpf_object__find_program_by_name(c->obj[i]->obj,
							p->prog);
		if (p->drive == DRV_GETSOCKOPT)
			links[i] =
				bpf_program__attach_cgroup(prog, c->cgroup_fd);
		else
			links[i] = bpf_program__attach(prog);
		if (!links[i])
			return -errno;
	}
	return 0;
}

static int overhead_measure(struct ctx *c, const struct path *p,
			    const struct run_opts *o, double *exact,
			    double *median, double *mean)
{
	struct bpf_link *links[NR_OBJS] = {};
	double base, base_median;
	__u32 ns;
	int err, i;

	c->prog_fd = bpf_program__fd(
		bpf_object__find_program_by_name(c->obj[0]->obj, p->prog));
	*mean = NAN;
	if (p->drive == DRV_TIMER)
		return per_timer(c, o->samples, exact, median);
	if (p->base < 0) {
		if (p->drive == DRV_DURATION)
			err = per_duration(c, o->samples, exact, median);
		else
			err = per_op(c, p->drive, o->samples, exact, median);
		if (!err &&
		    (p->drive == DRV_REPEAT || p->drive == DRV_DURATION)) {
			err = test_run(c->prog_fd, false, o->count ?: 1000000,
				       &ns);
			*mean = ns;
		}
		return err;
	}
	err = overhead_attach(c, p, 0, p->base, links);
	if (!err)
		err = per_op(c, p->drive, o->samples, &base, &base_median);
	if (!err)
		err = overhead_attach(c, p, p->base, p->base + 1, links);
	if (!err)
		err = per_op(c, p->drive, o->samples, exact, median);
	*exact -= base;
	*median -= base_median;
	for (i = NR_OBJS - 1; i >= 0; i--)
		bpf_link__destroy(links[i]);
	return err;
}

static int set_mode(const struct mode *m, int *stats_fd)
{
	int err = 0;

	if (*stats_fd >= 0)
		close(*stats_fd);
	*stats_fd = -1;
	if (wd_present())
		err = wd_sysctl("bpf_watchdog", m->wd);
	if (!err && m->stats) {
		*stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
		err = *stats_fd < 0 ? *stats_fd : 0;
	}
	return err;
}

static int setup(struct ctx *c, long samples)
{
	const char *dir = "/sys/fs/cgroup";
	cpu_set_t cpus;
	int i, err;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	c->pid = getpid();
	c->a = calloc(samples, sizeof(*c->a));
	c->b = calloc(samples, sizeof(*c->b));
	c->sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK))
		mount("none", dir, "cgroup2", 0, NULL);
	c->cgroup_fd = open(dir, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < NR_OBJS; i++) {
		struct bpf_program *prog;

		c->obj[i] = overhead_bpf__open();
		if (!c->obj[i])
			return -errno;
		/* the further ones serve the base lines only */
		bpf_object__for_each_program(prog, c->obj[i]->obj) {
			const char *name = bpf_program__name(prog);
			size_t p;

			for (p = 0; i && p < ARRAY_SIZE(paths); p++)
				if (!strcmp(paths[p].prog, name) &&
				    paths[p].base < i)
					bpf_program__set_autoload(prog, false);
		}
		err = overhead_bpf__load(c->obj[i]);
		if (err) {
			warn_f("cannot load overhead.bpf.o: %s; BENCH_VERBOSE=1 shows libbpf's words",
			       strerror(-err));
			return err;
		}
	}
	return 0;
}

static void put(FILE *f, double v)
{
	if (isnan(v))
		fputc(',', f);
	else
		fprintf(f, ",%.4f", v);
}

static int overhead_run(const struct run_opts *o)
{
	int stats_fd = -1, err, failed = 0;
	double exact, median, mean;
	struct ctx c = {};
	size_t m, p;
	int i;

	err = o->samples > 0 ? setup(&c, o->samples) : -EINVAL;
	if (err)
		goto out;
	fprintf(o->out, "# ticks_per_insn: %.4f\n", ticks_per_insn());
	fputs("round,kernel,mode,path,insns,median,mean\n", o->out);
	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		if (modes[m].wd && !wd_present())
			continue;
		err = set_mode(&modes[m], &stats_fd);
		if (err) {
			warn_f("cannot switch to '%s': %s", modes[m].name,
			       strerror(-err));
			goto out;
		}
		for (p = 0; p < ARRAY_SIZE(paths); p++) {
			if (fnmatch(o->filter, paths[p].name, 0))
				continue;
			err = overhead_measure(&c, &paths[p], o, &exact,
					       &median, &mean);
			if (err) {
				warn_f("%s, %s: %s", paths[p].name,
				       modes[m].name, strerror(-err));
				failed = err;
				continue;
			}
			fprintf(o->out, "%d,%s,%s,%s", o->round, o->label,
				modes[m].name, paths[p].name);
			put(o->out, exact);
			put(o->out, median);
			put(o->out, mean);
			fputc('\n', o->out);
			fflush(o->out);
			fprintf(stderr, "  %-10s %-9s %-16s %10.2f\n", o->label,
				modes[m].name, paths[p].name, exact);
		}
	}
	err = failed;
out:
	set_mode(&modes[0], &stats_fd);
	for (i = 0; i < NR_OBJS; i++)
		overhead_bpf__destroy(c.obj[i]);
	return err;
}

/* --- table --- */

/* columns of the summary: which kernel in which mode */
static const struct column {
	const char *name, *kernel, *mode;
} columns[] = {
	{ "vanilla", "vanilla", "off" },
	{ "off", "patched", "off" },
	{ "vanilla_stats", "vanilla", "stats" },
	{ "stats", "patched", "stats" },
	{ "on", "patched", "on" },
	{ "on_stats", "patched", "on_stats" },
};

enum {
	COL_VANILLA,
	COL_OFF,
	COL_VANILLA_STATS,
	COL_STATS,
	COL_ON,
	COL_ON_STATS,
	NR_COLS
};

struct row {
	struct dist d[NR_COLS], mean[NR_COLS];
};

static struct row overhead_fold(const struct csv *raw, const char *path)
{
	int ck = csv__col(raw, "kernel"), cm = csv__col(raw, "mode"),
	    cp = csv__col(raw, "path");
	int ci = csv__col(raw, "insns"), cn = csv__col(raw, "mean");
	double *v = calloc(csv__rows(raw), sizeof(*v)),
	       *w = calloc(csv__rows(raw), sizeof(*w));
	struct row row = {};
	size_t i, n, nw, k;

	for (k = 0; k < NR_COLS; k++) {
		for (i = n = nw = 0; i < csv__rows(raw); i++) {
			if (strcmp(csv__str(raw, i, cp), path) ||
			    strcmp(csv__str(raw, i, ck), columns[k].kernel) ||
			    strcmp(csv__str(raw, i, cm), columns[k].mode))
				continue;
			n += csv__num(raw, i, ci, &v[n]);
			nw += csv__num(raw, i, cn, &w[nw]);
		}
		row.d[k] = dist_of(v, n);
		row.mean[k] = dist_of(w, nw);
	}
	free(v);
	free(w);
	return row;
}

static void overhead_cell(const struct dist *d, int width)
{
	if (d->n)
		printf(" %*.*f", width,
		       fabs(d->p50 - round(d->p50)) < 0.005 ? 0 : 2, d->p50);
	else
		printf(" %*s", width, "-");
}

/* a minus b; false if one of them was not measured */
static bool delta(const struct row *r, int a, int b, double *d)
{
	if (!r->d[a].n || !r->d[b].n)
		return false;
	*d = r->d[a].p50 - r->d[b].p50;
	/* below what minima can resolve: ktime's rounding in T(n) */
	if (fabs(*d) < 0.02)
		*d = 0;
	return true;
}

static void delta_cell(const struct row *r, int a, int b, int width)
{
	double d;

	if (delta(r, a, b, &d))
		printf(" %+*.*f", width, fabs(d - round(d)) < 0.02 ? 0 : 2, d);
	else
		printf(" %*s", width, "-");
}

static int overhead_table(const struct table_opts *o)
{
	double d, worst_off = 0, worst_on = -INFINITY, worst_more = -INFINITY,
		  worst_stats = -INFINITY, worst_short = -INFINITY,
		  worst_sparse = -INFINITY, spread = 0;
	size_t have_off = 0, have_on = 0, have_more = 0, have_stats = 0,
	       have_short = 0, have_sparse = 0, p, k, rounds = 0;
	struct row rows[ARRAY_SIZE(paths)];
	char what[128];

	for (p = 0; p < ARRAY_SIZE(paths); p++) {
		rows[p] = overhead_fold(o->raw, paths[p].name);
		for (k = 0; k < NR_COLS; k++) {
			if (!rows[p].d[k].n)
				continue;
			if (rows[p].d[k].n > rounds)
				rounds = rows[p].d[k].n;
			/* interrupts are in these, and not the same ones */
			if (paths[p].drive == DRV_SPARSE)
				continue;
			if (rows[p].d[k].max - rows[p].d[k].min > spread)
				spread = rows[p].d[k].max - rows[p].d[k].min;
		}
		if (paths[p].drive == DRV_SPARSE) {
			bool loops = strcmp(paths[p].prog, "fentry");

			/* without a vanilla kernel, off is what it is compared with */
			if (!delta(&rows[p], COL_ON, COL_VANILLA, &d) &&
			    !delta(&rows[p], COL_ON, COL_OFF, &d))
				continue;
			if (loops) {
				have_sparse++;
				worst_sparse = fmax(worst_sparse, d);
			} else {
				have_short++;
				worst_short = fmax(worst_short, d);
			}
			continue;
		}
		if (delta(&rows[p], COL_OFF, COL_VANILLA, &d)) {
			worst_off = have_off++ ? fmax(worst_off, d) : d;
		}
		if (delta(&rows[p], COL_ON, COL_VANILLA, &d)) {
			have_on++;
			worst_on = fmax(worst_on, d);
		}
		if (delta(&rows[p], COL_ON_STATS, COL_STATS, &d)) {
			have_more++;
			worst_more = fmax(worst_more, d);
		}
		if (delta(&rows[p], COL_STATS, COL_VANILLA_STATS, &d)) {
			have_stats++;
			worst_stats = fmax(worst_stats, d);
		}
	}

	printf("\noverhead: guest instructions per invocation (median of %zu rounds)\n\n",
	       rounds);
	printf("  %-15s %9s %9s %8s %9s %8s | %9s %9s %8s %9s %8s\n", "path",
	       "vanilla", "off", "off-van", "on", "on-van", "van+stats",
	       "stats", "st-vst", "on+stats", "ons-st");
	for (p = 0; p < ARRAY_SIZE(paths); p++) {
		printf("  %-15s", paths[p].name);
		overhead_cell(&rows[p].d[COL_VANILLA], 9);
		overhead_cell(&rows[p].d[COL_OFF], 9);
		delta_cell(&rows[p], COL_OFF, COL_VANILLA, 8);
		overhead_cell(&rows[p].d[COL_ON], 9);
		delta_cell(&rows[p], COL_ON, COL_VANILLA, 8);
		printf(" |");
		overhead_cell(&rows[p].d[COL_VANILLA_STATS], 9);
		overhead_cell(&rows[p].d[COL_STATS], 9);
		delta_cell(&rows[p], COL_STATS, COL_VANILLA_STATS, 8);
		overhead_cell(&rows[p].d[COL_ON_STATS], 9);
		delta_cell(&rows[p], COL_ON_STATS, COL_STATS, 8);
		putchar('\n');
	}
	printf("\n  mean over 10^6 runs, ticks and timers included (BPF_PROG_TEST_RUN's duration, whole ns)\n");
	for (p = 0; p < ARRAY_SIZE(paths); p++) {
		if (paths[p].drive != DRV_REPEAT &&
		    paths[p].drive != DRV_DURATION)
			continue;
		printf("  %-15s", paths[p].name);
		for (k = 0; k < NR_COLS; k++) {
			printf("  %s", columns[k].name);
			overhead_cell(&rows[p].mean[k], 0);
		}
		putchar('\n');
	}
	printf("\n  vst: vanilla kernel with bpf_stats. Each figure is the difference of two run lengths, each the minimum of\n"
	       "  many runs shorter than a tick, so no interrupt is in it. Rows:\n");
	for (p = 0; p < ARRAY_SIZE(paths); p++)
		printf("    %-15s %s\n", paths[p].name, paths[p].what);
	printf("\n  largest difference between rounds: %.4f instructions%s\n\n",
	       spread, spread < 0.02 ? " (identical)" : "");
	snprintf(what, sizeof(what),
		 "off: extra instructions, worst of %zu paths", have_off);
	target_line(what, "<= 0", have_off, worst_off <= 0, "%+.2f", worst_off);
	snprintf(what, sizeof(what),
		 "on: beyond everything off, worst of %zu paths", have_on);
	target_line(what, "<= 10", have_on, worst_on <= 10.02, "%+.2f",
		    worst_on);
	snprintf(what, sizeof(what),
		 "on: beyond bpf_stats where they are on, worst of %zu paths",
		 have_more);
	target_line(what, "<= 8", have_more, worst_more <= 8.02, "%+.2f",
		    worst_more);
	snprintf(what, sizeof(what),
		 "bpf_stats only: beyond vanilla, worst of %zu paths",
		 have_stats);
	target_line(what, NULL, have_stats, true, "%+.2f", worst_stats);
	target_line("sparse: beyond everything off, short by structure",
		    "<= 300", have_short, worst_short <= 300, "%+.0f",
		    worst_short);
	target_line("sparse: the same, can overrun: it has its timer", "<= 300",
		    have_sparse, worst_sparse <= 300, "%+.0f", worst_sparse);
	puts("\nenvironment");
	print_env(o->raw);

	if (o->csv) {
		fputs("path", o->csv);
		for (k = 0; k < NR_COLS; k++)
			fprintf(o->csv, ",%s", columns[k].name);
		for (k = 0; k < NR_COLS; k++)
			fprintf(o->csv, ",%s_spread", columns[k].name);
		for (k = 0; k < NR_COLS; k++)
			fprintf(o->csv, ",%s_mean", columns[k].name);
		fputc('\n', o->csv);
		for (p = 0; p < ARRAY_SIZE(paths); p++) {
			fprintf(o->csv, "%s", paths[p].name);
			for (k = 0; k < NR_COLS; k++)
				put(o->csv,
				    rows[p].d[k].n ? rows[p].d[k].p50 : NAN);
			for (k = 0; k < NR_COLS; k++)
				put(o->csv, rows[p].d[k].n ?
						    rows[p].d[k].max -
							    rows[p].d[k].min :
						    NAN);
			for (k = 0; k < NR_COLS; k++)
				put(o->csv, rows[p].mean[k].n ?
						    rows[p].mean[k].p50 :
						    NAN);
			fputc('\n', o->csv);
		}
	}
	if (!o->json)
		return 0;
	fputs("{\n  ", o->json);
	json_env(o->json, o->raw);
	fprintf(o->json,
		",\n  \"unit\": \"guest instructions per invocation\",\n  \"rounds\": %zu,\n  \"spread\": ",
		rounds);
	json_num(o->json, rounds, spread);
	fputs(",\n  \"rows\": [", o->json);
	for (p = 0; p < ARRAY_SIZE(paths); p++) {
		fputs(p ? ",\n    {\"path\": " : "\n    {\"path\": ", o->json);
		json_str(o->json, paths[p].name);
		for (k = 0; k < NR_COLS; k++) {
			fprintf(o->json, ", \"%s\": ", columns[k].name);
			json_num(o->json, rows[p].d[k].n, rows[p].d[k].p50);
		}
		fputc('}', o->json);
	}
	fputs("\n  ],\n  \"targets\": [\n    {\"name\": \"off_extra\", \"limit\": 0, \"value\": ",
	      o->json);
	json_num(o->json, have_off, worst_off);
	fputs("},\n    {\"name\": \"on_beyond_stats\", \"limit\": 15, \"value\": ",
	      o->json);
	json_num(o->json, have_on, worst_on);
	fputs("},\n    {\"name\": \"sparse_short\", \"limit\": 300, \"value\": ",
	      o->json);
	json_num(o->json, have_short, worst_short);
	fputs("},\n    {\"name\": \"sparse_loop\", \"limit\": 300, \"value\": ",
	      o->json);
	json_num(o->json, have_sparse, worst_sparse);
	fputs("}\n  ]\n}\n", o->json);
	return 0;
}

const struct bench bench_overhead = {
	.name = "overhead",
	.desc = "guest instructions per invocation: vanilla, off, stats, on",
	.nr_keys = 1,
	.validate = overhead_validate,
	.run = overhead_run,
	.table = overhead_table,
};
