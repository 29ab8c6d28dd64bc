// SPDX-License-Identifier: GPL-2.0
/*
 * The classes that the verifier has found for calls, compared with the table of
 * all helpers, kfuncs and internal call targets (call_classes.tsv), which was made
 * by reading their source.
 */
#include <fnmatch.h>
#include "corpus/corpus.h"
#include "traffic/repro.h"

#define MAX_COLUMNS 6

/* Sets of classes. */
enum {
	RUN = 1 << 0,
	ERR = 1 << 1,
	ZERO = 1 << 2,
	DROP = 1 << 3,
	ONE = 1 << 4,
	ITER = 1 << 5,
};

struct row {
	char *text; /* the columns point into it */
	char *column[MAX_COLUMNS];
	unsigned int used;
};

struct table {
	struct row *rows;
	size_t nr;
};

static struct table read_table(const char *path)
{
	struct table t = {};
	char *line = NULL, *p;
	size_t size = 0;
	FILE *f = fopen(path, "re");
	int i;

	REQUIRE(f, "%s: %m", path);
	while (getline(&line, &size, f) > 0) {
		struct row r = { .text = strdup(line) };

		p = r.text;
		p[strcspn(p, "\n")] = 0;
		if (!*p || *p == '#') {
			free(r.text);
			continue;
		}
		for (i = 0; i < MAX_COLUMNS; i++)
			r.column[i] = strsep(&p, "\t") ?:
							 r.text + strlen(r.text);
		t.rows = realloc(t.rows, (t.nr + 1) * sizeof(r));
		REQUIRE(t.rows, "no memory");
		t.rows[t.nr++] = r;
	}
	fclose(f);
	free(line);
	return t;
}

static void free_table(struct table *t)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		free(t->rows[i].text);
	free(t->rows);
}

/* What a treatment of the table comes to in classes. */
static unsigned int treatment(const char *text)
{
	static const struct {
		const char *word;
		unsigned int set;
	} words[] = {
		{ "RUN", RUN },
		{ "FAST_IMAGE", RUN },
		{ "ERR", ERR },
		{ "NULL", ZERO },
		{ "ZERO", ZERO },
		{ "SK_DROP(0)", ZERO },
		{ "XDP_ABORTED(0)", ZERO },
		{ "TC_ACT_SHOT(2)", DROP },
		{ "RETURN 1", ONE },
		{ "SKIP", ZERO },
		{ "ITER", ITER },
	};
	unsigned int set = 0;
	size_t i;

	/* That of a dynptr that is made null has no class of its own. */
	if (!strncmp(text, "NULLDYN", 7))
		return 0;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i].word))
			set |= words[i].set;
	return set;
}

static unsigned int class_by_name(const char *name)
{
	static const char *const names[] = { "run",  "err", "zero",
					     "drop", "one", "iter" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return 1 << i;
	return 0;
}

/* The classes of a row of the table, by name. */
static unsigned int by_name(const struct table *table, const char *name)
{
	unsigned int set = 0;
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (!strcmp(table->rows[i].column[0], name))
			set |= treatment(table->rows[i].column[3]);
	return set;
}

/*
 * An exception: target (a glob), class, reason. With "=" as class, the third
 * column is the row of the table that the target belongs to.
 */
static unsigned int expected(const struct table *table, struct table *except,
			     const char *target)
{
	unsigned int set = by_name(table, target);
	size_t i;

	for (i = 0; i < except->nr; i++) {
		struct row *e = &except->rows[i];

		if (strcmp(e->column[1], "=") ||
		    fnmatch(e->column[0], target, 0))
			continue;
		e->used++;
		set |= by_name(table, e->column[2]);
	}
	return set;
}

static bool explained(struct table *except, const char *target,
		      const char *class)
{
	size_t i;

	for (i = 0; i < except->nr; i++) {
		struct row *e = &except->rows[i];

		if (strcmp(e->column[1], class) ||
		    fnmatch(e->column[0], target, 0))
			continue;
		CHECK(*e->column[2], "call_classes.except: %s has no reason",
		      e->column[0]);
		e->used++;
		return true;
	}
	return false;
}

/* The same pair of target and class comes from many objects: only once. */
static bool seen_before(const struct table *found, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(found->rows[j].column[0],
			    found->rows[i].column[0]) &&
		    !strcmp(found->rows[j].column[1], found->rows[i].column[1]))
			return true;
	return false;
}

void call_table_compare(const char *file)
{
	struct table table =
		read_table(SELFTESTS_DIR "/corpus/call_classes.tsv");
	struct table except =
		read_table(SELFTESTS_DIR "/corpus/call_classes.except");
	struct table found = read_table(file);
	unsigned long sites = 0, pairs = 0, differ = 0, unexplained = 0;
	size_t i;

	for (i = 0; i < found.nr; i++) {
		char **c = found.rows[i].column;

		sites += strtoul(c[2], NULL, 10);
		if (seen_before(&found, i))
			continue;
		pairs++;
		if (expected(&table, &except, c[0]) & class_by_name(c[1]))
			continue;
		differ++;
		if (explained(&except, c[0], c[1]))
			continue;
		unexplained++;
		(void)CHECK(false, "%s is %s, not as in the table, in %s", c[0],
			    c[1], c[3]);
	}
	diag("%lu call sites, %lu pairs of target and class, %lu differences, %lu unexplained",
	     sites, pairs, differ, unexplained);
	CHECK(sites, "%s has no calls", file);
	free_table(&table);
	free_table(&except);
	free_table(&found);
}

/* Is there a test of this name, with or without that of its suite? */
static bool test_exists(const char *name)
{
	const char *slash = strchr(name, '/');
	size_t i, j;

	for (i = 0; slash && i < nr_suites; i++) {
		if (strncmp(suites[i]->name, name, slash - name) ||
		    suites[i]->name[slash - name])
			continue;
		for (j = 0; j < suites[i]->nr_tests; j++)
			if (!strcmp(suites[i]->tests[j].name, slash + 1))
				return true;
		for (j = 0; j < suites[i]->nr_repros; j++)
			if (!strcmp(suites[i]->repros[j].name, slash + 1))
				return true;
	}
	return false;
}

/* Is @target, as it was found, the row @name of the table? */
static bool is_row(const struct table *except, const char *target,
		   const char *name)
{
	size_t i;

	if (!strcmp(target, name))
		return true;
	for (i = 0; i < except->nr; i++)
		if (!strcmp(except->rows[i].column[1], "=") &&
		    !strcmp(except->rows[i].column[2], name) &&
		    !fnmatch(except->rows[i].column[0], target, 0))
			return true;
	return false;
}

/* Was such a call found, in an example that is or is in @place? Its class is compared. */
static bool has_site(const struct table *found, const struct table *except,
		     const char *name, const char *place)
{
	size_t i;

	for (i = 0; i < found->nr; i++) {
		const char *example = found->rows[i].column[3];
		const char *in = place ? strstr(example, place) : example;

		if (in && (in == example || in[-1] == '/') &&
		    is_row(except, found->rows[i].column[0], name))
			return true;
	}
	return false;
}

/* One line of danger.tsv. */
static void check_line(char **c, const struct table *found,
		       const struct table *except)
{
	if (!strcmp(c[1], "program"))
		CHECK(has_site(found, except, c[0], c[2]),
		      "%s does not call %s", c[2], c[0]);
	else if (!strcmp(c[1], "may_inline"))
		CHECK(has_site(found, except, c[0], c[2]) ||
			      (timed_may_goto() &&
			       !has_site(found, except, c[0], NULL)),
		      "%s does not call %s", c[2], c[0]);
	else if (!strcmp(c[1], "inlined"))
		CHECK(!has_site(found, except, c[0], NULL),
		      "a call of %s is left", c[0]);
	else if (!strcmp(c[1], "test"))
		CHECK(test_exists(c[2]), "%s: no test %s", c[0], c[2]);
	else
		CHECK((!strcmp(c[1], "none") || !strcmp(c[1], "corpus")) &&
			      *c[2],
		      "%s: no program, test or reason", c[0]);
}

void call_table_check_danger(const char *classes)
{
	struct table table =
		read_table(SELFTESTS_DIR "/corpus/call_classes.tsv");
	struct table danger = read_table(SELFTESTS_DIR "/corpus/danger.tsv");
	struct table except =
		read_table(SELFTESTS_DIR "/corpus/call_classes.except");
	struct table found = read_table(classes);
	unsigned int rows = 0, tested = 0;
	size_t i, j;

	for (i = 0; i < table.nr; i++) {
		if (!strstr(table.rows[i].column[4], "DANGER"))
			continue;
		rows++;
		for (j = 0; j < danger.nr; j++)
			if (!strcmp(danger.rows[j].column[0],
				    table.rows[i].column[0]))
				break;
		if (!CHECK(j < danger.nr, "%s: no line in danger.tsv",
			   table.rows[i].column[0]))
			continue;
		danger.rows[j].used++;
		tested += !!strcmp(danger.rows[j].column[1], "none");
	}
	for (j = 0; j < danger.nr; j++) {
		CHECK(danger.rows[j].used, "%s is not marked in the table",
		      danger.rows[j].column[0]);
		check_line(danger.rows[j].column, &found, &except);
	}
	diag("%u rows, %u with a test, %u that nothing here can reach", rows,
	     tested, rows - tested);
	free_table(&table);
	free_table(&danger);
	free_table(&except);
	free_table(&found);
}
