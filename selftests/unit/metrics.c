// SPDX-License-Identifier: GPL-2.0
/* What is counted of events: reasons, and the histogram of how late runs end. */
#include "unit.h"
#include "service/metrics.h"

static struct event ended_after(const char *reason, u64 late_ns, u64 stop_ns)
{
	struct event e = { .kind = EV_TERMINATED,
			   .late_ns = late_ns,
			   .stop_ns = stop_ns };

	strcpy(e.reason, reason);
	return e;
}

static void metrics_histogram(void **state)
{
	static const struct {
		u64 late_ns, stop_ns;
		size_t bucket;
	} rows[] = {
		{ 0, 0, 0 },	       { 9999, 1, 0 },
		{ 10000, 1, 1 },       { 12500, 12500, 1 },
		{ 25000, 1, 2 },       { 1000000, 0, 6 },
		{ 1000000, 1, 7 },     { 1000000000, 0, 12 },
		{ 1000000000, 1, 13 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct metrics_events m = {};
		struct event e =
			ended_after("budget", rows[i].late_ns, rows[i].stop_ns);

		metrics_count(&m, &e);
		assert_int_equal(m.latency[rows[i].bucket], 1);
		assert_int_equal(m.latencies, 1);
		assert_int_equal(m.latency_ns,
				 rows[i].late_ns + rows[i].stop_ns);
		assert_int_equal(m.ended[0], 1);
	}
}

static void metrics_reasons(void **state)
{
	static const char *const reasons[] = { "budget", "request",
					       "quarantine", "what will be" };
	struct metrics_events m = {};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct event e = ended_after(reasons[i], 5, 5);

		metrics_count(&m, &e);
		assert_int_equal(m.ended[i], 1);
	}
	/* others have no deadline to be late after */
	assert_int_equal(m.latencies, 1);
}

static void metrics_other_events(void **state)
{
	static const enum event_kind kinds[] = {
		EV_WARNED,    EV_QUARANTINED, EV_LOST,	EV_OVERRUN,
		EV_RELEASED,  EV_LATE,	      EV_STUCK, EV_DENIED,
		EV_THROTTLED, EV_OVER_SHARE,
	};
	struct metrics_events m = {};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		metrics_count(&m, &(struct event){ .kind = kinds[i] });
	/* it has an event of its own */
	metrics_count(&m, &(struct event){ .kind = EV_QUARANTINED,
					   .by_share = true });
	metrics_count(&m, &(struct event){ .kind = EV_LOST, .lost = 12 });
	assert_int_equal(m.warned, 1);
	assert_int_equal(m.quarantined, 1);
	/* the kernel does not always say how many */
	assert_int_equal(m.lost, 13);
	assert_int_equal(m.latencies, 0);
	assert_int_equal(m.ended[0], 0);
}

static const struct CMUnitTest metrics_tests[] = {
	cmocka_unit_test(metrics_histogram),
	cmocka_unit_test(metrics_reasons),
	cmocka_unit_test(metrics_other_events),
};

RUN(metrics_tests)
