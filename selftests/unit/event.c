// SPDX-License-Identifier: GPL-2.0
/* A line of the trace ring becomes an event, and an event a line for people. */
#include "unit.h"
#include "service/event.h"
#include "service/event_out.h"

#define HEAD "     cat-611   [001] d..21    81.234567: "

static struct event event_of(const char *line)
{
	struct event_parser *parser = event_parser_new();
	struct event e;

	assert_non_null(parser);
	assert_true(event_parse(parser, line, &e));
	event_parser_free(parser);
	return e;
}

static void event_ended(void **state)
{
	struct event e = event_of(
		HEAD "terminate: prog_id=42 name=spin reason=budget "
		     "ran_ns=10020568 budget_ns=10000000 late_ns=20568 "
		     "stop_ns=95737 commits=1 ip=ffffffffa00002fa "
		     "pid=85 comm=my cat");

	assert_int_equal(e.kind, EV_TERMINATED);
	assert_int_equal(e.boot_ns, 81234567000);
	assert_int_equal(e.cpu, 1);
	assert_int_equal(e.prog_id, 42);
	assert_string_equal(e.name, "spin");
	assert_string_equal(e.reason, "budget");
	assert_int_equal(e.ran_ns, 10020568);
	assert_int_equal(e.budget_ns, 10000000);
	assert_int_equal(e.late_ns, 20568);
	assert_int_equal(e.stop_ns, 95737);
	assert_int_equal(e.commits, 1);
	assert_true(e.ip == 0xffffffffa00002fa);
	/* of the event, not of who ran when it was told */
	assert_int_equal(e.pid, 85);
	assert_string_equal(e.comm, "my cat");
}

static void event_kinds(void **state)
{
	static const struct {
		const char *line;
		enum event_kind kind;
		const char *reason;
	} rows[] = {
		{ "overrun: prog_id=1 action=end", EV_OVERRUN, "budget" },
		{ "overrun: prog_id=1 action=warn", EV_WARNED, "budget" },
		{ "overrun: prog_id=1 action=1", EV_WARNED, "budget" },
		{ "late: prog_id=1 reason=1", EV_LATE, "request" },
		{ "stuck: prog_id=1 reason=16", EV_STUCK, "budget" },
		{ "terminate: prog_id=1 reason=2", EV_TERMINATED,
		  "quarantine" },
		{ "terminate: prog_id=1 reason=new", EV_TERMINATED, "new" },
		{ "quarantine: prog_id=1 quarantined=1", EV_QUARANTINED, "" },
		{ "quarantine: prog_id=1 quarantined=0", EV_RELEASED, "" },
		{ "policy_denied: prog_id=1 denied=0 reason=latency",
		  EV_WOULD_DENY, "over_latency" },
		{ "policy_denied: prog_id=1 denied=1 reason=programs",
		  EV_DENIED, "over_programs" },
		{ "policy_denied: prog_id=1 denied=2 reason=unknown",
		  EV_DETACHED, "unknown_hook" },
		{ "policy_denied: prog_id=1 denied=0 reason=share",
		  EV_OVER_SHARE, "over_share" },
		{ "policy_denied: prog_id=1 denied=3 reason=share",
		  EV_THROTTLED, "over_share" },
		{ "policy_denied: prog_id=1 denied=4 reason=share",
		  EV_QUARANTINED, "over_share" },
		{ "policy_denied: prog_id=1 denied=5 reason=share", EV_DETACHED,
		  "over_share" },
		{ "policy_denied: prog_id=1 denied=9 reason=share",
		  EV_OVER_SHARE, "over_share" },
	};
	char line[200];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event e;

		snprintf(line, sizeof(line), HEAD "%s", rows[i].line);
		e = event_of(line);
		assert_int_equal(e.kind, rows[i].kind);
		assert_string_equal(e.reason, rows[i].reason);
		assert_int_equal(e.prog_id, 1);
		assert_string_equal(e.comm, "cat");
		assert_int_equal(e.pid, 611);
	}
}

static void event_lost(void **state)
{
	struct event e = event_of("CPU:1 [LOST 12 EVENTS]");

	assert_int_equal(e.kind, EV_LOST);
	assert_int_equal(e.cpu, 1);
	assert_int_equal(e.lost, 12);
	e = event_of("CPU:0 [LOST EVENTS]");
	assert_int_equal(e.kind, EV_LOST);
	assert_int_equal(e.lost, 0);
}

/* A command may look like anything. */
static void event_of_odd_commands(void **state)
{
	struct event e = event_of(" a: b-1 [000]-7     [000]  1.000002: late: "
				  "prog_id=3 name=x reason=budget pid=9 "
				  "comm=late: prog_id=4");

	assert_int_equal(e.prog_id, 3);
	assert_string_equal(e.comm, "late: prog_id=4");
	assert_int_equal(e.boot_ns, 1000002000);
	/* as wide as the kernel prints it */
	e = event_of(
		"             cat-7     [000]  1.000002: overrun: prog_id=3");
	assert_string_equal(e.comm, "cat");
	e = event_of("  <...>-7     [000]  1.000002: overrun: prog_id=3");
	assert_string_equal(e.comm, "");
}

static void event_of_others(void **state)
{
	static const char *const lines[] = {
		"",
		"# tracer: nop",
		"# entries-in-buffer/entries-written: 1/1",
		HEAD "sched_switch: prog_id=1",
		HEAD "terminated: prog_id=1",
		HEAD "lat: prog_id=1",
		"terminate: prog_id=1",
		"cat-611 [001] 81.23: terminate: prog_id=1",
	};
	struct event_parser *parser = event_parser_new();
	struct event e;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(event_parse(parser, lines[i], &e));
	event_parser_free(parser);
}

static void event_reads_as(const struct event *e, const char *hook,
			   const char *want)
{
	struct event_more more = { .name = e->name, .hook = hook };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	event_text(f, e, &more, false);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void event_is_told(void **state)
{
	struct event e = event_of(
		HEAD "terminate: prog_id=42 name=spin reason=budget "
		     "ran_ns=10020568 budget_ns=10000000 late_ns=20568 "
		     "stop_ns=95737 pid=85 comm=ca\x1bt");

	event_reads_as(&e, "kprobe/vfs_read",
		       "KILLED 42 spin kprobe/vfs_read cpu1 ca?t[85] ran "
		       "10.0ms > 10ms, ended in 95.7us");
	e = event_of(HEAD "policy_denied: prog_id=6 name=spin denied=1 "
			  "reason=latency hook=kprobe/vfs_read "
			  "rule=site:hooks[0] at=p.yaml:7 worst_ns=3000 "
			  "there_ns=2500 limit_ns=5000");
	event_reads_as(
		&e, e.hook,
		"DENIED 6 spin kprobe/vfs_read cpu1 cat[611]: worst case "
		"3.00us + 2.50us already there = 5.50us > 5us "
		"(site:hooks[0], p.yaml:7)");
	e = event_of(HEAD "policy_denied: prog_id=6 name=spin hook= denied=3 "
			  "reason=share worst_ns=3000 terminable=0 "
			  "there_ns=61500000 limit_ns=50000000 "
			  "rule=site:programs[0] at=p.yaml:9");
	event_reads_as(&e, NULL,
		       "THROTTLED 6 spin - cpu1 cat[611]: it took 61.5ms of "
		       "CPU time in a window, the share is 50ms "
		       "(site:programs[0], p.yaml:9)");
}

static const struct CMUnitTest event_tests[] = {
	cmocka_unit_test(event_ended),
	cmocka_unit_test(event_kinds),
	cmocka_unit_test(event_lost),
	cmocka_unit_test(event_of_odd_commands),
	cmocka_unit_test(event_of_others),
	cmocka_unit_test(event_is_told),
};

RUN(event_tests)
