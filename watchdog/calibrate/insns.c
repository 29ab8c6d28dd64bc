// SPDX-License-Identifier: GPL-2.0
/* The branch timer's half of calibration: what one instruction of each class
 * costs. A class is as good as its cheapest and as bad as its dearest member, so
 * each member is timed, many copies in a row between two clock reads.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf_perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "progs/insn.h"
#include "show/fault.h"

#define COPIES 16

/* r1 points to memory, r2 and r3 are numbers that the verifier does not know and
 * that are not 0, r6 is the context. What is timed may change r2 to r5.
 */
struct member {
	enum model_class class;
	enum calib_type type;
	struct bpf_insn insns[2]; /* the second is all 0 if there is none */
};

#define ONE(class, ...)             \
	{                           \
		class, CALIB_TC,    \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
#define ALU_OP(op)                                                        \
	ONE(CLASS_ALU, ALU(op, 4, 3)), ONE(CLASS_ALU, ALUI(op, 4, 7)),    \
		ONE(CLASS_ALU, INSN(BPF_ALU | (op) | BPF_X, 4, 3, 0, 0)), \
		ONE(CLASS_ALU, INSN(BPF_ALU | (op) | BPF_K, 4, 0, 0, 7))
#define OP4(class, op, off)                                                                 \
	ONE(class, INSN(BPF_ALU64 | (op) | BPF_X, 4, 3, off, 0)),                           \
		ONE(class, INSN(BPF_ALU64 | (op) | BPF_K, 4, 0, off, 7)),                   \
		ONE(class, INSN(BPF_ALU | (op) | BPF_X, 4, 3, off, 0)),                     \
		ONE(class,                                                                  \
		    INSN(BPF_ALU | (op) | BPF_K, 4, 0, off,                                 \
			 7)), /* registers that the machine instruction wants for itself */ \
		ONE(class, INSN(BPF_ALU64 | (op) | BPF_X, 5, 3, off, 0)),                   \
		ONE(class, INSN(BPF_ALU64 | (op) | BPF_X, 3, 2, off, 0))
#define JUMP_OP(op)                                                           \
	ONE(CLASS_JUMP, INSN(BPF_JMP | (op) | BPF_X, 2, 3, 0, 0)),            \
		ONE(CLASS_JUMP, INSN(BPF_JMP | (op) | BPF_K, 2, 0, 0, 77)),   \
		ONE(CLASS_JUMP,                                               \
		    INSN(BPF_JMP | (op) | BPF_K, 2, 0, 0, 1 << 30)),          \
		ONE(CLASS_JUMP, INSN(BPF_JMP32 | (op) | BPF_K, 2, 0, 0, 77)), \
		ONE(CLASS_JUMP, INSN(BPF_JMP32 | (op) | BPF_K, 2, 0, 0, 0))
#define MEMORY(size)                                                   \
	ONE(CLASS_LOAD, INSN(BPF_LDX | BPF_MEM | (size), 4, 1, 8, 0)), \
		ONE(CLASS_STORE,                                       \
		    INSN(BPF_STX | BPF_MEM | (size), 1, 3, 8, 0)),     \
		ONE(CLASS_STORE, INSN(BPF_ST | BPF_MEM | (size), 1, 0, 8, 7))
#define ATOMIC_OP(op)                                                        \
	ONE(CLASS_ATOMIC, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 3, 8, op)), \
		ONE(CLASS_ATOMIC,                                            \
		    INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 3, 8, op))
#define BSWAP(op, width) \
	ONE(CLASS_ALU, INSN(BPF_ALU | BPF_END | (op), 4, 0, 0, width))

static const struct member members[] = {
	ALU_OP(BPF_ADD),
	ALU_OP(BPF_SUB),
	ALU_OP(BPF_AND),
	ALU_OP(BPF_OR),
	ALU_OP(BPF_XOR),
	ALU_OP(BPF_MOV),
	ONE(CLASS_ALU, ALUI(BPF_LSH, 4, 3)),
	ONE(CLASS_ALU, ALUI(BPF_RSH, 4, 3)),
	ONE(CLASS_ALU, ALUI(BPF_ARSH, 4, 3)),
	ONE(CLASS_ALU, ALU(BPF_LSH, 4, 3)),
	ONE(CLASS_ALU, ALU(BPF_RSH, 4, 3)),
	ONE(CLASS_ALU, ALU(BPF_ARSH, 4, 3)),
	ONE(CLASS_ALU, INSN(BPF_ALU | BPF_LSH | BPF_X, 4, 3, 0, 0)),
	/* the shift count's own register, and of it */
	ONE(CLASS_ALU, ALU(BPF_LSH, 3, 2)),
	ONE(CLASS_ALU, INSN(BPF_ALU64 | BPF_NEG, 4, 0, 0, 0)),
	ONE(CLASS_ALU, INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 3, 8, 0)),
	BSWAP(BPF_TO_BE, 16),
	BSWAP(BPF_TO_BE, 32),
	BSWAP(BPF_TO_BE, 64),
	/* BPF_TO_LE 64 is no code here; compilers do not make it */
	BSWAP(BPF_TO_LE, 16),
	BSWAP(BPF_TO_LE, 32),
	ONE(CLASS_ALU, INSN(BPF_LD | BPF_DW | BPF_IMM, 4, 0, 0, 7),
	    INSN(0, 0, 0, 0, 7)),
	OP4(CLASS_MUL, BPF_MUL, 0),
	OP4(CLASS_DIV, BPF_DIV, 0),
	OP4(CLASS_DIV, BPF_MOD, 0),
	OP4(CLASS_DIV, BPF_DIV, 1),
	OP4(CLASS_DIV, BPF_MOD, 1),
	MEMORY(BPF_B),
	MEMORY(BPF_H),
	MEMORY(BPF_W),
	MEMORY(BPF_DW),
	ONE(CLASS_LOAD, INSN(BPF_LDX | BPF_MEMSX | BPF_W, 4, 1, 8, 0)),
	ONE(CLASS_LOAD, INSN(BPF_LDX | BPF_MEMSX | BPF_B, 4, 1, 8, 0)),
	ONE(CLASS_LOAD, LD(4, 10, -8)),
	ONE(CLASS_STORE, ST(10, -8, 3)),
	ATOMIC_OP(BPF_ADD),
	ATOMIC_OP(BPF_ADD | BPF_FETCH),
	ATOMIC_OP(BPF_AND),
	ATOMIC_OP(BPF_OR | BPF_FETCH),
	ATOMIC_OP(BPF_AND | BPF_FETCH),
	ATOMIC_OP(BPF_XOR | BPF_FETCH),
	ATOMIC_OP(BPF_XCHG),
	ATOMIC_OP(BPF_CMPXCHG),
	JUMP_OP(BPF_JEQ),
	JUMP_OP(BPF_JNE),
	JUMP_OP(BPF_JGT),
	JUMP_OP(BPF_JLT),
	JUMP_OP(BPF_JSGT),
	JUMP_OP(BPF_JSLE),
	JUMP_OP(BPF_JSET),
	/* over an instruction, since a jump to the next is removed */
	ONE(CLASS_JUMP, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0)),
	{ CLASS_CTX, CALIB_RAW_TP, { LD(4, 6, 8) } },
	{ CLASS_CTX, CALIB_FENTRY, { LD(4, 6, 0) } },
	{ CLASS_CTX, CALIB_SYSCALL, { LD(4, 6, 8) } },
	ONE(CLASS_PACKET, INSN(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, 16)),
	ONE(CLASS_PACKET, INSN(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 16)),
	ONE(CLASS_PACKET, INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 16)),
	ONE(CLASS_PACKET, INSN(BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 16)),
	ONE(CLASS_MAY_GOTO, INSN(BPF_JMP | 0xe0, 0, 0, 0, 0)),
};

static void insns_emit(struct calib_code *c, struct bpf_insn insn)
{
	if (c->n < (int)ARRAY_SIZE(c->insns))
		c->insns[c->n++] = insn;
}

static void insns_emit_mem(struct calib_env *env, struct calib_code *c, int reg,
			   u32 offset)
{
	insns_emit(c, INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE,
			   0, calib_results(env)));
	insns_emit(c, INSN(0, 0, 0, 0, offset));
}

/* Offset of a member of task_struct, 0 if it is not there. */
static u32 task_offset(struct calib_env *env, const char *name)
{
	const struct btf *btf = calib_env_btf(env);
	int id = calib_find_type(env, "task_struct", BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (unsigned int i = 0; t && i < btf_vlen(t); i++, m++)
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return btf_member_bit_offset(t, i) / 8;
	return 0;
}

enum { JUMPS_OVER = 1, PROBES = 2, CALLS = 4, BUSY = 8 };

static void generate(struct calib_env *env, struct calib_code *c,
		     const struct bpf_insn *insns, int copies, int how)
{
	int top, calls[COPIES], n_calls = 0;

	c->n = c->callback = 0;
	c->error[0] = '\0';
	insns_emit(c, MOV(6, 1));
	insns_emit(c, STI(10, -8, 0));
	insns_emit(c, STI(10, -24, 0));
	if (how & PROBES) {
		insns_emit(c, CALL(BPF_FUNC_get_current_task_btf));
		insns_emit(c, LD(0, 0, task_offset(env, "group_leader")));
		insns_emit(c, ST(10, -24, 0));
	}
	insns_emit(c, MOVI(7, 0));
	top = c->n;
	/* numbers that are not known, and not 0 */
	insns_emit(c, CALL(BPF_FUNC_ktime_get_ns));
	insns_emit(c, ST(10, -16, 0));
	insns_emit(c, CALL(BPF_FUNC_ktime_get_ns));
	insns_emit(c, MOV(8, 0));
	insns_emit(c, LD(2, 10, -16));
	insns_emit(c, ALUI(BPF_OR, 2, 1));
	insns_emit(c, MOV(3, 2));
	insns_emit(c, MOV(4, 2));
	insns_emit(c, MOV(5, 2));
	insns_emit_mem(env, c, 1, offsetof(struct calib_mem, buf));
	if (how & PROBES)
		insns_emit(c, LD(1, 10, -24));
	for (int i = 0; i < copies; i++) {
		struct bpf_insn insn = insns[0];

		if (how & JUMPS_OVER)
			insn.off = 1;
		if (how & CALLS)
			calls[n_calls++] = c->n;
		insns_emit(c, insn);
		if (insns[1].code || insns[1].imm)
			insns_emit(c, insns[1]);
		if (how & JUMPS_OVER)
			insns_emit(c, MOVI(4, 0));
	}
	insns_emit(c, CALL(BPF_FUNC_ktime_get_ns));
	insns_emit(c, ALU(BPF_SUB, 0, 8));
	insns_emit_mem(env, c, 1, 0);
	insns_emit(c, MOV(2, 7));
	insns_emit(c, ALUI(BPF_LSH, 2, 3));
	insns_emit(c, ALU(BPF_ADD, 1, 2));
	insns_emit(c, ST(1, 0, 0));
	insns_emit(c, ALUI(BPF_ADD, 7, 1));
	insns_emit(c, INSN(BPF_JMP | BPF_JLT | BPF_K, 7, 0, top - c->n - 1,
			   CALIB_LOOP));
	insns_emit(c, MOVI(0, 0));
	insns_emit(c, EXIT());
	for (int i = 0; i < n_calls; i++)
		c->insns[calls[i]].imm = c->n - calls[i] - 1;
	if (n_calls) {
		/* all registers to save, and a stack */
		for (int reg = 6; how & BUSY && reg <= 9; reg++)
			insns_emit(c, MOVI(reg, 0));
		if (how & BUSY)
			insns_emit(c, STI(10, -64, 0));
		insns_emit(c, MOVI(0, 0));
		insns_emit(c, EXIT());
	}
}

/* In ps; -errno if this kernel does not take it. */
static int insns_measure(struct calib_env *env, const struct calib_opts *opts,
			 enum calib_type type, const struct bpf_insn *insns,
			 int how, struct calib_sample *s)
{
	struct calib_mem *mem = calib_mem(env);
	int runs = opts->quick ? 2 : 20, err = 0;
	static struct calib_code code;
	struct calib_prog prog;
	static char log[4096];
	/* without copies it is the same program for all members */
	static u64 known[CALIB_TYPES][2];
	u64 *overhead = &known[type][!!(how & PROBES)];

	*s = (struct calib_sample){ .best = UINT64_MAX };
	if (!*overhead) {
		generate(env, &code, insns, 0, how & PROBES);
		err = calib_load(env, type, &code, &prog, log, sizeof(log));
		if (err)
			return err;
		err = calib_overhead(env, &prog, overhead);
		calib_unload(&prog);
		if (err)
			return err;
	}
	/* attaching takes longer than what is measured */
	if (type == CALIB_SOCK_OPS || type == CALIB_PERF)
		runs = 2;
	generate(env, &code, insns, COPIES, how);
	err = calib_load(env, type, &code, &prog, log, sizeof(log));
	if (err)
		return err;
	for (int i = 0; !err && i < runs; i++) {
		u64 before = calib_interrupts();

		err = calib_run(&prog);
		if (!err)
			calib_take_run(s, mem->ns, *overhead,
				       calib_interrupts() - before);
	}
	calib_unload(&prog);
	calib_settle(s, opts->exact ? 1000 : CALIB_INSNS_PERMILLE);
	s->best = s->best * 1000 / COPIES;
	s->worst = (s->worst * 1000 + COPIES - 1) / COPIES;
	s->sum = s->sum * 1000 / COPIES;
	return err;
}

void calib_add_sample(struct model_entry *e, const struct calib_sample *s)
{
	u64 sum = e->mean_ps * e->calls + s->sum;

	if (!e->measured || s->best < e->best_ps)
		e->best_ps = s->best;
	if (!e->measured || s->worst > e->worst_ps)
		e->worst_ps = s->worst;
	e->measured = true;
	e->calls += s->calls;
	e->mean_ps = e->calls ? sum / e->calls : 0;
	e->outliers += s->outliers;
	e->beyond += s->beyond;
	e->all_mean_ps = e->mean_ps;
}

/* Members of contexts are loaded by whatever the verifier makes of it. */
static void measure_ctx(struct calib_env *env, const struct calib_opts *opts,
			struct model_entry *e)
{
	static const struct {
		enum calib_type type;
		int end;
	} contexts[] = { { CALIB_TC, sizeof(struct __sk_buff) },
			 { CALIB_XDP, sizeof(struct xdp_md) },
			 { CALIB_PERF, sizeof(struct bpf_perf_event_data) },
			 { CALIB_SOCK_OPS, sizeof(struct bpf_sock_ops) } };
	int step = opts->quick ? 16 : 4;
	struct bpf_insn insns[2] = {};
	struct calib_sample s;

	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
		for (int off = 0; off < contexts[i].end; off += step) {
			insns[0] =
				INSN(BPF_LDX | BPF_MEM | BPF_W, 4, 6, off, 0);
			if (!insns_measure(env, opts, contexts[i].type, insns,
					   0, &s))
				calib_add_sample(e, &s);
			insns[0].code = BPF_LDX | BPF_MEM | BPF_DW;
			if (!(off % 8) &&
			    !insns_measure(env, opts, contexts[i].type, insns,
					   0, &s))
				calib_add_sample(e, &s);
			insns[0] =
				INSN(BPF_STX | BPF_MEM | BPF_W, 6, 3, off, 0);
			if (!insns_measure(env, opts, contexts[i].type, insns,
					   0, &s))
				calib_add_sample(e, &s);
		}
	}
}

static void measure_call(struct calib_env *env, const struct calib_opts *opts,
			 struct model_entry *e, const struct model_entry *alu)
{
	const struct bpf_insn insns[2] = { INSN(BPF_JMP | BPF_CALL, 0,
						BPF_PSEUDO_CALL, 0, 0) };
	struct calib_sample s;

	if (insns_measure(env, opts, CALIB_TC, insns, CALLS, &s))
		return;
	/* what is called does one thing, which is not the call */
	s.best = s.best > alu->worst_ps ? s.best - alu->worst_ps : 0;
	calib_add_sample(e, &s);
	if (!insns_measure(env, opts, CALIB_TC, insns, CALLS | BUSY, &s)) {
		s.best = e->best_ps;
		calib_add_sample(e, &s);
	}
}

/* The others are compared with plain instructions. */
static bool insns_wanted(const struct calib_opts *opts, enum model_class class)
{
	struct model_entry key = { .kind = MODEL_INSN };

	if (!opts->again || class == CLASS_ALU || class == CLASS_LOAD)
		return true;
	snprintf(key.name, sizeof(key.name), "%s", model_class_name(class));
	return model_find(opts->again, &key);
}

int calib_measure_insns(struct calib_env *env, const struct calib_opts *opts,
			struct model *m, struct fault *f)
{
	struct model_entry e[MODEL_CLASSES] = {};
	char said[100];
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct member *mb = &members[i];
		struct calib_sample s;
		int how = mb->insns[0].code == (BPF_JMP | BPF_JA) ||
					  mb->class == CLASS_MAY_GOTO ?
				  JUMPS_OVER :
				  0;

		if (insns_wanted(opts, mb->class) &&
		    !insns_measure(env, opts, mb->type, mb->insns, how, &s))
			calib_add_sample(&e[mb->class], &s);
	}
	if (insns_wanted(opts, CLASS_CTX))
		measure_ctx(env, opts, &e[CLASS_CTX]);
	if (insns_wanted(opts, CLASS_CALL))
		measure_call(env, opts, &e[CLASS_CALL], &e[CLASS_ALU]);
	if (insns_wanted(opts, CLASS_ENTRY))
		calib_measure_entry(env, opts, &e[CLASS_ENTRY], &e[CLASS_ALU]);
	if (insns_wanted(opts, CLASS_PROBE) &&
	    task_offset(env, "group_leader") && task_offset(env, "pid")) {
		const struct bpf_insn insns[2] = { INSN(
			BPF_LDX | BPF_MEM | BPF_W, 4, 1,
			task_offset(env, "pid"), 0) };
		struct calib_sample s;

		if (!insns_measure(env, opts, CALIB_RAW_TP, insns, PROBES, &s))
			calib_add_sample(&e[CLASS_PROBE], &s);
	}
	for (u32 i = 0; !err && i < MODEL_CLASSES; i++) {
		if (!insns_wanted(opts, i))
			continue;
		e[i].kind = MODEL_INSN;
		snprintf(e[i].name, sizeof(e[i].name), "%s",
			 model_class_name(i));
		if (!e[i].measured) {
			/* as many plain instructions as it can become */
			e[i].worst_ps = 20 * e[CLASS_LOAD].worst_ps;
			snprintf(e[i].reason, sizeof(e[i].reason),
				 "this kernel takes none in such a program");
		}
		snprintf(said, sizeof(said), "%.1f..%.1f ns",
			 e[i].best_ps / 1e3, e[i].worst_ps / 1e3);
		if (opts->say)
			opts->say(opts->arg, model_class_name(i), said);
		err = model_add(m, &e[i]);
	}
	if (err)
		fault_set(f, EXIT_FAILED, err, "cannot measure instructions");
	return err;
}
