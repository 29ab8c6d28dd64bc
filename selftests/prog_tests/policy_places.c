// SPDX-License-Identifier: GPL-2.0
/*
 * Places that have several names: what attaches by one of them is charged where the others
 * lead, and a rule for any of them applies.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/policy_ways.h"

static struct policy *limit(const char *hook, __u32 ticks)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	p->rules[0].action = BPF_POLICY_ALLOW;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, hook)
		->max_latency_ns = ticks * TICK_NS;
	policy_use(p);
	return p;
}

static void command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void command(const char *fmt, ...)
{
	char cmd[400], out[500] = "";
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	status = run_command(out, sizeof(out), "{ %s; } 2>&1", cmd);
	REQUIRE(!status, "%s: %s", cmd, out);
}

static void none_left(void)
{
	__u32 nr;

	/* Some end after a grace period. */
	for (int i = 0; i < 100; i++) {
		policy_charges(&nr);
		if (!nr)
			break;
		usleep(20000);
	}
	CHECK(!nr, "%u charges are left", nr);
}

/* --- Functions ------------------------------------------------------------------------------- */

/* One that the kernel has for the tests, and two names of one function. */
#define FUNC "bpf_fentry_test1"
#define ALIAS "__do_sys_getppid"
#define OTHER_ALIAS "__x64_sys_getppid"

/* A line of kallsyms, without its address. */
static void symbol(char *out, size_t size, const char *awk)
{
	int status = run_command(
		out, size, "awk '$2 ~ /[tT]/ && !$4 {%s}' /proc/kallsyms", awk);

	REQUIRE(!status && out[0], "%s: no such symbol", awk);
	out[strcspn(out, "\n")] = '\0';
}

static int set_bpf(int fd, const char *prog)
{
	int err = ioctl(fd, PERF_EVENT_IOC_SET_BPF, way_fd(prog)) ? -errno : 0;

	if (!err)
		return fd;
	close(fd);
	return err;
}

/* By name and offset, or if that is NULL by address. Return: the event, or -errno. */
static int kprobe(const char *func, unsigned long offset)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char type[20];
	int fd, err = file_read("/sys/bus/event_source/devices/kprobe/type",
				type, sizeof(type));

	REQUIRE(!err, "kprobe: %s", strerror(-err));
	attr.type = atoi(type);
	attr.kprobe_func = (unsigned long)func;
	attr.probe_offset = offset;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1,
		     PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : set_bpf(fd, "p_probe");
}

static int no_room(const char *rule, int fd, const char *what)
{
	CHECK(fd == -EACCES, "%s: %s: %s", rule, what,
	      fd >= 0 ? "attached" : strerror(-fd));
	if (fd >= 0)
		close(fd);
	return fd;
}

static void open_at(const char *func)
{
	static const char *const names[] = { "p_probe", "p_fentry",
					     "p_kprobe_multi" };

	policy_cost_model(TICK_NS);
	ways_open(names, ARRAY_SIZE(names));
	bpf_program__set_attach_target(ways->progs.p_fentry, 0, func);
	ways_load();
}

static void alias_by(const char *first, const char *rule)
{
	const char *other = OTHER_ALIAS;
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = &other, .cnt = 1);
	struct bpf_link *link;
	int fd = -1;

	limit(rule, 1);
	if (first) {
		fd = kprobe(first, 0);
		REQUIRE(fd >= 0, "%s: %s", first, strerror(-fd));
	} else {
		link = bpf_program__attach_trace(ways->progs.p_fentry);
		REQUIRE(link, "fentry: %m");
	}
	no_room(rule, kprobe(ALIAS, 0), ALIAS);
	no_room(rule, kprobe(OTHER_ALIAS, 0), OTHER_ALIAS);
	if (first) {
		link = bpf_program__attach_trace(ways->progs.p_fentry);
		CHECK(!link && errno == EACCES, "%s: fentry: %m", rule);
	}
	bpf_link__destroy(link);
	link = bpf_program__attach_kprobe_multi_opts(ways->progs.p_kprobe_multi,
						     NULL, &opts);
	CHECK(first ? !link && errno == EACCES : !!link, "%s: multi: %m", rule);
	bpf_link__destroy(link);
	if (first)
		close(fd);
	policy_unload();
	none_left();
}

static void alias(void)
{
	static const char *const rules[] = { "kprobe/" ALIAS,
					     "fentry/" OTHER_ALIAS,
					     "kprobe/__x64_sys_getpp*" };

	open_at(ALIAS);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		alias_by(ALIAS, rules[i]);
		alias_by(OTHER_ALIAS, rules[i]);
		alias_by(NULL, rules[i]);
	}
}

/* A call graph has a function by any of its names. */
static void alias_in_graph(void)
{
	static const char *const names[] = { ALIAS, OTHER_ALIAS };
	struct bpf_policy_rule *graph;
	struct policy *p;

	open_at(ALIAS);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		graph = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
				    names[i]);
		graph->nr_match = 1;
		policy_use(p);
		no_room(names[i], kprobe(ALIAS, 0), ALIAS);
		no_room(names[i], kprobe(OTHER_ALIAS, 0), OTHER_ALIAS);
	}
	none_left();
}

/* What the compiler has made of a function is the function. */
static void parts_of_function(void)
{
	static const char *const suffixes[] = { "cold", "isra", "constprop",
						"part" };
	char name[200], awk[200], rule[220];
	int fd, tried = 0;

	OPEN("p_probe");
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		/* One in which a probe is allowed. */
		for (int n = 1; n <= 20; n++) {
			snprintf(awk, sizeof(awk),
				 "if ($3 ~ /^[a-z0-9_]*\\.%s/ && ++n == %d) "
				 "print $3",
				 suffixes[i], n);
			name[0] = '\0';
			run_command(name, sizeof(name),
				    "awk '$2 ~ /[tT]/ && !$4 {%s}' "
				    "/proc/kallsyms",
				    awk);
			name[strcspn(name, "\n")] = '\0';
			if (!name[0])
				break;
			policy_unload();
			fd = kprobe(name, 0);
			if (fd < 0)
				continue;
			close(fd);
			tried++;
			/* By its own name, and by that of the function. */
			snprintf(rule, sizeof(rule), "kprobe/%s", name);
			limit(rule, 0);
			no_room(rule, kprobe(name, 0), name);
			*strchr(rule, '.') = '\0';
			limit(rule, 0);
			no_room(rule, kprobe(name, 0), name);
			break;
		}
	}
	diag("%d kinds of suffixes", tried);
	CHECK(tried, "nothing to try");
	none_left();
}

/* By the function before it, and by address. */
static void neighbour(void)
{
	char line[200], name[200];
	unsigned long addr, before;

	OPEN("p_probe");
	/* The last one of all that are before it. Those of the kernel itself are in order. */
	symbol(line, sizeof(line),
	       "if ($3 == \"" FUNC "\") {print $1, last; exit} "
	       "if ($3 !~ /^__pfx/) last = $1 \" \" $3");
	REQUIRE(sscanf(line, "%lx %lx %199s", &addr, &before, name) == 3 &&
			before < addr,
		"%s: what is it?", line);
	limit("kprobe/" FUNC, 0);
	no_room(name, kprobe(name, addr - before), "from the function before");
	no_room(FUNC, kprobe(NULL, addr), "by address");
	policy_unload();
	none_left();
}

/* --- Tracepoints ----------------------------------------------------------------------------- */

#define BARE "pelt_cfs_tp"

/* One without an event. */
static void bare_tracepoint(void)
{
	static const char *const names[] = { "p_raw_tp", "p_tp_btf" };
	static const char *const rules[] = { "raw_tp/" BARE, "tp_btf/" BARE };
	struct bpf_link *raw, *btf;

	policy_cost_model(TICK_NS);
	ways_open(names, ARRAY_SIZE(names));
	bpf_program__set_attach_target(ways->progs.p_tp_btf, 0, BARE);
	ways_load();
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		limit(rules[i], 1);
		raw = bpf_program__attach_raw_tracepoint(ways->progs.p_raw_tp,
							 BARE);
		REQUIRE(raw, "%s: raw_tp: %m", rules[i]);
		btf = bpf_program__attach_trace(ways->progs.p_tp_btf);
		CHECK(!btf && errno == EACCES, "%s: tp_btf after raw_tp: %m",
		      rules[i]);
		bpf_link__destroy(btf);
		bpf_link__destroy(raw);
		btf = bpf_program__attach_trace(ways->progs.p_tp_btf);
		REQUIRE(btf, "%s: tp_btf: %m", rules[i]);
		raw = bpf_program__attach_raw_tracepoint(ways->progs.p_raw_tp,
							 BARE);
		CHECK(!raw && errno == EACCES, "%s: raw_tp after tp_btf: %m",
		      rules[i]);
		bpf_link__destroy(raw);
		bpf_link__destroy(btf);
		policy_unload();
		none_left();
	}
}

static struct bpf_link *at_syscall(const char *event)
{
	return bpf_program__attach_tracepoint(ways->progs.p_syscall_tp,
					      "syscalls", event);
}

/* What runs for one system call runs after what runs for all. */
static void system_calls(void)
{
	static const char *const rules[] = { "tp/raw_syscalls/sys_enter",
					     "raw_tp/sys_enter" };
	struct bpf_policy_denial d = {};
	struct bpf_link *one, *other, *raw;
	struct policy *p;
	__u64 seq;

	OPEN("p_raw_tp", "p_syscall_tp");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		limit(rules[i], 0);
		CHECK(!at_syscall("sys_enter_getpgid") && errno == EACCES,
		      "%s: one call, no room: %m", rules[i]);
		p = limit(rules[i], 1);
		one = at_syscall("sys_enter_getpgid");
		REQUIRE(one, "%s: one call: %m", rules[i]);
		seq = policy_seq();
		raw = bpf_program__attach_raw_tracepoint(ways->progs.p_raw_tp,
							 "sys_enter");
		CHECK(!raw && errno == EACCES, "%s: all after one: %m",
		      rules[i]);
		CHECK(policy_denial(seq, &d) && d.there_ns == TICK_NS,
		      "%s: %llu there", rules[i], d.there_ns);
		bpf_link__destroy(raw);
		/* No call makes both run. */
		other = at_syscall("sys_enter_getsid");
		CHECK(other, "%s: another call: %m", rules[i]);
		policy_get(p);
		CHECK(p->rules[1].latency_ns == TICK_NS, "%s: %llu ns",
		      rules[i], p->rules[1].latency_ns);
		CHECK(!at_syscall("sys_enter_getsid") && errno == EACCES,
		      "%s: the same call twice: %m", rules[i]);
		bpf_link__destroy(other);
		bpf_link__destroy(one);
		raw = bpf_program__attach_raw_tracepoint(ways->progs.p_raw_tp,
							 "sys_enter");
		REQUIRE(raw, "%s: all: %m", rules[i]);
		CHECK(!at_syscall("sys_enter_getpgid") && errno == EACCES,
		      "%s: one after all: %m", rules[i]);
		one = at_syscall("sys_exit_getpgid");
		CHECK(one, "%s: at the exit: %m", rules[i]);
		bpf_link__destroy(one);
		bpf_link__destroy(raw);
		policy_unload();
		none_left();
	}
	/* Who reaches all, reaches each. */
	p = policy_new(BPF_POLICY_ENFORCE);
	policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
		    "tp/raw_syscalls/sys_enter")
		->nr_match = 1;
	policy_use(p);
	CHECK(!at_syscall("sys_enter_getpgid") && errno == EACCES,
	      "in a graph: %m");
	policy_unload();
	/* What is there is found. */
	one = at_syscall("sys_enter_getpgid");
	REQUIRE(one, "without a policy: %m");
	policy_forbid_existing("tp/raw_syscalls/sys_enter");
	CHECK(!policy_charged(prog_info(way_fd("p_syscall_tp")).id, NULL),
	      "is still there");
	policy_unload();
	bpf_link__destroy(one);
	none_left();
}

/* --- Devices --------------------------------------------------------------------------------- */

static int block_filter(void)
{
	return way_command(ways->progs.p_tc,
			   "tc filter add block 22 handle 1 prio 1 bpf "
			   "da object-pinned " WAY_PIN);
}

static int bind_block(const char *dev, const char *where)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "tc qdisc add dev %s %s_block 22 clsact",
		 dev, where);
	return way_command(ways->progs.p_tc, cmd);
}

static void shared_block(void)
{
	__u32 id;
	int err;

	OPEN("p_tc");
	id = prog_info(way_fd("p_tc")).id;
	command("ip link add sb0 type veth peer sb1");
	err = bind_block("sb0", "ingress");
	REQUIRE(!err, "bind: %s", strerror(-err));

	/* A device that is bound already. */
	limit("tc/sb0", 0);
	err = block_filter();
	CHECK(err == -EACCES, "on a device that is bound: %s", strerror(-err));
	CHECK(!policy_charged(id, NULL), "charged though denied");
	limit("tc/block22", 0);
	err = block_filter();
	CHECK(err == -EACCES, "on the block: %s", strerror(-err));
	limit("tc/sb*", 1);
	err = block_filter();
	REQUIRE(!err, "allowed: %s", strerror(-err));
	CHECK(policy_charged(id, "tc/sb0") == 1 &&
		      policy_charged(id, "tc/block22") == 1,
	      "the filter is not charged");

	/* A device that is bound later. */
	limit("tc/sb1", 0);
	err = bind_block("sb1", "egress");
	CHECK(err == -EACCES, "a device more: %s", strerror(-err));
	CHECK(!policy_charged(id, "tc/sb1"), "charged though denied");
	limit("tc/sb1", 1);
	err = bind_block("sb1", "egress");
	CHECK(!err, "a device more: %s", strerror(-err));
	CHECK(policy_charged(id, "tc/sb1") == 1, "not charged");
	command("ip link set sb1 name sb2");
	CHECK(policy_charged(id, "tc/sb2") == 1 &&
		      !policy_charged(id, "tc/sb1"),
	      "the name of the device has changed");

	/* It leaves. */
	command("tc qdisc del dev sb2 clsact");
	CHECK(!policy_charged(id, "tc/sb2") &&
		      policy_charged(id, "tc/sb0") == 1,
	      "a device has left");
	policy_unload();
	err = bind_block("sb2", "ingress");
	CHECK(!err, "bind again: %s", strerror(-err));
	command("ip link del sb0");
	none_left();
	way_close();
}

#define BOND "pbond"

/* A slave keeps its bond's program, and has another name. */
static void slave_renamed(void)
{
	__u32 id;
	int err;

	OPEN("p_xdp");
	id = prog_info(way_fd("p_xdp")).id;
	command("ip link add " BOND " type bond mode balance-rr && "
		"ip link add pslave0 type veth peer ppeer0 && "
		"ip link set pslave0 master " BOND);
	err = bpf_xdp_attach(if_nametoindex(BOND), way_fd("p_xdp"),
			     XDP_FLAGS_DRV_MODE, NULL);
	REQUIRE(!err, "attach: %s", strerror(-err));
	CHECK(policy_charged(id, "xdp/pslave0") == 1, "not charged");
	command("ip link set pslave0 name pslave7");
	CHECK(policy_charged(id, "xdp/pslave7") == 1 &&
		      !policy_charged(id, "xdp/pslave0"),
	      "the charge has the old name");
	policy_forbid_existing("xdp/pslave7");
	CHECK(prog_info(way_fd("p_xdp")).quarantined,
	      "the rule for the new name does not apply");
	policy_unload();
	err = bpf_xdp_detach(if_nametoindex(BOND), XDP_FLAGS_DRV_MODE, NULL);
	CHECK(!err, "detach: %s", strerror(-err));
	command("ip link del pslave7 && ip link del " BOND);
	none_left();
}

/* --- Files ----------------------------------------------------------------------------------- */

#define DIR_ "/tmp/places"

int places_uprobe_target(int a);
__attribute__((noinline)) int places_uprobe_target(int a)
{
	return a + 3;
}

static unsigned long target_offset(void)
{
	Dl_info self;

	REQUIRE(dladdr(places_uprobe_target, &self), "where is it?");
	return (unsigned long)places_uprobe_target -
	       (unsigned long)self.dli_fbase;
}

static struct bpf_link *uprobe(const char *path)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts);

	return bpf_program__attach_uprobe_opts(ways->progs.p_probe, -1, path,
					       target_offset(), &opts);
}

static struct bpf_link *uprobe_multi(const char *path)
{
	unsigned long offset = target_offset();
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .offsets = &offset, .cnt = 1);

	return bpf_program__attach_uprobe_multi(ways->progs.p_uprobe_multi, -1,
						path, NULL, &opts);
}

/* Who makes a path does not choose the rule: that for each path applies. */
static void rules_of_paths(void)
{
	static const char *const looser[] = { "uprobe/" DIR_ "/link:*",
					      "uprobe/*/lin*:*" };
	static const char *const stricter[] = { "uprobe/" DIR_ "/file:*",
						"uprobe/*/fil*:*" };
	struct bpf_link *link, *more;
	struct policy *p;

	for (size_t i = 0; i < ARRAY_SIZE(looser); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(stricter); k++) {
			policy_unload();
			link = uprobe(DIR_ "/link");
			REQUIRE(link, "link: %m");
			p = limit(looser[i], 5);
			policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY,
				    stricter[k])
				->max_latency_ns = TICK_NS;
			policy_use(p);
			more = uprobe(DIR_ "/file");
			CHECK(!more && errno == EACCES, "%s before %s: %m",
			      looser[i], stricter[k]);
			bpf_link__destroy(more);
			bpf_link__destroy(link);
			/* Nor is one that is behind a rule for the path stricter. */
			p = limit(stricter[k], 2);
			policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS,
				    "uprobe/*");
			policy_use(p);
			more = uprobe(DIR_ "/file");
			CHECK(more, "%s before all: %m", stricter[k]);
			bpf_link__destroy(more);
		}
	}
	policy_unload();
	none_left();
}

static void names_of_file(void)
{
	static const char *const paths[] = { DIR_ "/file", DIR_ "/link",
					     DIR_ "/sym", "/tmp/bound/file" };
	char rule[100];
	struct bpf_link *link, *more;

	OPEN("p_probe", "p_uprobe_multi");
	command("rm -rf " DIR_ " && mkdir -p " DIR_ " /tmp/bound && "
		"cp /proc/%d/exe " DIR_ "/file && "
		"ln " DIR_ "/file " DIR_ "/link && "
		"ln -s file " DIR_ "/sym && mount --bind " DIR_ " /tmp/bound",
		getpid());
	/* The rule says one name, the probe has another one. */
	for (size_t r = 0; r < ARRAY_SIZE(paths); r++) {
		snprintf(rule, sizeof(rule), "uprobe/%s:*", paths[r]);
		limit(rule, 0);
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			link = uprobe(paths[i]);
			CHECK(!link && errno == EACCES, "%s: %s: %m", rule,
			      paths[i]);
			bpf_link__destroy(link);
			link = uprobe_multi(paths[i]);
			CHECK(!link && errno == EACCES, "%s: multi %s: %m",
			      rule, paths[i]);
			bpf_link__destroy(link);
		}
	}
	/* One sum, by whichever name. */
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		limit("uretprobe/*", 1);
		link = uprobe(paths[i]);
		REQUIRE(link, "%s: %m", paths[i]);
		for (size_t k = 0; k < ARRAY_SIZE(paths); k++) {
			more = uprobe_multi(paths[k]);
			CHECK(!more && errno == EACCES, "%s beside %s: %m",
			      paths[k], paths[i]);
			bpf_link__destroy(more);
		}
		bpf_link__destroy(link);
		none_left();
	}
	/* A pattern that fits one of the names that it was reached by. */
	policy_unload();
	link = uprobe(DIR_ "/link");
	REQUIRE(link, "link: %m");
	limit("uprobe/*/file:*", 1);
	more = uprobe(DIR_ "/file");
	CHECK(!more && errno == EACCES, "by the name of a pattern: %m");
	bpf_link__destroy(more);
	bpf_link__destroy(link);

	rules_of_paths();

	/* It gets another name after the policy was loaded. */
	limit("uprobe/" DIR_ "/file:*", 0);
	command("mv " DIR_ "/file " DIR_ "/moved");
	link = uprobe(DIR_ "/moved");
	CHECK(!link && errno == EACCES, "renamed: %m");
	bpf_link__destroy(link);
	/* And another file has the old one. */
	command("cp " DIR_ "/moved " DIR_ "/file");
	link = uprobe(DIR_ "/file");
	CHECK(!link && errno == EACCES, "replaced: %m");
	bpf_link__destroy(link);
	/* Another file is another place. */
	limit("uprobe/" DIR_ "/moved:*", 0);
	link = uprobe(DIR_ "/file");
	CHECK(link, "another file: %m");
	bpf_link__destroy(link);
	policy_unload();
	none_left();
	command("umount /tmp/bound && rm -rf " DIR_);
}

/* --- All at once ----------------------------------------------------------------------------- */

#define STORM_S 15

static void storm_links(int round)
{
	static const char *const paths[] = { DIR_ "/file", DIR_ "/link" };
	struct bpf_link *links[5] = {};

	/* Each system call runs the text that these change. */
	if (!patching_is_fatal()) {
		links[0] = at_syscall("sys_enter_getpgid");
		links[1] = at_syscall("sys_exit_getpgid");
		links[2] = bpf_program__attach_raw_tracepoint(
			ways->progs.p_raw_tp, "sys_enter");
	}
	links[3] = uprobe(paths[round % 2]);
	links[4] = uprobe_multi(paths[(round / 2) % 2]);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		bpf_link__destroy(links[i]);
}

static void storm_blocks(int round)
{
	char cmd[300], out[500];

	snprintf(cmd, sizeof(cmd),
		 "tc qdisc add dev sb0 ingress_block 22 clsact; "
		 "tc filter add block 22 handle %d prio 1 bpf da "
		 "object-pinned " WAY_PIN "; "
		 "tc qdisc add dev sb1 egress_block 22 clsact; "
		 "ip link set sb1 name sb2; ip link set sb2 name sb1; "
		 "tc qdisc del dev sb%d clsact; "
		 "tc qdisc del dev sb%d clsact",
		 round + 1, round % 2, !(round % 2));
	run_command(out, sizeof(out), "{ %s; } 2>&1", cmd);
}

static void storm_policies(int round)
{
	static const char *const hooks[] = { "tp/raw_syscalls/*", "tc/*",
					     "uprobe/*/link:*",
					     "uprobe/" DIR_ "/file:*" };
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	p->rules[0].action = BPF_POLICY_ALLOW;
	if (round & 4)
		p->rules[0].flags = BPF_POLICY_F_WARN_EXISTING;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, hooks[i])
			->max_latency_ns = (round % 3) * TICK_NS;
	policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
		    "tp/raw_syscalls/sys_enter")
		->nr_match = 1;
	p->rules[p->nr - 1].max_latency_ns = 2 * TICK_NS;
	policy_load(p);
	policy_get(p);
	if (!(round % 5))
		policy_unload();
}

/* What comes and goes by all names, while policies come and go. */
static void storm(void)
{
	static void (*const parts[])(int round) = { storm_links, storm_blocks,
						    storm_policies };
	pid_t pids[ARRAY_SIZE(parts)];
	int err, status;

	OPEN("p_probe", "p_uprobe_multi", "p_syscall_tp", "p_raw_tp", "p_tc");
	libbpf_set_print(NULL);
	command("rm -rf " DIR_ " && mkdir -p " DIR_ " && cp /proc/%d/exe " DIR_
		"/file && ln " DIR_ "/file " DIR_ "/link && "
		"ip link add sb0 type veth peer sb1",
		getpid());
	err = way_pin(ways->progs.p_tc);
	REQUIRE(!err, "pin: %s", strerror(-err));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		pids[i] = fork();
		REQUIRE(pids[i] >= 0, "fork: %m");
		if (!pids[i]) {
			uint64_t until = now_ns() + STORM_S * NSEC_PER_SEC;
			int round = 0;

			while (now_ns() < until)
				parts[i](round++);
			diag("%d rounds of part %zu", round, i);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && !status,
		      "part %zu: %d", i, status);
	policy_unload();
	unlink(WAY_PIN);
	command("ip link del sb0; rm -rf " DIR_);
	none_left();
	way_close();
}

static const struct test tests[] = {
	{ "alias", "two names of a function have one sum and all rules", alias,
	  NEEDS_WATCHDOG, 300 },
	{ "alias_in_graph", "a call graph has a function by any name",
	  alias_in_graph, NEEDS_WATCHDOG },
	{ "parts_of_function", ".cold, .isra and the like are the function",
	  parts_of_function, NEEDS_WATCHDOG, 300 },
	{ "neighbour", "an offset of the function before, and an address",
	  neighbour, NEEDS_WATCHDOG, 300 },
	{ "bare_tracepoint", "a tracepoint without an event has one sum",
	  bare_tracepoint, NEEDS_WATCHDOG },
	{ "system_calls", "events of single system calls run after sys_enter",
	  system_calls, NEEDS_WATCHDOG },
	{ "shared_block", "filters of a shared block are on its devices",
	  shared_block, NEEDS_WATCHDOG },
	{ "slave_renamed", "a slave of a bond gets another name", slave_renamed,
	  NEEDS_WATCHDOG },
	{ "names_of_file", "links, mounts and renames of a probed file",
	  names_of_file, NEEDS_WATCHDOG, 300 },
	{ "storm", "all of that and policies come and go at once", storm,
	  NEEDS_WATCHDOG, 300 },
};

const struct suite suite_policy_places = {
	.name = "policy_places",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
