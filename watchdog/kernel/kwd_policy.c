// SPDX-License-Identifier: GPL-2.0
/* The kernel's runtime policy: bpf(BPF_RUNTIME_POLICY). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "kernel/kwd.h"
#include "kernel/kwd_policy.h"

void policy_rules_free(struct policy_rules *rules)
{
	for (u32 i = 0; i < rules->n_fds; i++)
		close(rules->fds[i]);
	free(rules->fds);
	free(rules->rules);
	free(rules->strings);
	*rules = (struct policy_rules){};
}

const char *rule_text(const struct policy_rules *rules, u32 off)
{
	return off < rules->strings_size ? rules->strings + off : "";
}

static int kwd_policy_command(union bpf_attr *attr)
{
	return kwd_bpf(BPF_RUNTIME_POLICY, attr, sizeof(attr->policy));
}

static int simple(u32 op)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.policy.op = op;
	return kwd_policy_command(&attr);
}

int kwd_policy_probe(void)
{
	union bpf_attr attr;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.policy.op = BPF_POLICY_GET;
	attr.policy.rec_size = sizeof(struct bpf_policy_rule);
	err = kwd_policy_command(&attr);
	/* no policy is there, or no room for it: it got as far as that */
	if (err == -ENOENT || err == -ENOSPC)
		return 0;
	return err == -EINVAL || err == -EOPNOTSUPP ? -ENOSYS : err;
}

int kwd_policy_missing(struct fault *f, int err, const char *what)
{
	struct utsname uts;

	uname(&uts);
	if (err == -EPERM || err == -EACCES) {
		fault_set(f, EXIT_LACKS, err, "%s", what);
		fault_why(f, "this needs CAP_SYS_ADMIN");
		return fault_hint(f, "run it as root");
	}
	fault_set(f, EXIT_LACKS, ENOSYS,
		  "%s: kernel %s cannot enforce policies", what, uts.release);
	fault_why(f, "it lacks the patches or CONFIG_BPF_WATCHDOG");
	return fault_hint(f, "boot the patched kernel, then bpfwd doctor");
}

static const char *const refusals[] = {
	[BPF_POLICY_BAD_KIND] = "a kind of rule that it does not know",
	[BPF_POLICY_BAD_FLAGS] = "flags that do not fit",
	[BPF_POLICY_BAD_STRING] = "a text that has no end",
	[BPF_POLICY_BAD_ACTION] = "an action that does not fit",
	[BPF_POLICY_BAD_MATCH] = "a pattern that is empty or too long",
	[BPF_POLICY_BAD_TYPE] = "a type of program that it does not know",
	[BPF_POLICY_BAD_MODE] = "a mode that it does not know",
	[BPF_POLICY_BAD_BUDGET] = "a budget out of range",
	[BPF_POLICY_BAD_QUARANTINE] = "a quarantine out of range",
	[BPF_POLICY_UNUSED_MEMBER] = "something that the rule does not use",
	[BPF_POLICY_NO_LIMIT] = "nothing",
	[BPF_POLICY_DUPLICATE] = "defaults for the second time",
	[BPF_POLICY_TOO_MANY_GRAPHS] = "one call graph too many",
	[BPF_POLICY_BAD_SHARE] = "a share that is out of range",
	[BPF_POLICY_BAD_CGROUP] = "a control group that is not there",
	[BPF_POLICY_NO_DEFAULTS] = "no defaults",
	[BPF_POLICY_BAD_STRINGS] = "texts that are not well formed",
	[BPF_POLICY_BAD_FD] = "a namespace or bpffs that is none",
	[BPF_POLICY_TOO_MANY_TOGETHER] = "one share of several programs too "
					 "many",
};

static int kwd_policy_refused(const struct policy_rules *rules,
			      const union bpf_attr *attr, int err,
			      struct fault *f)
{
	u32 reason = attr->policy.bad_reason, rule = attr->policy.bad_rule;

	if (err == -ENOSYS || err == -EOPNOTSUPP || err == -EPERM ||
	    (err == -EINVAL && !reason && kwd_policy_probe() == -ENOSYS))
		return kwd_policy_missing(f, err == -EPERM ? err : -ENOSYS,
					  "cannot load the policy");
	fault_set(f, EXIT_FAILED, err, "the kernel refuses the policy");
	if (reason && reason < ARRAY_SIZE(refusals) && refusals[reason])
		fault_why(
			f, "%s:%u: rule %s says %s; nothing was changed",
			rule < rules->n ?
				rule_text(rules, rules->rules[rule].file_off) :
				"",
			rule < rules->n ? rules->rules[rule].line : 0,
			rule < rules->n ?
				rule_text(rules, rules->rules[rule].name_off) :
				"",
			refusals[reason]);
	else
		fault_why(f, "nothing was changed");
	return f->exit;
}

static void attr_load(union bpf_attr *attr, const struct policy_rules *rules,
		      bool check_only)
{
	memset(attr, 0, sizeof(*attr));
	attr->policy.op = BPF_POLICY_LOAD;
	attr->policy.flags = check_only ? BPF_POLICY_CHECK_ONLY : 0;
	attr->policy.rec_size = sizeof(*rules->rules);
	attr->policy.nr_recs = rules->n;
	attr->policy.recs = (uintptr_t)rules->rules;
	attr->policy.strings = (uintptr_t)rules->strings;
	attr->policy.strings_size = rules->strings_size;
	memcpy(attr->policy.name, rules->name, sizeof(attr->policy.name));
}

int kwd_policy_load(const struct policy_rules *rules, u32 revert_s,
		    bool check_only, struct fault *f)
{
	union bpf_attr attr;
	int err;

	attr_load(&attr, rules, check_only);
	attr.policy.revert_s = revert_s;
	err = kwd_policy_command(&attr);
	return err ? kwd_policy_refused(rules, &attr, err, f) : 0;
}

int kwd_policy_try(const struct policy_rules *rules,
		   struct bpf_policy_charge **charges, u32 *n)
{
	union bpf_attr attr;
	u32 room = 64;
	int err = -EAGAIN;

	*charges = NULL;
	for (int tries = 0; tries < 8; tries++) {
		free(*charges);
		*charges = calloc(room, sizeof(**charges));
		if (!*charges)
			return -ENOMEM;
		attr_load(&attr, rules, true);
		attr.policy.charges = (uintptr_t)*charges;
		attr.policy.nr_charges = room;
		err = kwd_policy_command(&attr);
		*n = attr.policy.nr_charges;
		if (!err && *n <= room)
			return 0;
		if (err && err != -ENOSPC)
			break;
		/* a few more may come meanwhile */
		room = *n + 64;
	}
	free(*charges);
	*charges = NULL;
	*n = 0;
	return err ? err : -EAGAIN;
}

int kwd_policy_get(struct policy_rules *rules)
{
	union bpf_attr attr;
	int err = 0;

	*rules = (struct policy_rules){};
	memset(&attr, 0, sizeof(attr));
	for (int tries = 0; tries < 8; tries++) {
		u32 n = attr.policy.nr_recs, size = attr.policy.strings_size;

		policy_rules_free(rules);
		if (n) {
			rules->rules = calloc(n, sizeof(*rules->rules));
			rules->strings = calloc(1, size + 1ULL);
			if (!rules->rules || !rules->strings) {
				err = -ENOMEM;
				break;
			}
		}
		memset(&attr, 0, sizeof(attr));
		attr.policy.op = BPF_POLICY_GET;
		attr.policy.rec_size = sizeof(*rules->rules);
		attr.policy.nr_recs = n;
		attr.policy.recs = (uintptr_t)rules->rules;
		attr.policy.strings = (uintptr_t)rules->strings;
		attr.policy.strings_size = size;
		err = kwd_policy_command(&attr);
		if (err && err != -ENOSPC)
			break;
		/* without room it may say so by success, too */
		if (!err && n && attr.policy.nr_recs <= n) {
			rules->n = attr.policy.nr_recs;
			rules->strings_size = attr.policy.strings_size;
			rules->generation = attr.policy.generation;
			rules->revert_s = attr.policy.revert_s;
			memcpy(rules->name, attr.policy.name,
			       sizeof(rules->name) - 1);
			return 0;
		}
	}
	policy_rules_free(rules);
	return err == -EINVAL || err == -EOPNOTSUPP ? -ENOSYS :
	       err				    ? err :
						      -EAGAIN;
}

int kwd_policy_unload(void)
{
	return simple(BPF_POLICY_UNLOAD);
}

int kwd_policy_keep(void)
{
	return simple(BPF_POLICY_KEEP);
}

/* Records of an operation, all of them. */
static int read_all(u32 op, size_t size, void **recs, u32 *n)
{
	union bpf_attr attr;
	u32 room = 64;
	int err = -EAGAIN;

	*recs = NULL;
	for (int tries = 0; tries < 8; tries++) {
		free(*recs);
		*recs = calloc(room, size);
		if (!*recs)
			return -ENOMEM;
		memset(&attr, 0, sizeof(attr));
		attr.policy.op = op;
		attr.policy.rec_size = size;
		attr.policy.nr_recs = room;
		attr.policy.recs = (uintptr_t)*recs;
		err = kwd_policy_command(&attr);
		*n = attr.policy.nr_recs;
		if (!err && *n <= room)
			return 0;
		if (err && err != -ENOSPC)
			break;
		/* a few more may come meanwhile */
		room = *n + 64;
	}
	free(*recs);
	*recs = NULL;
	*n = 0;
	return err == -EINVAL || err == -EOPNOTSUPP ? -ENOSYS :
	       err				    ? err :
						      -EAGAIN;
}

int kwd_policy_denials(struct bpf_policy_denial **denials, u32 *n)
{
	return read_all(BPF_POLICY_DENIALS, sizeof(**denials), (void **)denials,
			n);
}

int kwd_policy_charges(struct bpf_policy_charge **charges, u32 *n)
{
	return read_all(BPF_POLICY_CHARGES, sizeof(**charges), (void **)charges,
			n);
}
