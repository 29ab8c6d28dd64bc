// SPDX-License-Identifier: GPL-2.0
/* Where in a policy file its values stand. libcyaml tells what a file holds but
 * not where, so the events of libyaml are walked once more, and first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "policy/priv.h"
#include "show/fault.h"

#define MAX_DEPTH 8
#define MAX_PATH 256
#define MAX_MARKS 200000

struct mark {
	char *at;
	u32 line, column;
	bool mapping;
};

struct list {
	struct mark *marks;
	size_t n, size;
};

struct marks {
	struct list values; /* in the end sorted by their paths */
	struct list keys; /* as they stand in the file, by their names */
};

struct level {
	bool sequence, want_value;
	u32 index;
	size_t path_len; /* of the path to this container */
};

struct walk {
	struct marks *marks;
	const char *path; /* of the file */
	struct fault *f;
	struct level levels[MAX_DEPTH];
	int depth;
	char at[MAX_PATH];
	u32 documents;
};

static int marks_refuse(struct walk *w, const yaml_mark_t *mark,
			const char *what)
{
	return fault_set(w->f, EXIT_USAGE, 0, "%s:%zu:%zu: %s", w->path,
			 mark->line + 1, mark->column + 1, what);
}

static int marks_add(struct walk *w, struct list *l, const char *at,
		     const yaml_event_t *e)
{
	struct mark *all;

	if (l->n == MAX_MARKS)
		return marks_refuse(w, &e->start_mark,
				    "the file holds too many values");
	if (l->n == l->size) {
		all = reallocarray(l->marks, l->size * 2 + 64, sizeof(*all));
		if (!all)
			goto oom;
		l->marks = all;
		l->size = l->size * 2 + 64;
	}
	l->marks[l->n] = (struct mark){ strdup(at), e->start_mark.line + 1,
					e->start_mark.column + 1,
					e->type == YAML_MAPPING_START_EVENT };
	if (l->marks[l->n].at) {
		l->n++;
		return 0;
	}
oom:
	return fault_set(w->f, EXIT_FAILED, ENOMEM, "cannot read %s", w->path);
}

/* Makes w->at the path of the node that begins now. */
static int marks_enter(struct walk *w, const yaml_event_t *e)
{
	struct level *l;
	size_t room;
	int len;

	if (!w->depth) {
		w->at[0] = '\0';
		return 0;
	}
	l = &w->levels[w->depth - 1];
	if (!l->sequence)
		return 0; /* the key has set it */
	room = sizeof(w->at) - l->path_len;
	len = snprintf(w->at + l->path_len, room, "[%u]", l->index++);
	return len >= 0 && (size_t)len < room ?
		       0 :
		       marks_refuse(w, &e->start_mark, "nested too deep");
}

static int take_key(struct walk *w, const yaml_event_t *e)
{
	struct level *l = &w->levels[w->depth - 1];
	size_t room = sizeof(w->at) - l->path_len;
	int len = snprintf(w->at + l->path_len, room, "%s%.64s",
			   l->path_len ? "." : "",
			   (const char *)e->data.scalar.value);

	if (len < 0 || (size_t)len >= room)
		return marks_refuse(w, &e->start_mark, "nested too deep");
	l->want_value = true;
	return marks_add(w, &w->marks->keys, (const char *)e->data.scalar.value,
			 e);
}

static int push(struct walk *w, const yaml_event_t *e, bool sequence)
{
	if (w->depth == MAX_DEPTH)
		return marks_refuse(w, &e->start_mark, "nested too deep");
	w->levels[w->depth++] = (struct level){ .sequence = sequence,
						.path_len = strlen(w->at) };
	return 0;
}

/* A node is over: its key has its value. */
static void leave(struct walk *w)
{
	if (w->depth)
		w->levels[w->depth - 1].want_value = false;
}

static bool is_key(const struct walk *w)
{
	return w->depth && !w->levels[w->depth - 1].sequence &&
	       !w->levels[w->depth - 1].want_value;
}

static bool decorated(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor || e->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor ||
		       e->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor ||
		       e->data.mapping_start.tag;
	default:
		return false;
	}
}

static int step(struct walk *w, const yaml_event_t *e)
{
	int ret;

	if (decorated(e) || e->type == YAML_ALIAS_EVENT)
		return marks_refuse(
			w, &e->start_mark,
			"a policy has no anchors, aliases and tags");
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return w->documents++ ?
			       marks_refuse(w, &e->start_mark,
					    "a file holds one policy") :
			       0;
	case YAML_SCALAR_EVENT:
		if (strlen((const char *)e->data.scalar.value) !=
		    e->data.scalar.length)
			return marks_refuse(w, &e->start_mark,
					    "a text with a byte 0");
		if (is_key(w))
			return take_key(w, e);
		ret = marks_enter(w, e);
		ret = ret ? ret : marks_add(w, &w->marks->values, w->at, e);
		leave(w);
		return ret;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (is_key(w))
			return marks_refuse(w, &e->start_mark,
					    "a key must be a word");
		ret = marks_enter(w, e);
		ret = ret ? ret : marks_add(w, &w->marks->values, w->at, e);
		return ret ? ret :
			     push(w, e, e->type == YAML_SEQUENCE_START_EVENT);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		w->depth--;
		leave(w);
		return 0;
	default:
		return 0;
	}
}

static int marks_compare(const void *a, const void *b)
{
	return strcmp(((const struct mark *)a)->at,
		      ((const struct mark *)b)->at);
}

static int syntax_error(struct walk *w, const yaml_parser_t *p)
{
	/* of bytes that are no text the reader knows the offset only */
	if (p->error == YAML_READER_ERROR)
		return fault_set(w->f, EXIT_USAGE, 0, "%s:%zu:%zu: no YAML: %s",
				 w->path, p->mark.line + 1, p->mark.column + 1,
				 p->problem ? p->problem : "no text");
	return fault_set(
		w->f, p->error == YAML_MEMORY_ERROR ? EXIT_FAILED : EXIT_USAGE,
		0, "%s:%zu:%zu: no YAML: %s", w->path, p->problem_mark.line + 1,
		p->problem_mark.column + 1,
		p->problem ? p->problem : "it cannot be read");
}

int marks_load(struct marks **marks, const char *text, size_t len,
	       const char *path, struct fault *f)
{
	struct walk w = { .path = path, .f = f };
	yaml_parser_t parser;
	bool end = false;
	int ret = 0;

	*marks = NULL;
	w.marks = calloc(1, sizeof(*w.marks));
	if (!w.marks || !yaml_parser_initialize(&parser)) {
		free(w.marks);
		return fault_set(f, EXIT_FAILED, ENOMEM, "cannot read %s",
				 path);
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!ret && !end) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			ret = syntax_error(&w, &parser);
			break;
		}
		ret = step(&w, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	if (!ret && !w.documents)
		ret = fault_set(f, EXIT_USAGE, 0, "%s:1:1: the file is empty",
				path);
	if (ret) {
		marks_free(w.marks);
		return ret;
	}
	if (w.marks->values.n)
		qsort(w.marks->values.marks, w.marks->values.n,
		      sizeof(struct mark), marks_compare);
	*marks = w.marks;
	return 0;
}

static void marks_list_clear(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->marks[i].at);
	free(l->marks);
}

void marks_free(struct marks *marks)
{
	if (!marks)
		return;
	marks_list_clear(&marks->values);
	marks_list_clear(&marks->keys);
	free(marks);
}

static bool before(const struct mark *m, size_t line, size_t column)
{
	return m->line < line || (m->line == line && m->column < column);
}

void marks_key(const struct marks *marks, const char *key, size_t *line,
	       size_t *column)
{
	for (size_t i = 0; i < marks->keys.n; i++) {
		const struct mark *m = &marks->keys.marks[i];

		if (strcmp(m->at, key) || before(m, *line, *column))
			continue;
		*line = m->line;
		*column = m->column;
		return;
	}
}

void marks_mapping(const struct marks *marks, size_t *line, size_t *column)
{
	const struct mark *found = NULL;

	for (size_t i = 0; i < marks->values.n; i++) {
		const struct mark *m = &marks->values.marks[i];

		if (m->mapping && before(m, *line, *column + 1) &&
		    (!found || before(found, m->line, m->column)))
			found = m;
	}
	*line = found ? found->line : 1;
	*column = found ? found->column : 1;
}

void marks_find(const struct marks *marks, const char *at, u32 *line,
		u32 *column)
{
	char path[MAX_PATH];
	const struct mark *found;
	struct mark wanted = { .at = path };

	snprintf(path, sizeof(path), "%s", at);
	for (;;) {
		char *cut = strrchr(path, '.'), *bracket = strrchr(path, '[');

		found = bsearch(&wanted, marks->values.marks, marks->values.n,
				sizeof(wanted), marks_compare);
		if (found || !path[0])
			break;
		cut = bracket > cut ? bracket : cut;
		*(cut ? cut : path) = '\0';
	}
	*line = found ? found->line : 1;
	*column = found ? found->column : 1;
}
