// SPDX-License-Identifier: GPL-2.0
/* Finds the direct calls in a kernel's machine code. Its functions are known by
 * their symbols, so decoding begins at the right byte, and restarts at each one.
 *
 * A tracepoint is a static call to __SCT__tp_func_NAME, or to __traceiter_NAME; the
 * hooks of BPF LSM are called by security_NAME() through static calls, too, so
 * their functions bpf_lsm_NAME are made callees of it. Which functions run programs
 * of other hooks is said in callgraph/hooks.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "callgraph/priv.h"
#include "show/fault.h"
#include "show/types.h"

#define MAX_FUNCTION (1 << 18)
#define MAX_RANGES 64
#define MAX_HOOKS 128 /* in callgraph/hooks.c, of them different ones */

struct sym {
	u64 addr, size;
	char *name;
	u32 node;
};

struct range {
	u64 addr, size, offset;
	const unsigned char *bytes; /* NULL: read it from the file */
};

struct text {
	struct sym *syms;
	size_t n_syms;
	struct range ranges[MAX_RANGES];
	size_t n_ranges;
	int fd;
	unsigned char *buf;
	u64 init_begin, init_end;
};

struct edge {
	u32 from, to;
};

struct builder {
	struct text *text;
	struct edge *edges;
	size_t n_edges, size;
	u32 *indirect, n_functions, n_nodes;
	const struct sym *from; /* whose code is being read */
	bool oom;
};

static int add_sym(struct text *t, u64 addr, u64 size, const char *name)
{
	/* in steps of powers of two */
	if (!(t->n_syms & (t->n_syms + 1))) {
		struct sym *all =
			reallocarray(t->syms, 2 * t->n_syms + 2, sizeof(*all));

		if (!all)
			return -ENOMEM;
		t->syms = all;
	}
	t->syms[t->n_syms] = (struct sym){ addr, size, strdup(name), 0 };
	return t->syms[t->n_syms].name ? (t->n_syms++, 0) : -ENOMEM;
}

/* Where what is needed to boot begins and ends. true: it is such a symbol. */
static bool is_init(struct text *t, const char *name, u64 addr)
{
	if (!strcmp(name, "__init_begin"))
		t->init_begin = addr;
	else if (!strcmp(name, "__init_end"))
		t->init_end = addr;
	else
		return false;
	return true;
}

/* In its place is something else by now, and nothing of the kernel calls it. */
static void drop_init(struct text *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n_syms; i++) {
		u64 addr = t->syms[i].addr;

		if (addr >= t->init_begin && addr < t->init_end)
			free(t->syms[i].name);
		else
			t->syms[kept++] = t->syms[i];
	}
	t->n_syms = kept;
}

static bool text_wanted(const char *name)
{
	/* padding in front of functions, and labels of the assembler */
	return *name && strncmp(name, "__pfx_", 6) &&
	       strncmp(name, "__cfi_", 6) && *name != '.' && *name != '$';
}

static int by_addr(const void *a, const void *b)
{
	const struct sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* One node for each address. Also cuts functions that overlap. */
static u32 number_functions(struct text *t)
{
	u32 n = 0;

	qsort(t->syms, t->n_syms, sizeof(*t->syms), by_addr);
	for (size_t i = 0; i < t->n_syms; i++) {
		size_t next = i + 1;

		if (i && t->syms[i].addr == t->syms[i - 1].addr)
			t->syms[i].node = t->syms[i - 1].node;
		else
			t->syms[i].node = n++;
		while (next < t->n_syms &&
		       t->syms[next].addr == t->syms[i].addr)
			next++;
		if (next < t->n_syms &&
		    (!t->syms[i].size ||
		     t->syms[next].addr - t->syms[i].addr < t->syms[i].size))
			t->syms[i].size = t->syms[next].addr - t->syms[i].addr;
		if (t->syms[i].size > MAX_FUNCTION)
			t->syms[i].size = MAX_FUNCTION;
	}
	return n;
}

/* The function that an address is in, NULL: none. */
static const struct sym *find_sym(const struct text *t, u64 addr)
{
	size_t low = 0, high = t->n_syms;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->syms[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr - t->syms[low - 1].addr >= t->syms[low - 1].size)
		return NULL;
	return &t->syms[low - 1];
}

static const unsigned char *bytes_of(struct text *t, const struct sym *s)
{
	for (size_t i = 0; i < t->n_ranges; i++) {
		const struct range *r = &t->ranges[i];
		u64 at = s->addr - r->addr;

		if (s->addr < r->addr || at >= r->size ||
		    r->size - at < s->size)
			continue;
		if (r->bytes)
			return r->bytes + at;
		if (pread(t->fd, t->buf, s->size, r->offset + at) ==
		    (ssize_t)s->size)
			return t->buf;
		return NULL;
	}
	return NULL;
}

static void add_edge(struct builder *b, u32 from, u32 to)
{
	struct edge *all;

	if (from == to || b->oom)
		return;
	if (b->n_edges == b->size) {
		all = reallocarray(b->edges, 2 * b->size + 4096, sizeof(*all));
		if (!all) {
			b->oom = true;
			return;
		}
		b->edges = all;
		b->size = 2 * b->size + 4096;
	}
	b->edges[b->n_edges++] = (struct edge){ from, to };
}

/* Every function calls and returns through these. */
static bool is_plumbing(const char *name)
{
	return !strcmp(name, "__fentry__") ||
	       !strcmp(name, "__x86_return_thunk");
}

static bool is_thunk(const char *name)
{
	return !strncmp(name, "__x86_indirect_", 15);
}

static void take_branch(void *arg, const struct cg_branch *branch)
{
	struct builder *b = arg;
	const struct sym *to;

	if (branch->indirect) {
		b->indirect[b->from->node] += branch->call;
		return;
	}
	to = find_sym(b->text, branch->to);
	if (!to || to->node == b->from->node)
		return;
	if (is_thunk(to->name))
		b->indirect[b->from->node]++;
	else if (!is_plumbing(to->name))
		add_edge(b, b->from->node, to->node);
}

/* The name of the tracepoint that is hit when this function is called, or NULL. */
static const char *tracepoint_of(const char *function)
{
	static const char *const prefixes[] = { "__SCT__tp_func_",
						"__traceiter_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(function, prefixes[i], strlen(prefixes[i])))
			return function + strlen(prefixes[i]);
	return NULL;
}

struct named {
	const char *name;
	u32 node;
	const char *kind; /* CG_TRACEPOINT, CG_HOOK or "" */
};

static int text_by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : x->node < y->node ? -1 : x->node > y->node;
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* The first one that is not less. */
static size_t first_name(const struct named *names, size_t n, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(names[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The node of this name, that is no function: among those from @first on. */
static u32 meaning(struct builder *b, struct named *names, size_t first,
		   size_t *n, const char *kind, const char *name)
{
	while (first < *n &&
	       (names[first].kind != kind || strcmp(names[first].name, name)))
		first++;
	if (first == *n)
		names[(*n)++] = (struct named){ name, b->n_nodes++, kind };
	return names[first].node;
}

/* Hooks are reached from the functions that run their programs. */
static void text_add_hooks(struct builder *b, struct named *names,
			   size_t functions, size_t *n)
{
	static const char kind[] = CG_HOOK;
	size_t n_rows, first = *n;
	const struct cg_hook *rows = cg_hooks(&n_rows);

	for (size_t i = 0; i < n_rows; i++) {
		const struct cg_hook *row = &rows[i];

		for (size_t k = first_name(names, functions, row->function);
		     k < functions &&
		     cg_is_function(names[k].name, row->function);
		     k++)
			for (size_t h = 0; row->hooks[h]; h++)
				add_edge(b, names[k].node,
					 meaning(b, names, first, n, kind,
						 row->hooks[h]));
	}
}

/* Tracepoints get nodes of their own, reached from the functions that stand for
 * them; security_X() reaches bpf_lsm_X.
 */
static void add_meanings(struct builder *b, struct named *names, size_t *n)
{
	static const char kind[] = CG_TRACEPOINT;
	size_t functions = *n;

	for (size_t i = 0; i < functions; i++) {
		const char *tp = tracepoint_of(names[i].name);
		char lsm[256];

		if (tp)
			add_edge(b, names[i].node,
				 meaning(b, names, functions, n, kind, tp));
		if (!strncmp(names[i].name, "security_", 9)) {
			size_t to;

			snprintf(lsm, sizeof(lsm), "bpf_lsm_%.200s",
				 names[i].name + 9);
			to = first_name(names, functions, lsm);
			if (to < functions && !strcmp(names[to].name, lsm))
				add_edge(b, names[i].node, names[to].node);
		}
	}
	text_add_hooks(b, names, functions, n);
}

static int pack(struct callgraph *cg, struct builder *b, struct named *names,
		size_t n_names)
{
	struct cg_head *h = &cg->head;
	size_t strings = 0, used = 0, n = 0;

	for (size_t i = 0; i < n_names; i++)
		strings += strlen(names[i].kind) + strlen(names[i].name) + 1;
	qsort(b->edges, b->n_edges, sizeof(*b->edges), compare_edges);
	h->n_nodes = b->n_nodes;
	h->n_functions = b->n_functions;
	h->n_names = n_names;
	cg->edge_start = calloc(b->n_nodes + 1, sizeof(u32));
	cg->edges = calloc(b->n_edges + 1, sizeof(u32));
	cg->indirect = calloc(b->n_nodes + 1, sizeof(u32));
	cg->names = calloc(n_names + 1, sizeof(*cg->names));
	cg->strings = calloc(1, strings + 1);
	if (!cg->edge_start || !cg->edges || !cg->indirect || !cg->names ||
	    !cg->strings)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_edges; i++) {
		if (i && !compare_edges(&b->edges[i], &b->edges[i - 1]))
			continue;
		cg->edges[n++] = b->edges[i].to;
		cg->edge_start[b->edges[i].from + 1]++;
	}
	h->n_edges = n;
	for (u32 i = 0; i < b->n_nodes; i++)
		cg->edge_start[i + 1] += cg->edge_start[i];
	memcpy(cg->indirect, b->indirect, b->n_functions * sizeof(u32));
	/* its kind keeps a tracepoint apart from the function of its name */
	for (size_t i = 0; i < n_names; i++) {
		cg->names[i] = (struct cg_name){ used, names[i].node };
		used += sprintf(cg->strings + used, "%s%s", names[i].kind,
				names[i].name) +
			1;
	}
	h->strings_size = used;
	return 0;
}

static const struct callgraph *sorting;

static int by_text(const void *a, const void *b)
{
	const struct cg_name *x = a, *y = b;
	int c = strcmp(sorting->strings + x->text, sorting->strings + y->text);

	return c ? c : x->node < y->node ? -1 : x->node > y->node;
}

static int build(struct callgraph *cg, struct text *t, struct fault *f)
{
	struct builder b = { .text = t };
	struct named *names = NULL;
	size_t n_names = t->n_syms;
	int err = -ENOMEM;

	if (!cg_can_decode()) {
		fault_set(f, EXIT_LACKS, ENOTSUP, "no call graph");
		return fault_why(
			f,
			"this bpfwd was built without Zydis, by which it reads the kernel's code");
	}
	b.n_functions = b.n_nodes = number_functions(t);
	b.indirect = calloc(b.n_nodes + 1, sizeof(u32));
	/* each name may stand for a tracepoint, too */
	names = calloc(2 * n_names + MAX_HOOKS, sizeof(*names));
	if (!b.indirect || !names)
		goto out;
	for (size_t i = 0; i < t->n_syms; i++) {
		names[i] =
			(struct named){ t->syms[i].name, t->syms[i].node, "" };
		if (i && t->syms[i].node == t->syms[i - 1].node)
			continue;
		b.from = &t->syms[i];
		cg_decode(bytes_of(t, b.from), b.from->size, b.from->addr,
			  take_branch, &b);
	}
	qsort(names, n_names, sizeof(*names), text_by_name);
	add_meanings(&b, names, &n_names);
	if (!b.oom)
		err = pack(cg, &b, names, n_names);
	if (!err) {
		sorting = cg;
		qsort(cg->names, cg->head.n_names, sizeof(*cg->names), by_text);
	}
out:
	free(names);
	free(b.indirect);
	free(b.edges);
	return err ? fault_set(f, EXIT_FAILED, err, "no call graph") : 0;
}

static void text_clear(struct text *t)
{
	for (size_t i = 0; i < t->n_syms; i++)
		free(t->syms[i].name);
	free(t->syms);
	free(t->buf);
	if (t->fd >= 0)
		close(t->fd);
}

/* ---- vmlinux ---- */

static int elf_symbols(struct text *t, Elf *elf, Elf_Scn *scn,
		       const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize :
					      0;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, i, &sym) || !sym.st_value)
			continue;
		name = elf_strptr(elf, shdr->sh_link, sym.st_name);
		if (!name || is_init(t, name, sym.st_value) ||
		    (GELF_ST_TYPE(sym.st_info) != STT_FUNC &&
		     GELF_ST_TYPE(sym.st_info) != STT_GNU_IFUNC))
			continue;
		if (text_wanted(name))
			err = add_sym(t, sym.st_value, sym.st_size, name);
	}
	return err;
}

int cg_read_elf(struct callgraph *cg, const char *path, struct fault *f)
{
	struct text t = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	Elf_Scn *scn = NULL;
	Elf *elf = NULL;
	int err = 0, ret;

	if (t.fd < 0)
		return fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
	elf_version(EV_CURRENT);
	elf = elf_begin(t.fd, ELF_C_READ_MMAP, NULL);
	while (elf && !err && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_type == SHT_SYMTAB)
			err = elf_symbols(&t, elf, scn, &shdr);
		if (shdr.sh_type != SHT_PROGBITS ||
		    !(shdr.sh_flags & SHF_EXECINSTR) ||
		    t.n_ranges == MAX_RANGES)
			continue;
		data = elf_rawdata(scn, NULL);
		if (data && data->d_buf)
			t.ranges[t.n_ranges++] = (struct range){
				.addr = shdr.sh_addr,
				.size = data->d_size,
				.bytes = data->d_buf,
			};
	}
	drop_init(&t);
	if (!err && !t.n_syms)
		err = -ENOEXEC;
	ret = err ? fault_set(f, EXIT_FAILED, err, "no call graph from %s",
			      path) :
		    build(cg, &t, f);
	if (err == -ENOEXEC)
		fault_why(f, "it is no ELF file with a symbol table");
	elf_end(elf);
	text_clear(&t);
	return ret;
}

/* ---- memory of the running kernel ---- */

static int kallsyms(struct text *t)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!f)
		return -errno;
	while (!err && getline(&line, &size, f) > 0) {
		unsigned long long addr;
		char name[512], type;

		if (sscanf(line, "%llx %c %511s", &addr, &type, name) != 3 ||
		    !addr)
			continue;
		if (!is_init(t, name, addr) && strchr("tTwW", type) &&
		    text_wanted(name) &&
		    /* of programs, which come and go */
		    !strstr(line, "[bpf]"))
			err = add_sym(t, addr, 0, name);
	}
	free(line);
	fclose(f);
	drop_init(t);
	return err ? err : t->n_syms ? 0 : -EPERM;
}

static int kcore_ranges(struct text *t)
{
	Elf64_Ehdr eh;
	int n = 0;

	if (pread(t->fd, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	for (int i = 0; i < eh.e_phnum && t->n_ranges < MAX_RANGES; i++) {
		Elf64_Phdr ph;

		if (pread(t->fd, &ph, sizeof(ph),
			  eh.e_phoff + (u64)i * eh.e_phentsize) != sizeof(ph))
			return -EIO;
		if (ph.p_type != PT_LOAD)
			continue;
		t->ranges[t->n_ranges++] = (struct range){
			.addr = ph.p_vaddr,
			.size = ph.p_memsz,
			.offset = ph.p_offset,
		};
		n++;
	}
	return n ? 0 : -ENOEXEC;
}

/* Opening it takes a capability, reading does not. */
static int kept_memory = -1;

static int open_memory(void)
{
	if (kept_memory >= 0)
		return fcntl(kept_memory, F_DUPFD_CLOEXEC, 0);
	return open("/proc/kcore", O_RDONLY | O_CLOEXEC);
}

void callgraph_keep_memory(void)
{
	kept_memory = open_memory();
}

int cg_read_kcore(struct callgraph *cg, struct fault *f)
{
	struct text t = { .fd = open_memory() };
	int err = t.fd < 0 ? -errno : kcore_ranges(&t), ret;

	if (!err)
		err = kallsyms(&t);
	t.buf = malloc(MAX_FUNCTION);
	if (!err && !t.buf)
		err = -ENOMEM;
	ret = err ? fault_set(
			    f, EXIT_LACKS, err,
			    "no call graph: the kernel's code cannot be read") :
		    build(cg, &t, f);
	text_clear(&t);
	return ret;
}

/* ---- build id ---- */

static int find_note(const char *notes, size_t size,
		     unsigned char id[BUILD_ID_LEN])
{
	size_t at = 0;

	while (at + sizeof(Elf64_Nhdr) <= size) {
		Elf64_Nhdr n;
		size_t name, desc;

		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + ((n.n_namesz + 3ULL) & ~3ULL);
		if (desc > size || n.n_descsz > size - desc)
			break;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) &&
		    n.n_descsz == BUILD_ID_LEN) {
			memcpy(id, notes + desc, BUILD_ID_LEN);
			return 0;
		}
		at = desc + ((n.n_descsz + 3ULL) & ~3ULL);
	}
	return -ENOENT;
}

static int elf_build_id(int fd, unsigned char id[BUILD_ID_LEN])
{
	Elf_Scn *scn = NULL;
	int err = -ENOENT;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && err && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE)
			continue;
		data = elf_rawdata(scn, NULL);
		if (data && data->d_buf)
			err = find_note(data->d_buf, data->d_size, id);
	}
	elf_end(elf);
	return err;
}

int cg_build_id(const char *path, unsigned char id[BUILD_ID_LEN])
{
	int fd = open(path ? path : "/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	char notes[4096];
	ssize_t n;
	int err;

	if (fd < 0)
		return -ENOENT;
	if (path) {
		err = elf_build_id(fd, id);
	} else {
		n = read(fd, notes, sizeof(notes));
		err = n > 0 ? find_note(notes, n, id) : -ENOENT;
	}
	close(fd);
	return err;
}
