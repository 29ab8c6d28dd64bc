/* SPDX-License-Identifier: GPL-2.0 */
/* What holds a program, so that it stays loaded: processes and pins, by the program
 * itself, its links, its perf events and the maps that have it as an entry.
 */
#ifndef BPFWD_HOLDERS_H
#define BPFWD_HOLDERS_H

#include "progs/hooks.h"

enum holder_by { BY_PROGRAM, BY_LINK, BY_EVENT, BY_MAP };

struct holder {
	u32 prog_id;
	u32 pid; /* 0: it is a pin */
	char *name; /* the command of the process, the path of the pin */
	char *cgroup; /* of the process */
	enum holder_by by;
	u32 id; /* of the link or map, 0: the program itself */
};

struct holders;

struct holders *holders_load(const struct hooks *hooks,
			     const struct prog *progs, size_t n);
void holders_free(struct holders *holders);
/* Those of a program, *n of them: processes, then pins. */
const struct holder *holders_of(const struct holders *holders, u32 prog_id,
				size_t *n);

/* The most telling one: "comm[pid]", with " +N" for N further processes, a path, the
 * map, the cgroup, the user. To be freed.
 */
char *holders_owner(const struct prog *prog);
/* All of them: {kind, ...}, and each in words, separated by commas. */
#define HOLDER_KEYS                                                     \
	"kind:s by?:s pid?:i comm?:s path?:s cgroup?:s via?:s hook?:s " \
	"device?:s netns?:s link_id?:i link_type?:s map_id?:i map?:s uid?:i"
json_t *holders_json(const struct prog *prog);
char *holders_text(const struct prog *prog);
/* "link", "map": what of the program it is that is held */
const char *holder_by_name(enum holder_by by);

#endif
