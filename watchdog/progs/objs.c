// SPDX-License-Identifier: GPL-2.0
/* Programs of object files, loaded and not attached: all at once if this kernel takes
 * all of them, else one by one, so that one that it refuses does not take the others
 * with it.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "progs/objs.h"

bool objs_is_file(const char *word)
{
	size_t len = strlen(word);
	struct stat st;

	return (strchr(word, '/') ||
		(len > 2 && !strcmp(word + len - 2, ".o"))) &&
	       !stat(word, &st) && S_ISREG(st.st_mode);
}

static struct bpf_object *open_object(const char *path, struct fault *f)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);

	if (obj)
		return obj;
	fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
	fault_why(f, "it is no BPF object, or one that this libbpf does not "
		     "know");
	fault_hint(f, "bpfwd --debug ... shows what libbpf says");
	return NULL;
}

static struct bpf_program *nth_program(struct bpf_object *obj, size_t n)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		if (!n--)
			return prog;
	}
	return NULL;
}

/* Loads the n-th program alone; it lives as long as obj. */
static int load_nth(struct bpf_object *obj, size_t n)
{
	struct bpf_program *prog, *wanted = nth_program(obj, n);
	int err;

	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, prog == wanted);
	err = bpf_object__load(obj);
	return err ? err : bpf_program__fd(wanted);
}

static bool objs_wanted(const struct bpf_program *prog, const char *only)
{
	return !only || !fnmatch(only, bpf_program__name(prog), 0);
}

static int objs_give(const char *path, const struct bpf_program *prog, int fd,
		     int (*fn)(void *arg, const struct obj_prog *prog),
		     void *arg)
{
	const char *base = strrchr(path, '/');
	struct obj_prog p = {
		.object = base ? base + 1 : path,
		.name = bpf_program__name(prog),
		.section = bpf_program__section_name(prog),
		.fd = fd,
	};

	return fn(arg, &p);
}

/* Loads all of them. *done: it could. */
static int each_at_once(const char *path, const char *only,
			int (*fn)(void *arg, const struct obj_prog *prog),
			void *arg, struct fault *f, bool *done)
{
	struct bpf_object *obj = open_object(path, f);
	struct bpf_program *prog;
	int ret = 0;

	*done = false;
	if (!obj)
		return f->exit;
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, objs_wanted(prog, only));
	if (!bpf_object__load(obj)) {
		*done = true;
		bpf_object__for_each_program(prog, obj) {
			if (!ret && objs_wanted(prog, only))
				ret = objs_give(path, prog,
						bpf_program__fd(prog), fn, arg);
		}
	}
	bpf_object__close(obj);
	return ret;
}

int objs_each(const char *path, const char *only,
	      int (*fn)(void *arg, const struct obj_prog *prog), void *arg,
	      struct fault *f)
{
	bool done;
	int ret = each_at_once(path, only, fn, arg, f, &done);

	for (size_t n = 0; !ret && !done; n++) {
		struct bpf_object *obj = open_object(path, f);
		struct bpf_program *prog;

		if (!obj)
			return f->exit;
		prog = nth_program(obj, n);
		if (!prog)
			done = true;
		else if (objs_wanted(prog, only))
			ret = objs_give(path, prog, load_nth(obj, n), fn, arg);
		bpf_object__close(obj);
	}
	return ret;
}
