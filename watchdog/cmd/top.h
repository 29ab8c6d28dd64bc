/* SPDX-License-Identifier: GPL-2.0 */
/* The screen of bpfwd top, which is left out where there is no ncurses. */
#ifndef BPFWD_TOP_H
#define BPFWD_TOP_H

#include "progs/view.h"
#include "show/types.h"

/* Until somebody leaves. False: this terminal can do too little. */
bool top_watch(struct view *view, u64 delay_ns);

#endif
