// SPDX-License-Identifier: GPL-2.0
/*
 * One object of the corpus, in a process of its own: loads its programs, all
 * together or, if one of them is to be refused, one by one; reads the classes of
 * their calls from the verifier log; ends them.
 */
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <sys/mman.h>
#include "corpus/corpus.h"

#define LOG_SIZE (16 << 20)

struct object {
	const struct corpus_opts *opts;
	struct corpus_object *result;
	char **logs; /* by number of the program */
};

/* --- What the verifier logs about calls -------------------------------------------------------- */

static void count_call(struct corpus_object *res, const char *target,
		       const char *class, const char *prog)
{
	struct corpus_call *c;
	__u32 i;

	/* those of a program follow each other */
	for (i = res->nr_calls; i-- > 0;) {
		c = &res->calls[i];
		if (strcmp(c->program, prog))
			break;
		if (!strcmp(c->target, target) && !strcmp(c->class, class)) {
			c->sites++;
			return;
		}
	}
	REQUIRE(res->nr_calls < CORPUS_MAX_CALLS, "more than %d calls",
		CORPUS_MAX_CALLS);
	c = &res->calls[res->nr_calls++];
	snprintf(c->target, sizeof(c->target), "%s", target);
	snprintf(c->class, sizeof(c->class), "%s", class);
	snprintf(c->program, sizeof(c->program), "%s", prog);
	c->sites = 1;
}

static void read_classes(struct corpus_object *res, struct corpus_prog *row,
			 char *log)
{
	char target[64], class[8], *line, *save = NULL;
	unsigned int calls;
	int overrun;

	for (line = strtok_r(log, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/* The symbol of a module comes with its name: "f [module]". */
		if (sscanf(line, "call_class %*u insn %*u %63s [%*[^]]] %7s",
			   target, class) == 2 ||
		    sscanf(line, "call_class %*u insn %*u %63s %7s", target,
			   class) == 2) {
			/* the number of instructions to a function of the program */
			if (!strncmp(target, "pc", 2))
				strcpy(target, "pc");
			count_call(res, target, class, row->name);
		} else if (sscanf(line,
				  "call_prog calls %u cuts %*u overrun %d",
				  &calls, &overrun) == 2) {
			row->calls = calls;
			row->may_loop = overrun;
		}
	}
}

/* --- Loading ----------------------------------------------------------------------------------- */

static struct bpf_object *open_object(const char *path)
{
	/* Names that do not collide with those of the machine. */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "corpus",
		    .pin_root_path = "/sys/fs/bpf/corpus");

	return bpf_object__open_file(path, &opts);
}

static void choose(struct object *o, struct bpf_object *obj, int only)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int i = 0;

	bpf_object__for_each_program(prog, obj) {
		bool wanted = only < 0 || i == only;

		bpf_program__set_autoload(prog, wanted);
		if (wanted && i < CORPUS_MAX_PROGS) {
			bpf_program__set_log_level(prog, 4);
			bpf_program__set_log_buf(prog, o->logs[i], LOG_SIZE);
		}
		i++;
	}
	/* Attaching is what is not wanted, nor what only that needs. */
	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autoattach(map, false);
		bpf_map__set_pin_path(map, NULL);
	}
}

static void do_program(struct object *o, const char *path,
		       struct bpf_object *obj, struct bpf_program *prog,
		       struct corpus_prog *row)
{
	if (o->opts->bounds)
		corpus_bounds(o->opts, basename(path), obj, prog, row);
	else if (o->opts->kills)
		corpus_kill(o->opts, obj, prog, row);
}

/* All programs, or only one: 0 or -errno. */
static int try_load(struct object *o, const char *path, int only)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *prog;
	struct corpus_prog *row = o->result->progs;
	int err, i = 0;

	if (!obj)
		return -errno;
	choose(o, obj, only);
	err = bpf_object__load(obj);
	if (err)
		goto out;
	/* All facts first: a kill may end the process. */
	bpf_object__for_each_program(prog, obj) {
		if (bpf_program__fd(prog) >= 0 && i < CORPUS_MAX_PROGS) {
			row[i].loaded = true;
			row[i].terminable =
				prog_info(bpf_program__fd(prog)).terminable;
			read_classes(o->result, &row[i], o->logs[i]);
		}
		i++;
	}
	i = 0;
	bpf_object__for_each_program(prog, obj) {
		if (bpf_program__fd(prog) >= 0 && i < CORPUS_MAX_PROGS)
			do_program(o, path, obj, prog, &row[i]);
		i++;
	}
out:
	bpf_object__close(obj);
	return err;
}

/* The names; false if the object cannot be opened. */
static bool list_programs(struct corpus_object *result, const char *path)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *prog;

	if (!obj)
		return false;
	bpf_object__for_each_program(prog, obj) {
		struct corpus_prog *row = &result->progs[result->nr_progs];

		if (result->nr_progs == CORPUS_MAX_PROGS)
			break;
		snprintf(row->name, sizeof(row->name), "%s",
			 bpf_program__name(prog));
		row->type = bpf_program__type(prog);
		row->may_loop = -1;
		result->nr_progs++;
	}
	bpf_object__close(obj);
	return true;
}

void corpus_count_runs(void)
{
	static int stats = -1;

	if (stats < 0)
		stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	REQUIRE(stats >= 0, "run statistics: %m");
}

void corpus_do_object(const struct corpus_opts *opts, const char *path,
		      struct corpus_object *result)
{
	struct object o = { opts, result };
	struct health before = health();
	__u32 i;

	if (!list_programs(result, path))
		return;
	result->opened = true;
	o.logs = calloc(result->nr_progs + 1, sizeof(*o.logs));
	REQUIRE(o.logs, "no memory");
	for (i = 0; i < result->nr_progs; i++) {
		o.logs[i] = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				 -1, 0);
		REQUIRE(o.logs[i] != MAP_FAILED, "mmap: %m");
	}
	if (try_load(&o, path, -1))
		for (i = 0; i < result->nr_progs && result->nr_progs > 1; i++)
			try_load(&o, path, i);
	check_health(&before, true);
}
