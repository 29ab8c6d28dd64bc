// SPDX-License-Identifier: GPL-2.0
/*
 * What the fast-path images cost in memory: every program of the given BPF
 * objects is loaded with the watchdog on, its JIT image and the extra bytes
 * are read from bpf_prog_info. An object that does not load as a whole (one
 * of its programs is meant to be refused) is tried program by program.
 */
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"

#define NR_SHOWN 20 /* rows on the terminal; CSV and JSON have all */

static int memory_validate(const struct run_opts *o)
{
	if (!o->nr_files) {
		warn_f("memory: name the BPF objects to load, such as .output/selftests/*.bpf.o");
		return -EINVAL;
	}
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	return 0;
}

/*
 * What the JIT's allocator took for the functions' code: each with a header of
 * 8 bytes and 16 of illegal instructions, in chunks of 64. Exception tables
 * are not counted, bpf_prog_info does not tell their size.
 */
static __u32 allocated(int fd)
{
	__u32 lens[256] = {}, len, sum = 0, i;
	struct bpf_prog_info info = {
		.nr_jited_func_lens = ARRAY_SIZE(lens),
		.jited_func_lens = (unsigned long)lens,
	};

	len = sizeof(info);
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return 0;
	for (i = 0; i < info.nr_jited_func_lens && i < ARRAY_SIZE(lens); i++)
		sum += (lens[i] + 8 + 16 + 63) / 64 * 64;
	return sum;
}

static int put_prog(const struct run_opts *o, const char *object,
		    struct bpf_program *prog)
{
	struct bpf_prog_info info;
	int err;

	err = wd_prog_info(bpf_program__fd(prog), &info);
	if (err)
		return err;
	fprintf(o->out, "%s,%s,%u,%u,%u,%d,%u,%u\n", object,
		bpf_program__name(prog), info.type, info.jited_prog_len,
		info.fast_path_bytes,
		info.terminable != BPF_TERMINABLE_NOT_NEEDED, info.terminable,
		allocated(bpf_program__fd(prog)));
	return 0;
}

/* only == NULL: all programs at once. Number of programs, or -errno. */
static int try_object(const struct run_opts *o, const char *path,
		      const char *object, const char *only)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *prog;
	int err, n = 0;

	if (!obj)
		return -errno;
	bpf_object__for_each_program(prog, obj) {
		const char *name = bpf_program__name(prog);

		bpf_program__set_autoload(prog, !fnmatch(o->filter, name, 0) &&
							(!only ||
							 !strcmp(name, only)));
	}
	err = bpf_object__load(obj);
	if (err)
		goto out;
	bpf_object__for_each_program(prog, obj) {
		if (!bpf_program__autoload(prog))
			continue;
		err = put_prog(o, object, prog);
		if (err)
			break;
		n++;
	}
out:
	bpf_object__close(obj);
	return err ?: n;
}

static int one_by_one(const struct run_opts *o, const char *path,
		      const char *object, int *refused)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *prog;
	int n = 0, err;

	if (!obj)
		return -errno;
	bpf_object__for_each_program(prog, obj) {
		err = try_object(o, path, object, bpf_program__name(prog));
		if (err < 0) {
			++*refused;
			fprintf(stderr, "  %s/%s: not loaded: %s\n", object,
				bpf_program__name(prog), strerror(-err));
			continue;
		}
		n += err;
	}
	bpf_object__close(obj);
	return n;
}

static int memory_run(const struct run_opts *o)
{
	int err, i, progs = 0, refused = 0, failed = 0;

	err = wd_sysctl("bpf_watchdog", 1);
	if (err) {
		warn_f("cannot switch the watchdog on: %s", strerror(-err));
		return err;
	}
	fputs("object,program,type,jited_bytes,extra_bytes,can_overrun,terminable,jited_alloc\n",
	      o->out);
	for (i = 0; i < o->nr_files; i++) {
		char *copy = strdup(o->files[i]), *object = basename(copy),
		     *dot = strstr(object, ".bpf.o");
		int n;

		if (dot)
			*dot = 0;
		n = try_object(o, o->files[i], object, NULL);
		if (n < 0)
			n = one_by_one(o, o->files[i], object, &refused);
		if (n < 0) {
			warn_f("%s: %s", o->files[i], strerror(-n));
			failed = n;
		} else {
			progs += n;
		}
		free(copy);
	}
	wd_sysctl("bpf_watchdog", 0);
	fprintf(stderr,
		"  %d objects, %d programs loaded, %d refused by the verifier or libbpf\n",
		o->nr_files, progs, refused);
	fprintf(o->out, "# not_loaded: %d\n", refused);
	return failed ?: progs ? 0 : -ENOENT;
}

struct totals {
	size_t n, with_image;
	double jited, image_jited, image_alloc, image_extra, extra;
};

/* What a program takes, and how much that is to its code. */
struct row {
	size_t i;
	double jited, alloc, extra;
};

static int by_ratio(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double d = y->extra / y->alloc - x->extra / x->alloc;

	return d > 0 ? 1 : d < 0 ? -1 : x->i > y->i ? 1 : -1;
}

static int memory_table(const struct table_opts *o)
{
	const struct csv *c = o->raw;
	int co = csv__col(c, "object"), cp = csv__col(c, "program"),
	    ct = csv__col(c, "type");
	int cj = csv__col(c, "jited_bytes"), ce = csv__col(c, "extra_bytes"),
	    cc = csv__col(c, "can_overrun");
	int cx = csv__col(c, "terminable"), ca = csv__col(c, "jited_alloc");
	double jited, extra, can, term, alloc, kept = 0;
	struct row *rows = calloc(csv__rows(c) + 1, sizeof(*rows));
	struct totals all = {}, over = {};
	size_t i, no_image = 0, needless = 0, above = 0;

	if (!rows)
		return -ENOMEM;
	if (o->csv)
		fputs("object,program,type,jited_bytes,extra_bytes,can_overrun,terminable,jited_alloc\n",
		      o->csv);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, c);
		fputs(",\n  \"rows\": [", o->json);
	}
	for (i = 0; i < csv__rows(c); i++) {
		bool image, ok = csv__num(c, i, cj, &jited) &&
				 csv__num(c, i, ce, &extra) &&
				 csv__num(c, i, cc, &can) &&
				 csv__num(c, i, cx, &term) &&
				 csv__num(c, i, ca, &alloc);

		if (!ok)
			continue;
		/* An image is as long as the JIT image; less is what could become one. */
		image = extra >= jited;
		all.n++;
		all.jited += jited;
		all.extra += extra;
		if (can) {
			over.n++;
			over.jited += jited;
			over.extra += extra;
			no_image += !image;
		} else {
			needless += image;
			kept += extra;
		}
		if (image) {
			over.with_image++;
			over.image_jited += jited;
			over.image_alloc += alloc;
			over.image_extra += extra;
			above += extra > 1.1 * alloc;
			rows[over.with_image - 1] =
				(struct row){ i, jited, alloc, extra };
		}
		if (o->csv)
			fprintf(o->csv, "%s,%s,%s,%.0f,%.0f,%.0f,%.0f,%.0f\n",
				csv__str(c, i, co), csv__str(c, i, cp),
				csv__str(c, i, ct), jited, extra, can, term,
				alloc);
		if (o->json) {
			fputs(all.n > 1 ? ",\n    {\"program\": " :
					  "\n    {\"program\": ",
			      o->json);
			fprintf(o->json,
				"\"%s/%s\", \"jited_bytes\": %.0f, \"extra_bytes\": %.0f, \"can_overrun\": %s}",
				csv__str(c, i, co), csv__str(c, i, cp), jited,
				extra, can ? "true" : "false");
		}
	}
	qsort(rows, over.with_image, sizeof(*rows), by_ratio);
	printf("\nmemory: bytes of programs with a fast-path image; of %zu, those of the greatest ratio\n\n  %-22s %-28s %8s %8s %8s %6s\n",
	       over.with_image, "object", "program", "code", "JIT", "extra",
	       "ratio");
	for (i = 0; i < over.with_image && i < NR_SHOWN; i++)
		printf("  %-22s %-28s %8.0f %8.0f %8.0f %6.2f\n",
		       csv__str(c, rows[i].i, co), csv__str(c, rows[i].i, cp),
		       rows[i].jited, rows[i].alloc, rows[i].extra,
		       rows[i].extra / rows[i].alloc);
	free(rows);
	printf("\n  %-44s %6zu programs %10.0f bytes JIT %10.0f extra\n", "all",
	       all.n, all.jited, all.extra);
	printf("  %-44s %6zu programs %10.0f bytes JIT %10.0f extra\n",
	       "can overrun", over.n, over.jited, over.extra);
	printf("  %-44s %6zu programs %10.0f bytes JIT %10.0f extra\n",
	       "have an image", over.with_image, over.image_jited,
	       over.image_extra);
	printf("  %-44s %6zu programs\n",
	       "can overrun, without an image (not terminable)", no_image);
	printf("  %-44s %6zu programs\n\n", "image above 1.1 x", above);
	target_line("images of programs that cannot overrun", "0", all.n,
		    !needless, "%zu", needless);
	target_line("bytes they keep to get one with a smaller budget", NULL,
		    all.n, true, "%.0f", kept);
	target_line("extra / JIT image, both as allocated", "<= 1.1",
		    over.image_alloc > 0,
		    over.image_extra <= 1.1 * over.image_alloc, "%.3f",
		    over.image_extra / over.image_alloc);
	target_line("extra as allocated / length of the code", "<= 1.1",
		    over.image_jited > 0,
		    over.image_extra <= 1.1 * over.image_jited, "%.3f",
		    over.image_extra / over.image_jited);
	target_line("JIT image as allocated / length of the code", NULL,
		    over.image_jited > 0, true, "%.3f",
		    over.image_alloc / over.image_jited);
	puts("\nenvironment");
	print_env(c);
	if (o->json) {
		fputs("\n  ],\n  \"total\": {\"programs\": ", o->json);
		fprintf(o->json,
			"%zu, \"jited_bytes\": %.0f, \"extra_bytes\": %.0f, \"with_image\": %zu, \"jited_bytes_with_image\": %.0f, \"ratio\": ",
			all.n, all.jited, all.extra, over.with_image,
			over.image_jited);
		json_num(o->json, over.image_jited > 0,
			 over.image_extra / over.image_alloc);
		fputs("}\n}\n", o->json);
	}
	return 0;
}

const struct bench bench_memory = {
	.name = "memory",
	.desc = "bytes per program, with and without a fast-path image",
	.nr_keys = 2,
	.validate = memory_validate,
	.run = memory_run,
	.table = memory_table,
};
