// SPDX-License-Identifier: GPL-2.0
/* The cost model as text: read, written, and refused with the line. */
#include "unit.h"
#include <errno.h>
#include "calibrate/calib.h"
#include "calibrate/model.h"

#define MODEL_HEAD                                                          \
	"version 2\ncpu some cpu\nmicrocode 0x1\nkernel 6.12\nbuild 0123\n" \
	"date 2026-01-01\nclock tsc\nquantile 99.9\nmax_error 50\n"         \
	"error 1.5\ncpus 2\npasses 3\n"

static char model_path[] = "/tmp/unit-model.XXXXXX";

static int model_file(void **state)
{
	int fd = mkstemp(model_path);

	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int model_file_gone(void **state)
{
	return unlink(model_path);
}

static int model_from(const char *text, size_t len, struct model *m,
		      struct fault *f)
{
	FILE *file = fopen(model_path, "w");

	fwrite(text, 1, len, file);
	fclose(file);
	*m = (struct model){};
	*f = (struct fault){};
	return model_read(m, model_path, f);
}

static void model_is_read(void **state)
{
	static const char text[] = MODEL_HEAD
		"# a comment\n"
		"\n"
		"  kfunc default best_ns=1 worst_ns=100000 default \"not measured\"\n"
		"helper bpf_map_update_elem/hash best_ns=10 worst_ns=20.5 "
		"per_unit_ns=0.125 best_per_unit_ns=0.1 mean_ns=15 calls=1000 "
		"outliers=3 outlier_max_ns=999 cpus2_pct=250 "
		"fit_error_permille=12\t\n"
		"helper bpf_ktime_get_ns best_ns=1 worst_ns=1 per_unit_ns=2\n"
		"helper bpf_bind best_ns=0 worst_ns=unbounded\n";
	const struct model_entry *e;
	struct model m;
	struct fault f;
	char key[100];

	assert_int_equal(model_from(text, strlen(text), &m, &f), 0);
	assert_int_equal(m.n, 4);
	assert_int_equal(m.cpus, 2);
	assert_int_equal(m.passes, 3);
	assert_string_equal(m.of.cpu, "some cpu");
	assert_string_equal(m.of.microcode, "0x1");
	assert_string_equal(m.of.build, "0123");
	assert_string_equal(m.error, "1.5");
	/* sorted by key */
	assert_string_equal(model_key(&m.entries[0], key, sizeof(key)),
			    "helper bpf_bind");
	assert_true(m.entries[0].worst_ps == MODEL_UNBOUNDED);
	assert_string_equal(model_key(&m.entries[1], key, sizeof(key)),
			    "helper bpf_ktime_get_ns");
	e = &m.entries[2];
	assert_string_equal(model_key(e, key, sizeof(key)),
			    "helper bpf_map_update_elem/hash");
	assert_int_equal(e->best_ps, 10000);
	assert_int_equal(e->worst_ps, 20500);
	assert_int_equal(e->per_unit_ps, 125);
	assert_int_equal(e->best_per_unit_ps, 100);
	assert_int_equal(e->mean_ps, 15000);
	assert_int_equal(e->calls, 1000);
	assert_int_equal(e->outliers, 3);
	assert_int_equal(e->outlier_max_ps, 999000);
	assert_int_equal(e->cpus_pct[2], 250);
	assert_int_equal(e->fit_error_permille, 12);
	assert_true(e->measured);
	/* what has no best one takes the worst */
	assert_int_equal(m.entries[1].best_per_unit_ps, 2000);
	assert_false(m.entries[3].measured);
	assert_string_equal(m.entries[3].reason, "not measured");
	assert_ptr_equal(model_find(&m, e), e);
	assert_null(model_find(
		&m, &(struct model_entry){ .kind = MODEL_HELPER,
					   .name = "bpf_map_update_elem" }));
	model_free(&m);
}

/* Beyond what was measured, on a line, and by as much above it as it is off. */
static void model_knows_contention(void **state)
{
	struct model_entry e = {}, two = {}, bent = {};

	assert_true(model_contended(&e, 64) == 1);
	assert_true(model_contention_above(&e) < 0);

	/* from one measurement nothing is known of the law */
	two.cpus_pct[2] = 150;
	assert_true(model_contended(&two, 1) == 1);
	assert_true(model_contended(&two, 2) == 1.5);
	assert_float_equal(model_contended(&two, 64), 1 + 63 * 0.5, 1e-6);
	assert_true(model_contention_above(&two) < 0);

	for (u32 n = 2; n <= MODEL_CPUS_MAX; n++)
		e.cpus_pct[n] = 100 + 40 * (n - 1);
	assert_float_equal(model_contended(&e, 5), 2.6, 1e-6);
	assert_float_equal(model_contended(&e, 101), 41, 1e-6);
	assert_float_equal(model_contention_above(&e), 0, 1e-6);

	/* the more of them, the more each waits: the line is below the last */
	for (u32 n = 2; n <= MODEL_CPUS_MAX; n++)
		bent.cpus_pct[n] = 100 + 10 * (n - 1) * (n - 1);
	assert_float_equal(model_contended(&bent, 8), 5.9, 1e-6);
	assert_true(model_contended(&bent, 9) > 5.9);
	assert_true(model_contention_above(&bent) > 10);
	assert_true(model_contention_above(&bent) < 50);

	/* what others make cheaper costs what it does alone */
	two.cpus_pct[2] = 90;
	assert_true(model_contended(&two, 64) == 1);
}

/* What is written is read again as it was. */
static void model_is_written(void **state)
{
	static const char text[] = MODEL_HEAD
		"helper bpf_bind best_ns=0.000 worst_ns=unbounded\n"
		"helper bpf_ktime_get_ns best_ns=1.001 worst_ns=2.000 "
		"mean_ns=1.500 per_unit_ns=3.000 best_per_unit_ns=1.000 "
		"fit_error_permille=4 difference_permille=11 widened=1 calls=5 outliers=6 outlier_max_ns=7.000 "
		"cpus2_pct=8\n"
		"insn default best_ns=0.000 worst_ns=8.000 default \"who knows\"\n"
		"insn may_goto best_ns=1.000 worst_ns=2.000\n"
		"kfunc default best_ns=0.000 worst_ns=9.000 default \"why\"\n";
	char back[sizeof(text) + 100] = "";
	struct model m;
	struct fault f;
	FILE *file;

	assert_int_equal(model_from(text, strlen(text), &m, &f), 0);
	assert_int_equal(model_write(&m, model_path, &f), 0);
	model_free(&m);
	file = fopen(model_path, "r");
	fread(back, 1, sizeof(back) - 1, file);
	fclose(file);
	assert_string_equal(back, text);
	assert_int_equal(model_write(&m, "/nowhere/model", &f), EXIT_FAILED);
	assert_int_equal(f.err, ENOENT);
}

#define ENTRY(line) MODEL_HEAD line, 13

static void model_is_refused(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *why;
	} rows[] = {
		{ "", 1, "the file is empty" },
		{ "cpu x\n", 1, "the first line must be 'version 2'" },
		{ "version 9\n", 1, "version 9; this bpfwd reads 2" },
		{ "version x\n", 1, "is no number" },
		{ "version 2\nversion 2\n", 2, "version is given twice" },
		{ "version 2\ncpu x\n", 2, "no line 'microcode'" },
		{ MODEL_HEAD, 12, "and no entry" },
		{ ENTRY("cpu y\n"), "cpu is given twice" },
		{ ENTRY("cpus 3\n"), "cpus is given twice" },
		{ ENTRY("colour red\n"), "is no key and no kind" },
		{ ENTRY("helper\n"), "helper of what?" },
		{ ENTRY("helper bpf_nope best_ns=1 worst_ns=1\n"),
		  "unknown helper 'bpf_nope'" },
		{ ENTRY("kfunc bpf_nope best_ns=1 worst_ns=1\n"),
		  "unknown kfunc" },
		{ ENTRY("insn nope best_ns=1 worst_ns=1\n"),
		  "unknown class of instructions" },
		{ ENTRY("helper bpf_map_update_elem/nope best_ns=1 worst_ns=1\n"),
		  "unknown map type 'nope'" },
		{ ENTRY("helper default/hash best_ns=1 worst_ns=1\n"),
		  "the default has no map type" },
		{ ENTRY("insn default/hash best_ns=1 worst_ns=1\n"),
		  "the default has no map type" },
		{ ENTRY("helper bpf_ktime_get_ns worst_ns=1\n"),
		  "best_ns is missing" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1\n"),
		  "worst_ns is missing" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=2 worst_ns=1\n"),
		  "best_ns is larger than worst_ns" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1 "
			"per_unit_ns=1 best_per_unit_ns=2\n"),
		  "best_per_unit_ns is larger" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 best_ns=1 worst_ns=1\n"),
		  "best_ns is given twice" },
		{ ENTRY("helper bpf_bind best_ns=unbounded worst_ns=unbounded\n"),
		  "best_ns=unbounded is no number of ns" },
		{ ENTRY("passes 4\n"), "passes is given twice" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=-1 worst_ns=1\n"),
		  "is negative" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1.0001 worst_ns=2\n"),
		  "up to three decimals" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1000000000001\n"),
		  "is too large" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1 colour=1\n"),
		  "no field 'colour'" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1 cpus1_pct=1\n"),
		  "no field 'cpus1_pct'" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1 cpus9_pct=1\n"),
		  "no field 'cpus9_pct'" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns worst_ns=1\n"),
		  "is not of the form NAME=VALUE" },
		{ ENTRY("helper bpf_ktime_get_ns best_ns=1 worst_ns=1 default \"x\n"),
		  "the reason has no end" },
		{ MODEL_HEAD "helper bpf_ktime_get_ns best_ns=1 worst_ns=1\n"
			     "helper bpf_ktime_get_ns best_ns=1 worst_ns=2\n",
		  14, "is there already, in line 13" },
	};
	static const char zero[] = "version 2\ncpu a\0b\n";
	char where[200];
	struct model m;
	struct fault f;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(model_from(rows[i].text, strlen(rows[i].text),
					    &m, &f),
				 EXIT_FAILED);
		snprintf(where, sizeof(where), "%s:%d: ", model_path,
			 rows[i].line);
		if (strncmp(f.msg, where, strlen(where)) ||
		    !strstr(f.msg, rows[i].why))
			fail_msg("%s\n%s", rows[i].text, f.msg);
		assert_null(m.entries);
	}
	assert_int_equal(model_from(zero, sizeof(zero) - 1, &m, &f),
			 EXIT_FAILED);
	assert_non_null(strstr(f.msg, "zero byte"));
}

static void model_times(void **state)
{
	char buf[NS_LEN];
	u64 ps;

	assert_string_equal(model_ns(0, buf), "0.000");
	assert_string_equal(model_ns(12345, buf), "12.345");
	assert_int_equal(model_ns_parse("12.345", &ps), 0);
	assert_int_equal(ps, 12345);
	assert_int_equal(model_ns_parse("12.3", &ps), 0);
	assert_int_equal(ps, 12300);
	assert_int_equal(model_ns_parse("1000000000000", &ps), 0);
	assert_true(ps == MODEL_PS_MAX);
	assert_int_equal(model_ns_parse("1000000000000.001", &ps), -ERANGE);
	assert_int_equal(model_ns_parse("18446744073709551617", &ps), -ERANGE);
	assert_int_equal(model_ns_parse("", &ps), -EINVAL);
	assert_int_equal(model_ns_parse("1.", &ps), -EINVAL);
	assert_int_equal(model_ns_parse(".5", &ps), -EINVAL);
	assert_int_equal(model_ns_parse("1.2345", &ps), -EINVAL);
	assert_int_equal(model_ns_parse("1ns", &ps), -EINVAL);
}

static void model_names(void **state)
{
	u32 id = 0;

	assert_true(model_helper_id("bpf_ktime_get_ns", &id));
	assert_int_equal(id, 5);
	assert_string_equal(model_helper_name(5), "bpf_ktime_get_ns");
	assert_false(model_helper_id("ktime_get_ns", &id));
	assert_true(model_map_type("hash", &id));
	assert_int_equal(id, 1);
	assert_string_equal(model_map_name(1), "hash");
	assert_false(model_map_type("", &id));
	assert_string_equal(model_class_name(CLASS_MAY_GOTO), "may_goto");
	for (int i = 0; i < MODEL_CLASSES; i++)
		assert_true(model_class_known(model_class_name(i)));
	assert_false(model_class_known("ALU"));
	assert_false(model_class_known(""));
}

static const struct model_entry *kept_entry(const struct model *m,
					    const char *name, const char *map)
{
	struct model_entry key = { .kind = MODEL_HELPER };
	const struct model_entry *e;

	snprintf(key.name, sizeof(key.name), "%s", name);
	snprintf(key.map, sizeof(key.map), "%s", map);
	e = model_find(m, &key);
	assert_non_null(e);
	return e;
}

/* What state and arguments decide is as dear as in the kernel, what measuring shows stays. */
static void model_keeps_state(void **state)
{
	static const char text[] = MODEL_HEAD
		"helper bpf_map_lookup_elem/hash best_ns=10 worst_ns=100 per_unit_ns=4\n"
		"helper bpf_map_lookup_elem/lru_hash best_ns=10 worst_ns=110\n"
		"helper bpf_map_lookup_elem/array best_ns=1 worst_ns=2\n"
		"helper bpf_map_lookup_elem/lpm_trie best_ns=10 worst_ns=70\n"
		"helper bpf_trace_printk best_ns=100 worst_ns=900 per_unit_ns=20\n"
		"helper bpf_csum_diff best_ns=50 worst_ns=60 per_unit_ns=1 best_per_unit_ns=1\n"
		"helper bpf_skb_output best_ns=0 worst_ns=5 default \"not measured\"\n"
		"helper bpf_msg_pull_data best_ns=0 worst_ns=5 default \"not measured\"\n";
	struct model m;
	struct fault f;

	assert_int_equal(model_from(text, strlen(text), &m, &f), 0);
	calib_keep_state(&m);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "hash")->per_unit_ps,
		4000);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "lru_hash")->worst_ps,
		110000);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "lru_hash")->per_unit_ps,
		4000);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "array")->per_unit_ps, 0);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "lpm_trie")->worst_ps,
		10000000);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "lpm_trie")->per_unit_ps,
		2000000);
	assert_int_equal(
		kept_entry(&m, "bpf_map_lookup_elem", "lpm_trie")->best_ps, 0);
	assert_int_equal(kept_entry(&m, "bpf_trace_printk", "")->worst_ps,
			 200000000);
	assert_int_equal(kept_entry(&m, "bpf_trace_printk", "")->per_unit_ps,
			 20000);
	assert_int_equal(kept_entry(&m, "bpf_csum_diff", "")->best_ps, 0);
	assert_int_equal(kept_entry(&m, "bpf_csum_diff", "")->best_per_unit_ps,
			 0);
	assert_int_equal(kept_entry(&m, "bpf_csum_diff", "")->worst_ps, 60000);
	/* a default is no better known */
	assert_int_equal(kept_entry(&m, "bpf_skb_output", "")->worst_ps,
			 500000000);
	assert_int_equal(kept_entry(&m, "bpf_msg_pull_data", "")->worst_ps,
			 200000000);
	model_free(&m);
}

static const struct CMUnitTest model_tests[] = {
	cmocka_unit_test(model_is_read),
	cmocka_unit_test(model_is_written),
	cmocka_unit_test(model_is_refused),
	cmocka_unit_test(model_times),
	cmocka_unit_test(model_names),
	cmocka_unit_test(model_keeps_state),
	cmocka_unit_test(model_knows_contention),
};

int main(void)
{
	return cmocka_run_group_tests(model_tests, model_file, model_file_gone);
}
