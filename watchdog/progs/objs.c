// SPDX-License-Identifier: GPL-2.0
/* Programs of object files, loaded and not attached.
 *
 * libbpf loads all programs of an object or none, and ends at the first that the kernel
 * refuses. So what it says is heard: the program that it blames, or the map, is left out, and
 * the object is loaded again, until the rest loads. They are loaded together since they
 * belong together: a table of tail calls that the object fills needs all that are in it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/obj_globals.h"
#include "progs/objs.h"
#include "show/duration.h"

/* What a loader would set, where the object leaves it open: enough for most. */
#define DEFAULT_ENTRIES 1024
#define DEFAULT_RING (256 << 10)
#define DEFAULT_STACK (127 * sizeof(u64))

bool objs_is_file(const char *word)
{
	size_t len = strlen(word);

	return strchr(word, '/') || (len > 2 && !strcmp(word + len - 2, ".o"));
}

/* --- Settings ---------------------------------------------------------------------------- */

static int add_setting(struct obj_setting **list, char *arg, const char *what,
		       struct fault *f)
{
	char *equals = strchr(arg, '=');
	struct obj_setting *s;

	if (!equals || equals == arg || !equals[1])
		return fault_set(f, EXIT_USAGE, EINVAL, "'%s' is not %s", arg,
				 what);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fault_set(f, EXIT_FAILED, ENOMEM, "cannot keep %s", arg);
	*equals = '\0';
	s->name = arg;
	s->value = equals + 1;
	s->next = *list;
	*list = s;
	return 0;
}

int obj_settings_size(struct obj_settings *s, char *arg, struct fault *f)
{
	int ret = add_setting(&s->sizes, arg, "NAME=N", f);
	u64 n;

	if (ret)
		return ret;
	if (number_parse(s->sizes->value, UINT32_MAX, &n) || !n)
		return fault_set(f, EXIT_USAGE, EINVAL,
				 "bad number of entries '%s'", s->sizes->value);
	return 0;
}

int obj_settings_target(struct obj_settings *s, char *arg, struct fault *f)
{
	return add_setting(&s->targets, arg, "PROG=FUNC", f);
}

int obj_settings_global(struct obj_settings *s, char *arg, struct fault *f)
{
	return add_setting(&s->globals, arg, "NAME=VALUE", f);
}

static struct obj_setting *find_setting(struct obj_setting *s, const char *name)
{
	while (s && strcmp(s->name, name))
		s = s->next;
	if (s)
		s->used = true;
	return s;
}

static int all_used(const struct obj_setting *s, const char *what,
		    struct fault *f)
{
	for (; s; s = s->next)
		if (!s->used)
			return fault_set(f, EXIT_USAGE, ENOENT,
					 "no object has a %s '%s'", what,
					 s->name);
	return 0;
}

int obj_settings_used(const struct obj_settings *s, struct fault *f)
{
	int ret = all_used(s->sizes, "map", f);

	ret = ret ? ret : all_used(s->targets, "program", f);
	return ret ? ret : all_used(s->globals, "variable", f);
}

static void free_settings(struct obj_setting *s)
{
	while (s) {
		struct obj_setting *next = s->next;

		free(s);
		s = next;
	}
}

void obj_settings_free(struct obj_settings *s)
{
	free_settings(s->sizes);
	free_settings(s->targets);
	free_settings(s->globals);
}

/* --- What libbpf says -------------------------------------------------------------------- */

/* Of one attempt to open or load. libbpf's callback has no argument. */
static struct heard {
	struct bpf_object *obj;
	char prog[128], map[128]; /* blamed last, or empty */
	char why[512];
	bool from_log;
	bool slot; /* all are loaded, but one that a table of tail calls has */
	int *fds; /* of these, since libbpf is about to close them */
	libbpf_print_fn_t before;
} heard;

/* "prog 'NAME': rest": the rest, and the name in buf. */
static const char *about(const char *text, const char *what, char *buf,
			 size_t size)
{
	size_t len = strlen(what);
	const char *end;

	if (strncmp(text, what, len) || text[len] != '\'')
		return NULL;
	text += len + 1;
	end = strstr(text, "': ");
	if (!end || (size_t)(end - text) >= size)
		return NULL;
	snprintf(buf, size, "%.*s", (int)(end - text), text);
	return end + 3;
}

/*
 * The verifier's last word, which stands before its statistics. Newer kernels explain it at
 * length behind it, and that alone says it if an instruction is all that stands there.
 */
static void hear_log(const char *log)
{
	static const char explained[] = "Verification failed: ";
	const char *line, *end, *last = NULL;

	for (line = strchr(log, '\n'); line && *++line; line = end) {
		end = strchr(line, '\n');
		if (!end || !strncmp(line, "processed ", 10) ||
		    !strncmp(line, "-- END PROG", 11))
			break;
		if (!strncmp(line, explained, strlen(explained))) {
			if (!last || isdigit(*last))
				last = line + strlen(explained);
			break;
		}
		if (end > line)
			last = line;
	}
	if (!last)
		return;
	snprintf(heard.why, sizeof(heard.why), "%.*s", (int)strcspn(last, "\n"),
		 last);
	heard.from_log = true;
}

static void keep_fds(void)
{
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program(prog, heard.obj)
		n++;
	heard.fds = calloc(n, sizeof(*heard.fds));
	n = 0;
	if (!heard.fds)
		return;
	heard.slot = true;
	bpf_object__for_each_program(prog, heard.obj)
		heard.fds[n++] = bpf_program__autoload(prog) ?
					 dup(bpf_program__fd(prog)) :
					 -1;
}

static void hear_text(const char *text)
{
	char name[sizeof(heard.prog)];
	const char *rest;

	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	if (!strncmp(text, "failed to load ", 15))
		return;
	if ((rest = about(text, "prog ", name, sizeof(name)))) {
		bool again = !strcmp(heard.prog, name);

		strcpy(heard.prog, name);
		if (!strncmp(rest, "-- BEGIN PROG", 13))
			hear_log(rest);
		else if (!again) /* the first word of it tells most */
			snprintf(heard.why, sizeof(heard.why), "%s", rest);
		return;
	}
	if ((rest = about(text, "map ", name, sizeof(name)))) {
		if (!strncmp(rest, "failed to initialize slot", 25) &&
		    strstr(rest, "to prog '"))
			keep_fds();
		strcpy(heard.map, name);
	}
	if (!heard.from_log)
		snprintf(heard.why, sizeof(heard.why), "%s", text);
}

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	va_list again;
	char *text;

	va_copy(again, ap);
	if (level == LIBBPF_WARN && vasprintf(&text, fmt, again) >= 0) {
		size_t len = strlen(text);

		while (len && text[len - 1] == '\n')
			text[--len] = '\0';
		hear_text(text);
		free(text);
	}
	va_end(again);
	return heard.before ? heard.before(level, fmt, ap) : 0;
}

static void hear_begin(struct bpf_object *obj)
{
	free(heard.fds);
	heard = (struct heard){ .obj = obj };
	heard.before = libbpf_set_print(hear);
}

static void hear_end(void)
{
	libbpf_set_print(heard.before);
}

/* --- Loading ----------------------------------------------------------------------------- */

struct load {
	struct ctx *ctx;
	const char *path, *base;
	struct obj_settings *settings;
	char **why; /* of each program: why it does not load, or NULL */
	int *err;
	size_t n;
	struct map_out {
		char *name, *why;
	} *maps; /* that the kernel refuses */
	size_t n_maps;
	bool noted; /* sizes that are a guess */
};

static struct bpf_object *open_object(struct load *l)
{
	struct fault *f = &l->ctx->fault;
	struct bpf_object *obj;

	hear_begin(NULL);
	obj = bpf_object__open_file(l->path, NULL);
	hear_end();
	if (obj)
		return obj;
	if (access(l->path, R_OK)) {
		fault_set(f, EXIT_FAILED, errno, "cannot read %s", l->path);
		return NULL;
	}
	/* libbpf has any errno for what it does not like in it */
	fault_set(f, EXIT_FAILED, ENOEXEC, "cannot read %s", l->path);
	fault_why(
		f,
		"it is no BPF object, or one that this libbpf does not know%s%s",
		heard.why[0] ? ": " : "", heard.why);
	fault_hint(f, "bpfwd --debug ... shows what libbpf says");
	return NULL;
}

static bool wanted(const struct bpf_program *prog, const struct obj_settings *s)
{
	return !s->only || !fnmatch(s->only, bpf_program__name(prog), 0);
}

/* Types whose number of entries is that of something else, and those that have none. */
static bool has_size(enum bpf_map_type type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_CGRP_STORAGE:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return false;
	default:
		return true;
	}
}

static void set_map(struct load *l, struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);
	const char *name = bpf_map__name(map);
	struct obj_setting *size = find_setting(l->settings->sizes, name);
	bool ring = type == BPF_MAP_TYPE_RINGBUF ||
		    type == BPF_MAP_TYPE_USER_RINGBUF;
	u64 n = ring ? DEFAULT_RING : DEFAULT_ENTRIES;

	/* what is pinned under its name belongs to somebody */
	bpf_map__set_pin_path(map, NULL);
	if (size) {
		number_parse(size->value, UINT32_MAX, &n);
		bpf_map__set_max_entries(map, n);
	} else if (!bpf_map__max_entries(map) && has_size(type)) {
		bpf_map__set_max_entries(map, n);
		if (!l->noted)
			note(l->ctx,
			     "%s: the loader sets the size of map %s; taken as "
			     "%llu (--map-size %s=N)",
			     l->base, name, (unsigned long long)n, name);
	}
	if (type == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
		bpf_map__set_value_size(map, DEFAULT_STACK);
	for (size_t i = 0; i < l->n_maps; i++)
		if (!strcmp(l->maps[i].name, name))
			bpf_map__set_autocreate(map, false);
}

static int set_globals(struct load *l, struct bpf_object *obj)
{
	int ret = 0;

	for (struct obj_setting *g = l->settings->globals; !ret && g;
	     g = g->next)
		ret = obj_globals_set(obj, g->name, g->value, &g->used,
				      &l->ctx->fault);
	return ret;
}

/* A target that the kernel lacks: the program is refused. */
static void set_prog(struct load *l, struct bpf_program *prog, size_t i)
{
	const char *name = bpf_program__name(prog);
	struct obj_setting *target = find_setting(l->settings->targets, name);
	int err;

	bpf_program__set_autoload(prog,
				  wanted(prog, l->settings) && !l->why[i]);
	if (!target || !bpf_program__autoload(prog))
		return;
	err = bpf_program__set_attach_target(prog, 0, target->value);
	if (!err)
		return;
	l->err[i] = err;
	if (asprintf(&l->why[i], "the kernel has no '%s' to attach to",
		     target->value) < 0)
		l->why[i] = NULL;
	bpf_program__set_autoload(prog, false);
}

/* A program's own word, but why its map is not there if that is its fault. */
static const char *heard_why(const struct load *l, int err)
{
	if (!heard.why[0])
		return strerror(-err);
	if (strstr(heard.why, "bpf_program__set_attach_target"))
		return "its loader says what it attaches to (--target PROG=FUNC)";
	for (size_t i = 0; i < l->n_maps; i++)
		if (strstr(heard.why, l->maps[i].name) &&
		    strstr(heard.why, "wasn't created"))
			return l->maps[i].why;
	return heard.why;
}

/* Leaves out what libbpf blames. False: there is no memory for that. */
static bool leave_out(struct load *l, struct bpf_object *obj, int err)
{
	const char *why = heard_why(l, err);
	struct bpf_program *prog;
	struct bpf_map *map;
	bool found = false;
	size_t i = 0;

	bpf_object__for_each_program(prog, obj) {
		if (!l->why[i] && heard.prog[0] &&
		    !strcmp(bpf_program__name(prog), heard.prog)) {
			found = true;
			l->err[i] = err;
			l->why[i] = strdup(why);
			if (!l->why[i])
				return false;
		}
		i++;
	}
	map = !found && heard.map[0] ?
		      bpf_object__find_map_by_name(obj, heard.map) :
		      NULL;
	if (map && bpf_map__autocreate(map)) {
		struct map_out *all =
			reallocarray(l->maps, l->n_maps + 1, sizeof(*all));

		if (!all)
			return false;
		l->maps = all;
		all += l->n_maps++;
		*all = (struct map_out){ strdup(heard.map), strdup(why) };
		return all->name && all->why;
	}
	/* it is the object's fault: an extern, BTF */
	for (i = 0; !found && i < l->n; i++) {
		if (l->why[i])
			continue;
		l->err[i] = err;
		l->why[i] = strdup(why);
		if (!l->why[i])
			return false;
	}
	return true;
}

/* One attempt; 0 if all that is left has loaded, heard.fds has those then if libbpf has not. */
static int load_once(struct load *l, struct bpf_object **obj)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	bool left = false;
	size_t i = 0;
	int err;

	*obj = open_object(l);
	if (!*obj)
		return l->ctx->fault.exit;
	bpf_object__for_each_map(map, *obj)
		set_map(l, map);
	l->noted = true;
	err = set_globals(l, *obj);
	if (err)
		return err;
	bpf_object__for_each_program(prog, *obj) {
		set_prog(l, prog, i++);
		left |= bpf_program__autoload(prog);
	}
	hear_begin(*obj);
	if (!left) {
		hear_end();
		return 0;
	}
	err = bpf_object__load(*obj);
	hear_end();
	if (!err || heard.slot)
		return 0;
	if (!leave_out(l, *obj, err))
		return fault_set(&l->ctx->fault, EXIT_FAILED, ENOMEM,
				 "cannot load %s", l->path);
	bpf_object__close(*obj);
	*obj = NULL;
	return 0;
}

static int count_programs(struct load *l)
{
	struct bpf_object *obj = open_object(l);
	struct bpf_program *prog;

	if (!obj)
		return l->ctx->fault.exit;
	bpf_object__for_each_program(prog, obj)
		l->n++;
	bpf_object__close(obj);
	l->why = calloc(l->n + 1, sizeof(*l->why));
	l->err = calloc(l->n + 1, sizeof(*l->err));
	return l->why && l->err ? 0 :
				  fault_set(&l->ctx->fault, EXIT_FAILED, ENOMEM,
					    "cannot load %s", l->path);
}

int objs_each(struct ctx *ctx, const char *path, struct obj_settings *s,
	      int (*fn)(void *arg, const struct obj_prog *prog), void *arg)
{
	const char *slash = strrchr(path, '/');
	struct load l = { .ctx = ctx,
			  .path = path,
			  .base = slash ? slash + 1 : path,
			  .settings = s };
	struct bpf_object *obj = NULL;
	struct bpf_program *prog;
	size_t i = 0;
	int ret = count_programs(&l);

	while (!ret && !obj)
		ret = load_once(&l, &obj);
	if (!ret) {
		bpf_object__for_each_program(prog, obj) {
			struct obj_prog p = {
				.object = l.base,
				.name = bpf_program__name(prog),
				.section = bpf_program__section_name(prog),
				.fd = l.err[i]	 ? l.err[i] :
				      heard.slot ? heard.fds[i] :
						   bpf_program__fd(prog),
				.why = l.why[i],
				.whole = !heard.slot,
			};

			i++;
			if (!ret && wanted(prog, s))
				ret = fn(arg, &p);
			if (heard.slot && p.fd >= 0)
				close(p.fd);
		}
	}
	bpf_object__close(obj);
	for (i = 0; i < l.n; i++)
		free(l.why ? l.why[i] : NULL);
	for (i = 0; i < l.n_maps; i++) {
		free(l.maps[i].name);
		free(l.maps[i].why);
	}
	free(l.why);
	free(l.err);
	free(l.maps);
	return ret;
}
