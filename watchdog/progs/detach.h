/* SPDX-License-Identifier: GPL-2.0 */
/* Taking a program off the places where it is attached. */
#ifndef BPFWD_DETACH_H
#define BPFWD_DETACH_H

#include "progs/prog.h"

struct detached {
	const struct place *place;
	bool done; /* with dry_run: it would be */
	int err; /* positive errno, 0: none applies */
	char how[32]; /* "link_detach", "unpin", ... */
	char what[512]; /* in words: what is done, or why it stays */
	char hint[320]; /* what to do if it stays */
};

/* Takes the program, which must have been loaded with PROGS_HOLDERS, off one of its
 * places. A link that cannot be detached goes with its pins, if no process has it.
 */
void detach_place(const struct prog *prog, int fd, const struct place *place,
		  bool dry_run, struct detached *d);

#endif
