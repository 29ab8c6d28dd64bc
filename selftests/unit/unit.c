// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

char *printed(void (*print)(void *arg), void *arg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len), *was = stdout;

	assert_non_null(f);
	stdout = f;
	print(arg);
	stdout = was;
	assert_int_equal(fclose(f), 0);
	return text;
}
