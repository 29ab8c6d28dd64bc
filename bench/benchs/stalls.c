// SPDX-License-Identifier: GPL-2.0
/* Loading the programs of progs/stall.bpf.c, and what their runs need. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "stalls.h"
#include "stall.skel.h"

static const char *const no_reasons[] = {
	[BPF_TERMINABLE_NOT_NEEDED] = "NOT_NEEDED",
	[BPF_TERMINABLE_WHEN_ENABLED] = "WHEN_ENABLED",
	[BPF_TERMINABLE_NO_CLASSIC] = "NO_CLASSIC",
	[BPF_TERMINABLE_NO_JIT] = "NO_JIT",
	[BPF_TERMINABLE_NO_OFFLOAD] = "NO_OFFLOAD",
	[BPF_TERMINABLE_NO_MEMORY] = "NO_MEMORY",
	[BPF_TERMINABLE_NO_CONGRUENCE] = "NO_CONGRUENCE",
	[BPF_TERMINABLE_NO_SYMBOL] = "NO_SYMBOL",
};

static const char *reason_name(__u32 terminable)
{
	if (terminable < ARRAY_SIZE(no_reasons) && no_reasons[terminable])
		return no_reasons[terminable];
	return "UNKNOWN";
}

static int fill_hash(struct stall *s)
{
	int fd = bpf_map__fd(s->obj->maps.hash), err = 0;
	__u32 n = bpf_map__max_entries(s->obj->maps.hash), done = n, i;
	__u32 *keys = calloc(n, sizeof(*keys));
	__u64 *vals = calloc(n, sizeof(*vals));
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	for (i = 0; i < n; i++)
		keys[i] = vals[i] = i;
	if (bpf_map_update_batch(fd, keys, vals, &done, &opts))
		err = -errno;
	free(keys);
	free(vals);
	return err;
}

/* An ended drain leaves the rest of the samples for the next one: top up. */
static int fill_ring(struct stall *s)
{
	void *sample;
	int i;

	if (!s->rb)
		s->rb = user_ring_buffer__new(bpf_map__fd(s->obj->maps.user_rb),
					      NULL);
	if (!s->rb)
		return -errno;
	for (i = 0; i < 4096; i++) {
		sample = user_ring_buffer__reserve(s->rb, 8);
		if (!sample)
			return 0;
		memset(sample, 1, 8);
		user_ring_buffer__submit(s->rb, sample);
	}
	return 0;
}

static int fill_chain(struct stall *s)
{
	__u32 key = 0;

	return bpf_map_update_elem(bpf_map__fd(s->obj->maps.chain), &key,
				   &s->fd, 0) ?
		       -errno :
		       0;
}

const struct stall_kind stall_kinds[NR_STALLS] = {
	{ .name = "loop_inlined", .maps = "", .loop = true },
	{ .name = "loop_called", .maps = "", .loop = true },
	{ .name = "for_each_array", .maps = "array" },
	{ .name = "for_each_hash", .maps = "hash", .setup = fill_hash },
	{ .name = "iter_num", .maps = "" },
	{ .name = "may_goto", .maps = "" },
	{ .name = "may_goto_call", .maps = "" },
	{ .name = "user_ringbuf", .maps = "user_rb", .before = fill_ring },
	{ .name = "subprogs", .maps = "" },
	{ .name = "subprogs_global", .maps = "" },
	{ .name = "tail_call", .maps = "chain", .setup = fill_chain },
	{ .name = "spin_lock", .maps = "locks", .irqs_off = true },
};

int stall__open(struct stall *s, const struct stall_kind *kind)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_map *map;
	int err;

	*s = (struct stall){ .kind = kind };
	s->obj = stall_bpf__open();
	if (!s->obj)
		return -errno;
	bpf_object__for_each_program(prog, s->obj->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog),
							kind->name));
	bpf_object__for_each_map(map, s->obj->obj)
		if (!bpf_map__is_internal(map))
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map),
							     kind->maps));
	err = stall_bpf__load(s->obj);
	if (err)
		return err;
	s->fd = bpf_program__fd(
		bpf_object__find_program_by_name(s->obj->obj, kind->name));
	err = wd_prog_info(s->fd, &info);
	s->prog_id = info.id;
	return err ?: kind->setup ? kind->setup(s) : 0;
}

void stall__close(struct stall *s)
{
	user_ring_buffer__free(s->rb);
	stall_bpf__destroy(s->obj);
	s->rb = NULL;
	s->obj = NULL;
}

int stall__prepare(struct stall *s)
{
	return s->kind->before ? s->kind->before(s) : 0;
}

int stall__set_budget(struct stall *s, __u64 budget_ns)
{
	struct bpf_prog_info info;
	int err;

	err = wd_prog_info(s->fd, &info);
	if (!err && info.terminable != BPF_TERMINABLE_YES &&
	    info.terminable != BPF_TERMINABLE_CONDITIONAL) {
		warn_f("%s: not terminable: BPF_TERMINABLE_%s", s->kind->name,
		       reason_name(info.terminable));
		err = -EOPNOTSUPP;
	}
	return err ?: wd_prog_op(s->fd, BPF_WD_SET_BUDGET, budget_ns);
}

void wait_phase(__u64 *rng)
{
	__u64 end;

	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	end = now_ns() + *rng % 1000000;
	while (now_ns() < end)
		;
}
