// SPDX-License-Identifier: GPL-2.0
/* Names of hooks. The kernel's policy gate spells them as SEC() does, but for variants of
 * programs (sleepable, multi, fragments), and with the device where there is one. All hooks
 * in a function, at a tracepoint and at an offset of a file are one place.
 */
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/hook.h"
#include "progs/sections.h"

#define EVENTS "/sys/kernel/tracing/events/"

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

char *hook_spelled(const char *pattern)
{
	char *hook = section_hook(pattern, "*"), *plus;

	/* an offset of a function is in its place, that of a file is its own */
	plus = hook ? strrchr(hook, '+') : NULL;
	if (plus && (begins(hook, "uprobe/") || begins(hook, "uretprobe/")))
		*plus = ':';
	else if (plus && strchr(hook, '/'))
		*plus = '\0';
	return hook;
}

/* ---- Functions ---- */

struct function {
	char *name;
	const char *first; /* at its address: by which the kernel calls it */
	const char *place; /* see function_place(); NULL: not looked for yet */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct function *)a)->name,
		      ((const struct function *)b)->name);
}

/* The kernel's functions, sorted; NULL: it does not tell them. */
static const struct function *functions(size_t *n)
{
	static struct function *all;
	static char pieces[65536];
	static size_t count;
	size_t room = 0;
	unsigned long addr, last = 0;
	const char *first = NULL;
	char line[512], *name;
	FILE *f = all ? NULL : fopen("/proc/kallsyms", "re");

	/* In pieces of the size that stdio has for it, this takes six times as long. */
	if (f)
		setvbuf(f, pieces, _IOFBF, sizeof(pieces));
	while (f && fgets(line, sizeof(line), f)) {
		/* programs come last, and each takes the longer the more there are */
		if (strstr(line, "\t[bpf]"))
			break;
		/* "ffffffff81000000 T _text\t[module]"; sscanf() takes as long as all else */
		addr = strtoul(line, &name, 16);
		if (name == line || !name[0] || !name[1] ||
		    !strchr("tTwW", name[1]))
			continue;
		name += 3;
		name[strcspn(name, "\t\n")] = '\0';
		if (count == room) {
			struct function *more = realloc(
				all, (room = 2 * room + 1024) * sizeof(*all));

			if (!more)
				break;
			all = more;
		}
		all[count].name = strdup(name);
		if (!all[count].name)
			break;
		/* those at one address are together; 0: it is not told */
		if (!addr || addr != last)
			first = all[count].name;
		last = addr;
		all[count].place = NULL;
		all[count++].first = first;
	}
	if (f) {
		fclose(f);
		if (count)
			qsort(all, count, sizeof(*all), by_name);
	}
	*n = count;
	return all;
}

static const struct function *function_find(const char *name)
{
	const struct function key = { .name = (char *)name }, *all;
	size_t n;

	all = functions(&n);
	return all ? bsearch(&key, all, n, sizeof(*all), by_name) : NULL;
}

/* ---- Places ---- */

static const char *const function_kinds[] = {
	"kprobe/", "kretprobe/", "fentry/",
	"fexit/",  "fmod_ret/",	 "breakpoint/",
};
static const char *const tracepoint_kinds[] = { "raw_tp/", "tp_btf/" };
static const char *const file_kinds[] = { "uprobe/", "uretprobe/" };

/* The end of the name behind one of the kinds, NULL: it is of none. */
static const char *behind(const char *hook, const char *const *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins(hook, kinds[i]))
			return hook + strlen(kinds[i]);
	return NULL;
}

#define BEHIND(hook, kinds) behind(hook, kinds, ARRAY_SIZE(kinds))
#define MAX_NAMES 100

/* All names of the place where a hook is, the hook's own first. */
struct names {
	char text[MAX_NAMES][320];
	size_t n;
};

static void add_name(struct names *names, const char *kind, const char *rest,
		     int len)
{
	if (names->n < MAX_NAMES)
		snprintf(names->text[names->n++], sizeof(names->text[0]),
			 "%s%.*s", kind, len, rest);
}

static void add_names(struct names *names, const char *const *kinds, size_t n,
		      const char *rest, int len)
{
	for (size_t i = 0; i < n; i++)
		add_name(names, kinds[i], rest, len);
}

/* A function as the kernel calls its place: by the first name at its address, without an
 * offset and without what the compiler has added for a copy or a part.
 */
static void function_place(const char *name, char *place, size_t size)
{
	const struct function *f;

	snprintf(place, size, "%.*s", (int)strcspn(name, "+"), name);
	/* a name may begin with a dot, none has one in it */
	if (*place)
		place[1 + strcspn(place + 1, ".")] = '\0';
	f = function_find(place);
	if (f)
		snprintf(place, size, "%.*s", (int)strcspn(f->first, "."),
			 f->first);
}

static int by_place(const void *a, const void *b)
{
	return strcmp((*(const struct function *const *)a)->place,
		      (*(const struct function *const *)b)->place);
}

/* All functions, in the order of their places. */
static const struct function **places(size_t *n)
{
	static const struct function **all;
	struct function *f;
	char place[300];

	f = (struct function *)functions(n);
	if (all || !f)
		return all;
	all = calloc(*n, sizeof(*all));
	if (!all)
		return NULL;
	for (size_t i = 0; i < *n; i++) {
		function_place(f[i].name, place, sizeof(place));
		f[i].place = strcmp(place, f[i].name) ? strdup(place) :
							f[i].name;
		if (!f[i].place)
			f[i].place = f[i].name;
		all[i] = &f[i];
	}
	qsort(all, *n, sizeof(*all), by_place);
	return all;
}

static void add_function(struct names *names, const char *func, int len)
{
	add_names(names, function_kinds, ARRAY_SIZE(function_kinds), func, len);
	if (begins(func, "bpf_lsm_"))
		add_name(names, "lsm/", func + 8, len - 8);
}

/* All names of the function at the place of this one, each once. */
static void add_names_of_function(struct names *names, const char *func)
{
	char own[300], place[300];
	const struct function key = { .place = place }, *wanted = &key;
	const struct function **all, **at;
	size_t n;

	snprintf(own, sizeof(own), "%.*s", (int)strcspn(func, "+"), func);
	function_place(own, place, sizeof(place));
	add_function(names, own, strlen(own));
	if (strcmp(place, own))
		add_function(names, place, strlen(place));
	all = places(&n);
	at = all ? bsearch(&wanted, all, n, sizeof(*all), by_place) : NULL;
	while (at && at > all && !strcmp(at[-1]->place, place))
		at--;
	for (; at && at < all + n && !strcmp((*at)->place, place); at++)
		if (strcmp((*at)->name, own) && strcmp((*at)->name, place))
			add_function(names, (*at)->name, strlen((*at)->name));
}

/* The events of a tracepoint: "tp/sched/sched_switch". */
static void hook_add_event(struct names *names, const char *tracepoint)
{
	char pattern[300];
	glob_t found = {};

	snprintf(pattern, sizeof(pattern), EVENTS "*/%.250s", tracepoint);
	if (!glob(pattern, GLOB_NOSORT, NULL, &found))
		add_name(names, "tp/", found.gl_pathv[0] + strlen(EVENTS), 250);
	globfree(&found);
}

/* Those that a pattern may fit: which event a tracepoint has takes a look at tracefs. */
static void names_of(const char *hook, const char *pattern, struct names *names)
{
	const char *at;

	names->n = 0;
	add_name(names, "", hook, 300);
	at = BEHIND(hook, function_kinds);
	if (at) {
		add_names_of_function(names, at);
	} else if (begins(hook, "lsm/")) {
		char func[300];

		snprintf(func, sizeof(func), "bpf_lsm_%.250s", hook + 4);
		add_names(names, function_kinds, ARRAY_SIZE(function_kinds),
			  func, strlen(func));
	} else if ((at = BEHIND(hook, file_kinds))) {
		add_names(names, file_kinds, ARRAY_SIZE(file_kinds), at,
			  strlen(at));
	} else if ((at = BEHIND(hook, tracepoint_kinds))) {
		add_names(names, tracepoint_kinds, ARRAY_SIZE(tracepoint_kinds),
			  at, strlen(at));
		if (strchr("t*?[\\", *pattern))
			hook_add_event(names, at);
	} else if (begins(hook, "tp/") && strchr(hook + 3, '/')) {
		at = strrchr(hook, '/') + 1;
		add_names(names, tracepoint_kinds, ARRAY_SIZE(tracepoint_kinds),
			  at, strlen(at));
	}
}

/* Most names differ before the first sign of the pattern. */
static bool name_fits(const char *pattern, const char *name)
{
	while (*pattern == *name && *pattern != '*' && *pattern != '?' &&
	       *pattern != '[' && *pattern != '\\') {
		if (!*pattern)
			return true;
		pattern++;
		name++;
	}
	return (*pattern == '*' || *pattern == '?' || *pattern == '[' ||
		*pattern == '\\') &&
	       !fnmatch(pattern, name, 0);
}

bool hook_fits(const char *pattern, const char *hook)
{
	/* Of the last hook, without its event and with: rules are tried one after the other. */
	static struct names all[2];
	static char names_are_of[2][320];
	bool event = strchr("t*?[\\", *pattern);
	struct names *names = &all[event];

	if (strcmp(names_are_of[event], hook)) {
		names_of(hook, pattern, names);
		snprintf(names_are_of[event], sizeof(names_are_of[event]), "%s",
			 hook);
	}
	for (size_t i = 0; i < names->n; i++)
		if (name_fits(pattern, names->text[i]))
			return true;
	return false;
}

/* The same for all hooks that are at one place. */
static void place_of(const char *hook, char *place, size_t size)
{
	const char *at = BEHIND(hook, function_kinds);

	if (at) {
		char func[300];

		function_place(at, func, sizeof(func));
		snprintf(place, size, "kprobe/%s", func);
	} else if (begins(hook, "lsm/"))
		snprintf(place, size, "kprobe/bpf_lsm_%s", hook + 4);
	else if ((at = BEHIND(hook, file_kinds)))
		snprintf(place, size, "uprobe/%s", at);
	else if ((at = BEHIND(hook, tracepoint_kinds)))
		snprintf(place, size, "raw_tp/%s", at);
	else if (begins(hook, "tp/") && strchr(hook + 3, '/'))
		snprintf(place, size, "raw_tp/%s", strrchr(hook, '/') + 1);
	else
		snprintf(place, size, "%s", hook);
}

/* The same, kept: each hook is asked for as often as there are others. */
static const char *kept_place_of(const char *hook)
{
	static struct {
		char hook[320], place[320];
	} kept[4096];
	unsigned int hash = 5381;

	for (const char *p = hook; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	hash %= ARRAY_SIZE(kept);
	if (strcmp(kept[hash].hook, hook)) {
		place_of(hook, kept[hash].place, sizeof(kept[hash].place));
		snprintf(kept[hash].hook, sizeof(kept[hash].hook), "%s", hook);
	}
	return kept[hash].place;
}

bool hook_same_place(const char *a, const char *b)
{
	/* Of the last one: all are compared with one, one after the other. */
	static char last[320], of_b[320];

	if (!strcmp(a, b))
		return true;
	if (strcmp(last, b)) {
		snprintf(last, sizeof(last), "%s", b);
		place_of(b, of_b, sizeof(of_b));
	}
	return !strcmp(kept_place_of(a), of_b);
}

const char *hook_whole(const char *hook)
{
	if (begins(hook, "tp/syscalls/sys_enter_"))
		return "tp/raw_syscalls/sys_enter";
	if (begins(hook, "tp/syscalls/sys_exit_"))
		return "tp/raw_syscalls/sys_exit";
	return NULL;
}

bool hook_of_group(const char *hook)
{
	return begins(hook, "cgroup_skb/") || begins(hook, "cgroup/") ||
	       begins(hook, "lsm_cgroup/") || !strcmp(hook, "sockops");
}

bool hook_covered(const char *wide, const char *narrow)
{
	/* A star stands for what is a star in the other one; no other sign does. */
	return hook_fits(wide, narrow) && !strpbrk(wide, "?[\\");
}

/* ---- What there is ---- */

static bool kind_exists(const char *pattern)
{
	char kind[BPF_POLICY_HOOK_LEN];

	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(pattern, "/"),
		 pattern);
	return section_kind_fits(kind);
}

/* Is there a function of this name, perhaps with a suffix of the compiler? */
static bool function_exists(const char *glob)
{
	size_t n;
	const struct function *all = functions(&n);

	if (!all)
		return true;
	if (!strpbrk(glob, "*?[\\"))
		return function_find(glob);
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(glob, all[i].name, 0))
			return true;
	return false;
}

/* tracefs may not be there. */
static bool event_exists(const char *events)
{
	char pattern[300];
	glob_t found = {};
	bool exists;

	if (glob(EVENTS "*", GLOB_NOSORT, NULL, &found))
		return true;
	globfree(&found);
	snprintf(pattern, sizeof(pattern), EVENTS "%.250s", events);
	exists = !glob(pattern, GLOB_NOSORT, NULL, &found);
	globfree(&found);
	return exists;
}

bool hook_exists(const char *pattern)
{
	const char *at = BEHIND(pattern, function_kinds);

	if (at)
		return function_exists(at);
	if (begins(pattern, "lsm/")) {
		char func[300];

		snprintf(func, sizeof(func), "bpf_lsm_%.250s", pattern + 4);
		return function_exists(func);
	}
	if (begins(pattern, "tp/"))
		return event_exists(pattern + 3);
	return kind_exists(pattern);
}
