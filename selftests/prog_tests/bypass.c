// SPDX-License-Identifier: GPL-2.0
/*
 * Ways round a policy: at one place, each way of attaching counts with all others, as often
 * as it runs, and what is attached on a program counts wherever that is attached. A limit
 * admits so many ticks there, and the next one is denied, whichever way it comes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/policy_ways.h"

#define LO 1
#define FUNC "bpf_fentry_test1"

static struct policy *limit(const char *hook, __u32 ticks)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	p->rules[0].action = BPF_POLICY_ALLOW;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, hook)
		->max_latency_ns = ticks * TICK_NS;
	policy_use(p);
	return p;
}

static __u32 charged(const char *prog)
{
	return policy_charged(prog_info(way_fd(prog)).id, NULL);
}

static void none_left(void)
{
	__u32 nr;

	policy_charges(&nr);
	CHECK(!nr, "%u charges are left", nr);
}

/* --- Each probe of an event ------------------------------------------------------------------ */

#define EVENT "bypass/event"

static int kprobe_events(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static int kprobe_events(const char *fmt, ...)
{
	int fd =
		open(TRACING "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	char text[200];
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* An event of tracefs with so many probes at one function. */
static void make_event(int probes)
{
	int err;

	trace_start();
	kprobe_events("-:" EVENT);
	for (int i = 0; i < probes; i++) {
		err = kprobe_events("p:" EVENT " bpf_fentry_test2 n=\\%d", i);
		REQUIRE(!err, "probe %d: %s", i, strerror(-err));
	}
}

static int open_event(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.sample_period = 1 };
	char id[20];
	int err = file_read(TRACING "/events/" EVENT "/id", id, sizeof(id));

	REQUIRE(!err, "id: %s", strerror(-err));
	attr.config = atoi(id);
	return syscall(SYS_perf_event_open, &attr, -1, 0, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static int set_bpf(int fd, const char *prog)
{
	return ioctl(fd, PERF_EVENT_IOC_SET_BPF, way_fd(prog)) ? -errno : 0;
}

static void probes_of_event(void)
{
	struct bpf_prog_info info;
	int fd, err;

	OPEN("p_probe", "p_kprobe");
	make_event(3);
	limit("kprobe/bpf_fentry_test2", 2);
	fd = open_event();
	err = set_bpf(fd, "p_probe");
	CHECK(err == -EACCES, "three probes, two ticks: %s", strerror(-err));
	CHECK(!charged("p_probe"), "charged though it is denied");
	limit("kprobe/bpf_fentry_test2", 3);
	err = set_bpf(fd, "p_probe");
	CHECK(!err, "three ticks: %s", strerror(-err));
	CHECK(charged("p_probe") == 3, "charged %u times", charged("p_probe"));

	err = kprobe_events("p:" EVENT " bpf_fentry_test3 n=\\1");
	CHECK(err == -EBUSY, "one probe more: %s", strerror(-err));

	/* What fails takes nothing away. */
	policy_unload();
	err = set_bpf(fd, "p_probe");
	CHECK(err == -EEXIST, "set again: %s", strerror(-err));
	CHECK(charged("p_probe") == 3, "set again: charged %u times",
	      charged("p_probe"));
	/* The kernel takes it off, all at once. */
	policy_forbid_existing("kprobe/bpf_fentry_test2");
	CHECK(!charged("p_probe"), "charged %u times", charged("p_probe"));
	policy_unload();
	err = set_bpf(fd, "p_probe");
	CHECK(!err, "set once more: %s", strerror(-err));
	close(fd);
	CHECK(!charged("p_probe"), "charged %u times after it was closed",
	      charged("p_probe"));
	/* Nothing is left that this would follow. */
	policy_forbid_existing("kprobe/*");
	info = prog_info(way_fd("p_probe"));
	CHECK(!info.quarantined, "quarantined");
	kprobe_events("-:" EVENT);
	none_left();
}

/* Probes come and go while a program is attached to their event. */
static void probes_storm(void)
{
	int fd;

	OPEN("p_probe");
	for (int i = 0; i < 8; i++) {
		pid_t pid;

		make_event(2);
		pid = fork();
		REQUIRE(pid >= 0, "fork: %m");
		if (!pid) {
			for (int k = 0; k < 10; k++) {
				kprobe_events("p:" EVENT
					      " bpf_fentry_test3 n=\\%d",
					      k);
				kprobe_events("-:" EVENT
					      " bpf_fentry_test3 n=\\%d",
					      k);
			}
			_exit(0);
		}
		for (int k = 0; k < 5; k++) {
			fd = open_event();
			if (fd < 0)
				continue;
			set_bpf(fd, "p_probe");
			policy_forbid_existing("kprobe/bpf_fentry_test3");
			policy_unload();
			close(fd);
		}
		waitpid(pid, NULL, 0);
		kprobe_events("-:" EVENT);
	}
	wd_command(way_fd("p_probe"), BPF_WD_RELEASE, 0);
	none_left();
}

int bypass_uprobe_target(int a);
__attribute__((noinline)) int bypass_uprobe_target(int a)
{
	return a + 2;
}

static void uprobe_twice(void)
{
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts);
	unsigned long offsets[2];
	struct bpf_link *link;
	Dl_info self;

	OPEN("p_uprobe_multi");
	REQUIRE(dladdr(bypass_uprobe_target, &self), "where is it?");
	offsets[0] = offsets[1] = (unsigned long)bypass_uprobe_target -
				  (unsigned long)self.dli_fbase;
	opts.offsets = offsets;
	opts.cnt = 2;
	limit("uprobe/*", 1);
	link = bpf_program__attach_uprobe_multi(ways->progs.p_uprobe_multi, -1,
						"/proc/self/exe", NULL, &opts);
	CHECK(!link && errno == EACCES, "twice, one tick: %m");
	policy_unload();
	link = bpf_program__attach_uprobe_multi(ways->progs.p_uprobe_multi, -1,
						"/proc/self/exe", NULL, &opts);
	REQUIRE(link, "attach: %m");
	CHECK(charged("p_uprobe_multi") == 2, "charged %u times",
	      charged("p_uprobe_multi"));
	bpf_link__destroy(link);
	none_left();
}

/* --- On programs ----------------------------------------------------------------------------- */

/* One program of an object of its own, that is to be attached on another one. */
static struct bpf_program *on(struct bpf_program *target, const char *func,
			      const char *name)
{
	struct bpf_program *prog;

	ways_open(&name, 1);
	prog = bpf_object__find_program_by_name(ways->obj, name);
	bpf_program__set_attach_target(prog, bpf_program__fd(target), func);
	ways_load();
	return prog;
}

static int xdp(const struct bpf_program *prog)
{
	return bpf_xdp_attach(LO, prog ? bpf_program__fd(prog) : -1,
			      XDP_FLAGS_SKB_MODE, NULL);
}

static struct bpf_program *dispatcher, *parts[2], *on_part;

static void open_dispatcher(void)
{
	OPEN("p_dispatch");
	dispatcher = ways->progs.p_dispatch;
	parts[0] = on(dispatcher, "policy_part0", "p_part");
	parts[1] = on(dispatcher, "policy_part1", "p_part");
	on_part = on(parts[0], "p_part", "p_on_part");
}

static void no_room(struct bpf_program *prog, __u64 there)
{
	__u64 seq = policy_seq();
	struct bpf_link *link = bpf_program__attach_trace(prog);
	struct bpf_policy_denial d = {};

	CHECK(!link && errno == EACCES, "there is room for %s: %m",
	      bpf_program__name(prog));
	CHECK(policy_denial(seq, &d) && !strcmp(d.hook, "xdp/lo") &&
		      d.worst_ns == TICK_NS && d.there_ns == there * TICK_NS,
	      "%s: %llu + %llu", d.hook, d.worst_ns, d.there_ns);
	bpf_link__destroy(link);
}

/* The sum at xdp/lo. */
static void takes(struct policy *p, __u64 ticks)
{
	policy_get(p);
	CHECK(p->rules[1].latency_ns == ticks * TICK_NS &&
		      p->rules[1].programs <= 1,
	      "%llu ns, %u programs", p->rules[1].latency_ns,
	      p->rules[1].programs);
}

/* Each part is judged where it will run. */
static void parts_last(void)
{
	struct bpf_link *part, *entry;
	struct policy *p;
	int err;

	open_dispatcher();
	p = limit("xdp/lo", 2);
	err = xdp(dispatcher);
	REQUIRE(!err, "xdp: %s", strerror(-err));
	part = bpf_program__attach_trace(parts[0]);
	REQUIRE(part, "the first part: %m");
	takes(p, 2);
	no_room(parts[1], 2);
	no_room(on_part, 2);
	limit("xdp/lo", 3);
	entry = bpf_program__attach_trace(on_part);
	REQUIRE(entry, "on a part: %m");
	takes(p, 3);
	no_room(parts[1], 3);
	/* It goes with the part. */
	bpf_link__destroy(part);
	takes(p, 1);
	xdp(NULL);
	takes(p, 0);
	bpf_link__destroy(entry);
	none_left();
}

/* A dispatcher brings its parts, and takes the place of another one with its parts. */
static void parts_first(void)
{
	struct bpf_program *other;
	struct bpf_policy_denial d = {};
	struct bpf_link *links[2];
	struct policy *p;
	__u64 seq;
	int err;

	open_dispatcher();
	OPEN("p_xdp");
	other = ways->progs.p_xdp;
	p = limit("xdp/lo", 2);
	for (size_t i = 0; i < 2; i++) {
		links[i] = bpf_program__attach_trace(parts[i]);
		REQUIRE(links[i], "part %zu: %m", i);
	}
	seq = policy_seq();
	err = xdp(dispatcher);
	CHECK(err == -EACCES, "with two parts: %s", strerror(-err));
	CHECK(policy_denial(seq, &d) && d.worst_ns == 3 * TICK_NS &&
		      !d.there_ns,
	      "%llu + %llu", d.worst_ns, d.there_ns);
	bpf_link__destroy(links[1]);
	err = xdp(dispatcher);
	CHECK(!err, "with one part: %s", strerror(-err));
	takes(p, 2);
	err = xdp(other);
	CHECK(!err, "in its place: %s", strerror(-err));
	takes(p, 1);
	xdp(NULL);
	bpf_link__destroy(links[0]);
	none_left();
}

/* What is attached on a program runs as often as that does. */
static void on_twice(void)
{
	const char *funcs[] = { FUNC, "bpf_fentry_test2" };
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = funcs, .cnt = 2);
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_denial d = {};
	struct bpf_link *both, *entry;
	struct bpf_policy_rule *graph;
	struct bpf_program *on_it;
	__u64 seq;

	OPEN("p_kprobe_multi");
	both = bpf_program__attach_kprobe_multi_opts(ways->progs.p_kprobe_multi,
						     NULL, &opts);
	REQUIRE(both, "attach: %m");
	on_it = on(ways->progs.p_kprobe_multi, "p_kprobe_multi", "p_on_part");
	p->rules[0].action = BPF_POLICY_ALLOW;
	graph = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
			    "kprobe/*");
	graph->nr_match = 1;
	graph->max_latency_ns = 3 * TICK_NS;
	policy_use(p);
	seq = policy_seq();
	entry = bpf_program__attach_trace(on_it);
	CHECK(!entry && errno == EACCES, "three ticks for four: %m");
	CHECK(policy_denial(seq, &d) && d.worst_ns == TICK_NS &&
		      d.there_ns == 3 * TICK_NS,
	      "%llu + %llu", d.worst_ns, d.there_ns);
	graph->max_latency_ns = 4 * TICK_NS;
	policy_use(p);
	entry = bpf_program__attach_trace(on_it);
	CHECK(entry, "four: %m");
	policy_get(p);
	CHECK(graph->latency_ns == 4 * TICK_NS && graph->programs == 2,
	      "%llu ns, %u programs", graph->latency_ns, graph->programs);
	bpf_link__destroy(entry);
	bpf_link__destroy(both);
	none_left();
}

/* --- One place ------------------------------------------------------------------------------- */

static unsigned long address_of(const char *func)
{
	char out[100] = "";
	int status = run_command(out, sizeof(out),
				 "sed -n 's/ [tT] %s$//p' /proc/kallsyms",
				 func);

	REQUIRE(!status && out[0], "%s: no address", func);
	return strtoul(out, NULL, 16);
}

static int perf_event(struct perf_event_attr *attr, int cpu)
{
	int fd, err;

	attr->size = sizeof(*attr);
	attr->sample_period = 1000000000;
	fd = syscall(SYS_perf_event_open, attr, -1, cpu, -1,
		     PERF_FLAG_FD_CLOEXEC);
	REQUIRE(fd >= 0, "perf_event_open: %m");
	err = set_bpf(fd, "p_perf_event");
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int breakpoint(void)
{
	static unsigned long addr;
	struct perf_event_attr attr = { .type = PERF_TYPE_BREAKPOINT,
					.bp_type = HW_BREAKPOINT_X,
					.bp_len = sizeof(long) };

	if (!addr)
		addr = address_of(FUNC);
	attr.bp_addr = addr;
	return perf_event(&attr, 0);
}

static struct bpf_link *kprobe_inside(void)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset = 5,
		    .attach_mode = PROBE_ATTACH_MODE_PERF);

	return bpf_program__attach_kprobe_opts(ways->progs.p_probe, FUNC,
					       &opts);
}

static struct bpf_link *kprobe_multi(void)
{
	const char *func = FUNC;
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = &func, .cnt = 1);

	return bpf_program__attach_kprobe_multi_opts(ways->progs.p_kprobe_multi,
						     NULL, &opts);
}

static struct bpf_link *attach(const char *prog)
{
	return bpf_program__attach(
		bpf_object__find_program_by_name(ways->obj, prog));
}

/* With a tick at the place already, by @first, whatever the rule calls it. */
static void function_by(const char *first, const char *rule)
{
	static const char *const progs[] = { "p_kprobe", "p_kretprobe",
					     "p_fentry", "p_fexit" };
	struct bpf_link *link = attach(first);
	int fd;

	REQUIRE(link, "%s: %m", first);
	limit(rule, 1);
	for (size_t i = 0; i < ARRAY_SIZE(progs); i++)
		CHECK(!attach(progs[i]) && errno == EACCES, "%s: %s by %s: %m",
		      rule, progs[i], first);
	CHECK(!kprobe_inside() && errno == EACCES, "%s: an offset: %m", rule);
	CHECK(!kprobe_multi() && errno == EACCES, "%s: multi: %m", rule);
	fd = breakpoint();
	CHECK(fd == -EACCES, "%s: a breakpoint: %s", rule, strerror(-fd));
	policy_unload();
	bpf_link__destroy(link);
	none_left();
}

static void function(void)
{
	struct bpf_link *link;
	int fd;

	OPEN("p_kprobe", "p_kretprobe", "p_fentry", "p_fexit", "p_probe",
	     "p_kprobe_multi", "p_perf_event");
	function_by("p_kprobe", "kprobe/" FUNC);
	function_by("p_fexit", "kprobe/" FUNC);
	function_by("p_kretprobe", "fentry/" FUNC);
	/* Each is told by the name by which it was attached. */
	fd = breakpoint();
	REQUIRE(fd >= 0, "breakpoint: %s", strerror(-fd));
	CHECK(policy_charged(prog_info(way_fd("p_perf_event")).id,
			     "breakpoint/" FUNC),
	      "the breakpoint has another name");
	limit("*/" FUNC "*", 1);
	CHECK(!attach("p_kprobe") && errno == EACCES,
	      "where a breakpoint is: %m");
	close(fd);
	link = attach("p_kprobe");
	CHECK(link, "alone: %m");
	bpf_link__destroy(link);
	none_left();
}

static void tracepoint(void)
{
	static const char *const rules[] = { "tp/raw_syscalls/sys_enter",
					     "raw_tp/sys_enter",
					     "tp_btf/sys_enter" };
	struct bpf_link *link, *event;

	OPEN("p_raw_tp", "p_tp_btf", "p_tp");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		limit(rules[i], 1);
		link = attach("p_raw_tp");
		REQUIRE(link, "%s: %m", rules[i]);
		CHECK(!attach("p_tp_btf") && errno == EACCES, "%s: tp_btf: %m",
		      rules[i]);
		event = bpf_program__attach_tracepoint(
			ways->progs.p_tp, "raw_syscalls", "sys_enter");
		CHECK(!event && errno == EACCES, "%s: tp: %m", rules[i]);
		bpf_link__destroy(event);
		bpf_link__destroy(link);
	}
	none_left();
}

static void software_events(void)
{
	struct perf_event_attr clock = { .type = PERF_TYPE_SOFTWARE,
					 .config = PERF_COUNT_SW_CPU_CLOCK };
	struct perf_event_attr faults = { .type = PERF_TYPE_SOFTWARE,
					  .config = PERF_COUNT_SW_PAGE_FAULTS };
	int a, b, c;

	OPEN("p_perf_event");
	limit("perf_event", 1);
	a = perf_event(&clock, 0);
	REQUIRE(a >= 0, "the first: %s", strerror(-a));
	b = perf_event(&clock, 0);
	CHECK(b == -EACCES, "the second: %s", strerror(-b));
	c = perf_event(&faults, 0);
	CHECK(c >= 0, "of another kind: %s", strerror(-c));
	close(c);
	close(a);
	none_left();
}

/* --- Without a bound ------------------------------------------------------------------------- */

static int tcx(const char *prog)
{
	return bpf_prog_attach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);
}

static void unbounded_there(void)
{
	struct policy *p;
	const struct bpf_policy_charge *c;
	struct bpf_policy_denial d = {};
	__u32 nr, exempt = 0;
	__u64 seq;
	int err;

	OPEN("p_tc", "p_tc_open");
	err = tcx("p_tc_open");
	REQUIRE(!err, "tcx: %s", strerror(-err));
	p = limit("tcx/ingress/lo", 5);
	p->rules[0].action = BPF_POLICY_AUTO;
	policy_use(p);
	seq = policy_seq();
	err = tcx("p_tc");
	CHECK(err == -EACCES, "beside one without a bound: %s", strerror(-err));
	CHECK(policy_denial(seq, &d) && d.there_ns == ~0ULL, "%llu there",
	      d.there_ns);
	p->rules[1].flags |= BPF_POLICY_F_UNBOUNDED;
	p->rules[1].unbounded = BPF_POLICY_WARN;
	policy_use(p);
	err = tcx("p_tc");
	CHECK(!err, "which is only told of: %s", strerror(-err));
	bpf_prog_detach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);

	/* What is exempt is nobody else's fault. */
	p->rules[1].unbounded = BPF_POLICY_DENY;
	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_ATTACH,
		    "p_tc_open");
	policy_use(p);
	err = tcx("p_tc");
	CHECK(!err, "beside one that is exempt: %s", strerror(-err));
	c = policy_charges(&nr);
	for (__u32 i = 0; i < nr; i++)
		exempt += !!(c[i].flags & BPF_POLICY_CHARGE_EXEMPT);
	CHECK(exempt == 1, "%u are marked", exempt);
	/* No longer. */
	p->nr--;
	policy_use(p);
	bpf_prog_detach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);
	err = tcx("p_tc");
	CHECK(err == -EACCES, "no exemption any more: %s", strerror(-err));
	policy_unload();
	bpf_prog_detach_opts(way_fd("p_tc_open"), LO, BPF_TCX_INGRESS, NULL);
	none_left();
}

static const struct test tests[] = {
	{ "probes_of_event",
	  "each probe of an event is charged, and given back", probes_of_event,
	  NEEDS_WATCHDOG },
	{ "probes_storm", "probes come and go while programs are attached",
	  probes_storm, NEEDS_WATCHDOG, 300 },
	{ "uprobe_twice", "uprobe.multi with one offset twice", uprobe_twice,
	  NEEDS_WATCHDOG },
	{ "parts_last", "extensions of a program that is attached", parts_last,
	  NEEDS_WATCHDOG },
	{ "parts_first", "a program that has extensions is attached",
	  parts_first, NEEDS_WATCHDOG },
	{ "on_twice", "a program on one that is attached twice runs twice",
	  on_twice, NEEDS_WATCHDOG },
	{ "function", "all hooks in a function have one sum", function,
	  NEEDS_WATCHDOG, 300 },
	{ "tracepoint", "all hooks at a tracepoint have one sum", tracepoint,
	  NEEDS_WATCHDOG },
	{ "software_events", "software events of one kind have one sum",
	  software_events, NEEDS_WATCHDOG },
	{ "unbounded_there",
	  "one without a bound leaves no room, unless it is exempt",
	  unbounded_there, NEEDS_WATCHDOG },
};

const struct suite suite_bypass = {
	.name = "bypass",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
