// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of how long a program can take. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"

bool kwd_estimate_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >=
	       offsetof(struct bpf_prog_info, watchdog_effective_budget_ns) +
		       sizeof(info.watchdog_effective_budget_ns);
}

static const struct reason {
	u32 value;
	const char *name, *text, *advice;
} reasons[] = {
	{ BPF_ESTIMATE_BOUNDED, "bounded", "it has a bound", "" },
	{ BPF_ESTIMATE_NONE, "none", "this kernel did not verify it",
	  "load it again" },
	{ BPF_ESTIMATE_NO_MEMORY, "no_memory",
	  "no memory was left to compute it", "load it again" },
	{ BPF_ESTIMATE_TOO_COMPLEX, "too_complex",
	  "it has too many paths to add up", "split it" },
	{ BPF_ESTIMATE_ITERATOR, "iterator",
	  "it iterates over something without a limit",
	  "leave the loop after a number of turns: count them in a variable" },
	{ BPF_ESTIMATE_TAIL_CALL, "tail_call",
	  "it calls programs that can be exchanged",
	  "call a function (BPF-to-BPF) instead, or let a policy charge what "
	  "is in the array (tail_calls: entries)" },
	{ BPF_ESTIMATE_HELPER, "helper",
	  "it calls a helper or kfunc whose time nothing limits",
	  "do it in user space, or give the helper a bound in the cost model" },
	{ BPF_ESTIMATE_INNER_MAP, "inner_map",
	  "it walks a map that can be exchanged by one of any size",
	  "walk a map of its own, or the first elements by bpf_loop()" },
	{ BPF_ESTIMATE_CYCLE, "cycle", "it has a loop whose limit is not known",
	  "use bpf_for() or bpf_loop() with a constant" },
	{ BPF_ESTIMATE_OVERFLOW, "overflow",
	  "it is bounded, but by more than 200 days",
	  "lower the bounds of nested loops" },
	{ BPF_ESTIMATE_FEEDS, "feeds",
	  "it walks a map that its callback changes",
	  "change the map after the walk, or count the turns in a variable" },
	{ BPF_ESTIMATE_NO_COST, "no_cost",
	  "it calls a helper or kfunc that has no measured cost",
	  "measure what is called, or give it a cost in the model: bpfwd calibrate" },
};

static const struct reason *kwd_estimate_find(u32 value)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].value == value)
			return &reasons[i];
	return NULL;
}

bool kwd_estimate_none(u32 reason)
{
	/* a newer kernel's reason for no estimate is below the others */
	return reason && reason < BPF_ESTIMATE_ITERATOR;
}

u64 kwd_estimate_charge(const struct bpf_prog_info *info)
{
	if (kwd_estimate_none(info->estimate_reason))
		return UINT64_MAX;
	return info->estimate_worst_ns > info->estimate_async_ns ?
		       info->estimate_worst_ns :
		       info->estimate_async_ns;
}

u64 kwd_estimate_tail(const struct bpf_prog_info *info, u32 info_len)
{
	if (info->estimate_reason != BPF_ESTIMATE_TAIL_CALL ||
	    !kwd_tail_known(info_len))
		return kwd_estimate_charge(info);
	return info->estimate_tail_ns > info->estimate_async_ns ?
		       info->estimate_tail_ns :
		       info->estimate_async_ns;
}

u64 kwd_estimate_stop(const struct bpf_prog_info *info, u32 info_len)
{
	u64 worst = kwd_estimate_charge(info);

	/* one that cannot be ended runs out, and none takes longer */
	return kwd_stops_known(info_len) &&
			       !kwd_terminable_never(info->terminable) &&
			       info->stop_bound_ns < worst ?
		       info->stop_bound_ns :
		       worst;
}

const char *kwd_reason_name(u32 value)
{
	const struct reason *r = kwd_estimate_find(value);

	return r ? r->name : "unknown";
}

const char *kwd_reason_text(u32 value)
{
	const struct reason *r = kwd_estimate_find(value);

	return r ? r->text : "for a reason that this bpfwd does not know";
}

const char *kwd_reason_advice(u32 value)
{
	const struct reason *r = kwd_estimate_find(value);

	return r ? r->advice : "";
}

static const struct {
	const char *name, *text, *advice;
} loops[] = {
	[BPF_LOOP_CALLBACK] = { "callback", "the first argument of bpf_loop()",
				"pass less to bpf_loop(), or cap it before: "
				"if (n > MAX) n = MAX;" },
	[BPF_LOOP_MAP] = { "map", "max_entries of the map",
			   "give the map fewer max_entries (--map-size tries "
			   "it), or walk part of it by bpf_loop()" },
	[BPF_LOOP_RINGBUF] = { "ringbuf",
			       "the kernel's limit of samples for one drain",
			       "do less in its callback" },
	[BPF_LOOP_ONCE] = { "once", "it is called once at most" },
	[BPF_LOOP_RBTREE] = { "rbtree", "the greatest height of a tree",
			      "do less in its callback" },
	[BPF_LOOP_NUM] = { "num", "the arguments of bpf_iter_num_new()",
			   "iterate to a smaller constant, or cap the end "
			   "before: if (n > MAX) n = MAX;" },
	[BPF_LOOP_BITS] = { "bits", "the words of bpf_iter_bits_new()",
			    "pass fewer words to it" },
	[BPF_LOOP_MAY_GOTO] = { "may_goto", "the kernel's limit of may_goto",
				"make it a bpf_for() to a constant: what it "
				"counts itself is no bound" },
	[BPF_LOOP_ITER] = { "iterator", "nothing: it has no limit" },
	[BPF_LOOP_CYCLE] = { "cycle", "not known" },
};

const char *kwd_loop_text(u32 kind)
{
	return kind < ARRAY_SIZE(loops) && loops[kind].text ? loops[kind].text :
							      "unknown";
}

const char *kwd_loop_name(u32 kind)
{
	return kind < ARRAY_SIZE(loops) && loops[kind].name ? loops[kind].name :
							      "unknown";
}

const char *kwd_loop_advice(u32 kind)
{
	return kind < ARRAY_SIZE(loops) && loops[kind].advice ?
		       loops[kind].advice :
		       "";
}

static const char *const spots[] = {
	[BPF_SPOT_CODE] = "code",   [BPF_SPOT_HELPER] = "helper",
	[BPF_SPOT_KFUNC] = "kfunc", [BPF_SPOT_LOOP] = "loop",
	[BPF_SPOT_ENTRY] = "entry",
};

const char *kwd_spot_name(u32 kind)
{
	return kind < ARRAY_SIZE(spots) && spots[kind] ? spots[kind] :
							 "unknown";
}

int kwd_estimate_get(int fd, struct estimate *e)
{
	u32 len = sizeof(e->info);

	memset(e, 0, sizeof(*e));
	e->info.nr_estimate_spots = ESTIMATE_SPOTS;
	e->info.estimate_spot_rec_size = sizeof(e->spots[0]);
	e->info.estimate_spots = (uintptr_t)e->spots;
	if (bpf_prog_get_info_by_fd(fd, &e->info, &len))
		/* E2BIG: it does not know the members that ask for spots */
		return errno == E2BIG ? -ENOSYS : -errno;
	if (!kwd_estimate_known(len))
		return -ENOSYS;
	e->info_len = len;
	e->stops = kwd_stops_known(len);
	e->n = e->info.nr_estimate_spots < ESTIMATE_SPOTS ?
		       e->info.nr_estimate_spots :
		       ESTIMATE_SPOTS;
	return 0;
}

int kwd_estimate_missing(struct fault *f)
{
	struct utsname uts;

	uname(&uts);
	fault_set(f, EXIT_LACKS, ENOSYS, "this kernel does not estimate");
	fault_why(f,
		  "%s lacks the patches or CONFIG_BPF_WATCHDOG, so how long a "
		  "program can take is not known, only how long it took",
		  uts.release);
	return fault_hint(f, "bpfwd top measures here; boot the patched kernel "
			     "(`make kernel` builds it) for the rest");
}
