// SPDX-License-Identifier: GPL-2.0
/* From an address in a program's machine code to its source line: the last line
 * that starts at or before the address in the function that holds it.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/source.h"

struct lines {
	struct bpf_prog_info info;
	u64 *addrs, *funcs;
	u32 *lens;
	char *records;
};

static bool source_load(int fd, struct lines *l)
{
	struct bpf_prog_info known = {}, *info = &l->info;
	u32 len = sizeof(known);

	if (bpf_prog_get_info_by_fd(fd, &known, &len) || !known.nr_line_info ||
	    known.nr_jited_line_info != known.nr_line_info ||
	    known.line_info_rec_size < sizeof(struct bpf_line_info))
		return false;
	l->addrs = calloc(known.nr_jited_line_info, sizeof(*l->addrs));
	l->funcs = calloc(known.nr_jited_ksyms, sizeof(*l->funcs));
	l->lens = calloc(known.nr_jited_func_lens, sizeof(*l->lens));
	l->records = calloc(known.nr_line_info, known.line_info_rec_size);
	if (!l->addrs || !l->funcs || !l->lens || !l->records)
		return false;
	memset(info, 0, sizeof(*info));
	info->nr_line_info = known.nr_line_info;
	info->line_info_rec_size = known.line_info_rec_size;
	info->line_info = (uintptr_t)l->records;
	info->nr_jited_line_info = known.nr_jited_line_info;
	info->jited_line_info_rec_size = sizeof(*l->addrs);
	info->jited_line_info = (uintptr_t)l->addrs;
	info->nr_jited_ksyms = known.nr_jited_ksyms;
	info->jited_ksyms = (uintptr_t)l->funcs;
	info->nr_jited_func_lens = known.nr_jited_func_lens;
	info->jited_func_lens = (uintptr_t)l->lens;
	len = sizeof(*info);
	return !bpf_prog_get_info_by_fd(fd, info, &len) &&
	       info->nr_jited_ksyms == info->nr_jited_func_lens;
}

static const struct bpf_line_info *line_at(const struct lines *l, u64 ip)
{
	const struct bpf_prog_info *info = &l->info;
	u64 best = 0;
	u32 func, found = 0;

	for (func = 0; func < info->nr_jited_ksyms; func++)
		if (ip >= l->funcs[func] && ip - l->funcs[func] < l->lens[func])
			break;
	if (func == info->nr_jited_ksyms)
		return NULL;
	for (u32 i = 0; i < info->nr_jited_line_info; i++) {
		if (l->addrs[i] > ip || l->addrs[i] < l->funcs[func] ||
		    l->addrs[i] < best)
			continue;
		best = l->addrs[i];
		found = i;
	}
	return best ? (const void *)(l->records +
				     (size_t)found * info->line_info_rec_size) :
		      NULL;
}

static void source_fill(struct btfs *btfs, u32 btf_id,
			const struct bpf_line_info *line, struct source *src)
{
	src->file = btfs_string(btfs, btf_id, line->file_name_off);
	src->text = btfs_string(btfs, btf_id, line->line_off);
	src->line = BPF_LINE_INFO_LINE_NUM(line->line_col);
	/* as the kernel's own report has them: no folders, no indentation */
	if (src->file && strrchr(src->file, '/'))
		src->file = strrchr(src->file, '/') + 1;
	if (src->text)
		src->text += strspn(src->text, " \t");
}

bool source_find_insn(struct btfs *btfs, int fd, u32 insn, struct source *src)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info), n, size;
	const struct bpf_line_info *found = NULL;
	char *records;

	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return false;
	n = info.nr_line_info;
	size = info.line_info_rec_size;
	if (!n || size < sizeof(*found))
		return false;
	records = calloc(n, size);
	memset(&info, 0, sizeof(info));
	info.nr_line_info = n;
	info.line_info_rec_size = size;
	info.line_info = (uintptr_t)records;
	len = sizeof(info);
	if (!records || bpf_prog_get_info_by_fd(fd, &info, &len)) {
		free(records);
		return false;
	}
	/* ascending */
	for (u32 i = 0; i < n && i < info.nr_line_info; i++) {
		const struct bpf_line_info *line =
			(void *)(records + (size_t)i * size);

		if (line->insn_off > insn)
			break;
		found = line;
	}
	if (found)
		source_fill(btfs, info.btf_id, found, src);
	free(records);
	return found && src->file;
}

bool source_find(struct btfs *btfs, u32 prog_id, u64 ip, struct source *src)
{
	int fd = ip ? bpf_prog_get_fd_by_id(prog_id) : -1;
	const struct bpf_line_info *line = NULL;
	struct lines l = {};

	if (fd < 0)
		return false;
	if (source_load(fd, &l))
		line = line_at(&l, ip);
	if (line)
		source_fill(btfs, l.info.btf_id, line, src);
	free(l.addrs);
	free(l.funcs);
	free(l.lens);
	free(l.records);
	close(fd);
	return line && src->file;
}

#define MAX_FUNCS 256

bool source_holds(u32 prog_id, u64 ip)
{
	int fd = bpf_prog_get_fd_by_id(prog_id);
	u64 funcs[MAX_FUNCS];
	u32 lens[MAX_FUNCS];
	struct bpf_prog_info info = { .nr_jited_ksyms = MAX_FUNCS,
				      .jited_ksyms = (uintptr_t)funcs,
				      .nr_jited_func_lens = MAX_FUNCS,
				      .jited_func_lens = (uintptr_t)lens };
	u32 len = sizeof(info), i = 0;

	if (fd < 0)
		return false;
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		info.nr_jited_ksyms = 0;
	close(fd);
	for (; i < info.nr_jited_ksyms && i < info.nr_jited_func_lens; i++)
		if (ip >= funcs[i] && ip - funcs[i] < lens[i])
			return true;
	return false;
}
