// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of tracing in the contexts that other suites do not have: hard
 * interrupts, under the lock of the run queue, sleepable, and with something else
 * between the program and the function that it has called.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "traffic/repro.h"
#include "context_trace.skel.h"

static struct bpf_program *other(struct run *run, const char *name)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(repro_obj(run), name);

	REQUIRE(prog, "no program %s", name);
	return prog;
}

/* --- Uprobes --------------------------------------------------------------------------------- */

int context_uprobe_target(int a);
__attribute__((noinline)) int context_uprobe_target(int a)
{
	asm volatile("");
	return a + 1;
}

static int attach_uprobe(struct run *run, bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "context_uprobe_target",
		    .retprobe = ret);

	return repro_keep(run, bpf_program__attach_uprobe_opts(
				       repro_prog(run), -1, "/proc/self/exe", 0,
				       &opts));
}

static int uprobe(struct run *run)
{
	return attach_uprobe(run, false);
}

static int uretprobe(struct run *run)
{
	return attach_uprobe(run, true);
}

static int call_target(struct run *run)
{
	return context_uprobe_target(1) == 2 ? 0 : -EINVAL;
}

/* --- Clock ----------------------------------------------------------------------------------- */

static int event_fd;

/* Of this task, 1,000 times a second of its CPU time. */
static int perf_event(struct run *run)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = NSEC_PER_MSEC,
		.disabled = 1,
	};

	event_fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			   PERF_FLAG_FD_CLOEXEC);
	if (event_fd < 0)
		return -errno;
	return repro_keep(run, bpf_program__attach_perf_event(repro_prog(run),
							      event_fd));
}

static int use_cpu(struct run *run)
{
	uint64_t start = now_ns();

	if (ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	while (repro_ctl(run)->armed && now_ns() - start < NSEC_PER_SEC)
		;
	return ioctl(event_fd, PERF_EVENT_IOC_DISABLE, 0) ? -errno : 0;
}

/* --- Others ---------------------------------------------------------------------------------- */

static int leave_cpu(struct run *run)
{
	return usleep(1000) ? -errno : 0;
}

static int run_packet(struct bpf_program *prog)
{
	static const char data[64] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static int run_other(struct run *run)
{
	return run_packet(other(run, "packet"));
}

static int run_itself(struct run *run)
{
	return run_packet(repro_prog(run));
}

static struct bpf_link *iter_link;

static int iter(struct run *run)
{
	iter_link = bpf_program__attach_iter(repro_prog(run), NULL);
	return repro_keep(run, iter_link);
}

static int read_iter(struct run *run)
{
	int fd = bpf_iter_create(bpf_link__fd(iter_link));
	char buf[64];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	close(fd);
	return n;
}

/* --- Between a program and bpf_loop() -------------------------------------------------------- */

static struct bpf_link *hook_links[2];

static int hook(struct run *run, const char *name)
{
	size_t i = hook_links[0] ? 1 : 0;

	hook_links[i] = bpf_program__attach(other(run, name));
	return hook_links[i] ? 0 : -errno;
}

static void unhook(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_links); i++) {
		bpf_link__destroy(hook_links[i]);
		hook_links[i] = NULL;
	}
}

static int with_fentry(struct run *run)
{
	return hook(run, "on_fentry");
}

static int with_fexit(struct run *run)
{
	return hook(run, "on_fexit");
}

static int with_kretprobe(struct run *run)
{
	return hook(run, "on_kretprobe");
}

static int graph(const char *tracer, const char *filter)
{
	int err = file_write(TRACING "/set_ftrace_filter", filter);

	return err ?: file_write(TRACING "/current_tracer", tracer);
}

static int with_fgraph(struct run *run)
{
	trace_start(); /* has it mounted */
	return graph("function_graph", "bpf_loop");
}

static void without_fgraph(void)
{
	CHECK(!file_write(TRACING "/current_tracer", "nop"), "tracer: %m");
	CHECK(!file_write(TRACING "/set_ftrace_filter", " "), "filter: %m");
	unhook();
}

static int with_both(struct run *run)
{
	return with_fgraph(run) ?: with_kretprobe(run);
}

/* --- An extension ---------------------------------------------------------------------------- */

static struct context_trace *ext;

static int freplace(struct run *run)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int err;

	ext = context_trace__open();
	if (!ext)
		return -errno;
	bpf_object__for_each_program(prog, ext->obj)
		bpf_program__set_autoload(prog, prog == ext->progs.extension);
	map = bpf_object__find_map_by_name(repro_obj(run), CTL_MAP);
	err = bpf_map__reuse_fd(ext->maps.data_ctl, bpf_map__fd(map));
	err = err   ?:
		      bpf_program__set_attach_target(ext->progs.extension,
						     repro_fd(run), "replaced");
	err = err ?: context_trace__load(ext);
	if (err)
		return err;
	return repro_keep(run, bpf_program__attach_trace(ext->progs.extension));
}

static void freplace_off(void)
{
	context_trace__destroy(ext);
}

#define RECORD .holds = HOLDS_RECORD

static const struct repro repros[] = {
	{ .name = "frame_freplace",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = freplace,
	  .fire = run_itself,
	  .detach = freplace_off,
	  .desc = "an extension in place of a global function" },
	{ .name = "frame_short",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = freplace,
	  .fire = run_itself,
	  .detach = freplace_off,
	  .desc = "an extension of a program that had needed no image before" },
	{ .name = "hooked_both",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_OWN,
	  RECORD,
	  .flags = R_HOOKED,
	  .attach = with_both,
	  .detach = without_fgraph,
	  .also = "on_kretprobe",
	  .desc = "bpf_loop() calls whose returns a kretprobe and the graph tracer hook" },
	{ .name = "hooked_fentry",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = with_fentry,
	  .detach = unhook,
	  .also = "on_fentry",
	  .desc = "bpf_loop() calls through a trampoline, fentry" },
	{ .name = "hooked_fexit",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = with_fexit,
	  .detach = unhook,
	  .also = "on_fexit",
	  .desc = "bpf_loop() calls through a trampoline, fexit" },
	{ .name = "hooked_fgraph",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_OWN,
	  RECORD,
	  .flags = R_HOOKED,
	  .attach = with_fgraph,
	  .detach = without_fgraph,
	  .desc = "bpf_loop() calls whose returns the graph tracer hooks" },
	{ .name = "hooked_kretprobe",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_OWN,
	  RECORD,
	  .flags = R_HOOKED,
	  .attach = with_kretprobe,
	  .detach = unhook,
	  .also = "on_kretprobe",
	  .desc = "bpf_loop() calls whose returns a kretprobe hooks" },
	{ .name = "trace_fentry_sleepable",
	  .trigger = BY_SYSCALL,
	  RECORD,
	  .desc = "fentry, sleepable" },
	{ .name = "trace_fmod_ret",
	  .trigger = BY_TEST_RUN,
	  RECORD,
	  .desc = "fmod_ret" },
	{ .name = "trace_iter",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = iter,
	  .fire = read_iter,
	  .desc = "an iterator over tasks" },
	{ .name = "trace_multi",
	  .trigger = BY_SYSCALL,
	  RECORD,
	  .desc = "kprobe.multi" },
	{ .name = "trace_perf_event",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = perf_event,
	  .fire = use_cpu,
	  .needs = NEEDS_TWO_CPUS,
	  .desc = "a perf event of the clock, in a hard interrupt" },
	{ .name = "trace_session",
	  .trigger = BY_SYSCALL,
	  RECORD,
	  .desc = "kprobe.session" },
	{ .name = "trace_switch",
	  .trigger = BY_OWN,
	  RECORD,
	  .fire = leave_cpu,
	  .flags = R_NO_BRAKE,
	  .needs = NEEDS_TWO_CPUS,
	  .desc = "sched_switch, interrupts off, the lock of the run queue held" },
	{ .name = "trace_uprobe",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = uprobe,
	  .fire = call_target,
	  .desc = "a uprobe" },
	{ .name = "trace_uprobe_sleepable",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = uprobe,
	  .fire = call_target,
	  .desc = "a uprobe, sleepable" },
	{ .name = "trace_uretprobe",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  RECORD,
	  .attach = uretprobe,
	  .fire = call_target,
	  .desc = "the return of a uprobe" },
	{ .name = "trace_writable",
	  .trigger = BY_OWN,
	  RECORD,
	  .also = "packet",
	  .fire = run_other,
	  .desc = "a raw tracepoint whose context is writable" },
};

const struct suite suite_context_trace = {
	.name = "context_trace",
	.elf = context_trace__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
