// SPDX-License-Identifier: GPL-2.0
/* What an invocation costs besides what it does: entry and return, and a cold start.
 *
 * Instructions and calls are measured many times in a row, so all that they need is in
 * the caches. A program that runs once in a while finds little of it there. How much
 * longer that takes is measured with one that does a bit of everything, after this
 * process has used the caches itself. It belongs to each invocation once, whatever its
 * length: so it is part of the entry, which is chosen so that 999 of 1,000 are within.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "progs/insn.h"

/* As much as the caches of a core hold, apart from those that cores share. */
#define EVICT_BYTES (1 << 20)
#define LINE_BYTES 64
/* Of so many runs only those that no interrupt fell into are taken. */
#define TRIES (2 * CALIB_LOOP)

static void entry_emit(struct calib_code *c, struct bpf_insn insn)
{
	c->insns[c->n++] = insn;
}

static void evict(void)
{
	static volatile char *buf;

	if (!buf)
		buf = calloc(1, EVICT_BYTES);
	for (size_t i = 0; buf && i < EVICT_BYTES; i += LINE_BYTES)
		buf[i]++;
}

/* The time of one run as run statistics see it; -EAGAIN if an interrupt came. */
static int one_run(const struct calib_prog *prog, u64 *last, u64 *ns)
{
	u64 before = calib_interrupts();
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);
	int err = calib_run(prog);
	bool quiet = calib_interrupts() == before;

	if (err)
		return err;
	if (bpf_prog_get_info_by_fd(prog->fd, &info, &len))
		return -errno;
	*ns = info.run_time_ns - *last;
	*last = info.run_time_ns;
	return quiet ? 0 : -EAGAIN;
}

static int one_hundred(const struct calib_prog *prog, bool cold,
		       struct calib_sample *s)
{
	u64 ns[CALIB_LOOP], last = 0, interrupted = 0;
	int err = one_run(prog, &last, ns), n = 0;

	for (int i = 0; n < CALIB_LOOP && (!err || err == -EAGAIN); i++) {
		if (cold)
			evict();
		err = one_run(prog, &last, &ns[n]);
		if (err && i < TRIES)
			continue;
		interrupted += err == -EAGAIN;
		n++;
	}
	if (err && err != -EAGAIN)
		return err;
	calib_take_run(s, ns, 0, interrupted);
	return 0;
}

/* Runs what was generated, and adds that to the sample; nothing if it cannot be run. */
static void runs_take(struct calib_env *env, enum calib_type type,
		      const struct calib_code *code, int hundreds, bool cold,
		      struct calib_sample *s)
{
	struct calib_prog prog;
	static char log[4096];

	if (calib_load(env, type, code, &prog, log, sizeof(log)))
		return;
	for (int i = 0; i < hundreds; i++)
		if (one_hundred(&prog, cold, s))
			break;
	calib_unload(&prog);
}

/* What was taken, in ps. */
static void runs_settle(const struct calib_opts *opts, struct calib_sample *s)
{
	calib_settle(s, opts->exact ? 1000 : CALIB_RUNS_PERMILLE);
	s->worst *= 1000;
	s->best *= 1000;
	s->sum *= 1000;
}

/* Looks up, updates, reads the clock and memory: what most programs do. -errno */
static int generate_typical(struct calib_env *env, struct calib_code *c)
{
	int map = calib_map(env, "hash", 8);

	if (map < 0)
		return map;
	c->n = c->callback = 0;
	entry_emit(c, STI(10, -8, 1));
	for (int i = 0; i < 2; i++) {
		entry_emit(c, INSN(BPF_LD | BPF_DW | BPF_IMM, 1,
				   BPF_PSEUDO_MAP_FD, 0, map));
		entry_emit(c, INSN(0, 0, 0, 0, 0));
		entry_emit(c, MOV(2, 10));
		entry_emit(c, ALUI(BPF_ADD, 2, -8));
		if (i) {
			entry_emit(c, MOV(3, 10));
			entry_emit(c, ALUI(BPF_ADD, 3, -16));
			entry_emit(c, MOVI(4, 0));
			entry_emit(c, CALL(BPF_FUNC_map_update_elem));
		} else {
			entry_emit(c, CALL(BPF_FUNC_map_lookup_elem));
			entry_emit(c,
				   INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0));
			entry_emit(c, LD(0, 0, 0));
			entry_emit(c, CALL(BPF_FUNC_ktime_get_ns));
			entry_emit(c, ST(10, -16, 0));
		}
	}
	entry_emit(c, CALL(BPF_FUNC_get_smp_processor_id));
	entry_emit(c, MOVI(0, 0));
	entry_emit(c, EXIT());
	return 0;
}

/* How much longer a cold run takes than a usual one, in ps. */
static u64 cold_start(struct calib_env *env, const struct calib_opts *opts)
{
	struct calib_sample warm = { .best = UINT64_MAX }, cold = warm;
	static struct calib_code code;
	u64 mean;

	if (opts->exact || generate_typical(env, &code))
		return 0;
	runs_take(env, CALIB_TC, &code, opts->quick ? 1 : 5, false, &warm);
	runs_take(env, CALIB_TC, &code, opts->quick ? 5 : 50, true, &cold);
	runs_settle(opts, &warm);
	runs_settle(opts, &cold);
	mean = warm.calls ? warm.sum / warm.calls : UINT64_MAX;
	return cold.worst > mean ? cold.worst - mean : 0;
}

/* A run of a program that does next to nothing, as run statistics see it. */
int calib_measure_entry(struct calib_env *env, const struct calib_opts *opts,
			struct model_entry *e, const struct model_entry *alu)
{
	static const enum calib_type types[] = {
		CALIB_TC,      CALIB_XDP,	 CALIB_RAW_TP,
		CALIB_SYSCALL, CALIB_CGROUP_SKB, CALIB_FENTRY,
	};
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct calib_sample s = { .best = UINT64_MAX };
	static struct calib_code code;
	u64 cold;

	if (stats < 0)
		return -errno;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		code.n = code.callback = 0;
		if (i % 2) {
			/* all registers to save, and a stack */
			for (int reg = 6; reg <= 9; reg++)
				entry_emit(&code, MOVI(reg, 1));
			entry_emit(&code, STI(10, -512, 0));
		}
		entry_emit(&code, MOVI(0, 0));
		entry_emit(&code, EXIT());
		runs_take(env, types[i / 2], &code, opts->quick ? 1 : 10, false,
			  &s);
	}
	runs_settle(opts, &s);
	/* what it does, and the return, are not the entry */
	s.best -= s.best > 2 * alu->worst_ps ? 2 * alu->worst_ps : s.best;
	if (s.calls)
		calib_add_sample(e, &s);
	cold = e->measured ? e->mean_ps + cold_start(env, opts) : 0;
	if (cold > e->worst_ps)
		e->worst_ps = cold;
	close(stats);
	return e->measured ? 0 : -ENODATA;
}
