// SPDX-License-Identifier: GPL-2.0
/* Reads a policy file: libcyaml checks it against the schema below, which is all
 * of the format; verify.c what no schema can say.
 */
#include <ctype.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "policy/priv.h"
#include "show/fault.h"

#define STRICT_OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define PTR_OPT (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_strval_t modes[] = {
	{ "off", POLICY_OFF },
	{ "monitor", POLICY_MONITOR },
	{ "enforce", POLICY_ENFORCE },
};

static const cyaml_strval_t charges[] = {
	{ "worst", POLICY_WORST },
	{ "measured", POLICY_MEASURED },
};

static const cyaml_strval_t tails[] = {
	{ "unbounded", POLICY_TAILS_UNBOUNDED },
	{ "entries", POLICY_TAILS_ENTRIES },
};

static const cyaml_strval_t verdicts[] = {
	{ "deny", POLICY_DENY },
	{ "warn", POLICY_WARN },
	{ "allow", POLICY_ALLOW },
};

static const cyaml_strval_t exceeds[] = {
	{ "deny", POLICY_DENY },
	{ "warn", POLICY_WARN },
};

static const cyaml_strval_t existings[] = {
	{ "warn", POLICY_WARN },
	{ "keep", POLICY_ALLOW },
	{ "detach", POLICY_DENY },
};

static const cyaml_strval_t overruns[] = {
	{ "kill", POLICY_KILL },
	{ "warn", POLICY_KILL_WARN },
	{ "detach", POLICY_DETACH },
};

static const cyaml_strval_t on_shares[] = {
	{ "throttle", POLICY_THROTTLE },
	{ "warn", POLICY_SHARE_WARN },
	{ "quarantine", POLICY_SHARE_QUARANTINE },
	{ "detach", POLICY_SHARE_DETACH },
};

static const cyaml_strval_t froms[] = {
	{ "latency", POLICY_FROM_LATENCY },
	{ "budget", POLICY_FROM_BUDGET },
};

/* Empty texts are refused with a better message later. */
#define TEXT(key, flags, type, member)                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, \
			       member, 0, 4096)
#define WORD(key, type, member, words)                         \
	CYAML_FIELD_ENUM(key, STRICT_OPT, type, member, words, \
			 ARRAY_SIZE(words))

#define SHARE(type)                                                          \
	TEXT("max_cpu", CYAML_FLAG_OPTIONAL, type, share.max_cpu),           \
		TEXT("max_time", CYAML_FLAG_OPTIONAL, type, share.max_time), \
		WORD("on_share", type, share.on_share, on_shares)

static const cyaml_schema_field_t defaults_fields[] = {
	WORD("charge", struct policy_defaults, charge, charges),
	WORD("tail_calls", struct policy_defaults, tail_calls, tails),
	WORD("unbounded", struct policy_defaults, unbounded, verdicts),
	WORD("existing", struct policy_defaults, existing, existings),
	TEXT("max_stop", CYAML_FLAG_OPTIONAL, struct policy_defaults,
	     max_stop.text),
	TEXT("budget", CYAML_FLAG_OPTIONAL, struct policy_defaults,
	     budget.text),
	WORD("on_overrun", struct policy_defaults, on_overrun, overruns),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t hook_fields[] = {
	TEXT("match", 0, struct policy_hook, match),
	TEXT("max_latency", CYAML_FLAG_OPTIONAL, struct policy_hook,
	     max_latency.text),
	CYAML_FIELD_UINT_PTR("max_programs", PTR_OPT, struct policy_hook,
			     max_programs),
	CYAML_FIELD_BOOL("deny", CYAML_FLAG_OPTIONAL, struct policy_hook, deny),
	TEXT("max_stop", CYAML_FLAG_OPTIONAL, struct policy_hook,
	     max_stop.text),
	WORD("unbounded", struct policy_hook, unbounded, verdicts),
	TEXT("budget", CYAML_FLAG_OPTIONAL, struct policy_hook, budget.text),
	SHARE(struct policy_hook),
	WORD("on_exceed", struct policy_hook, on_exceed, exceeds),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t root_value = { CYAML_VALUE_STRING(
	CYAML_FLAG_POINTER, char, 0, 4096) };

static const cyaml_schema_field_t graph_fields[] = {
	TEXT("name", 0, struct policy_graph, name),
	CYAML_FIELD_SEQUENCE_COUNT("roots", CYAML_FLAG_POINTER,
				   struct policy_graph, roots, n_roots,
				   &root_value, 1, 64),
	CYAML_FIELD_UINT("depth", CYAML_FLAG_OPTIONAL, struct policy_graph,
			 depth),
	TEXT("max_latency", CYAML_FLAG_OPTIONAL, struct policy_graph,
	     max_latency.text),
	TEXT("max_stop", CYAML_FLAG_OPTIONAL, struct policy_graph,
	     max_stop.text),
	WORD("unbounded", struct policy_graph, unbounded, verdicts),
	WORD("on_exceed", struct policy_graph, on_exceed, exceeds),
	WORD("on_missing", struct policy_graph, on_missing, exceeds),
	SHARE(struct policy_graph),
	CYAML_FIELD_END
};

#define WHO                                                                 \
	TEXT("uid", CYAML_FLAG_OPTIONAL, struct policy_match, uid),         \
		TEXT("cgroup", CYAML_FLAG_OPTIONAL, struct policy_match,    \
		     cgroup),                                               \
		TEXT("tag", CYAML_FLAG_OPTIONAL, struct policy_match, tag), \
		TEXT("user_ns", CYAML_FLAG_OPTIONAL, struct policy_match,   \
		     user_ns),                                              \
		TEXT("pid_ns", CYAML_FLAG_OPTIONAL, struct policy_match,    \
		     pid_ns),                                               \
		TEXT("token", CYAML_FLAG_OPTIONAL, struct policy_match,     \
		     token),                                                \
		TEXT("btf", CYAML_FLAG_OPTIONAL, struct policy_match, btf)

static const cyaml_schema_field_t match_fields[] = {
	TEXT("name", CYAML_FLAG_OPTIONAL, struct policy_match, name),
	TEXT("type", CYAML_FLAG_OPTIONAL, struct policy_match, type), WHO,
	CYAML_FIELD_END
};

static const cyaml_schema_field_t exempt_match_fields[] = {
	TEXT("name", CYAML_FLAG_OPTIONAL, struct policy_match, name),
	TEXT("type", CYAML_FLAG_OPTIONAL, struct policy_match, type),
	TEXT("comm", CYAML_FLAG_OPTIONAL, struct policy_match, comm), WHO,
	CYAML_FIELD_END
};

static const cyaml_schema_field_t quarantine_fields[] = {
	CYAML_FIELD_UINT("after", CYAML_FLAG_DEFAULT, struct policy_quarantine,
			 after),
	TEXT("window", CYAML_FLAG_OPTIONAL, struct policy_quarantine,
	     window.text),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t program_fields[] = {
	CYAML_FIELD_MAPPING("match", CYAML_FLAG_DEFAULT, struct policy_program,
			    match, match_fields),
	TEXT("budget", CYAML_FLAG_OPTIONAL, struct policy_program, budget.text),
	SHARE(struct policy_program),
	WORD("on_overrun", struct policy_program, on_overrun, overruns),
	CYAML_FIELD_MAPPING_PTR("quarantine", PTR_OPT, struct policy_program,
				quarantine, quarantine_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t together_fields[] = {
	TEXT("name", 0, struct policy_together, name),
	CYAML_FIELD_MAPPING("match", CYAML_FLAG_DEFAULT, struct policy_together,
			    match, match_fields),
	SHARE(struct policy_together), CYAML_FIELD_END
};

static const cyaml_schema_field_t exempt_fields[] = {
	CYAML_FIELD_MAPPING("match", CYAML_FLAG_DEFAULT, struct policy_exempt,
			    match, exempt_match_fields),
	CYAML_FIELD_FLAGS("from", CYAML_FLAG_STRICT, struct policy_exempt, from,
			  froms, ARRAY_SIZE(froms)),
	TEXT("reason", 0, struct policy_exempt, reason),
	TEXT("until", CYAML_FLAG_OPTIONAL, struct policy_exempt, until),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t hook_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_hook, hook_fields) };
static const cyaml_schema_value_t graph_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_graph, graph_fields) };
static const cyaml_schema_value_t program_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_program, program_fields) };
static const cyaml_schema_value_t together_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_together, together_fields) };
static const cyaml_schema_value_t exempt_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_exempt, exempt_fields) };

#define LIST(key, member, count, value)                                        \
	CYAML_FIELD_SEQUENCE_COUNT(key, PTR_OPT, struct policy, member, count, \
				   value, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t policy_fields[] = {
	CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct policy, version),
	TEXT("name", 0, struct policy, name),
	CYAML_FIELD_ENUM("mode", CYAML_FLAG_STRICT, struct policy, mode, modes,
			 ARRAY_SIZE(modes)),
	CYAML_FIELD_MAPPING_PTR("defaults", PTR_OPT, struct policy, defaults,
				defaults_fields),
	LIST("hooks", hooks, n_hooks, &hook_value),
	LIST("call_graphs", graphs, n_graphs, &graph_value),
	LIST("programs", programs, n_programs, &program_value),
	LIST("together", together, n_together, &together_value),
	LIST("exempt", exempt, n_exempt, &exempt_value),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t policy_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct policy, policy_fields) };

/* What libcyaml logs of an error: first what, then where, from inside out. */
struct report {
	char what[256];
	size_t line, column;
};

static void take_report(cyaml_log_t level, void *arg, const char *fmt,
			va_list ap)
{
	struct report *r = arg;
	char text[512];
	const char *at;
	int len;

	if (level < CYAML_LOG_ERROR)
		return;
	len = vsnprintf(text, sizeof(text), fmt, ap);
	while (len > 0 && (size_t)len < sizeof(text) && text[len - 1] == '\n')
		text[--len] = '\0';
	at = strstr(text, "(line: ");
	if (at) {
		if (!r->line)
			sscanf(at, "(line: %zu, column: %zu)", &r->line,
			       &r->column);
		return;
	}
	if (r->what[0] || strstr(text, "Backtrace"))
		return;
	at = strncmp(text, "Load: ", 6) ? text : text + 6;
	snprintf(r->what, sizeof(r->what), "%.250s", at);
}

static const cyaml_config_t config = {
	.log_fn = take_report,
	.log_level = CYAML_LOG_ERROR,
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

/* libcyaml names the place of the value before a key that it does not like, and of
 * the last value where one is missing.
 */
static void place(const struct marks *marks, cyaml_err_t err, struct report *r)
{
	const char *key = strrchr(r->what, ' ');

	if (err == CYAML_ERR_MAPPING_FIELD_MISSING)
		marks_mapping(marks, &r->line, &r->column);
	else if (key && (err == CYAML_ERR_INVALID_KEY ||
			 !strncmp(r->what, "Mapping field already seen", 26)))
		marks_key(marks, key + 1, &r->line, &r->column);
}

/* The words that the key of the value at this place may have: "off, monitor, enforce". */
static void words_of(const char *text, size_t len, const struct report *at,
		     char *words, size_t size)
{
	const cyaml_schema_field_t *const maps[] = {
		policy_fields, defaults_fields,	 hook_fields,
		graph_fields,  program_fields,	 together_fields,
		exempt_fields, quarantine_fields
	};
	const char *end = text + len, *from;
	size_t key = 0;

	*words = '\0';
	for (size_t line = 1; line < at->line; line++) {
		const char *newline = memchr(text, '\n', end - text);

		/* YAML has other ends of lines, too. */
		if (!newline)
			return;
		text = newline + 1;
	}
	from = text;
	if (at->column > (size_t)(end - text) || !at->column)
		return;
	text += at->column - 1;
	while (text > from && strchr(" :\"'", text[-1]))
		text--;
	for (; text > from &&
	       (isalnum((unsigned char)text[-1]) || text[-1] == '_');
	     key++)
		text--;
	for (size_t i = 0; !*words && i < ARRAY_SIZE(maps); i++)
		for (const cyaml_schema_field_t *m = maps[i]; m->key; m++) {
			if (m->value.type != CYAML_ENUM ||
			    strlen(m->key) != key || memcmp(m->key, text, key))
				continue;
			for (u32 k = 0; k < m->value.enumeration.count; k++)
				snprintf(words + strlen(words),
					 size - strlen(words), "%s%s",
					 k ? ", " : "",
					 m->value.enumeration.strings[k].str);
			break;
		}
}

static int schema_error(cyaml_err_t err, const struct report *r,
			const char *path, const char *words, struct fault *f)
{
	static const struct {
		cyaml_err_t err;
		const char *hint;
	} hints[] = {
		{ CYAML_ERR_INVALID_KEY, "bpfwd.policy(5) lists the keys" },
		{ CYAML_ERR_INVALID_VALUE, "bpfwd.policy(5) lists the values" },
		{ CYAML_ERR_MAPPING_FIELD_MISSING,
		  "bpfwd.policy(5) says which keys are needed" },
	};

	if (err == CYAML_ERR_OOM)
		return fault_set(f, EXIT_FAILED, ENOMEM, "cannot read %s",
				 path);
	fault_set(f, EXIT_USAGE, 0, "%s:%zu:%zu: %s", path,
		  r->line ? r->line : 1, r->column ? r->column : 1,
		  r->what[0] ? r->what : cyaml_strerror(err));
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (hints[i].err == err)
			fault_hint(f, "%s", hints[i].hint);
	if (*words)
		fault_why(f, "it is one of: %s", words);
	return f->exit;
}

int policy_parse(const char *text, size_t len, const char *path,
		 struct policy **policy, struct fault *f)
{
	struct report report = {};
	char words[128] = "";
	cyaml_config_t cfg = config;
	struct marks *marks;
	struct policy *p = NULL;
	cyaml_err_t err;
	int ret;

	*policy = NULL;
	if (len > POLICY_MAX_TEXT)
		return fault_set(f, EXIT_USAGE, EFBIG,
				 "%s: a policy has at most %d bytes", path,
				 POLICY_MAX_TEXT);
	ret = marks_load(&marks, text, len, path, f);
	if (ret)
		return ret;
	cfg.log_ctx = &report;
	err = cyaml_load_data((const uint8_t *)text, len, &cfg, &policy_value,
			      (cyaml_data_t **)&p, NULL);
	if (err != CYAML_OK) {
		place(marks, err, &report);
		marks_free(marks);
		if (err == CYAML_ERR_INVALID_VALUE && report.line)
			words_of(text, len, &report, words, sizeof(words));
		return schema_error(err, &report, path, words, f);
	}
	p->path = strdup(path);
	ret = p->path ?
		      policy_verify(p, marks, f) :
		      fault_set(f, EXIT_FAILED, ENOMEM, "cannot read %s", path);
	marks_free(marks);
	if (ret)
		policy_free(p);
	else
		*policy = p;
	return ret;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->path);
	for (u32 i = 0; i < policy->n_hooks; i++)
		free(policy->hooks[i].written);
	cyaml_free(&config, &policy_value, policy, 0);
}

int policy_read(const char *path, struct policy **policy, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	*policy = NULL;
	if (fd < 0)
		return fault_set(f, errno == EACCES ? EXIT_LACKS : EXIT_FAILED,
				 errno, "cannot read policy %s", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		ret = fault_set(f, EXIT_FAILED, EINVAL, "%s is no regular file",
				path);
		goto out;
	}
	text = malloc(POLICY_MAX_TEXT + 1);
	if (!text) {
		ret = fault_set(f, EXIT_FAILED, ENOMEM, "cannot read %s", path);
		goto out;
	}
	while (len <= POLICY_MAX_TEXT && n > 0) {
		n = read(fd, text + len, POLICY_MAX_TEXT + 1 - len);
		if (n > 0)
			len += n;
	}
	ret = n < 0 ? fault_set(f, EXIT_FAILED, errno, "cannot read policy %s",
				path) :
		      policy_parse(text, len, path, policy, f);
out:
	free(text);
	close(fd);
	return ret;
}

static const char *word(const cyaml_strval_t *words, size_t n, int64_t val)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].val == val)
			return words[i].str;
	return "unknown";
}

const char *policy_mode_name(enum policy_mode mode)
{
	return word(modes, ARRAY_SIZE(modes), mode);
}

const char *policy_verdict_name(enum policy_verdict verdict)
{
	return word(verdicts, ARRAY_SIZE(verdicts), verdict);
}

const char *policy_overrun_name(enum policy_overrun overrun)
{
	return word(overruns, ARRAY_SIZE(overruns), overrun);
}
