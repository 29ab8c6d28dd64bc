// SPDX-License-Identifier: GPL-2.0
/* Command line, what the benchmarks share, and the comparison of two results. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"

static const struct bench *const benchs[] = {
	&bench_overhead, &bench_latency,  &bench_peers,	 &bench_server,
	&bench_memory,	 &bench_estimate, &bench_bounds, &bench_verification,
};

/* --- the kernel feature --- */

int wd_sysctl(const char *name, long val)
{
	char path[128], buf[32];
	int fd, len, err = 0;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(buf, sizeof(buf), "%ld\n", val);
	if (write(fd, buf, len) != len)
		err = -errno;
	close(fd);
	return err;
}

bool wd_present(void)
{
	return !access("/proc/sys/kernel/bpf_watchdog", F_OK);
}

int wd_prog_op(int prog_fd, __u32 op, __u64 value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.watchdog.prog_fd = prog_fd;
	attr.watchdog.op = op;
	attr.watchdog.value = value;
	return syscall(__NR_bpf, BPF_PROG_WATCHDOG, &attr, sizeof(attr)) < 0 ?
		       -errno :
		       0;
}

/* An older kernel fills less and leaves the rest zero: BPF_TERMINABLE_UNKNOWN. */
int wd_prog_info(int prog_fd, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_prog_get_info_by_fd(prog_fd, info, &len) ? -errno : 0;
}

int test_run(int prog_fd, bool ctx, __u32 repeat, __u32 *mean)
{
	static char pkt[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	if (!ctx) {
		opts.data_in = pkt;
		opts.data_size_in = sizeof(pkt);
		opts.repeat = repeat;
	}
	err = bpf_prog_test_run_opts(prog_fd, &opts);
	if (mean)
		*mean = opts.duration;
	return err;
}

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* --- commands --- */

static const struct bench *find_bench(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(benchs); i++)
		if (name && !strcmp(benchs[i]->name, name))
			return benchs[i];
	warn_f("no benchmark named '%s'; `bench -h` lists them", name ?: "");
	return NULL;
}

static FILE *open_out(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		warn_f("cannot write %s: %s", path, strerror(errno));
	return f;
}

enum opt_kind { OPT_STR, OPT_LONG, OPT_INT, OPT_FLAG };

struct opt {
	const char *flag;
	enum opt_kind kind;
	void *dest;
	const char *help;
};

/* one table: parser and help */
static struct run_opts ro = {
	.label = "",
	.filter = "*",
	.skip = "",
	.ways = "*",
	.round = 1,
	.count = 0,
	.samples = 25,
	.budget_us = 2000,
	.threads = 1,
};
static const char *out_path, *csv_path, *json_path;

static const struct opt opts[] = {
	{ "-o", OPT_STR, &out_path, "run: append raw samples to this CSV" },
	{ "-k", OPT_STR, &ro.label, "run: label of this kernel or VM" },
	{ "-r", OPT_INT, &ro.round, "run: number of this round" },
	{ "-f", OPT_STR, &ro.filter,
	  "run: glob of paths, reproducers, programs" },
	{ "-x", OPT_STR, &ro.skip,
	  "run latency, peers: glob of reproducers to leave out" },
	{ "-w", OPT_STR, &ro.ways, "run peers: glob of ways" },
	{ "-n", OPT_LONG, &ro.count,
	  "run: repeats (overhead: 1000000), kills (latency: 1000, peers: 100), requests (server: 10000)" },
	{ "-s", OPT_LONG, &ro.samples,
	  "run overhead: samples per figure (25)" },
	{ "-b", OPT_LONG, &ro.budget_us, "run latency: budget in us (2000)" },
	{ "-t", OPT_INT, &ro.threads, "run latency: CPUs stalled at once (1)" },
	{ "-y", OPT_FLAG, &ro.alone,
	  "run peers: nobody stands by, the other CPU is idle" },
	{ "-a", OPT_FLAG, &ro.any_clock,
	  "run overhead: accept a TSC that counts no instructions" },
	{ "-c", OPT_STR, &csv_path, "table: write the summary CSV" },
	{ "-j", OPT_STR, &json_path, "table: write the JSON" },
};

static void bench_usage(FILE *f)
{
	size_t i;

	fputs("usage: bench run NAME -o RAW.csv [options] [FILE...]\n"
	      "       bench table NAME RAW.csv [-c SUMMARY.csv] [-j OUT.json]\n"
	      "       bench --compare OLD.csv NEW.csv    summaries of the same benchmark\n\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(benchs); i++)
		fprintf(f, "  %-10s %s\n", benchs[i]->name, benchs[i]->desc);
	fputc('\n', f);
	for (i = 0; i < ARRAY_SIZE(opts); i++)
		fprintf(f, "  %-3s %-4s %s\n", opts[i].flag,
			opts[i].kind == OPT_FLAG ? "" :
			opts[i].kind == OPT_STR	 ? "STR" :
						   "N",
			opts[i].help);
}

/* Options first, then files: the index of the first file, or -errno. */
static int parse(int argc, char **argv, int at)
{
	const struct opt *o;
	char *end;
	long v;

	for (; at < argc && argv[at][0] == '-'; at++) {
		for (o = opts;
		     o < opts + ARRAY_SIZE(opts) && strcmp(o->flag, argv[at]);
		     o++)
			;
		if (o == opts + ARRAY_SIZE(opts)) {
			warn_f("unknown option %s; `bench -h` lists them",
			       argv[at]);
			return -EINVAL;
		}
		if (o->kind == OPT_FLAG) {
			*(bool *)o->dest = true;
			continue;
		}
		if (++at == argc) {
			warn_f("option %s needs a value", o->flag);
			return -EINVAL;
		}
		if (o->kind == OPT_STR) {
			*(const char **)o->dest = argv[at];
			continue;
		}
		errno = 0;
		v = strtol(argv[at], &end, 0);
		if (errno || *end || end == argv[at] || v < 0 ||
		    v > 1000000000) {
			warn_f("option %s: '%s' is not a number from 0 to 1000000000",
			       o->flag, argv[at]);
			return -EINVAL;
		}
		if (o->kind == OPT_LONG)
			*(long *)o->dest = v;
		else
			*(int *)o->dest = v;
	}
	return at;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN && getenv("BENCH_VERBOSE") ?
		       vfprintf(stderr, fmt, ap) :
		       0;
}

static int cmd_run(int argc, char **argv)
{
	const struct bench *b = find_bench(argv[2]);
	int at, err;

	if (!b)
		return 2;
	at = parse(argc, argv, 3);
	if (at < 0)
		return 2;
	ro.files = argv + at;
	ro.nr_files = argc - at;
	libbpf_set_print(quiet);
	err = b->validate ? b->validate(&ro) : 0;
	if (err)
		return 1;
	ro.out = out_path ? open_out(out_path, "a") : stdout;
	if (!ro.out)
		return 1;
	err = b->run(&ro);
	if (fflush(ro.out) || ferror(ro.out)) {
		warn_f("cannot write %s: %s", out_path ?: "stdout",
		       strerror(errno));
		return 1;
	}
	return err ? 1 : 0;
}

static int cmd_table(int argc, char **argv)
{
	const struct bench *b = find_bench(argv[2]);
	struct table_opts to = {};
	struct csv *raw = NULL;
	int ret = 1;

	if (!b)
		return 2;
	if (argc < 4 || parse(argc, argv, 4) != argc) {
		bench_usage(stderr);
		return 2;
	}
	raw = csv__load(argv[3]);
	if (!raw) {
		warn_f("cannot read %s: %s; `bench run %s` writes it", argv[3],
		       strerror(errno), b->name);
		return 1;
	}
	to.raw = raw;
	if ((csv_path && !(to.csv = open_out(csv_path, "w"))) ||
	    (json_path && !(to.json = open_out(json_path, "w"))))
		goto out;
	csv__put_stamps(raw, to.csv);
	ret = b->table(&to) ? 1 : 0;
out:
	if (to.csv && fclose(to.csv)) {
		warn_f("cannot write %s: %s", csv_path, strerror(errno));
		ret = 1;
	}
	if (to.json && fclose(to.json)) {
		warn_f("cannot write %s: %s", json_path, strerror(errno));
		ret = 1;
	}
	csv__free(raw);
	return ret;
}

/* Figures under different machines or clocks say nothing about each other. */
static const char *const must_match[] = { "benchmark", "cpu", "virt", "icount",
					  "qemu" };

static bool same_key(const struct csv *a, size_t ra, const struct csv *b,
		     size_t rb, int keys)
{
	int k;

	for (k = 0; k < keys; k++)
		if (strcmp(csv__str(a, ra, k), csv__str(b, rb, k)))
			return false;
	return true;
}

static void compare_row(const struct csv *a, size_t ra, const struct csv *b,
			size_t rb, int keys)
{
	double x, y;
	char name[128] = "";
	int k, c;

	for (k = 0; k < keys; k++)
		snprintf(name + strlen(name), sizeof(name) - strlen(name),
			 "%s%s", k ? "/" : "", csv__str(a, ra, k));
	for (c = keys; c < csv__cols(a); c++) {
		int d = csv__col(b, csv__col_name(a, c));
		bool has_x = csv__num(a, ra, c, &x),
		     has_y = csv__num(b, rb, d, &y);

		if (!has_x && !has_y)
			continue;
		printf("%-36s %-18s ", name, csv__col_name(a, c));
		if (!has_x || !has_y)
			printf("%12s %12s\n", csv__str(a, ra, c),
			       csv__str(b, rb, d));
		else if (x)
			printf("%12.10g %12.10g %+12.10g %+8.1f %%\n", x, y,
			       y - x, (y - x) / x * 100);
		else
			printf("%12.10g %12.10g %+12.10g %8s\n", x, y, y - x,
			       y ? "new" : "0.0 %");
	}
}

static int cmd_compare(int argc, char **argv)
{
	struct csv *a = NULL, *b = NULL;
	const struct bench *bench;
	const char *va, *vb;
	size_t i, j;
	int ret = 1;

	if (argc != 4) {
		bench_usage(stderr);
		return 2;
	}
	a = csv__load(argv[2]);
	b = csv__load(argv[3]);
	if (!a || !b) {
		warn_f("cannot read %s: %s", a ? argv[3] : argv[2],
		       strerror(errno));
		goto out;
	}
	for (i = 0; i < ARRAY_SIZE(must_match); i++) {
		va = csv__stamp(a, must_match[i]) ?: "";
		vb = csv__stamp(b, must_match[i]) ?: "";
		if (!strcmp(va, vb))
			continue;
		warn_f("not comparable: %s is '%s' in one and '%s' in the other",
		       must_match[i], va, vb);
		goto out;
	}
	bench = find_bench(csv__stamp(a, "benchmark"));
	if (!bench)
		goto out;
	printf("%-36s %-18s %12s %12s %12s %10s\n", "row", "figure", "old",
	       "new", "change", "relative");
	for (i = 0; i < csv__rows(a); i++) {
		for (j = 0;
		     j < csv__rows(b) && !same_key(a, i, b, j, bench->nr_keys);
		     j++)
			;
		if (j < csv__rows(b))
			compare_row(a, i, b, j, bench->nr_keys);
		else
			printf("%-36s only in %s\n", csv__str(a, i, 0),
			       argv[2]);
	}
	for (j = 0; j < csv__rows(b); j++) {
		for (i = 0;
		     i < csv__rows(a) && !same_key(a, i, b, j, bench->nr_keys);
		     i++)
			;
		if (i == csv__rows(a))
			printf("%-36s only in %s\n", csv__str(b, j, 0),
			       argv[3]);
	}
	ret = 0;
out:
	csv__free(a);
	csv__free(b);
	return ret;
}

int main(int argc, char **argv)
{
	if (argc > 1 &&
	    (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		bench_usage(stdout);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "run"))
		return cmd_run(argc, argv);
	if (argc > 2 && !strcmp(argv[1], "table"))
		return cmd_table(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "--compare"))
		return cmd_compare(argc, argv);
	bench_usage(stderr);
	return 2;
}
