// SPDX-License-Identifier: GPL-2.0
/*
 * The algorithm of the kernel's kernel/bpf/estimate.c, built for user space,
 * against random programs: estimate_random [PROGRAMS [FIRST]].
 *
 * A program is a tree of costs, sequences, branches and loops. It is drawn as
 * the graph that the verifier would log, with some of the first rounds of its
 * loops walked apart, and it is run many times. No run may be shorter than the
 * lower or longer than the upper bound. The parts of the worst path have to
 * add up to it. Exit status: 0, 1.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include "estimate_graph.h"

#define MAX_PARTS 3
#define RUNS 300

enum kind { COST, SEQUENCE, BRANCH, ITERATOR, CALLBACK, NR_KINDS };

struct part {
	enum kind kind;
	struct part *parts[MAX_PARTS];
	int nr_parts;
	u32 insn;
	u64 cost;
	/* Of loops: parts are body, way out of its middle, rest of the body. */
	u64 least, most; /* rounds */
	bool has_break; /* it may be left in the middle of the body */
	bool may_stop; /* the callback may say that it was the last round */
	u64 apart; /* rounds that the verifier walks apart */
	u64 first_cost; /* what these cost more */
};

/* What a round and its ends cost besides the body. */
enum { TO_HEADER = 1, INTO_BODY = 2, LEAVE = 3, BREAK = 5, ROUND_END = 1 };

static struct bpf_est_graph g;
static u32 nr_insns;

static u32 below(u32 n)
{
	return rand() % n;
}

static struct part *new_part(int depth)
{
	struct part *p = calloc(1, sizeof(*p));
	int i;

	p->insn = nr_insns++;
	p->kind = depth > 0 ? below(NR_KINDS) : COST;
	switch (p->kind) {
	case COST:
		p->cost = below(20);
		break;
	case SEQUENCE:
		p->nr_parts = 1 + below(MAX_PARTS);
		break;
	case BRANCH:
		p->nr_parts = 2;
		break;
	default:
		p->nr_parts = 3;
		p->most = 1 + below(6);
		p->least = below(2) ? p->most : below(p->most + 1);
		p->has_break = p->kind == ITERATOR && !below(3);
		p->may_stop = p->kind == CALLBACK && !below(3);
		p->apart = below(3) ? 0 : below(3);
		p->apart = min(p->apart, p->most);
		p->first_cost = below(4) ? 0 : below(50);
	}
	for (i = 0; i < p->nr_parts; i++)
		p->parts[i] = new_part(depth - 1);
	return p;
}

static void free_part(struct part *p)
{
	int i;

	for (i = 0; i < p->nr_parts; i++)
		free_part(p->parts[i]);
	free(p);
}

/* --- The graph ------------------------------------------------------------------------------- */

#define NEW(what)                                                       \
	(g.what = realloc(g.what, (g.nr_##what + 1) * sizeof(*g.what)), \
	 memset(&g.what[g.nr_##what], 0, sizeof(*g.what)), g.nr_##what++)

static u32 new_node(u32 var, u32 insn)
{
	u32 n = NEW(nodes);

	g.nodes[n] =
		(struct bpf_est_node){ .insn = insn, .var = var, .alias = n };
	return n;
}

static void new_edge(u32 from, u32 to, u64 cost, u32 flags, u32 event)
{
	u32 e = NEW(edges);

	g.edges[e] = (struct bpf_est_edge){
		.best = cost,
		.worst = cost,
		.dst = to,
		.next = g.nodes[from].first,
		.flags = flags,
		.event = event,
	};
	g.nodes[from].first = e;
}

static u32 new_reset(u32 var)
{
	u32 i = NEW(events);

	g.events[i].kind = BPF_EST_RESET;
	g.events[i].id = var;
	return i;
}

static u32 draw(const struct part *p, u32 from);

static u32 draw_loop(const struct part *p, u32 from)
{
	u32 back = p->kind == CALLBACK ? BPF_EST_RETURN : 0;
	u32 var = NEW(vars), header, after, body, out;
	u64 round;

	g.vars[var] = (struct bpf_est_var){
		.kind = p->kind == CALLBACK ? BPF_LOOP_CALLBACK : BPF_LOOP_NUM,
		.parent = var,
		.min = p->least,
		.max = p->most,
		.may_stop = p->may_stop,
	};
	after = new_node(0, p->insn);
	header = new_node(var, p->insn);
	g.vars[var].head = header;
	new_edge(from, header, TO_HEADER, 0, back ? 0 : new_reset(var));
	for (round = 0;; round++) {
		new_edge(header, after, LEAVE, BPF_EST_LEAVE, 0);
		body = new_node(0, p->insn);
		new_edge(header, body,
			 INTO_BODY + (round < p->apart ? p->first_cost : 0), 0,
			 0);
		body = draw(p->parts[0], body);
		if (p->has_break) {
			out = new_node(0, p->insn);
			new_edge(body, out, BREAK, 0, 0);
			new_edge(draw(p->parts[1], out), after, 0, 0, 0);
		}
		body = draw(p->parts[2], body);
		if (round == p->apart)
			break;
		header = new_node(var, p->insn);
		g.nodes[header].alias = g.vars[var].head;
		g.chains = true;
		new_edge(body, header, ROUND_END, back, 0);
	}
	new_edge(body, header, ROUND_END, back, 0);
	return after;
}

/* Return: the node after it. */
static u32 draw(const struct part *p, u32 from)
{
	u32 after, way;
	int i;

	switch (p->kind) {
	case COST:
		after = new_node(0, p->insn);
		new_edge(from, after, p->cost, 0, 0);
		return after;
	case SEQUENCE:
		for (i = 0; i < p->nr_parts; i++)
			from = draw(p->parts[i], from);
		return from;
	case BRANCH:
		after = new_node(0, p->insn);
		for (i = 0; i < p->nr_parts; i++) {
			way = new_node(0, p->insn);
			new_edge(from, way, 0, 0, 0);
			new_edge(draw(p->parts[i], way), after, 0, 0, 0);
		}
		return after;
	default:
		return draw_loop(p, from);
	}
}

static void start_graph(void)
{
	memset(&g, 0, sizeof(g));
	/* Index 0 is none. */
	NEW(nodes);
	NEW(edges);
	NEW(events);
	NEW(vars);
	NEW(funcs);
}

static void free_graph(void)
{
	free(g.nodes);
	free(g.edges);
	free(g.events);
	free(g.vars);
	free(g.funcs);
}

/* --- Runs ------------------------------------------------------------------------------------ */

enum bias { ANY, SHORT, LONG, NR_BIASES };

static u64 run(const struct part *p, enum bias bias)
{
	u64 cost = 0, other, rounds, i;
	int k;

	switch (p->kind) {
	case COST:
		return p->cost;
	case SEQUENCE:
		for (k = 0; k < p->nr_parts; k++)
			cost += run(p->parts[k], bias);
		return cost;
	case BRANCH:
		if (bias == ANY)
			return run(p->parts[below(2)], bias);
		cost = run(p->parts[0], bias);
		other = run(p->parts[1], bias);
		return bias == SHORT ? min(cost, other) : max(cost, other);
	default:
		break;
	}
	rounds = bias == SHORT ? p->least :
		 bias == LONG  ? p->most :
				 p->least + below(p->most - p->least + 1);
	cost = TO_HEADER;
	for (i = 0; i < rounds; i++) {
		cost += INTO_BODY + (i < p->apart ? p->first_cost : 0);
		cost += run(p->parts[0], bias);
		if (p->has_break && !below(4))
			return cost + BREAK + run(p->parts[1], bias);
		cost += run(p->parts[2], bias) + ROUND_END;
		if (p->may_stop && !below(4))
			break;
	}
	return cost + LEAVE;
}

static bool good(unsigned int seed, bool *tight)
{
	u64 shortest = U64_MAX, longest = 0, cost, spots = 0;
	struct bpf_est_result *res;
	struct part *program;
	bool ok;
	u32 i;

	srand(seed);
	nr_insns = 1;
	start_graph();
	program = new_part(2 + below(4));
	g.nr_insns = nr_insns;
	g.funcs[0].root = new_node(0, 0);
	g.funcs[0].event = new_reset(0);
	new_edge(draw(program, g.funcs[0].root), 0, 0, 0, 0);

	res = calloc(1,
		     sizeof(*res) + BPF_EST_MAX_SPOTS * sizeof(res->spots[0]));
	ok = !bpf_est_evaluate(&g, res) && !res->reason;
	for (i = 0; i < RUNS; i++) {
		cost = run(program, i % NR_BIASES);
		shortest = min(shortest, cost);
		longest = max(longest, cost);
	}
	for (i = 0; i < res->nr_spots; i++)
		if (res->spots[i].kind == BPF_SPOT_CODE)
			spots += res->spots[i].worst_ns;
	ok = ok && res->best <= shortest && longest <= res->worst;
	/* With rounds walked apart, the path is one of two that were computed. */
	if (!g.chains && res->nr_spots < BPF_EST_MAX_SPOTS)
		ok = ok && spots == res->worst;
	if (!ok)
		printf("program %u: best %llu, worst %llu, reason %u, spots %llu; runs %llu to %llu\n",
		       seed, (unsigned long long)res->best,
		       (unsigned long long)res->worst, res->reason,
		       (unsigned long long)spots, (unsigned long long)shortest,
		       (unsigned long long)longest);
	*tight = longest == res->worst;
	free(res);
	free_part(program);
	free_graph();
	return ok;
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	unsigned int first = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	unsigned int i, nr_bad = 0, nr_tight = 0;
	bool tight;

	for (i = first; i < first + nr; i++) {
		nr_bad += !good(i, &tight);
		nr_tight += tight;
	}
	printf("%u programs, %u with wrong bounds, worst reached by %u\n", nr,
	       nr_bad, nr_tight);
	return nr_bad || nr_tight < nr / 2;
}
