// SPDX-License-Identifier: GPL-2.0
/* Where programs are attached, in the spelling of SEC(). Links say where; what is
 * attached without one is found where the kernel can be asked, and named by its type
 * where it cannot.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/finders.h"
#include "progs/hooks.h"
#include "progs/sections.h"

#define VMLINUX_BTF_ID 1

struct hooks {
	struct places places;
	struct btfs *btfs;
	void **given; /* what hooks_of() gave out: lists and texts */
	size_t n_given;
};

static u64 types_of(const struct prog *progs, size_t n)
{
	u64 types = 0;

	for (size_t i = 0; i < n; i++)
		if (progs[i].info.type < 64)
			types |= PROG_TYPE_BIT(progs[i].info.type);
	return types;
}

/* Types of the programs that are at no place yet. */
static u64 types_left(struct places *places, const struct prog *progs, size_t n)
{
	u64 types = 0;

	places_sort(places);
	for (size_t i = 0; i < n; i++) {
		size_t found;

		if (!places_of(places, progs[i].info.id, &found))
			types |= types_of(&progs[i], 1);
	}
	return types;
}

/* bpf_lsm_file_open to file_open: the kernel's functions that stand for hooks. */
static const char *strip(const char *name)
{
	static const char *const prefixes[] = { "bpf_lsm_", "btf_trace_",
						"bpf_iter_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return name;
}

static char *btf_hook(struct btfs *btfs, const struct bpf_prog_info *info,
		      enum bpf_attach_type attach)
{
	const char *at =
		btfs_name(btfs, info->attach_btf_obj_id, info->attach_btf_id);

	return place_text(at ? "%s/%s" : "%s", section_of_attach(attach),
			  strip(at ? at : ""));
}

/* Once it is attached, only its link says what an extension replaces. */
static char *extension_hook(struct btfs *btfs, const struct place *p)
{
	struct bpf_prog_info target = {};
	u32 len = sizeof(target);
	int fd = bpf_prog_get_fd_by_id(p->target_id);
	const char *at = NULL;

	if (fd >= 0 && !bpf_prog_get_info_by_fd(fd, &target, &len))
		at = btfs_name(btfs, target.btf_id, p->target_type);
	if (fd >= 0)
		close(fd);
	return place_text(at ? "freplace/%s" : "freplace", at);
}

static void name_hooks(struct hooks *hooks, const struct bpf_prog_info *info)
{
	size_t n;
	/* ours, but const for all others */
	struct place *p =
		(struct place *)places_of(&hooks->places, info->id, &n);

	for (; n; n--, p++) {
		if (!p->hook && info->type == BPF_PROG_TYPE_EXT)
			p->hook = extension_hook(hooks->btfs, p);
		if (!p->hook)
			p->hook = btf_hook(hooks->btfs, info, p->attach_type);
		/* the same kind of link, but a program with BTF types */
		if (p->hook && info->type == BPF_PROG_TYPE_TRACING &&
		    !strncmp(p->hook, "raw_tp/", 7)) {
			free(p->hook);
			p->hook = btf_hook(hooks->btfs, info, BPF_TRACE_RAW_TP);
		}
	}
}

struct hooks *hooks_load(struct btfs *btfs, const struct prog *progs, size_t n,
			 bool all)
{
	static const u64 probes = PROG_TYPE_BIT(BPF_PROG_TYPE_KPROBE) |
				  PROG_TYPE_BIT(BPF_PROG_TYPE_TRACEPOINT);
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	u64 types = types_of(progs, n);
	struct places *places;

	if (!hooks)
		return NULL;
	hooks->btfs = btfs;
	places = &hooks->places;
	find_links(places);
	find_net(places, types);
	find_cgroups(places, types);
	find_lirc(places, types);
	if (all || types_left(places, progs, n))
		find_maps(places, btfs, types);
	if ((all ? types : types_left(places, progs, n)) & probes)
		find_events(places);
	places_sort(places);
	for (size_t i = 0; i < n; i++)
		name_hooks(hooks, &progs[i].info);
	return hooks;
}

void hooks_free(struct hooks *hooks)
{
	if (!hooks)
		return;
	for (size_t i = 0; i < hooks->n_given; i++)
		free(hooks->given[i]);
	free(hooks->given);
	places_clear(&hooks->places);
	free(hooks);
}

/* Keeps what is given out; frees it and returns NULL if it cannot. */
static void *hooks_give(struct hooks *hooks, void *what)
{
	void **all =
		reallocarray(hooks->given, hooks->n_given + 1, sizeof(*all));

	if (all)
		hooks->given = all;
	if (!all || !what) {
		free(what);
		return NULL;
	}
	return all[hooks->n_given++] = what;
}

static bool is_in(const char *const *list, size_t n, const char *text)
{
	while (n--)
		if (!strcmp(list[n], text))
			return true;
	return false;
}

/* kprobe.multi/(2) to one hook for each function. */
static size_t add_functions(struct hooks *hooks, const struct place *p,
			    const char **list)
{
	int len = strcspn(p->hook, "/");
	size_t n = 0;

	for (u32 i = 0; i < p->n_funcs; i++) {
		const char *hook = hooks_give(
			hooks, place_text("%.*s/%s", len, p->hook,
					  p->funcs[i] ? p->funcs[i] : "?"));

		if (hook)
			list[n++] = hook;
	}
	return n;
}

/* Its map is not registered, or cannot be read. */
static const char *struct_ops_hook(struct hooks *hooks,
				   const struct bpf_prog_info *info)
{
	const char *at = btfs_name(hooks->btfs,
				   info->attach_btf_obj_id ?
					   info->attach_btf_obj_id :
					   VMLINUX_BTF_ID,
				   info->attach_btf_id);

	return hooks_give(hooks,
			  place_text(at ? "struct_ops/%s" : "struct_ops", at));
}

const char *const *hooks_of(struct hooks *hooks,
			    const struct bpf_prog_info *info)
{
	static const char *const none[] = { NULL };
	size_t n_places, room = 2, n = 0;
	const struct place *p = places_of(&hooks->places, info->id, &n_places);
	const char **list;

	for (size_t i = 0; i < n_places; i++)
		room += p[i].n_funcs ? p[i].n_funcs : 1;
	list = hooks_give(hooks, calloc(room, sizeof(*list)));
	if (!list)
		return none;
	for (; n_places; n_places--, p++) {
		if (p->n_funcs && p->hook)
			n += add_functions(hooks, p, list + n);
		else if (p->hook && !is_in(list, n, p->hook))
			list[n++] = p->hook;
	}
	if (!n && info->type == BPF_PROG_TYPE_STRUCT_OPS && info->attach_btf_id)
		list[n++] = struct_ops_hook(hooks, info);
	if (!n)
		list[0] = section_of_linkless(info->type);
	return list;
}

const struct place *hooks_places(const struct hooks *hooks, u32 prog_id,
				 size_t *n)
{
	return places_of(&hooks->places, prog_id, n);
}
