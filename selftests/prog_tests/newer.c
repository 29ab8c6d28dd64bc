// SPDX-License-Identifier: GPL-2.0
/*
 * What 6.12 does not have: what is called there is inlined, what is bounded by a number is
 * bounded by time, and there are more ways to go round, to jump and to be called.
 */
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <string.h>
#include "harness/test_util.h"
#include "progs/newer.h"
#include "newer.skel.h"

/* What the emulator and other guests of the host may add to a stop. */
#define HOST_NS (1000 * NSEC_PER_MSEC)
#define MAY_GOTO_NS (250 * NSEC_PER_MSEC)

/* Skips the test if the kernel has no @name of this kind. */
static void needs(const char *name, __u32 kind)
{
	if (!kernel_has(name, kind))
		skip("this kernel has no %s", name);
}

/* Nothing but program @name is loaded. */
static struct newer *load(const char *name, struct bpf_program **found)
{
	struct newer *skel = newer__open();
	struct bpf_program *prog;
	struct bpf_map *map;

	REQUIRE(skel, "newer: %m");
	*found = NULL;
	bpf_object__for_each_program(prog, skel->obj) {
		bool wanted = !strcmp(bpf_program__name(prog), name);

		bpf_program__set_autoload(prog, wanted);
		if (wanted)
			*found = prog;
	}
	if (!*found)
		skip("not built in");
	bpf_object__for_each_map(map, skel->obj) {
		if (!strcmp(bpf_map__name(map), "rhash"))
			bpf_map__set_autocreate(map, !strcmp(name, "by_rhash"));
		if (!strcmp(bpf_map__name(map), "works"))
			bpf_map__set_autocreate(map,
						!strcmp(name, "by_task_work"));
	}
	REQUIRE(!newer__load(skel), "%s: %m", name);
	skel->data_ctl->ctl.pid = getpid();
	skel->data_ctl->ctl.tgid = getpid();
	skel->data_ctl->ctl.n = UINT64_MAX;
	return skel;
}

/* Ended so often, and each time within its bound. */
static void check_ended(int fd, const char *name, __u64 times)
{
	struct bpf_prog_info info = prog_info(fd);
	struct wd_event ev = {};

	CHECK(info.terminations == times, "%s: ended %llu times", name,
	      info.terminations);
	CHECK(trace_find(info.id, "terminate", &ev) == (int)times,
	      "%s: no event", name);
	CHECK(ev.stop_ns >= 0 &&
		      (__u64)ev.stop_ns <= info.stop_bound_ns + HOST_NS,
	      "%s: stopped in %lld ns, bound %llu ns", name, ev.stop_ns,
	      info.stop_bound_ns);
	diag("%s: stopped in %lld ns, bound %llu ns, worst %llu ns", name,
	     ev.stop_ns, info.stop_bound_ns, info.estimate_worst_ns);
}

/* Cancelling what was added, which bpf_task_work_schedule_signal() may do, looks at all of the task. */
static bool stops_as_it_should(const char *name,
			       const struct bpf_prog_info *info)
{
	if (!strcmp(name, "by_task_work"))
		return info->stop_bound_ns == UINT64_MAX &&
		       info->stop_bound_reason == BPF_ESTIMATE_NO_COST;
	return info->stop_bound_ns < NSEC_PER_SEC;
}

/* Runs @name, which the watchdog is to end. */
static struct newer *end_one(const char *name, struct bpf_program **prog)
{
	struct newer *skel = load(name, prog);
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	struct bpf_prog_info info;
	struct health before;
	__u64 key;
	int err;

	for (key = 0; !strcmp(name, "by_rhash") && key < 200; key++)
		REQUIRE(!bpf_map_update_elem(bpf_map__fd(skel->maps.rhash),
					     &key, &key, 0),
			"rhash: %m");
	trace_start();
	wd_enable(BUDGET_US);
	before = health();
	info = prog_info(bpf_program__fd(*prog));
	CHECK(info.terminable == BPF_TERMINABLE_YES ||
		      info.terminable == BPF_TERMINABLE_CONDITIONAL,
	      "%s: terminable %u", name, info.terminable);
	CHECK(stops_as_it_should(name, &info), "%s: stops within %llu ns, %u",
	      name, info.stop_bound_ns, info.stop_bound_reason);
	shared->stall_since = now_ns();
	err = prog_run(bpf_program__fd(*prog), NULL);
	shared->stall_since = 0;
	CHECK(!err, "%s: test run: %s", name, strerror(-err));
	CHECK(!ctl->brake, "%s: nobody ended it", name);
	CHECK(ctl->started == 1 && ctl->finished == 1,
	      "%s: %llu started, %llu finished", name, ctl->started,
	      ctl->finished);
	check_health(&before, true);
	return skel;
}

static void by_numbers(void)
{
	struct bpf_program *prog;
	struct newer *skel = end_one("by_numbers", &prog);

	check_ended(bpf_program__fd(prog), "by_numbers", 1);
	newer__destroy(skel);
}

static void by_goto(void)
{
	struct bpf_program *prog;
	struct newer *skel = end_one("by_goto", &prog);

	check_ended(bpf_program__fd(prog), "by_goto", 1);
	newer__destroy(skel);
}

static void one_goto(void)
{
	struct bpf_program *prog;
	struct newer *skel;
	struct bpf_prog_info info;
	uint64_t took, start;

	if (!timed_may_goto())
		skip("may_goto is bounded by a number here");
	skel = load("one_goto", &prog);
	info = prog_info(bpf_program__fd(prog));
	CHECK(info.estimate_worst_ns > MAY_GOTO_NS &&
		      info.estimate_worst_ns != UINT64_MAX,
	      "worst %llu ns", info.estimate_worst_ns);
	start = now_ns();
	REQUIRE(!prog_run(bpf_program__fd(prog), NULL), "test run: %m");
	took = now_ns() - start;
	CHECK(skel->data_ctl->ctl.finished == 1, "it did not run");
	CHECK(took >= MAY_GOTO_NS, "it ran for %llu ns",
	      (unsigned long long)took);
	diag("ran for %llu ms, worst %llu ms",
	     (unsigned long long)(took / NSEC_PER_MSEC),
	     info.estimate_worst_ns / NSEC_PER_MSEC);
	newer__destroy(skel);
}

static void by_void(void)
{
	struct bpf_program *prog;
	struct newer *skel;

	needs("bpf_timed_may_goto", BTF_KIND_STRUCT);
	skel = end_one("by_void", &prog);
	check_ended(bpf_program__fd(prog), "by_void", 1);
	newer__destroy(skel);
}

static void by_both(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct newer *skel;

	needs("bpf_timed_may_goto", BTF_KIND_STRUCT);
	skel = load("by_both", &prog);
	info = prog_info(bpf_program__fd(prog));
	CHECK(info.estimate_worst_ns != UINT64_MAX, "reason %u",
	      info.estimate_reason);
	CHECK(!prog_run(bpf_program__fd(prog), NULL), "test run: %m");
	CHECK(skel->data_ctl->ctl.steps == 3000, "%llu steps",
	      skel->data_ctl->ctl.steps);
	diag("worst %llu ns", info.estimate_worst_ns);
	newer__destroy(skel);
}

static void by_rhash(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct newer *skel;

	needs("bpf_rhtab", BTF_KIND_STRUCT);
	skel = end_one("by_rhash", &prog);
	info = prog_info(bpf_program__fd(prog));
	CHECK(info.estimate_worst_ns == UINT64_MAX, "worst %llu ns",
	      info.estimate_worst_ns);
	check_ended(bpf_program__fd(prog), "by_rhash", 1);
	newer__destroy(skel);
}

static void by_task_work(void)
{
	struct bpf_program *prog;
	struct newer *skel;

	needs("bpf_task_work", BTF_KIND_STRUCT);
	skel = end_one("by_task_work", &prog);
	REQUIRE(skel->data_ctl->ctl.held == 1, "no work was added");
	REQUIRE(wait_for(&skel->data_ctl->ctl.inner_finished, 1,
			 5 * NSEC_PER_SEC),
		"the callback did not end");
	check_ended(bpf_program__fd(prog), "by_task_work", 1);
	newer__destroy(skel);
}

static void by_session(void)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	struct newer *skel;
	int err;

	needs("bpf_session_is_return", BTF_KIND_FUNC);
	skel = load("by_session", &prog);
	trace_start();
	wd_enable(BUDGET_US);
	link = bpf_program__attach_trace(prog);
	REQUIRE(link, "attach: %m");
	/* This runs bpf_fentry_test1() and its like. */
	shared->stall_since = now_ns();
	err = prog_run(bpf_program__fd(prog), NULL);
	shared->stall_since = 0;
	CHECK(!err, "test run: %s", strerror(-err));
	CHECK(skel->data_ctl->ctl.started == 1 &&
		      skel->data_ctl->ctl.inner_started == 1 &&
		      skel->data_ctl->ctl.finished == 2,
	      "%llu before, %llu after, %llu finished",
	      skel->data_ctl->ctl.started, skel->data_ctl->ctl.inner_started,
	      skel->data_ctl->ctl.finished);
	check_ended(bpf_program__fd(prog), "by_session", 2);
	bpf_link__destroy(link);
	newer__destroy(skel);
}

/* A jump to where a table says. */
static void indirect(void)
{
	/* r1 = the table; r1 = *r1; gotox r1; r0 = 1; exit */
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_VALUE },
		{},
		{ .code = BPF_LDX | BPF_MEM | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_1 },
		{ .code = BPF_JMP | BPF_JA | BPF_X, .dst_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* To the one behind it: struct bpf_insn_array_value. */
	struct {
		__u32 orig_off, xlated_off, jitted_off, unused;
	} target = { .orig_off = 4 };
	struct bpf_prog_info info;
	int map, fd;
	__u32 key = 0;

	needs("bpf_insn_array", BTF_KIND_STRUCT);
	map = bpf_map_create(NEWER_MAP_TYPE_INSN_ARRAY, "table", sizeof(key),
			     sizeof(target), 1, NULL);
	REQUIRE(map >= 0, "map: %m");
	REQUIRE(!bpf_map_update_elem(map, &key, &target, 0) &&
			!bpf_map_freeze(map),
		"table: %m");
	insns[0].imm = map;
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "indirect", "GPL",
			   insns, ARRAY_SIZE(insns), NULL);
	REQUIRE(fd >= 0, "program: %m");
	info = prog_info(fd);
	CHECK(info.terminable == NEWER_TERMINABLE_NO_INDIRECT, "terminable %u",
	      info.terminable);
	close(fd);
	close(map);
}

/* Does it have a stack of its own: push %r9 before a call? */
static bool pushes_stack(int fd)
{
	static const __u8 push_call[] = { 0x41, 0x51, 0xe8 };
	static __u8 code[8192];
	struct bpf_prog_info info = {
		.jited_prog_insns = (unsigned long)code,
		.jited_prog_len = sizeof(code),
	};
	__u32 len = sizeof(info);

	REQUIRE(!bpf_prog_get_info_by_fd(fd, &info, &len), "info: %m");
	return memmem(code, info.jited_prog_len, push_call, sizeof(push_call));
}

/*
 * At each of its calls, which is between the push and the pop: with the address of the
 * own stack lost there, what was on it would not be found again.
 */
static void by_own_stack(void)
{
	struct bpf_prog_info before, after;
	struct bpf_program *prog;
	struct newer *skel;
	volatile struct ctl *ctl;
	unsigned int k;
	int fd, err;

	skel = load("by_own_stack", &prog);
	ctl = (void *)&skel->data_ctl->ctl;
	fd = bpf_program__fd(prog);
	/* Linux 6.12 has it not on x86, but the function that says so. */
	REQUIRE(pushes_stack(fd) ==
			kernel_has("bpf_insn_array", BTF_KIND_STRUCT),
		"has it a stack of its own?");
	trace_start();
	wd_enable(1000000000); /* 1,000 s: only the trigger ends anything */
	wd_want_image(fd);
	for (k = 1; k < 20 && !nr_failures; k++) {
		before = prog_info(fd);
		err = wd_end_at(fd, k);
		REQUIRE(!err, "end at %u: %s", k, strerror(-err));
		ctl->enter_ns = 0;
		err = prog_run(fd, NULL);
		CHECK(!err, "test run: %s", strerror(-err));
		/* Its first call is that of the clock. */
		CHECK((k == 1) == !ctl->enter_ns, "call %u: not that one", k);
		err = wd_end_at(fd, 0);
		REQUIRE(!err, "end at 0: %s", strerror(-err));
		after = prog_info(fd);
		CHECK(ctl->finished == k && !ctl->refused && ctl->held,
		      "call %u: finished %llu times, %llu stacks are as they were, %llu not",
		      k, ctl->finished, ctl->held, ctl->refused);
		if (after.terminations == before.terminations)
			break;
	}
	/* The clock, two random numbers of the functions, one of its own, and these two. */
	CHECK(k - 1 == 6, "ended at %u calls", k - 1);
	newer__destroy(skel);
}

#define INSN(code_, dst_, src_, off_, imm_) \
	{ .code = (code_),                  \
	  .dst_reg = (dst_),                \
	  .src_reg = (src_),                \
	  .off = (off_),                    \
	  .imm = (imm_) }

/* Types for a function that takes @args numbers. */
static int add_func(struct btf *btf, const char *name, int type, int args)
{
	int proto = btf__add_func_proto(btf, type), i;

	for (i = 0; i < args; i++) {
		char arg[8];

		snprintf(arg, sizeof(arg), "a%d", i);
		btf__add_func_param(btf, arg, type);
	}
	return btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
}

/*
 * Compilers of today do not know how: the sixth argument, and those behind it, are on the
 * stack, where the JIT makes room for as many as the verifier has seen. The fast path is emitted
 * when that is long gone.
 */
static void by_stack_args(void)
{
	enum {
		LDX = BPF_LDX | BPF_MEM | BPF_DW,
		STX = BPF_STX | BPF_MEM | BPF_DW,
		ST = BPF_ST | BPF_MEM | BPF_DW,
		MOV = BPF_ALU64 | BPF_MOV | BPF_K,
		MOV_REG = BPF_ALU64 | BPF_MOV | BPF_X,
		ADD_REG = BPF_ALU64 | BPF_ADD | BPF_X
	};
	struct bpf_insn insns[] = {
		/* r6 = the counts; spin(r6, 2, 3, 4, 5, 60, 700) */
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_6, BPF_PSEUDO_MAP_VALUE,
		     0, 0),
		{},
		INSN(MOV_REG, BPF_REG_1, BPF_REG_6, 0, 0),
		INSN(MOV, BPF_REG_2, 0, 0, 2),
		INSN(MOV, BPF_REG_3, 0, 0, 3),
		INSN(MOV, BPF_REG_4, 0, 0, 4),
		INSN(MOV, BPF_REG_5, 0, 0, 5),
		INSN(ST, NEWER_REG_PARAMS, 0, -16, 700),
		INSN(ST, NEWER_REG_PARAMS, 0, -8, 60),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 3),
		/* what it returns */
		INSN(STX, BPF_REG_6, BPF_REG_0, 8, 0),
		INSN(MOV, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		/* spin(): r7 = 60, r8 = 700; while (may_goto) ++*r1; return r7 + r8 */
		INSN(LDX, BPF_REG_7, NEWER_REG_PARAMS, 8, 0),
		INSN(LDX, BPF_REG_8, NEWER_REG_PARAMS, 16, 0),
		INSN(BPF_JMP | NEWER_JCOND, 0, 0, 4, 0),
		INSN(LDX, BPF_REG_2, BPF_REG_1, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, 1),
		INSN(STX, BPF_REG_1, BPF_REG_2, 0, 0),
		INSN(BPF_JMP | BPF_JA, 0, 0, -5, 0),
		INSN(MOV_REG, BPF_REG_0, BPF_REG_7, 0, 0),
		INSN(ADD_REG, BPF_REG_0, BPF_REG_8, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	struct bpf_func_info funcs[2] = { { .insn_off = 0 },
					  { .insn_off = 13 } };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE,
		    .func_info = funcs, .func_info_cnt = 2,
		    .func_info_rec_size = sizeof(funcs[0]));
	__u64 counts[2] = {};
	struct bpf_prog_info info;
	struct btf *btf;
	int type, map, fd, err;
	__u32 key = 0;

	needs("bpf_jit_supports_stack_args", BTF_KIND_FUNC);
	btf = btf__new_empty();
	REQUIRE(btf, "types: %m");
	type = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	funcs[0].type_id = add_func(btf, "by_stack_args", type, 1);
	funcs[1].type_id = add_func(btf, "spin", type, 7);
	REQUIRE(!btf__load_into_kernel(btf), "types: %m");
	opts.prog_btf_fd = btf__fd(btf);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", sizeof(key),
			     sizeof(counts), 1, NULL);
	REQUIRE(map >= 0, "map: %m");
	insns[0].imm = map;
	fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "by_stack_args", "GPL", insns,
			   ARRAY_SIZE(insns), &opts);
	REQUIRE(fd >= 0, "program: %m");
	trace_start();
	wd_enable(BUDGET_US);
	err = prog_run(fd, NULL);
	CHECK(!err, "test run: %s", strerror(-err));
	check_ended(fd, "by_stack_args", 1);
	REQUIRE(!bpf_map_lookup_elem(map, &key, counts), "counts: %m");
	CHECK(counts[0] && counts[1] == 760, "%llu rounds, it returned %llu",
	      counts[0], counts[1]);
	info = prog_info(fd);
	CHECK(info.estimate_worst_ns > MAY_GOTO_NS &&
		      info.estimate_worst_ns != UINT64_MAX,
	      "worst %llu ns", info.estimate_worst_ns);
	close(fd);
	close(map);
	btf__free(btf);
}

static const struct test tests[] = {
	{ .name = "by_numbers",
	  .run = by_numbers,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "three nested numeric iterators, whose calls may be inlined, are left" },
	{ .name = "by_goto",
	  .run = by_goto,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "may_goto loops of two functions are left, whatever bounds each of them" },
	{ .name = "one_goto",
	  .run = one_goto,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a may_goto loop that is bounded by time runs for that long, and the estimate says so" },
	{ .name = "by_void",
	  .run = by_void,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a global function that returns nothing is ended" },
	{ .name = "by_both",
	  .run = by_both,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a global function that is verified twice is estimated in both contexts" },
	{ .name = "by_rhash",
	  .run = by_rhash,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "loops over a hash that is resized have no bound, and are ended" },
	{ .name = "by_task_work",
	  .run = by_task_work,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a callback that a task runs before it is back in user space is ended" },
	{ .name = "by_session",
	  .run = by_session,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a program that runs before and after a function is ended in both" },
	{ .name = "by_own_stack",
	  .run = by_own_stack,
	  .needs = NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER,
	  .desc = "a program with a stack of its own is ended at each call, and finds it again" },
	{ .name = "by_stack_args",
	  .run = by_stack_args,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a function that has arguments on the stack is ended" },
	{ .name = "indirect",
	  .run = indirect,
	  .needs = NEEDS_WATCHDOG,
	  .desc = "a program that jumps through a table cannot be ended, and says why" },
};

const struct suite suite_newer = {
	.name = "newer",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
