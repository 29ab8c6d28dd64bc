// SPDX-License-Identifier: GPL-2.0
/* Compiles policies into the kernel's rules.
 *
 * The kernel has one policy with one mode, files have one each: what a file in
 * mode monitor limits becomes a warning, and its rules come behind those of files
 * that enforce, so that it never takes a hook away from them. Its budgets, actions
 * and exemptions are left out: they would change what happens.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "policy/cgroup.h"
#include "policy/rules.h"
#include "policy/spaces.h"

struct compile {
	struct policy_rules *out;
	struct policy_graphs *graphs;
	const struct callgraph *cg;
	const struct policy *p;
	bool soft; /* a policy that watches only, */
	bool beside; /* beside one that enforces */
	u32 room, file_off;
	size_t strings_room;
	struct fault *f;
};

static int oom(struct compile *c)
{
	return fault_set(c->f, EXIT_FAILED, ENOMEM,
			 "cannot compile the policy");
}

static int add_bytes(struct compile *c, const char *bytes, size_t len, u32 *off)
{
	struct policy_rules *out = c->out;
	size_t need = out->strings_size + len, room = c->strings_room;
	char *all;

	if (need > BPF_POLICY_MAX_STRINGS) {
		fault_set(c->f, EXIT_USAGE, E2BIG,
			  "the policy has too many names for the kernel");
		fault_why(c->f,
			  "call graphs reach too many functions: "
			  "%zu bytes of names, %d are taken",
			  need, BPF_POLICY_MAX_STRINGS);
		return fault_hint(c->f, "a smaller depth, or other roots");
	}
	if (need > room) {
		room = need * 2;
		all = realloc(out->strings, room);
		if (!all)
			return oom(c);
		out->strings = all;
		c->strings_room = room;
	}
	*off = out->strings_size;
	memcpy(out->strings + *off, bytes, len);
	out->strings_size += len;
	return 0;
}

static int add_text(struct compile *c, const char *text, u32 *off)
{
	if (text && *text)
		return add_bytes(c, text, strlen(text) + 1, off);
	*off = 0;
	return 0;
}

static int add_rule(struct compile *c, struct bpf_policy_rule *r, u32 line,
		    const char *list, int index)
{
	char name[BPF_POLICY_NAME_LEN];
	int ret;

	if (index < 0)
		snprintf(name, sizeof(name), "%s:%s", c->p ? c->p->name : "",
			 list);
	else
		snprintf(name, sizeof(name), "%s:%s[%d]", c->p->name, list,
			 index);
	ret = add_text(c, name, &r->name_off);
	r->file_off = c->file_off;
	r->line = line;
	if (!ret)
		c->out->rules[c->out->n++] = *r;
	return ret;
}

static u32 action_of(const struct compile *c, enum policy_verdict v)
{
	return !v			   ? BPF_POLICY_AUTO :
	       v == POLICY_ALLOW	   ? BPF_POLICY_ALLOW :
	       v == POLICY_WARN || c->soft ? BPF_POLICY_WARN :
					     BPF_POLICY_DENY;
}

static void set_budget(struct bpf_policy_rule *r, const struct policy_time *t)
{
	if (!t->ns)
		return;
	r->flags |= BPF_POLICY_F_BUDGET;
	r->budget_ns = t->ns;
}

static void set_latency(struct bpf_policy_rule *r, const struct policy_time *t)
{
	if (!t->ns)
		return;
	r->flags |= BPF_POLICY_F_LATENCY;
	r->max_latency_ns = t->ns;
}

static void set_stop(struct bpf_policy_rule *r, const struct policy_time *t)
{
	if (!t->ns)
		return;
	r->flags |= BPF_POLICY_F_STOP;
	r->max_stop_ns = t->ns;
}

static void set_share(const struct compile *c, struct bpf_policy_rule *r,
		      const struct policy_part *s)
{
	static const u32 actions[] = {
		[POLICY_THROTTLE] = BPF_POLICY_SHARE_THROTTLE,
		[POLICY_SHARE_WARN] = BPF_POLICY_SHARE_WARN,
		[POLICY_SHARE_QUARANTINE] = BPF_POLICY_SHARE_QUARANTINE,
		[POLICY_SHARE_DETACH] = BPF_POLICY_SHARE_DETACH,
	};

	if (!s->ns)
		return;
	r->flags |= BPF_POLICY_F_SHARE;
	r->share_ns = s->ns;
	r->share_window_ns = s->window_ns;
	/* what only watches, beside what enforces */
	r->on_share = c->beside ? BPF_POLICY_SHARE_WARN : actions[s->on_share];
}

/* A rule names something by a file descriptor of its path, or -errno. 0 or an exit status. */
static int set_fd(struct compile *c, struct policy_match *m, u32 line,
		  const char *what, const char *path, int fd, u32 *to)
{
	int *fds;

	if (fd == -ENOENT) {
		m->gone = what;
		m->gone_path = path;
		return 0;
	}
	if (fd < 0) {
		fault_set(c->f, EXIT_USAGE, fd == -EINVAL ? 0 : fd,
			  "%s:%u: %s is no %s", c->p->path, line, path, what);
		return c->f->exit;
	}
	fds = reallocarray(c->out->fds, c->out->n_fds + 1, sizeof(*fds));
	if (!fds) {
		close(fd);
		return oom(c);
	}
	c->out->fds = fds;
	fds[c->out->n_fds++] = fd;
	*to = fd;
	return 0;
}

static int set_ns(struct compile *c, struct policy_match *m, u32 line,
		  const char *text, int type, u32 *which, u32 *fd)
{
	*which = !strcmp(text, "initial") ? BPF_POLICY_NS_INITIAL :
		 !strcmp(text, "other")	  ? BPF_POLICY_NS_OTHER :
					    BPF_POLICY_NS_BELOW;
	if (*which != BPF_POLICY_NS_BELOW)
		return 0;
	return set_fd(c, m, line,
		      type == CLONE_NEWUSER ? "user namespace" :
					      "namespace of PIDs",
		      text, ns_open(text, type), fd);
}

/* Who has loaded the programs. m->gone: nobody, as a thing is not there that it names. 0 or
 * an exit status.
 */
static int set_who(struct compile *c, struct bpf_policy_rule *r,
		   struct policy_match *m, u32 line)
{
	int ret = 0;

	if (m->uid) {
		r->flags |= BPF_POLICY_F_UID;
		r->uid = m->user;
	}
	if (m->tag) {
		r->flags |= BPF_POLICY_F_TAG;
		memcpy(r->tag, m->tag_bytes, sizeof(r->tag));
	}
	if (m->btf) {
		r->flags |= BPF_POLICY_F_BTF;
		memcpy(r->btf_digest, m->btf_bytes, sizeof(r->btf_digest));
	}
	if (m->cgroup) {
		r->flags |= BPF_POLICY_F_CGROUP;
		r->cgroup_id = cgroup_find(m->cgroup);
		if (!r->cgroup_id) {
			m->gone = "control group";
			m->gone_path = m->cgroup;
		}
	}
	if (m->user_ns) {
		r->flags |= BPF_POLICY_F_USER_NS;
		ret = set_ns(c, m, line, m->user_ns, CLONE_NEWUSER, &r->user_ns,
			     &r->user_ns_fd);
	}
	if (!ret && m->pid_ns) {
		r->flags |= BPF_POLICY_F_PID_NS;
		ret = set_ns(c, m, line, m->pid_ns, CLONE_NEWPID, &r->pid_ns,
			     &r->pid_ns_fd);
	}
	if (!ret && m->token) {
		r->flags |= BPF_POLICY_F_TOKEN;
		r->token = !strcmp(m->token, "none") ? BPF_POLICY_TOKEN_NONE :
			   !strcmp(m->token, "any")  ? BPF_POLICY_TOKEN_ANY :
						       BPF_POLICY_TOKEN_OF;
		if (r->token == BPF_POLICY_TOKEN_OF)
			ret = set_fd(c, m, line, "bpffs", m->token,
				     bpffs_open(m->token), &r->token_fd);
	}
	return ret;
}

/* What takes the place of what the defaults say. */
static void set_instead(const struct compile *c, struct bpf_policy_rule *r,
			const struct policy_time *max_stop,
			enum policy_verdict unbounded)
{
	if (c->beside)
		return;
	set_stop(r, max_stop);
	if (!unbounded)
		return;
	r->flags |= BPF_POLICY_F_UNBOUNDED;
	r->unbounded = action_of(c, unbounded);
}

static void set_overrun(struct bpf_policy_rule *r, enum policy_overrun o)
{
	static const u32 actions[] = {
		[POLICY_KILL] = BPF_WD_ACTION_END,
		[POLICY_KILL_WARN] = BPF_WD_ACTION_WARN,
		[POLICY_DETACH] = BPF_WD_ACTION_DETACH,
	};

	if (!o)
		return;
	r->flags |= BPF_POLICY_F_OVERRUN;
	r->on_overrun = actions[o];
}

static int rules_add_defaults(struct compile *c, const struct policy_set *set)
{
	struct policy_defaults d = policy_set_defaults(set, &c->p);
	struct bpf_policy_rule r = { .kind = BPF_POLICY_DEFAULTS };
	int ret = c->p ? add_text(c, c->p->path, &c->file_off) : 0;

	r.mode = policy_set_mode(set) == POLICY_ENFORCE ? BPF_POLICY_ENFORCE :
		 policy_set_mode(set) == POLICY_MONITOR ? BPF_POLICY_MONITOR :
							  BPF_POLICY_OFF;
	r.charge = d.charge == POLICY_MEASURED ? BPF_POLICY_MEASURED :
						 BPF_POLICY_WORST;
	if (d.tail_calls == POLICY_TAILS_ENTRIES)
		r.flags |= BPF_POLICY_F_TAIL_CALLS;
	c->soft = false;
	r.action = action_of(c, d.unbounded);
	if (d.existing != POLICY_ALLOW)
		r.flags |= BPF_POLICY_F_WARN_EXISTING;
	if (d.existing == POLICY_DENY)
		r.flags |= BPF_POLICY_F_DETACH_EXISTING;
	set_stop(&r, &d.max_stop);
	set_budget(&r, &d.budget);
	set_overrun(&r, d.on_overrun);
	return ret ? ret :
		     add_rule(c, &r, c->p ? c->p->defaults_line : 0, "defaults",
			      -1);
}

static int rules_add_hooks(struct compile *c)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < c->p->n_hooks; i++) {
		const struct policy_hook *h = &c->p->hooks[i];
		struct bpf_policy_rule r = { .kind = BPF_POLICY_HOOK };

		r.action = action_of(c, h->on_exceed);
		set_latency(&r, &h->max_latency);
		set_instead(c, &r, &h->max_stop, h->unbounded);
		if (h->max_programs || h->deny) {
			r.flags |= BPF_POLICY_F_PROGRAMS;
			r.max_programs = h->deny ? 0 : *h->max_programs;
		}
		if (!c->soft)
			set_budget(&r, &h->budget);
		set_share(c, &r, &h->share);
		ret = add_text(c, h->match, &r.match_off);
		ret = ret ? ret : add_rule(c, &r, h->line, "hooks", i);
	}
	return ret;
}

/* In place of a graph that is not known: in the kernel's order. */
static const char *const all_hooks[] = {
	"action",	"breakpoint/*", "cgroup/*",   "cgroup_skb/*",
	"fanout",	"fentry/*",	"fexit/*",    "flow_dissector",
	"fmod_ret/*",	"freplace/*",	"iter/*",     "kcm",
	"kprobe/*",	"kretprobe/*",	"lirc_mode2", "lsm/*",
	"lsm_cgroup/*", "lwt_in",	"lwt_out",    "lwt_seg6local",
	"lwt_xmit",	"netfilter/*",	"netkit/*",   "perf_event",
	"prog_array",	"raw_tp/*",	"sk_lookup",  "sk_msg",
	"sk_reuseport", "sk_skb/*",	"socket",     "sockops",
	"struct_ops/*", "tc/*",		"tcx/*",      "tp/*",
	"tp_btf/*",	"tun",		"uprobe/*",   "uretprobe/*",
	"xdp/*",	"xt_bpf",
};

static int add_graph(struct compile *c, u32 index)
{
	struct policy_graph *g = &c->p->graphs[index];
	struct bpf_policy_rule r = { .kind = BPF_POLICY_GRAPH };
	u32 ignored;
	char *members;
	size_t size;
	int err, ret;

	set_latency(&r, &g->max_latency);
	set_instead(c, &r, &g->max_stop, g->unbounded);
	set_share(c, &r, &g->share);
	if (!r.flags)
		return 0;
	err = callgraph_reach(c->cg, g->roots, g->n_roots, g->depth,
			      &c->graphs->reach[c->out->n], &g->missing);
	g->unknown = err == -ENOENT;
	r.action = action_of(c, g->on_exceed);
	/* without a root it fails alone: the other rules hold all the same */
	if (g->unknown && g->on_missing != POLICY_DENY)
		return 0;
	if (g->unknown) {
		r.nr_match = ARRAY_SIZE(all_hooks);
		ret = add_text(c, all_hooks[0], &r.match_off);
		for (u32 i = 1; !ret && i < r.nr_match; i++)
			ret = add_text(c, all_hooks[i], &ignored);
		return ret ? ret : add_rule(c, &r, g->line, g->name, -1);
	}
	if (err)
		return oom(c);
	members =
		reach_members(c->graphs->reach[c->out->n], &r.nr_match, &size);
	if (!members)
		return oom(c);
	ret = add_bytes(c, members, size, &r.match_off);
	free(members);
	return ret ? ret : add_rule(c, &r, g->line, g->name, -1);
}

static int add_programs(struct compile *c)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < c->p->n_programs; i++) {
		struct policy_program *p = &c->p->programs[i];
		struct bpf_policy_rule r = { .kind = BPF_POLICY_PROGRAM };

		r.prog_type = p->match.prog_type;
		if (c->soft && !p->share.ns)
			continue;
		set_share(c, &r, &p->share);
		ret = set_who(c, &r, &p->match, p->line);
		if (ret)
			return ret;
		if (p->match.gone)
			continue;
		if (c->soft)
			goto add;
		set_budget(&r, &p->budget);
		set_overrun(&r, p->on_overrun);
		if (p->quarantine) {
			r.flags |= BPF_POLICY_F_QUARANTINE;
			r.quarantine_after = p->quarantine->after;
			r.quarantine_window_ns = p->quarantine->window.ns;
		}
add:
		ret = add_text(c, p->match.name, &r.match_off);
		ret = ret ? ret : add_rule(c, &r, p->line, "programs", i);
	}
	return ret;
}

/* They take nothing away from other rules. */
static int add_together(struct compile *c)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < c->p->n_together; i++) {
		struct policy_together *t = &c->p->together[i];
		struct bpf_policy_rule r = { .kind = BPF_POLICY_TOGETHER };

		r.prog_type = t->match.prog_type;
		set_share(c, &r, &t->share);
		ret = set_who(c, &r, &t->match, t->line);
		if (ret)
			return ret;
		if (t->match.gone)
			continue;
		ret = add_text(c, t->match.name, &r.match_off);
		ret = ret ? ret : add_rule(c, &r, t->line, t->name, -1);
	}
	return ret;
}

static int add_exempt(struct compile *c)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < c->p->n_exempt; i++) {
		struct policy_exempt *e = &c->p->exempt[i];
		struct bpf_policy_rule r = { .kind = BPF_POLICY_EXEMPT };

		if (e->from & POLICY_FROM_LATENCY)
			r.flags |= BPF_POLICY_F_EXEMPT_ATTACH;
		if (e->from & POLICY_FROM_BUDGET)
			r.flags |= BPF_POLICY_F_EXEMPT_BUDGET;
		r.prog_type = e->match.prog_type;
		r.until = e->until_s;
		ret = set_who(c, &r, &e->match, e->line);
		if (ret)
			return ret;
		if (e->match.gone)
			continue;
		ret = add_text(c, e->match.name, &r.match_off);
		ret = ret ? ret : add_text(c, e->match.comm, &r.comm_off);
		ret = ret ? ret : add_rule(c, &r, e->line, "exempt", i);
	}
	return ret;
}

/* enforce: those that do; else those that watch. */
static int add_policies(struct compile *c, const struct policy_set *set,
			enum policy_mode mode)
{
	bool beside = mode == POLICY_MONITOR &&
		      policy_set_mode(set) == POLICY_ENFORCE;
	int ret = 0;

	for (size_t i = 0; !ret && i < set->n; i++) {
		c->p = set->policies[i];
		if (c->p->mode != mode)
			continue;
		c->soft = mode == POLICY_MONITOR;
		c->beside = beside;
		ret = add_text(c, c->p->path, &c->file_off);
		ret = ret ? ret : rules_add_hooks(c);
		for (u32 k = 0; !ret && k < c->p->n_graphs; k++)
			ret = add_graph(c, k);
		ret = ret ? ret : add_together(c);
		/* beside what enforces, it would take programs away from that */
		if (!ret && !beside)
			ret = add_programs(c);
		if (!ret && !beside)
			ret = add_exempt(c);
	}
	return ret;
}

static void rules_set_name(struct policy_rules *rules,
			   const struct policy_set *set)
{
	size_t len = 0;

	for (size_t i = 0; i < set->n; i++) {
		const char *name = set->policies[i]->name;

		if (set->policies[i]->mode == POLICY_OFF)
			continue;
		if (len + strlen(name) + 2 > sizeof(rules->name))
			break;
		len += sprintf(rules->name + len, "%s%s", len ? "," : "", name);
	}
}

bool policy_needs_graph(const struct policy_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->policies[i]->n_graphs &&
		    set->policies[i]->mode != POLICY_OFF)
			return true;
	return false;
}

int policy_compile(const struct policy_set *set, const struct callgraph *cg,
		   struct policy_rules *rules, struct policy_graphs *graphs,
		   struct fault *f)
{
	struct compile c = { .out = rules, .graphs = graphs, .cg = cg, .f = f };
	u32 nothing;
	int ret;

	*rules = (struct policy_rules){};
	rules->rules = calloc(BPF_POLICY_MAX_RULES + 1, sizeof(*rules->rules));
	graphs->n = BPF_POLICY_MAX_RULES + 1;
	graphs->reach = calloc(graphs->n, sizeof(*graphs->reach));
	ret = rules->rules && graphs->reach ? 0 : oom(&c);
	ret = ret ? ret : add_bytes(&c, "", 1, &nothing);
	ret = ret ? ret : rules_add_defaults(&c, set);
	ret = ret ? ret : add_policies(&c, set, POLICY_ENFORCE);
	ret = ret ? ret : add_policies(&c, set, POLICY_MONITOR);
	rules_set_name(rules, set);
	if (ret) {
		policy_rules_free(rules);
		policy_graphs_free(graphs);
	}
	return ret;
}

void policy_graphs_free(struct policy_graphs *graphs)
{
	for (u32 i = 0; graphs->reach && i < graphs->n; i++)
		reach_free(graphs->reach[i]);
	free(graphs->reach);
	*graphs = (struct policy_graphs){};
}

const struct reach *rule_reach(const struct policy_graphs *graphs, u32 rule)
{
	return graphs && rule < graphs->n ? graphs->reach[rule] : NULL;
}
