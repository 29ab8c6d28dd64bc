// SPDX-License-Identifier: GPL-2.0
/* Programs of object files, loaded one by one and not attached: one that this
 * kernel refuses does not take the others with it.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "objs.h"

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

int objs_each(const char *path, const char *only,
	      int (*fn)(void *arg, const struct obj_prog *prog), void *arg,
	      struct fault *f)
{
	const char *base = strrchr(path, '/');
	int ret = 0;

	for (size_t n = 0; !ret; n++) {
		struct bpf_object *obj = open_object(path, f);
		struct bpf_program *prog;
		struct obj_prog p;

		if (!obj)
			return f->exit;
		prog = nth_program(obj, n);
		if (!prog) {
			bpf_object__close(obj);
			break;
		}
		p = (struct obj_prog){
			.object = base ? base + 1 : path,
			.name = bpf_program__name(prog),
			.section = bpf_program__section_name(prog),
		};
		if (!only || !fnmatch(only, p.name, 0)) {
			p.fd = load_nth(obj, n);
			ret = fn(arg, &p);
		}
		bpf_object__close(obj);
	}
	return ret;
}
