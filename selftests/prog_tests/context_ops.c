// SPDX-License-Identifier: GPL-2.0
/* Programs of struct_ops. */
#define _GNU_SOURCE
#include <sys/socket.h>
#include "traffic/repro.h"
#include "traffic/traffic.h"
#include "context_ops.skel.h"

static int attach_map(struct run *run, const char *name)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(repro_obj(run), name);

	return repro_keep(run, bpf_map__attach_struct_ops(map));
}

static int pair[2];

static int cong(struct run *run)
{
	int err = attach_map(run, "cong");

	if (!err)
		tcp_open(pair, "bpfwd_cong");
	return err;
}

static void cong_off(void)
{
	close_both(pair);
}

/* What is received is acknowledged, and the window of the sender avoids congestion. */
static int send_data(struct run *run)
{
	static char data[8192];
	ssize_t n = 0, got;

	if (send(pair[0], data, sizeof(data), 0) != sizeof(data))
		return -errno;
	while (n < (ssize_t)sizeof(data)) {
		got = recv(pair[1], data, sizeof(data), 0);
		if (got <= 0)
			return got ? -errno : -EPIPE;
		n += got;
	}
	return 0;
}

static int sched(struct run *run)
{
	return attach_map(run, "sched");
}

/* Woken up, it is enqueued. */
static int sleep_a_little(struct run *run)
{
	return usleep(1000) ? -errno : 0;
}

static const struct repro repros[] = {
	{ .name = "ops_cong_avoid",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  .attach = cong,
	  .detach = cong_off,
	  .fire = send_data,
	  .also = "cong,ops_ssthresh,ops_undo_cwnd",
	  .holds = HOLDS_RECORD,
	  .desc = "a congestion control of TCP" },
	{ .name = "ops_enqueue",
	  .trigger = BY_OWN,
	  .hook = ON_OWN,
	  .attach = sched,
	  .fire = sleep_a_little,
	  .also = "sched",
	  .holds = HOLDS_RECORD,
	  .flags = R_NO_BRAKE,
	  .needs = NEEDS_TWO_CPUS,
	  .desc = "a scheduler of sched_ext, the lock of the run queue held" },
};

const struct suite suite_context_ops = {
	.name = "context_ops",
	.elf = context_ops__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
