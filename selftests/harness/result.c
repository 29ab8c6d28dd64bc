// SPDX-License-Identifier: GPL-2.0
/* What a test says of itself, in its own process. */
#include <stdarg.h>
#include "test.h"

bool verbose;
int nr_failures;
struct shared *shared;
const struct suite *const *suites;
size_t nr_suites;

void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

bool check_fail(const char *file, int line, const char *cond, const char *fmt,
		...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	printf("# FAIL %s:%d: ", file, line);
	errno = saved;
	vprintf(fmt, ap);
	printf(" [%s]\n", cond);
	fflush(stdout);
	va_end(ap);
	nr_failures++;
	errno = saved;
	return false;
}

void give_up(void)
{
	fflush(stdout);
	_exit(TEST_FAIL);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shared->skip_reason, sizeof(shared->skip_reason), fmt, ap);
	va_end(ap);
	fflush(stdout);
	_exit(nr_failures ? TEST_FAIL : TEST_SKIP);
}
