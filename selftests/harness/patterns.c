// SPDX-License-Identifier: GPL-2.0
#include "harness/patterns.h"
#include "test.h"

static void config_error(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s/%s:%d: %s\n", SELFTESTS_DIR, file, line, what);
	exit(TEST_FAIL);
}

void patterns_read(struct patterns *list, const char *file, bool regex,
		   bool reasons)
{
	char path[4096], line[1000], *end;
	int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", SELFTESTS_DIR, file);
	f = fopen(path, "re");
	if (!f)
		config_error(file, 0, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		struct pattern *p = &list->p[list->nr];

		nr++;
		line[strcspn(line, "\n")] = 0;
		if (!line[0] || line[0] == '#')
			continue;
		if (list->nr == MAX_PATTERNS)
			config_error(file, nr, "too many lines");
		end = strstr(line, "  ");
		if (reasons && !end)
			config_error(file, nr, "no reason given");
		if (end) {
			*end = 0;
			p->reason = strdup(end + strspn(end + 1, " ") + 1);
		}
		p->text = strdup(line);
		if (regex && regcomp(&p->regex, line, REG_EXTENDED | REG_NOSUB))
			config_error(file, nr, "not a regular expression");
		list->nr++;
	}
	fclose(f);
}

bool patterns_match(const struct patterns *list, const char *line)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (!regexec(&list->p[i].regex, line, 0, NULL, 0))
			return true;
	return false;
}
