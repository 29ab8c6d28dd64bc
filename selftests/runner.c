// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the selftests inside the VM, as root.
 *
 *   runner [-t GLOB]... [-x GLOB]... [-l] [-v] [--json FILE]
 *   runner --repro NAME [--watchdog on|off] [--budget-ms N] [--stall-ms N]
 *   runner --corpus DIR [--glob GLOB] [--names FILE] [--rounds N] [--sweep-ms N]
 *          [--anywhere-ms N] [--kills at-calls|anywhere|both|none] [--attach] [--rows FILE] [--classes FILE]
 *   runner --compare FILE
 *   runner --random N [--seed N] [--first] [--budget-ms N] [--json FILE] [-v]
 *
 * Output is TAP. Exit status: 0 all passed, 1 something failed, 4 nothing but
 * skips. Each test is a process; the runner stays on CPU 0, the tests are on the
 * last one, so that a stall that nobody ends leaves the runner alive: it then
 * pulls the brake (struct ctl) and fails the test.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <glob.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "corpus/corpus.h"
#include "harness/log.h"
#include "harness/patterns.h"
#include "harness/process.h"
#include "harness/stops.h"
#include "random/drive.h"
#include "traffic/repro.h"

/*
 * A host that is busy makes everything slow; a stall is what the brake is for. A script is
 * ended when it has said nothing for so long.
 */
#define DEFAULT_TIMEOUT_S 60
#define CLI_TIMEOUT_S 240

/* Sorted by name; the Makefile generates it from prog_tests/. */
extern const struct suite *const all_suites[];
extern const size_t nr_all_suites;

static struct patterns denylist;

struct outcome {
	int result;
	double seconds;
};

static void check_needs(unsigned int needs)
{
	if (needs & NEEDS_TWO_CPUS && last_cpu() < 1)
		skip("needs two CPUs");
	if (needs & NEEDS_WATCHDOG && !wd_present())
		skip("this kernel has no BPF watchdog (sysctl kernel.bpf_watchdog is missing)");
	if (needs & NEEDS_TEST_TRIGGER && !wd_has_test_trigger())
		skip("this kernel is built without CONFIG_BPF_WATCHDOG_TEST");
}

/*
 * A shell test of the tool prints KTAP of its own: shown indented, as a subtest.
 * Passes if it ran as many as it planned and none failed.
 */
static int run_script(const char *script)
{
	int planned = -1, seen = 0, failed = 0, status;
	char line[4096], cmd[4200];
	FILE *f;

	setenv("BPFWD", built_file("BPFWD", "bpfwd"), 1);
	setenv("BPFTOOL", built_file("BPFTOOL", "bpftool"), 1);
	setenv("BPFWD_SCRATCH", scratch(), 1);
	snprintf(cmd, sizeof(cmd), "exec '%s' </dev/null 2>&1", script);
	f = popen(cmd, "re");
	REQUIRE(f, "popen: %m");
	while (fgets(line, sizeof(line), f)) {
		printf("    %s", line);
		shared->heard = now_ns();
		if (sscanf(line, "1..%d", &planned) == 1 && !planned &&
		    strstr(line, "# SKIP"))
			snprintf(shared->skip_reason,
				 sizeof(shared->skip_reason), "%.*s",
				 (int)strcspn(strstr(line, "# SKIP") + 7, "\n"),
				 strstr(line, "# SKIP") + 7);
		failed += !strncmp(line, "not ok ", 7);
		seen += !strncmp(line, "ok ", 3) ||
			!strncmp(line, "not ok ", 7);
	}
	status = pclose(f);
	if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIP)
		return TEST_SKIP;
	CHECK(!status, "%s: status %#x", script, status);
	CHECK(!failed, "%d tests of %s failed", failed, script);
	CHECK(planned == seen && seen, "%s planned %d tests and ran %d", script,
	      planned, seen);
	return nr_failures ? TEST_FAIL : TEST_PASS;
}

static const struct pattern *denied(const char *name)
{
	size_t i;

	for (i = 0; i < denylist.nr; i++)
		if (!fnmatch(denylist.p[i].text, name, 0))
			return &denylist.p[i];
	return NULL;
}

/* One of test, repro and script is set. */
static struct outcome run_one(const struct suite *suite,
			      const struct test *test,
			      const struct repro *repro, const char *script,
			      const char *name)
{
	const struct pattern *deny = denied(name);
	uint64_t start = now_ns();
	struct outcome out;
	unsigned int timeout_s = DEFAULT_TIMEOUT_S;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	if (deny) {
		snprintf(shared->skip_reason, sizeof(shared->skip_reason),
			 "DENYLIST: %s", deny->reason);
		return (struct outcome){ TEST_SKIP, 0 };
	}
	if (test && test->timeout_s)
		timeout_s = test->timeout_s;
	if (script)
		timeout_s = CLI_TIMEOUT_S;
	/* For those that take longer because they are told to. */
	if (getenv("BPFWD_TEST_TIMEOUT"))
		timeout_s = strtoul(getenv("BPFWD_TEST_TIMEOUT"), NULL, 10);
	log_mark(name);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prepare_process();
		if (script)
			_exit(run_script(script));
		check_needs(test ? test->needs : NEEDS_WATCHDOG | repro->needs);
		if (test)
			test->run();
		else
			repro_test(suite, repro);
		stops_look_at_all();
		fflush(stdout);
		_exit(nr_failures ? TEST_FAIL : TEST_PASS);
	}
	if (pid < 0) {
		printf("# FAIL fork: %m\n");
		return (struct outcome){ TEST_FAIL, 0 };
	}
	out.result = supervise(pid, name, timeout_s);
	cpus_on();
	wd_reset();
	if (log_scan())
		out.result = TEST_FAIL;
	if (!stops_report() && out.result == TEST_PASS)
		out.result = TEST_FAIL;
	out.seconds = (now_ns() - start) / (double)NSEC_PER_SEC;
	return out;
}

static const char *const result_names[] = {
	[TEST_PASS] = "pass",
	[TEST_FAIL] = "fail",
	[TEST_SKIP] = "skip",
};

static const char *wanted[32], *left_out[32];
static size_t nr_wanted, nr_left_out;
static bool list_only;
static FILE *json;
static int counts[5], nr_run;

static bool matches(const char *glob, const char *name)
{
	char with_tests[300];

	/* "suite" means all tests of it. */
	snprintf(with_tests, sizeof(with_tests), "%s/*", glob);
	return !fnmatch(glob, name, 0) || !fnmatch(with_tests, name, 0);
}

static bool selected(const char *name)
{
	size_t i;

	for (i = 0; i < nr_left_out; i++)
		if (matches(left_out[i], name))
			return false;
	for (i = 0; i < nr_wanted; i++)
		if (matches(wanted[i], name))
			return true;
	return !nr_wanted;
}

static void visit(const struct suite *suite, const struct test *test,
		  const struct repro *repro, const char *script)
{
	const char *base = test ? test->name : repro ? repro->name : script;
	char name[200], holds[200];
	struct outcome out;

	if (script) {
		base = strrchr(script, '/') + 1;
		snprintf(name, sizeof(name), "cli/%.*s",
			 (int)strcspn(base, "."), base);
	} else {
		snprintf(name, sizeof(name), "%s/%s", suite->name, base);
	}
	if (!selected(name))
		return;
	if (list_only) {
		if (repro)
			repro_describe_holds(repro, holds, sizeof(holds));
		printf("%-32s %s%s%s\n", name,
		       test  ? test->desc :
		       repro ? repro->desc :
			       "shell test of bpfwd",
		       repro ? "; holds: " : "", repro ? holds : "");
		return;
	}
	out = run_one(suite, test, repro, script, name);
	counts[out.result]++;
	nr_run++;
	printf("%sok %d - %s", out.result == TEST_FAIL ? "not " : "", nr_run,
	       name);
	if (out.result == TEST_SKIP)
		printf(" # SKIP %s", shared->skip_reason[0] ?
					     shared->skip_reason :
					     "no reason given");
	printf("\n");
	if (verbose)
		printf("# %.2f s\n", out.seconds);
	fflush(stdout);
	if (json)
		fprintf(json,
			"%s\n    {\"name\": \"%s\", \"result\": \"%s\", \"seconds\": %.3f}",
			nr_run > 1 ? "," : "", name, result_names[out.result],
			out.seconds);
}

static void visit_all(void)
{
	glob_t scripts = {};
	size_t i, j;

	for (i = 0; i < nr_suites; i++) {
		for (j = 0; j < suites[i]->nr_tests; j++)
			visit(suites[i], &suites[i]->tests[j], NULL, NULL);
		for (j = 0; j < suites[i]->nr_repros; j++)
			visit(suites[i], NULL, &suites[i]->repros[j], NULL);
	}
	glob(SELFTESTS_DIR "/cli/*.sh", 0, NULL, &scripts);
	for (i = 0; i < scripts.gl_pathc; i++)
		visit(NULL, NULL, NULL, scripts.gl_pathv[i]);
	globfree(&scripts);
}

static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG || (level == LIBBPF_INFO && !verbose))
		return 0;
	return vfprintf(stderr, fmt, ap);
}

static void usage(FILE *f)
{
	fprintf(f,
		"usage: runner [-t GLOB] [-x GLOB]... [-l] [-v] [--json FILE]\n"
		"       runner --repro NAME [--watchdog on|off] [--budget-ms N] [--stall-ms N]\n"
		"       runner --corpus DIR [--glob GLOB] [--names FILE] [--rounds N] [--sweep-ms N]\n"
		"              [--anywhere-ms N] [--kills at-calls|anywhere|both|none] [--attach] [--rows FILE] [--classes FILE]\n"
		"              [--bounds FILE]   (what runs take, and the estimates; no kills)\n"
		"       runner --compare FILE   (what --classes has written, with the table)\n"
		"       runner --random N [--seed N] [--first] [--budget-ms N] [--json FILE] [-v]\n");
}

enum {
	OPT_JSON = 256,
	OPT_REPRO,
	OPT_WATCHDOG,
	OPT_BUDGET,
	OPT_STALL,
	OPT_CORPUS,
	OPT_GLOB,
	OPT_NAMES,
	OPT_ROUNDS,
	OPT_SWEEP,
	OPT_ANYWHERE,
	OPT_KILLS,
	OPT_ATTACH,
	OPT_ROWS,
	OPT_CLASSES,
	OPT_BOUNDS,
	OPT_COMPARE,
	OPT_RANDOM,
	OPT_SEED,
	OPT_FIRST,
};

/* What --kills may say; the number is a set of KILL_*. */
static int kills_by_name(const char *name)
{
	static const char *const names[] = { "none", "at-calls", "anywhere",
					     "both" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* 0, or -EINVAL if @c is not an option of --corpus, or its value is none. */
static int corpus_option(struct corpus_opts *opts, int c, const char *value)
{
	switch (c) {
	case OPT_CORPUS:
		opts->dir = value;
		break;
	case OPT_GLOB:
		opts->glob = value;
		break;
	case OPT_NAMES:
		opts->names = value;
		break;
	case OPT_ROWS:
		opts->rows = value;
		break;
	case OPT_CLASSES:
		opts->classes = value;
		break;
	case OPT_BOUNDS:
		opts->bounds = value;
		break;
	case OPT_ATTACH:
		opts->attach = true;
		break;
	case OPT_ROUNDS:
		opts->rounds = strtoul(value, NULL, 10);
		return opts->rounds ? 0 : -EINVAL;
	case OPT_SWEEP:
		opts->sweep_ms = strtoul(value, NULL, 10);
		break;
	case OPT_ANYWHERE:
		opts->anywhere_ms = strtoul(value, NULL, 10);
		break;
	case OPT_KILLS:
		opts->kills = kills_by_name(value);
		return (int)opts->kills >= 0 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "test", required_argument, NULL, 't' },
		{ "list", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", required_argument, NULL, OPT_JSON },
		{ "repro", required_argument, NULL, OPT_REPRO },
		{ "watchdog", required_argument, NULL, OPT_WATCHDOG },
		{ "budget-ms", required_argument, NULL, OPT_BUDGET },
		{ "stall-ms", required_argument, NULL, OPT_STALL },
		{ "corpus", required_argument, NULL, OPT_CORPUS },
		{ "glob", required_argument, NULL, OPT_GLOB },
		{ "names", required_argument, NULL, OPT_NAMES },
		{ "rounds", required_argument, NULL, OPT_ROUNDS },
		{ "sweep-ms", required_argument, NULL, OPT_SWEEP },
		{ "anywhere-ms", required_argument, NULL, OPT_ANYWHERE },
		{ "kills", required_argument, NULL, OPT_KILLS },
		{ "attach", no_argument, NULL, OPT_ATTACH },
		{ "rows", required_argument, NULL, OPT_ROWS },
		{ "classes", required_argument, NULL, OPT_CLASSES },
		{ "bounds", required_argument, NULL, OPT_BOUNDS },
		{ "compare", required_argument, NULL, OPT_COMPARE },
		{ "random", required_argument, NULL, OPT_RANDOM },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "first", no_argument, NULL, OPT_FIRST },
		{}
	};
	const char *repro = NULL, *json_path = NULL;
	struct corpus_opts corpus = {
		.rounds = 1,
		.kills = KILL_AT_CALLS | KILL_ANYWHERE,
		.sweep_ms = 3000,
		.anywhere_ms = 100,
	};
	struct random_opts random = { .seed = 1 };
	unsigned long budget_ms = 10, stall_ms = 2000;
	bool watchdog = true;
	pid_t pid;
	int c, result;

	suites = all_suites;
	nr_suites = nr_all_suites;
	while ((c = getopt_long(argc, argv, "t:x:lvh", options, NULL)) != -1) {
		switch (c) {
		case 't':
			if (nr_wanted == ARRAY_SIZE(wanted))
				goto bad_usage;
			wanted[nr_wanted++] = optarg;
			break;
		case 'x':
			if (nr_left_out == ARRAY_SIZE(left_out))
				goto bad_usage;
			left_out[nr_left_out++] = optarg;
			break;
		case 'l':
			list_only = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case OPT_JSON:
			json_path = optarg;
			break;
		case OPT_REPRO:
			repro = optarg;
			break;
		case OPT_WATCHDOG:
			if (strcmp(optarg, "on") && strcmp(optarg, "off"))
				goto bad_usage;
			watchdog = !strcmp(optarg, "on");
			break;
		case OPT_BUDGET:
			budget_ms = strtoul(optarg, NULL, 10);
			break;
		case OPT_COMPARE:
			call_table_compare(optarg);
			return nr_failures ? TEST_FAIL : TEST_PASS;
		case OPT_STALL:
			stall_ms = strtoul(optarg, NULL, 10);
			break;
		case OPT_RANDOM:
			random.programs = strtoul(optarg, NULL, 10);
			break;
		case OPT_FIRST:
			random.first = true;
			break;
		case OPT_SEED:
			random.seed = strtoull(optarg, NULL, 10);
			break;
		default:
			if (corpus_option(&corpus, c, optarg))
				goto bad_usage;
		}
	}
	if (optind < argc || !budget_ms || !stall_ms)
		goto bad_usage;
	if (list_only) {
		visit_all();
		return 0;
	}
	if (geteuid()) {
		fprintf(stderr,
			"runner: must be root, in the VM: make test, or make vm\n");
		return TEST_FAIL;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(on_libbpf);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("runner: mmap");
		return TEST_FAIL;
	}

	if (repro) {
		pin_to(0);
		pid = fork();
		if (!pid) {
			prepare_process();
			_exit(repro_show(repro, watchdog, budget_ms * 1000,
					 stall_ms));
		}
		result = pid < 0 ? TEST_FAIL : supervise(pid, repro, 60);
		if (result == TEST_SKIP)
			fprintf(stderr, "runner: %s\n", shared->skip_reason);
		wd_reset();
		return result;
	}

	log_open();
	patterns_read(&denylist, "DENYLIST", false, true);
	if (random.programs) {
		random.budget_us = budget_ms * 1000;
		random.json = json_path;
		return random_main(&random);
	}
	if (json_path) {
		json = fopen(json_path, "we");
		if (!json) {
			fprintf(stderr, "runner: %s: %m\n", json_path);
			return TEST_FAIL;
		}
		fprintf(json, "{\"rows\": [");
	}
	pin_to(0);
	if (wd_present())
		trace_start();
	perf_keep_on();
	if (corpus.dir) {
		result = corpus_main(&corpus);
		wd_reset();
		trace_remove();
		return result;
	}
	printf("TAP version 13\n");
	visit_all();
	trace_remove();
	printf("1..%d\n", nr_run);
	if (json) {
		fprintf(json, "\n  ], \"complete\": true}\n");
		if (fclose(json)) {
			fprintf(stderr, "runner: %s: %m\n", json_path);
			counts[TEST_FAIL]++;
		}
	}
	if (!nr_run)
		fprintf(stderr, "runner: no test matches%s%s; -l lists them\n",
			nr_wanted ? " " : "", nr_wanted ? wanted[0] : "");
	printf("%d passed, %d failed, %d skipped\n", counts[TEST_PASS],
	       counts[TEST_FAIL], counts[TEST_SKIP]);
	if (counts[TEST_FAIL] || !nr_run)
		return TEST_FAIL;
	return counts[TEST_PASS] ? TEST_PASS : TEST_SKIP;

bad_usage:
	usage(stderr);
	return 2;
}
