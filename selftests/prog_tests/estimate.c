// SPDX-License-Identifier: GPL-2.0
/* Estimates: bounds worked out by hand, and the command BPF_COST_MODEL. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include "harness/test_util.h"
#include "estimate.skel.h"
#include "estimate_ops.skel.h"

#define US 1000000ULL /* ps */
#define TICK_NS 1000
#define MAX_LOOPS (8 * 1024 * 1024)
#define NONE (~0ULL)
#define MAX_ENTRIES 1024

/* --- The command ----------------------------------------------------------------------------- */

struct model {
	struct bpf_cost_entry e[MAX_ENTRIES];
	__u32 nr;
	__u32 reason, bad; /* what the kernel said of it */
	__u64 generation;
};

static struct bpf_cost_entry *add(struct model *m, __u32 kind, __u32 id)
{
	struct bpf_cost_entry *e = &m->e[m->nr++];

	e->kind = kind;
	e->id = id;
	return e;
}

static struct bpf_cost_entry *add_exact(struct model *m, __u32 kind, __u32 id,
					__u64 ps)
{
	struct bpf_cost_entry *e = add(m, kind, id);

	e->best = e->worst = ps;
	return e;
}

/* A class of instructions; "" is for those that have no entry. */
static void add_class(struct model *m, const char *name, __u64 ps)
{
	strcpy(add_exact(m, BPF_COST_INSN, 0, ps)->name, name);
}

/* Nothing takes any time but a tick, and a byte that is read. */
static struct model *tick_model(void)
{
	static struct model m;
	struct bpf_cost_entry *e;

	memset(&m, 0, sizeof(m));
	add_class(&m, "", 0);
	add_class(&m, "alu", 0);
	add(&m, BPF_COST_HELPER, 0);
	add(&m, BPF_COST_KFUNC, 0);
	add_exact(&m, BPF_COST_HELPER, BPF_FUNC_ktime_get_ns, TICK_NS * 1000);
	e = add(&m, BPF_COST_HELPER, BPF_FUNC_probe_read_kernel);
	e->unit_best = e->unit_worst = 1000;
	return &m;
}

static int command(union bpf_attr *attr, size_t size)
{
	return syscall(SYS_bpf, BPF_COST_MODEL, attr, size) ? -errno : 0;
}

static int set_model(struct model *m)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_SET;
	attr.cost_model.entry_size = sizeof(m->e[0]);
	attr.cost_model.nr_entries = m->nr;
	attr.cost_model.entries = (unsigned long)m->e;
	strcpy(attr.cost_model.label, "selftest");
	err = command(&attr, sizeof(attr));
	m->reason = attr.cost_model.bad_reason;
	m->bad = attr.cost_model.bad_entry;
	m->generation = attr.cost_model.generation;
	return err;
}

static void use_model(struct model *m)
{
	int err = set_model(m);

	REQUIRE(!err, "cost model: %s, reason %u, entry %u", strerror(-err),
		m->reason, m->bad);
}

static int reset_model(void)
{
	union bpf_attr attr = {};

	attr.cost_model.op = BPF_COST_RESET;
	return command(&attr, sizeof(attr));
}

static int get_model(union bpf_attr *attr, struct bpf_cost_entry *e, __u32 room)
{
	memset(attr, 0, sizeof(*attr));
	attr->cost_model.op = BPF_COST_GET;
	attr->cost_model.entry_size = sizeof(*e);
	attr->cost_model.nr_entries = room;
	attr->cost_model.entries = (unsigned long)e;
	return command(attr, sizeof(*attr));
}

/* The model in force is still the one that was loaded as @m. */
static bool same_model(const struct model *m)
{
	struct bpf_cost_entry e[MAX_ENTRIES];
	union bpf_attr attr;

	return !get_model(&attr, e, MAX_ENTRIES) &&
	       attr.cost_model.nr_entries == m->nr &&
	       attr.cost_model.generation == m->generation &&
	       !strcmp(attr.cost_model.label, "selftest") &&
	       !memcmp(e, m->e, m->nr * sizeof(e[0]));
}

static void bad_kind(struct bpf_cost_entry *e)
{
	e->kind = 0;
}
static void bad_kind_high(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC + 1;
}
static void as_class(struct bpf_cost_entry *e, const char *name)
{
	e->kind = BPF_COST_INSN;
	e->id = 0;
	strcpy(e->name, name);
}
static void bad_class_id(struct bpf_cost_entry *e)
{
	as_class(e, "mul");
	e->id = 4;
}
static void bad_class_id_unnamed(struct bpf_cost_entry *e)
{
	as_class(e, "");
	e->id = 4;
}
static void bad_helper(struct bpf_cost_entry *e)
{
	e->id = __BPF_FUNC_MAX_ID;
}
static void bad_kfunc_id(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC;
	strcpy(e->name, "bpf_iter_num_new");
	e->id = 1;
}
static void bad_map_type(struct bpf_cost_entry *e)
{
	e->map_type = ~0U;
}
static void bad_map_of_class(struct bpf_cost_entry *e)
{
	as_class(e, "mul");
	e->map_type = BPF_MAP_TYPE_HASH;
}
static void bad_flags(struct bpf_cost_entry *e)
{
	e->flags = 1;
}
static void bad_class(struct bpf_cost_entry *e)
{
	as_class(e, "nop");
}
static void bad_class_case(struct bpf_cost_entry *e)
{
	as_class(e, "MUL");
}
static void bad_class_longer(struct bpf_cost_entry *e)
{
	as_class(e, "mul2");
}
static void bad_class_shorter(struct bpf_cost_entry *e)
{
	as_class(e, "mu");
}
static void bad_class_endless(struct bpf_cost_entry *e)
{
	as_class(e, "");
	memset(e->name, 'x', sizeof(e->name));
}
static void bad_class_tail(struct bpf_cost_entry *e)
{
	as_class(e, "mul");
	e->name[sizeof(e->name) - 1] = 'x';
}
static void bad_class_of_kfunc(struct bpf_cost_entry *e)
{
	as_class(e, "bpf_iter_num_new");
}
static void bad_kfunc_of_class(struct bpf_cost_entry *e)
{
	as_class(e, "may_goto");
	e->kind = BPF_COST_KFUNC;
}
static void bad_name(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC;
	e->id = 0;
	strcpy(e->name, "no_such_function_in_this_kernel");
}
static void bad_name_long(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC;
	e->id = 0;
	memset(e->name, 'x', sizeof(e->name));
}
static void bad_name_tail(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC;
	e->id = 0;
	strcpy(e->name, "bpf_iter_num_new");
	e->name[sizeof(e->name) - 1] = 'x';
}
static void bad_name_of_helper(struct bpf_cost_entry *e)
{
	strcpy(e->name, "bpf_iter_num_new");
}
static void bad_order(struct bpf_cost_entry *e)
{
	e->best = e->worst + 1;
}
static void bad_unit_order(struct bpf_cost_entry *e)
{
	e->unit_best = e->unit_worst + 1;
}
static void bad_worst(struct bpf_cost_entry *e)
{
	e->worst = BPF_COST_MAX + 1;
}
/* -1, of somebody who thinks that these are signed, as the least time. */
static void bad_best(struct bpf_cost_entry *e)
{
	e->best = e->worst = NONE;
}
static void bad_unit(struct bpf_cost_entry *e)
{
	e->unit_worst = NONE;
}
static void bad_unit_of_class(struct bpf_cost_entry *e)
{
	as_class(e, "mul");
	e->unit_worst = 1;
}
static void twice(struct bpf_cost_entry *e)
{
	e->id = BPF_FUNC_ktime_get_ns;
}
static void twice_class(struct bpf_cost_entry *e)
{
	as_class(e, "alu");
}
static void twice_others(struct bpf_cost_entry *e)
{
	as_class(e, "");
}
static void twice_kfunc(struct bpf_cost_entry *e)
{
	e->kind = BPF_COST_KFUNC;
	e->id = 0;
}

static void bad_entries(void)
{
	static const struct {
		void (*spoil)(struct bpf_cost_entry *e);
		__u32 reason;
	} rows[] = {
		{ bad_kind, BPF_COST_BAD_KIND },
		{ bad_kind_high, BPF_COST_BAD_KIND },
		{ bad_class_id, BPF_COST_BAD_ID },
		{ bad_class_id_unnamed, BPF_COST_BAD_ID },
		{ bad_helper, BPF_COST_BAD_ID },
		{ bad_kfunc_id, BPF_COST_BAD_ID },
		{ bad_map_type, BPF_COST_BAD_MAP_TYPE },
		{ bad_map_of_class, BPF_COST_BAD_MAP_TYPE },
		{ bad_flags, BPF_COST_BAD_FLAGS },
		{ bad_class, BPF_COST_BAD_NAME },
		{ bad_class_case, BPF_COST_BAD_NAME },
		{ bad_class_longer, BPF_COST_BAD_NAME },
		{ bad_class_shorter, BPF_COST_BAD_NAME },
		{ bad_class_endless, BPF_COST_BAD_NAME },
		{ bad_class_tail, BPF_COST_BAD_NAME },
		{ bad_class_of_kfunc, BPF_COST_BAD_NAME },
		{ bad_kfunc_of_class, BPF_COST_BAD_NAME },
		{ bad_name, BPF_COST_BAD_NAME },
		{ bad_name_long, BPF_COST_BAD_NAME },
		{ bad_name_tail, BPF_COST_BAD_NAME },
		{ bad_name_of_helper, BPF_COST_BAD_NAME },
		{ bad_order, BPF_COST_BAD_ORDER },
		{ bad_unit_order, BPF_COST_BAD_ORDER },
		{ bad_worst, BPF_COST_BAD_RANGE },
		{ bad_best, BPF_COST_BAD_RANGE },
		{ bad_unit, BPF_COST_BAD_RANGE },
		{ bad_unit_of_class, BPF_COST_BAD_UNIT },
		{ twice, BPF_COST_DUPLICATE },
		{ twice_class, BPF_COST_DUPLICATE },
		{ twice_others, BPF_COST_DUPLICATE },
		{ twice_kfunc, BPF_COST_DUPLICATE },
	};
	struct model good = *tick_model(), m;
	struct bpf_cost_entry *e;
	size_t i;
	int err;

	use_model(&good);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m = good;
		e = add_exact(&m, BPF_COST_HELPER, BPF_FUNC_map_lookup_elem,
			      5000);
		rows[i].spoil(e);
		/* One that is good behind it: the index is not just the last. */
		add(&m, BPF_COST_HELPER, BPF_FUNC_map_update_elem);
		err = set_model(&m);
		CHECK(err == -EINVAL, "row %zu: %s", i, strerror(-err));
		CHECK(m.reason == rows[i].reason, "row %zu: reason %u, not %u",
		      i, m.reason, rows[i].reason);
		CHECK(m.bad == good.nr, "row %zu: entry %u, not %u", i, m.bad,
		      good.nr);
		CHECK(same_model(&good), "row %zu: the old model is gone", i);
	}
	/* The same entry unspoiled, one for a kind of map and a class beside it. */
	m = good;
	add_class(&m, "mul", 3000);
	add_exact(&m, BPF_COST_HELPER, BPF_FUNC_map_lookup_elem, 5000);
	add_exact(&m, BPF_COST_HELPER, BPF_FUNC_map_lookup_elem, 7000)
		->map_type = BPF_MAP_TYPE_HASH;
	err = set_model(&m);
	CHECK(!err, "good entries: %s, reason %u, entry %u", strerror(-err),
	      m.reason, m.bad);
	CHECK(same_model(&m), "the new model is not there");
	CHECK(m.generation == good.generation + 1, "generation %llu after %llu",
	      m.generation, good.generation);
	reset_model();
}

/* An entry for all others is not there, and there are others. */
static void incomplete(void)
{
	static const struct {
		__u32 kind, reason;
	} rows[] = {
		{ BPF_COST_INSN, BPF_COST_NO_CLASS },
		{ BPF_COST_HELPER, BPF_COST_NO_HELPER },
		{ BPF_COST_KFUNC, BPF_COST_NO_KFUNC },
	};
	struct model good = *tick_model(), m;
	__u32 i, at;
	int err;

	use_model(&good);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m = good;
		for (at = 0; m.e[at].kind != rows[i].kind || m.e[at].id ||
			     m.e[at].name[0];
		     at++)
			;
		memmove(&m.e[at], &m.e[at + 1],
			(m.nr - at - 1) * sizeof(m.e[0]));
		m.nr--;
		err = set_model(&m);
		CHECK(err == -EINVAL && m.reason == rows[i].reason && !m.bad,
		      "without entry %u: %s, reason %u, not %u, of %u", at,
		      strerror(-err), m.reason, rows[i].reason, m.bad);
		CHECK(same_model(&good),
		      "without entry %u: the old model is gone", at);
	}
	reset_model();
}

/* The classes of the built-in model, which are those that the kernel has. */
static __u32 kernel_classes(struct bpf_cost_entry *classes, __u32 room)
{
	static struct bpf_cost_entry e[BPF_COST_MAX_ENTRIES];
	union bpf_attr attr;
	__u32 i, n = 0;
	int err;

	REQUIRE(!reset_model(), "reset: %m");
	err = get_model(&attr, e, ARRAY_SIZE(e));
	REQUIRE(!err, "built-in model: %s", strerror(-err));
	for (i = 0; i < attr.cost_model.nr_entries; i++) {
		if (e[i].kind != BPF_COST_INSN)
			continue;
		REQUIRE(n < room, "more than %u classes", room);
		CHECK(!e[i].id && e[i].name[0], "class %u: id %u, name '%s'", n,
		      e[i].id, e[i].name);
		classes[n++] = e[i];
	}
	return n;
}

/* Those of the documentation, by name. Each can be left out if others have an entry. */
static void classes(void)
{
	static const char *const known[] = {
		"entry",  "call", "alu", "mul",	  "div",    "load",    "store",
		"atomic", "jump", "ctx", "probe", "packet", "may_goto"
	};
	struct bpf_cost_entry e[MAX_ENTRIES - 3];
	__u32 n = kernel_classes(e, ARRAY_SIZE(e)), i, j;
	struct model all = {}, m;
	int err;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		for (j = 0; j < n && strcmp(e[j].name, known[i]); j++)
			;
		CHECK(j < n, "no class '%s'", known[i]);
	}
	CHECK(n == ARRAY_SIZE(known), "%u classes, %zu are documented", n,
	      ARRAY_SIZE(known));

	memcpy(all.e, e, n * sizeof(e[0]));
	all.nr = n;
	add(&all, BPF_COST_HELPER, 0);
	add(&all, BPF_COST_KFUNC, 0);
	use_model(&all);
	CHECK(same_model(&all), "all by name: reads back differently");
	for (i = 0; i < n; i++) {
		m = all;
		m.e[i] = m.e[--m.nr];
		err = set_model(&m);
		CHECK(err == -EINVAL && m.reason == BPF_COST_NO_CLASS && !m.bad,
		      "without '%s': %s, reason %u of %u", e[i].name,
		      strerror(-err), m.reason, m.bad);
		CHECK(same_model(&all), "without '%s': the old model is gone",
		      e[i].name);
		add_class(&m, "", 0);
		err = set_model(&m);
		CHECK(!err,
		      "without '%s', but one for others: %s, reason %u of %u",
		      e[i].name, strerror(-err), m.reason, m.bad);
		use_model(&all);
	}
	/* As that of a newer tool would be for a kernel that lacks nothing. */
	m = all;
	add_class(&m, "", 0);
	use_model(&m);
	CHECK(same_model(&m), "one for no others: reads back differently");
	reset_model();
}

static void bad_attr(void)
{
	struct {
		union bpf_attr attr;
		__u64 beyond;
	} a;
	struct model good = *tick_model();
	const size_t used =
		offsetof(union bpf_attr, cost_model.generation) + sizeof(__u64);
	union bpf_attr attr, base = {};
	size_t i;
	int err;

	use_model(&good);
	base.cost_model.op = BPF_COST_SET;
	base.cost_model.entry_size = sizeof(good.e[0]);
	base.cost_model.nr_entries = good.nr;
	base.cost_model.entries = (unsigned long)good.e;

#define REFUSED(_size, _err, ...)                                             \
	do {                                                                  \
		attr = base;                                                  \
		__VA_ARGS__;                                                  \
		err = command(&attr, _size);                                  \
		CHECK(err == -(_err), #__VA_ARGS__ ": %s", strerror(-err));   \
		CHECK(!attr.cost_model.bad_reason ||                          \
			      attr.cost_model.bad_reason == 1,                \
		      #__VA_ARGS__ ": names an entry");                       \
		CHECK(same_model(&good), #__VA_ARGS__ ": changed the model"); \
	} while (0)
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.op = 0);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.op = BPF_COST_RESET + 1);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.op = BPF_COST_RESET);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.flags = 1);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.entry_size--);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.entry_size = 0);
	REFUSED(sizeof(attr), EINVAL, attr.cost_model.bad_reason = 1);
	REFUSED(sizeof(attr), EINVAL,
		memset(attr.cost_model.label, 'x', BPF_COST_LABEL_LEN));
	REFUSED(sizeof(attr), E2BIG,
		attr.cost_model.nr_entries = BPF_COST_MAX_ENTRIES + 1);
	REFUSED(sizeof(attr), E2BIG, attr.cost_model.nr_entries = ~0U);
	REFUSED(sizeof(attr), EFAULT, attr.cost_model.entries = 8);
	REFUSED(used - 1, EINVAL, attr.cost_model.flags = 0);
	for (i = used; i < sizeof(attr); i++)
		REFUSED(sizeof(attr), EINVAL, ((char *)&attr)[i] = 1);

	a.attr = base;
	a.beyond = 1;
	err = command(&a.attr, sizeof(a));
	CHECK(err == -E2BIG, "bytes beyond the attributes: %s", strerror(-err));
	CHECK(same_model(&good), "refused, but it changed the model");
	reset_model();
}

static void read_back(void)
{
	struct bpf_cost_entry e[MAX_ENTRIES] = {};
	struct model m = *tick_model();
	union bpf_attr attr;
	int err;

	CHECK(!reset_model(), "reset: %m");
	err = get_model(&attr, NULL, 0);
	CHECK(!err && attr.cost_model.nr_entries > m.nr &&
		      !attr.cost_model.generation &&
		      !strcmp(attr.cost_model.label, "built-in"),
	      "built-in model: %s, %u entries, generation %llu, '%s'",
	      strerror(-err), attr.cost_model.nr_entries,
	      attr.cost_model.generation, attr.cost_model.label);

	use_model(&m);
	CHECK(same_model(&m), "reads back differently");
	err = get_model(&attr, e, m.nr - 1);
	CHECK(err == -ENOSPC && attr.cost_model.nr_entries == m.nr,
	      "too little room: %s, %u entries", strerror(-err),
	      attr.cost_model.nr_entries);
	CHECK(!e[0].kind, "too little room, but it wrote there");
	CHECK(!reset_model(), "reset: %m");
	err = get_model(&attr, NULL, 0);
	CHECK(!err && !attr.cost_model.generation,
	      "after the reset: %s, generation %llu", strerror(-err),
	      attr.cost_model.generation);
}

/* What the built-in model has of other kernels is not copied out: the rest loads again. */
static void read_back_builtin(void)
{
	struct model m = {};
	union bpf_attr attr;
	int err;

	CHECK(!reset_model(), "reset: %m");
	err = get_model(&attr, m.e, MAX_ENTRIES);
	m.nr = attr.cost_model.nr_entries;
	REQUIRE(!err, "the built-in model, %u entries: %s", m.nr,
		strerror(-err));
	use_model(&m);
	CHECK(same_model(&m), "loaded again, it reads back differently");
	reset_model();
}

static void no_privilege(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2] = {};
	struct model m = *tick_model();
	union bpf_attr attr;
	int err;

	caps[CAP_BPF / 32].effective = caps[CAP_BPF / 32].permitted =
		1U << CAP_BPF % 32 | 1U << CAP_PERFMON % 32;
	REQUIRE(!syscall(SYS_capset, &hdr, caps), "capset: %m");
	err = set_model(&m);
	CHECK(err == -EPERM, "set with CAP_BPF and CAP_PERFMON: %s",
	      strerror(-err));
	err = get_model(&attr, NULL, 0);
	CHECK(err == -EPERM, "get: %s", strerror(-err));
	err = reset_model();
	CHECK(err == -EPERM, "reset: %s", strerror(-err));
}

/* --- Bounds ---------------------------------------------------------------------------------- */

/* Loads one program of the object; its log of statistics in @log. */
static struct bpf_object *load(const char *name, struct bpf_program **prog,
			       char *log, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_object *obj;
	struct bpf_program *p;
	const void *elf;
	size_t elf_size;
	int err;

	elf = estimate__elf_bytes(&elf_size);
	obj = bpf_object__open_mem(elf, elf_size, &opts);
	REQUIRE(obj, "open: %m");
	bpf_object__for_each_program(p, obj)
		bpf_program__set_autoload(p, false);
	*prog = bpf_object__find_program_by_name(obj, name);
	REQUIRE(*prog, "no program %s", name);
	bpf_program__set_autoload(*prog, true);
	if (log) {
		bpf_program__set_log_level(*prog, 4);
		bpf_program__set_log_buf(*prog, log, size);
	}
	err = bpf_object__load(obj);
	REQUIRE(!err, "%s: load: %s", name, strerror(-err));
	return obj;
}

static struct bpf_prog_info
info_with_spots(int fd, struct bpf_estimate_spot *spots, __u32 room)
{
	struct bpf_prog_info info = {
		.nr_estimate_spots = room,
		.estimate_spot_rec_size = sizeof(*spots),
		.estimate_spots = (unsigned long)spots,
	};
	__u32 len = sizeof(info);

	REQUIRE(!bpf_prog_get_info_by_fd(fd, &info, &len), "info: %m");
	return info;
}

static const struct bound {
	const char *prog;
	__u64 best, worst; /* in ticks; NONE: unbounded */
	__u32 reason;
	__u64 async;
	__u32 may_gotos; /* functions with may_goto that it enters */
} bounds[] = {
	{ "straight", 2, 2 },
	{ "branch", 1, 3 },
	{ "branches", 0, 3 },
	{ "bounded", 10, 10 },
	{ "loop_const", 10, 10 },
	{ "loop_stop", 0, 10 },
	{ "loop_var", 0, 20 },
	{ "loop_flags", 0, 10 },
	/* 100 rounds, and the first one with its 50, which is walked apart */
	{ "loop_first", 100, 1 + 50 + 100 },
	{ "loop_nested", 5 * (1 + 7), 5 * (1 + 7) },
	{ "loop_deep", 3 * 5 * (1 + 7), 3 * 5 * (1 + 7) },
	{ "each_array", 16, 16 },
	{ "each_hash", 0, 32 },
	{ "each_inner", 1, NONE, BPF_ESTIMATE_INNER_MAP },
	{ "drain", 0, 128 * 1024 },
	{ "once", 0, 1 },
	{ "iter_const", 10, 10 },
	{ "iter_break", 1, 10 },
	{ "iter_var", 0, 100 },
	{ "iter_any", 0, MAX_LOOPS },
	{ "iter_nested", 6 * (1 + 7), 6 * (1 + 7) },
	{ "iter_twice", 6 + 7, 6 + 7 },
	{ "iter_merge", 10, 50 },
	{ "iter_merge_arg", 10, 50 },
	{ "iter_bits", 0, 2 * 64 },
	{ "iter_task", 1, NONE, BPF_ESTIMATE_ITERATOR },
	{ "may_goto", 0, MAX_LOOPS, .may_gotos = 1 },
	{ "may_goto_loop", 0, 3ULL * MAX_LOOPS, .may_gotos = 3 },
	{ "most", MAX_LOOPS, MAX_LOOPS },
	{ "global", 3, 6 },
	{ "global_nested", 3, 5 },
	{ "static_call", 2, 4 },
	{ "tail", 1, NONE, BPF_ESTIMATE_TAIL_CALL },
	{ "timer", 1, 1, 0, 2 + 4 },
	{ "saturate", NONE, NONE, BPF_ESTIMATE_OVERFLOW },
	{ "rbtree", 0, 1 },
};

/*
 * Newer kernels bound may_goto by time: 250 ms from the first look at the clock, which is after
 * 65,535 rounds, to the last one before as many.
 */
static __u64 bound_ns(const struct bound *b)
{
	if (b->worst == NONE)
		return NONE;
	if (!b->may_gotos || !timed_may_goto())
		return b->worst * TICK_NS;
	return b->may_gotos * (2 * 65535 * TICK_NS + 250 * NSEC_PER_MSEC);
}

static void check_bounds(const struct bound *b)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_object *obj;

	obj = load(b->prog, &prog, NULL, 0);
	info = prog_info(bpf_program__fd(prog));
	CHECK(b->best == NONE || info.estimate_best_ns == b->best * TICK_NS,
	      "%s: best %llu ns, not %llu", b->prog, info.estimate_best_ns,
	      b->best * TICK_NS);
	CHECK(info.estimate_worst_ns == bound_ns(b),
	      "%s: worst %llu ns, not %llu", b->prog, info.estimate_worst_ns,
	      bound_ns(b));
	CHECK(info.estimate_reason == b->reason, "%s: reason %u, not %u",
	      b->prog, info.estimate_reason, b->reason);
	CHECK((info.estimate_insn_off == ~0U) == !b->reason,
	      "%s: because of insn %u", b->prog, info.estimate_insn_off);
	CHECK(info.estimate_async_ns == b->async * TICK_NS,
	      "%s: async %llu ns, not %llu", b->prog, info.estimate_async_ns,
	      b->async * TICK_NS);
	CHECK(!(info.estimate_flags & BPF_ESTIMATE_F_BUILTIN) &&
		      info.estimate_generation,
	      "%s: by model %llu", b->prog, info.estimate_generation);
	bpf_object__close(obj);
}

static void by_hand(void)
{
	size_t i;

	use_model(tick_model());
	for (i = 0; i < ARRAY_SIZE(bounds); i++)
		check_bounds(&bounds[i]);
	reset_model();
}

/* A loop over all CPUs, whose number a scheduler asks the kernel for. */
static void all_cpus(void)
{
	__u64 cpus = libbpf_num_possible_cpus();
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *prog;
	struct bpf_prog_info info;

	REQUIRE(btf, "BTF of the kernel: %m");
	if (btf__find_by_name_kind(btf, "scx_bpf_nr_cpu_ids", BTF_KIND_FUNC) <
	    0)
		skip("no sched_ext in this kernel");
	use_model(tick_model());
	load("iter_cpus", &prog, NULL, 0);
	info = prog_info(bpf_program__fd(prog));
	CHECK(info.estimate_best_ns == cpus * TICK_NS &&
		      info.estimate_worst_ns == cpus * TICK_NS,
	      "%llu CPUs: %llu to %llu ns", cpus, info.estimate_best_ns,
	      info.estimate_worst_ns);
	reset_model();
}

static void struct_ops(void)
{
	struct estimate_ops *skel;
	struct bpf_prog_info info;

	use_model(tick_model());
	skel = estimate_ops__open_and_load();
	REQUIRE(skel, "estimate_ops: %m");
	info = prog_info(bpf_program__fd(skel->progs.ops_cong_avoid));
	CHECK(info.estimate_best_ns == TICK_NS &&
		      info.estimate_worst_ns == (1 + 7) * TICK_NS,
	      "cong_avoid: %llu to %llu ns", info.estimate_best_ns,
	      info.estimate_worst_ns);
	info = prog_info(bpf_program__fd(skel->progs.ops_ssthresh));
	CHECK(info.estimate_best_ns == 2 * TICK_NS &&
		      info.estimate_worst_ns == 2 * TICK_NS,
	      "ssthresh: %llu to %llu ns", info.estimate_best_ns,
	      info.estimate_worst_ns);
	info = prog_info(bpf_program__fd(skel->progs.ops_undo_cwnd));
	CHECK(!info.estimate_best_ns && !info.estimate_worst_ns,
	      "undo_cwnd: %llu to %llu ns", info.estimate_best_ns,
	      info.estimate_worst_ns);
	reset_model();
}

/* The algorithms alone, built for user space, with random programs. */
static void random_programs(void)
{
	char out[4096];
	int rc;

	rc = run_command(out, sizeof(out), "%s 100000",
			 built_file("ESTIMATE_RANDOM",
				    "selftests/estimate_random"));
	CHECK(rc == 0, "status %d: %s", rc, out);
}

/* A size between 8 and 64, besides a tick. */
static void sizes(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;

	use_model(tick_model());
	load("sized", &prog, NULL, 0);
	info = prog_info(bpf_program__fd(prog));
	/* The least is that of the return at the beginning. */
	CHECK(info.estimate_best_ns == 0, "best %llu ns",
	      info.estimate_best_ns);
	CHECK(info.estimate_worst_ns == TICK_NS + 64, "worst %llu ns",
	      info.estimate_worst_ns);
	reset_model();
}

/* 1 * 3, by instructions alone. */
static struct bpf_prog_info info_of_product(void)
{
	const struct bpf_insn insns[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1 },
		{ BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 3 },
		{ BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info;
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "product", "GPL", insns,
			   ARRAY_SIZE(insns), NULL);
	REQUIRE(fd >= 0, "load: %s", strerror(-fd));
	info = prog_info(fd);
	close(fd);
	return info;
}

/* The entry without a name is for all classes that have none of their own, and only these. */
static void other_classes(void)
{
	static const struct {
		const char *name;
		__u64 best, worst; /* us */
	} rows[] = {
		/* Entry, move, product, and a jump at most: the return. */
		{ NULL, 3, 4 },	     { "entry", 102, 103 }, { "alu", 102, 103 },
		{ "mul", 102, 103 }, { "jump", 3, 103 },    { "div", 3, 4 },
	};
	struct bpf_prog_info info;
	struct model m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m = (struct model){};
		add_class(&m, "", US);
		add(&m, BPF_COST_HELPER, 0);
		add(&m, BPF_COST_KFUNC, 0);
		if (rows[i].name)
			add_class(&m, rows[i].name, 100 * US);
		use_model(&m);
		info = info_of_product();
		CHECK(info.estimate_best_ns == rows[i].best * 1000 &&
			      info.estimate_worst_ns == rows[i].worst * 1000,
		      "row %zu: %llu to %llu ns, not %llu to %llu us", i,
		      info.estimate_best_ns, info.estimate_worst_ns,
		      rows[i].best, rows[i].worst);
		CHECK(info.estimate_generation == m.generation,
		      "row %zu: by model %llu, not %llu", i,
		      info.estimate_generation, m.generation);
	}
	reset_model();
}

/* A cost with a map of one type only. */
static void map_types(void)
{
	struct model *m = tick_model();
	struct bpf_program *prog;

	add_exact(m, BPF_COST_HELPER, BPF_FUNC_for_each_map_elem, US)->map_type =
		BPF_MAP_TYPE_HASH;
	use_model(m);
	load("each_hash", &prog, NULL, 0);
	CHECK(prog_info(bpf_program__fd(prog)).estimate_worst_ns ==
		      33 * TICK_NS,
	      "hash: %llu ns",
	      prog_info(bpf_program__fd(prog)).estimate_worst_ns);
	load("each_array", &prog, NULL, 0);
	CHECK(prog_info(bpf_program__fd(prog)).estimate_worst_ns ==
		      16 * TICK_NS,
	      "array: %llu ns",
	      prog_info(bpf_program__fd(prog)).estimate_worst_ns);
	reset_model();
}

/* The instruction that makes a program unbounded is the one it has to be. */
static void right_instruction(void)
{
	static const struct {
		const char *prog, *kfunc; /* NULL: a helper */
		__u32 helper;
	} rows[] = {
		{ "iter_task", "bpf_iter_task_next", 0 },
		{ "each_inner", NULL, BPF_FUNC_for_each_map_elem },
		{ "tail", NULL, BPF_FUNC_tail_call },
	};
	struct btf *btf = btf__load_vmlinux_btf();
	const struct bpf_insn *insn;
	struct bpf_program *prog;
	struct bpf_prog_info info;
	size_t i;
	int id;

	REQUIRE(btf, "BTF of the kernel: %m");
	use_model(tick_model());
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		load(rows[i].prog, &prog, NULL, 0);
		info = prog_info(bpf_program__fd(prog));
		REQUIRE(info.estimate_insn_off < bpf_program__insn_cnt(prog),
			"insn %u", info.estimate_insn_off);
		insn = &bpf_program__insns(prog)[info.estimate_insn_off];
		id = rows[i].kfunc ? btf__find_by_name_kind(btf, rows[i].kfunc,
							    BTF_KIND_FUNC) :
				     (int)rows[i].helper;
		CHECK(insn->code == (BPF_JMP | BPF_CALL) && insn->imm == id &&
			      insn->src_reg == (rows[i].kfunc ?
							BPF_PSEUDO_KFUNC_CALL :
							0),
		      "%s: insn %u is code %#x src %u imm %d, not a call of %d",
		      rows[i].prog, info.estimate_insn_off, insn->code,
		      insn->src_reg, insn->imm, id);
		CHECK(info.estimate_xlated_off < info.xlated_prog_len / 8,
		      "%s: xlated %u", rows[i].prog, info.estimate_xlated_off);
	}
	reset_model();
}

/* The bounds of a program by the model that is in force. */
static struct bpf_prog_info info_of(const char *name)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_object *obj = load(name, &prog, NULL, 0);

	info = prog_info(bpf_program__fd(prog));
	bpf_object__close(obj);
	return info;
}

/*
 * What no model has a cost of has no bound, until one has: a helper, a kfunc. What is known to
 * be short has one, without an entry of its own in any loaded model, and with that of the kernel.
 */
static void unknown(void)
{
	static const struct {
		const char *prog, *kfunc;
		__u32 helper;
	} rows[] = {
		{ "branches_taken", NULL, BPF_FUNC_get_branch_snapshot },
		{ "vma_begin", "bpf_iter_task_vma_new", 0 },
	};
	static char log[1 << 16];
	struct bpf_cost_entry *e;
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct model *m;
	size_t i;

	reset_model();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		info = info_of(rows[i].prog);
		CHECK(info.estimate_worst_ns == NONE &&
			      info.estimate_reason == BPF_ESTIMATE_NO_COST,
		      "%s: worst %llu ns, reason %u", rows[i].prog,
		      info.estimate_worst_ns, info.estimate_reason);
		CHECK(info.stop_bound_ns == NONE &&
			      info.stop_bound_reason == BPF_ESTIMATE_NO_COST,
		      "%s: stops within %llu ns, reason %u", rows[i].prog,
		      info.stop_bound_ns, info.stop_bound_reason);
		CHECK(info.terminable != BPF_TERMINABLE_NOT_NEEDED,
		      "%s: it is said that it cannot overrun", rows[i].prog);
		load(rows[i].prog, &prog, log, sizeof(log));
		CHECK(strstr(log, "unbounded: function without a known cost"),
		      "log: %s", log);

		/* One that has an entry for all others says what they are. */
		use_model(tick_model());
		info = info_of(rows[i].prog);
		CHECK(info.estimate_worst_ns == TICK_NS,
		      "%s: worst %llu ns by a model for all others",
		      rows[i].prog, info.estimate_worst_ns);

		/* Or it says that nothing is known of them. */
		m = tick_model();
		for (e = m->e; e < m->e + m->nr; e++)
			if (e->kind != BPF_COST_INSN && !e->id && !e->name[0])
				e->worst = NONE;
		use_model(m);
		info = info_of(rows[i].prog);
		CHECK(info.estimate_reason == BPF_ESTIMATE_NO_COST,
		      "%s: worst %llu ns, reason %u, and the model knows nothing",
		      rows[i].prog, info.estimate_worst_ns,
		      info.estimate_reason);
		if (rows[i].kfunc) {
			strcpy(add_exact(m, BPF_COST_KFUNC, 0, US)->name,
			       rows[i].kfunc);
			strcpy(add_exact(m, BPF_COST_KFUNC, 0, US)->name,
			       "bpf_iter_task_vma_destroy");
			add_exact(m, BPF_COST_HELPER,
				  BPF_FUNC_get_current_task_btf, 0);
		} else {
			add_exact(m, BPF_COST_HELPER, rows[i].helper, 2 * US);
		}
		use_model(m);
		info = info_of(rows[i].prog);
		CHECK(info.estimate_worst_ns == 3 * TICK_NS,
		      "%s: worst %llu ns with a cost", rows[i].prog,
		      info.estimate_worst_ns);
		reset_model();
	}
	/* Of these the kernel knows that they are short. */
	info = info_of("sizes_short");
	CHECK(info.estimate_worst_ns != NONE, "copies: no bound, reason %u",
	      info.estimate_reason);
}

static const struct bpf_estimate_spot *
find_spot(const struct bpf_estimate_spot *spots, __u32 nr, __u32 kind, __u32 id,
	  __u64 bound)
{
	__u32 i;

	for (i = 0; i < nr; i++)
		if (spots[i].kind == kind && spots[i].id == id &&
		    spots[i].bound == bound)
			return &spots[i];
	return NULL;
}

/* 5 times a tick and 7 times a tick: what is where on the worst path. */
static void spots(void)
{
	struct bpf_estimate_spot s[32] = {};
	const struct bpf_estimate_spot *outer, *inner;
	struct bpf_program *prog;
	struct bpf_prog_info info;
	__u64 ticks = 0, runs = 0;
	__u32 i;

	use_model(tick_model());
	load("loop_nested", &prog, NULL, 0);
	info = info_with_spots(bpf_program__fd(prog), s, ARRAY_SIZE(s));
	REQUIRE(info.nr_estimate_spots <= ARRAY_SIZE(s), "%u spots",
		info.nr_estimate_spots);
	outer = find_spot(s, info.nr_estimate_spots, BPF_SPOT_LOOP,
			  BPF_LOOP_CALLBACK, 5);
	inner = find_spot(s, info.nr_estimate_spots, BPF_SPOT_LOOP,
			  BPF_LOOP_CALLBACK, 7);
	CHECK(outer && outer->runs == 5 && outer->worst_ns == 40 * TICK_NS,
	      "outer loop: %llu runs, %llu ns", outer ? outer->runs : 0,
	      outer ? outer->worst_ns : 0);
	CHECK(inner && inner->runs == 35 && inner->worst_ns == 35 * TICK_NS,
	      "inner loop: %llu runs, %llu ns", inner ? inner->runs : 0,
	      inner ? inner->worst_ns : 0);
	for (i = 0; i < info.nr_estimate_spots; i++) {
		CHECK(!i || s[i].worst_ns <= s[i - 1].worst_ns,
		      "spot %u is longer", i);
		CHECK(s[i].insn_off < bpf_program__insn_cnt(prog), "insn %u",
		      s[i].insn_off);
		CHECK(s[i].xlated_off < info.xlated_prog_len / 8, "xlated %u",
		      s[i].xlated_off);
		if (s[i].kind != BPF_SPOT_HELPER ||
		    s[i].id != BPF_FUNC_ktime_get_ns)
			continue;
		ticks += s[i].worst_ns;
		runs += s[i].runs;
	}
	CHECK(runs == 40 && ticks == 40 * TICK_NS, "%llu ticks, %llu ns", runs,
	      ticks);

	/* Less room, none, and records of another size. */
	memset(s, 0, sizeof(s));
	info = info_with_spots(bpf_program__fd(prog), s, 1);
	CHECK(info.nr_estimate_spots > 1 && s[0].kind && !s[1].kind,
	      "room for one: %u spots", info.nr_estimate_spots);
	memset(&info, 0, sizeof(info));
	info.nr_estimate_spots = 1;
	info.estimate_spot_rec_size = sizeof(s[0]) - 1;
	info.estimate_spots = (unsigned long)s;
	i = sizeof(info);
	CHECK(bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &i) &&
		      errno == EINVAL,
	      "records of another size: %m");

	load("rbtree", &prog, NULL, 0);
	info = info_with_spots(bpf_program__fd(prog), s, ARRAY_SIZE(s));
	CHECK(find_spot(s, info.nr_estimate_spots, BPF_SPOT_LOOP,
			BPF_LOOP_RBTREE, 128),
	      "no loop over the height of a tree");
	reset_model();
}

static void in_log(void)
{
	static char log[1 << 16];
	struct bpf_program *prog;

	use_model(tick_model());
	load("loop_nested", &prog, log, sizeof(log));
	CHECK(strstr(log, "estimate: best 40000 ns, worst 40000 ns\n"),
	      "log: %s", log);
	CHECK(strstr(log, "bpf_loop(7, cb_tick"), "no source line: %s", log);
	load("iter_task", &prog, log, sizeof(log));
	CHECK(strstr(log, "worst unbounded: iterator without a limit at insn"),
	      "log: %s", log);
	reset_model();
	load("straight", &prog, log, sizeof(log));
	CHECK(strstr(log, ", built-in cost model\n"), "log: %s", log);
}

/* The built-in model is for any machine, so nothing runs longer than it says. */
static void builtin(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_object *obj;
	size_t i;

	REQUIRE(!reset_model(), "reset: %m");
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		__u64 worst = bounds[i].worst;

		/* Where it may free the program that had the callback before. */
		if (!strcmp(bounds[i].prog, "timer") &&
		    kernel_has("bpf_wq_set_callback", BTF_KIND_FUNC))
			worst = NONE;
		obj = load(bounds[i].prog, &prog, NULL, 0);
		info = prog_info(bpf_program__fd(prog));
		CHECK(info.estimate_flags & BPF_ESTIMATE_F_BUILTIN,
		      "%s: flags %u", bounds[i].prog, info.estimate_flags);
		CHECK(info.estimate_best_ns <= info.estimate_worst_ns,
		      "%s: best %llu, worst %llu", bounds[i].prog,
		      info.estimate_best_ns, info.estimate_worst_ns);
		CHECK((info.estimate_worst_ns == NONE) == (worst == NONE),
		      "%s: worst %llu ns", bounds[i].prog,
		      info.estimate_worst_ns);
		bpf_object__close(obj);
	}
}

/* --- The watchdog ---------------------------------------------------------------------------- */

static void budgets(void)
{
	struct model *m = tick_model();
	struct bpf_program *prog;
	struct bpf_prog_info info;
	int fd;

	wd_enable(10000);
	REQUIRE(!wd_sysctl_set("bpf_watchdog_slack_percent", "300"), "slack");
	REQUIRE(!wd_sysctl_set("bpf_watchdog_budget_min_us", "500"), "minimum");

	/* 40 ticks of 100 us. */
	m->e[m->nr - 2].best = m->e[m->nr - 2].worst = 100 * US;
	use_model(m);
	load("loop_nested", &prog, NULL, 0);
	fd = bpf_program__fd(prog);
	info = prog_info(fd);
	CHECK(info.estimate_worst_ns == 4000000, "worst %llu ns",
	      info.estimate_worst_ns);
	CHECK(info.watchdog_effective_budget_ns == 10000000,
	      "above the default: %llu ns", info.watchdog_effective_budget_ns);
	REQUIRE(!wd_sysctl_set("bpf_watchdog_slack_percent", "200"), "slack");
	info = prog_info(fd);
	CHECK(info.watchdog_effective_budget_ns == 8000000, "200 %%: %llu ns",
	      info.watchdog_effective_budget_ns);
	/* What a model says of time does not decide on that. */
	CHECK(info.terminable == BPF_TERMINABLE_NOT_NEEDED, "terminable %u",
	      info.terminable);
	CHECK(!wd_command(fd, BPF_WD_SET_BUDGET, 123456), "set budget");
	info = prog_info(fd);
	CHECK(info.watchdog_effective_budget_ns == 123456, "its own: %llu ns",
	      info.watchdog_effective_budget_ns);
	CHECK(!wd_command(fd, BPF_WD_CLEAR_BUDGET, 0), "clear budget");
	REQUIRE(!wd_sysctl_set("bpf_watchdog_slack_percent", "0"), "slack");
	info = prog_info(fd);
	CHECK(info.watchdog_effective_budget_ns == 10000000,
	      "without slack: %llu ns", info.watchdog_effective_budget_ns);
	REQUIRE(!wd_sysctl_set("bpf_watchdog_slack_percent", "300"), "slack");

	load("iter_task", &prog, NULL, 0);
	info = prog_info(bpf_program__fd(prog));
	CHECK(info.watchdog_effective_budget_ns == 10000000,
	      "unbounded: %llu ns", info.watchdog_effective_budget_ns);
	CHECK(info.terminable == BPF_TERMINABLE_YES, "unbounded: terminable %u",
	      info.terminable);

	/* 40 calls: too few by its structure, whatever they take. */
	use_model(tick_model());
	load("loop_nested", &prog, NULL, 0);
	fd = bpf_program__fd(prog);
	info = prog_info(fd);
	CHECK(info.watchdog_effective_budget_ns == 500000, "short: %llu ns",
	      info.watchdog_effective_budget_ns);
	/* No image; the classes of its calls, up to 8 of them, are kept for one. */
	CHECK(info.terminable == BPF_TERMINABLE_NOT_NEEDED &&
		      info.fast_path_bytes == 8,
	      "short: terminable %u, %u bytes", info.terminable,
	      info.fast_path_bytes);
	/* But it has to be ended if user space says how long it may take. */
	CHECK(!wd_command(fd, BPF_WD_SET_BUDGET, 20000), "set budget");
	info = prog_info(fd);
	CHECK(info.terminable == BPF_TERMINABLE_YES && info.fast_path_bytes,
	      "budget below the worst: terminable %u, %u bytes",
	      info.terminable, info.fast_path_bytes);

	reset_model();
	wd_reset();
}

/* A model that says that nothing takes time: each long run is a violation. */
static void violations(void)
{
	struct model *m = tick_model();
	struct bpf_program *prog;
	struct bpf_prog_info info;
	uint64_t begin;
	int fd, err;

	m->e[m->nr - 2].best = m->e[m->nr - 2].worst = 0;
	use_model(m);
	wd_enable(1000000);
	load("most", &prog, NULL, 0);
	fd = bpf_program__fd(prog);
	info = prog_info(fd);
	CHECK(info.estimate_worst_ns == 0 && !info.estimate_violations,
	      "worst %llu ns, %llu violations", info.estimate_worst_ns,
	      info.estimate_violations);
	/* By that estimate it would be ended after the least budget. */
	wd_spare(fd);
	begin = now_ns();
	err = prog_run(fd, NULL);
	CHECK(!err, "run: %s", strerror(-err));
	REQUIRE(now_ns() - begin > 10 * NSEC_PER_MSEC,
		"8 million ticks took %llu ns",
		(unsigned long long)(now_ns() - begin));
	info = prog_info(fd);
	CHECK(info.estimate_violations == 1, "%llu violations",
	      info.estimate_violations);
	wd_disable();
	reset_model();
	wd_reset();
}

/* The same for runs that are over before anybody looks at them: those that are timed. */
static void short_violations(void)
{
	uint64_t until = now_ns() + 40 * NSEC_PER_SEC;
	struct model *m = tick_model();
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct wd_event ev;
	int fd, events;

	m->e[m->nr - 2].best = m->e[m->nr - 2].worst = 0;
	use_model(m);
	load("straight", &prog, NULL, 0);
	fd = bpf_program__fd(prog);
	trace_start();
	trace_clear();
	wd_enable(1000000);
	do {
		REQUIRE(!prog_run(fd, NULL), "run: %m");
		info = prog_info(fd);
	} while (info.sampled_runs < 20 && now_ns() < until);
	CHECK(info.sampled_runs >= 20, "%llu runs were timed",
	      info.sampled_runs);
	CHECK(info.estimate_violations >= info.sampled_runs,
	      "%llu violations, %llu runs were timed", info.estimate_violations,
	      info.sampled_runs);
	/* Told soon after, and only of those longer than all before. */
	events = trace_find(info.id, "violation", &ev);
	CHECK(events && events <= (long long)info.estimate_violations &&
		      ev.ran_ns > 0 &&
		      ev.ran_ns <= (long long)info.longest_run_ns,
	      "%d events, the last of %lld ns, longest %llu ns", events,
	      ev.ran_ns, info.longest_run_ns);
	wd_disable();
	reset_model();
	wd_reset();
}

static const struct test tests[] = {
	{ "bounds",
	  "best and worst are what they are by hand, for each kind of loop and call",
	  by_hand, NEEDS_WATCHDOG },
	{ "all_cpus",
	  "what the kernel says is the number of CPUs bounds a loop", all_cpus,
	  NEEDS_WATCHDOG },
	{ "struct_ops", "each member of a struct_ops has its own bounds",
	  struct_ops, NEEDS_WATCHDOG },
	{ "random",
	  "no run of a random program is outside of the bounds that the algorithm gives",
	  random_programs, 0 },
	{ "sizes", "a helper costs more for more bytes", sizes,
	  NEEDS_WATCHDOG },
	{ "map_types", "a helper may cost more with maps of one type",
	  map_types, NEEDS_WATCHDOG },
	{ "unknown",
	  "what no model has a cost of has no bound, and another reason",
	  unknown, NEEDS_WATCHDOG },
	{ "right_instruction",
	  "what has no bound is blamed on the instruction that has none",
	  right_instruction, NEEDS_WATCHDOG },
	{ "spots", "the worst path in parts: runs, times, bounds of loops",
	  spots, NEEDS_WATCHDOG },
	{ "log",
	  "the verifier log shows estimate and source lines at its statistics level",
	  in_log, NEEDS_WATCHDOG },
	{ "builtin",
	  "without a model of the machine there is an estimate, and it says so",
	  builtin, NEEDS_WATCHDOG },
	{ "bad_entries",
	  "each kind of bad entry is refused with index and reason",
	  bad_entries, NEEDS_WATCHDOG },
	{ "incomplete", "a model without the entry for others is refused",
	  incomplete, NEEDS_WATCHDOG },
	{ "classes",
	  "each class has a name, and an entry of its own or that for others",
	  classes, NEEDS_WATCHDOG },
	{ "other_classes", "a class without an entry costs what others do",
	  other_classes, NEEDS_WATCHDOG },
	{ "bad_attr", "bad arguments are refused and the old model stays",
	  bad_attr, NEEDS_WATCHDOG },
	{ "read_back",
	  "a model reads back as it was loaded, and the built-in one comes back",
	  read_back, NEEDS_WATCHDOG },
	{ "read_back_builtin",
	  "the built-in model can be copied out, and loaded as it is",
	  read_back_builtin, NEEDS_WATCHDOG },
	{ "no_privilege",
	  "CAP_BPF and CAP_PERFMON are not enough to load a model",
	  no_privilege, NEEDS_WATCHDOG },
	{ "budgets",
	  "the default budget follows the estimate, a short program takes no memory",
	  budgets, NEEDS_WATCHDOG },
	{ "violations", "a run that is longer than estimated is counted",
	  violations, NEEDS_WATCHDOG },
	{ "short_violations",
	  "so is each that is timed, and the longest of them are told",
	  short_violations, NEEDS_WATCHDOG },
};

const struct suite suite_estimate = {
	.name = "estimate",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
