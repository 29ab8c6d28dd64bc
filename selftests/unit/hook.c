// SPDX-License-Identifier: GPL-2.0
/* Names of hooks: one spelling, one place, and rules that fit. */
#include "unit.h"
#include "policy/hook.h"

static void hooks_are_spelled_as_the_kernel_does(void **state)
{
	static const struct {
		const char *written, *hook;
	} rows[] = {
		{ "xdp", "xdp/*" },
		{ "xdp/lo", "xdp/lo" },
		{ "xdp.frags/devmap", "xdp/devmap" },
		{ "tc", "tc/*" },
		{ "classifier", "tc/*" },
		{ "tcx/ingress", "tcx/ingress/*" },
		{ "tcx/ingress/lo", "tcx/ingress/lo" },
		{ "netkit/peer", "netkit/peer/*" },
		{ "kprobe.multi/*", "kprobe/*" },
		{ "kprobe.session/vfs_*", "kprobe/vfs_*" },
		{ "kprobe/vfs_read+0x10", "kprobe/vfs_read" },
		{ "ksyscall/read", "kprobe/__x64_sys_read" },
		{ "tracepoint/sched/sched_switch", "tp/sched/sched_switch" },
		{ "raw_tracepoint/x", "raw_tp/x" },
		{ "lsm.s/file_open", "lsm/file_open" },
		{ "fentry.s/x", "fentry/x" },
		{ "uprobe//bin/true+0x10", "uprobe//bin/true:0x10" },
		{ "usdt//bin/true:a:b", "uprobe//bin/true:*" },
		{ "uprobe.multi//bin/*", "uprobe//bin/*" },
		{ "socket", "socket" },
		{ "cgroup_skb/egress", "cgroup_skb/egress" },
		{ "lsm*/*", "lsm*/*" },
		{ "*", "*" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *hook = hook_spelled(rows[i].written);

		assert_string_equal(hook, rows[i].hook);
		free(hook);
	}
}

static void hooks_at_one_place(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "kprobe/f", "kprobe/f", true },
		{ "kprobe/f", "kretprobe/f", true },
		{ "fexit/f", "kprobe/f+0x10", true },
		{ "kprobe/f+0x5", "kprobe/f+0x10", true },
		{ "kprobe/f", "kprobe/ff", false },
		/* copies and parts of a function are the function */
		{ "kprobe/f.isra.0.cold", "fentry/f", true },
		{ "kprobe/f.cold+0x10", "kprobe/f.constprop.1", true },
		{ "lsm/x", "fentry/bpf_lsm_x", true },
		{ "raw_tp/t", "tp_btf/t", true },
		{ "tp/g/t", "raw_tp/t", true },
		{ "tp/g/t", "tp/g/u", false },
		{ "uprobe/f:0x1", "uretprobe/f:0x1", true },
		{ "uprobe/f:0x1", "uprobe/f:0x2", false },
		{ "xdp/a", "xdp/b", false },
		{ "socket", "socket", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(hook_same_place(rows[i].a, rows[i].b),
				 rows[i].same);
		assert_int_equal(hook_same_place(rows[i].b, rows[i].a),
				 rows[i].same);
	}
}

static void hooks_fit_rules(void **state)
{
	assert_true(hook_fits("kprobe/f", "fentry/f"));
	assert_true(hook_fits("*/f", "kprobe/f+0x10"));
	assert_true(hook_fits("breakpoint/*", "kretprobe/f"));
	assert_true(hook_fits("lsm/x", "fexit/bpf_lsm_x"));
	assert_true(hook_fits("kprobe/f", "kprobe/f.part.0"));
	assert_true(hook_fits("kprobe/f.part.0", "kprobe/f.part.0"));
	assert_true(hook_fits("raw_tp/t", "tp/g/t"));
	assert_false(hook_fits("kprobe/f", "fentry/g"));
	assert_false(hook_fits("xdp", "xdp/lo"));
}

static void hooks_behind_wider_ones(void **state)
{
	assert_true(hook_covered("*", "xdp/lo"));
	assert_true(hook_covered("kprobe/*", "kprobe/vfs_*"));
	assert_true(hook_covered("kprobe/*", "fentry/f"));
	assert_true(hook_covered("xdp/lo", "xdp/lo"));
	assert_false(hook_covered("kprobe/vfs_*", "kprobe/*"));
	assert_false(hook_covered("xdp/?", "xdp/*"));
	assert_false(hook_covered("xdp/*", "*"));
}

static const struct CMUnitTest hook_tests[] = {
	cmocka_unit_test(hooks_are_spelled_as_the_kernel_does),
	cmocka_unit_test(hooks_at_one_place),
	cmocka_unit_test(hooks_fit_rules),
	cmocka_unit_test(hooks_behind_wider_ones),
};

RUN(hook_tests)
