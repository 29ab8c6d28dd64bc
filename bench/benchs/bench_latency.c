// SPDX-License-Identifier: GPL-2.0
/*
 * How long after the deadline the watchdog decides, and how long from the
 * decision until the program has returned, per way to stall.
 *
 * The kernel measures both itself and says so in the tracepoint
 * bpf_watchdog:terminate (late_ns, stop_ns), read here through a perf ring:
 * no BPF program takes part that the watchdog could watch. The start of each
 * invocation is moved by a pseudo-random part of the timer's period, or the
 * deterministic VM would meet the timer at the same phase each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"
#include "stall.skel.h"

#define EVENT_DIR "/sys/kernel/tracing/events/bpf_watchdog/terminate"
#define RING_PAGES 64
#define MAX_CPUS 8
#define NSEC_PER_USEC 1000.0

struct kind;

struct thread {
	pthread_t id;
	const struct run_opts *o;
	const struct kind *kind;
	struct stall_bpf *obj;
	int cpu, fd, err;
	__u32 prog_id;
	long ran, survived, terminations;
	long seen; /* events of it */
	double *took; /* ns of each BPF_PROG_TEST_RUN, seen from outside */
	__u64 rng;
};

static int latency_fill_hash(struct thread *t);
static int fill_ring(struct thread *t);
static int fill_chain(struct thread *t);

static const char *const no_reasons[] = {
	[BPF_TERMINABLE_NOT_NEEDED] = "NOT_NEEDED",
	[BPF_TERMINABLE_WHEN_ENABLED] = "WHEN_ENABLED",
	[BPF_TERMINABLE_NO_CLASSIC] = "NO_CLASSIC",
	[BPF_TERMINABLE_NO_JIT] = "NO_JIT",
	[BPF_TERMINABLE_NO_OFFLOAD] = "NO_OFFLOAD",
	[BPF_TERMINABLE_NO_MEMORY] = "NO_MEMORY",
	[BPF_TERMINABLE_NO_CONGRUENCE] = "NO_CONGRUENCE",
	[BPF_TERMINABLE_NO_SYMBOL] = "NO_SYMBOL",
};

static const char *reason_name(__u32 terminable)
{
	if (terminable < ARRAY_SIZE(no_reasons) && no_reasons[terminable])
		return no_reasons[terminable];
	return "UNKNOWN";
}

static const struct kind {
	const char *name; /* row, and program in stall.bpf.c */
	const char *maps; /* it needs, besides globals */
	int (*setup)(struct thread *t);
	int (*before)(struct thread *t);
	bool loop; /* the stop target is stated for the bpf_loop ones */
	bool irqs_off; /* another CPU must be there and well */
} kinds[] = {
	{ .name = "loop_inlined", .maps = "", .loop = true },
	{ .name = "loop_called", .maps = "", .loop = true },
	{ .name = "for_each_array", .maps = "array" },
	{ .name = "for_each_hash", .maps = "hash", .setup = latency_fill_hash },
	{ .name = "iter_num", .maps = "" },
	{ .name = "may_goto", .maps = "" },
	{ .name = "may_goto_call", .maps = "" },
	{ .name = "user_ringbuf", .maps = "user_rb", .before = fill_ring },
	{ .name = "subprogs", .maps = "" },
	{ .name = "subprogs_global", .maps = "" },
	{ .name = "tail_call", .maps = "chain", .setup = fill_chain },
	{ .name = "spin_lock", .maps = "locks", .irqs_off = true },
};

static int latency_fill_hash(struct thread *t)
{
	int fd = bpf_map__fd(t->obj->maps.hash), err = 0;
	__u32 n = bpf_map__max_entries(t->obj->maps.hash), done = n, i;
	__u32 *keys = calloc(n, sizeof(*keys));
	__u64 *vals = calloc(n, sizeof(*vals));
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	for (i = 0; i < n; i++)
		keys[i] = vals[i] = i;
	if (bpf_map_update_batch(fd, keys, vals, &done, &opts))
		err = -errno;
	free(keys);
	free(vals);
	return err;
}

/* An ended drain leaves the rest of the samples for the next one: top up. */
static int fill_ring(struct thread *t)
{
	static __thread struct user_ring_buffer *rb;
	static __thread struct thread *owner;
	void *sample;
	int i;

	if (owner != t) {
		user_ring_buffer__free(rb);
		rb = user_ring_buffer__new(bpf_map__fd(t->obj->maps.user_rb),
					   NULL);
		owner = t;
		if (!rb)
			return -errno;
	}
	for (i = 0; i < 4096; i++) {
		sample = user_ring_buffer__reserve(rb, 8);
		if (!sample)
			return 0;
		memset(sample, 1, 8);
		user_ring_buffer__submit(rb, sample);
	}
	return 0;
}

static int fill_chain(struct thread *t)
{
	__u32 key = 0;

	return bpf_map_update_elem(bpf_map__fd(t->obj->maps.chain), &key,
				   &t->fd, 0) ?
		       -errno :
		       0;
}

/* --- the tracepoint --- */

enum {
	F_PROG_ID,
	F_REASON,
	F_RAN,
	F_BUDGET,
	F_LATE,
	F_STOP,
	F_COMMITS,
	NR_FIELDS
};

static struct field {
	const char *name;
	unsigned int offset, size;
} fields[NR_FIELDS] = {
	[F_PROG_ID] = { "prog_id" }, [F_REASON] = { "reason" },
	[F_RAN] = { "ran_ns" },	     [F_BUDGET] = { "budget_ns" },
	[F_LATE] = { "late_ns" },    [F_STOP] = { "stop_ns" },
	[F_COMMITS] = { "commits" },
};

static struct ring {
	int fd;
	struct perf_event_mmap_page *page;
} rings[MAX_CPUS];
static int nr_rings;

struct event {
	__s64 val[NR_FIELDS];
};

static struct event *events;
static size_t nr_events, cap_events;
static unsigned long lost;

/* `field:u64 late_ns; offset:24; size:8; signed:0;` */
static int read_format(void)
{
	char line[256], type_name[128];
	unsigned int off, size, i, found = 0;
	FILE *f = fopen(EVENT_DIR "/format", "r");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *name;

		if (sscanf(line, " field:%127[^;]; offset:%u; size:%u;",
			   type_name, &off, &size) != 3)
			continue;
		name = strrchr(type_name, ' ');
		for (i = 0; name && i < NR_FIELDS; i++) {
			if (strcmp(fields[i].name, name + 1))
				continue;
			fields[i].offset = off;
			fields[i].size = size;
			found++;
		}
	}
	fclose(f);
	return found == NR_FIELDS ? 0 : -ENOENT;
}

static int open_rings(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_RAW,
		.wakeup_events = 1 << 20,
	};
	int cpus = libbpf_num_possible_cpus(), i, err;
	FILE *f;

	if (access("/sys/kernel/tracing/events", F_OK))
		mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL);
	err = read_format();
	if (err) {
		warn_f(EVENT_DIR
		       "/format: %s; the kernel lacks the tracepoint or a field of it",
		       strerror(-err));
		return err;
	}
	f = fopen(EVENT_DIR "/id", "r");
	if (!f || fscanf(f, "%llu", (unsigned long long *)&attr.config) != 1) {
		if (f)
			fclose(f);
		return -EIO;
	}
	fclose(f);
	for (i = 0; i < cpus && nr_rings < MAX_CPUS; i++) {
		struct ring *r = &rings[nr_rings];

		r->fd = syscall(SYS_perf_event_open, &attr, -1, i, -1,
				PERF_FLAG_FD_CLOEXEC);
		if (r->fd < 0 && errno == ENODEV)
			continue; /* possible, not online */
		if (r->fd < 0) {
			warn_f("cannot open the tracepoint on CPU %d: %s", i,
			       strerror(errno));
			return -errno;
		}
		r->page = mmap(NULL, (RING_PAGES + 1) * 4096,
			       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
		if (r->page == MAP_FAILED)
			return -errno;
		nr_rings++;
	}
	return 0;
}

static __s64 get_field(const char *raw, const struct field *f)
{
	__u64 v = 0;

	memcpy(&v, raw + f->offset, f->size > 8 ? 8 : f->size);
	return f->size == 4 ? (__s32)v : (__s64)v;
}

static void latency_add_event(const char *raw, __u32 len)
{
	struct event *e;
	int i;

	for (i = 0; i < NR_FIELDS; i++)
		if (fields[i].offset + fields[i].size > len)
			return;
	if (nr_events == cap_events) {
		cap_events = cap_events ? cap_events * 2 : 1024;
		events = realloc(events, cap_events * sizeof(*events));
		if (!events)
			abort();
	}
	e = &events[nr_events++];
	for (i = 0; i < NR_FIELDS; i++)
		e->val[i] = get_field(raw, &fields[i]);
}

static void drain(void)
{
	static char rec[65536];
	int i;

	for (i = 0; i < nr_rings; i++) {
		struct perf_event_mmap_page *page = rings[i].page;
		__u64 head = __atomic_load_n(&page->data_head,
					     __ATOMIC_ACQUIRE),
		      tail = page->data_tail;
		const char *data = (char *)page + page->data_offset;
		struct perf_event_header *h = (void *)rec;

		while (tail < head) {
			__u64 n, k;

			for (k = 0; k < sizeof(*h); k++)
				rec[k] = data[(tail + k) % page->data_size];
			n = h->size;
			for (; k < n; k++)
				rec[k] = data[(tail + k) % page->data_size];
			if (h->type == PERF_RECORD_SAMPLE)
				latency_add_event(rec + sizeof(*h) + 4,
						  *(__u32 *)(rec + sizeof(*h)));
			else if (h->type == PERF_RECORD_LOST)
				lost += *(__u64 *)(rec + sizeof(*h) + 8);
			tail += n;
		}
		__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
	}
}

/* --- kills --- */

static int open_kind(struct thread *t)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_map *map;
	int err;

	t->obj = stall_bpf__open();
	if (!t->obj)
		return -errno;
	bpf_object__for_each_program(prog, t->obj->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog),
							t->kind->name));
	bpf_object__for_each_map(map, t->obj->obj)
		if (!bpf_map__is_internal(map))
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map),
							     t->kind->maps));
	err = stall_bpf__load(t->obj);
	if (err)
		return err;
	t->fd = bpf_program__fd(
		bpf_object__find_program_by_name(t->obj->obj, t->kind->name));
	err = wd_prog_info(t->fd, &info);
	t->prog_id = info.id;
	if (!err && info.terminable != BPF_TERMINABLE_YES &&
	    info.terminable != BPF_TERMINABLE_CONDITIONAL) {
		warn_f("%s: not terminable: BPF_TERMINABLE_%s", t->kind->name,
		       reason_name(info.terminable));
		err = -EOPNOTSUPP;
	}
	if (!err)
		err = wd_prog_op(t->fd, BPF_WD_SET_BUDGET,
				 t->o->budget_us * 1000);
	if (!err && t->kind->setup)
		err = t->kind->setup(t);
	return err;
}

static void wait_phase(struct thread *t)
{
	__u64 end;

	t->rng ^= t->rng << 13;
	t->rng ^= t->rng >> 7;
	t->rng ^= t->rng << 17;
	end = now_ns() + t->rng % 1000000;
	while (now_ns() < end)
		;
}

static void *kill_loop(void *arg)
{
	struct thread *t = arg;
	struct bpf_prog_info info;
	long i, kills = t->o->count ?: 1000;
	cpu_set_t cpus;
	__u64 start;

	CPU_ZERO(&cpus);
	CPU_SET(t->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	t->took = calloc(kills, sizeof(*t->took));
	if (!t->took)
		t->err = -ENOMEM;
	t->rng = 0x9e3779b97f4a7c15ULL + t->cpu;
	for (i = 0; i < kills && !t->err; i++) {
		if (t->kind->before)
			t->err = t->kind->before(t);
		wait_phase(t);
		start = now_ns();
		if (!t->err)
			t->err = test_run(t->fd, false, 1, NULL);
		t->took[i] = now_ns() - start;
		if (!t->err)
			t->err = wd_prog_info(t->fd, &info);
		if (t->err)
			break;
		t->ran++;
		if ((long)info.terminations == t->terminations &&
		    ++t->survived >= 3 && t->survived == t->ran) {
			t->err =
				-ETIME; /* it never ends them: do not wait for all */
			break;
		}
		t->terminations = info.terminations;
		if (t->cpu == 0)
			drain();
	}
	return NULL;
}

static int run_kind(const struct run_opts *o, const struct kind *k)
{
	struct thread t[MAX_CPUS] = {};
	long ran = 0, ended = 0, seen = 0;
	int i, n, err = 0;
	size_t e;

	n = k->irqs_off ? 1 : o->threads;
	nr_events = 0;
	for (i = 0; i < n && !err; i++) {
		t[i].o = o;
		t[i].kind = k;
		t[i].cpu = i;
		err = open_kind(&t[i]);
	}
	for (i = 0; i < n && !err; i++)
		err = -pthread_create(&t[i].id, NULL, kill_loop, &t[i]);
	for (i = 0; i < n && t[i].id; i++) {
		pthread_join(t[i].id, NULL);
		err = err ?: t[i].err;
		ran += t[i].ran;
		ended += t[i].terminations;
	}
	drain();
	for (e = 0; e < nr_events; e++) {
		struct event *ev = &events[e];

		for (i = 0; i < n && t[i].prog_id != ev->val[F_PROG_ID]; i++)
			;
		if (i == n)
			continue;
		seen++;
		fprintf(o->out, "%s,%s,%ld,%lld,%lld,%lld,%lld,%lld,%lld,",
			o->label, k->name, seen, ev->val[F_LATE],
			ev->val[F_STOP], ev->val[F_RAN], ev->val[F_BUDGET],
			ev->val[F_COMMITS], ev->val[F_REASON]);
		/* the n-th event is of the n-th run, if all were ended and none lost */
		if (t[i].terminations == t[i].ran && !lost &&
		    t[i].seen < t[i].ran)
			fprintf(o->out, "%.0f", t[i].took[t[i].seen++]);
		fputc('\n', o->out);
	}
	fflush(o->out);
	if (err)
		warn_f("%s: %s after %ld of %ld runs", k->name,
		       err == -ETIME ? "not ended by the watchdog" :
				       strerror(-err),
		       ran, n * (o->count ?: 1000));
	fprintf(stderr, "  %-8s %-16s %5ld runs, %5ld ended, %5ld events\n",
		o->label, k->name, ran, ended, seen);
	if (!err && (seen != ended || ended != ran))
		warn_f("%s: %ld runs, %ld ended, %ld events, %lu lost: these should be equal",
		       k->name, ran, ended, seen, lost);
	for (i = 0; i < n; i++) {
		stall_bpf__destroy(t[i].obj);
		free(t[i].took);
	}
	return err;
}

static int latency_validate(const struct run_opts *o)
{
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	if (o->threads < 1 || o->threads > MAX_CPUS ||
	    o->threads > libbpf_num_possible_cpus()) {
		warn_f("-t %d: from 1 to the number of CPUs, at most %d",
		       o->threads, MAX_CPUS);
		return -EINVAL;
	}
	if (o->budget_us < 1) {
		warn_f("-b %ld: a budget has at least 1 us", o->budget_us);
		return -EINVAL;
	}
	return 0;
}

static int latency_run(const struct run_opts *o)
{
	int err, failed = 0;
	size_t k;

	err = wd_sysctl("bpf_watchdog", 1);
	if (err) {
		warn_f("cannot switch the watchdog on: %s", strerror(-err));
		return err;
	}
	err = open_rings();
	if (err)
		goto out;
	fprintf(o->out, "# budget_us: %ld\n", o->budget_us);
	fputs("setup,reproducer,kill,late_ns,stop_ns,ran_ns,budget_ns,commits,reason,took_ns\n",
	      o->out);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (fnmatch(o->filter, kinds[k].name, 0) ||
		    !fnmatch(o->skip, kinds[k].name, 0))
			continue;
		err = run_kind(o, &kinds[k]);
		failed = failed ?: err;
	}
	err = failed;
out:
	wd_sysctl("bpf_watchdog", 0);
	return err;
}

/* --- table --- */

/* how a VM is called in the raw rows (run/latency.sh) and what that means */
static const struct setup {
	const char *name;
	const char *what;
	bool detect, once, stop; /* figures that have a target here */
} setups[] = {
	{ "icount", "1 CPU, deterministic: 1 ns is 1 guest instruction", true,
	  true, true },
	{ "tight", "as icount, budget 1 ms: the timer has not seen it before",
	  true, false, true },
	{ "pair",
	  "2 CPUs, both stalled, deterministic; they take turns, so up to a turn is in each figure",
	  true, false, false },
	{ "mt",
	  "2 CPUs, both stalled, multi-threaded TCG: the host's scheduling is in it (ms outliers)",
	  false, false, false },
};

struct sum {
	struct dist late, stop, commits;
	struct dist rest; /* of the system call: took - (budget + late + stop) */
	double budget_ns;
	size_t other_reason;
};

static struct sum latency_fold(const struct csv *raw, const char *setup,
			       const char *name)
{
	int cs = csv__col(raw, "setup"), cr = csv__col(raw, "reproducer");
	int cl = csv__col(raw, "late_ns"), ct = csv__col(raw, "stop_ns"),
	    cc = csv__col(raw, "commits");
	int cb = csv__col(raw, "budget_ns"), ce = csv__col(raw, "reason"),
	    ck = csv__col(raw, "took_ns");
	size_t n = 0, nr = 0, i, rows = csv__rows(raw);
	double *l = calloc(rows, sizeof(*l)), *t = calloc(rows, sizeof(*t)),
	       *c = calloc(rows, sizeof(*c));
	double *r = calloc(rows, sizeof(*r));
	struct sum s = {};

	for (i = 0; i < rows; i++) {
		double reason, took;

		if (strcmp(csv__str(raw, i, cs), setup) ||
		    strcmp(csv__str(raw, i, cr), name))
			continue;
		if (!csv__num(raw, i, cl, &l[n]) ||
		    !csv__num(raw, i, ct, &t[n]) ||
		    !csv__num(raw, i, cc, &c[n]))
			continue;
		csv__num(raw, i, cb, &s.budget_ns);
		s.other_reason += !csv__num(raw, i, ce, &reason) ||
				  reason != 16;
		if (csv__num(raw, i, ck, &took))
			r[nr++] = took - s.budget_ns - l[n] - t[n];
		n++;
	}
	s.rest = dist_of(r, nr);
	s.late = dist_of(l, n);
	s.stop = dist_of(t, n);
	s.commits = dist_of(c, n);
	free(l);
	free(t);
	free(c);
	free(r);
	return s;
}

static void json_dist(FILE *f, const char *name, const struct dist *d)
{
	fprintf(f, ", \"%s\": {\"p50\": ", name);
	json_num(f, d->n, d->p50);
	fputs(", \"p99\": ", f);
	json_num(f, d->n, d->p99);
	fputs(", \"max\": ", f);
	json_num(f, d->n, d->max);
	fputc('}', f);
}

static void json_rows(const struct table_opts *o, const char *key,
		      const char *setup)
{
	size_t k;

	fprintf(o->json, ",\n  \"%s\": [", key);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct sum s = latency_fold(o->raw, setup, kinds[k].name);

		fprintf(o->json,
			"%s\n    {\"reproducer\": \"%s\", \"kills\": %zu, \"budget_ns\": ",
			k ? "," : "", kinds[k].name, s.late.n);
		json_num(o->json, s.late.n, s.budget_ns);
		json_dist(o->json, "detect_ns", &s.late);
		json_dist(o->json, "stop_ns", &s.stop);
		json_dist(o->json, "commits", &s.commits);
		fputc('}', o->json);
	}
	fputs("\n  ]", o->json);
}

static void print_setup(const struct table_opts *o, const struct setup *st)
{
	double seen_max = 0, first_max = 0, stop_p99 = 0, other_p99 = 0;
	double rest_p50 = 0, rest_max = 0;
	size_t k, kills = 0, seen = 0, first = 0, loops = 0, others = 0,
		  other_reason = 0, rest = 0;
	char what[160];

	printf("\nlatency, %s: %s\n\n", st->name, st->what);
	printf("  %-16s %6s %9s | %9s %9s %9s | %9s %9s %9s | %s\n", "", "",
	       "budget", "deadline", "to", "decision", "decision", "to",
	       "return", "walks");
	printf("  %-16s %6s %9s | %9s %9s %9s | %9s %9s %9s | %s\n",
	       "reproducer", "kills", "us", "p50 us", "p99 us", "max us",
	       "p50 us", "p99 us", "max us", "max");
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct sum s = latency_fold(o->raw, st->name, kinds[k].name);

		if (!s.late.n) {
			printf("  %-16s %6s %s\n", kinds[k].name, "-",
			       kinds[k].irqs_off && strcmp(st->name, "mt") ?
				       "interrupts off: needs a second CPU that is well, see mt" :
				       "");
			continue;
		}
		kills += s.late.n;
		other_reason += s.other_reason;
		printf("  %-16s %6zu %9.0f | %9.2f %9.2f %9.2f | %9.2f %9.2f %9.2f | %.0f\n",
		       kinds[k].name, s.late.n, s.budget_ns / NSEC_PER_USEC,
		       s.late.p50 / NSEC_PER_USEC, s.late.p99 / NSEC_PER_USEC,
		       s.late.max / NSEC_PER_USEC, s.stop.p50 / NSEC_PER_USEC,
		       s.stop.p99 / NSEC_PER_USEC, s.stop.max / NSEC_PER_USEC,
		       s.commits.max);
		if (s.budget_ns >=
		    2000000) { /* two periods: the timer has met it */
			seen++;
			seen_max = fmax(seen_max, s.late.max);
		}
		if (s.rest.n) {
			rest++;
			rest_p50 = fmax(rest_p50, s.rest.p50);
			rest_max = fmax(rest_max, s.rest.max);
		}
		first++;
		first_max = fmax(first_max, s.late.max);
		if (kinds[k].loop) {
			loops++;
			stop_p99 = fmax(stop_p99, s.stop.p99);
		} else {
			others++;
			other_p99 = fmax(other_p99, s.stop.p99);
		}
		if (o->csv)
			fprintf(o->csv,
				"%s,%s,%zu,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f\n",
				st->name, kinds[k].name, s.late.n, s.budget_ns,
				s.late.p50, s.late.p99, s.late.max, s.stop.p50,
				s.stop.p99, s.stop.max, s.commits.max);
	}
	putchar('\n');
	if (rest)
		printf("  from outside: BPF_PROG_TEST_RUN took at most %.1f us more than budget + these two (median %.1f us)\n",
		       rest_max / NSEC_PER_USEC, rest_p50 / NSEC_PER_USEC);
	if (other_reason)
		printf("  %zu kills were not for the budget's sake\n",
		       other_reason);
	snprintf(what, sizeof(what),
		 "detection past the deadline, max of %zu kills", kills);
	target_line(what, st->detect ? "<= 1 ms" : NULL, first,
		    first_max <= 1e6, "%.2f us", first_max / NSEC_PER_USEC);
	if (st->once)
		target_line("detection, seen by the timer before, max",
			    "<= 50 us", seen, seen_max <= 50e3, "%.2f us",
			    seen_max / NSEC_PER_USEC);
	target_line("decision to return, bpf_loop reproducers, worst p99",
		    st->stop ? "<= 4 us" : NULL, loops, stop_p99 <= 4e3,
		    "%.2f us", stop_p99 / NSEC_PER_USEC);
	target_line("decision to return, the others, worst p99", NULL, others,
		    true, "%.2f us", other_p99 / NSEC_PER_USEC);
}

static int latency_table(const struct table_opts *o)
{
	size_t i;

	if (o->csv)
		fputs("setup,reproducer,kills,budget_ns,detect_p50_ns,detect_p99_ns,detect_max_ns,"
		      "stop_p50_ns,stop_p99_ns,stop_max_ns,commits_max\n",
		      o->csv);
	for (i = 0; i < ARRAY_SIZE(setups); i++)
		print_setup(o, &setups[i]);
	puts("\nenvironment");
	print_env(o->raw);
	if (!o->json)
		return 0;
	fputs("{\n  ", o->json);
	json_env(o->json, o->raw);
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		char key[64];

		snprintf(key, sizeof(key), i ? "rows_%s" : "rows",
			 setups[i].name);
		json_rows(o, key, setups[i].name);
	}
	fputs("\n}\n", o->json);
	return 0;
}

const struct bench bench_latency = {
	.name = "latency",
	.desc = "deadline to decision, decision to return, per way to stall",
	.nr_keys = 2,
	.validate = latency_validate,
	.run = latency_run,
	.table = latency_table,
};
