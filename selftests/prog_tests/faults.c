// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail: the n-th of an operation, for each n that it has. It either
 * succeeds or fails and changes nothing, the program runs, and what was given up is
 * given back.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include "harness/faults.h"
#include "harness/policy.h"

#define WATCHDOG "/proc/sys/kernel/bpf_watchdog"
/* Nothing is ended, however slow the machine is. */
#define LONG_US 1000000000

/* --- Programs -------------------------------------------------------------------------------- */

#define INSN(c, d, s, o, i)                 \
	((struct bpf_insn){ .code = (c),    \
			    .dst_reg = (d), \
			    .src_reg = (s), \
			    .off = (o),     \
			    .imm = (i) })
#define LOAD_CTX(d, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, BPF_REG_1, o, 0)
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define COPY(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define MAY_GOTO(o) INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, o, 0)
#define GOTO_GE(d, s, o) INSN(BPF_JMP | BPF_JGE | BPF_X, d, s, o, 0)
#define GOTO_LT(d, i, o) INSN(BPF_JMP | BPF_JLT | BPF_K, d, 0, o, i)
#define GOTO(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define CALL_SUB(o) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* As many turns as its first argument says, and says how many they were. */
static const struct bpf_insn turns[] = {
	LOAD_CTX(BPF_REG_6, 0),
	SET(BPF_REG_7, 0),
	MAY_GOTO(5),
	GOTO_GE(BPF_REG_7, BPF_REG_6, 4),
	COPY(BPF_REG_1, BPF_REG_7),
	CALL_SUB(4),
	ADD(BPF_REG_7, 1),
	GOTO(-6),
	COPY(BPF_REG_0, BPF_REG_7),
	EXIT(),
	CALL(BPF_FUNC_ktime_get_ns),
	EXIT(),
};

/* Ten turns: nothing to be ended, unless it gets a budget that is tiny. */
static const struct bpf_insn ten_turns[] = {
	SET(BPF_REG_6, 0),	    CALL(BPF_FUNC_ktime_get_ns),
	ADD(BPF_REG_6, 1),	    GOTO_LT(BPF_REG_6, 10, -3),
	COPY(BPF_REG_0, BPF_REG_6), EXIT(),
};

static int load(const struct bpf_insn *insns, size_t nr)
{
	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "faults", "GPL",
			     insns, nr, NULL);
}

static int load_turns(void)
{
	return load(turns, ARRAY_SIZE(turns));
}

/* The number of turns that it took; none if it failed. */
static __u32 run_turns(int fd, __u64 nr)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &nr,
		    .ctx_size_in = sizeof(nr));
	int err = bpf_prog_test_run_opts(fd, &opts);

	CHECK(!err, "test run: %s", strerror(-err));
	return err ? 0 : opts.retval;
}

static bool can_be_ended(int fd)
{
	struct bpf_prog_info info = prog_info(fd);

	return info.terminable == BPF_TERMINABLE_CONDITIONAL &&
	       info.fast_path_bytes;
}

static bool had_no_memory(int fd)
{
	return prog_info(fd).terminable == BPF_TERMINABLE_NO_MEMORY;
}

/* What is estimated when nothing fails. */
static __u64 estimate;

static void set_estimate(void)
{
	int fd = load_turns();

	REQUIRE(fd >= 0, "load: %s", strerror(-fd));
	estimate = prog_info(fd).estimate_worst_ns;
	CHECK(estimate != (__u64)-1, "no estimate, reason %u",
	      prog_info(fd).estimate_reason);
	close(fd);
}

/* With an image or without, and it works. An estimate that was given up has no bound. */
static void check_program(int fd)
{
	struct bpf_prog_info info = prog_info(fd);

	CHECK(info.estimate_worst_ns == estimate ||
		      (info.estimate_worst_ns == (__u64)-1 &&
		       (info.estimate_reason == BPF_ESTIMATE_NO_MEMORY ||
			info.estimate_reason == BPF_ESTIMATE_NONE)),
	      "estimate %llu ns, without faults %llu, reason %u",
	      info.estimate_worst_ns, estimate, info.estimate_reason);
	CHECK(can_be_ended(fd) || had_no_memory(fd), "terminable %u, %u bytes",
	      prog_info(fd).terminable, prog_info(fd).fast_path_bytes);
	CHECK(run_turns(fd, 10) == 10, "it does not do what it should");
}

/* A program that is loaded now is ended. */
static void check_ended(void)
{
	int fd = load_turns();

	REQUIRE(fd >= 0, "load: %s", strerror(-fd));
	CHECK(can_be_ended(fd), "terminable %u", prog_info(fd).terminable);
	run_turns(fd, 1ULL << 40);
	CHECK(prog_info(fd).terminations == 1, "it was not ended");
	close(fd);
}

/* All is back, and the watchdog does its work. */
static void end(void)
{
	faults_end();
	wd_enable(BUDGET_US);
	check_ended();
	wd_disable();
}

/* --- Loading, and switching on --------------------------------------------------------------- */

static int prog = -1;
static unsigned int nr_without;

static void close_program(void)
{
	if (prog >= 0)
		close(prog);
	prog = -1;
}

/*
 * More is allocated than the operation does itself: kmemleak allocates an object for
 * each allocation, and some of these a page. So the count of one and the same
 * allocation is not the same each time, and one may be passed over.
 */
static void fail_until_without(const struct operation *op)
{
	int i;

	for (i = 0; i < 3 && !nr_without && !nr_failures; i++)
		fail_each(op);
	CHECK(nr_without, "never without memory for the image alone");
	diag("%s: without memory for the image alone %u times", op->name,
	     nr_without);
}

static void check_load(int fd)
{
	if (fd < 0)
		return;
	check_program(fd);
	if (had_no_memory(fd))
		nr_without++;
	close(fd);
}

static void prog_load(void)
{
	static const struct operation op = {
		.name = "load",
		.run = load_turns,
		.check = check_load,
	};

	faults_begin();
	wd_enable(LONG_US);
	set_estimate();
	fail_until_without(&op);
	end();
}

/* The same, with code that is translated twice. */
static void blinded(void)
{
	static const struct operation op = {
		.name = "load",
		.run = load_turns,
		.check = check_load,
	};
	long was;

	faults_begin();
	was = get_number(JIT_HARDEN);
	set_number(JIT_HARDEN, 2);
	wd_enable(LONG_US);
	set_estimate();
	fail_until_without(&op);
	set_number(JIT_HARDEN, was);
	end();
}

static int switch_file = -1;

static void loaded_while_off(void)
{
	wd_disable();
	close_program();
	prog = load_turns();
	REQUIRE(prog >= 0, "load: %s", strerror(-prog));
	CHECK(prog_info(prog).terminable == BPF_TERMINABLE_WHEN_ENABLED,
	      "terminable %u", prog_info(prog).terminable);
}

static int switch_to(const char *value)
{
	return pwrite(switch_file, value, 1, 0) == 1 ? 0 : -errno;
}

static int switch_on(void)
{
	return switch_to("1");
}

static int switch_off(void)
{
	return switch_to("0");
}

static void check_on(int ret)
{
	CHECK(get_number(WATCHDOG) == !ret, "result %d, and it is %ld", ret,
	      get_number(WATCHDOG));
	CHECK(run_turns(prog, 10) == 10, "it does not do what it should");
	nr_without += had_no_memory(prog);
	/* What was not possible before is now. */
	wd_disable();
	wd_enable(LONG_US);
	CHECK(can_be_ended(prog), "terminable %u", prog_info(prog).terminable);
}

static void just_on(void)
{
	wd_enable(LONG_US);
}

static void check_off(int ret)
{
	CHECK(get_number(WATCHDOG) == !!ret, "result %d, and it is %ld", ret,
	      get_number(WATCHDOG));
}

static void toggle(void)
{
	static const struct operation on = {
		.name = "switching on",
		.prepare = loaded_while_off,
		.run = switch_on,
		.check = check_on,
	};
	static const struct operation off = {
		.name = "switching off",
		.prepare = just_on,
		.run = switch_off,
		.check = check_off,
	};

	/* Before the programs are counted: it stays open. */
	switch_file = open(WATCHDOG, O_WRONLY | O_CLOEXEC);
	REQUIRE(switch_file >= 0, WATCHDOG ": %m");
	faults_begin();
	wd_enable(LONG_US);
	fail_until_without(&on);
	fail_each(&off);
	close_program();
	end();
}

/* --- Commands -------------------------------------------------------------------------------- */

static void loaded_short(void)
{
	close_program();
	prog = load(ten_turns, ARRAY_SIZE(ten_turns));
	REQUIRE(prog >= 0, "load: %s", strerror(-prog));
	CHECK(prog_info(prog).terminable == BPF_TERMINABLE_NOT_NEEDED,
	      "terminable %u", prog_info(prog).terminable);
}

static int tiny_budget(void)
{
	return wd_command(prog, BPF_WD_SET_BUDGET, 1);
}

static void check_budget(int ret)
{
	CHECK(prog_info(prog).watchdog_budget_ns == (ret ? 0 : 1),
	      "result %d, budget %llu", ret,
	      prog_info(prog).watchdog_budget_ns);
	CHECK(can_be_ended(prog) || had_no_memory(prog), "terminable %u",
	      prog_info(prog).terminable);
	nr_without += had_no_memory(prog);
	wd_spare(prog);
	CHECK(run_turns(prog, 0) == 10, "it does not do what it should");
}

static void released(void)
{
	wd_command(prog, BPF_WD_RELEASE, 0);
}

static void in_quarantine(void)
{
	wd_command(prog, BPF_WD_QUARANTINE, 0);
}

static int quarantine(void)
{
	return wd_command(prog, BPF_WD_QUARANTINE, 0);
}

static int release(void)
{
	return wd_command(prog, BPF_WD_RELEASE, 0);
}

static void check_quarantined(int ret)
{
	CHECK(prog_info(prog).quarantined == !ret, "result %d, quarantined %u",
	      ret, prog_info(prog).quarantined);
	CHECK(run_turns(prog, 10) == (ret ? 10 : 0),
	      "it runs, or does not run");
}

static void check_released(int ret)
{
	CHECK(prog_info(prog).quarantined == !!ret, "result %d, quarantined %u",
	      ret, prog_info(prog).quarantined);
	CHECK(run_turns(prog, 10) == (ret ? 0 : 10),
	      "it runs, or does not run");
}

static void commands(void)
{
	static const struct operation budget = {
		.name = "a tiny budget",
		.prepare = loaded_short,
		.run = tiny_budget,
		.check = check_budget,
	};
	/* To change text needs no memory. */
	static const struct operation into = {
		.name = "quarantine",
		.prepare = released,
		.run = quarantine,
		.check = check_quarantined,
		.may_be_none = true,
	};
	static const struct operation out = {
		.name = "release",
		.prepare = in_quarantine,
		.run = release,
		.check = check_released,
		.may_be_none = true,
	};

	faults_begin();
	wd_enable(LONG_US);
	fail_until_without(&budget);
	close_program();
	prog = load_turns();
	REQUIRE(prog >= 0, "load: %s", strerror(-prog));
	fail_each(&into);
	fail_each(&out);
	close_program();
	end();
}

/* --- Policies and cost models ---------------------------------------------------------------- */

static struct policy *some_policy(__u32 rules)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	p->rules[0].action = BPF_POLICY_ALLOW;
	while (p->nr < rules)
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS,
			    "kprobe/x*");
	return p;
}

static struct policy *next_policy;

static void one_policy(void)
{
	policy_use(some_policy(2));
	next_policy = some_policy(40);
}

static int load_policy(void)
{
	return policy_load(next_policy);
}

static void check_policy(int ret)
{
	struct policy *p = policy_new(BPF_POLICY_OFF);
	int err = policy_get(p);

	CHECK(!err && p->nr == (ret ? 2 : 40), "result %d, %u rules", ret,
	      p->nr);
}

static void policies(void)
{
	static const struct operation op = {
		.name = "a policy",
		.prepare = one_policy,
		.run = load_policy,
		.check = check_policy,
	};

	faults_begin();
	fail_each(&op);
	policy_unload();
	end();
}

static __u64 generation;

/* Of the cost model in force. */
static __u64 get_generation(void)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_GET;
	attr.cost_model.entry_size = sizeof(struct bpf_cost_entry);
	err = syscall(SYS_bpf, BPF_COST_MODEL, &attr, sizeof(attr));
	REQUIRE(!err, "BPF_COST_GET: %m");
	return attr.cost_model.generation;
}

static void any_generation(void)
{
	generation = get_generation();
}

static void check_model(int ret)
{
	CHECK((get_generation() == generation) == !!ret,
	      "result %d, generation %llu, was %llu", ret, get_generation(),
	      generation);
}

static int load_cost_model(void)
{
	return policy_cost_model_load(TICK_NS);
}

static void cost_model(void)
{
	static const struct operation op = {
		.name = "a cost model",
		.prepare = any_generation,
		.run = load_cost_model,
		.check = check_model,
	};

	faults_begin();
	fail_each(&op);
	end();
}

static int attach(void)
{
	return bpf_raw_tracepoint_open("bpf_test_finish", prog);
}

static bool none_charged(void *unused)
{
	return !policy_charged(prog_info(prog).id, NULL);
}

static void check_attached(int ret)
{
	CHECK(policy_charged(prog_info(prog).id, NULL) == (ret >= 0),
	      "result %d, charged %u times", ret,
	      policy_charged(prog_info(prog).id, NULL));
	if (ret >= 0)
		close(ret);
	CHECK(wait_until(none_charged, NULL, NSEC_PER_SEC),
	      "charged though it is detached");
}

static void attaching(void)
{
	static const struct operation op = {
		.name = "attaching",
		.run = attach,
		.check = check_attached,
	};

	faults_begin();
	policy_use(some_policy(3));
	prog = load(ten_turns, ARRAY_SIZE(ten_turns));
	REQUIRE(prog >= 0, "load: %s", strerror(-prog));
	fail_each(&op);
	close_program();
	policy_unload();
	end();
}

/* --- Memory for code ------------------------------------------------------------------------- */

#define PACK (2 << 20)
#define BIG_INSNS 130000 /* of 10 bytes: two of these do not fit into a pack */

static struct bpf_insn *big;
static size_t big_insns;

static void make_big(void)
{
	size_t i;

	big_insns = 2 * BIG_INSNS + ARRAY_SIZE(ten_turns);
	big = calloc(big_insns, sizeof(*big));
	REQUIRE(big, "no memory");
	for (i = 0; i < BIG_INSNS; i++) {
		big[2 * i] =
			INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_7, 0, 0, i);
		big[2 * i + 1].imm = 0x1000;
	}
	memcpy(big + 2 * i, ten_turns, sizeof(ten_turns));
}

static void loaded_big(void)
{
	if (prog >= 0 &&
	    prog_info(prog).terminable == BPF_TERMINABLE_WHEN_ENABLED)
		return;
	wd_disable();
	close_program();
	prog = load(big, big_insns);
	REQUIRE(prog >= 0, "load: %s", strerror(-prog));
	/* Or it needs no image. */
	wd_command(prog, BPF_WD_SET_BUDGET, 1);
	CHECK(prog_info(prog).jited_prog_len > PACK / 2, "%u bytes only",
	      prog_info(prog).jited_prog_len);
}

static void check_big(int ret)
{
	CHECK(get_number(WATCHDOG) == !ret, "result %d, and it is %ld", ret,
	      get_number(WATCHDOG));
	if (!ret)
		CHECK(can_be_ended(prog) || had_no_memory(prog),
		      "terminable %u", prog_info(prog).terminable);
	nr_without += had_no_memory(prog);
	wd_disable();
	CHECK(run_turns(prog, 0) == 10, "it does not do what it should");
}

/* The pack that has the program has no room for its image. */
static void new_pack(void)
{
	static const struct operation op = {
		.name = "a new pack",
		.prepare = loaded_big,
		.run = switch_on,
		.check = check_big,
		.factor = 61,
	};

	switch_file = open(WATCHDOG, O_WRONLY | O_CLOEXEC);
	REQUIRE(switch_file >= 0, WATCHDOG ": %m");
	faults_begin();
	make_big();
	fail_until_without(&op);
	close_program();
	end();
}

/* --- Without injected faults ----------------------------------------------------------------- */

static __u32 nobody_terminable;

/* A tail call is all that nobody can overrun with. */
static int load_tail(void)
{
	struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0,
		     0),
		{},
		SET(BPF_REG_3, 0),
		CALL(BPF_FUNC_tail_call),
		SET(BPF_REG_0, 0),
		EXIT(),
	};
	int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "tails", 4, 4, 1,
				 NULL),
	    fd;

	insns[0].imm = map;
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "tail", "GPL", insns,
			   ARRAY_SIZE(insns), NULL);
	if (fd >= 0)
		nobody_terminable = prog_info(fd).terminable;
	close(fd);
	close(map);
	return fd < 0;
}

static int tail_terminable(void)
{
	return load_tail() ? -1 : (int)nobody_terminable;
}

/*
 * The limit is for those without CAP_BPF. Their programs have no symbol, and so would not be
 * found on a stack: they say that, and take no memory for an image.
 */
static void jit_limit(void)
{
	long was, code;
	int fd, terminable;

	first_netns();
	set_number("/proc/sys/kernel/unprivileged_bpf_disabled", 0);
	was = get_number(JIT_LIMIT);
	wd_enable(BUDGET_US);
	terminable = as_nobody(tail_terminable);
	CHECK(terminable == BPF_TERMINABLE_NO_SYMBOL, "terminable %d",
	      terminable);
	code = steady_limit(load_tail);
	CHECK(code < was, "nobody may load: %ld", code);
	diag("%ld bytes", code);

	set_number(JIT_LIMIT, code);
	CHECK(!as_nobody(load_tail),
	      "with room for the program, it does not load");
	set_number(JIT_LIMIT, 1);
	CHECK(as_nobody(load_tail), "nobody may load beyond the limit");
	fd = load_turns();
	REQUIRE(fd >= 0, "root: %s", strerror(-fd));
	CHECK(can_be_ended(fd), "root: terminable %u",
	      prog_info(fd).terminable);
	CHECK(run_turns(fd, 10) == 10, "it does not do what it should");
	close(fd);
	check_ended();
	set_number(JIT_LIMIT, was);
	CHECK(steady_limit(load_tail) == code,
	      "%ld bytes of code, there were %ld", steady_limit(load_tail),
	      code);
}

static void jit_harden(void)
{
	long was;

	first_netns();
	was = get_number(JIT_HARDEN);
	set_number(JIT_HARDEN, 2);
	wd_enable(BUDGET_US);
	check_ended();
	set_number(JIT_HARDEN, was);
}

#define FAULT_TEST(name, text) { #name, text, name, NEEDS_WATCHDOG, 900 }

static const struct test tests[] = {
	FAULT_TEST(attaching,
		   "each allocation of attaching under a policy fails once"),
	FAULT_TEST(
		blinded,
		"each allocation of loading fails once, constants are blinded"),
	FAULT_TEST(commands, "each allocation of BPF_PROG_WATCHDOG fails once"),
	FAULT_TEST(cost_model,
		   "each allocation of setting a cost model fails once"),
	{ "jit_harden", "a program with blinded constants is ended", jit_harden,
	  NEEDS_WATCHDOG },
	{ "jit_limit",
	  "an image beyond bpf_jit_limit is no memory; CAP_BPF has no limit",
	  jit_limit, NEEDS_WATCHDOG },
	FAULT_TEST(new_pack,
		   "the pack is full, and allocations of a new one fail"),
	FAULT_TEST(policies, "each allocation of loading a policy fails once"),
	FAULT_TEST(prog_load, "each allocation of BPF_PROG_LOAD fails once"),
	FAULT_TEST(toggle,
		   "each allocation of switching on and off fails once"),
};

const struct suite suite_faults = {
	.name = "faults",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
