// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness/process.h"
#include "harness/test_util.h"

/* Stalls longer than this end by the brake: soft lockups are reported after 20 s. */
#define BRAKE_NS (5 * NSEC_PER_SEC)

/* Sets the brake of every loaded test program. */
static void pull_brake(void)
{
	__u32 id = 0, len;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		struct ctl *ctl;
		int fd = bpf_map_get_fd_by_id(id);

		len = sizeof(info);
		if (fd >= 0 && !bpf_map_get_info_by_fd(fd, &info, &len) &&
		    !strcmp(info.name, CTL_MAP) &&
		    info.value_size == sizeof(*ctl)) {
			ctl = mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);
			if (ctl != MAP_FAILED) {
				ctl->brake = 1;
				munmap(ctl, sizeof(*ctl));
			}
		}
		if (fd >= 0)
			close(fd);
	}
}

int supervise(pid_t pid, const char *name, unsigned int timeout_s)
{
	uint64_t start = now_ns(), killed = 0;
	bool braked = false;
	int status, pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	while (poll(&pfd, 1, 50) <= 0) {
		uint64_t since = shared->stall_since, heard = shared->heard;
		uint64_t now = now_ns();

		if (!braked && since && now > since && now - since > BRAKE_NS) {
			printf("# FAIL %s stalls for %llu s: pulling the brake\n",
			       name, BRAKE_NS / NSEC_PER_SEC);
			pull_brake();
			braked = true;
		}
		if (!killed &&
		    now - (heard ?: start) > timeout_s * NSEC_PER_SEC) {
			printf("# FAIL %s: %s for %u s\n", name,
			       heard ? "said nothing" : "no end", timeout_s);
			kill(-pid, SIGKILL);
			pull_brake();
			killed = now;
		}
		if (killed && now - killed > 15 * NSEC_PER_SEC) {
			printf("Bail out! %s cannot be ended\n", name);
			fflush(stdout);
			_exit(TEST_FAIL);
		}
	}
	close(pidfd);
	waitpid(pid, &status, 0);
	if (braked || killed)
		return TEST_FAIL;
	if (WIFSIGNALED(status)) {
		printf("# FAIL %s: %s\n", name, strsignal(WTERMSIG(status)));
		return TEST_FAIL;
	}
	status = WEXITSTATUS(status);
	return status == TEST_PASS || status == TEST_SKIP ? status : TEST_FAIL;
}

void prepare_process(void)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	REQUIRE(!unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare: %m");
	loopback_up();
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	pin_to(last_cpu());
}
