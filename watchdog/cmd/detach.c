// SPDX-License-Identifier: GPL-2.0
/* bpfwd kill --detach: off all places, and what stays. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/detach.h"
#include "kernel/kwd.h"
#include "progs/detach.h"
#include "progs/holders.h"
#include "progs/sections.h"
#include "show/duration.h"

/* The kernel frees a link some time after its last reference is gone, and after it
 * the program.
 */
#define SETTLE_NS 5000000000ULL

struct victim {
	const struct prog *prog;
	struct detached *places; /* one for each place */
	size_t stay;
	u64 ended;
};

static u64 terminations(int fd)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &len) ? 0 : info.terminations;
}

static void nap(unsigned int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

/* Ends what runs: nothing new starts. Counted when it is done: give it a moment. */
static void end_remaining(struct victim *v, int fd)
{
	struct fault ignored = {};
	struct kwd_step step = { .prog_id = v->prog->info.id,
				 .prog_fd = fd,
				 .op = BPF_WD_END,
				 .name = v->prog->name,
				 .terminable = v->prog->info.terminable };

	if (kwd_command_probe() || kwd_steps_run(&step, 1, &ignored))
		return;
	for (int i = 0; i < 20 && !v->ended; i++) {
		nap(1);
		v->ended = terminations(fd) - v->prog->info.terminations;
	}
}

static void detach_victim(struct victim *v, bool dry_run)
{
	int fd = bpf_prog_get_fd_by_id(v->prog->info.id);

	for (size_t i = 0; i < v->prog->n_places; i++) {
		detach_place(v->prog, fd, &v->prog->places[i], dry_run,
			     &v->places[i]);
		v->stay += !v->places[i].done;
	}
	/* gone meanwhile: so are its places */
	if (fd < 0)
		return;
	if (!dry_run)
		end_remaining(v, fd);
	close(fd);
}

/* Nothing is to come any more: what was taken off is gone, and so is a program that
 * nothing holds.
 */
static bool is_settled(const struct victim *v, const struct prog *now)
{
	if (!now)
		return true;
	if (now->n_places > v->stay)
		return false;
	return now->n_places || now->n_holders || !v->prog->n_places;
}

/* Looks until all is settled, and no longer than a while. */
static struct progs *look_again(const struct victim *victims, size_t n)
{
	u64 until = clock_ns(CLOCK_MONOTONIC) + SETTLE_NS;
	struct progs *now = NULL;
	struct fault ignored = {};
	bool settled;

	do {
		progs_free(now);
		if (progs_load(&now, NULL, PROGS_HOLDERS, &ignored))
			return NULL;
		settled = true;
		for (size_t i = 0; i < n; i++)
			settled &= is_settled(
				&victims[i],
				progs_find(now, victims[i].prog->info.id));
		if (!settled)
			nap(20);
	} while (!settled && clock_ns(CLOCK_MONOTONIC) < until);
	return now;
}

/* ---- Words ---- */

static void print_places(const struct victim *v, bool dry_run)
{
	for (size_t i = 0; i < v->prog->n_places; i++) {
		const struct detached *d = &v->places[i];
		char *name = place_name(d->place);

		printf("  %s: ", name ? name : "?");
		if (d->done)
			printf("%s%s\n", dry_run ? "would be: " : "", d->what);
		else
			printf("stays (%s): %s%s%s\n", errno_name(d->err),
			       d->what, d->hint[0] ? "; try: " : "", d->hint);
		free(name);
	}
}

/* Why it is still loaded, though it is attached nowhere. */
static void print_holders(const struct prog *now)
{
	char *holders;

	if (!now->n_holders) {
		puts("  loaded: nobody is seen to hold it");
		return;
	}
	holders = holders_owner(now);
	if (!holders)
		return;
	if (now->holders[0].pid)
		printf("  loaded: %s has it\n", holders);
	else
		printf("  loaded: pinned; try: rm %s\n", holders);
	free(holders);
}

static void print_victim(const struct victim *v, const struct prog *now,
			 bool dry_run)
{
	const char *hook = v->prog->hooks[0];

	printf("%u %s: ", v->prog->info.id, v->prog->name);
	if (v->ended)
		printf("ended %llu run%s; ", (unsigned long long)v->ended,
		       v->ended == 1 ? "" : "s");
	if (dry_run)
		printf("would be taken off %zu of %zu places\n",
		       v->prog->n_places - v->stay, v->prog->n_places);
	else if (!now)
		puts("attached nowhere, and no longer loaded");
	else if (now->n_places)
		printf("stays attached at %zu of %zu places\n", now->n_places,
		       v->prog->n_places);
	else
		puts("attached nowhere; it stays loaded");
	print_places(v, dry_run);
	if (!v->prog->n_places && hook && !section_is_told(v->prog->info.type))
		printf("  the kernel does not tell where it is used as %s\n",
		       hook);
	if (now && !now->n_places && !dry_run)
		print_holders(now);
}

/* ---- JSON ---- */

static json_t *json_place(const struct detached *d)
{
	json_t *doc = place_json(d->place);

	if (d->done) {
		json_object_set_new(doc, "how", json_string(d->how));
		json_object_set_new(doc, "text", json_string(d->what));
		return doc;
	}
	json_object_set_new(doc, "code", json_string(errno_name(d->err)));
	json_object_set_new(doc, "message", json_string(d->what));
	if (d->hint[0])
		json_object_set_new(doc, "hint", json_string(d->hint));
	return doc;
}

static json_t *json_victim(const struct victim *v, const struct prog *now)
{
	json_t *detached = json_array(), *stays = json_array(), *doc;

	for (size_t i = 0; i < v->prog->n_places; i++)
		json_array_append_new(v->places[i].done ? detached : stays,
				      json_place(&v->places[i]));
	doc = json_pack("{s:i, s:s, s:I, s:o, s:o, s:b, s:b}", "id",
			v->prog->info.id, "name", v->prog->name, "ended",
			(json_int_t)v->ended, "detached", detached, "stays",
			stays, "attached", now && now->n_places, "loaded",
			now != NULL);
	if (now)
		json_object_set_new(doc, "holders", holders_json(now));
	return doc;
}

static int detach_report(struct ctx *ctx, const struct victim *victims,
			 size_t n, const struct progs *now, bool dry_run)
{
	json_t *rows = json_array(), *doc;
	size_t stay = 0, places = 0;
	struct fault f = {};

	for (size_t i = 0; i < n; i++) {
		const struct victim *v = &victims[i];
		const struct prog *p = progs_find(now, v->prog->info.id);
		size_t left = dry_run ? v->stay : p ? p->n_places : 0;

		stay += left;
		places += v->prog->n_places > left ? v->prog->n_places : left;
		if (out_is_json(&ctx->out))
			json_array_append_new(rows, json_victim(v, p));
		else
			print_victim(v, p, dry_run);
	}
	if (stay) {
		fault_set(&f, EXIT_FAILED, 0, "%zu of %zu places %s", stay,
			  places, dry_run ? "would stay" : "stay");
		fault_why(&f, "what it says there holds them");
	}
	if (!out_is_json(&ctx->out)) {
		json_decref(rows);
		ctx->fault = f;
		return f.exit;
	}
	/* JSON says it inside the document, so that there is one */
	doc = json_pack("{s:s, s:o, s:b}", "schema", "bpfwd.kill/1", "programs",
			rows, "dry_run", dry_run);
	if (f.exit)
		json_object_set_new(doc, "error", fault_json(&f));
	return out_json(&ctx->out, doc) ? EXIT_FAILED : f.exit;
}

int detach_progs(struct ctx *ctx, const struct progs *progs, bool dry_run)
{
	size_t n = progs_count(progs), i;
	struct victim *victims = calloc(n + 1, sizeof(*victims));
	struct progs *now = NULL;
	int ret = 0;

	for (i = 0; victims && i < n; i++) {
		struct victim *v = &victims[i];

		v->prog = progs_get(progs, i);
		v->places = calloc(v->prog->n_places + 1, sizeof(*v->places));
		if (!v->places)
			break;
	}
	if (!victims || i < n)
		ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no memory");
	for (i = 0; !ret && i < n; i++)
		detach_victim(&victims[i], dry_run);
	if (!ret && !dry_run) {
		now = look_again(victims, n);
		if (!now)
			ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM,
					"cannot see what stays");
	}
	if (!ret)
		ret = detach_report(ctx, victims, n, dry_run ? progs : now,
				    dry_run);
	for (i = 0; victims && i < n; i++)
		free(victims[i].places);
	free(victims);
	progs_free(now);
	return ret;
}
