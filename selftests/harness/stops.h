/* SPDX-License-Identifier: GPL-2.0 */
/* Has a program stopped within its bound, each time that it was ended? */
#ifndef STOPS_H
#define STOPS_H

#include "test.h"

/*
 * Is a time that was measured that of the program? A clock that an emulator lets run on
 * while it does other things says nothing of it.
 */
bool time_is_exact(void);
/* Of what the process of a test has loaded: one that goes, and all that are left. */
void stops_look(int prog_fd);
void stops_look_at_all(void);
/* By the runner, when the process has ended. False: one was above its bound. */
bool stops_report(void);

#endif
