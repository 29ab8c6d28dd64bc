// SPDX-License-Identifier: GPL-2.0
#include "policy_ways.h"

struct policy_progs *ways;
static struct bpf_link *way_link;

int way_keep(struct bpf_link *link)
{
	if (!link)
		return -errno;
	way_link = link;
	return 0;
}

int way_attach(struct bpf_program *prog)
{
	return way_keep(bpf_program__attach(prog));
}

void way_unlink(void)
{
	int err = bpf_link__destroy(way_link);

	CHECK(!err, "detach: %s", strerror(-err));
	way_link = NULL;
}

static int way_link_fd;

int way_link_create(struct bpf_program *prog, int target,
		    enum bpf_attach_type type)
{
	way_link_fd =
		bpf_link_create(bpf_program__fd(prog), target, type, NULL);
	return way_link_fd < 0 ? way_link_fd : 0;
}

void way_close(void)
{
	close(way_link_fd);
}

static bool nothing_charged(void *unused)
{
	__u32 nr;

	policy_charges(&nr);
	return !nr;
}

void way_wait_free(void)
{
	wait_until(nothing_charged, NULL, 10 * NSEC_PER_SEC);
}

int way_fd(const char *prog)
{
	return bpf_program__fd(
		bpf_object__find_program_by_name(ways->obj, prog));
}

static bool wanted(const struct way *w, const char *name)
{
	return !strcmp(name, w->prog) || (w->also && !strcmp(name, w->also));
}

static struct bpf_program *open_way(const struct way *w)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int err;

	ways = policy_progs__open();
	REQUIRE(ways, "open: %m");
	bpf_object__for_each_program(prog, ways->obj)
		bpf_program__set_autoload(prog,
					  wanted(w, bpf_program__name(prog)));
	bpf_object__for_each_map(map, ways->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, false);
	err = policy_progs__load(ways);
	REQUIRE(!err, "load: %s", strerror(-err));
	return bpf_object__find_program_by_name(ways->obj, w->prog);
}

static void check_denial(const struct way *w, __u64 seq, __u32 id, __u32 denied)
{
	struct bpf_policy_denial d;

	if (!CHECK(policy_denial(seq, &d), "nothing was told of it"))
		return;
	CHECK(!strcmp(d.hook, w->hook), "hook %s, want %s", d.hook, w->hook);
	CHECK(d.prog_id == id, "program %u, want %u", d.prog_id, id);
	CHECK(d.denied == denied, "denied %u", d.denied);
	CHECK(d.reason == BPF_POLICY_OVER_PROGRAMS && !d.there_ns &&
		      !d.limit_ns,
	      "reason %u, %llu there, limit %llu", d.reason, d.there_ns,
	      d.limit_ns);
	CHECK(d.rule == 1 && d.line == 2 && !strcmp(d.rule_name, "hooks[1]") &&
		      !strcmp(d.file, "test.yaml"),
	      "rule %u %s, %s:%u", d.rule, d.rule_name, d.file, d.line);
	CHECK((d.pid == (__u32)getpid()) == !w->by_command, "pid %u", d.pid);
	CHECK(!strncmp(d.prog_name, w->prog, strlen(w->prog)), "name %s",
	      d.prog_name);
}

void way_run(const struct way *w)
{
	__u32 id, n, hooks = w->hooks ?: 1;
	struct bpf_program *prog;
	__u64 seq;
	int err;

	policy_cost_model();
	prog = open_way(w);
	id = prog_info(bpf_program__fd(prog)).id;

	policy_forbid(w->hook, BPF_POLICY_ENFORCE);
	seq = policy_seq();
	err = w->attach(prog);
	CHECK(err == -EACCES, "denied: %s", strerror(-err));
	if (!err)
		w->detach();
	CHECK(!policy_charged(id, NULL), "charged though it was denied");
	check_denial(w, seq, id, 1);

	policy_forbid(w->hook, BPF_POLICY_MONITOR);
	seq = policy_seq();
	err = w->attach(prog);
	REQUIRE(!err, "monitored: %s", strerror(-err));
	check_denial(w, seq, id, 0);
	n = policy_charged(id, w->hook);
	CHECK(n == 1, "charged to %s %u times", w->hook, n);
	n = policy_charged(id, NULL);
	CHECK(n == hooks, "charged %u times, not %u", n, hooks);
	w->detach();

	policy_forbid("other/hook", BPF_POLICY_ENFORCE);
	err = w->attach(prog);
	REQUIRE(!err, "allowed: %s", strerror(-err));
	w->detach();
	n = policy_charged(id, NULL);
	CHECK(n == (w->for_good ? hooks : 0),
	      "%u charges after it was detached", n);

	err = policy_unload();
	CHECK(!err, "unload: %s", strerror(-err));
	err = w->attach(prog);
	REQUIRE(!err, "without a policy: %s", strerror(-err));
	n = policy_charged(id, w->hook);
	CHECK(n == 1, "charged to %s %u times without a policy", w->hook, n);
	w->detach();

	/* For good is until it is freed. */
	policy_progs__destroy(ways);
	way_wait_free();
	CHECK(!policy_charged(id, NULL), "charged though it is gone");
}
