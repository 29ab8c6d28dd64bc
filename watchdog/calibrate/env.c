// SPDX-License-Identifier: GPL-2.0
/* What measuring programs need around them: maps, BTF, memory. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "show/fault.h"

#define ENTRIES 1024
#define MAPS_MAX 256

struct calib_env {
	struct btf *vmlinux, *btf;
	int btf_fd;
	u32 int_id, lock_id, timer_id, wq_id, kptr_id, main_id, callback_id;
	int results, constants;
	int listener, datagram;
	struct rings {
		int fd[MODEL_CPUS_MAX];
		/* NULL: nobody reads it, the newest take the place of the oldest */
		struct perf_event_mmap_page *read[MODEL_CPUS_MAX];
	} perf, perf_read;
	struct calib_mem *mem;
	struct made {
		char kind[32];
		u32 size;
		int fd;
	} made[MAPS_MAX];
	int n_made;
};

/* A struct with one special field at its start and a number behind it: values
 * of maps that hold a lock, a timer, a work queue item or a task.
 */
static u32 add_value(struct btf *btf, const char *name, const char *field,
		     int type, u32 size, u32 number)
{
	int id = btf__add_struct(btf, name, size + 8);

	if (id < 0 || btf__add_field(btf, field, type, 0, 0) ||
	    btf__add_field(btf, "number", number, size * 8, 0))
		return 0;
	return id;
}

/* struct NAME { u32 or u64 words } as the kernel knows it: only name and size count */
static int add_opaque(struct btf *btf, const char *name, u32 size, u32 word)
{
	int id = btf__add_struct(btf, name, size);

	for (u32 at = 0; id > 0 && at < size; at += size % 8 ? 4 : 8) {
		char field[16];

		snprintf(field, sizeof(field), "w%u", at);
		if (btf__add_field(btf, field, word, at * 8, 0))
			return -EINVAL;
	}
	return id;
}

static int make_btf(struct calib_env *env)
{
	struct btf *btf = btf__new_empty();
	int u32_id, u64_id, task, tag, ptr, proto, err;
	const void *data;
	u32 size;

	if (!btf)
		return -errno;
	env->btf = btf;
	u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	u64_id = btf__add_int(btf, "unsigned long", 8, 0);
	env->int_id = u32_id;
	env->lock_id = add_value(btf, "locked", "lock",
				 add_opaque(btf, "bpf_spin_lock", 4, u32_id), 8,
				 u64_id);
	env->timer_id = add_value(btf, "timed", "timer",
				  add_opaque(btf, "bpf_timer", 16, u64_id), 16,
				  u64_id);
	env->wq_id = add_value(btf, "queued", "wq",
			       add_opaque(btf, "bpf_wq", 16, u64_id), 16,
			       u64_id);
	task = btf__add_struct(btf, "task_struct", 0);
	tag = btf__add_type_tag(btf, "kptr", task);
	ptr = btf__add_ptr(btf, tag);
	env->kptr_id = add_value(btf, "holder", "task", ptr, 8, u64_id);
	proto = btf__add_func_proto(btf, env->int_id);
	btf__add_func_param(btf, "ctx", ptr);
	env->main_id = btf__add_func(btf, "calibrate", BTF_FUNC_GLOBAL, proto);
	env->callback_id =
		btf__add_func(btf, "callback", BTF_FUNC_STATIC, proto);
	data = btf__raw_data(btf, &size);
	env->btf_fd = data ? bpf_btf_load(data, size, NULL) : -ENOMEM;
	err = env->btf_fd < 0 ? -errno : 0;
	if (err)
		env->btf_fd = -1;
	return err;
}

/* What helpers want in memory that does not change. */
static void make_constants(struct calib_env *env)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	char text[4096] = "number %d";
	u32 zero = 0;

	strcpy(text + 16, "task_struct");
	strcpy(text + 32, "bpf_prog_put_zz");
	/* a long format, of which a row takes the end: 15 bytes of it are numbers */
	memset(text + 3072, 'y', 128);
	strcpy(text + 3200 - 16, "%llu %llu %llu");
	memset(text + 512, 'x', 2048);
	env->constants = bpf_map_create(BPF_MAP_TYPE_ARRAY, "constants", 4,
					sizeof(text), 1, &opts);
	if (env->constants >= 0 &&
	    (bpf_map_update_elem(env->constants, &zero, text, 0) ||
	     bpf_map_freeze(env->constants))) {
		close(env->constants);
		env->constants = -1;
	}
}

/* A socket of each kind on the loopback device, under one port, and the tuple
 * that finds them.
 */
static void make_sockets(struct calib_env *env)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	struct {
		u32 saddr, daddr;
		__be16 sport, dport;
	} tuple = { sin.sin_addr.s_addr, sin.sin_addr.s_addr, htons(1), 0 };

	env->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	env->datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (env->listener < 0 || env->datagram < 0 ||
	    bind(env->listener, (void *)&sin, sizeof(sin)) ||
	    listen(env->listener, 1) ||
	    getsockname(env->listener, (void *)&sin, &len) ||
	    bind(env->datagram, (void *)&sin, sizeof(sin)))
		return;
	tuple.dport = sin.sin_port;
	memcpy(env->mem->buf + 8160, &tuple, sizeof(tuple));
}

struct calib_env *calib_env_new(struct fault *f)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct calib_env *env = calloc(1, sizeof(*env));
	int err;

	if (!env) {
		fault_set(f, EXIT_FAILED, ENOMEM, "cannot calibrate");
		return NULL;
	}
	env->btf_fd = env->constants = env->listener = env->datagram = -1;
	for (size_t i = 0; i < MODEL_CPUS_MAX; i++)
		env->perf.fd[i] = env->perf_read.fd[i] = -1;
	env->vmlinux = btf__load_vmlinux_btf();
	env->results = bpf_map_create(BPF_MAP_TYPE_ARRAY, "calibrate", 4,
				      sizeof(struct calib_mem), 1, &opts);
	if (env->results < 0) {
		err = errno;
		fault_set(f, err == EPERM ? EXIT_LACKS : EXIT_FAILED, err,
			  "cannot calibrate: no map");
		fault_hint(f, "run it as root");
		calib_env_free(env);
		return NULL;
	}
	env->mem = mmap(NULL, sizeof(*env->mem), PROT_READ | PROT_WRITE,
			MAP_SHARED, env->results, 0);
	if (env->mem == MAP_FAILED) {
		env->mem = NULL;
		fault_set(f, EXIT_FAILED, errno,
			  "cannot calibrate: no memory map");
		calib_env_free(env);
		return NULL;
	}
	/* without these some rows cannot be measured, and say so */
	make_btf(env);
	make_constants(env);
	make_sockets(env);
	/* a long string at 4096, an empty one at 6000 */
	memset(env->mem->buf + 4096, 'x', 6000 - 4096);
	strcpy(env->mem->buf + 8144, "1234567");
	strcpy(env->mem->buf + 8176, "cubic");
	return env;
}

void calib_maps_close(struct calib_env *env)
{
	while (env->n_made)
		close(env->made[--env->n_made].fd);
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void calib_env_free(struct calib_env *env)
{
	if (!env)
		return;
	calib_hooks_leave();
	calib_maps_close(env);
	if (env->mem)
		munmap(env->mem, sizeof(*env->mem));
	close_if(env->results);
	close_if(env->constants);
	close_if(env->listener);
	close_if(env->datagram);
	close_if(env->btf_fd);
	for (size_t i = 0; i < MODEL_CPUS_MAX; i++) {
		close_if(env->perf.fd[i]);
		close_if(env->perf_read.fd[i]);
	}
	btf__free(env->btf);
	btf__free(env->vmlinux);
	free(env);
}

struct btf *calib_env_btf(struct calib_env *env)
{
	return env->vmlinux;
}

int calib_find_type(struct calib_env *env, const char *name, u32 kind)
{
	return env->vmlinux ? btf__find_by_name_kind(env->vmlinux, name, kind) :
			      -ENOENT;
}

int calib_results(struct calib_env *env)
{
	return env->results;
}

int calib_constants(struct calib_env *env)
{
	return env->constants;
}

struct calib_mem *calib_mem(struct calib_env *env)
{
	return env->mem;
}

/* Maps by the name that a row uses; a value size of 0 is the row's %n. */
static const struct map_kind {
	const char *name;
	enum bpf_map_type type;
	u32 key, value, entries, flags;
	enum { PLAIN, LOCK, TIMER, WQ, KPTR, STORAGE } btf;
} map_kinds[] = {
	{ "array", BPF_MAP_TYPE_ARRAY, 4, 0, ENTRIES, 0, PLAIN },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, ENTRIES, 0, PLAIN },
	{ "hash", BPF_MAP_TYPE_HASH, 8, 0, ENTRIES, 0, PLAIN },
	{ "hash_alloc", BPF_MAP_TYPE_HASH, 8, 0, ENTRIES, BPF_F_NO_PREALLOC,
	  PLAIN },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 8, 0, ENTRIES, 0, PLAIN },
	{ "lru_hash", BPF_MAP_TYPE_LRU_HASH, 8, 0, ENTRIES, 0, PLAIN },
	{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 0, ENTRIES, 0,
	  PLAIN },
	{ "lru_small", BPF_MAP_TYPE_LRU_HASH, 8, 0, 256, 0, PLAIN },
	{ "hash_key", BPF_MAP_TYPE_HASH, 0, 8, ENTRIES, 0, PLAIN },
	{ "prog_array", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0, PLAIN },
	{ "lpm_trie", BPF_MAP_TYPE_LPM_TRIE, 8, 0, ENTRIES, BPF_F_NO_PREALLOC,
	  PLAIN },
	{ "queue", BPF_MAP_TYPE_QUEUE, 0, 0, ENTRIES, 0, PLAIN },
	{ "stack", BPF_MAP_TYPE_STACK, 0, 0, ENTRIES, 0, PLAIN },
	{ "bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 0, ENTRIES, 0, PLAIN },
	{ "ringbuf", BPF_MAP_TYPE_RINGBUF, 0, 0, 1 << 16, 0, PLAIN },
	{ "user_ringbuf", BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 1 << 16, 0, PLAIN },
	{ "perf", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0, PLAIN },
	{ "perf_read", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0, PLAIN },
	{ "stack_trace", BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 8, ENTRIES, 0,
	  PLAIN },
	{ "stack_sized", BPF_MAP_TYPE_STACK_TRACE, 4, 0, ENTRIES, 0, PLAIN },
	{ "cgroup_array", BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1, 0, PLAIN },
	{ "devmap", BPF_MAP_TYPE_DEVMAP, 4, 4, ENTRIES, 0, PLAIN },
	{ "devmap_hash", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, ENTRIES, 0, PLAIN },
	{ "cpumap", BPF_MAP_TYPE_CPUMAP, 4, 4, 1, 0, PLAIN },
	{ "xskmap", BPF_MAP_TYPE_XSKMAP, 4, 4, ENTRIES, 0, PLAIN },
	{ "sockmap", BPF_MAP_TYPE_SOCKMAP, 4, 4, ENTRIES, 0, PLAIN },
	{ "sockhash", BPF_MAP_TYPE_SOCKHASH, 4, 4, ENTRIES, 0, PLAIN },
	{ "lock", BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, LOCK },
	{ "timer", BPF_MAP_TYPE_ARRAY, 4, 24, 1, 0, TIMER },
	{ "wq", BPF_MAP_TYPE_ARRAY, 4, 24, 1, 0, WQ },
	{ "kptr", BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, KPTR },
	{ "task_storage", BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC,
	  STORAGE },
	{ "cgrp_storage", BPF_MAP_TYPE_CGRP_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC,
	  STORAGE },
	{ "sk_storage", BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC,
	  STORAGE },
};

/* Samples of data only, whose reader is woken up by each, as libbpf makes them. What nobody
 * may read is overwritten, so it takes each; else it gets full, and says so when there is
 * room again.
 */
static void open_ring(struct rings *r, u32 cpu, bool read)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_BPF_OUTPUT,
					.size = sizeof(attr),
					.sample_type = PERF_SAMPLE_RAW,
					.sample_period = 1,
					.wakeup_events = 1 };
	void *pages;

	r->fd[cpu] = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			     PERF_FLAG_FD_CLOEXEC);
	if (r->fd[cpu] < 0)
		return;
	/* the memory goes with the process */
	pages = mmap(NULL, (read ? 2 : 9) * sysconf(_SC_PAGESIZE),
		     read ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		     r->fd[cpu], 0);
	if (read && pages != MAP_FAILED)
		r->read[cpu] = pages;
	ioctl(r->fd[cpu], PERF_EVENT_IOC_ENABLE, 0);
}

static void fill_perf(struct rings *r, int fd, u32 cpus, bool read)
{
	for (u32 i = 0; i < cpus && i < MODEL_CPUS_MAX; i++) {
		if (r->fd[i] < 0)
			open_ring(r, i, read);
		if (r->fd[i] >= 0)
			bpf_map_update_elem(fd, &i, &r->fd[i], 0);
	}
}

void calib_samples_read(struct calib_env *env)
{
	for (size_t i = 0; i < MODEL_CPUS_MAX; i++) {
		struct perf_event_mmap_page *page = env->perf_read.read[i];

		if (page)
			__atomic_store_n(&page->data_tail,
					 __atomic_load_n(&page->data_head,
							 __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
	}
}

/* n elements, for helpers that walk all of them */
static int fill_all(int fd, bool percpu, u32 n)
{
	u64 *values = calloc(percpu ? libbpf_num_possible_cpus() : 1, 8);
	int err = values ? 0 : -ENOMEM;

	for (u64 key = 0; !err && key < n; key++)
		err = bpf_map_update_elem(fd, &key, values, 0) ? -errno : 0;
	free(values);
	return err;
}

static int fill_cgroups(int fd)
{
	int cgroup = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	u32 key = 0;
	int err;

	if (cgroup < 0)
		return -errno;
	err = bpf_map_update_elem(fd, &key, &cgroup, 0) ? -errno : 0;
	close(cgroup);
	return err;
}

/* What the rows expect: lookups by index find something. */
static int map_fill(const struct map_kind *k, int fd)
{
	u32 zero = 0, one = 1;
	char value[24] = {};

	switch (k->type) {
	case BPF_MAP_TYPE_CGROUP_ARRAY:
		return fill_cgroups(fd);
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		/* the loopback device */
		return bpf_map_update_elem(fd, &zero, &one, 0) ? -errno : 0;
	case BPF_MAP_TYPE_CPUMAP: {
		u32 queue = 64;

		return bpf_map_update_elem(fd, &zero, &queue, 0) ? -errno : 0;
	}
	default:
		if (k->btf == LOCK)
			bpf_map_update_elem(fd, &zero, value, 0);
		return 0;
	}
}

static const struct map_kind *find_kind(const char *kind, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_kinds); i++)
		if (strlen(map_kinds[i].name) == len &&
		    !strncmp(map_kinds[i].name, kind, len))
			return &map_kinds[i];
	return NULL;
}

int calib_map(struct calib_env *env, const char *kind, u32 size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	size_t len = strlen(kind);
	bool full = len > 2 && !strcmp(kind + len - 2, "_n");
	const struct map_kind *k = find_kind(kind, full ? len - 2 : len);
	u32 entries, value, key,
		types[] = { [LOCK] = env->lock_id,
			    [TIMER] = env->timer_id,
			    [WQ] = env->wq_id,
			    [KPTR] = env->kptr_id,
			    [STORAGE] = env->int_id + 1 };
	struct made *made;
	int fd, err;

	if (!k)
		return -EINVAL;
	if ((k->value && k->key) || k->type == BPF_MAP_TYPE_RINGBUF ||
	    k->type == BPF_MAP_TYPE_USER_RINGBUF)
		size = 0;
	else if (!size)
		size = 8;
	for (int i = 0; i < env->n_made; i++)
		if (!strcmp(env->made[i].kind, kind) &&
		    env->made[i].size == size)
			return env->made[i].fd;
	if (env->n_made == MAPS_MAX)
		return -ENOSPC;
	opts.map_flags = k->flags;
	if (k->btf != PLAIN) {
		opts.btf_fd = env->btf_fd;
		opts.btf_key_type_id = env->int_id;
		opts.btf_value_type_id = types[k->btf];
	}
	key = k->key || !k->value ? k->key : size;
	value = full ? 8 : k->value ? k->value : size;
	entries = full ? size : k->entries;
	if (k->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		entries = libbpf_num_possible_cpus();
	fd = bpf_map_create(k->type, "calibrated", key, value, entries, &opts);
	if (fd < 0)
		return -errno;
	err = full ? fill_all(fd, strstr(kind, "percpu"), size) :
		     map_fill(k, fd);
	if (k->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		fill_perf(k->name[4] ? &env->perf_read : &env->perf, fd,
			  entries, k->name[4]);
	if (err) {
		close(fd);
		return err;
	}
	made = &env->made[env->n_made++];
	snprintf(made->kind, sizeof(made->kind), "%s", kind);
	made->size = size;
	made->fd = fd;
	return fd;
}

void calib_maps_share(struct calib_env *env, const struct calib_env *from)
{
	calib_maps_close(env);
	for (int i = 0; i < from->n_made; i++) {
		int fd = fcntl(from->made[i].fd, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			continue;
		env->made[env->n_made] = from->made[i];
		env->made[env->n_made++].fd = fd;
	}
}

struct calib_btf calib_btf(const struct calib_env *env)
{
	return (struct calib_btf){ env->btf_fd, env->main_id,
				   env->callback_id };
}
