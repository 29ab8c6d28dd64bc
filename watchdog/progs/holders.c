// SPDX-License-Identifier: GPL-2.0
/* What holds a program. /proc/PID/fdinfo names the program of a program's and of a
 * link's descriptor alike, and the map of a map's; a pin is opened to ask the same.
 */
#include <bpf/bpf.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/finders.h"
#include "progs/holders.h"

struct holders {
	struct holder *all;
	size_t n, size;
	const struct hooks *hooks;
	const struct prog *progs;
	size_t n_progs;
};

static void holder_clear(struct holder *h)
{
	free(h->name);
	free(h->cgroup);
}

static void holder_add(struct holders *holders, struct holder h)
{
	struct holder *all = holders->all;

	if (holders->n == holders->size) {
		all = reallocarray(all, 2 * holders->size + 64, sizeof(*all));
		if (!all)
			return;
		holders->all = all;
		holders->size = 2 * holders->size + 64;
	}
	all[holders->n++] = h;
}

static void add_of_map(struct holders *holders, struct holder h)
{
	for (size_t i = 0; i < holders->n_progs; i++) {
		size_t n;
		const struct place *p = hooks_places(
			holders->hooks, holders->progs[i].info.id, &n);

		for (; n; n--, p++) {
			if (p->via != VIA_ENTRY || p->map_id != h.id)
				continue;
			h.prog_id = p->prog_id;
			holder_add(holders, h);
			break;
		}
	}
}

/* What the kernel says of a descriptor, whosever it is. */
static void add_by_fdinfo(struct holders *holders, const char *fdinfo,
			  struct holder h)
{
	h.prog_id = fdinfo_number(fdinfo, "prog_id");
	if (h.prog_id) {
		h.id = fdinfo_number(fdinfo, "link_id");
		h.by = h.id ? BY_LINK : BY_PROGRAM;
		holder_add(holders, h);
		return;
	}
	h.id = fdinfo_number(fdinfo, "map_id");
	h.by = BY_MAP;
	if (h.id)
		add_of_map(holders, h);
}

static void take_fd(u32 pid, u32 fd, const char *fdinfo, void *arg)
{
	(void)fd;
	add_by_fdinfo(arg, fdinfo, (struct holder){ .pid = pid });
}

static void add_events(struct holders *holders)
{
	for (size_t i = 0; i < holders->n_progs; i++) {
		size_t n;
		const struct place *p = hooks_places(
			holders->hooks, holders->progs[i].info.id, &n);

		for (; n; n--, p++)
			if (p->via == VIA_EVENT)
				holder_add(holders,
					   (struct holder){ .prog_id =
								    p->prog_id,
							    .pid = p->pid,
							    .by = BY_EVENT });
	}
}

/* nftw() has no argument of ours. */
static struct holders *walking;

static int take_pin(const char *path, const struct stat *st, int flag,
		    struct FTW *ftw)
{
	char fdinfo[64], buf[2048];
	int fd = flag == FTW_F ? bpf_obj_get(path) : -1;
	size_t len = 0, before = walking->n;
	FILE *f;

	(void)st;
	(void)ftw;
	if (fd < 0)
		return 0;
	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
	f = fopen(fdinfo, "re");
	if (f) {
		len = fread(buf, 1, sizeof(buf) - 1, f);
		fclose(f);
	}
	close(fd);
	buf[len] = '\0';
	add_by_fdinfo(walking, buf, (struct holder){});
	for (; before < walking->n; before++)
		walking->all[before].name = strdup(path);
	return 0;
}

static void walk_pins(const char *where, void *arg)
{
	walking = arg;
	nftw(where, take_pin, 16, FTW_PHYS | FTW_MOUNT);
}

static char *proc_line(u32 pid, const char *file)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	/* of the hierarchies of cgroups the unified one is the last */
	while (getline(&line, &size, f) > 0)
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
	return line;
}

static void name_process(struct holder *h)
{
	char *cgroup = proc_line(h->pid, "cgroup");

	h->name = proc_line(h->pid, "comm");
	if (cgroup && !strncmp(cgroup, "0::", 3))
		h->cgroup = strdup(cgroup + 3);
	free(cgroup);
}

static int holder_compare(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	/* pins behind processes, which are in the order of their ids */
	u32 p = x->pid - 1, q = y->pid - 1;

	if (x->prog_id != y->prog_id)
		return x->prog_id < y->prog_id ? -1 : 1;
	if (p != q)
		return p < q ? -1 : 1;
	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

/* Sorts, and leaves of equal ones the first: descriptors, and pins that two mounts
 * of one file system show.
 */
static void holders_sort(struct holders *holders)
{
	size_t kept = 0;

	if (holders->n)
		qsort(holders->all, holders->n, sizeof(*holders->all),
		      holder_compare);
	for (size_t i = 0; i < holders->n; i++) {
		if (kept && !holder_compare(&holders->all[kept - 1],
					    &holders->all[i])) {
			holder_clear(&holders->all[i]);
			continue;
		}
		holders->all[kept++] = holders->all[i];
	}
	holders->n = kept;
}

struct holders *holders_load(const struct hooks *hooks,
			     const struct prog *progs, size_t n)
{
	struct holders *holders = calloc(1, sizeof(*holders));

	if (!holders)
		return NULL;
	*holders = (struct holders){ .hooks = hooks,
				     .progs = progs,
				     .n_progs = n };
	each_descriptor(take_fd, holders);
	add_events(holders);
	each_mount("bpf", walk_pins, holders);
	holders_sort(holders);
	for (size_t i = 0; i < holders->n; i++)
		if (holders->all[i].pid)
			name_process(&holders->all[i]);
	return holders;
}

void holders_free(struct holders *holders)
{
	if (!holders)
		return;
	for (size_t i = 0; i < holders->n; i++)
		holder_clear(&holders->all[i]);
	free(holders->all);
	free(holders);
}

const struct holder *holders_of(const struct holders *holders, u32 prog_id,
				size_t *n)
{
	size_t low = 0, high = holders->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (holders->all[mid].prog_id < prog_id)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < holders->n; ++*n)
		if (holders->all[low + *n].prog_id != prog_id)
			break;
	return *n ? &holders->all[low] : NULL;
}

/* ---- How they are told ---- */

const char *holder_by_name(enum holder_by by)
{
	static const char *const names[] = { [BY_PROGRAM] = "program",
					     [BY_LINK] = "link",
					     [BY_EVENT] = "perf_event",
					     [BY_MAP] = "map" };

	return names[by];
}

static char *process_text(const struct holder *h, size_t n)
{
	u32 more = 0;

	for (size_t i = 1; i < n && h[i].pid; i++)
		more += h[i].pid != h[i - 1].pid;
	return place_text(more ? "%s[%u] +%u" : "%s[%u]",
			  h->name ? h->name : "?", h->pid, more);
}

char *holders_owner(const struct prog *prog)
{
	const struct place *p = prog->places;

	if (prog->n_holders && prog->holders[0].pid)
		return process_text(prog->holders, prog->n_holders);
	if (prog->n_holders)
		return place_text("%s", prog->holders[0].name ?
						prog->holders[0].name :
						"?");
	for (size_t i = 0; i < prog->n_places; i++)
		if (p[i].via == VIA_ENTRY)
			return place_text("map:%s[%u]",
					  p[i].map ? p[i].map : "",
					  p[i].map_id);
	for (size_t i = 0; i < prog->n_places; i++)
		if (p[i].cgroup)
			return place_text("cgroup:%s", p[i].cgroup);
	return place_text("uid:%u", prog->info.created_by_uid);
}

static json_t *holder_json(const struct holder *h)
{
	json_t *doc = json_pack("{s:s, s:s}", "kind",
				h->pid ? "process" : "pin", "by",
				holder_by_name(h->by));

	if (h->pid) {
		json_object_set_new(doc, "pid", json_integer(h->pid));
		if (h->name)
			json_object_set_new(doc, "comm", json_string(h->name));
		if (h->cgroup)
			json_object_set_new(doc, "cgroup",
					    json_string(h->cgroup));
	} else if (h->name) {
		json_object_set_new(doc, "path", json_string(h->name));
	}
	if (h->id)
		json_object_set_new(doc, h->by == BY_MAP ? "map_id" : "link_id",
				    json_integer(h->id));
	return doc;
}

/* What holds it by being attached: a cgroup, a device, a map and so on. */
static const char *place_kind(const struct place *p)
{
	switch (p->via) {
	case VIA_LINK:
		return "link";
	case VIA_ENTRY:
	case VIA_SOCKMAP:
		return "map";
	case VIA_XDP:
	case VIA_TC:
	case VIA_DEVICE:
		return "device";
	case VIA_FILE:
		return p->cgroup			    ? "cgroup" :
		       p->attach_type == BPF_FLOW_DISSECTOR ? "netns" :
							      "device";
	case VIA_EVENT: /* the process has it */
		break;
	}
	return NULL;
}

static json_t *place_holder(const struct place *p)
{
	const char *kind = place_kind(p);
	json_t *doc = kind ? place_json(p) : NULL;

	if (!doc)
		return NULL;
	/* a cgroup has its path where a pin has it */
	if (p->via != VIA_LINK && p->cgroup)
		json_object_set_new(doc, "path", json_string(p->cgroup));
	json_object_del(doc, "functions");
	json_object_set_new(doc, "kind", json_string(kind));
	return doc;
}

json_t *holders_json(const struct prog *prog)
{
	json_t *all = json_array();

	for (size_t i = 0; i < prog->n_holders; i++)
		json_array_append_new(all, holder_json(&prog->holders[i]));
	for (size_t i = 0; i < prog->n_places; i++) {
		json_t *doc = place_holder(&prog->places[i]);

		if (doc)
			json_array_append_new(all, doc);
	}
	json_array_append_new(all,
			      json_pack("{s:s, s:I}", "kind", "user", "uid",
					(json_int_t)prog->info.created_by_uid));
	return all;
}

char *holders_text(const struct prog *prog)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < prog->n_holders; i++) {
		const struct holder *h = &prog->holders[i];

		if (h->pid)
			fprintf(f, "%s[%u]", h->name ? h->name : "?", h->pid);
		else
			fputs(h->name ? h->name : "?", f);
		fprintf(f, "(%s),", holder_by_name(h->by));
	}
	for (size_t i = 0; i < prog->n_places; i++) {
		const struct place *p = &prog->places[i];
		char *name = place_name(p);

		if (p->via == VIA_LINK)
			fprintf(f, "link:%u,", p->link_id);
		else if (p->map_id)
			fprintf(f, "map:%s[%u],", p->map ? p->map : "",
				p->map_id);
		else if (p->via != VIA_EVENT)
			fprintf(f, "%s,", name ? name : "?");
		free(name);
	}
	fprintf(f, "uid:%u", prog->info.created_by_uid);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
