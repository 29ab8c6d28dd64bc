// SPDX-License-Identifier: GPL-2.0
#include "random/emit.h"

/* Of uapi/linux/bpf.h since 6.9, by its number for older headers. */
#define JCOND 0xe0

void code_init(struct code *c)
{
	memset(c, 0, sizeof(*c));
}

void code_free(struct code *c)
{
	while (c->nr_fns)
		free(c->fns[--c->nr_fns].insns);
}

int code_add(struct code *c, __u32 type_id)
{
	if (c->nr_fns == MAX_FUNCS)
		return -1;
	c->fns[c->nr_fns].type_id = type_id;
	return c->nr_fns++;
}

void emit(struct code *c, int fn, struct bpf_insn insn)
{
	struct fn *f = &c->fns[fn];

	if (f->nr == f->room) {
		f->room = f->room ? 2 * f->room : 64;
		f->insns = realloc(f->insns, f->room * sizeof(*f->insns));
		REQUIRE(f->insns, "no memory");
	}
	f->insns[f->nr++] = insn;
}

void mov(struct code *c, int fn, int dst, int src)
{
	alu_reg(c, fn, BPF_MOV, dst, src);
}

void mov_imm(struct code *c, int fn, int dst, int imm)
{
	alu_imm(c, fn, BPF_MOV, dst, imm);
}

void alu_reg(struct code *c, int fn, int op, int dst, int src)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_ALU64 | op | BPF_X,
				.dst_reg = dst,
				.src_reg = src });
}

void alu_imm(struct code *c, int fn, int op, int dst, int imm)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_ALU64 | op | BPF_K,
				.dst_reg = dst,
				.imm = imm });
}

void load(struct code *c, int fn, int size, int dst, int src, int off)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_LDX | size | BPF_MEM,
				.dst_reg = dst,
				.src_reg = src,
				.off = off });
}

void store(struct code *c, int fn, int size, int dst, int off, int src)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_STX | size | BPF_MEM,
				.dst_reg = dst,
				.src_reg = src,
				.off = off });
}

void store_imm(struct code *c, int fn, int size, int dst, int off, int imm)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_ST | size | BPF_MEM,
				.dst_reg = dst,
				.off = off,
				.imm = imm });
}

void atomic(struct code *c, int fn, int op, int dst, int off, int src)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_STX | BPF_DW | BPF_ATOMIC,
				.dst_reg = dst,
				.src_reg = src,
				.off = off,
				.imm = op });
}

void load_imm64(struct code *c, int fn, int dst, int kind, __u32 low,
		__u32 high)
{
	emit(c, fn,
	     (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM,
				.dst_reg = dst,
				.src_reg = kind,
				.imm = low });
	emit(c, fn, (struct bpf_insn){ .imm = high });
}

void load_map(struct code *c, int fn, int dst, int map_fd)
{
	load_imm64(c, fn, dst, BPF_PSEUDO_MAP_FD, map_fd, 0);
}

void load_value(struct code *c, int fn, int dst, int map_fd, size_t off)
{
	load_imm64(c, fn, dst, BPF_PSEUDO_MAP_VALUE, map_fd, off);
}

static void add_fixup(struct code *c, struct fixup *list, int *nr, int at,
		      int target)
{
	if (*nr == MAX_FIXUPS || target < 0) {
		c->full = true;
		return;
	}
	list[(*nr)++] = (struct fixup){ at, target };
}

void load_fn(struct code *c, int fn, int dst, int target)
{
	struct fn *f = &c->fns[fn];

	add_fixup(c, f->calls, &f->nr_calls, f->nr, target);
	load_imm64(c, fn, dst, BPF_PSEUDO_FUNC, 0, 0);
}

static void call(struct code *c, int fn, int kind, int imm)
{
	emit(c, fn,
	     (struct bpf_insn){
		     .code = BPF_JMP | BPF_CALL, .src_reg = kind, .imm = imm });
}

void call_helper(struct code *c, int fn, int id)
{
	call(c, fn, 0, id);
}

void call_kfunc(struct code *c, int fn, int btf_id)
{
	call(c, fn, BPF_PSEUDO_KFUNC_CALL, btf_id);
}

void call_fn(struct code *c, int fn, int target)
{
	struct fn *f = &c->fns[fn];

	add_fixup(c, f->calls, &f->nr_calls, f->nr, target);
	call(c, fn, BPF_PSEUDO_CALL, 0);
}

void leave_fn(struct code *c, int fn)
{
	emit(c, fn, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

int label(struct code *c, int fn)
{
	struct fn *f = &c->fns[fn];

	if (f->nr_labels == MAX_LABELS) {
		c->full = true;
		return 0;
	}
	return f->nr_labels++;
}

void place(struct code *c, int fn, int label)
{
	c->fns[fn].labels[label] = c->fns[fn].nr;
}

static void jump_insn(struct code *c, int fn, struct bpf_insn insn, int label)
{
	struct fn *f = &c->fns[fn];

	add_fixup(c, f->jumps, &f->nr_jumps, f->nr, label);
	emit(c, fn, insn);
}

void jump(struct code *c, int fn, int label)
{
	jump_insn(c, fn, (struct bpf_insn){ .code = BPF_JMP | BPF_JA }, label);
}

void jump_if(struct code *c, int fn, int op, int dst, int imm, int label)
{
	jump_insn(c, fn,
		  (struct bpf_insn){ .code = BPF_JMP | op | BPF_K,
				     .dst_reg = dst,
				     .imm = imm },
		  label);
}

void jump_if_reg(struct code *c, int fn, int op, int dst, int src, int label)
{
	jump_insn(c, fn,
		  (struct bpf_insn){ .code = BPF_JMP | op | BPF_X,
				     .dst_reg = dst,
				     .src_reg = src },
		  label);
}

void may_goto(struct code *c, int fn, int label)
{
	jump_insn(c, fn, (struct bpf_insn){ .code = BPF_JMP | JCOND }, label);
}

int on_stack(struct code *c, int fn, int bytes)
{
	struct fn *f = &c->fns[fn];

	f->stack += (bytes + 7) / 8 * 8;
	return -f->stack;
}

bool code_link(struct code *c)
{
	struct fn *f;
	int i, j;

	for (i = 0; i < c->nr_fns; i++) {
		f = &c->fns[i];
		f->start = c->nr_insns;
		c->nr_insns += f->nr;
	}
	if (c->full || c->nr_insns > MAX_INSNS)
		return false;
	for (i = 0; i < c->nr_fns; i++) {
		f = &c->fns[i];
		for (j = 0; j < f->nr_jumps; j++)
			f->insns[f->jumps[j].at].off =
				f->labels[f->jumps[j].target] - f->jumps[j].at -
				1;
		for (j = 0; j < f->nr_calls; j++)
			f->insns[f->calls[j].at].imm =
				c->fns[f->calls[j].target].start - f->start -
				f->calls[j].at - 1;
		memcpy(c->insns + f->start, f->insns,
		       f->nr * sizeof(*f->insns));
		c->infos[i] = (struct bpf_func_info){ f->start, f->type_id };
	}
	return true;
}
