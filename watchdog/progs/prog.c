// SPDX-License-Identifier: GPL-2.0
/* Loaded programs: selecting them, and what is known of each. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernel/kwd.h"
#include "progs/holders.h"
#include "progs/hooks.h"
#include "progs/prog.h"
#include "progs/run_times.h"
#include "show/duration.h"

enum sel_kind { SEL_ID, SEL_NAME, SEL_TAG, SEL_PINNED };

struct prog_sel {
	struct prog_sel *next;
	enum sel_kind kind;
	u32 id;
	const char *text;
};

struct progs {
	struct prog *progs;
	size_t n, size;
	struct hooks *hooks;
	struct holders *holders;
	struct btfs *btfs;
};

static const struct {
	const char *word;
	enum sel_kind kind;
} sel_words[] = {
	{ "id", SEL_ID },
	{ "name", SEL_NAME },
	{ "tag", SEL_TAG },
	{ "pinned", SEL_PINNED },
};

static int parse_id(const char *text, u32 *id, struct fault *f)
{
	u64 n;
	int err = number_parse(text, UINT32_MAX, &n);

	if (err || !n) {
		fault_set(f, EXIT_USAGE, err ? err : ERANGE,
			  "bad program id '%s'", text);
		return fault_hint(f, "bpfwd ps lists ids, names and tags");
	}
	*id = n;
	return 0;
}

static int check_tag(const char *text, struct fault *f)
{
	if (strlen(text) == 2 * BPF_TAG_SIZE &&
	    strspn(text, "0123456789abcdefABCDEF") == 2 * BPF_TAG_SIZE)
		return 0;
	fault_set(f, EXIT_USAGE, EINVAL, "bad program tag '%s'", text);
	return fault_why(f, "a tag has 16 hexadecimal digits");
}

static int pinned_id(const char *path, u32 *id, struct fault *f)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);
	int fd = bpf_obj_get(path), err = fd < 0 ? fd : 0;

	if (!err)
		err = bpf_prog_get_info_by_fd(fd, &info, &len);
	if (fd >= 0)
		close(fd);
	if (!err && info.type == BPF_PROG_TYPE_UNSPEC)
		err = -EINVAL;
	*id = info.id;
	if (!err)
		return 0;
	return fault_set(
		f, err == -EPERM || err == -EACCES ? EXIT_LACKS : EXIT_NO_PROG,
		err, "no pinned program at %s", path);
}

/* One PROG from the front of argv: returns 0 with used 0 if there is none. */
static int parse_one(struct prog_sel *sel, int argc, char **argv, int *used,
		     struct fault *f)
{
	size_t i;

	*used = 0;
	if (!argc)
		return 0;
	if (isdigit((unsigned char)argv[0][0]) &&
	    !argv[0][strspn(argv[0], "0123456789")]) {
		*used = 1;
		sel->kind = SEL_ID;
		return parse_id(argv[0], &sel->id, f);
	}
	for (i = 0; i < ARRAY_SIZE(sel_words); i++)
		if (!strcmp(argv[0], sel_words[i].word))
			break;
	if (i == ARRAY_SIZE(sel_words)) {
		/* a word that cannot be an interval is a name */
		if (isdigit((unsigned char)argv[0][0]) || !argv[0][0])
			return 0;
		*used = 1;
		sel->kind = SEL_NAME;
		sel->text = argv[0];
		return 0;
	}
	if (argc < 2) {
		fault_set(f, EXIT_USAGE, 0, "'%s' of which program?", argv[0]);
		return fault_why(f,
				 "PROG is: id N, name N, tag T, pinned PATH, "
				 "a number or a word");
	}
	*used = 2;
	sel->kind = sel_words[i].kind;
	sel->text = argv[1];
	switch (sel->kind) {
	case SEL_ID:
		return parse_id(argv[1], &sel->id, f);
	case SEL_TAG:
		return check_tag(argv[1], f);
	case SEL_PINNED:
		return pinned_id(argv[1], &sel->id, f);
	case SEL_NAME:
		break;
	}
	return 0;
}

int prog_sel_parse(struct prog_sel **sel, int argc, char **argv, int *used,
		   struct fault *f)
{
	struct prog_sel **end = sel;
	int words, ret;

	*sel = NULL;
	*used = 0;
	for (;;) {
		struct prog_sel one = {};

		ret = parse_one(&one, argc - *used, argv + *used, &words, f);
		if (ret || !words)
			break;
		*end = malloc(sizeof(one));
		if (!*end) {
			ret = fault_set(f, EXIT_FAILED, ENOMEM,
					"cannot keep a program");
			break;
		}
		**end = one;
		end = &(*end)->next;
		*used += words;
	}
	if (ret) {
		prog_sel_free(*sel);
		*sel = NULL;
	}
	return ret;
}

void prog_sel_free(struct prog_sel *sel)
{
	while (sel) {
		struct prog_sel *next = sel->next;

		free(sel);
		sel = next;
	}
}

static bool sel_matches(const struct prog_sel *sel, const struct prog *p)
{
	switch (sel->kind) {
	case SEL_ID:
	case SEL_PINNED:
		return p->info.id == sel->id;
	case SEL_NAME:
		return !strcmp(p->name, sel->text) ||
		       !strcmp(p->info.name, sel->text);
	case SEL_TAG:
		return !strcasecmp(p->tag, sel->text);
	}
	return false;
}

static bool sel_any(const struct prog_sel *sel, const struct prog *p)
{
	if (!sel)
		return true;
	for (; sel; sel = sel->next)
		if (sel_matches(sel, p))
			return true;
	return false;
}

static const char *sel_text(const struct prog_sel *sel, char buf[128])
{
	if (sel->kind == SEL_ID)
		snprintf(buf, 128, "id %u", sel->id);
	else
		snprintf(buf, 128, "%s %s", sel_words[sel->kind].word,
			 sel->text);
	return buf;
}

/* The BTF type of the function at instruction 0, 0 if there is none. The first
 * func_info record need not be it.
 */
static u32 main_func_type(int fd, const struct bpf_prog_info *known)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info), size = known->func_info_rec_size, type = 0;
	char *records;

	if (!known->nr_func_info || size < sizeof(struct bpf_func_info))
		return 0;
	records = calloc(known->nr_func_info, size);
	if (!records)
		return 0;
	info.nr_func_info = known->nr_func_info;
	info.func_info_rec_size = size;
	info.func_info = (uintptr_t)records;
	if (!bpf_prog_get_info_by_fd(fd, &info, &len)) {
		for (u32 i = 0; i < info.nr_func_info; i++) {
			struct bpf_func_info *func =
				(void *)(records + (size_t)i * size);

			if (func->insn_off == 0)
				type = func->type_id;
		}
	}
	free(records);
	return type;
}

static int prog_fill(struct progs *progs, struct prog *p, int fd)
{
	const char *type, *name = NULL;
	int err;

	p->info_len = sizeof(p->info);
	err = bpf_prog_get_info_by_fd(fd, &p->info, &p->info_len);
	if (err)
		return err;
	for (size_t i = 0; i < BPF_TAG_SIZE; i++)
		sprintf(p->tag + 2 * i, "%02x", p->info.tag[i]);

	type = libbpf_bpf_prog_type_str(p->info.type);
	if (type)
		snprintf(p->type, sizeof(p->type), "%s", type);
	else
		snprintf(p->type, sizeof(p->type), "type%u", p->info.type);

	/* a name that fills the kernel's field may be a cut one */
	if (strlen(p->info.name) == BPF_OBJ_NAME_LEN - 1) {
		name = btfs_name(progs->btfs, p->info.btf_id,
				 main_func_type(fd, &p->info));
		if (name && strncmp(name, p->info.name, BPF_OBJ_NAME_LEN - 1))
			name = NULL;
		p->name_cut = !name;
	}
	p->name = strdup(name ? name : p->info.name);
	return p->name ? 0 : -ENOMEM;
}

static void prog_clear(struct prog *p)
{
	free(p->name);
	free(p->owner);
	free(p->times);
}

static int prog_add(struct progs *progs, const struct prog_sel *sel, u32 id,
		    int what)
{
	struct prog p = {}, *all;
	int fd = bpf_prog_get_fd_by_id(id), err = fd < 0 ? fd : 0;

	if (!err)
		err = prog_fill(progs, &p, fd);
	if (!err && (what & PROGS_TIMES) && kwd_run_times_known(p.info_len) &&
	    p.info.sampled_runs)
		p.times = run_times_read(fd, &p.n_times);
	if (fd >= 0)
		close(fd);
	if (err || !sel_any(sel, &p))
		goto out;
	err = -ENOMEM;
	if (progs->n == progs->size) {
		all = reallocarray(progs->progs, 2 * progs->size + 16,
				   sizeof(p));
		if (!all)
			goto out;
		progs->progs = all;
		progs->size = 2 * progs->size + 16;
	}
	progs->progs[progs->n++] = p;
	return 0;
out:
	prog_clear(&p);
	/* gone between listing and opening: then it is not loaded now */
	return err == -ENOENT ? 0 : err;
}

static void attach_details(struct progs *progs, int what)
{
	static const char *const nothing[] = { NULL };
	bool all = what & PROGS_HOLDERS;

	if (what & (PROGS_HOOKS | PROGS_HOLDERS))
		progs->hooks =
			hooks_load(progs->btfs, progs->progs, progs->n, all);
	if (all && progs->hooks)
		progs->holders =
			holders_load(progs->hooks, progs->progs, progs->n);
	for (size_t i = 0; i < progs->n; i++) {
		struct prog *p = &progs->progs[i];

		p->hooks = nothing;
		if (!progs->hooks)
			continue;
		p->hooks = hooks_of(progs->hooks, &p->info);
		p->places =
			hooks_places(progs->hooks, p->info.id, &p->n_places);
		if (!progs->holders)
			continue;
		p->holders =
			holders_of(progs->holders, p->info.id, &p->n_holders);
		p->owner = holders_owner(p);
	}
}

static int missing(const struct progs *progs, const struct prog_sel *sel,
		   struct fault *f)
{
	char buf[128];

	for (; sel; sel = sel->next) {
		size_t i = 0;

		while (i < progs->n && !sel_matches(sel, &progs->progs[i]))
			i++;
		if (i < progs->n)
			continue;
		fault_set(f, EXIT_NO_PROG, ENOENT, "no program with %s",
			  sel_text(sel, buf));
		return fault_hint(f, "bpfwd ps lists the loaded programs");
	}
	return 0;
}

int progs_load(struct progs **out, const struct prog_sel *sel, int what,
	       struct fault *f)
{
	struct progs *progs = calloc(1, sizeof(*progs));
	u32 id = 0;
	int err = -ENOMEM;

	*out = NULL;
	if (!progs)
		goto fail;
	progs->btfs = btfs_new();
	if (!progs->btfs)
		goto fail;
	while (!(err = bpf_prog_get_next_id(id, &id))) {
		err = prog_add(progs, sel, id, what);
		if (err)
			goto fail;
	}
	if (err != -ENOENT)
		goto fail;
	if (missing(progs, sel, f)) {
		progs_free(progs);
		return f->exit;
	}
	attach_details(progs, what);
	*out = progs;
	return 0;
fail:
	progs_free(progs);
	if (err == -EPERM || err == -EACCES) {
		fault_set(f, EXIT_LACKS, err, "cannot list BPF programs");
		fault_why(f, "this needs CAP_SYS_ADMIN");
		return fault_hint(f, "run it as root");
	}
	return fault_set(f, err == -ENOSYS ? EXIT_LACKS : EXIT_FAILED, err,
			 "cannot list BPF programs");
}

void progs_free(struct progs *progs)
{
	if (!progs)
		return;
	for (size_t i = 0; i < progs->n; i++)
		prog_clear(&progs->progs[i]);
	holders_free(progs->holders);
	hooks_free(progs->hooks);
	btfs_free(progs->btfs);
	free(progs->progs);
	free(progs);
}

size_t progs_count(const struct progs *progs)
{
	return progs->n;
}

const struct prog *progs_get(const struct progs *progs, size_t i)
{
	return &progs->progs[i];
}

static int by_id(const void *key, const void *member)
{
	u32 id = *(const u32 *)key,
	    its = ((const struct prog *)member)->info.id;

	return id < its ? -1 : id > its;
}

const struct prog *progs_find(const struct progs *progs, u32 id)
{
	/* the kernel lists them in this order */
	return progs && progs->n ? bsearch(&id, progs->progs, progs->n,
					   sizeof(*progs->progs), by_id) :
				   NULL;
}

int progs_one_each(const struct progs *progs, const struct prog_sel *sel,
		   bool all, struct fault *f)
{
	char buf[128];

	for (; !all && sel; sel = sel->next) {
		size_t n = 0;

		for (size_t i = 0; i < progs->n; i++)
			n += sel_matches(sel, &progs->progs[i]);
		if (n < 2)
			continue;
		fault_set(f, EXIT_USAGE, 0, "%zu programs with %s", n,
			  sel_text(sel, buf));
		fault_why(f, "nothing was changed, for it may be meant for one "
			     "of them");
		return fault_hint(f, "--all, or its id from bpfwd ps %s", buf);
	}
	return 0;
}
