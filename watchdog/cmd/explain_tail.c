// SPDX-License-Identifier: GPL-2.0
/* What the tail calls of a program can reach: the bound with that, and the programs in its
 * arrays, each with its own. Which of them make the longest chain follows from these.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/explain_tail.h"
#include "kernel/kwd.h"
#include "show/duration.h"

#define MAPS_MAX 64
#define TARGETS_MAX 256 /* that are kept of all arrays */
#define SHOWN_MAX 16

struct target {
	char map[BPF_OBJ_NAME_LEN];
	u32 map_id, key; /* the first one */
	u32 entries;
	u32 id;
	struct bpf_prog_info info;
};

struct targets {
	struct target *all;
	size_t n;
	bool more;
	u64 max_ns; /* the longest of them */
};

/* With what it reaches itself. */
static u64 target_ns(const struct target *t)
{
	return t->info.estimate_reason == BPF_ESTIMATE_TAIL_CALL ?
		       t->info.estimate_tail_ns :
		       t->info.estimate_worst_ns;
}

static void targets_add(struct targets *ts, const struct bpf_map_info *map,
			u32 key, u32 id)
{
	u32 len = sizeof(ts->all[0].info);
	struct target *t;
	int fd;

	for (size_t i = 0; i < ts->n; i++) {
		t = &ts->all[i];
		if (t->map_id == map->id && t->id == id) {
			t->entries++;
			return;
		}
	}
	if (ts->n == TARGETS_MAX) {
		ts->more = true;
		return;
	}
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0) /* gone meanwhile */
		return;
	t = &ts->all[ts->n];
	*t = (struct target){
		.map_id = map->id, .key = key, .entries = 1, .id = id
	};
	memcpy(t->map, map->name, sizeof(t->map));
	if (!bpf_prog_get_info_by_fd(fd, &t->info, &len)) {
		ts->n++;
		if (target_ns(t) > ts->max_ns)
			ts->max_ns = target_ns(t);
	}
	close(fd);
}

static void targets_of_map(struct targets *ts, u32 map_id)
{
	struct bpf_map_info map = {};
	u32 len = sizeof(map);
	int fd = bpf_map_get_fd_by_id(map_id);

	if (fd < 0)
		return;
	if (!bpf_map_get_info_by_fd(fd, &map, &len) &&
	    map.type == BPF_MAP_TYPE_PROG_ARRAY) {
		for (u32 key = 0; key < map.max_entries; key++) {
			u32 id;

			if (!bpf_map_lookup_elem(fd, &key, &id) && id)
				targets_add(ts, &map, key, id);
		}
	}
	close(fd);
}

static bool targets_load(struct targets *ts, int prog_fd,
			 const struct estimate *e)
{
	struct bpf_prog_info info = {};
	u32 maps[MAPS_MAX], len = sizeof(info);

	*ts = (struct targets){};
	if (e->info.estimate_reason != BPF_ESTIMATE_TAIL_CALL ||
	    !kwd_tail_known(e->info_len))
		return false;
	ts->all = calloc(TARGETS_MAX, sizeof(*ts->all));
	info.nr_map_ids = MAPS_MAX;
	info.map_ids = (uintptr_t)maps;
	if (!ts->all || bpf_prog_get_info_by_fd(prog_fd, &info, &len))
		return true;
	for (u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		targets_of_map(ts, maps[i]);
	return true;
}

void explain_tail_text(FILE *to, int prog_fd, const struct estimate *e)
{
	char a[DURATION_LEN];
	struct targets ts;

	if (!targets_load(&ts, prog_fd, e))
		return;
	fprintf(to, "  with its tail calls %s, as its arrays are now%s\n",
		duration_bound(e->info.estimate_tail_ns, a),
		ts.n ? ":" : ": empty");
	for (size_t i = 0; i < ts.n && i < SHOWN_MAX; i++) {
		const struct target *t = &ts.all[i];

		fprintf(to, "  %9s%c  %s[%u]", duration_bound(target_ns(t), a),
			target_ns(t) == ts.max_ns ? '*' : ' ', t->map, t->key);
		if (t->entries > 1)
			fprintf(to, " and %u more", t->entries - 1);
		fprintf(to, ": %u %s\n", t->id, t->info.name);
	}
	if (ts.n > SHOWN_MAX || ts.more)
		fprintf(to, "  %9s   %zu%s more\n", "", ts.n - SHOWN_MAX,
			ts.more ? " or" : "");
	free(ts.all);
}

static json_t *ns_or_null(u64 ns)
{
	return ns == UINT64_MAX ? json_null() : json_integer(ns);
}

void explain_tail_json(json_t *p, int prog_fd, const struct estimate *e)
{
	json_t *all = json_array();
	struct targets ts;

	if (targets_load(&ts, prog_fd, e)) {
		json_object_set_new(p, "tail_ns",
				    ns_or_null(e->info.estimate_tail_ns));
		for (size_t i = 0; i < ts.n; i++) {
			const struct target *t = &ts.all[i];

			json_array_append_new(
				all,
				json_pack("{s:s, s:i, s:i, s:i, s:s, s:o}",
					  "map", t->map, "key", t->key,
					  "entries", t->entries, "id", t->id,
					  "name", t->info.name, "worst_ns",
					  ns_or_null(target_ns(t))));
		}
		json_object_set(p, "tail_calls", all);
	}
	json_decref(all);
	free(ts.all);
}
