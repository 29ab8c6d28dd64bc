// SPDX-License-Identifier: GPL-2.0
/* The maps and types of random programs, and whether what was taken from them is back. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <bpf/btf.h>
#include "harness/test_util.h"
#include "progs/random.h"
#include "random.skel.h"
#include "canary.skel.h"
#include "traffic/traffic.h"
#include "random/drive.h"

/* What runs in another context may give things back a moment later. */
#define PATIENCE_NS NSEC_PER_SEC
#define SAMPLES 1000 /* for bpf_user_ringbuf_drain() */

struct home_state {
	struct random *skel;
	struct canary *counter;
	struct ring_buffer *ring;
	struct user_ring_buffer *user_ring;
	struct health health;
	int client, server, listener;
	long socket_refs;
	__u64 objects_out; /* before a run, as counted */
	char addresses[60];
};

volatile struct rnd *home_rnd(struct home_state *s)
{
	return (volatile struct rnd *)s->skel->bss_rnd;
}

static int type_id(const struct btf *btf, const char *name, int kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	REQUIRE(id > 0, "no type %s", name);
	return id;
}

/* Of a member, in bytes. */
static int member_at(const struct btf *btf, const char *type,
		     const char *member)
{
	const struct btf_type *t =
		btf__type_by_id(btf, type_id(btf, type, BTF_KIND_STRUCT));
	unsigned int i;

	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf,
						btf_members(t)[i].name_off),
			    member))
			return btf_member_bit_offset(t, i) / 8;
	REQUIRE(false, "no member %s in %s", member, type);
	return -1;
}

static void find_types(struct home *h, const struct btf *btf)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	char name[20];
	size_t i;

	REQUIRE(vmlinux, "BTF of the kernel: %m");
#define F(name) h->name = btf__find_by_name_kind(vmlinux, #name, BTF_KIND_FUNC);
	KFUNCS
#undef F
	h->cast_type = type_id(vmlinux, "timespec64", BTF_KIND_STRUCT);
	btf__free(vmlinux);
	for (i = 0; i < ARRAY_SIZE(h->static_type); i++) {
		snprintf(name, sizeof(name), "static_%zu", i);
		h->static_type[i] = type_id(btf, name, BTF_KIND_FUNC);
	}
	for (i = 0; i < ARRAY_SIZE(h->global_type); i++) {
		snprintf(name, sizeof(name), "global_%zu", i);
		h->global_type[i] = type_id(btf, name, BTF_KIND_FUNC);
	}
	h->callback_type = type_id(btf, "rnd_callback", BTF_KIND_FUNC);
	h->any_type = type_id(btf, "main_any", BTF_KIND_FUNC);
	h->tc_type = type_id(btf, "main_tc", BTF_KIND_FUNC);
	h->xdp_type = type_id(btf, "main_xdp", BTF_KIND_FUNC);
	h->node_type = type_id(btf, "rnd_node", BTF_KIND_STRUCT);
	h->node_link = member_at(btf, "rnd_node", "link");
	h->lock_at = member_at(btf, "rnd_locked", "lock");
	h->list_lock_at = member_at(btf, "rnd_list", "lock");
	h->list_head_at = member_at(btf, "rnd_list", "head");
}

static void fill_maps(struct home_state *s)
{
	volatile struct rnd *rnd = home_rnd(s);
	__u64 zero = 0, value = 1;
	__u32 i;

	rnd->many = 1 << 22;
	rnd->few = 3;
	rnd->bad =
		0xffffc8fffffff000; /* a hole between two areas of the kernel */
	rnd->pid = getpid();
	memset((void *)rnd->words, 0xff, sizeof(rnd->words));
	memset((void *)rnd->text, ' ', sizeof(rnd->text) - 1);
	for (i = 0; i < RND_EACH; i++)
		bpf_map_update_elem(bpf_map__fd(s->skel->maps.rnd_hash), &i,
				    &value, 0);
	bpf_map_update_elem(bpf_map__fd(s->skel->maps.rnd_stay), &zero, &value,
			    0);
}

/* --- Objects that programs refer to ---------------------------------------------------------- */

/* The reference count of the server's end of the connection, from /proc/net/tcp. */
static long socket_refs(struct home_state *s)
{
	char line[300];
	long refs = -1;
	FILE *f = fopen("/proc/self/net/tcp", "re");

	REQUIRE(f, "/proc/self/net/tcp: %m");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, s->addresses))
			sscanf(strstr(line, s->addresses),
			       "%*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
			       &refs);
	fclose(f);
	return refs;
}

static bool socket_refs_back(void *arg)
{
	struct home_state *s = arg;

	return socket_refs(s) == s->socket_refs;
}

static void connect_tcp(struct home_state *s)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   there;
	volatile struct rnd *rnd = home_rnd(s);
	socklen_t len = sizeof(here);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	s->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!bind(s->listener, (void *)&here, sizeof(here)), "bind: %m");
	REQUIRE(!listen(s->listener, 1), "listen: %m");
	REQUIRE(!getsockname(s->listener, (void *)&here, &len), "%m");
	REQUIRE(!connect(s->client, (void *)&here, sizeof(here)),
		"connect: %m");
	s->server = accept(s->listener, NULL, NULL);
	REQUIRE(s->server >= 0, "accept: %m");
	REQUIRE(!getsockname(s->client, (void *)&there, &len), "%m");
	rnd->tuple[0] = there.sin_addr.s_addr;
	rnd->tuple[1] = here.sin_addr.s_addr;
	rnd->tuple[2] = there.sin_port | (__u32)here.sin_port << 16;
	snprintf(s->addresses, sizeof(s->addresses), "%08X:%04X %08X:%04X",
		 here.sin_addr.s_addr, ntohs(here.sin_port),
		 there.sin_addr.s_addr, ntohs(there.sin_port));
	s->socket_refs = socket_refs(s);
	REQUIRE(s->socket_refs > 0, "the connection is not to be found");
}

static void find_cgroup(struct home_state *s)
{
	struct {
		struct file_handle h;
		__u64 id;
	} handle = { .h.handle_bytes = sizeof(__u64) };
	int mount_id;

	cgroup_mount();
	if (name_to_handle_at(AT_FDCWD, CGROUP_ROOT "/bpfwd_random", &handle.h,
			      &mount_id, 0))
		name_to_handle_at(AT_FDCWD, CGROUP_ROOT, &handle.h, &mount_id,
				  0);
	home_rnd(s)->cgroup_id = *(__u64 *)handle.h.f_handle;
}

/* What counts allocated objects: where they are taken and freed. */
static void count_objects(struct home_state *s)
{
	struct bpf_program *p;

	s->counter = canary__open();
	REQUIRE(s->counter, "canary: %m");
	bpf_program__set_autoload(s->counter->progs.canary, false);
	if (!kernel_has("bpf_obj_drop", BTF_KIND_FUNC))
		bpf_program__set_autoload(s->counter->progs.count_drop, false);
	REQUIRE(!canary__load(s->counter), "canary does not load: %m");
	bpf_object__for_each_program(p, s->counter->obj)
		if (bpf_program__autoload(p))
			wd_spare(bpf_program__fd(p));
	REQUIRE(!canary__attach(s->counter), "canary: %m");
}

static __u64 objects_out(struct home_state *s)
{
	return s->counter->data_obj->obj_allocs -
	       s->counter->data_obj->obj_frees;
}

static bool objects_back(void *arg)
{
	struct home_state *s = arg;

	return objects_out(s) == s->objects_out;
}

/* --- Open, prepare, check -------------------------------------------------------------------- */

static int on_record(void *arg, void *data, size_t size)
{
	return 0;
}

struct home_state *home_open(struct home *h)
{
	struct home_state *s = calloc(1, sizeof(*s));
	struct bpf_program *p;

	REQUIRE(s, "no memory");
	s->skel = random__open_and_load();
	REQUIRE(s->skel, "random.bpf.o: %m");
	bpf_object__for_each_program(p, s->skel->obj)
		if (bpf_program__autoload(p))
			wd_spare(bpf_program__fd(p));
	h->btf_fd = bpf_object__btf_fd(s->skel->obj);
	h->data_fd = bpf_map__fd(s->skel->maps.bss_rnd);
	h->format_fd = bpf_map__fd(s->skel->maps.rodata_format);
#define M(name) h->name##_fd = bpf_map__fd(s->skel->maps.rnd_##name);
	MAPS
#undef M
		h->by_clock = !last_cpu();
	find_types(h, bpf_object__btf(s->skel->obj));
	fill_maps(s);
	loopback_up();
	connect_tcp(s);
	find_cgroup(s);
	count_objects(s);
	s->ring = ring_buffer__new(h->ring_fd, on_record, NULL, NULL);
	s->user_ring = user_ring_buffer__new(h->user_ring_fd, NULL);
	REQUIRE(s->ring && s->user_ring, "ring buffers: %m");
	s->health = health();
	return s;
}

void home_prepare(struct home_state *s, __u64 kinds)
{
	int i;

	s->objects_out = objects_out(s);
	for (i = 0; kinds & 1ULL << KIND_drain && i < SAMPLES; i++) {
		__u64 *sample = user_ring_buffer__reserve(s->user_ring,
							  sizeof(*sample));

		if (!sample)
			break;
		*sample = i;
		user_ring_buffer__submit(s->user_ring, sample);
	}
}

static int probe(struct bpf_program *prog, bool packet)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char data[64] = {};
	int err;

	if (packet) {
		opts.data_in = data;
		opts.data_size_in = sizeof(data);
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	REQUIRE(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
	return opts.retval;
}

static bool is_consumed(void *arg)
{
	struct ring *ring = ring_buffer__ring(arg, 0);

	ring_buffer__consume(arg);
	return ring__consumer_pos(ring) == ring__producer_pos(ring);
}

static bool health_back(void *arg)
{
	struct home_state *s = arg;
	struct health now = health();

	return !memcmp(&now, &s->health, sizeof(now));
}

bool home_check(struct home_state *s, __u64 kinds, bool objects, char *why,
		size_t size)
{
#define USES(kind) (kinds & 1ULL << KIND_##kind)
	struct health now;
	int n;

	if ((USES(hold_record) || USES(hold_dynptr)) &&
	    !wait_until(is_consumed, s->ring, PATIENCE_NS)) {
		snprintf(why, size, "a record of the ring buffer is not back");
		return false;
	}
	if (USES(drain)) {
		n = probe(s->skel->progs.user_ring_probe, false);
		if (n < 0) {
			snprintf(why, size, "user ring buffer: %s",
				 strerror(-n));
			return false;
		}
	}
	if (USES(hold_kptr))
		probe(s->skel->progs.slot_empty, false);
	if (USES(hold_lock) || USES(hold_list))
		while (probe(s->skel->progs.lock_probe, true) == 1)
			;
	if (USES(hold_sock) && !wait_until(socket_refs_back, s, PATIENCE_NS)) {
		snprintf(why, size, "socket has %ld references, had %ld",
			 socket_refs(s), s->socket_refs);
		return false;
	}
	if (objects && (USES(hold_object) || USES(hold_list)) &&
	    !wait_until(objects_back, s, PATIENCE_NS)) {
		snprintf(why, size, "%lld objects are not freed",
			 objects_out(s) - s->objects_out);
		return false;
	}
	if (!wait_until(health_back, s, PATIENCE_NS)) {
		now = health();
		snprintf(
			why, size,
			"preempt count %#x, RCU nesting %u, task references %u; were %#x, %u, %u",
			now.preempt_count, now.rcu_nesting, now.task_refs,
			s->health.preempt_count, s->health.rcu_nesting,
			s->health.task_refs);
		return false;
	}
	return true;
}
