// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog's bpf() commands with any attributes and records: each call is carried out
 * as a whole or refused as a whole, with an error that is documented. BPFWD_FUZZ_S says for
 * how long, BPFWD_FUZZ_SEED with which numbers.
 *
 * What is passed is a correct call with some bytes changed. Records and strings end at memory
 * that cannot be accessed, so what is read or written behind them is seen.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness/policy.h"

#define PAGE 4096UL
#define ROOM (16 * PAGE) /* of an area, 64 KB */
/* A pointer of which lower bits are changed stays in here. */
#define FENCE (1UL << 33)
#define ENTRIES 512
/* The bytes of union bpf_attr that a command uses, up to its last member. */
#define USED(last) \
	(offsetof(union bpf_attr, last) + sizeof(((union bpf_attr *)0)->last))

static __u64 random_state;

/* xorshift: the same numbers in each run. */
static __u64 random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static bool one_in(unsigned int n)
{
	return (random_next() >> 8) % n == 0;
}

static unsigned int below(unsigned int n)
{
	return (random_next() >> 8) % n;
}

/* --- Memory for the kernel ------------------------------------------------------------------- */

struct area {
	char *end; /* nothing is accessible from here on */
};

static struct area records, strings;

static struct area area_new(char *base)
{
	int err = mprotect(base, ROOM, PROT_READ | PROT_WRITE);

	REQUIRE(!err, "mprotect: %m");
	return (struct area){ base + ROOM };
}

static void areas_make(void)
{
	char *fence = mmap(NULL, 2 * FENCE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(fence != MAP_FAILED, "mmap: %m");
	fence = (char *)(((unsigned long)fence + FENCE - 1) & -FENCE);
	records = area_new(fence + FENCE / 2);
	strings = area_new(fence + FENCE / 2 + 2 * ROOM);
}

/* The last @size bytes of an area. */
static void *area_last(const struct area *a, size_t size)
{
	return a->end - size;
}

/* --- Changes --------------------------------------------------------------------------------- */

static void change(void *mem, size_t size)
{
	static const __u64 numbers[] = {
		0,	    1,		2,	     127,     128,
		255,	    4095,	4096,	     4097,    0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 1048576, 1048577,
		1ULL << 63, ~0ULL >> 1, ~0ULL,
	};
	size_t at = below(size), word;
	__u64 n = numbers[below(ARRAY_SIZE(numbers))];
	char *p = mem;

	switch (below(6)) {
	case 0:
		p[at] ^= 1U << below(8);
		break;
	case 1:
		p[at] = random_next() >> 8;
		break;
	case 2:
		p[at]++;
		break;
	case 3: /* a number that is a limit of something */
		word = one_in(2) ? 4 : 8;
		if (size >= word)
			memcpy(p + at % (size / word) * word, &n, word);
		break;
	case 4: /* another member */
		if (size >= 8)
			memcpy(p + at / 4 % (size / 4) * 4,
			       p + below(size / 4) * 4, 4);
		break;
	default:
		n = random_next();
		if (size >= 8)
			memcpy(p + at % (size / 8) * 8, &n, 8);
	}
}

static void change_some(void *mem, size_t size, unsigned int at_most)
{
	unsigned int n = below(at_most + 1);

	while (size && n--)
		change(mem, size);
}

/* What the last call was given. */
static union bpf_attr sent;

/*
 * Calls bpf() with @attr, which is changed as well, and sometimes with another size. The
 * kernel's answer is in @attr. Returns 0 or -errno, which must be one of @errors.
 */
static int call(int cmd, union bpf_attr *attr, size_t used, const int *errors)
{
	static char bytes[PAGE + 64];
	size_t size = sizeof(*attr), i;
	int err;

	if (one_in(3))
		change_some(attr, used, 2);
	if (one_in(32))
		change(attr, sizeof(*attr));
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, attr, sizeof(*attr));
	if (one_in(32)) {
		size = below(sizeof(bytes) + 1);
		if (one_in(2) && size > sizeof(*attr))
			change(bytes + sizeof(*attr), size - sizeof(*attr));
	}
	/* What is not passed is 0. */
	if (size < sizeof(*attr))
		memset(bytes + size, 0, sizeof(*attr) - size);
	memcpy(&sent, bytes, sizeof(sent));
	err = syscall(SYS_bpf, cmd, bytes, size) ? -errno : 0;
	memcpy(attr, bytes, sizeof(*attr));
	for (i = 0; err && errors[i]; i++)
		if (err == -errors[i])
			return err;
	CHECK(!err, "command %d: %s", cmd, strerror(-err));
	return err;
}

/* --- Policies -------------------------------------------------------------------------------- */

/* The policy that is loaded, as far as the kernel does not count in it. */
static struct {
	struct bpf_policy_rule rules[64];
	char strings[4096];
	__u32 nr, strings_size;
	__u64 generation;
} loaded;

static struct policy *any_policy(void)
{
	static const char *const globs[] = { "*", "xdp/*", "socket", "a*[b]?",
					     "kprobe/vfs_*" };
	struct policy *p = policy_new(below(3));
	unsigned int n = below(8), i;

	if (one_in(4)) {
		p->rules[0].flags = BPF_POLICY_F_BUDGET;
		p->rules[0].budget_ns = random_next() >> 1;
	}
	if (one_in(4)) {
		p->rules[0].flags |= BPF_POLICY_F_STOP;
		p->rules[0].max_stop_ns = random_next();
	}
	p->rules[0].action = below(BPF_POLICY_AUTO + 1);
	for (i = 0; i < n; i++) {
		struct bpf_policy_rule *r =
			policy_rule(p, BPF_POLICY_HOOK + below(5), 0,
				    globs[below(ARRAY_SIZE(globs))]);

		switch (r->kind) {
		case BPF_POLICY_HOOK:
			r->flags = BPF_POLICY_F_LATENCY | BPF_POLICY_F_PROGRAMS;
			r->max_programs = below(100);
			r->max_latency_ns = random_next();
			if (one_in(2)) {
				r->flags |= BPF_POLICY_F_STOP |
					    BPF_POLICY_F_UNBOUNDED;
				r->max_stop_ns = random_next();
				r->unbounded = below(BPF_POLICY_AUTO);
			}
			break;
		case BPF_POLICY_GRAPH:
			r->flags = BPF_POLICY_F_LATENCY | BPF_POLICY_F_STOP;
			r->max_latency_ns = random_next();
			r->max_stop_ns = random_next();
			r->match_off = policy_string(p, "socket");
			r->nr_match = 1;
			if (one_in(2)) {
				policy_string(p, "vfs_read");
				r->nr_match++;
			}
			break;
		case BPF_POLICY_PROGRAM:
			r->flags = BPF_POLICY_F_QUARANTINE |
				   BPF_POLICY_F_OVERRUN;
			r->quarantine_after = 1 + below(8);
			r->quarantine_window_ns = random_next() >> 8;
			r->on_overrun = below(2);
			break;
		case BPF_POLICY_EXEMPT:
			r->flags = 1 + below(3) * BPF_POLICY_F_EXEMPT_ATTACH;
			r->flags &= ~1U;
			r->comm_off = one_in(2) ? r->match_off : 0;
			r->until = one_in(2) ? 4102444800 : 0;
			break;
		case BPF_POLICY_TOGETHER:
			r->flags = BPF_POLICY_F_SHARE;
			r->share_ns = 1 + below(1000000);
			r->share_window_ns = NSEC_PER_SEC;
			r->on_share = below(BPF_POLICY_SHARE_DETACH + 1);
		}
		if (r->kind >= BPF_POLICY_PROGRAM && one_in(4)) {
			r->flags |= BPF_POLICY_F_USER_NS | BPF_POLICY_F_PID_NS |
				    BPF_POLICY_F_TOKEN | BPF_POLICY_F_BTF;
			r->user_ns = below(BPF_POLICY_NS_BELOW);
			r->pid_ns = below(BPF_POLICY_NS_BELOW);
			r->token = below(BPF_POLICY_TOKEN_OF);
			r->btf_digest[below(32)] = below(256);
		}
	}
	return p;
}

/* Like the kernel's, with its counters. */
static bool same_rule(const struct bpf_policy_rule *a,
		      const struct bpf_policy_rule *b)
{
	return !memcmp(a, b, offsetof(struct bpf_policy_rule, allowed));
}

static __u64 policy_generation(void)
{
	union bpf_attr attr = { .policy.op = BPF_POLICY_GET };

	attr.policy.rec_size = sizeof(struct bpf_policy_rule);
	return policy_command(&attr, sizeof(attr)) == -ENOENT ?
		       0 :
		       attr.policy.generation;
}

/* All of it is what was loaded last. */
static void check_policy(const char *when)
{
	struct policy *p = policy_new(BPF_POLICY_OFF);
	union bpf_attr attr = { .policy.op = BPF_POLICY_GET };
	__u32 i;
	int err;

	attr.policy.rec_size = sizeof(p->rules[0]);
	attr.policy.nr_recs = MAX_RULES;
	attr.policy.recs = (unsigned long)p->rules;
	attr.policy.strings = (unsigned long)p->strings;
	attr.policy.strings_size = sizeof(p->strings);
	err = policy_command(&attr, sizeof(attr));
	if (!loaded.generation) {
		CHECK(err == -ENOENT, "%s: there is a policy: %s", when,
		      strerror(-err));
		return;
	}
	REQUIRE(!err && attr.policy.generation == loaded.generation &&
			attr.policy.nr_recs == loaded.nr &&
			attr.policy.strings_size == loaded.strings_size,
		"%s: %s, generation %llu not %llu, %u rules not %u", when,
		strerror(-err), (unsigned long long)attr.policy.generation,
		(unsigned long long)loaded.generation, attr.policy.nr_recs,
		loaded.nr);
	for (i = 0; i < loaded.nr; i++)
		CHECK(same_rule(&p->rules[i], &loaded.rules[i]),
		      "%s: rule %u has changed", when, i);
	CHECK(!memcmp(p->strings, loaded.strings, loaded.strings_size),
	      "%s: the strings have changed", when);
}

static void policy_is_loaded(const union bpf_attr *attr)
{
	union bpf_attr keep = { .policy.op = BPF_POLICY_KEEP };
	int err;

	REQUIRE(attr->policy.nr_recs <= ARRAY_SIZE(loaded.rules) &&
			attr->policy.strings_size <= sizeof(loaded.strings),
		"accepted %u rules, %u bytes", attr->policy.nr_recs,
		attr->policy.strings_size);
	CHECK(attr->policy.generation != loaded.generation,
	      "the generation is the same");
	loaded.nr = attr->policy.nr_recs;
	loaded.strings_size = attr->policy.strings_size;
	loaded.generation = attr->policy.generation;
	memcpy(loaded.rules, (void *)(unsigned long)attr->policy.recs,
	       loaded.nr * sizeof(loaded.rules[0]));
	memcpy(loaded.strings, (void *)(unsigned long)attr->policy.strings,
	       loaded.strings_size);
	if (attr->policy.revert_s) {
		err = policy_command(&keep, sizeof(keep));
		CHECK(!err, "keep: %s", strerror(-err));
	}
	check_policy("loaded");
}

static int fuzz_load(union bpf_attr *attr, const int *errors)
{
	struct policy *p = any_policy();
	size_t size = p->nr * sizeof(p->rules[0]);
	int err;

	attr->policy.nr_recs = p->nr;
	attr->policy.recs = (unsigned long)memcpy(area_last(&records, size),
						  p->rules, size);
	attr->policy.strings_size = p->strings_size;
	attr->policy.strings =
		(unsigned long)memcpy(area_last(&strings, p->strings_size),
				      p->strings, p->strings_size);
	strcpy(attr->policy.name, "fuzz");
	/* An accepted policy takes two grace periods: most are only checked. */
	if (!one_in(64))
		attr->policy.flags = BPF_POLICY_CHECK_ONLY;
	if (one_in(2))
		change_some(area_last(&records, size), size, 4);
	if (one_in(4))
		change_some(area_last(&strings, p->strings_size),
			    p->strings_size, 4);
	err = call(BPF_RUNTIME_POLICY, attr, USED(policy.nr_charges), errors);
	if (err == -EINVAL && attr->policy.bad_reason &&
	    !sent.policy.bad_reason && !sent.policy.bad_rule)
		CHECK(attr->policy.bad_rule < attr->policy.nr_recs ||
			      attr->policy.bad_reason >= BPF_POLICY_NO_DEFAULTS,
		      "reason %u, rule %u of %u", attr->policy.bad_reason,
		      attr->policy.bad_rule, attr->policy.nr_recs);
	return err;
}

static int fuzz_policy(void)
{
	static const int errors[] = { EINVAL, E2BIG, ENOSPC, ENOENT, EFAULT, 0 };
	static const __u32 sizes[] = {
		[BPF_POLICY_LOAD] = sizeof(struct bpf_policy_rule),
		[BPF_POLICY_GET] = sizeof(struct bpf_policy_rule),
		[BPF_POLICY_DENIALS] = sizeof(struct bpf_policy_denial),
		[BPF_POLICY_CHARGES] = sizeof(struct bpf_policy_charge),
	};
	__u32 op = one_in(4) ? 1 + below(BPF_POLICY_CHARGES) : BPF_POLICY_LOAD,
	      size;
	union bpf_attr attr = { .policy.op = op };
	int err;

	attr.policy.rec_size = sizes[op];
	if (op == BPF_POLICY_LOAD) {
		err = fuzz_load(&attr, errors);
	} else {
		if (sizes[op]) {
			attr.policy.nr_recs = below(ROOM / sizes[op] + 1);
			size = attr.policy.nr_recs * sizes[op];
			attr.policy.recs =
				(unsigned long)area_last(&records, size);
		}
		if (op == BPF_POLICY_GET) {
			attr.policy.strings_size = below(ROOM + 1);
			attr.policy.strings = (unsigned long)area_last(
				&strings, attr.policy.strings_size);
		}
		err = call(BPF_RUNTIME_POLICY, &attr, USED(policy.nr_charges),
			   errors);
	}
	if (!err && attr.policy.op == BPF_POLICY_LOAD &&
	    !(attr.policy.flags & BPF_POLICY_CHECK_ONLY))
		policy_is_loaded(&attr);
	else if (!err && attr.policy.op == BPF_POLICY_UNLOAD)
		memset(&loaded, 0, sizeof(loaded));
	CHECK(policy_generation() == loaded.generation,
	      "generation %llu, not %llu",
	      (unsigned long long)policy_generation(),
	      (unsigned long long)loaded.generation);
	if (one_in(64))
		check_policy("refused, or not to be loaded");
	return err;
}

/* --- The command of a program ---------------------------------------------------------------- */

static int prog_fd;

static bool same_settings(const struct bpf_prog_info *a,
			  const struct bpf_prog_info *b)
{
	return a->watchdog_budget_ns == b->watchdog_budget_ns &&
	       a->watchdog_action == b->watchdog_action &&
	       a->quarantined == b->quarantined;
}

static int fuzz_watchdog(void)
{
	static const int errors[] = { EBADF, EINVAL, ERANGE, ENODEV, EOPNOTSUPP,
				      EBUSY, ENOENT, E2BIG,  0 };
	struct bpf_prog_info before = prog_info(prog_fd), after;
	union bpf_attr attr = {};
	int err;

	attr.watchdog.prog_fd = prog_fd;
	attr.watchdog.op = 1 + below(BPF_WD_SET_VERDICT + 1);
	/* Text is patched, which takes the emulator milliseconds. */
	if ((attr.watchdog.op >= BPF_WD_QUARANTINE) && !one_in(32))
		attr.watchdog.op = BPF_WD_SET_BUDGET;
	if (attr.watchdog.op <= BPF_WD_SET_ACTION)
		attr.watchdog.value = below(4);
	err = call(BPF_PROG_WATCHDOG, &attr, USED(watchdog.value), errors);
	after = prog_info(prog_fd);
	if (err || attr.watchdog.prog_fd != (__u32)prog_fd) {
		CHECK(same_settings(&before, &after),
		      "op %u: refused, but it has changed", attr.watchdog.op);
	} else {
		if (attr.watchdog.op == BPF_WD_SET_BUDGET)
			CHECK(after.watchdog_budget_ns == attr.watchdog.value,
			      "budget %llu, not %llu",
			      (unsigned long long)after.watchdog_budget_ns,
			      (unsigned long long)attr.watchdog.value);
		if (attr.watchdog.op == BPF_WD_SET_ACTION)
			CHECK(after.watchdog_action == attr.watchdog.value,
			      "action %u, not %llu", after.watchdog_action,
			      (unsigned long long)attr.watchdog.value);
	}
	return err;
}

/* --- The cost model -------------------------------------------------------------------------- */

static struct bpf_cost_entry costs[ENTRIES], costs_now[ENTRIES];
static __u32 nr_costs;
static __u64 costs_generation;

static int costs_read(struct bpf_cost_entry *to, __u32 *nr, __u64 *generation)
{
	union bpf_attr attr = { .cost_model.op = BPF_COST_GET };
	int err;

	attr.cost_model.entry_size = sizeof(*to);
	attr.cost_model.nr_entries = to ? ENTRIES : 0;
	attr.cost_model.entries = (unsigned long)to;
	err = syscall(SYS_bpf, BPF_COST_MODEL, &attr, sizeof(attr)) ? -errno :
								      0;
	if (nr)
		*nr = attr.cost_model.nr_entries;
	*generation = attr.cost_model.generation;
	return err;
}

static void check_costs(void)
{
	__u64 generation;
	__u32 nr;
	int err = costs_read(costs_now, &nr, &generation);

	CHECK(!err && nr == nr_costs && generation == costs_generation &&
		      !memcmp(costs_now, costs, nr * sizeof(costs[0])),
	      "the cost model has changed: %s, %u entries not %u",
	      strerror(-err), nr, nr_costs);
}

static int fuzz_costs(void)
{
	static const int errors[] = { EINVAL, E2BIG, ENOSPC, EFAULT, 0 };
	union bpf_attr attr = { .cost_model.op = 1 + below(3) };
	size_t size = nr_costs * sizeof(costs[0]);
	__u64 generation;
	int err;

	if (attr.cost_model.op != BPF_COST_RESET) {
		attr.cost_model.entry_size = sizeof(costs[0]);
		attr.cost_model.nr_entries = nr_costs;
		attr.cost_model.entries = (unsigned long)memcpy(
			area_last(&records, size), costs, size);
	}
	if (attr.cost_model.op == BPF_COST_SET) {
		strcpy(attr.cost_model.label, "fuzz");
		change_some(area_last(&records, size), size, 2);
	}
	err = call(BPF_COST_MODEL, &attr, USED(cost_model.generation), errors);
	if (!err && attr.cost_model.op != BPF_COST_GET) {
		err = costs_read(costs, &nr_costs, &costs_generation);
		REQUIRE(!err, "read: %s", strerror(-err));
		if (attr.cost_model.op == BPF_COST_SET)
			CHECK(nr_costs == attr.cost_model.nr_entries &&
				      !memcmp(costs,
					      (void *)(unsigned long)
						      attr.cost_model.entries,
					      nr_costs * sizeof(costs[0])),
			      "the model is not what was loaded");
		return 0;
	}
	costs_read(NULL, NULL, &generation);
	CHECK(generation == costs_generation, "generation %llu, not %llu",
	      (unsigned long long)generation,
	      (unsigned long long)costs_generation);
	if (one_in(64))
		check_costs();
	return err;
}

/* --- The test -------------------------------------------------------------------------------- */

static int filter_load(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "fuzz", "GPL",
			       insns, ARRAY_SIZE(insns), NULL);

	REQUIRE(fd >= 0, "load: %m");
	return fd;
}

/* On the other CPU, programs come to a hook and go, whatever the policy says of it. */
static pid_t attach_all_the_time(void)
{
	pid_t pid = fork();
	int fd, err;

	REQUIRE(pid >= 0, "fork: %m");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to(0);
	for (;;) {
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd,
				 sizeof(prog_fd));
		if (fd < 0 || (err && errno != EACCES))
			_exit(1);
		close(fd);
	}
}

static void attributes(void)
{
	static const struct {
		const char *name;
		int (*run)(void);
		unsigned int share;
	} commands[] = {
		{ "BPF_RUNTIME_POLICY", fuzz_policy, 8 },
		{ "BPF_PROG_WATCHDOG", fuzz_watchdog, 3 },
		{ "BPF_COST_MODEL", fuzz_costs, 1 },
	};
	unsigned long seconds = env_number("BPFWD_FUZZ_S", 60), all = 0;
	unsigned long runs[ARRAY_SIZE(commands)] = {},
		      done[ARRAY_SIZE(commands)] = {};
	__u64 seed = env_number("BPFWD_FUZZ_SEED", 1), deadline;
	unsigned int i, share;
	pid_t attacher;
	int status, err;

	random_state = 0x9e3779b97f4a7c15 * (seed ?: 1);
	areas_make();
	prog_fd = filter_load();
	err = costs_read(costs, &nr_costs, &costs_generation);
	REQUIRE(!err, "cost model: %s", strerror(-err));
	attacher = attach_all_the_time();

	deadline = now_ns() + seconds * NSEC_PER_SEC;
	while (now_ns() < deadline && nr_failures < 10) {
		share = below(12);
		for (i = 0; share >= commands[i].share; i++)
			share -= commands[i].share;
		done[i] += !commands[i].run();
		runs[i]++;
		all++;
	}
	err = waitpid(attacher, &status, WNOHANG);
	CHECK(err == 0, "the process that attaches has ended");
	kill(attacher, SIGKILL);
	waitpid(attacher, &status, 0);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		diag("%s: %lu calls, %lu carried out", commands[i].name,
		     runs[i], done[i]);
		CHECK(done[i] && done[i] < runs[i],
		      "%s: all or none were refused", commands[i].name);
	}
	diag("%lu calls in %lu s, seed %llu", all, seconds,
	     (unsigned long long)seed);
	check_policy("at the end");
	check_costs();
	canary();
}

static const struct test tests[] = {
	{ "attributes",
	  "a minute of bpf() commands with any attributes and records (BPFWD_FUZZ_S)",
	  attributes, NEEDS_WATCHDOG, 120 },
};

const struct suite suite_fuzz = {
	.name = "fuzz",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
