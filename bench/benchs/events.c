// SPDX-License-Identifier: GPL-2.0
/* The tracepoint bpf_watchdog:terminate, read through a perf ring on each CPU. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "events.h"

#define EVENT_DIR "/sys/kernel/tracing/events/bpf_watchdog/terminate"
#define RING_PAGES 64
#define MAX_RINGS 64

static struct field {
	const char *name;
	unsigned int offset, size;
} fields[NR_FIELDS] = {
	[F_PROG_ID] = { "prog_id" }, [F_REASON] = { "reason" },
	[F_RAN] = { "ran_ns" },	     [F_BUDGET] = { "budget_ns" },
	[F_LATE] = { "late_ns" },    [F_STOP] = { "stop_ns" },
	[F_COMMITS] = { "commits" },
};

static struct ring {
	int fd;
	struct perf_event_mmap_page *page;
} rings[MAX_RINGS];
static int nr_rings;

static struct event *events;
static size_t nr_events, cap_events;
static unsigned long lost;

/* `field:u64 late_ns; offset:24; size:8; signed:0;` */
static int read_format(void)
{
	char line[256], type_name[128];
	unsigned int off, size, i, found = 0;
	FILE *f = fopen(EVENT_DIR "/format", "r");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *name;

		if (sscanf(line, " field:%127[^;]; offset:%u; size:%u;",
			   type_name, &off, &size) != 3)
			continue;
		name = strrchr(type_name, ' ');
		for (i = 0; name && i < NR_FIELDS; i++) {
			if (strcmp(fields[i].name, name + 1))
				continue;
			fields[i].offset = off;
			fields[i].size = size;
			found++;
		}
	}
	fclose(f);
	return found == NR_FIELDS ? 0 : -ENOENT;
}

int events__open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_RAW,
		.wakeup_events = 1 << 20,
	};
	int cpus = libbpf_num_possible_cpus(), i, err;
	FILE *f;

	if (access("/sys/kernel/tracing/events", F_OK))
		mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL);
	err = read_format();
	if (err) {
		warn_f(EVENT_DIR
		       "/format: %s; the kernel lacks the tracepoint or a field of it",
		       strerror(-err));
		return err;
	}
	f = fopen(EVENT_DIR "/id", "r");
	if (!f || fscanf(f, "%llu", (unsigned long long *)&attr.config) != 1) {
		if (f)
			fclose(f);
		return -EIO;
	}
	fclose(f);
	for (i = 0; i < cpus && nr_rings < MAX_RINGS; i++) {
		struct ring *r = &rings[nr_rings];

		r->fd = syscall(SYS_perf_event_open, &attr, -1, i, -1,
				PERF_FLAG_FD_CLOEXEC);
		if (r->fd < 0 && errno == ENODEV)
			continue; /* possible, not online */
		if (r->fd < 0) {
			warn_f("cannot open the tracepoint on CPU %d: %s", i,
			       strerror(errno));
			return -errno;
		}
		r->page = mmap(NULL, (RING_PAGES + 1) * 4096,
			       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
		if (r->page == MAP_FAILED)
			return -errno;
		nr_rings++;
	}
	return 0;
}

static __s64 get_field(const char *raw, const struct field *f)
{
	__u64 v = 0;

	memcpy(&v, raw + f->offset, f->size > 8 ? 8 : f->size);
	return f->size == 4 ? (__s32)v : (__s64)v;
}

static void add_sample(const char *raw, __u32 len)
{
	struct event *e;
	int i;

	for (i = 0; i < NR_FIELDS; i++)
		if (fields[i].offset + fields[i].size > len)
			return;
	if (nr_events == cap_events) {
		cap_events = cap_events ? cap_events * 2 : 1024;
		events = realloc(events, cap_events * sizeof(*events));
		if (!events)
			abort();
	}
	e = &events[nr_events++];
	for (i = 0; i < NR_FIELDS; i++)
		e->val[i] = get_field(raw, &fields[i]);
}

void events__drain(void)
{
	static char rec[65536];
	int i;

	for (i = 0; i < nr_rings; i++) {
		struct perf_event_mmap_page *page = rings[i].page;
		__u64 head = __atomic_load_n(&page->data_head,
					     __ATOMIC_ACQUIRE),
		      tail = page->data_tail;
		const char *data = (char *)page + page->data_offset;
		struct perf_event_header *h = (void *)rec;

		while (tail < head) {
			__u64 n, k;

			for (k = 0; k < sizeof(*h); k++)
				rec[k] = data[(tail + k) % page->data_size];
			n = h->size;
			for (; k < n; k++)
				rec[k] = data[(tail + k) % page->data_size];
			if (h->type == PERF_RECORD_SAMPLE)
				add_sample(rec + sizeof(*h) + 4,
					   *(__u32 *)(rec + sizeof(*h)));
			else if (h->type == PERF_RECORD_LOST)
				lost += *(__u64 *)(rec + sizeof(*h) + 8);
			tail += n;
		}
		__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
	}
}

void events__clear(void)
{
	nr_events = 0;
}

size_t events__nr(void)
{
	return nr_events;
}

const struct event *events__at(size_t i)
{
	return &events[i];
}

unsigned long events__lost(void)
{
	return lost;
}
