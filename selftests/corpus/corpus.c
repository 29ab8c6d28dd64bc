// SPDX-License-Identifier: GPL-2.0
/*
 * Kill everywhere: each object in a process of its own, that may crash or take too
 * long; after each, everything that it loaded has to be gone, and the kernel log
 * has to be clean.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <glob.h>
#include <libgen.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "corpus/corpus.h"
#include "harness/log.h"
#include "harness/process.h"

#define OBJECT_TIMEOUT_S 600
#define GONE_TIMEOUT_S \
	60 /* an arena takes 15 s to go, with DEBUG_OBJECTS_FREE */
#define PERIOD_MIN_US "100"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define CGROUP "/sys/fs/cgroup/bpfwd-corpus"

/* --- What must be as before -------------------------------------------------------------------- */

struct left {
	long progs, maps, btfs, links, dying_cgroups;
};

static long count_ids(int (*next)(__u32, __u32 *))
{
	__u32 id = 0;
	long n = 0;

	while (!next(id, &id))
		n++;
	return n;
}

static long number_after(const char *path, const char *key)
{
	static char text[16384];
	const char *p;

	if (file_read(path, text, sizeof(text)))
		return 0;
	p = strstr(text, key);
	return p ? strtol(p + strlen(key), NULL, 10) : 0;
}

static struct left count_left(void)
{
	return (struct left){
		count_ids(bpf_prog_get_next_id),
		count_ids(bpf_map_get_next_id),
		count_ids(bpf_btf_get_next_id),
		count_ids(bpf_link_get_next_id),
		number_after("/sys/fs/cgroup/cgroup.stat",
			     "nr_dying_descendants "),
	};
}

static bool nothing_left(void *arg)
{
	const struct left *before = arg;
	struct left now = count_left();

	return now.progs <= before->progs && now.maps <= before->maps &&
	       now.btfs <= before->btfs && now.links <= before->links &&
	       now.dying_cgroups <= before->dying_cgroups;
}

/* What the kernel uses for itself, KB. */
static long kernel_memory_kb(void)
{
	static const char *const fields[] = { "SUnreclaim:", "Percpu:",
					      "VmallocUsed:", "KernelStack:" };
	long sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		sum += number_after("/proc/meminfo", fields[i]);
	return sum;
}

static unsigned int kmemleak_reports(bool show)
{
	FILE *f = fopen(KMEMLEAK, "re");
	unsigned int n = 0;
	char line[500];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "unreferenced object", 19))
			n++;
		if (show && n <= 5)
			printf("# %s", line);
	}
	if (f)
		fclose(f);
	return n;
}

/*
 * The number of objects that nothing refers to; those of before are dropped. A reference
 * that moves during a scan is missed by it: what is lost is lost in three scans.
 */
unsigned int kmemleak(bool show)
{
	unsigned int n, scans;

	if (access(KMEMLEAK, F_OK))
		return 0;
	file_write(KMEMLEAK, "scan");
	for (n = 1, scans = 0; n && scans < 3; scans++) {
		sleep(6); /* objects younger than 5 s are not reported */
		file_write(KMEMLEAK, "scan");
		n = kmemleak_reports(false);
	}
	if (show && n)
		kmemleak_reports(true);
	file_write(KMEMLEAK, "clear");
	return n;
}

/* --- One object -------------------------------------------------------------------------------- */

static void run_child(const struct corpus_opts *opts, const char *path,
		      struct corpus_object *result)
{
	prepare_process();
	file_write(CGROUP "/cgroup.procs", "0");
	libbpf_set_print(NULL);
	corpus_do_object(opts, path, result);
	fflush(stdout);
	_exit(nr_failures ? TEST_FAIL : TEST_PASS);
}

/* The trigger is set for one program at a time, and holds it. */
static void release_trigger(void)
{
	__u32 id = 0;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		wd_end_at(fd, 0);
		close(fd);
	}
}

/* Its wait status: a signal if it crashed or hung, TEST_FAIL if a check has failed. */
static int run_object(const struct corpus_opts *opts, const char *path,
		      struct corpus_object *result)
{
	uint64_t end = now_ns() + OBJECT_TIMEOUT_S * NSEC_PER_SEC;
	const struct timespec pause = { .tv_nsec = 2000000 };
	int status = -1;
	pid_t pid;

	memset(result, 0, sizeof(*result));
	fflush(stdout);
	mkdir(CGROUP, 0700);
	pid = fork();
	if (!pid)
		run_child(opts, path, result);
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		nanosleep(&pause, NULL);
		if (now_ns() > end) {
			printf("# %s: no end after %d s\n", path,
			       OBJECT_TIMEOUT_S);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	rmdir(CGROUP);
	return status;
}

static const char *type_name(__u32 type)
{
	return libbpf_bpf_prog_type_str(type) ?: "unknown";
}

static const char *const terminable_names[] = {
	[BPF_TERMINABLE_UNKNOWN] = "unknown",
	[BPF_TERMINABLE_YES] = "yes",
	[BPF_TERMINABLE_NOT_NEEDED] = "not_needed",
	[BPF_TERMINABLE_WHEN_ENABLED] = "when_enabled",
	[BPF_TERMINABLE_CONDITIONAL] = "conditional",
	[BPF_TERMINABLE_NO_CLASSIC] = "no_classic",
	[BPF_TERMINABLE_NO_JIT] = "no_jit",
	[BPF_TERMINABLE_NO_OFFLOAD] = "no_offload",
	[BPF_TERMINABLE_NO_MEMORY] = "no_memory",
	[BPF_TERMINABLE_NO_CONGRUENCE] = "no_congruence",
	[BPF_TERMINABLE_NO_SYMBOL] = "no_symbol",
};

static const char *terminable_name(__u32 t)
{
	return t < ARRAY_SIZE(terminable_names) && terminable_names[t] ?
		       terminable_names[t] :
		       "unknown";
}

static void write_rows(const struct corpus_opts *opts, const char *name,
		       const struct corpus_object *res, bool died,
		       unsigned int splats, unsigned int leaks)
{
	FILE *f = opts->rows ? fopen(opts->rows, "ae") : NULL;
	__u32 i;

	if (f) {
		fprintf(f,
			"{\"object\":\"%s\",\"opened\":%s,\"died\":%s,\"splats\":%u,\"leaks\":%u,\"programs\":[",
			name, res->opened ? "true" : "false",
			died ? "true" : "false", splats, leaks);
		for (i = 0; i < res->nr_progs; i++) {
			const struct corpus_prog *p = &res->progs[i];

			fprintf(f,
				"%s{\"program\":\"%s\",\"type\":\"%s\",\"loaded\":%s,\"driven\":%s,\"cut_short\":%s,\"terminable\":\"%s\",\"may_loop\":%d,\"calls\":%u,\"at_calls\":%llu,\"at_calls_distinct\":%llu,\"anywhere\":%llu,\"anywhere_distinct\":%llu}",
				i ? "," : "", p->name, type_name(p->type),
				p->loaded ? "true" : "false",
				p->driven ? "true" : "false",
				p->cut_short ? "true" : "false",
				p->loaded ? terminable_name(p->terminable) : "",
				p->may_loop, p->calls, p->at_calls,
				p->at_calls_distinct, p->anywhere,
				p->anywhere_distinct);
		}
		fprintf(f, "]}\n");
		fclose(f);
	}
	f = opts->classes ? fopen(opts->classes, "ae") : NULL;
	if (!f)
		return;
	for (i = 0; i < res->nr_calls; i++)
		fprintf(f, "%s\t%s\t%u\t%s/%s\n", res->calls[i].target,
			res->calls[i].class, res->calls[i].sites, name,
			res->calls[i].program);
	fclose(f);
}

static void add_up(struct corpus_totals *t, const struct corpus_object *res)
{
	__u32 i;

	t->objects++;
	t->opened += res->opened;
	t->programs += res->nr_progs;
	for (i = 0; i < res->nr_progs; i++) {
		const struct corpus_prog *p = &res->progs[i];

		if (!p->loaded)
			continue;
		t->loaded++;
		t->driven += p->driven;
		t->cut_short += p->cut_short;
		t->missed += p->driven && !p->at_calls && !p->anywhere;
		if (p->terminable < ARRAY_SIZE(t->reasons))
			t->reasons[p->terminable]++;
		t->can_overrun += p->terminable != BPF_TERMINABLE_NOT_NEEDED;
		t->terminable += p->terminable == BPF_TERMINABLE_YES ||
				 p->terminable == BPF_TERMINABLE_CONDITIONAL;
		t->at_calls += p->at_calls;
		t->at_calls_distinct += p->at_calls_distinct;
		t->anywhere += p->anywhere;
		t->anywhere_distinct += p->anywhere_distinct;
	}
}

/* If the kernel dies, this is how one knows in which object. */
static void note_object(const struct corpus_opts *opts, const char *name)
{
	char path[4096];
	FILE *f;

	if (!opts->rows)
		return;
	snprintf(path, sizeof(path), "%s.now", opts->rows);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "%s\n", name);
	fclose(f);
}

static void write_end(const struct corpus_opts *opts, unsigned int leaks,
		      long before_kb, long after_kb)
{
	FILE *f = opts->rows ? fopen(opts->rows, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "{\"kmemleak\":%u,\"before_kb\":%ld,\"after_kb\":%ld}\n",
		leaks, before_kb, after_kb);
	fclose(f);
}

static void do_object(const struct corpus_opts *opts, const char *path,
		      bool scan, struct corpus_object *result,
		      struct corpus_totals *totals)
{
	struct left before = count_left(), after;
	char *copy = strdup(path), *name = basename(copy);
	unsigned int splats = 0, leaks = 0;
	int status;

	if (scan)
		log_name(name);
	note_object(opts, name);
	status = run_object(opts, path, result);
	if (WIFSIGNALED(status)) {
		printf("# %s: its process was ended by %s\n", name,
		       strsignal(WTERMSIG(status)));
		totals->died++;
		release_trigger();
	} else if (status) {
		printf("# FAIL %s: something is not as it was before\n", name);
		leaks = 1;
	}
	if (!wait_until(nothing_left, &before, GONE_TIMEOUT_S * NSEC_PER_SEC)) {
		after = count_left();
		printf("# FAIL %s left %ld programs, %ld maps, %ld BTF, %ld links, %ld cgroups\n",
		       name, after.progs - before.progs,
		       after.maps - before.maps, after.btfs - before.btfs,
		       after.links - before.links,
		       after.dying_cgroups - before.dying_cgroups);
		leaks = 1;
	}
	if (scan)
		splats = log_scan();
	if (splats)
		printf("# FAIL %s: %u lines in the kernel log\n", name, splats);
	totals->splats += splats;
	totals->leaks += leaks;
	add_up(totals, result);
	write_rows(opts, name, result, WIFSIGNALED(status), splats, leaks);
	free(copy);
}

/* --- All objects ------------------------------------------------------------------------------- */

/* Is there a line that begins with @prefix and then @name? */
static bool listed(const char *file, const char *prefix, const char *name)
{
	char *line = NULL;
	size_t size = 0, len = strlen(prefix);
	bool found = false;
	FILE *f = fopen(file, "re");

	while (f && !found && getline(&line, &size, f) > 0) {
		size_t n = strlen(name);

		found = !strncmp(line, prefix, len) &&
			!strncmp(line + len, name, n) &&
			(line[len + n] == '\n' || line[len + n] == '"' ||
			 line[len + n] == ' ' || !line[len + n]);
	}
	if (f)
		fclose(f);
	free(line);
	return found;
}

static bool wanted(const struct corpus_opts *opts, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	if ((opts->glob && fnmatch(opts->glob, name, 0)) ||
	    (opts->names && !listed(opts->names, "", name)) ||
	    (opts->rows && listed(opts->rows, "{\"object\":\"", name)))
		return false;
	if (!access(KMEMLEAK, F_OK) &&
	    listed(SELFTESTS_DIR "/corpus/leaky.list", "", name)) {
		diag("%s is left out: it leaks on the unpatched kernel, too",
		     name);
		return false;
	}
	return true;
}

void corpus_run(const struct corpus_opts *opts, bool scan,
		struct corpus_totals *totals)
{
	struct corpus_object *result;
	char pattern[4096];
	glob_t objects = {};
	unsigned int leaks;
	long before, after;
	size_t i;

	memset(totals, 0, sizeof(*totals));
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(result != MAP_FAILED, "mmap: %m");
	if (wd_end_any(true))
		diag("no bpf_watchdog/end_any: only what can overrun is ended");
	if (!opts->bounds)
		wd_enable(1000000000);
	wd_sysctl_set("bpf_watchdog_period_us", PERIOD_MIN_US);
	kmemleak(false);
	if (scan)
		log_mark("corpus");
	before = kernel_memory_kb();
	snprintf(pattern, sizeof(pattern), "%s/*.bpf.o", opts->dir);
	glob(pattern, 0, NULL, &objects);
	for (i = 0; i < objects.gl_pathc; i++) {
		if (!wanted(opts, objects.gl_pathv[i]))
			continue;
		do_object(opts, objects.gl_pathv[i], scan, result, totals);
		if (verbose)
			diag("%zu/%zu %s: %llu kill points so far", i + 1,
			     objects.gl_pathc, basename(objects.gl_pathv[i]),
			     totals->at_calls + totals->anywhere);
	}
	globfree(&objects);
	wd_end_any(false);
	wd_disable();
	leaks = kmemleak(true);
	totals->leaks += leaks;
	after = kernel_memory_kb();
	write_end(opts, leaks, before, after);
	diag("kernel memory: %ld KB before, %ld KB after", before, after);
	munmap(result, sizeof(*result));
}

void corpus_print(const struct corpus_totals *t)
{
	size_t i;

	diag("%u objects, %u opened, %u whose process failed", t->objects,
	     t->opened, t->died);
	diag("%u programs, %u loaded, %u driven, %u of these without a kill point, %u not at each call for lack of time",
	     t->programs, t->loaded, t->driven, t->missed, t->cut_short);
	diag("%u can overrun, %u of these terminable", t->can_overrun,
	     t->terminable);
	for (i = 0; i < ARRAY_SIZE(t->reasons); i++)
		if (t->reasons[i])
			diag("  %-14s %5u", terminable_name(i), t->reasons[i]);
	diag("kill points at calls: %llu (%llu distinct)", t->at_calls,
	     t->at_calls_distinct);
	diag("kill points anywhere: %llu (%llu distinct)", t->anywhere,
	     t->anywhere_distinct);
	diag("%u splats, %u leaks", t->splats, t->leaks);
}

struct corpus_opts corpus_subset(void)
{
	struct corpus_opts opts = {
		.dir = built_file("CORPUS", "corpus"),
		.names = SELFTESTS_DIR "/corpus/subset.list",
		.rounds = 1,
	};

	if (access(opts.dir, F_OK))
		skip("no %s; try: scripts/corpus.sh subset", opts.dir);
	return opts;
}

int corpus_main(const struct corpus_opts *opts)
{
	struct corpus_totals totals;

	if (!wd_present()) {
		fprintf(stderr,
			"runner: this kernel has no BPF watchdog; try: make kernel\n");
		return TEST_SKIP;
	}
	corpus_run(opts, true, &totals);
	corpus_print(&totals);
	canary();
	return totals.splats || totals.leaks || nr_failures || !totals.loaded ?
		       TEST_FAIL :
		       TEST_PASS;
}
