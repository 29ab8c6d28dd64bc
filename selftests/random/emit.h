/* SPDX-License-Identifier: GPL-2.0 */
/* An assembler for functions that are written while their callers are. */
#ifndef RANDOM_EMIT_H
#define RANDOM_EMIT_H

#include "harness/test_util.h"

#define MAX_FUNCS 32
#define MAX_LABELS 128
#define MAX_FIXUPS 256
#define MAX_INSNS 8192

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

struct fixup {
	int at, target; /* a label, or a function */
};

struct fn {
	__u32 type_id; /* BTF_KIND_FUNC */
	struct bpf_insn *insns;
	int nr, room, start;
	int labels[MAX_LABELS], nr_labels;
	struct fixup jumps[MAX_FIXUPS], calls[MAX_FIXUPS];
	int nr_jumps, nr_calls;
	int stack; /* bytes in use */
	unsigned int regs; /* R6 to R9 that are in use */
};

/* A program; function 0 is its main one. */
struct code {
	struct fn fns[MAX_FUNCS];
	int nr_fns;
	struct bpf_insn insns[MAX_INSNS]; /* of all, once linked */
	struct bpf_func_info infos[MAX_FUNCS];
	int nr_insns;
	bool full; /* something had no room: not to be used */
};

void code_init(struct code *c);
void code_free(struct code *c);
/* The index of a new function, -1 if there are enough. */
int code_add(struct code *c, __u32 type_id);
/* Puts the functions one behind the other. */
bool code_link(struct code *c);

void emit(struct code *c, int fn, struct bpf_insn insn);
void mov(struct code *c, int fn, int dst, int src);
void mov_imm(struct code *c, int fn, int dst, int imm);
void alu_reg(struct code *c, int fn, int op, int dst, int src);
void alu_imm(struct code *c, int fn, int op, int dst, int imm);
void load(struct code *c, int fn, int size, int dst, int src, int off);
void store(struct code *c, int fn, int size, int dst, int off, int src);
void store_imm(struct code *c, int fn, int size, int dst, int off, int imm);
void atomic(struct code *c, int fn, int op, int dst, int off, int src);
void load_imm64(struct code *c, int fn, int dst, int kind, __u32 low,
		__u32 high);
void load_map(struct code *c, int fn, int dst, int map_fd);
void load_value(struct code *c, int fn, int dst, int map_fd, size_t off);
/* The address of another function. */
void load_fn(struct code *c, int fn, int dst, int target);
void call_helper(struct code *c, int fn, int id);
void call_kfunc(struct code *c, int fn, int btf_id);
void call_fn(struct code *c, int fn, int target);
void leave_fn(struct code *c, int fn);

int label(struct code *c, int fn); /* a new one, not yet placed */
void place(struct code *c, int fn, int label);
void jump(struct code *c, int fn, int label);
void jump_if(struct code *c, int fn, int op, int dst, int imm, int label);
void jump_if_reg(struct code *c, int fn, int op, int dst, int src, int label);
void may_goto(struct code *c, int fn, int label);

/* Room on the stack, as an offset from FP; it is never given back. */
int on_stack(struct code *c, int fn, int bytes);

#endif
