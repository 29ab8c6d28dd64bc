// SPDX-License-Identifier: GPL-2.0
/* The kernel's counters of how long runs took, and their difference. */
#include "unit.h"
#include "progs/run_times.h"

#define N 248

static void run_times_edges(void **state)
{
	/* each entry begins where the one before it ends, and so it is documented */
	for (u32 i = 0; i + 1 < N; i++) {
		u64 from = i < 8 ? i : (u64)(8 + i % 8) << (i / 8 - 1);

		assert_true(run_times_edge(i, N) >= from);
		assert_int_equal(run_times_edge(i, N) + 1,
				 i + 1 < 8 ? i + 1 :
					     (u64)(8 + (i + 1) % 8)
						     << ((i + 1) / 8 - 1));
	}
	assert_int_equal(run_times_edge(0, N), 0);
	assert_int_equal(run_times_edge(8, N), 8);
	assert_int_equal(run_times_edge(16, N), 17);
	assert_true(run_times_edge(N - 1, N) == UINT64_MAX);
}

static void run_times_of_an_interval(void **state)
{
	u64 now[N] = {}, then[N] = {};

	assert_int_equal(run_times_p99(now, NULL, N, 1000), 0);
	then[100] = 5000; /* long ones, but before */
	now[100] = 5000;
	now[20] = 98;
	assert_int_equal(run_times_p99(now, NULL, N, UINT64_MAX),
			 run_times_edge(100, N));
	assert_int_equal(run_times_p99(now, then, N, UINT64_MAX),
			 run_times_edge(20, N));
	assert_int_equal(run_times_p99(now, now, N, UINT64_MAX), 0);
	/* one of 99 is more than 1 % */
	now[100]++;
	assert_int_equal(run_times_p99(now, then, N, UINT64_MAX),
			 run_times_edge(100, N));
	/* one of 100 is not */
	now[20]++;
	assert_int_equal(run_times_p99(now, then, N, UINT64_MAX),
			 run_times_edge(20, N));
	/* no run took longer than the longest one */
	assert_int_equal(run_times_p99(now, then, N, 7), 7);
	/* beyond the last edge */
	now[N - 1] = 1000;
	assert_int_equal(run_times_p99(now, then, N, 12345), 12345);
}

/* The kernel halves all of them when one gets too high. */
static void run_times_halved(void **state)
{
	u64 now[N] = {}, then[N] = {};

	then[10] = 1ULL << 31;
	then[20] = 10;
	now[10] = 1ULL << 30;
	now[20] = 5;
	now[30] = 3;
	assert_int_equal(run_times_p99(now, then, N, UINT64_MAX),
			 run_times_edge(30, N));
	now[30] = 0;
	assert_int_equal(run_times_p99(now, then, N, UINT64_MAX), 0);
}

/* As a histogram of metrics has them. */
static void run_times_cumulated(void **state)
{
	u64 times[N] = {};
	u32 at = 0;

	assert_int_equal(run_times_sum(times, N), 0);
	times[0] = 7; /* less than 1 ns */
	times[5] = 2; /* 5 ns */
	times[23] = 3; /* from 30 to 31 ns */
	times[24] = 1; /* from 32 to 35 ns */
	times[N - 1] = 1;
	assert_int_equal(run_times_until(times, N, 4, &at), 7);
	assert_int_equal(at, 5);
	/* from there on */
	assert_int_equal(run_times_until(times, N, 31, &at), 5);
	assert_int_equal(run_times_until(times, N, 35, &at), 1);
	assert_int_equal(run_times_until(times, N, (1ULL << 62) - 1, &at), 0);
	assert_int_equal(run_times_until(times, N, UINT64_MAX, &at), 1);
	assert_int_equal(at, N);
	/* the last one begins behind the edge before it */
	assert_int_equal(run_times_sum(times, N),
			 2 * 5 + 3 * 30 + 33 + run_times_edge(N - 2, N) + 1);
}

/* No edge of a bucket of metrics is within an entry. */
static void run_times_powers(void **state)
{
	for (int power = 8; power <= 30; power += 2) {
		bool found = false;

		for (u32 i = 0; i < N; i++)
			found |= run_times_edge(i, N) == (1ULL << power) - 1;
		assert_true(found);
	}
}

static const struct CMUnitTest run_times_tests[] = {
	cmocka_unit_test(run_times_edges),
	cmocka_unit_test(run_times_of_an_interval),
	cmocka_unit_test(run_times_halved),
	cmocka_unit_test(run_times_cumulated),
	cmocka_unit_test(run_times_powers),
};

RUN(run_times_tests)
