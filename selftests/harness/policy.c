// SPDX-License-Identifier: GPL-2.0
#include <sys/syscall.h>
#include "harness/policy.h"

static const char *const kinds[] = {
	[BPF_POLICY_DEFAULTS] = "defaults", [BPF_POLICY_HOOK] = "hooks",
	[BPF_POLICY_GRAPH] = "graphs",	    [BPF_POLICY_PROGRAM] = "programs",
	[BPF_POLICY_EXEMPT] = "exempt",
};

__u32 policy_string(struct policy *p, const char *text)
{
	__u32 off = p->strings_size, len = strlen(text) + 1;

	REQUIRE(off + len <= sizeof(p->strings), "too many strings");
	memcpy(p->strings + off, text, len);
	p->strings_size += len;
	return off;
}

struct bpf_policy_rule *policy_rule(struct policy *p, __u32 kind, __u32 flags,
				    const char *match)
{
	struct bpf_policy_rule *r = &p->rules[p->nr++];
	char name[40];

	REQUIRE(p->nr <= MAX_RULES, "too many rules");
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->flags = flags;
	snprintf(name, sizeof(name), "%s[%u]", kinds[kind], p->nr - 1);
	r->name_off = policy_string(p, name);
	r->file_off = p->rules[0].file_off;
	r->line = p->nr;
	if (match)
		r->match_off = policy_string(p, match);
	return r;
}

struct policy *policy_new(__u32 mode)
{
	static struct policy p;
	struct bpf_policy_rule *r;

	memset(&p, 0, sizeof(p));
	p.strings_size = 1; /* the empty string */
	r = policy_rule(&p, BPF_POLICY_DEFAULTS, 0, NULL);
	r->mode = mode;
	r->file_off = policy_string(&p, "test.yaml");
	return &p;
}

int policy_command(union bpf_attr *attr, size_t size)
{
	return syscall(SYS_bpf, BPF_RUNTIME_POLICY, attr, size) ? -errno : 0;
}

int policy_load(struct policy *p)
{
	union bpf_attr attr = {};
	int err;

	attr.policy.op = BPF_POLICY_LOAD;
	attr.policy.flags = p->flags;
	attr.policy.rec_size = sizeof(p->rules[0]);
	attr.policy.nr_recs = p->nr;
	attr.policy.recs = (unsigned long)p->rules;
	attr.policy.strings = (unsigned long)p->strings;
	attr.policy.strings_size = p->strings_size;
	attr.policy.revert_s = p->revert_s;
	strcpy(attr.policy.name, "selftest");
	err = policy_command(&attr, sizeof(attr));
	p->bad_reason = attr.policy.bad_reason;
	p->bad_rule = attr.policy.bad_rule;
	p->generation = attr.policy.generation;
	return err;
}

void policy_use(struct policy *p)
{
	int err = policy_load(p);

	REQUIRE(!err, "policy: %s, reason %u, rule %u", strerror(-err),
		p->bad_reason, p->bad_rule);
}

int policy_unload(void)
{
	union bpf_attr attr = {};

	attr.policy.op = BPF_POLICY_UNLOAD;
	return policy_command(&attr, sizeof(attr));
}

int policy_get(struct policy *p)
{
	union bpf_attr attr = {};
	int err;

	attr.policy.op = BPF_POLICY_GET;
	attr.policy.rec_size = sizeof(p->rules[0]);
	attr.policy.nr_recs = MAX_RULES;
	attr.policy.recs = (unsigned long)p->rules;
	attr.policy.strings = (unsigned long)p->strings;
	attr.policy.strings_size = sizeof(p->strings);
	err = policy_command(&attr, sizeof(attr));
	p->nr = attr.policy.nr_recs;
	p->strings_size = attr.policy.strings_size;
	p->revert_s = attr.policy.revert_s;
	p->generation = attr.policy.generation;
	if (!err)
		CHECK(!strcmp(attr.policy.name, "selftest"), "name %s",
		      attr.policy.name);
	return err;
}

static void forbid(const char *hook, __u32 mode, __u32 flags)
{
	struct policy *p = policy_new(mode);

	p->rules[0].action = BPF_POLICY_ALLOW;
	p->rules[0].flags = flags;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, hook);
	policy_use(p);
}

void policy_forbid(const char *hook, __u32 mode)
{
	forbid(hook, mode, 0);
}

void policy_forbid_existing(const char *hook)
{
	forbid(hook, BPF_POLICY_ENFORCE, BPF_POLICY_F_DETACH_EXISTING);
}

const struct bpf_policy_charge *policy_charges(__u32 *nr)
{
	static struct bpf_policy_charge recs[MAX_CHARGES];
	union bpf_attr attr = {};
	int err;

	attr.policy.op = BPF_POLICY_CHARGES;
	attr.policy.rec_size = sizeof(recs[0]);
	attr.policy.nr_recs = MAX_CHARGES;
	attr.policy.recs = (unsigned long)recs;
	err = policy_command(&attr, sizeof(attr));
	REQUIRE(!err, "charges: %s", strerror(-err));
	*nr = attr.policy.nr_recs;
	return recs;
}

__u32 policy_charged(__u32 prog_id, const char *hook)
{
	const struct bpf_policy_charge *recs;
	__u32 i, nr, n = 0;

	recs = policy_charges(&nr);
	for (i = 0; i < nr; i++)
		n += recs[i].prog_id == prog_id &&
		     (!hook || !strcmp(recs[i].hook, hook));
	return n;
}

__u64 policy_worst(const char *hook)
{
	const struct bpf_policy_charge *recs;
	__u64 sum = 0;
	__u32 i, nr;

	recs = policy_charges(&nr);
	for (i = 0; i < nr; i++)
		if (!strcmp(recs[i].hook, hook))
			sum += recs[i].worst_ns;
	return sum;
}

static int denials(union bpf_attr *attr, struct bpf_policy_denial *d, __u32 nr)
{
	attr->policy.op = BPF_POLICY_DENIALS;
	attr->policy.rec_size = sizeof(*d);
	attr->policy.nr_recs = nr;
	attr->policy.recs = (unsigned long)d;
	return policy_command(attr, sizeof(*attr));
}

bool policy_denial(__u64 seq, struct bpf_policy_denial *d)
{
	struct bpf_policy_denial recs[64];
	union bpf_attr attr = {};
	int err;

	attr.policy.seq = seq;
	err = denials(&attr, recs, ARRAY_SIZE(recs));
	REQUIRE(!err, "denials: %s", strerror(-err));
	if (!attr.policy.nr_recs)
		return false;
	*d = recs[attr.policy.nr_recs - 1];
	return true;
}

__u64 policy_seq(void)
{
	union bpf_attr attr = {};
	int err = denials(&attr, NULL, 0);

	REQUIRE(!err, "denials: %s", strerror(-err));
	return attr.policy.seq;
}

void policy_sample(int fd)
{
	bool packets = prog_info(fd).type != BPF_PROG_TYPE_SYSCALL;
	uint64_t until = now_ns() + 200 * NSEC_PER_SEC;

	while (prog_info(fd).sampled_runs < BPF_POLICY_MEASURED_RUNS &&
	       now_ns() < until)
		if (packets)
			prog_run_packets(fd, 10000);
		else
			for (int i = 0; i < 500; i++)
				prog_run(fd, NULL);
	REQUIRE(prog_info(fd).sampled_runs >= BPF_POLICY_MEASURED_RUNS,
		"sampled %llu times", prog_info(fd).sampled_runs);
}

int policy_cost_model_of(const struct bpf_cost_entry *entries, __u32 nr)
{
	struct bpf_cost_entry e[16] = {};
	union bpf_attr attr = {};
	__u32 n = 0;

	e[n++].kind = BPF_COST_INSN;
	e[n++].kind = BPF_COST_HELPER;
	e[n++].kind = BPF_COST_KFUNC;
	REQUIRE(n + nr <= ARRAY_SIZE(e), "%u entries", nr);
	memcpy(&e[n], entries, nr * sizeof(e[0]));
	attr.cost_model.op = BPF_COST_SET;
	attr.cost_model.entry_size = sizeof(e[0]);
	attr.cost_model.nr_entries = n + nr;
	attr.cost_model.entries = (unsigned long)e;
	strcpy(attr.cost_model.label, "selftest");
	return syscall(SYS_bpf, BPF_COST_MODEL, &attr, sizeof(attr)) ? -errno :
								       0;
}

int policy_cost_model_load(__u64 worst)
{
	struct bpf_cost_entry tick = {
		.kind = BPF_COST_HELPER,
		.id = BPF_FUNC_ktime_get_ns,
		.best = TICK_NS * 1000, /* ps */
		.worst = worst == ~0ULL ? worst : worst * 1000,
	};

	return policy_cost_model_of(&tick, 1);
}

void policy_cost_model(__u64 worst)
{
	int err = policy_cost_model_load(worst);

	REQUIRE(!err, "cost model: %s", strerror(-err));
}
