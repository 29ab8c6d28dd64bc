/* SPDX-License-Identifier: GPL-2.0 */
/* The process of a test, as it sees itself and as the runner sees it. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/* Namespaces, group and CPU of a test, for the process that calls it. */
void prepare_process(void);
/* Waits for it and pulls the brake of a stall that nobody ends; its result. */
int supervise(pid_t pid, const char *name, unsigned int timeout_s);

#endif
