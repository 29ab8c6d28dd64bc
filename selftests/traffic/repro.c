// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <bpf/btf.h>
#include <linux/if_ether.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "traffic/repro.h"
#include "traffic/traffic.h"
#include "canary.skel.h"

#define MAX_LOOPS (1 << 23) /* what bpf_loop() and bpf_iter_num take */
#define CGROUP_CHILD CGROUP_ROOT "/bpfwd_held"

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	char data[22];
} __attribute__((packed));

struct run {
	const struct repro *repro;
	struct bpf_object *obj;
	struct bpf_program *prog;
	struct bpf_link *link;
	volatile struct ctl *ctl;
	struct ring_buffer *rb;
	struct user_ring_buffer *user_rb;
	struct packet packet;
	struct health health;
	__u32 fill;
	__u64 m;
	__u64 finished, terminations; /* before the trigger */
	bool fruitless; /* the last one was ended before it held anything */
	unsigned long probes; /* records of rb_probe that were consumed */
	int sender, receiver; /* UDP */
	int listener, client, server; /* TCP */
	long socket_refs;
	struct bpf_object *counter; /* allocated objects */
};

int repro_fd(struct run *run)
{
	return bpf_program__fd(run->prog);
}

struct bpf_program *repro_prog(struct run *run)
{
	return run->prog;
}

struct bpf_object *repro_obj(struct run *run)
{
	return run->obj;
}

int repro_keep(struct run *run, struct bpf_link *link)
{
	if (!link)
		return -errno;
	run->link = link;
	return 0;
}

__u32 repro_id(struct run *run)
{
	return prog_info(repro_fd(run)).id;
}

volatile struct ctl *repro_ctl(struct run *run)
{
	return run->ctl;
}

static int map_fd(struct run *run, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(run->obj, name);

	REQUIRE(fd >= 0, "no map %s in %s", name, bpf_object__name(run->obj));
	return fd;
}

/* Runs one of the object's probe programs; its return value. */
static int probe(struct run *run, const char *name, bool packet)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *prog =
		bpf_object__find_program_by_name(run->obj, name);
	int err;

	REQUIRE(prog, "no program %s", name);
	if (packet) {
		opts.data_in = &run->packet;
		opts.data_size_in = sizeof(run->packet);
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	REQUIRE(!err, "%s: %s", name, strerror(-err));
	return opts.retval;
}

/* --- Network --------------------------------------------------------------------------------- */

static void make_packet(struct packet *p)
{
	memset(p, 0, sizeof(*p));
	p->eth.h_proto = htons(ETH_P_IP);
	p->ip.version = 4;
	p->ip.ihl = 5;
	p->ip.ttl = 64;
	p->ip.protocol = IPPROTO_UDP;
	p->ip.tot_len = htons(sizeof(*p) - sizeof(p->eth));
	p->ip.saddr = p->ip.daddr = htonl(INADDR_LOOPBACK);
	p->udp.dest = htons(TRIGGER_PORT);
	p->udp.len = htons(sizeof(p->udp) + sizeof(p->data));
}

static void open_udp(struct run *run)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(TRIGGER_PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	run->receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	run->sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	REQUIRE(!bind(run->receiver, (void *)&addr, sizeof(addr)), "bind: %m");
	REQUIRE(!connect(run->sender, (void *)&addr, sizeof(addr)),
		"connect: %m");
}

/* The reference count of the server's end of the connection, from /proc/net/tcp. */
static long socket_refs(struct run *run)
{
	char line[300], addr[60];
	long refs = -1;
	FILE *f;

	snprintf(addr, sizeof(addr), "%08X:%04X %08X:%04X", run->ctl->daddr,
		 ntohs(run->ctl->dport), run->ctl->saddr,
		 ntohs(run->ctl->sport));
	f = fopen("/proc/self/net/tcp", "re");
	REQUIRE(f, "/proc/self/net/tcp: %m");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, addr))
			sscanf(strstr(line, addr),
			       "%*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
			       &refs);
	fclose(f);
	return refs;
}

static void open_connection(struct run *run)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	run->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	run->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!bind(run->listener, (void *)&addr, sizeof(addr)), "bind: %m");
	REQUIRE(!listen(run->listener, 1), "listen: %m");
	REQUIRE(!getsockname(run->listener, (void *)&addr, &len),
		"getsockname: %m");
	REQUIRE(!connect(run->client, (void *)&addr, sizeof(addr)),
		"connect: %m");
	run->server = accept(run->listener, NULL, NULL);
	REQUIRE(run->server >= 0, "accept: %m");
	run->ctl->daddr = addr.sin_addr.s_addr;
	run->ctl->dport = addr.sin_port;
	REQUIRE(!getsockname(run->client, (void *)&addr, &len),
		"getsockname: %m");
	run->ctl->saddr = addr.sin_addr.s_addr;
	run->ctl->sport = addr.sin_port;
	run->socket_refs = socket_refs(run);
	REQUIRE(run->socket_refs > 0,
		"connection not found in /proc/self/net/tcp");
}

static bool socket_refs_back(void *arg)
{
	struct run *run = arg;

	return socket_refs(run) == run->socket_refs;
}

/* --- Control groups -------------------------------------------------------------------------- */

static void make_cgroup(struct run *run)
{
	struct {
		struct file_handle h;
		__u64 id;
	} handle = { .h.handle_bytes = sizeof(__u64) };
	int mount_id;

	cgroup_mount();
	rmdir(CGROUP_CHILD);
	REQUIRE(!mkdir(CGROUP_CHILD, 0700), CGROUP_CHILD ": %m");
	REQUIRE(!name_to_handle_at(AT_FDCWD, CGROUP_CHILD, &handle.h, &mount_id,
				   0),
		"name_to_handle_at: %m");
	run->ctl->cgroup_id = *(__u64 *)handle.h.f_handle;
}

static long dying_cgroups(void)
{
	char text[1000], *p;
	int err = file_read(CGROUP_ROOT "/cgroup.stat", text, sizeof(text));

	REQUIRE(!err, CGROUP_ROOT "/cgroup.stat: %s", strerror(-err));
	p = strstr(text, "nr_dying_descendants ");
	REQUIRE(p, "no nr_dying_descendants");
	return atol(p + strlen("nr_dying_descendants "));
}

static bool no_dying_cgroup(void *unused)
{
	return !dying_cgroups();
}

/* --- Allocated objects ----------------------------------------------------------------------- */

static __u64 *object_counts(struct run *run)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(run->counter, ".data.obj");
	size_t size;

	return bpf_map__initial_value(map, &size);
}

/* --- Open, attach, trigger ------------------------------------------------------------------- */

static bool named_in(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p = list;

	while (p && (p = strstr(p, name))) {
		if ((p == list || p[-1] == ',') && (p[len] == ',' || !p[len]))
			return true;
		p += len;
	}
	return false;
}

/* What checks that something is back lives in the same object. */
static const struct {
	unsigned int holds;
	const char *progs;
} probes[] = {
	{ HOLDS_RECORD, "rb_probe" },
	{ HOLDS_OBJECT_REF, "obj_setup,obj_probe" },
	{ HOLDS_LOCK, "lock_probe" },
	{ HOLDS_USER_RINGBUF, "drain_probe" },
};

static bool is_needed(const struct repro *r, const char *name)
{
	size_t i;

	if (!strcmp(name, r->name) || named_in(r->also, name))
		return true;
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (r->holds & probes[i].holds &&
		    named_in(probes[i].progs, name))
			return true;
	return false;
}

static int on_record(void *arg, void *data, size_t size)
{
	struct run *run = arg;

	if (size == sizeof(__u64) && *(__u64 *)data == RB_MAGIC)
		run->probes++;
	return 0;
}

static void fill_hash(struct run *run)
{
	__u32 *keys = calloc(run->fill, sizeof(*keys)), i, count = run->fill;
	__u64 *values = calloc(run->fill, sizeof(*values));
	int err;

	REQUIRE(keys && values, "no memory");
	for (i = 0; i < run->fill; i++)
		keys[i] = i;
	err = bpf_map_update_batch(map_fd(run, "each_hash"), keys, values,
				   &count, NULL);
	REQUIRE(!err && count == run->fill, "filled %u of %u: %s", count,
		run->fill, strerror(-err));
	free(keys);
	free(values);
}

static void fill_user_ringbuf(struct run *run)
{
	__u32 i;

	for (i = 0; i < run->fill; i++) {
		__u64 *sample = user_ring_buffer__reserve(run->user_rb,
							  sizeof(*sample));

		if (!sample)
			break; /* full: what is left from before counts as well */
		*sample = i;
		user_ring_buffer__submit(run->user_rb, sample);
	}
}

struct run *repro_open(const struct suite *suite, const struct repro *r,
		       __u32 fill)
{
	struct run *run = calloc(1, sizeof(*run));
	struct bpf_program *prog;
	struct bpf_map *map;
	const void *elf;
	size_t size;
	int err;

	REQUIRE(run, "no memory");
	run->repro = r;
	run->fill = fill;
	run->m = r->m ?: 100;
	make_packet(&run->packet);

	elf = suite->elf(&size);
	run->obj = bpf_object__open_mem(elf, size, NULL);
	REQUIRE(run->obj, "%s: %m", suite->name);
	bpf_object__for_each_program(prog, run->obj)
		bpf_program__set_autoload(
			prog, is_needed(r, bpf_program__name(prog)));
	run->prog = bpf_object__find_program_by_name(run->obj, r->name);
	REQUIRE(run->prog, "no program %s", r->name);
	bpf_object__for_each_map(map, run->obj) {
		bool each = !strncmp(bpf_map__name(map), "each_", 5);

		/* Its programs are loaded with it. */
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    !named_in(r->also, bpf_map__name(map)))
			bpf_map__set_autocreate(map, false);

		if (each && strncmp(bpf_map__name(map), r->name,
				    strlen(bpf_map__name(map))))
			err = bpf_map__set_max_entries(map,
						       1); /* the other one */
		else if (each)
			err = bpf_map__set_max_entries(map, fill);
		else
			continue;
		REQUIRE(!err, "%s: %s", bpf_map__name(map), strerror(-err));
	}
	err = bpf_object__load(run->obj);
	REQUIRE(!err, "%s does not load: %s", r->name, strerror(-err));

	/* What checks is not what is tested: it has time. */
	bpf_object__for_each_program(prog, run->obj)
		if (bpf_program__autoload(prog) && prog != run->prog)
			wd_spare(bpf_program__fd(prog));

	map = bpf_object__find_map_by_name(run->obj, CTL_MAP);
	run->ctl = bpf_map__initial_value(map, &size);
	REQUIRE(run->ctl && size == sizeof(*run->ctl),
		"map " CTL_MAP " is not ours");
	run->ctl->m = run->m;
	run->ctl->pid = getpid();

	if (!strncmp(r->name, "each_hash", 9))
		fill_hash(run);
	if (r->flags & R_TAIL) {
		struct bpf_program *target = bpf_object__find_program_by_name(
			run->obj, "tail_target");
		__u32 key = 0, fd = repro_fd(run);

		err = bpf_map_update_elem(map_fd(run, "tails"), &key, &fd, 0);
		REQUIRE(!err, "tails[0]: %s", strerror(-err));
		if (bpf_program__autoload(target)) {
			key = 1;
			fd = bpf_program__fd(target);
			err = bpf_map_update_elem(map_fd(run, "tails"), &key,
						  &fd, 0);
			REQUIRE(!err, "tails[1]: %s", strerror(-err));
		}
	}
	if (r->holds & HOLDS_RECORD) {
		run->rb = ring_buffer__new(map_fd(run, "rb"), on_record, run,
					   NULL);
		REQUIRE(run->rb, "ring buffer: %m");
	}
	if (r->holds & HOLDS_USER_RINGBUF) {
		run->user_rb =
			user_ring_buffer__new(map_fd(run, "user_rb"), NULL);
		REQUIRE(run->user_rb, "user ring buffer: %m");
	}
	if (r->holds & HOLDS_CGROUP)
		make_cgroup(run);
	if (r->holds & HOLDS_SOCKET || r->trigger == BY_TRAFFIC) {
		loopback_up();
		open_udp(run);
		open_connection(run);
	}
	if (r->holds & HOLDS_OBJECT_REF)
		REQUIRE(!probe(run, "obj_setup", false), "obj_setup failed");
	if (r->holds & HOLDS_OBJECT) {
		struct bpf_program *p;

		elf = canary__elf_bytes(&size);
		run->counter = bpf_object__open_mem(elf, size, NULL);
		REQUIRE(run->counter, "canary: %m");
		if (!kernel_has("bpf_obj_drop", BTF_KIND_FUNC))
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(run->counter,
								 "count_drop"),
				false);
		err = bpf_object__load(run->counter);
		REQUIRE(!err, "object counter does not load: %s",
			strerror(-err));
		bpf_object__for_each_program(p, run->counter)
			if (bpf_program__autoload(p))
				wd_spare(bpf_program__fd(p));
		bpf_object__for_each_program(p, run->counter)
			if (bpf_program__autoload(p) &&
			    !strncmp(bpf_program__name(p), "count_", 6))
				REQUIRE(bpf_program__attach(p), "%s: %m",
					bpf_program__name(p));
	}
	run->health = health();
	return run;
}

struct bpf_link *attach_int3(struct bpf_program *prog, const char *function)
{
	/* Behind the first instruction: nop (5 bytes), or endbr64 and nop (9). */
	static const int offsets[] = { 5, 9, 4 };
	LIBBPF_OPTS(bpf_kprobe_opts, opts);
	struct bpf_link *link;
	size_t i;

	file_write("/proc/sys/debug/kprobes-optimization", "0");
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		opts.offset = offsets[i];
		link = bpf_program__attach_kprobe_opts(prog, function, &opts);
		if (link)
			return link;
	}
	return NULL;
}

void repro_attach(struct run *run)
{
	int fd = repro_fd(run), err;

	switch (run->repro->hook) {
	case ON_NOTHING:
		return;
	case ON_OWN:
		err = run->repro->attach(run);
		REQUIRE(!err, "%s does not attach: %s", run->repro->name,
			strerror(-err));
		return;
	case ON_SECTION:
		run->link = bpf_program__attach(run->prog);
		break;
	case ON_INT3:
		run->link = attach_int3(run->prog, SYS_GETPGID);
		break;
	case ON_XDP:
		run->link = bpf_program__attach_xdp(run->prog,
						    if_nametoindex("lo"));
		break;
	case ON_TCX:
		run->link = bpf_program__attach_tcx(run->prog,
						    if_nametoindex("lo"), NULL);
		break;
	case ON_SOCKET:
		REQUIRE(!setsockopt(run->receiver, SOL_SOCKET, SO_ATTACH_BPF,
				    &fd, sizeof(fd)),
			"SO_ATTACH_BPF: %m");
		return;
	}
	REQUIRE(run->link, "%s does not attach: %m", run->repro->name);
}

void repro_take_over(struct run *run)
{
	run->ctl->pid = getpid();
	run->health = health();
}

void repro_close(struct run *run)
{
	bpf_link__destroy(run->link);
	if (run->repro->detach)
		run->repro->detach();
	ring_buffer__free(run->rb);
	user_ring_buffer__free(run->user_rb);
	bpf_object__close(run->counter);
	bpf_object__close(run->obj);
	if (run->receiver)
		close(run->receiver);
	if (run->sender)
		close(run->sender);
	if (run->listener) {
		close(run->listener);
		close(run->client);
		close(run->server);
	}
	free(run);
}

/* Its program runs in another context, maybe later. */
static bool runs_elsewhere(struct run *run)
{
	return run->repro->trigger == BY_CALLBACK ||
	       run->repro->trigger == BY_TRAFFIC ||
	       run->repro->trigger == BY_OWN;
}

static bool is_through(void *arg)
{
	struct run *run = arg;

	return run->ctl->finished > run->finished ||
	       prog_info(repro_fd(run)).terminations > run->terminations;
}

uint64_t repro_fire(struct run *run, uint64_t patience_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	volatile struct ctl *ctl = run->ctl;
	uint64_t start, took;
	char c[256] = {};
	int err = 0;

	if (run->user_rb)
		fill_user_ringbuf(run);
	run->finished = ctl->finished;
	run->terminations = prog_info(repro_fd(run)).terminations;
	ctl->tgid = getpid();
	ctl->armed = 1;
	start = now_ns();
	shared->stall_since = start;
	switch (run->repro->trigger) {
	case BY_SYSCALL:
		syscall(SYS_getpgid, 0);
		break;
	case BY_PACKET:
		opts.data_in = &run->packet;
		opts.data_size_in = sizeof(run->packet);
		err = bpf_prog_test_run_opts(repro_fd(run), &opts);
		break;
	case BY_IPI:
		opts.flags = BPF_F_TEST_RUN_ON_CPU;
		opts.cpu = last_cpu();
		opts.ctx_in = c;
		opts.ctx_size_in = 8;
		err = bpf_prog_test_run_opts(repro_fd(run), &opts);
		break;
	case BY_TEST_RUN:
	case BY_CALLBACK:
		err = bpf_prog_test_run_opts(repro_fd(run), &opts);
		break;
	case BY_TRAFFIC:
		if (send(run->sender, c, 1, 0) != 1)
			err = -errno;
		break;
	case BY_OWN:
		err = run->repro->fire(run);
		break;
	}
	if (runs_elsewhere(run))
		wait_until(is_through, run, patience_ns);
	took = now_ns() - start;
	if (run->repro->trigger == BY_TRAFFIC)
		while (recv(run->receiver, c, sizeof(c), MSG_DONTWAIT) > 0)
			;
	shared->stall_since = 0;
	ctl->tgid = 0;
	ctl->armed = 0;
	CHECK(!err, "trigger: %s", strerror(-err));
	return took;
}

static bool is_quiet(void *arg)
{
	volatile struct ctl *ctl = ((struct run *)arg)->ctl;

	return ctl->started == ctl->finished + ctl->refused;
}

uint64_t repro_trigger(struct run *run)
{
	volatile struct ctl *ctl = run->ctl;
	__u64 started = ctl->started, refused = ctl->refused;
	uint64_t took = repro_fire(run, 8 * NSEC_PER_SEC);

	/* What runs elsewhere is counted before it reaches its last instruction. */
	if (runs_elsewhere(run))
		wait_until(is_quiet, run, NSEC_PER_SEC);
	/*
	 * A busy host may use up the budget before the program holds anything:
	 * ended all the same, and of no use to what is tested here.
	 */
	run->fruitless = (ctl->started == started || ctl->refused > refused) &&
			 prog_info(repro_fd(run)).terminations >
				 run->terminations;
	if (run->fruitless)
		return took;
	CHECK(ctl->started > started, "the program did not run");
	CHECK(ctl->finished == run->finished + 1,
	      "%llu invocations finished, not 1",
	      ctl->finished - run->finished);
	CHECK(ctl->refused == refused,
	      "the program did not get what it was to hold");
	return took;
}

uint64_t repro_calibrate(struct run *run, uint64_t stall_ns)
{
	volatile struct ctl *ctl = run->ctl;
	uint64_t took;

	if (run->repro->flags & R_NO_WORK) {
		ctl->n = 0;
		return repro_trigger(run);
	}
	for (ctl->n = 1;; ctl->n *= 4) {
		took = repro_trigger(run);
		if (nr_failures || took >= 40 * NSEC_PER_MSEC ||
		    ctl->n * 4 > MAX_LOOPS)
			break;
	}
	ctl->n = ctl->n * (double)stall_ns / took;
	if (!ctl->n)
		ctl->n = 1;
	if (ctl->n > MAX_LOOPS)
		ctl->n = MAX_LOOPS;
	return took;
}

void repro_stall_for_ever(struct run *run)
{
	if (run->repro->flags & R_NO_BRAKE)
		repro_calibrate(run, 6 * NSEC_PER_SEC);
	else
		run->ctl->n = run->repro->flags & R_NO_WORK ? 0 : MAX_LOOPS;
}

/* What runs in another context may give things back a moment later. */
#define PATIENCE_NS NSEC_PER_SEC

static bool task_refs_back(void *arg)
{
	struct run *run = arg;

	return health().task_refs == run->health.task_refs;
}

/* --- What was held --------------------------------------------------------------------------- */

void repro_describe_holds(const struct repro *r, char *buf, size_t size)
{
	static const char *const names[] = {
		"ring buffer record", "task reference",	  "cgroup reference",
		"socket reference",   "allocated object", "object reference",
		"spin lock",	      "RCU read section", "preemption disabled",
		"user ring buffer",
	};
	size_t i, len = 0;

	snprintf(buf, size, "nothing");
	for (i = 0; i < ARRAY_SIZE(names) && len < size; i++)
		if (r->holds & 1U << i)
			len += snprintf(buf + len, size - len, "%s%s",
					len ? ", " : "", names[i]);
}

static bool is_consumed(void *arg)
{
	struct run *run = arg;
	struct ring *ring = ring_buffer__ring(run->rb, 0);

	ring_buffer__consume(run->rb);
	return ring__consumer_pos(ring) == ring__producer_pos(ring);
}

static void check_ringbuf(struct run *run)
{
	struct ring *ring = ring_buffer__ring(run->rb, 0);
	unsigned long probes = run->probes;

	CHECK(!probe(run, "rb_probe", false), "no record can be reserved");
	wait_until(is_consumed, run, PATIENCE_NS);
	CHECK(run->probes == probes + 1,
	      "a fresh record does not reach the consumer");
	CHECK(ring__consumer_pos(ring) == ring__producer_pos(ring),
	      "consumer at %lu, producer at %lu", ring__consumer_pos(ring),
	      ring__producer_pos(ring));
}

void repro_check_held(struct run *run, bool canary_too)
{
	unsigned int holds = run->repro->holds;

	if (runs_elsewhere(run))
		wait_until(is_quiet, run, PATIENCE_NS);
	if (holds & HOLDS_RECORD)
		check_ringbuf(run);
	if (holds & HOLDS_SOCKET)
		CHECK(wait_until(socket_refs_back, run, PATIENCE_NS),
		      "socket has %ld references, had %ld", socket_refs(run),
		      run->socket_refs);
	if (holds & HOLDS_OBJECT_REF) {
		int refs = probe(run, "obj_probe", false);

		CHECK(refs == 1, "object has %d references, not 1", refs);
	}
	if (holds & HOLDS_OBJECT) {
		__u64 *counts = object_counts(run);

		CHECK(counts[0] || !canary_too, "no object was ever allocated");
		CHECK(counts[0] == counts[1],
		      "%llu objects allocated, %llu freed", counts[0],
		      counts[1]);
	}
	if (holds & HOLDS_LOCK)
		CHECK(!probe(run, "lock_probe", true), "lock_probe failed");
	if (holds & HOLDS_USER_RINGBUF) {
		int drained = probe(run, "drain_probe", false);

		CHECK(drained >= 0, "user ring buffer is left busy: %s",
		      strerror(-drained));
	}
	if (holds & HOLDS_TASK)
		wait_until(task_refs_back, run, PATIENCE_NS);
	check_health(&run->health, holds & HOLDS_TASK);
	if (canary_too)
		canary();
}

/* A cgroup that is held stays dying: only after the last run can that be seen. */
void repro_check_cgroup_gone(struct run *run)
{
	if (!(run->repro->holds & HOLDS_CGROUP))
		return;
	CHECK(!rmdir(CGROUP_CHILD), CGROUP_CHILD ": %m");
	CHECK(wait_until(no_dying_cgroup, NULL, 5 * NSEC_PER_SEC),
	      "%ld cgroups are dying: a reference leaked", dying_cgroups());
}

/* --- Tests ----------------------------------------------------------------------------------- */

/* Far above what a kill takes on a busy host, far below any stall. */
#define STOP_BOUND NSEC_PER_SEC

static bool is_counted(void *arg)
{
	struct run *run = arg;

	return prog_info(repro_fd(run)).terminations > run->terminations &&
	       trace_find(repro_id(run), "terminate", NULL);
}

/*
 * A look may hit the hook of a return, where no frame can be redirected, and the loop stop before
 * the next look. It was ended, but says nothing of how hooked frames are.
 */
static bool stopped_in_hook(struct run *run)
{
	struct wd_event ev = {};

	if (!(run->repro->flags & R_HOOKED))
		return false;
	wait_until(is_counted, run, NSEC_PER_SEC);
	return trace_find(repro_id(run), "terminate", &ev) == 1 && !ev.commits;
}

static void check_ended(struct run *run, const struct bpf_prog_info *before,
			uint64_t took, __u64 budget_ns)
{
	struct bpf_prog_info after;
	struct wd_event ev = {};
	int n;

	/* A callback's record pops after its last instruction. */
	wait_until(is_counted, run, NSEC_PER_SEC);
	after = prog_info(repro_fd(run));
	CHECK(!run->ctl->brake,
	      "nobody ended it, the runner had to pull the brake");
	CHECK(took < budget_ns + STOP_BOUND, "ended after %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(after.overruns == before->overruns + 1, "overruns %llu -> %llu",
	      before->overruns, after.overruns);
	CHECK(after.terminations == before->terminations + 1,
	      "terminations %llu -> %llu", before->terminations,
	      after.terminations);
	CHECK(after.last_termination_ns > before->last_termination_ns,
	      "last_termination_ns %llu", after.last_termination_ns);
	CHECK(after.longest_run_ns >= budget_ns,
	      "longest_run_ns %llu below the budget", after.longest_run_ns);
	n = trace_find(after.id, "terminate", &ev);
	if (CHECK(n == 1, "%d terminate events, not 1", n)) {
		CHECK(!strcmp(ev.reason, "budget"), "reason %s", ev.reason);
		CHECK(ev.budget_ns == (long long)budget_ns, "budget_ns=%lld",
		      ev.budget_ns);
		CHECK(ev.ran_ns >= (long long)budget_ns, "ended after %lld ns",
		      ev.ran_ns);
		/* The walks test a flag before each callback: no redirect needed. */
		CHECK(ev.commits >= 1 || run->repro->flags & R_NO_WORK,
		      "commits=%lld", ev.commits);
	}
	n = trace_find(after.id, "overrun", NULL);
	CHECK(n == 1, "%d overrun events, not 1", n);
	diag("%.1f ms, late %lld us, stopped in %lld us, %lld commits",
	     took / (double)NSEC_PER_MSEC, ev.late_ns / 1000, ev.stop_ns / 1000,
	     ev.commits);
}

void repro_test(const struct suite *suite, const struct repro *r)
{
	unsigned int budget_us = r->budget_us ?: BUDGET_US, fruitless = 0, i;
	struct bpf_prog_info before;
	struct run *run;
	uint64_t took;
	__u64 steps;

	if (r->trigger == BY_IPI)
		pin_to(0);
	trace_start();
	if (r->flags & R_NO_BRAKE) {
		/* Measure first, which only a watchdog that is off allows. */
		run = repro_open(suite, r, r->fill);
		repro_attach(run);
		repro_stall_for_ever(run);
		wd_enable(budget_us);
	} else {
		wd_enable(budget_us);
		run = repro_open(suite, r, r->fill);
		repro_attach(run);
		repro_stall_for_ever(run);
	}
	before = prog_info(repro_fd(run));
	CHECK(before.terminable == BPF_TERMINABLE_YES ||
		      before.terminable == BPF_TERMINABLE_CONDITIONAL,
	      "terminable is %u", before.terminable);
	CHECK(before.fast_path_bytes, "no fast-path image");

	/* It stays attached, and is ended each time anew. */
	for (i = 0; i < 3 && !nr_failures; i++) {
		before = prog_info(repro_fd(run));
		trace_clear();
		steps = run->ctl->steps;
		took = repro_trigger(run);
		if (run->fruitless || stopped_in_hook(run)) {
			CHECK(fruitless++ < 10,
			      "never got as far as to hold anything, or to be redirected");
			repro_check_held(run, true);
			i--;
			continue;
		}
		if (r->flags & R_NO_WORK)
			CHECK(run->ctl->steps - steps < r->fill,
			      "it walked all %u elements", r->fill);
		check_ended(run, &before, took, budget_us * NSEC_PER_USEC);
		repro_check_held(run, true);
	}
	repro_check_cgroup_gone(run);
	repro_close(run);
}

const struct repro *repro_find(const char *name, const struct suite **suite)
{
	size_t i, j;

	for (i = 0; i < nr_suites; i++) {
		for (j = 0; j < suites[i]->nr_repros; j++) {
			if (strcmp(suites[i]->repros[j].name, name))
				continue;
			*suite = suites[i];
			return &suites[i]->repros[j];
		}
	}
	return NULL;
}

int repro_show(const char *name, bool watchdog, unsigned int budget_us,
	       uint64_t stall_ms)
{
	struct bpf_prog_info before, after;
	const struct suite *suite;
	const struct repro *r = repro_find(name, &suite);
	struct run *run;
	uint64_t took;
	char holds[200];

	if (!r) {
		fprintf(stderr, "no reproducer %s; runner -l lists them\n",
			name);
		return TEST_FAIL;
	}
	if (watchdog && !wd_present())
		skip("this kernel has no BPF watchdog (sysctl kernel.bpf_watchdog is missing)");
	if (r->trigger == BY_IPI)
		pin_to(0);
	if (wd_present())
		wd_disable();
	run = repro_open(suite, r, r->fill);
	repro_attach(run);
	repro_describe_holds(r, holds, sizeof(holds));
	printf("%s: %s; holds: %s\n", r->name, r->desc, holds);
	if (watchdog) {
		repro_stall_for_ever(run);
		wd_enable(budget_us);
		printf("watchdog on, budget %.1f ms\n", budget_us / 1000.0);
	} else {
		/* Twice: the second measurement is of a run that is long enough. */
		repro_calibrate(run, stall_ms * NSEC_PER_MSEC / 8);
		took = repro_trigger(run);
		repro_ctl(run)->n *= (double)stall_ms * NSEC_PER_MSEC / took;
		printf("watchdog off\n");
	}
	fflush(stdout);
	before = prog_info(repro_fd(run));
	took = repro_trigger(run);
	after = prog_info(repro_fd(run));
	repro_check_held(run, true);
	printf("the triggering call took %.1f ms\n",
	       took / (double)NSEC_PER_MSEC);
	printf("prog %u: overruns %llu -> %llu, terminations %llu -> %llu\n",
	       after.id, before.overruns, after.overruns, before.terminations,
	       after.terminations);
	if (!nr_failures)
		printf("what it held is back, the canary runs\n");
	if (watchdog)
		CHECK(after.terminations == before.terminations + 1,
		      "it was not ended");
	repro_check_cgroup_gone(run);
	repro_close(run);
	return nr_failures ? TEST_FAIL : TEST_PASS;
}
