// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds against programs that were written to exceed them: by the state that they find, by
 * the arguments that they pass. Where an instruction is a nanosecond (ICOUNT=1) no run may
 * take longer than its bound. What nothing bounds must say so on any machine.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "corpus/corpus.h"
#include "harness/test_util.h"
#include "adversarial.skel.h"

#define RUNS 5
#define PORT 7777
#define SOCKETS 900
#define MANY ARRAY_SIZE(skel->bss->colliding)
#define PACKET_LEN 1500
#define PAGE 4096
/* Below vmalloc space, where nothing is ever mapped. */
#define UNMAPPED 0xffffc8ff00000000ULL

static struct adversarial *skel;
/* Of the samples that get full. */
static struct perf_event_mmap_page *ring;

/* --- The state ------------------------------------------------------------------------------- */

static __u32 rotate(__u32 x, int n)
{
	return x << n | x >> (32 - n);
}

/* The kernel's jhash2() of one word with seed 0, which chooses the bucket. */
static __u32 bucket_hash(__u32 key)
{
	__u32 a = 0xdeadbeef + 4 + key, b = 0xdeadbeef + 4, c = b;

	c ^= b;
	c -= rotate(b, 14);
	a ^= c;
	a -= rotate(c, 11);
	b ^= a;
	b -= rotate(a, 25);
	c ^= b;
	c -= rotate(b, 16);
	a ^= c;
	a -= rotate(c, 4);
	b ^= a;
	b -= rotate(a, 14);
	c ^= b;
	return c - rotate(b, 24);
}

static void choose_keys(void)
{
	size_t n = ARRAY_SIZE(skel->bss->colliding), found = 0;

	for (__u32 key = 1; found < n; key++)
		if (!(bucket_hash(key) & (n - 1)))
			skel->bss->colliding[found++] = key;
}

static void put(struct bpf_map *map, const void *key)
{
	static char value[64 * PAGE];

	bpf_map_update_elem(bpf_map__fd(map), key, value, 0);
}

/* New ones come to the front of a bucket: the first one is found last. All but one. */
static void fill_buckets(void)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(skel->bss->colliding); i++) {
		__u32 key = skel->bss->colliding[i];

		put(skel->maps.hash, &key);
		put(skel->maps.percpu_hash, &key);
		put(skel->maps.lru, &key);
	}
	for (__u32 key = 1; key < 1000; key++) {
		put(skel->maps.walked, &key);
		put(skel->maps.lru_percpu, &key);
		if (key < 16)
			put(skel->maps.fed, &key);
		put(skel->maps.sparse, &key);
		if (key < 400)
			put(skel->maps.hash_grown, &key);
	}
}

/* All in one bucket: their number is their hash. The first one is found last. */
static void fill_devices(void)
{
	__u32 lo = 1, n = bpf_map__max_entries(skel->maps.devices);

	for (__u32 i = 0; i + 1 < n; i++) {
		__u32 key = i * n;

		REQUIRE(!bpf_map_update_elem(bpf_map__fd(skel->maps.devices),
					     &key, &lo, 0),
			"put a device: %m");
	}
}

static void fill_trie(void)
{
	struct {
		__u32 len;
		__u8 bytes[16];
	} prefix = {};
	struct {
		__u32 len;
		__u8 bytes[256];
	} wide = {};

	for (prefix.len = 1; prefix.len <= 128; prefix.len++)
		put(skel->maps.trie, &prefix);
	for (wide.len = 1; wide.len <= 2048; wide.len++)
		put(skel->maps.wide_trie, &wide);
}

static void fill_list(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = skel->bss->from,
		    .data_size_in = PACKET_LEN);
	struct {
		__u32 lock, pad;
		__u64 head[2];
	} empty = {};
	__u32 key = 0;

	bpf_map_update_elem(bpf_map__fd(skel->maps.lists), &key, &empty, 0);
	bpf_prog_test_run_opts(bpf_program__fd(skel->progs.list_fill), &opts);
	bpf_prog_test_run_opts(bpf_program__fd(skel->progs.tree_fill), &opts);
}

/* Functions of the kernel, whose names are looked for. */
static void choose_symbols(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at;
	char line[512], type;
	size_t n = 0, seen = 0;

	while (f && n < ARRAY_SIZE(skel->bss->args) &&
	       fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c", &at, &type) == 2 && at &&
		    (type == 't' || type == 'T') && !(++seen % 997))
			skel->bss->args[n++] = at;
	if (f)
		fclose(f);
}

/* As many in one list of the kernel as there are. */
static void open_sockets(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct rlimit files = { 4096, 4096 };
	int one = 1;

	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < SOCKETS; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&at, sizeof(at))) {
			close(fd);
		} else if (i + 1 < MANY) {
			__u64 value = fd;

			CHECK(!bpf_map_update_elem(
				      bpf_map__fd(skel->maps.sockets),
				      &skel->bss->colliding[i], &value, 0),
			      "put a socket: %m");
		}
	}
}

static void *open_event(struct perf_event_attr *attr, struct bpf_map *map,
			int pages)
{
	int cpu = last_cpu(), fd;
	__u32 key = cpu;
	void *at;

	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = PERF_COUNT_SW_BPF_OUTPUT;
	attr->size = sizeof(*attr);
	attr->sample_type |= PERF_SAMPLE_RAW;
	attr->sample_period = attr->wakeup_events = 1;
	fd = syscall(SYS_perf_event_open, attr, -1, cpu, -1,
		     PERF_FLAG_FD_CLOEXEC);
	REQUIRE(fd >= 0, "perf_event_open: %m");
	at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	REQUIRE(at != MAP_FAILED, "mmap of samples: %m");
	CHECK(!bpf_map_update_elem(bpf_map__fd(map), &key, &fd, 0),
	      "put the event: %m");
	return at;
}

/* Samples with all that one can have, samples of data, and few of these. */
static void open_samples(void)
{
	struct perf_event_attr all = {
		.sample_type = PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_STACK_USER |
			       PERF_SAMPLE_REGS_USER | PERF_SAMPLE_TID |
			       PERF_SAMPLE_TIME,
		.sample_stack_user = 32768,
		.sample_regs_user = 0xff0fff,
	}, data = {};

	open_event(&all, skel->maps.samples, 65);
	open_event(&data, skel->maps.data_samples, 65);
	ring = open_event(&data, skel->maps.full_samples, 2);
}

static void *user_page;

static void load(void)
{
	skel = adversarial__open_and_load();
	REQUIRE(skel, "cannot load the programs: %m");
	pin_to(last_cpu());
	user_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	skel->bss->user_ptr = (unsigned long)user_page;
	skel->bss->bad_ptr = UNMAPPED;
	memset(skel->bss->bits, 0xff, sizeof(skel->bss->bits));
	memset(skel->bss->number, ' ', sizeof(skel->bss->number) - 2);
	skel->bss->number[sizeof(skel->bss->number) - 2] = '7';
	memset(skel->bss->from, 'x', sizeof(skel->bss->from) - 1);
	choose_keys();
	choose_symbols();
}

/* --- What has no bound ----------------------------------------------------------------------- */

/* What tail calls run has a bound of its own, as long as the array stays as it is. */
static const char *const tails[] = { "tail_self", "tail_any", "tail_goes_on" };

static const char *const endless[] = {
	"list_delete", "each_fed",	"names_type",	"missing_type",
	"user_page",   "clones",	"finds_udp",	"makes_map",
	"each_task",   "starts_timer",	"ring_holds",	"task_storage",
	"sk_storage",  "finds_route",	"hashes",	"signals",
	"names_files", "socket_delete", "finds_socket",
};

static bool is_of(const char *const *names, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

#define IS_OF(names, name) is_of(names, ARRAY_SIZE(names), name)

static __u64 bound_of(const struct bpf_prog_info *info, const char *name)
{
	return IS_OF(tails, name) ? info->estimate_tail_ns :
				    info->estimate_worst_ns;
}

static void fill_tails(void)
{
	for (__u32 i = 0; i < ARRAY_SIZE(tails); i++) {
		__u32 fd = bpf_program__fd(
			bpf_object__find_program_by_name(skel->obj, tails[i]));
		__u32 key = i == 0 ? 0 : i == 1 ? 3 : 1;

		REQUIRE(!bpf_map_update_elem(bpf_map__fd(skel->maps.tails),
					     &key, &fd, 0),
			"put %s: %m", tails[i]);
	}
}

static void unbounded(void)
{
	struct bpf_program *prog;
	int bounded = 0;

	load();
	fill_tails();
	bpf_object__for_each_program(prog, skel->obj) {
		struct bpf_prog_info info = prog_info(bpf_program__fd(prog));
		const char *name = bpf_program__name(prog);
		bool none = bound_of(&info, name) == ~0ULL;

		if (IS_OF(tails, name))
			CHECK(info.estimate_reason == BPF_ESTIMATE_TAIL_CALL &&
				      info.estimate_worst_ns == ~0ULL,
			      "%s has a bound whatever the array holds", name);
		if (IS_OF(endless, name))
			CHECK(none, "%s has a bound of %llu ns", name,
			      info.estimate_worst_ns);
		else
			CHECK(!none, "%s has no bound: reason %u", name,
			      info.estimate_reason);
		bounded += !none;
	}
	CHECK(bounded >= 60, "%d programs have a bound", bounded);
}

/* --- What has one ---------------------------------------------------------------------------- */

/* What was there before the run is there again. */
static void restore(void)
{
	fill_buckets();
	fill_trie();
	fill_list();
	madvise(user_page, PAGE, MADV_DONTNEED);
	if (ring)
		ring->data_tail = ring->data_head;
	skel->data_ctl->ctl.n = 2000;
	skel->data_ctl->ctl.m = 1000;
}

/* With a frame of user space that leads to itself: its stack has no end. */
static int run_deep(int fd)
{
	struct {
		void *next;
		unsigned long ret;
	} frame = { &frame, (unsigned long)run_deep };
	union bpf_attr attr = { .test.prog_fd = fd };
	long ret;

	asm volatile(
		"mov %%rbp, %%rbx\n\tmov %[frame], %%rbp\n\tsyscall\n\tmov %%rbx, %%rbp"
		: "=a"(ret)
		: "a"((long)__NR_bpf), "D"((long)BPF_PROG_TEST_RUN), "S"(&attr),
		  "d"(sizeof(attr)), [frame] "r"(&frame)
		: "rbx", "rcx", "r11", "memory");
	return ret;
}

static __u64 run_once(const struct bpf_program *prog)
{
	static char packet[PACKET_LEN];
	static const struct bpf_sk_lookup lookup = { .family = AF_INET,
						     .protocol = IPPROTO_TCP };
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int fd = bpf_program__fd(prog);
	__u64 before = prog_info(fd).run_time_ns;
	int err;

	if (bpf_program__type(prog) == BPF_PROG_TYPE_SCHED_CLS ||
	    bpf_program__type(prog) == BPF_PROG_TYPE_XDP) {
		memset(packet, 0, sizeof(packet));
		packet[12] = 8; /* IPv4 */
		packet[14] = 0x45;
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SK_LOOKUP) {
		opts.ctx_in = &lookup;
		opts.ctx_size_in = sizeof(lookup);
	}
	if (bpf_program__type(prog) == BPF_PROG_TYPE_RAW_TRACEPOINT)
		err = run_deep(fd);
	else
		err = bpf_prog_test_run_opts(fd, &opts);
	CHECK(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
	return prog_info(fd).run_time_ns - before;
}

/* One line for each program, for bench/run/estimate.sh. */
static FILE *open_table(void)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/adversarial.csv", scratch());
	f = fopen(path, "we");
	if (f)
		fputs("program,measured_min_ns,measured_max_ns,best_ns,worst_ns\n",
		      f);
	return f;
}

static void put_line(FILE *f, const char *name, __u64 min, __u64 max,
		     const struct bpf_prog_info *info)
{
	if (!f)
		return;
	fprintf(f, "%s,%llu,%llu,%llu,", name, min, max,
		info->estimate_best_ns);
	if (info->estimate_worst_ns != ~0ULL)
		fprintf(f, "%llu", info->estimate_worst_ns);
	fputc('\n', f);
}

static void contained(void)
{
	struct bpf_program *prog;
	int stats, compared = 0;
	FILE *table;

	if (!env_number("BPFWD_VM_ICOUNT", 0))
		skip("needs ICOUNT=1: time is not instructions here");
	load();
	open_sockets();
	open_samples();
	fill_tails();
	fill_devices();
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	REQUIRE(stats >= 0, "run statistics: %m");
	table = open_table();
	bpf_object__for_each_program(prog, skel->obj) {
		struct bpf_prog_info info = prog_info(bpf_program__fd(prog));
		const char *name = bpf_program__name(prog);
		__u64 min = ~0ULL, max = 0;

		/* It would send packets for as long as it is told to. */
		if (prog == skel->progs.clones)
			continue;
		for (int run = 0; run < RUNS; run++) {
			__u64 ns;

			restore();
			ns = run_once(prog);
			min = ns < min ? ns : min;
			max = ns > max ? ns : max;
		}
		info.estimate_worst_ns = bound_of(&info, name);
		put_line(table, name, min, max, &info);
		diag("%s: %llu to %llu ns, estimated %llu to %lld", name, min,
		     max, info.estimate_best_ns,
		     (long long)info.estimate_worst_ns);
		CHECK(max <= info.estimate_worst_ns,
		      "%s took %llu ns, its bound is %llu", name, max,
		      info.estimate_worst_ns);
		CHECK(min >= info.estimate_best_ns,
		      "%s took %llu ns, at least %llu were estimated", name,
		      min, info.estimate_best_ns);
		compared += info.estimate_worst_ns != ~0ULL;
	}
	if (table)
		fclose(table);
	close(stats);
	CHECK(compared >= 60, "only %d programs with a bound were run",
	      compared);
}

/* --- A packet that somebody else has, too ----------------------------------------------------- */

#define LARGE 60000

/* One to ourselves, all of it in one piece. The other socket gets it as well. */
static void send_large(int from)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	static char packet[LARGE];

	packet[0] = 0x45;
	packet[9] = 253; /* for experiments */
	memcpy(packet + 16, &to.sin_addr, 4);
	CHECK(sendto(from, packet, sizeof(packet), 0, (void *)&to,
		     sizeof(to)) == sizeof(packet),
	      "send: %m");
}

/* It is copied before the program begins, which is the program's time. */
static void copied(void)
{
	int tap = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)),
	    from = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW),
	    room = 1 << 20, stats, fd;
	struct bpf_program *prog;
	struct bpf_prog_info info;
	struct bpf_link *link;
	__u64 ns, most = 0;

	if (!env_number("BPFWD_VM_ICOUNT", 0))
		skip("needs ICOUNT=1: time is not instructions here");
	REQUIRE(tap >= 0 && from >= 0, "raw sockets: %m");
	setsockopt(from, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	loopback_up();
	skel = adversarial__open();
	REQUIRE(skel, "cannot open the programs: %m");
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog,
					  prog == skel->progs.writes_packet);
	REQUIRE(!adversarial__load(skel), "cannot load the program: %m");
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	REQUIRE(stats >= 0, "run statistics: %m");
	link = bpf_program__attach_tcx(skel->progs.writes_packet,
				       if_nametoindex("lo"), NULL);
	REQUIRE(link, "attach: %m");
	fd = bpf_program__fd(skel->progs.writes_packet);
	for (int i = 0; i < RUNS; i++) {
		ns = prog_info(fd).run_time_ns;
		send_large(from);
		ns = prog_info(fd).run_time_ns - ns;
		most = ns > most ? ns : most;
	}
	info = prog_info(fd);
	diag("with %d bytes to copy: %llu ns, its bound is %llu", LARGE, most,
	     info.estimate_worst_ns);
	CHECK(info.run_cnt >= RUNS, "it ran %llu times", info.run_cnt);
	CHECK(most > 5000, "%llu ns: nothing was copied", most);
	CHECK(most <= info.estimate_worst_ns, "%llu ns, its bound is %llu",
	      most, info.estimate_worst_ns);
	bpf_link__destroy(link);
	close(stats);
	close(from);
	close(tap);
}

/* --- A record that is kept ------------------------------------------------------------------- */

static void *hold(void *arg)
{
	(void)arg;
	run_once(skel->progs.ring_holds);
	return NULL;
}

/* The page is not there until it is asked for by UFFDIO_ZEROPAGE: who reads it sleeps. */
static int keep_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register page = {
		.range = { (unsigned long)user_page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	REQUIRE(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) &&
			!ioctl(fd, UFFDIO_REGISTER, &page),
		"userfaultfd: %m");
	return fd;
}

static void kept(void)
{
	struct uffdio_zeropage give = { .range.len = PAGE };
	struct bpf_prog_info info;
	pthread_t holder;
	int fd, stats;
	__u64 ns;

	if (!env_number("BPFWD_VM_ICOUNT", 0))
		skip("needs ICOUNT=1: time is not instructions here");
	load();
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	REQUIRE(stats >= 0, "run statistics: %m");
	fd = keep_page();
	REQUIRE(!pthread_create(&holder, NULL, hold, NULL), "no thread");
	REQUIRE(wait_for(&skel->bss->holding, 1, 10 * NSEC_PER_SEC),
		"the record is not reserved");
	run_once(skel->progs.ring_fills);
	give.range.start = (unsigned long)user_page;
	REQUIRE(!ioctl(fd, UFFDIO_ZEROPAGE, &give), "give the page: %m");
	pthread_join(holder, NULL);
	info = prog_info(bpf_program__fd(skel->progs.ring_next));
	ns = run_once(skel->progs.ring_next);
	diag("behind 16,000 records: %llu ns, its bound is %llu", ns,
	     info.estimate_worst_ns);
	CHECK(skel->bss->sink == 0, "it got no room: %ld", skel->bss->sink);
	CHECK(ns <= info.estimate_worst_ns, "%llu ns, its bound is %llu", ns,
	      info.estimate_worst_ns);
	close(fd);
	close(stats);
}

/* How many programs of a table have a bound. Each must keep to it. */
static int compare_lines(const char *path)
{
	unsigned long long min, max, best, worst;
	FILE *f = fopen(path, "re");
	char line[512], name[256];
	int compared = 0;

	while (f && fgets(line, sizeof(line), f)) {
		int n = sscanf(line, "%255[^,],%llu,%llu,%llu,%llu", name, &min,
			       &max, &best, &worst);

		if (n < 4)
			continue;
		CHECK(min >= best, "%s took %llu ns, at least %llu", name, min,
		      best);
		if (n < 5)
			continue;
		compared++;
		CHECK(max <= worst, "%s took %llu ns, its bound is %llu", name,
		      max, worst);
	}
	if (f)
		fclose(f);
	return compared;
}

/* Those that nobody wrote for this, with all the packets that they are to be tried with. */
static void corpus(void)
{
	struct corpus_opts opts = corpus_subset();
	struct corpus_totals t;
	char path[512];
	int compared;

	if (!env_number("BPFWD_VM_ICOUNT", 0))
		skip("needs ICOUNT=1: time is not instructions here");
	snprintf(path, sizeof(path), "%s/corpus.csv", scratch());
	unlink(path);
	opts.bounds = path;
	opts.rounds = 2;
	corpus_run(&opts, false, &t);
	compared = compare_lines(path);
	diag("%u programs, %u loaded, %u run, %d of these with a bound",
	     t.programs, t.loaded, t.driven, compared);
	CHECK(compared >= 100, "only %d programs with a bound were run",
	      compared);
}

static const struct test tests[] = {
	{ "unbounded", "what nothing bounds says so, all else has a bound",
	  unbounded, NEEDS_WATCHDOG },
	{ "contained",
	  "no state and no argument makes a program exceed its bound",
	  contained, NEEDS_WATCHDOG, 900 },
	{ "copied",
	  "a packet that is copied before a program begins is in its bound",
	  copied, NEEDS_WATCHDOG },
	{ "kept",
	  "who comes after a record that was kept does not pay for all that are behind it",
	  kept, NEEDS_WATCHDOG },
	{ "corpus",
	  "programs of the kernel's own selftests take no longer than their bound",
	  corpus, NEEDS_WATCHDOG, 900 },
};

const struct suite suite_adversarial = {
	.name = "adversarial",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
