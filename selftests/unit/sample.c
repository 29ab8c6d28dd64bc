// SPDX-License-Identifier: GPL-2.0
/* From the times of calls to what one costs: interrupts are left out, the call is not. */
#include "unit.h"
#include "calibrate/calib.h"

static struct calib_sample sample_new(void)
{
	return (struct calib_sample){ .best = UINT64_MAX };
}

static void fill_times(u64 ns[CALIB_LOOP], u64 value)
{
	for (int i = 0; i < CALIB_LOOP; i++)
		ns[i] = value;
}

static void sample_of_a_quiet_run(void **state)
{
	struct calib_sample s = sample_new();
	u64 ns[CALIB_LOOP];

	fill_times(ns, 100);
	ns[3] = 90;
	ns[5] = 5000;
	ns[7] = 10;
	calib_take_run(&s, ns, 20, 0);
	/* a time below the overhead is none */
	assert_int_equal(s.best, 0);
	/* there was no interrupt: what is long is the call's */
	assert_int_equal(s.worst, 4980);
	assert_int_equal(s.calls, CALIB_LOOP);
	assert_int_equal(s.outliers, 0);
	assert_int_equal(s.sum, 97 * 80 + 70 + 4980);
	free(s.kept);
}

static void sample_leaves_out_interrupts(void **state)
{
	struct calib_sample s = sample_new();
	u64 ns[CALIB_LOOP];

	fill_times(ns, 100);
	ns[3] = 9000;
	ns[5] = 5000;
	ns[7] = 300;
	/* three at most, and only what is longer by an interrupt */
	calib_take_run(&s, ns, 0, 3);
	assert_int_equal(s.outliers, 2);
	assert_int_equal(s.outlier_max, 9000);
	assert_int_equal(s.worst, 300);
	assert_int_equal(s.calls, CALIB_LOOP - 2);
	calib_take_run(&s, ns, 0, 1);
	assert_int_equal(s.outliers, 3);
	assert_int_equal(s.worst, 5000);
	assert_int_equal(s.runs, 2);
	free(s.kept);
}

/* However many interrupts: half of the calls are always kept. */
static void sample_keeps_half(void **state)
{
	struct calib_sample s = sample_new();
	u64 ns[CALIB_LOOP];

	for (int i = 0; i < CALIB_LOOP; i++)
		ns[i] = i < CALIB_LOOP / 2 + 1 ? 100 : 10000;
	calib_take_run(&s, ns, 0, 1000);
	assert_int_equal(s.calls, CALIB_LOOP / 2 + 1);
	assert_int_equal(s.worst, 100);
	free(s.kept);
}

/* One of a hundred is chance, in the worst and in the mean. */
static void sample_worst_is_a_quantile(void **state)
{
	struct calib_sample s = sample_new();
	u64 ns[CALIB_LOOP];

	fill_times(ns, 100);
	ns[3] = 5000;
	ns[5] = 150;
	calib_take_run(&s, ns, 0, 0);
	calib_settle(&s, 990);
	assert_int_equal(s.worst, 150);
	assert_int_equal(s.beyond, 1);
	assert_int_equal(s.sum / s.calls, 100);
	assert_int_equal(s.best, 100);
	assert_null(s.kept);
}

static const struct CMUnitTest sample_tests[] = {
	cmocka_unit_test(sample_of_a_quiet_run),
	cmocka_unit_test(sample_leaves_out_interrupts),
	cmocka_unit_test(sample_keeps_half),
	cmocka_unit_test(sample_worst_is_a_quantile),
};

RUN(sample_tests)
