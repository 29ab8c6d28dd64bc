// SPDX-License-Identifier: GPL-2.0
/* What `make bench B=estimate` says of the bounds of programs of others. */
#include "unit.h"
#include <jansson.h>
#include "../../bench/bench.h"
#include "../../bench/csv.h"

#define HEAD                                                                 \
	"kind,set,program,measured_min_ns,measured_max_ns,best_ns,worst_ns," \
	"worst2_ns,reason\n"

struct told {
	struct csv *raw;
	char *text, *json, *csv;
};

static void bounds_tell(void *arg)
{
	struct told *told = arg;
	size_t json_len, csv_len;
	struct table_opts o = {
		.raw = told->raw,
		.json = open_memstream(&told->json, &json_len),
		.csv = open_memstream(&told->csv, &csv_len),
	};

	assert_int_equal(bench_bounds.table(&o), 0);
	fclose(o.json);
	fclose(o.csv);
}

static struct told told_of(const char *rows)
{
	char path[] = "/tmp/unit-bounds.XXXXXX";
	int fd = mkstemp(path);
	struct told told = {};
	FILE *f = fdopen(fd, "w");

	fprintf(f, "%s%s", HEAD, rows);
	fclose(f);
	told.raw = csv__load(path);
	unlink(path);
	assert_non_null(told.raw);
	told.text = printed(bounds_tell, &told);
	return told;
}

static void told_free(struct told *told)
{
	csv__free(told->raw);
	free(told->text);
	free(told->json);
	free(told->csv);
}

/* A number of a set or a machine, by the path to it. */
static double number(json_t *doc, const char *list, size_t i, const char *key)
{
	json_t *at = json_array_get(json_object_get(doc, list), i);
	json_t *tight = json_object_get(at, "tightness");
	json_t *v = json_object_get(at, key);

	v = v ? v : json_object_get(tight, key);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

#define ADVERSARIAL 0
#define CORPUS 1
#define FIELD 2
#define IS(list, i, key, value) \
	assert_true(number(doc, list, i, key) == (double)(value))

static void bounds_of_sets(void **state)
{
	struct told told = told_of(
		/* its bound is that of the run, the estimate alone has none */
		"estimate,adversarial,tail,,,5,,,tail_call\n"
		"run,adversarial,tail,10,20,5,40,,\n"
		/* why it has none is what the estimate says */
		"estimate,adversarial,loops,,,5,,,iterator\n"
		"run,adversarial,loops,10,20,5,,,\n"
		/* too long, and too short */
		"run,corpus,a/long,10,41,5,40,,\n"
		"run,corpus,b/short,4,20,5,40,,\n"
		"estimate,corpus,c/never,,,5,40,,\n"
		"estimate,corpus,d/no,,,,,,not_loaded\n"
		"estimate,corpus,e/nothing,,,5,,,\n"
		/* no shortest run is known of these */
		"run,field,t1,,100,500,100,,\n"
		"run,field,t2,,100,5,200,,\n"
		"run,field,t3,,100,5,300,,\n"
		"run,field,t4,,100,5,800,,\n");
	json_t *doc = json_loads(told.json, 0, NULL);

	assert_non_null(doc);
	IS("sets", ADVERSARIAL, "programs", 2);
	IS("sets", ADVERSARIAL, "bounded", 1);
	IS("sets", ADVERSARIAL, "unbounded", 1);
	IS("sets", ADVERSARIAL, "without_reason", 0);
	IS("sets", ADVERSARIAL, "contained", 1);
	IS("sets", CORPUS, "programs", 5);
	IS("sets", CORPUS, "load", 4);
	IS("sets", CORPUS, "bounded", 3);
	IS("sets", CORPUS, "without_reason", 1);
	IS("sets", CORPUS, "run_bounded", 2);
	IS("sets", CORPUS, "contained", 0);
	IS("sets", CORPUS, "above", 1);
	IS("sets", CORPUS, "below", 1);
	IS("sets", FIELD, "contained", 4);
	IS("sets", FIELD, "p50", 2);
	IS("sets", FIELD, "p90", 8);
	IS("sets", FIELD, "max", 8);
	assert_non_null(strstr(told.text,
			       "above its bound: corpus, a/long: 41 ns of 40"));
	assert_non_null(strstr(told.text,
			       "below its best: corpus, b/short: 4 ns of 5"));
	assert_non_null(strstr(told.csv,
			       "\nrun,adversarial,loops,10,20,5,,,iterator\n"));
	json_decref(doc);
	told_free(&told);
}

static void bounds_of_two_models(void **state)
{
	struct told told = told_of("model,icount,a,,,,100,100,\n"
				   "model,icount,b,,,,100,150,\n"
				   "model,icount,c,,,,300,100,\n"
				   "model,icount,d,,,,100,,\n"
				   "model,icount,e,,,,,,\n"
				   "# native_why: not permitted\n");
	json_t *doc = json_loads(told.json, 0, NULL);

	assert_non_null(doc);
	IS("stability", 0, "programs", 3);
	IS("stability", 0, "bounded_by_one", 1);
	IS("stability", 0, "p50", 1.5);
	IS("stability", 0, "max", 3);
	assert_non_null(
		strstr(told.text, "native: not measured: not permitted"));
	json_decref(doc);
	told_free(&told);
}

static void write_to(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What the runner, bpfwd and test-field write becomes the rows of the table. */
static void bounds_from_files(void **state)
{
	static const char runs[] =
		"program,measured_min_ns,measured_max_ns,best_ns,worst_ns\n";
	static const char estimates[] =
		"object,name,best_ns,worst_ns,tail_ns,reason,at\n"
		"adversarial.bpf.o,loops,5,,,iterator,a.c:1\n"
		"a.bpf.o,x,5,40,40,,\n"
		"a.bpf.o,broken,,,,not_loaded,\n"
		"package:b.bpf.o,y,5,80,80,,\n";
	static const char again[] =
		"object,name,best_ns,worst_ns,tail_ns,reason,at\n"
		"adversarial.bpf.o,loops,5,,,iterator,a.c:1\n"
		"a.bpf.o,x,5,60,60,,\n"
		"a.bpf.o,broken,,,,not_loaded,\n"
		"package:b.bpf.o,y,5,80,80,,\n";
	static const char field[] =
		"{\"rows\": [{\"package\": \"p\", \"object\": \"o\", \"program\": \"a,b\", \"loads\": true, "
		"\"best_ns\": 1, \"worst_ns\": 9, \"reason\": null, \"measured_max_ns\": 3}, "
		"{\"package\": \"p\", \"object\": \"o\", \"program\": null, \"loads\": false, "
		"\"best_ns\": null, \"worst_ns\": null, \"reason\": \"no, not here\", \"measured_max_ns\": null}]}";
	char dir[] = "/tmp/unit-bounds.XXXXXX", text[4096], command[1024];
	struct told told;
	json_t *doc;
	size_t n;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), "%s%s", runs, "loops,10,20,5,\n");
	write_to(dir, "adversarial.csv", text);
	snprintf(text, sizeof(text), "%s%s", runs, "a.bpf.o/x,10,20,5,40\n");
	write_to(dir, "corpus.csv", text);
	write_to(dir, "estimate-icount.model.csv", estimates);
	write_to(dir, "estimate-icount.model2.csv", again);
	write_to(dir, "field.json", field);
	snprintf(command, sizeof(command),
		 BENCH_DIR "/run/bounds-rows.sh %s %s/field.json", dir, dir);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(pclose(f), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);

	assert_memory_equal(text, HEAD, strlen(HEAD));
	told = told_of(text + strlen(HEAD));
	doc = json_loads(told.json, 0, NULL);
	assert_non_null(doc);
	IS("sets", ADVERSARIAL, "programs", 1);
	IS("sets", ADVERSARIAL, "without_reason", 0);
	IS("sets", CORPUS, "programs", 2);
	IS("sets", CORPUS, "load", 1);
	IS("sets", CORPUS, "contained", 1);
	IS("sets", FIELD, "programs", 2);
	IS("sets", FIELD, "load", 1);
	IS("sets", FIELD, "p90", 3);
	IS("stability", 0, "programs", 2);
	IS("stability", 0, "max", 1.5);
	json_decref(doc);
	told_free(&told);
}

static const struct CMUnitTest bounds_tests[] = {
	cmocka_unit_test(bounds_of_sets),
	cmocka_unit_test(bounds_of_two_models),
	cmocka_unit_test(bounds_from_files),
};

RUN(bounds_tests)
