// SPDX-License-Identifier: GPL-2.0
/* The cost model as text:
 *
 *   version 2
 *   cpu QEMU TCG CPU version 2.5+
 *   ...
 *   helper bpf_probe_read_kernel best_ns=30.125 worst_ns=64.000 per_unit_ns=0.120
 *
 * Every error is found with its line before anything is used.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "calibrate/model.h"
#include "show/duration.h"

#define LINE_MAX_LEN 1024
#define ENTRIES_MAX 4096
#define UNBOUNDED "unbounded"

static const char *const kinds[] = {
	[MODEL_HELPER] = "helper",
	[MODEL_INSN] = "insn",
	[MODEL_KFUNC] = "kfunc",
};

const char *model_key(const struct model_entry *e, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s%s%s", kinds[e->kind], e->name,
		 e->map[0] ? "/" : "", e->map);
	return buf;
}

static int model_compare(const void *a, const void *b)
{
	const struct model_entry *x = a, *y = b;
	int order = strcmp(kinds[x->kind], kinds[y->kind]);

	order = order ? order : strcmp(x->name, y->name);
	return order ? order : strcmp(x->map, y->map);
}

void model_sort(struct model *m)
{
	if (m->n)
		qsort(m->entries, m->n, sizeof(*m->entries), model_compare);
}

const struct model_entry *model_find(const struct model *m,
				     const struct model_entry *key)
{
	return m->n ? bsearch(key, m->entries, m->n, sizeof(*key),
			      model_compare) :
		      NULL;
}

int model_add(struct model *m, const struct model_entry *e)
{
	void *p = reallocarray(m->entries, m->n + 1, sizeof(*e));

	if (!p)
		return -ENOMEM;
	m->entries = p;
	m->entries[m->n++] = *e;
	return 0;
}

void model_free(struct model *m)
{
	free(m->entries);
	m->entries = NULL;
	m->n = 0;
}

const char *model_ns(u64 ps, char buf[NS_LEN])
{
	snprintf(buf, NS_LEN, "%llu.%03llu", (unsigned long long)(ps / 1000),
		 (unsigned long long)(ps % 1000));
	return buf;
}

int model_ns_parse(const char *s, u64 *ps)
{
	u64 whole = 0, part = 0, scale = 100;
	bool too_long = false;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		too_long |= __builtin_mul_overflow(whole, 10, &whole) ||
			    __builtin_add_overflow(whole, *s - '0', &whole);
	if (*s == '.') {
		if (!isdigit((unsigned char)*++s))
			return -EINVAL;
		/* a digit below a picosecond would be lost in silence */
		for (; isdigit((unsigned char)*s); s++, scale /= 10) {
			if (!scale)
				return -EINVAL;
			part += (*s - '0') * scale;
		}
	}
	if (*s)
		return -EINVAL;
	if (too_long || __builtin_mul_overflow(whole, 1000, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) || whole > MODEL_PS_MAX)
		return -ERANGE;
	*ps = whole;
	return 0;
}

/* One line being read: where it is, for messages. */
struct reader {
	struct model *m;
	const char *path;
	int line;
	struct fault *f;
	bool version;
};

__attribute__((format(printf, 2, 3))) static int bad(struct reader *r,
						     const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(r->f, EXIT_FAILED, EINVAL, "%s:%d: %s", r->path,
			 r->line, text);
}

enum { F_BEST, F_WORST, F_SLOPE, F_BEST_SLOPE, F_MEAN, F_OUTLIER_MAX };

/* Times in ns; the first two must be there. */
static const struct time_field {
	const char *name;
	size_t offset;
} times[] = {
	[F_BEST] = { "best_ns", offsetof(struct model_entry, best_ps) },
	[F_WORST] = { "worst_ns", offsetof(struct model_entry, worst_ps) },
	[F_SLOPE] = { "per_unit_ns",
		      offsetof(struct model_entry, per_unit_ps) },
	[F_BEST_SLOPE] = { "best_per_unit_ns",
			   offsetof(struct model_entry, best_per_unit_ps) },
	[F_MEAN] = { "mean_ns", offsetof(struct model_entry, mean_ps) },
	[F_OUTLIER_MAX] = { "outlier_max_ns",
			    offsetof(struct model_entry, outlier_max_ps) },
};

static const struct count_field {
	const char *name;
	size_t offset;
} counts[] = {
	{ "fit_error_permille",
	  offsetof(struct model_entry, fit_error_permille) },
	{ "difference_permille",
	  offsetof(struct model_entry, difference_permille) },
	{ "widened", offsetof(struct model_entry, widened) },
	{ "calls", offsetof(struct model_entry, calls) },
	{ "outliers", offsetof(struct model_entry, outliers) },
};

/* One line each before the entries, all of which must be there. */
#define OF(field)                                   \
	{ #field, offsetof(struct model, of.field), \
	  sizeof(((struct model *)0)->of.field) }
#define HEAD(field)                              \
	{ #field, offsetof(struct model, field), \
	  sizeof(((struct model *)0)->field) }
static const struct {
	const char *name;
	size_t offset, size;
} heads[] = {
	OF(cpu),     OF(microcode),  OF(kernel),      OF(build),   HEAD(date),
	HEAD(clock), HEAD(quantile), HEAD(max_error), HEAD(error),
}, head_counts[] = { HEAD(cpus), HEAD(passes) };

static u32 *head_count(struct model *m, int i)
{
	return (u32 *)((char *)m + head_counts[i].offset);
}

static u64 *time_of(struct model_entry *e, int field)
{
	return (u64 *)((char *)e + times[field].offset);
}

static u32 *count_of(struct model_entry *e, int field)
{
	return (u32 *)((char *)e + counts[field].offset);
}

static int take_field(struct reader *r, struct model_entry *e, char *word,
		      u64 *seen)
{
	char *value = strchr(word, '=');
	unsigned int cpus;
	int end = 0, err;
	u64 n;

	if (!value)
		return bad(r, "'%s' is not of the form NAME=VALUE", word);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		if (strcmp(word, times[i].name))
			continue;
		if (*seen & 1ULL << i)
			return bad(r, "%s is given twice", word);
		*seen |= 1ULL << i;
		if (*value == '-')
			return bad(r, "%s=%s is negative", word, value);
		if (i == F_WORST && !strcmp(value, UNBOUNDED)) {
			e->worst_ps = MODEL_UNBOUNDED;
			return 0;
		}
		err = model_ns_parse(value, time_of(e, i));
		if (err == -ERANGE)
			return bad(r, "%s=%s is too large", word, value);
		if (err)
			return bad(r,
				   "%s=%s is no number of ns with up to three "
				   "decimals",
				   word, value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (strcmp(word, counts[i].name))
			continue;
		if (number_parse(value, UINT32_MAX, &n))
			return bad(r, "%s=%s is no number", word, value);
		*count_of(e, i) = n;
		return 0;
	}
	if (sscanf(word, "cpus%u_pct%n", &cpus, &end) == 1 && !word[end] &&
	    cpus >= 2 && cpus <= MODEL_CPUS_MAX) {
		if (number_parse(value, UINT32_MAX, &n))
			return bad(r, "%s=%s is no number", word, value);
		e->cpus_pct[cpus] = n;
		return 0;
	}
	return bad(r, "no field '%s'", word);
}

static int model_check_name(struct reader *r, const struct model_entry *e)
{
	u32 n;

	if (!strcmp(e->name, MODEL_DEFAULT))
		return e->map[0] ? bad(r, "the default has no map type") : 0;
	switch (e->kind) {
	case MODEL_HELPER:
		if (!model_helper_id(e->name, &n))
			return bad(r, "unknown helper '%s'", e->name);
		break;
	case MODEL_KFUNC:
		if (!model_kfunc_known(e->name))
			return bad(r, "unknown kfunc '%s'", e->name);
		break;
	case MODEL_INSN:
		if (!model_class_known(e->name))
			return bad(r, "unknown class of instructions '%s'",
				   e->name);
		break;
	}
	if (!e->map[0])
		return 0;
	if (e->kind != MODEL_HELPER)
		return bad(r, "only helpers have a map type");
	return model_map_type(e->map, &n) ?
		       0 :
		       bad(r, "unknown map type '%s'", e->map);
}

static int take_entry(struct reader *r, enum model_kind kind, char *text)
{
	struct model_entry e = { .kind = kind, .line = r->line };
	char *save = NULL, *word, *reason, *slash;
	u64 seen = 0;

	e.measured = true;
	reason = strstr(text, " default \"");
	if (reason) {
		char *end;

		*reason = '\0';
		reason += strlen(" default \"");
		end = strchr(reason, '"');
		if (!end || end[1])
			return bad(r, "the reason has no end");
		*end = '\0';
		if (strlen(reason) >= sizeof(e.reason))
			return bad(r, "the reason is too long");
		strcpy(e.reason, reason);
		e.measured = false;
	}
	word = strtok_r(text, " \t", &save);
	if (!word)
		return bad(r, "%s of what?", kinds[kind]);
	slash = strchr(word, '/');
	if (slash) {
		*slash++ = '\0';
		if (!*slash || strlen(slash) >= sizeof(e.map))
			return bad(r, "unknown map type '%.40s'", slash);
		strcpy(e.map, slash);
	}
	if (strlen(word) >= sizeof(e.name))
		return bad(r, "the name '%.40s...' is too long", word);
	strcpy(e.name, word);
	if (model_check_name(r, &e))
		return r->f->exit;
	while ((word = strtok_r(NULL, " \t", &save)))
		if (take_field(r, &e, word, &seen))
			return r->f->exit;
	for (int i = F_BEST; i <= F_WORST; i++)
		if (!(seen & 1ULL << i))
			return bad(r, "%s is missing", times[i].name);
	if (!(seen & 1ULL << F_BEST_SLOPE))
		e.best_per_unit_ps = e.per_unit_ps;
	if (e.best_ps > e.worst_ps)
		return bad(r, "best_ns is larger than worst_ns");
	if (e.best_per_unit_ps > e.per_unit_ps)
		return bad(r, "best_per_unit_ns is larger than per_unit_ns");
	if (r->m->n >= ENTRIES_MAX)
		return bad(r, "more than %d entries", ENTRIES_MAX);
	return model_add(r->m, &e) ? bad(r, "no memory") : 0;
}

static int take_text(struct reader *r, const char *name, const char *value,
		     char *to, size_t size)
{
	if (*to)
		return bad(r, "%s is given twice", name);
	if (!*value || strlen(value) >= size)
		return bad(r, "%s is %s", name, *value ? "too long" : "empty");
	strcpy(to, value);
	return 0;
}

static int take_count(struct reader *r, const char *name, const char *value,
		      u32 *to)
{
	u64 n;

	if (*to)
		return bad(r, "%s is given twice", name);
	if (number_parse(value, 65536, &n) || !n)
		return bad(r, "%s '%s' is no number of them", name, value);
	*to = n;
	return 0;
}

static int model_take_line(struct reader *r, char *line)
{
	size_t len = strlen(line);
	char *rest;
	u64 n;

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	rest = line + strcspn(line, " \t");
	if (*rest) {
		*rest++ = '\0';
		rest += strspn(rest, " \t");
	}
	if (!strcmp(line, "version")) {
		if (r->version)
			return bad(r, "version is given twice");
		if (number_parse(rest, UINT32_MAX, &n))
			return bad(r, "version '%s' is no number", rest);
		if (n != MODEL_VERSION)
			return bad(r, "version %llu; this bpfwd reads %d",
				   (unsigned long long)n, MODEL_VERSION);
		r->version = true;
		return 0;
	}
	if (!r->version)
		return bad(r, "the first line must be 'version %d'",
			   MODEL_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (!strcmp(line, heads[i].name))
			return take_text(r, line, rest,
					 (char *)r->m + heads[i].offset,
					 heads[i].size);
	for (size_t i = 0; i < ARRAY_SIZE(head_counts); i++)
		if (!strcmp(line, head_counts[i].name))
			return take_count(r, line, rest, head_count(r->m, i));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(line, kinds[i]))
			return take_entry(r, i, rest);
	return bad(r, "'%s' is no key and no kind of entry", line);
}

static int check_whole(struct reader *r)
{
	struct model *m = r->m;
	char key[128];

	r->line = r->line ? r->line : 1;
	if (!r->version)
		return bad(r, "the file is empty");
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (!*((char *)m + heads[i].offset))
			return bad(r, "end of the file, and no line '%s'",
				   heads[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(head_counts); i++)
		if (!*head_count(m, i))
			return bad(r, "end of the file, and no line '%s'",
				   head_counts[i].name);
	if (!m->n)
		return bad(r, "end of the file, and no entry");
	model_sort(m);
	for (size_t i = 1; i < m->n; i++) {
		struct model_entry *a = &m->entries[i - 1], *b = a + 1;

		if (model_compare(a, b))
			continue;
		r->line = a->line > b->line ? a->line : b->line;
		return bad(r, "%s is there already, in line %d",
			   model_key(a, key, sizeof(key)),
			   a->line < b->line ? a->line : b->line);
	}
	return 0;
}

static FILE *open_regular(const char *path, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st)) {
		fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
		fault_set(f, EXIT_FAILED, EINVAL, "%s is no file", path);
		close(fd);
		return NULL;
	}
	fcntl(fd, F_SETFL, 0);
	file = fdopen(fd, "r");
	if (!file) {
		fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
		close(fd);
	}
	return file;
}

int model_read(struct model *m, const char *path, struct fault *f)
{
	struct reader r = { .m = m, .path = path, .f = f };
	FILE *file = open_regular(path, f);
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	if (!file)
		return f->exit;
	snprintf(m->path, sizeof(m->path), "%s", path);
	while (!ret && (len = getline(&line, &size, file)) >= 0) {
		r.line++;
		if (len > LINE_MAX_LEN)
			ret = bad(&r, "the line is longer than %d characters",
				  LINE_MAX_LEN);
		else if (memchr(line, '\0', len))
			ret = bad(&r, "the line has a zero byte");
		else
			ret = model_take_line(&r, line);
	}
	if (!ret && ferror(file))
		ret = fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
	ret = ret ? ret : check_whole(&r);
	free(line);
	fclose(file);
	if (ret) {
		fault_hint(f, "bpfwd calibrate run FILE");
		model_free(m);
	}
	return ret;
}

static void write_entry(FILE *out, const struct model_entry *entry)
{
	struct model_entry e = *entry;
	char key[128], ns[NS_LEN];

	fprintf(out, "%s best_ns=%s", model_key(&e, key, sizeof(key)),
		model_ns(e.best_ps, ns));
	fprintf(out, " worst_ns=%s",
		e.worst_ps == MODEL_UNBOUNDED ? UNBOUNDED :
						model_ns(e.worst_ps, ns));
	if (e.measured && e.mean_ps)
		fprintf(out, " mean_ns=%s", model_ns(e.mean_ps, ns));
	if (e.per_unit_ps)
		fprintf(out, " per_unit_ns=%s", model_ns(e.per_unit_ps, ns));
	if (e.best_per_unit_ps != e.per_unit_ps)
		fprintf(out, " best_per_unit_ns=%s",
			model_ns(e.best_per_unit_ps, ns));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (*count_of(&e, i))
			fprintf(out, " %s=%u", counts[i].name,
				*count_of(&e, i));
	if (e.outlier_max_ps)
		fprintf(out, " outlier_max_ns=%s",
			model_ns(e.outlier_max_ps, ns));
	for (int i = 2; i <= MODEL_CPUS_MAX; i++)
		if (e.cpus_pct[i])
			fprintf(out, " cpus%d_pct=%u", i, e.cpus_pct[i]);
	if (!e.measured)
		fprintf(out, " default \"%s\"", e.reason);
	fputc('\n', out);
}

static int model_write_all(const struct model *m, FILE *out)
{
	struct model head = *m;

	fprintf(out, "version %d\n", MODEL_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		fprintf(out, "%s %s\n", heads[i].name,
			(char *)m + heads[i].offset);
	for (size_t i = 0; i < ARRAY_SIZE(head_counts); i++)
		fprintf(out, "%s %u\n", head_counts[i].name,
			*head_count(&head, i));
	for (size_t i = 0; i < m->n; i++)
		write_entry(out, &m->entries[i]);
	return fflush(out) ? -errno : 0;
}

int model_write(const struct model *m, const char *path, struct fault *f)
{
	char tmp[512];
	FILE *out;
	int fd, err;

	if (!strcmp(path, "-"))
		return model_write_all(m, stdout) ?
			       fault_set(f, EXIT_FAILED, errno,
					 "cannot write the model") :
			       0;
	snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		fault_set(f, EXIT_FAILED, errno, "cannot write %s", tmp);
		if (fd >= 0) {
			close(fd);
			unlink(tmp);
		}
		return f->exit;
	}
	fchmod(fd, 0644);
	err = model_write_all(m, out);
	if (fclose(out) && !err)
		err = -errno;
	if (!err && rename(tmp, path))
		err = -errno;
	if (!err)
		return 0;
	unlink(tmp);
	return fault_set(f, EXIT_FAILED, err, "cannot write %s", path);
}

void model_stamp(struct model *m)
{
	const char *icount = getenv("BPFWD_VM_ICOUNT");
	time_t now = time(NULL);
	struct tm tm;
	FILE *f;

	machine_here(&m->of);
	strftime(m->date, sizeof(m->date), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&now, &tm));
	m->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(m->clock, sizeof(m->clock), "unknown");
	f = fopen("/sys/devices/system/clocksource/clocksource0/"
		  "current_clocksource",
		  "re");
	if (f && fgets(m->clock, 16, f))
		m->clock[strcspn(m->clock, "\n")] = '\0';
	if (f)
		fclose(f);
	/* one instruction is one ns: no machine has this clock but the VM */
	if (icount && strcmp(icount, "0") && strcmp(icount, ""))
		strcat(m->clock, ",icount");
}
