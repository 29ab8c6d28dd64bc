/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of object files, loaded and not attached. */
#ifndef BPFWD_OBJS_H
#define BPFWD_OBJS_H

#include "show/fault.h"

struct obj_prog {
	const char *object; /* name of the file, without folders */
	const char *name, *section;
	int fd; /* of the loaded program, or -errno */
};

/* Calls fn for each program of the file; what fn returns other than 0 ends it and
 * is returned. A program that does not load is given to fn, too: only a file that
 * is no object is a fault. `only`: glob of names, NULL: all.
 */
int objs_each(const char *path, const char *only,
	      int (*fn)(void *arg, const struct obj_prog *prog), void *arg,
	      struct fault *f);

/* Does it look like an object file and not like the name of a program? */
bool objs_is_file(const char *word);

#endif
