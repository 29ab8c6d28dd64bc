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
	assert_int_equal(s.by_noise, 0);
	calib_take_run(&s, ns, 0, 1);
	assert_int_equal(s.outliers, 3);
	assert_int_equal(s.worst, 5000);
	assert_int_equal(s.runs, 2);
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
}

static void sample_takes_back(void **state)
{
	struct calib_sample s = sample_new();

	s.runs = 10;
	s.worst = 100;
	s.by_noise = 4;
	for (int i = 0; i < 4; i++)
		s.left_out[i] = 1000 * (4 - i);
	/* in fewer than every other run */
	calib_take_back(&s);
	assert_int_equal(s.worst, 100);
	s.runs = 8;
	calib_take_back(&s);
	assert_int_equal(s.worst, 3000);
	s.by_noise = 2;
	s.worst = 100;
	s.runs = 1;
	calib_take_back(&s);
	assert_int_equal(s.worst, 100);
}

static const struct CMUnitTest sample_tests[] = {
	cmocka_unit_test(sample_of_a_quiet_run),
	cmocka_unit_test(sample_leaves_out_interrupts),
	cmocka_unit_test(sample_keeps_half),
	cmocka_unit_test(sample_takes_back),
};

RUN(sample_tests)
