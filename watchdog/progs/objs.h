/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of object files, loaded and not attached. */
#ifndef BPFWD_OBJS_H
#define BPFWD_OBJS_H

#include "show/ctx.h"

struct obj_prog {
	const char *object; /* name of the file, without folders */
	const char *name, *section;
	int fd; /* of the loaded program, or -errno */
	const char
		*why; /* it did not load, in libbpf's or the verifier's words */
	bool whole; /* the object's tables of tail calls hold all that it puts there */
};

/* What the loader of an object would set. */
struct obj_setting {
	const char *name, *value;
	bool used;
	struct obj_setting *next;
};

struct obj_settings {
	const char *only; /* glob of names of programs, NULL: all */
	struct obj_setting *sizes; /* of maps */
	struct obj_setting *targets; /* functions that programs attach to */
	struct obj_setting *globals; /* constants */
};

/* NAME=VALUE; the value of sizes is a number. Returns an exit status. */
int obj_settings_size(struct obj_settings *s, char *arg, struct fault *f);
int obj_settings_target(struct obj_settings *s, char *arg, struct fault *f);
int obj_settings_global(struct obj_settings *s, char *arg, struct fault *f);
/* A setting that no object has had a use for is a fault. */
int obj_settings_used(const struct obj_settings *s, struct fault *f);
void obj_settings_free(struct obj_settings *s);

/* Calls fn for each program of the file; what fn returns other than 0 ends it and
 * is returned. A program that does not load is given to fn, too: only a file that
 * is no object is a fault. Nothing is pinned, and no map that is there is used.
 */
int objs_each(struct ctx *ctx, const char *path, struct obj_settings *s,
	      int (*fn)(void *arg, const struct obj_prog *prog), void *arg);

/* Is it meant as an object file and not as the name of a program? */
bool objs_is_file(const char *word);

#endif
