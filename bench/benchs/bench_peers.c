// SPDX-License-Identifier: GPL-2.0
/*
 * The same reproducers, ended in other ways: by the watchdog; by patching the text of the
 * program while it runs, as public attempts do (peers/livepoke.c); by bpf_throw() from the
 * program itself; by the limit of may_goto; by nothing. How long from the decision to the
 * return, how far over the budget, how much memory, and what another CPU notices of it.
 *
 * Begin and end are seen from outside, by the same clock for all: before and after
 * BPF_PROG_TEST_RUN, less what the ways in and out take for a program that does nothing.
 * Only what the watchdog takes from the decision to the return is what its tracepoint tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "events.h"
#include "peers.h"
#include "stalls.h"
#include "peers/livepoke.h"
#include "peers.skel.h"

#define NSEC_PER_USEC 1000.0
/* Of a program that does nothing, for the ways in and out. */
#define EMPTY_RUNS 101
/* How long to wait for the tracepoint: it comes from an irq_work. */
#define EVENT_NS 10000000
#define NO_LIMIT_NS 10000000000ULL

const __u64 peers_budgets[NR_BUDGETS] = { 10000, 1000000, 10000000 };

/* What one run was like; negative: not measured. */
struct outcome {
	double stop, overshoot, patch, gap, ipis;
};

/* One reproducer, one way, one budget. */
struct series {
	const struct run_opts *o;
	const struct stall_kind *kind;
	const struct way *way;
	struct stall s;
	struct peers_bpf *own; /* the program that ends itself */
	struct livepoke_plan plan;
	__u64 budget;
	long terminations;
	int fd;
	__u32 memory;
	char note[96];
};

/* --- the ways in and out --- */

static double way_in, way_out;
static int poke_fd = -1;

/* A program that does nothing, under the conditions of @way. */
static int calibrate(bool poked)
{
	static struct livepoke_plan none = { .budget_ns = NO_LIMIT_NS };
	double in[EMPTY_RUNS], out[EMPTY_RUNS];
	struct peers_bpf *obj = peers_bpf__open();
	struct livepoke_times times;
	struct bpf_program *prog;
	__u64 start, end;
	int i, err;

	if (!obj)
		return -errno;
	bpf_object__for_each_program(prog, obj->obj)
		bpf_program__set_autoload(prog, prog == obj->progs.empty);
	err = peers_bpf__load(obj);
	for (i = 0; i < EMPTY_RUNS && !err; i++) {
		if (poked && ioctl(poke_fd, LIVEPOKE_ARM, &none))
			err = -errno;
		start = now_ns();
		err = err   ?:
			      test_run(bpf_program__fd(obj->progs.empty), false,
				       1, NULL);
		end = now_ns();
		in[i] = obj->bss->began_at - start;
		out[i] = end - obj->bss->began_at;
		if (!poked)
			continue;
		if (ioctl(poke_fd, LIVEPOKE_DONE, &times))
			err = err ?: -errno;
		in[i] = times.began - start;
	}
	if (!err) {
		way_in = dist_of(in, EMPTY_RUNS).p50;
		way_out = dist_of(out, EMPTY_RUNS).p50;
	}
	peers_bpf__destroy(obj);
	return err;
}

/* --- who stands by --- */

static struct {
	pthread_t id;
	bool runs, stop;
	__u64 gap;
} bystander;

/* Beside the one that is stalled: that of the bystander, and of who patches. */
static int other_cpu = -1;

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *stand_by(void *unused)
{
	__u64 last, now;

	pin(other_cpu);
	last = now_ns();
	while (!__atomic_load_n(&bystander.stop, __ATOMIC_RELAXED)) {
		now = now_ns();
		if (now - last >
		    __atomic_load_n(&bystander.gap, __ATOMIC_RELAXED))
			__atomic_store_n(&bystander.gap, now - last,
					 __ATOMIC_RELAXED);
		last = now;
	}
	return unused;
}

/* Interrupts between CPUs that any has taken. */
static double count_ipis(void)
{
	static const char *const kinds[] = { "CAL:", "IWI:", "TLB:", "NMI:" };
	char line[512], name[8], *at;
	double sum = 0;
	char *end;
	size_t k;
	FILE *f;

	f = fopen("/proc/interrupts", "r");
	if (!f)
		return NAN;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %7s", name) != 1)
			continue;
		for (k = 0; k < ARRAY_SIZE(kinds) && strcmp(name, kinds[k]);
		     k++)
			;
		if (k == ARRAY_SIZE(kinds))
			continue;
		/* a column for each CPU, then what it is */
		for (at = strchr(line, ':') + 1;; at = end) {
			double v = strtod(at, &end);

			if (end == at)
				break;
			sum += v;
		}
	}
	fclose(f);
	return sum;
}

static double ipis_before;

static void watch_others(void)
{
	if (other_cpu < 0)
		return;
	ipis_before = count_ipis();
	__atomic_store_n(&bystander.gap, 0, __ATOMIC_RELAXED);
}

static void ask_others(struct outcome *out)
{
	if (other_cpu < 0)
		return;
	if (bystander.runs)
		out->gap = __atomic_load_n(&bystander.gap, __ATOMIC_RELAXED);
	out->ipis = count_ipis() - ipis_before;
}

/* --- by nothing, and by the limit of may_goto --- */

static bool has_may_goto(const struct stall_kind *kind)
{
	return !strncmp(kind->name, "may_goto", 8) ||
	       !strcmp(kind->name, "spin_lock");
}

static int open_stall(struct series *se)
{
	int err = stall__open(&se->s, se->kind);

	se->fd = se->s.fd;
	return err;
}

static int open_nothing(struct series *se)
{
	if (!has_may_goto(se->kind))
		return open_stall(se);
	snprintf(se->note, sizeof(se->note), "see may_goto");
	return -EOPNOTSUPP;
}

static int open_may_goto(struct series *se)
{
	if (has_may_goto(se->kind))
		return open_stall(se);
	snprintf(se->note, sizeof(se->note), "has none in its loop");
	return -EOPNOTSUPP;
}

/* Over the budget, seen from outside. */
static int run_outside(struct series *se, struct outcome *out, __u64 *end)
{
	__u64 start;
	int err;

	watch_others();
	start = now_ns();
	err = test_run(se->fd, false, 1, NULL);
	*end = now_ns();
	out->overshoot = *end - start - way_in - way_out - se->budget;
	return err;
}

static int run_nothing(struct series *se, struct outcome *out)
{
	__u64 end;
	int err;

	err = stall__prepare(&se->s) ?: run_outside(se, out, &end);
	ask_others(out);
	return err;
}

/* --- by the watchdog --- */

static int open_watchdog(struct series *se)
{
	struct bpf_prog_info info;
	int err;

	if (se->kind->irqs_off && other_cpu < 0) {
		snprintf(se->note, sizeof(se->note),
			 "interrupts off: needs another CPU");
		return -EOPNOTSUPP;
	}
	err = open_stall(se);
	if (!err)
		err = stall__set_budget(&se->s, se->budget);
	if (!err)
		err = wd_prog_info(se->fd, &info);
	se->memory = info.fast_path_bytes;
	return err;
}

static int run_watchdog(struct series *se, struct outcome *out)
{
	struct bpf_prog_info info;
	__u64 end, until;
	size_t i;
	int err;

	err = stall__prepare(&se->s);
	events__drain();
	events__clear();
	err = err ?: run_outside(se, out, &end);
	ask_others(out);
	err = err ?: wd_prog_info(se->fd, &info);
	if (err || (long)info.terminations == se->terminations)
		return err ?: -ETIME;
	se->terminations = info.terminations;
	until = now_ns() + EVENT_NS;
	do {
		events__drain();
		for (i = 0; i < events__nr(); i++)
			if (events__at(i)->val[F_PROG_ID] == se->s.prog_id)
				out->stop = events__at(i)->val[F_STOP];
	} while (out->stop < 0 && now_ns() < until);
	return 0;
}

/* --- by patching its text --- */

static __u64 symbol_at(const char *name)
{
	char line[512], sym[256];
	unsigned long long addr, found = 0;
	FILE *f = fopen("/proc/kallsyms", "r");

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", &addr, sym) == 2 &&
		    !strcmp(sym, name))
			found = addr;
	if (f)
		fclose(f);
	return found;
}

/* What a program loops through. Those that call back are ended where they call back to. */
static const char *const returns_null[] = { "bpf_iter_num_next" };

static void add_site(struct livepoke_plan *plan, __u64 addr, __u32 kind)
{
	if (plan->nr < LIVEPOKE_SITES)
		plan->site[plan->nr++] =
			(struct livepoke_site){ .addr = addr, .kind = kind };
}

/* A CALL is E8 and what is to be added to the address behind it; nothing else hits a symbol. */
static void find_calls(struct livepoke_plan *plan, const __u8 *text, __u32 len,
		       __u64 at, __u64 target)
{
	__u32 i;
	__s32 rel;

	for (i = 0; i + 5 <= len; i++) {
		if (text[i] != 0xe8)
			continue;
		memcpy(&rel, text + i + 1, sizeof(rel));
		if (at + i + 5 + rel == target)
			add_site(plan, at + i, LIVEPOKE_CALL);
	}
}

/* Each function that is passed as a callback: after its load, the second half has its number. */
static int find_callbacks(struct livepoke_plan *plan,
			  const struct bpf_insn *insns, __u32 nr,
			  const __u64 *starts, __u32 nr_starts,
			  const __u8 *const *texts)
{
	static const __u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	__u32 i, j, f;

	for (i = 0; i + 1 < nr; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW) ||
		    insns[i].src_reg != BPF_PSEUDO_FUNC)
			continue;
		f = insns[i + 1].imm;
		if (f >= nr_starts)
			return -EINVAL;
		if (memcmp(texts[f], nop5, sizeof(nop5))) {
			warn_f("the entry of function %u is no nop", f);
			return -EINVAL;
		}
		for (j = 0; j < plan->nr && plan->site[j].addr != starts[f];
		     j++)
			;
		if (j == plan->nr)
			add_site(plan, starts[f], LIVEPOKE_ENTRY);
	}
	return 0;
}

static int find_sites(struct series *se)
{
	static __u8 text[1 << 16];
	static __u64 starts[64];
	static __u32 lens[64];
	static struct bpf_insn insns[4096];
	const __u8 *texts[64];
	struct bpf_prog_info info = {
		.jited_prog_insns = (__u64)text,
		.jited_prog_len = sizeof(text),
		.xlated_prog_insns = (__u64)insns,
		.xlated_prog_len = sizeof(insns),
		.jited_ksyms = (__u64)starts,
		.nr_jited_ksyms = ARRAY_SIZE(starts),
		.jited_func_lens = (__u64)lens,
		.nr_jited_func_lens = ARRAY_SIZE(lens),
	};
	__u32 len = sizeof(info), off = 0, i;
	size_t k;

	if (bpf_prog_get_info_by_fd(se->fd, &info, &len))
		return -errno;
	if (!info.nr_jited_ksyms || info.nr_jited_ksyms > ARRAY_SIZE(starts) ||
	    info.jited_prog_len > sizeof(text) ||
	    info.xlated_prog_len > sizeof(insns))
		return -E2BIG;
	for (i = 0; i < info.nr_jited_ksyms; off += lens[i++]) {
		texts[i] = text + off;
		for (k = 0; k < ARRAY_SIZE(returns_null); k++)
			find_calls(&se->plan, texts[i], lens[i], starts[i],
				   symbol_at(returns_null[k]));
	}
	return find_callbacks(&se->plan, insns,
			      info.xlated_prog_len / sizeof(*insns), starts,
			      info.nr_jited_ksyms, texts);
}

static int open_patching(struct series *se)
{
	int err;

	if (other_cpu < 0) {
		snprintf(se->note, sizeof(se->note),
			 "needs a CPU on which the work item runs");
		return -EOPNOTSUPP;
	}
	if (poke_fd < 0)
		poke_fd = open(LIVEPOKE_PATH, O_RDWR | O_CLOEXEC);
	if (poke_fd < 0) {
		warn_f("%s: %s; insmod livepoke.ko first, run/peers.sh does",
		       LIVEPOKE_PATH, strerror(errno));
		return -errno;
	}
	err = open_stall(se);
	if (!err)
		err = find_sites(se);
	if (!err && !se->plan.nr) {
		snprintf(se->note, sizeof(se->note),
			 "no call or callback in its loop to patch");
		err = -EOPNOTSUPP;
	}
	se->plan.budget_ns = se->budget;
	se->plan.worker = other_cpu;
	se->memory = se->plan.nr * sizeof(se->plan.site[0]);
	return err;
}

static unsigned long long strays;

static int run_patching(struct series *se, struct outcome *out)
{
	struct livepoke_times times;
	__u64 end;
	int err;

	err = stall__prepare(&se->s);
	if (!err && ioctl(poke_fd, LIVEPOKE_ARM, &se->plan))
		err = -errno;
	if (err)
		return err;
	err = run_outside(se, out, &end);
	if (ioctl(poke_fd, LIVEPOKE_DONE, &times))
		err = err ?: -errno;
	ask_others(out);
	if (ioctl(poke_fd, LIVEPOKE_BACK))
		err = err ?: -errno;
	if (!err && !times.decided)
		return -ETIME;
	if (!err) {
		out->overshoot = end - way_out - times.began - se->budget;
		out->stop = end - way_out - times.decided;
		out->patch = times.patched - times.patching;
		strays = times.strays;
	}
	return err;
}

/* --- by an exception of its own --- */

/* What a verifier's log says at its end, before its statistics. */
static void last_words(const char *log, char *to, size_t size)
{
	char copy[512], *line, *save, *words = "refused by the verifier";
	size_t len = strlen(log), at = len > 500 ? len - 500 : 0;

	snprintf(copy, sizeof(copy), "%s", log + at);
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "bpf_throw", 9) ||
		    !strncmp(line, "Unreleased", 10) ||
		    strstr(line, "bpf_spin_lock") ||
		    strstr(line, "not allowed"))
			words = line;
	snprintf(to, size, "verifier: %s", words);
	for (; *to; to++)
		if (*to == ',')
			*to = ';';
}

static int open_throw(struct series *se)
{
	static char log[1 << 20];
	struct bpf_prog_info info;
	struct bpf_program *prog, *own;
	struct bpf_map *map;
	__u32 jited;
	int err;

	/* the other one, for its length */
	err = open_stall(se);
	if (!err)
		err = wd_prog_info(se->fd, &info);
	if (err)
		return err;
	jited = info.jited_prog_len;
	se->own = peers_bpf__open();
	if (!se->own)
		return -errno;
	own = bpf_object__find_program_by_name(se->own->obj, se->kind->name);
	bpf_object__for_each_program(prog, se->own->obj)
		bpf_program__set_autoload(prog, prog == own);
	bpf_object__for_each_map(map, se->own->obj)
		if (!bpf_map__is_internal(map))
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map),
							     se->kind->maps));
	log[0] = 0;
	bpf_program__set_log_buf(own, log, sizeof(log));
	bpf_program__set_log_level(own, 1);
	if (peers_bpf__load(se->own)) {
		last_words(log, se->note, sizeof(se->note));
		return -EOPNOTSUPP;
	}
	se->fd = bpf_program__fd(own);
	se->own->bss->budget_ns = se->budget;
	err = wd_prog_info(se->fd, &info);
	se->memory = info.jited_prog_len - jited;
	return err;
}

static int run_throw(struct series *se, struct outcome *out)
{
	__u64 end;
	int err;

	se->own->bss->decided_at = 0;
	err = run_outside(se, out, &end);
	ask_others(out);
	if (!err && !se->own->bss->decided_at)
		err = -ETIME;
	out->stop = end - way_out - se->own->bss->decided_at;
	return err;
}

const struct way peers_ways[NR_WAYS] = {
	{ .name = "watchdog",
	  .what = "second image and redirect; period 1 ms",
	  .open = open_watchdog,
	  .run = run_watchdog,
	  .period_us = 1000 },
	{ .name = "watchdog-100us",
	  .what = "the same with a period of 100 us",
	  .open = open_watchdog,
	  .run = run_watchdog,
	  .period_us = 100,
	  .max_budget = 1000000 },
	{ .name = "patching",
	  .what = "timer, work item, text_poke_bp() of calls and callbacks",
	  .open = open_patching,
	  .run = run_patching },
	{ .name = "throw",
	  .what = "the program looks at the clock each 64 turns: bpf_throw()",
	  .open = open_throw,
	  .run = run_throw },
	{ .name = "may_goto",
	  .what = "its limit, 2^23 turns of each loop",
	  .open = open_may_goto,
	  .run = run_nothing,
	  .natural = true },
	{ .name = "nothing",
	  .what = "until its loops have run out",
	  .open = open_nothing,
	  .run = run_nothing,
	  .natural = true },
};

/* --- run --- */

void put_num(FILE *f, double v)
{
	if (v > -1e18 && isfinite(v))
		fprintf(f, "%.0f", v);
	fputc(',', f);
}

static void put_row(const struct series *se, const struct outcome *out)
{
	FILE *f = se->o->out;

	fprintf(f, "%s,%s,%s,%llu,", se->o->label,
		se->kind ? se->kind->name : "none",
		se->way ? se->way->name : "none", se->budget);
	put_num(f, out->stop >= 0 ? out->stop : NAN);
	put_num(f, out->overshoot);
	put_num(f, out->patch >= 0 ? out->patch : NAN);
	put_num(f, out->gap >= 0 ? out->gap : NAN);
	put_num(f, out->ipis >= 0 ? out->ipis : NAN);
	put_num(f, se->note[0] ? NAN : se->memory);
	fprintf(f, "%s\n", se->note);
}

static const struct outcome unknown = { -1, NAN, -1, -1, -1 };

static int run_series(struct series *se)
{
	long runs = se->o->count ?: 100, i, survived = 0;
	struct outcome out;
	__u64 rng = PHASE_SEED;
	int err;

	err = se->way->open(se);
	if (err == -EOPNOTSUPP && se->note[0]) {
		put_row(se, &unknown);
		return 0;
	}
	if (se->way->natural)
		runs = runs / 50 ?: 1;
	for (i = 0; i < runs && !err; i++) {
		wait_phase(&rng);
		out = unknown;
		err = se->way->run(se, &out);
		/* it went on to its end: that is a result, as long as it is the exception */
		if (err == -ETIME && survived < 3 + i / 10) {
			survived++;
			err = 0;
		}
		if (!err)
			put_row(se, &out);
	}
	fflush(se->o->out);
	if (err || survived)
		warn_f("%s, %s, budget %llu us: %ld of %ld runs not ended%s%s",
		       se->kind->name, se->way->name, se->budget / 1000,
		       survived, i, err ? ": " : "", err ? strerror(-err) : "");
	return err;
}

static int run_way(const struct run_opts *o, const struct way *w)
{
	int err, failed = 0;
	size_t k, b;

	if (w->period_us) {
		err = wd_sysctl("bpf_watchdog_period_us", w->period_us) ?:
			      wd_sysctl("bpf_watchdog", 1);
		if (err) {
			warn_f("cannot switch the watchdog on: %s",
			       strerror(-err));
			return err;
		}
	}
	err = calibrate(false);
	if (err)
		warn_f("an empty program does not run: %s", strerror(-err));
	for (k = 0; k < NR_STALLS && !err; k++) {
		/* nothing else could end it, and an IPI would wait for it */
		if (fnmatch(o->filter, stall_kinds[k].name, 0) ||
		    !fnmatch(o->skip, stall_kinds[k].name, 0))
			continue;
		for (b = 0; b < NR_BUDGETS; b++) {
			struct series se = { .o = o,
					     .kind = &stall_kinds[k],
					     .way = w,
					     .budget = peers_budgets[b],
					     .fd = -1 };

			if (w->max_budget && peers_budgets[b] > w->max_budget)
				continue;
			if (w->run == run_patching && poke_fd >= 0)
				calibrate(true);
			failed = run_series(&se) ?: failed;
			stall__close(&se.s);
			peers_bpf__destroy(se.own);
		}
		fprintf(stderr, "  %-8s %-16s %s\n", o->label, w->name,
			stall_kinds[k].name);
	}
	if (w->period_us) {
		wd_sysctl("bpf_watchdog", 0);
		wd_sysctl("bpf_watchdog_period_us", 1000);
	}
	return err ?: failed;
}

/* What the bystander notices while no program runs. */
static void run_none(const struct run_opts *o)
{
	long runs = o->count ?: 100, i;
	size_t b;

	for (b = 0; b < NR_BUDGETS; b++) {
		struct series se = { .o = o, .budget = peers_budgets[b] };

		for (i = 0; i < runs; i++) {
			struct outcome out = unknown;
			__u64 end;

			watch_others();
			end = now_ns() + peers_budgets[b];
			while (now_ns() < end)
				;
			ask_others(&out);
			put_row(&se, &out);
		}
	}
}

static int peers_validate(const struct run_opts *o)
{
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	return o->count < 0 ? -EINVAL : 0;
}

static int peers_run(const struct run_opts *o)
{
	int err, failed = 0;
	size_t w;

	pin(0);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		other_cpu = 1;
		bystander.runs = !o->alone;
	}
	if (bystander.runs) {
		err = -pthread_create(&bystander.id, NULL, stand_by, NULL);
		if (err)
			return err;
	}
	err = events__open();
	if (err)
		return err;
	fputs("setup,reproducer,way,budget_ns,stop_ns,overshoot_ns,patch_ns,gap_ns,ipis,image_bytes,note\n",
	      o->out);
	if (bystander.runs)
		run_none(o);
	for (w = 0; w < NR_WAYS; w++)
		if (!fnmatch(o->ways, peers_ways[w].name, 0))
			failed = run_way(o, &peers_ways[w]) ?: failed;
	if (strays)
		fprintf(stderr,
			"  %llu times the emulator executed an int3 that was no longer there\n",
			strays);
	bystander.stop = true;
	if (bystander.runs)
		pthread_join(bystander.id, NULL);
	return failed;
}

const struct bench bench_peers = {
	.name = "peers",
	.desc = "the same reproducers ended in other ways, and by nothing",
	.nr_keys = 4,
	.validate = peers_validate,
	.run = peers_run,
	.table = peers_table,
};
