/* SPDX-License-Identifier: GPL-2.0 */
/* What each test here includes: cmocka needs these before its own header. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define RUN(tests)                                                \
	int main(void)                                            \
	{                                                         \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}

/* What a function prints to stdout; to be freed. */
char *printed(void (*print)(void *arg), void *arg);

#endif
