// SPDX-License-Identifier: GPL-2.0
/* From a row of the table to a program that times each call:
 *
 *   once
 *   for (r7 = 0; r7 < 100; r7++) {
 *           pre
 *           r8 = bpf_ktime_get_ns()
 *           call
 *           ns[r7] = bpf_ktime_get_ns() - r8
 *           post
 *   }
 *   done
 *
 * r6 is the context, r9 an object of one turn, s0 and s1 are stack slots for
 * objects of all turns.
 */
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate/calib.h"
#include "progs/insn.h"
#include "show/fault.h"

#define SLOT_INDEX (-8)
#define SLOT_ZERO (-16)
#define SLOT_S0 (-200)
#define SLOT_S1 (-208)
#define SLOT_R0 (-216)

struct gen {
	struct calib_env *env;
	struct calib_code *code;
	u32 size;
	bool empty;
	/* jumps that still want their target: to the end of the turn, or of all */
	int to_next[16], n_next, to_end[16], n_end;
	/* references to the callback */
	int to_callback[16], n_callback;
	bool busy;
};

__attribute__((format(printf, 2, 3))) static int fail(struct gen *g,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(g->code->error, sizeof(g->code->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void asm_emit(struct gen *g, struct bpf_insn insn)
{
	if (g->code->n < (int)ARRAY_SIZE(g->code->insns))
		g->code->insns[g->code->n++] = insn;
}

static void emit_ld64(struct gen *g, int dst, int src, u32 lo, u32 hi)
{
	asm_emit(g, INSN(BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, lo));
	asm_emit(g, INSN(0, 0, 0, 0, hi));
}

static void asm_emit_mem(struct gen *g, int dst, u32 offset)
{
	emit_ld64(g, dst, BPF_PSEUDO_MAP_VALUE, calib_results(g->env), offset);
}

static void land(struct gen *g, const int *jumps, int n)
{
	for (int i = 0; i < n; i++)
		g->code->insns[jumps[i]].off = g->code->n - jumps[i] - 1;
}

static void jump_if_null(struct gen *g, int reg, bool next)
{
	int *n = next ? &g->n_next : &g->n_end;

	if (*n == 16)
		return;
	(next ? g->to_next : g->to_end)[(*n)++] = g->code->n;
	asm_emit(g, INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, 0));
}

static int arg(struct gen *g, int reg, const char *a)
{
	char *end;
	long n;

	if (!strcmp(a, "ctx")) {
		asm_emit(g, MOV(reg, BPF_REG_6));
	} else if (!strcmp(a, "r9")) {
		/* without the call nobody made the object */
		asm_emit(g, MOV(reg, g->empty ? BPF_REG_7 : BPF_REG_9));
	} else if (!strcmp(a, "s0")) {
		asm_emit(g, LD(reg, BPF_REG_10, SLOT_S0));
	} else if (!strcmp(a, "s1")) {
		asm_emit(g, LD(reg, BPF_REG_10, SLOT_S1));
	} else if (!strcmp(a, "%i")) {
		asm_emit(g, MOV(reg, BPF_REG_7));
	} else if (!strcmp(a, "%n")) {
		asm_emit(g, MOVI(reg, g->size));
	} else if (!strcmp(a, "%user") || !strcmp(a, "%empty")) {
		u64 user = (uintptr_t)calib_mem(g->env)->buf +
			   (a[1] == 'u' ? 4096 : 6000);

		emit_ld64(g, reg, 0, user, user >> 32);
	} else if (!strcmp(a, "%percpu")) {
		int id = calib_find_type(g->env, "bpf_prog_active",
					 BTF_KIND_VAR);

		if (id <= 0)
			return fail(g, "the kernel's BTF has no variable "
				       "bpf_prog_active");
		emit_ld64(g, reg, BPF_PSEUDO_BTF_ID, id, 0);
	} else if (!strcmp(a, "%callback") || !strcmp(a, "%busy_callback")) {
		g->busy = a[1] == 'b';
		if (g->n_callback == 16)
			return fail(g, "too many callbacks");
		g->to_callback[g->n_callback++] = g->code->n;
		emit_ld64(g, reg, BPF_PSEUDO_FUNC, 0, 0);
	} else if (!strcmp(a, "&format")) {
		/* the last n bytes of a format that ends there */
		emit_ld64(g, reg, BPF_PSEUDO_MAP_VALUE, calib_constants(g->env),
			  3200 - 1 - g->size);
	} else if (!strncmp(a, "&ro", 3)) {
		emit_ld64(g, reg, BPF_PSEUDO_MAP_VALUE, calib_constants(g->env),
			  a[3] == '+' ? atoi(a + 4) : 0);
	} else if (!strncmp(a, "fp-", 3)) {
		asm_emit(g, MOV(reg, BPF_REG_10));
		asm_emit(g, ALUI(BPF_ADD, reg, -atoi(a + 3)));
	} else if (!strncmp(a, "&buf", 4)) {
		asm_emit_mem(g, reg,
			     offsetof(struct calib_mem, buf) +
				     (a[4] == '+' ? atoi(a + 5) : 0));
	} else if (a[0] == '@') {
		int fd = calib_map(g->env, a + 1, g->size);

		if (fd < 0)
			return fail(g, "cannot make a map %s: %s", a + 1,
				    errno_name(-fd));
		emit_ld64(g, reg, BPF_PSEUDO_MAP_FD, fd, 0);
	} else {
		n = strtol(a, &end, 0);
		if (end == a || *end)
			return fail(g, "bad argument '%s'", a);
		if (n == (int)n)
			asm_emit(g, MOVI(reg, n));
		else
			emit_ld64(g, reg, 0, n, n >> 32);
	}
	return 0;
}

static int call(struct gen *g, const char *name)
{
	u32 id;
	int kfunc;

	if (model_helper_id(name, &id)) {
		asm_emit(g, CALL(id));
		return 0;
	}
	kfunc = calib_find_type(g->env, name, BTF_KIND_FUNC);
	if (kfunc <= 0)
		return fail(g, "this kernel has no %s", name);
	asm_emit(g,
		 INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kfunc));
	return 0;
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\n");
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

enum phase { ONCE, TURN, TIMED };

static int statement(struct gen *g, char *s, enum phase phase)
{
	char *open = strchr(s, '('), *eq = strchr(s, '='), *close, *a;
	bool check = false;
	int dst = 0, reg = BPF_REG_1, err;

	if (!open) {
		if (strncmp(s, "[fp-", 4) || !eq)
			return fail(g, "bad statement '%s'", s);
		asm_emit(g, STI(BPF_REG_10, -atoi(s + 4), atoi(eq + 1)));
		return 0;
	}
	if (eq && eq < open) {
		*eq = '\0';
		s = trim(s);
		dst = !strcmp(s, "r9") ? BPF_REG_9 :
		      !strcmp(s, "s0") ? SLOT_S0 :
		      !strcmp(s, "s1") ? SLOT_S1 :
					 0;
		if (!dst)
			return fail(g, "bad destination '%s'", s);
		s = trim(eq + 1);
	}
	close = strrchr(open, ')');
	if (!close)
		return fail(g, "no ')' in '%s'", s);
	check = close[1] == '?';
	*close = '\0';
	*open++ = '\0';
	for (a = strtok(open, ","); a; a = strtok(NULL, ",")) {
		if (reg > BPF_REG_5)
			return fail(g, "too many arguments of %s", s);
		err = arg(g, reg++, trim(a));
		if (err)
			return err;
	}
	if (!g->empty || phase != TIMED) {
		err = call(g, trim(s));
		if (err)
			return err;
	}
	/* without the call there is nothing to keep, but the move stays */
	if (dst == BPF_REG_9)
		asm_emit(g, MOV(BPF_REG_9, g->empty && phase == TIMED ?
						   BPF_REG_7 :
						   BPF_REG_0));
	else if (dst)
		asm_emit(g, ST(BPF_REG_10, dst, BPF_REG_0));
	/* a timed one is checked when the clock has been read */
	if (check && phase != TIMED)
		jump_if_null(g, BPF_REG_0, phase == TURN);
	return 0;
}

static int statements(struct gen *g, const char *text, enum phase phase)
{
	char *copy = text ? strdup(text) : NULL, *next = copy, *s;
	int err = 0;

	while (!err && next) {
		s = next;
		next = strchr(s, ';');
		if (next)
			*next++ = '\0';
		s = trim(s);
		if (*s)
			err = statement(g, s, phase);
	}
	free(copy);
	return err;
}

static void count_failure(struct gen *g)
{
	asm_emit_mem(g, BPF_REG_1, offsetof(struct calib_mem, failed));
	asm_emit(g, LD(BPF_REG_2, BPF_REG_1, 0));
	asm_emit(g, ALUI(BPF_ADD, BPF_REG_2, 1));
	asm_emit(g, ST(BPF_REG_1, 0, BPF_REG_2));
}

/* A scalar in [-4095, -1] is an error. */
static void check_result(struct gen *g)
{
	int ok, ok2;

	asm_emit(g, LD(BPF_REG_3, BPF_REG_10, SLOT_R0));
	/* helpers return an int as often as a long */
	ok = g->code->n;
	asm_emit(g, INSN(BPF_JMP32 | BPF_JSGE | BPF_K, BPF_REG_3, 0, 0, 0));
	ok2 = g->code->n;
	asm_emit(g, INSN(BPF_JMP32 | BPF_JSLT | BPF_K, BPF_REG_3, 0, 0, -4095));
	asm_emit_mem(g, BPF_REG_1, offsetof(struct calib_mem, last_error));
	asm_emit(g, ST(BPF_REG_1, 0, BPF_REG_3));
	count_failure(g);
	land(g, &ok, 1);
	land(g, &ok2, 1);
}

static bool checks(const char *text)
{
	return strstr(text, ")?");
}

int calib_generate(struct calib_env *env, const struct calib_row *row, u32 size,
		   bool empty, struct calib_code *code)
{
	struct gen g = {
		.env = env, .code = code, .size = size, .empty = empty
	};
	bool pointer = checks(row->call), post = row->post && !empty;
	int top, err;

	code->n = 0;
	code->error[0] = '\0';
	asm_emit(&g, MOV(BPF_REG_6, BPF_REG_1));
	asm_emit(&g, STI(BPF_REG_10, SLOT_ZERO, 0));
	asm_emit(&g, STI(BPF_REG_10, SLOT_S0, 0));
	asm_emit(&g, STI(BPF_REG_10, SLOT_S1, 0));
	err = statements(&g, row->once, ONCE);
	if (err)
		return err;
	asm_emit(&g, MOVI(BPF_REG_7, 0));
	top = code->n;
	asm_emit(&g, MOVI(BPF_REG_9, 0));
	asm_emit_mem(&g, BPF_REG_1, offsetof(struct calib_mem, base));
	asm_emit(&g, LD(BPF_REG_1, BPF_REG_1, 0));
	asm_emit(&g, ALU(BPF_ADD, BPF_REG_1, BPF_REG_7));
	asm_emit(&g, ST(BPF_REG_10, SLOT_INDEX, BPF_REG_1));
	if (row->pre && !empty) {
		err = statements(&g, row->pre, TURN);
		if (err)
			return err;
	}
	asm_emit(&g, CALL(BPF_FUNC_ktime_get_ns));
	asm_emit(&g, MOV(BPF_REG_8, BPF_REG_0));
	err = statements(&g, row->call, TIMED);
	if (err)
		return err;
	asm_emit(&g,
		 ST(BPF_REG_10, SLOT_R0,
		    empty || row->flags & CALIB_VOID ? BPF_REG_7 : BPF_REG_0));
	asm_emit(&g, CALL(BPF_FUNC_ktime_get_ns));
	asm_emit(&g, ALU(BPF_SUB, BPF_REG_0, BPF_REG_8));
	asm_emit_mem(&g, BPF_REG_1, 0);
	asm_emit(&g, MOV(BPF_REG_2, BPF_REG_7));
	asm_emit(&g, ALUI(BPF_LSH, BPF_REG_2, 3));
	asm_emit(&g, ALU(BPF_ADD, BPF_REG_1, BPF_REG_2));
	asm_emit(&g, ST(BPF_REG_1, 0, BPF_REG_0));
	if (pointer && !empty) {
		int ok = code->n;

		asm_emit(&g,
			 INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_9, 0, 0, 0));
		count_failure(&g);
		if (g.n_next < 16) {
			g.to_next[g.n_next++] = code->n;
			asm_emit(&g, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0));
		}
		land(&g, &ok, 1);
	} else if (!empty && !(row->flags & (CALIB_MAY_FAIL | CALIB_VOID))) {
		check_result(&g);
	}
	if (post) {
		err = statements(&g, row->post, TURN);
		if (err)
			return err;
	}
	land(&g, g.to_next, g.n_next);
	asm_emit(&g, ALUI(BPF_ADD, BPF_REG_7, 1));
	asm_emit(&g, INSN(BPF_JMP | BPF_JLT | BPF_K, BPF_REG_7, 0,
			  top - code->n - 1, CALIB_LOOP));
	err = statements(&g, row->done, ONCE);
	if (err)
		return err;
	land(&g, g.to_end, g.n_end);
	/* 0 refuses the system call that set it off */
	asm_emit(&g, MOVI(BPF_REG_0, row->type == CALIB_SOCKOPT));
	asm_emit(&g, EXIT());
	code->callback = g.n_callback ? code->n : 0;
	for (int i = 0; i < g.n_callback; i++)
		code->insns[g.to_callback[i]].imm =
			code->n - g.to_callback[i] - 1;
	if (g.n_callback) {
		/* all registers to save, and a stack */
		for (int reg = BPF_REG_6; g.busy && reg <= BPF_REG_9; reg++)
			asm_emit(&g, MOVI(reg, 0));
		if (g.busy)
			asm_emit(&g, STI(BPF_REG_10, -64, 0));
		asm_emit(&g, MOVI(BPF_REG_0, 0));
		asm_emit(&g, EXIT());
	}
	return code->n < (int)ARRAY_SIZE(code->insns) ? 0 :
							fail(&g, "too long");
}
