// SPDX-License-Identifier: GPL-2.0
/* Several policy files that are in force together. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "policy/policy.h"
#include "show/fault.h"

static int set_add(struct policy_set *set, const char *path, struct fault *f)
{
	struct policy *p, **all;
	int ret = policy_read(path, &p, f);

	if (ret)
		return ret;
	/* an overridden policy leaves its place, too: order is that of files */
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->policies[i]->name, p->name))
			continue;
		policy_free(set->policies[i]);
		set->n--;
		memmove(&set->policies[i], &set->policies[i + 1],
			(set->n - i) * sizeof(*set->policies));
		break;
	}
	all = reallocarray(set->policies, set->n + 1, sizeof(*all));
	if (!all) {
		policy_free(p);
		return fault_set(f, EXIT_FAILED, ENOMEM,
				 "cannot keep a policy");
	}
	set->policies = all;
	all[set->n++] = p;
	return 0;
}

static int is_policy(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	       !strcmp(d->d_name + len - 5, ".yaml");
}

static int set_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_dir(struct policy_set *set, const char *dir, struct fault *f)
{
	struct dirent **files;
	int n = scandir(dir, &files, is_policy, set_by_name), ret = 0;

	if (n < 0)
		return fault_set(f, EXIT_FAILED, errno, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		char *path;

		if (!ret &&
		    asprintf(&path, "%s/%s", dir, files[i]->d_name) >= 0) {
			ret = set_add(set, path, f);
			free(path);
		}
		free(files[i]);
	}
	free(files);
	return ret;
}

size_t policy_files(const char *path)
{
	struct dirent **files;
	struct stat st;
	int n;

	if (stat(path, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return 1;
	n = scandir(path, &files, is_policy, NULL);
	for (int i = 0; i < n; i++)
		free(files[i]);
	if (n >= 0)
		free(files);
	return n < 0 ? 0 : n;
}

int policy_set_load(struct policy_set *set, char *const *paths, size_t n,
		    struct fault *f)
{
	size_t rules = 1, graphs = 0, together = 0;
	int ret = 0;

	*set = (struct policy_set){};
	for (size_t i = 0; !ret && i < n; i++) {
		struct stat st;

		ret = !stat(paths[i], &st) && S_ISDIR(st.st_mode) ?
			      add_dir(set, paths[i], f) :
			      set_add(set, paths[i], f);
	}
	for (size_t i = 0; !ret && i < set->n; i++) {
		const struct policy *p = set->policies[i];

		rules += p->n_hooks + p->n_graphs + p->n_programs +
			 p->n_together + p->n_exempt;
		graphs += p->n_graphs;
		together += p->n_together;
	}
	if (!ret && rules > BPF_POLICY_MAX_RULES)
		ret = fault_set(f, EXIT_USAGE, E2BIG,
				"%zu rules in all files, the kernel takes %d",
				rules, BPF_POLICY_MAX_RULES);
	if (!ret && graphs > BPF_POLICY_MAX_GRAPHS)
		ret = fault_set(f, EXIT_USAGE, E2BIG,
				"%zu call graphs in all files, the kernel "
				"takes %d",
				graphs, BPF_POLICY_MAX_GRAPHS);
	if (!ret && together > BPF_POLICY_MAX_TOGETHER)
		ret = fault_set(f, EXIT_USAGE, E2BIG,
				"%zu shares of several programs together in "
				"all files, the kernel takes %d",
				together, BPF_POLICY_MAX_TOGETHER);
	if (ret)
		policy_set_free(set);
	return ret;
}

void policy_set_free(struct policy_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		policy_free(set->policies[i]);
	free(set->policies);
	*set = (struct policy_set){};
}

enum policy_mode policy_set_mode(const struct policy_set *set)
{
	enum policy_mode mode = POLICY_OFF;

	for (size_t i = 0; i < set->n; i++)
		if (set->policies[i]->mode > mode)
			mode = set->policies[i]->mode;
	return mode;
}

struct policy_defaults policy_set_defaults(const struct policy_set *set,
					   const struct policy **owner)
{
	struct policy_defaults all = { .charge = POLICY_WORST,
				       .existing = POLICY_WARN };
	enum policy_mode mode = policy_set_mode(set);

	*owner = NULL;
	for (size_t i = 0; i < set->n; i++) {
		const struct policy *p = set->policies[i];
		const struct policy_defaults *d = p->defaults;

		/* what watches has no say in what is enforced */
		if (!d || p->mode != mode)
			continue;
		*owner = p;
		all.charge = d->charge ? d->charge : all.charge;
		all.tail_calls = d->tail_calls ? d->tail_calls : all.tail_calls;
		all.unbounded = d->unbounded ? d->unbounded : all.unbounded;
		all.existing = d->existing ? d->existing : all.existing;
		all.max_stop = d->max_stop.ns ? d->max_stop : all.max_stop;
		if (mode != POLICY_ENFORCE)
			continue;
		all.budget = d->budget.ns ? d->budget : all.budget;
		all.on_overrun = d->on_overrun ? d->on_overrun : all.on_overrun;
	}
	return all;
}
