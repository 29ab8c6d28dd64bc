// SPDX-License-Identifier: GPL-2.0
/* The kernel feature: its sysctls, its bpf() command, its fields in struct
 * bpf_prog_info.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "kernel/kwd.h"
#include "show/duration.h"

#define SYSCTL_DIR "/proc/sys/"
#define SYSCTL_PREFIX "kernel."

static const struct sysctl {
	const char *name;
	u64 min, max;
	bool newer; /* may be missing */
} sysctls[] = {
	[KWD_PERIOD_US] = { SYSCTL_PREFIX "bpf_watchdog_period_us", 100,
			    1000000 },
	[KWD_BUDGET_US] = { SYSCTL_PREFIX "bpf_watchdog_budget_us", 100,
			    INT32_MAX },
	[KWD_BUDGET_USER_US] = { SYSCTL_PREFIX "bpf_watchdog_budget_user_us",
				 100, INT32_MAX, .newer = true },
	[KWD_BUDGET_MIN_US] = { SYSCTL_PREFIX "bpf_watchdog_budget_min_us", 1,
				INT32_MAX },
	[KWD_SLACK_PERCENT] = { SYSCTL_PREFIX "bpf_watchdog_slack_percent", 0,
				100000 },
	[KWD_QUARANTINE] = { SYSCTL_PREFIX "bpf_watchdog_quarantine", 0,
			     INT32_MAX },
	[KWD_ON] = { SYSCTL_PREFIX "bpf_watchdog", 0, 1 },
};

static int sysctl_open(const struct sysctl *s, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), SYSCTL_DIR "kernel/%s",
		 s->name + strlen(SYSCTL_PREFIX));
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sysctl_read(const struct sysctl *s, u64 *val)
{
	char buf[32];
	int fd = sysctl_open(s, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, sizeof(buf) - 1);
	n = n < 0 ? -errno : n;
	close(fd);
	if (n < 0)
		return n;
	buf[n] = '\0';
	*val = strtoull(buf, NULL, 10);
	return 0;
}

static int sysctl_write(const struct sysctl *s, u64 val)
{
	char buf[32];
	int fd = sysctl_open(s, O_WRONLY), err = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = snprintf(buf, sizeof(buf), "%llu\n", (unsigned long long)val);
	if (write(fd, buf, n) != n)
		err = -errno;
	close(fd);
	return err;
}

bool kwd_here(void)
{
	return !access(SYSCTL_DIR "kernel/bpf_watchdog", F_OK);
}

int kwd_state_read(struct kwd_state *state)
{
	for (size_t i = 0; i < KWD_SYSCTLS; i++) {
		int err = sysctl_read(&sysctls[i], &state->val[i]);

		if (err == -ENOENT && sysctls[i].newer) {
			state->val[i] = KWD_UNKNOWN;
			continue;
		}
		if (err)
			return err == -ENOENT ? -ENOSYS : err;
	}
	return 0;
}

int kwd_state_write(const struct kwd_state *old, const struct kwd_state *new,
		    struct fault *f)
{
	size_t i;
	int err = 0;

	for (i = 0; i < KWD_SYSCTLS; i++) {
		if (new->val[i] == old->val[i])
			continue;
		err = sysctl_write(&sysctls[i], new->val[i]);
		if (err)
			break;
	}
	if (!err)
		return 0;
	fault_set(f, err == -EACCES || err == -EPERM ? EXIT_LACKS : EXIT_FAILED,
		  err, "cannot set %s to %llu", sysctls[i].name,
		  (unsigned long long)new->val[i]);
	while (i--)
		if (new->val[i] != old->val[i])
			sysctl_write(&sysctls[i], old->val[i]);
	if (f->exit == EXIT_LACKS) {
		fault_why(f, "this needs CAP_SYS_ADMIN; nothing was changed");
		return fault_hint(f, "run it as root");
	}
	fault_why(f, "the kernel refused the value; what was set before it "
		     "is set back");
	return fault_hint(f, "bpfwd status");
}

int kwd_sysctl_check(enum kwd_sysctl which, const char *option, u64 ns,
		     struct fault *f)
{
	const struct sysctl *s = &sysctls[which];
	char min[DURATION_LEN], max[DURATION_LEN], got[DURATION_LEN];

	duration_set(ns, got);
	if (ns % 1000) {
		fault_set(f, EXIT_USAGE, EINVAL, "bad %s %lluns", option,
			  (unsigned long long)ns);
		return fault_why(f, "%s counts whole microseconds", s->name);
	}
	if (ns / 1000 >= s->min && ns / 1000 <= s->max)
		return 0;
	fault_set(f, EXIT_USAGE, ERANGE, "bad %s %s", option, got);
	return fault_why(f, "%s takes %s to %s", s->name,
			 duration_set(s->min * 1000, min),
			 duration_set(s->max * 1000, max));
}

const char *kwd_sysctl_name(enum kwd_sysctl which)
{
	return sysctls[which].name;
}

int kwd_release_all(struct fault *f)
{
	static const struct sysctl release = { SYSCTL_PREFIX
					       "bpf_watchdog_release" };
	int err = sysctl_write(&release, 1);

	if (!err)
		return 0;
	fault_set(f,
		  err == -ENOENT || err == -EACCES || err == -EPERM ?
			  EXIT_LACKS :
			  EXIT_FAILED,
		  err, "cannot release all programs from quarantine");
	if (err != -ENOENT)
		return fault_hint(f, "run it as root");
	fault_why(f, "this kernel has no %s", release.name);
	return fault_hint(f, "bpfwd disable");
}

int kwd_stats_sysctl(void)
{
	FILE *f = fopen("/proc/sys/kernel/bpf_stats_enabled", "re");
	int n = -1;

	if (f && fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

int kwd_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	static const struct sysctl number = { SYSCTL_PREFIX
					      "bpf_watchdog_command" };
	u64 first;

	if (sysctl_read(&number, &first))
		return -EINVAL;
	cmd = first + (cmd - BPF_PROG_WATCHDOG);
	return syscall(SYS_bpf, cmd, attr, size) < 0 ? -errno : 0;
}

static int prog_op(int fd, enum bpf_watchdog_op op, u64 value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.watchdog.prog_fd = fd;
	attr.watchdog.op = op;
	attr.watchdog.value = value;
	return kwd_bpf(BPF_PROG_WATCHDOG, &attr, sizeof(attr.watchdog));
}

int kwd_command_probe(void)
{
	/* a kernel that knows the command gets as far as the descriptor */
	int err = prog_op(-1, BPF_WD_RELEASE, 0);

	return err == -EBADF ? 0 : err == -EINVAL ? -ENOSYS : err;
}

static const struct op {
	const char *text;
} ops[] = {
	[BPF_WD_SET_BUDGET] = { "set the budget of" },
	[BPF_WD_CLEAR_BUDGET] = { "clear the budget of" },
	[BPF_WD_SET_ACTION] = { "set the action of" },
	[BPF_WD_SET_VERDICT] = { "set the verdict of" },
	[BPF_WD_END] = { "end the invocations of" },
	[BPF_WD_QUARANTINE] = { "quarantine" },
	[BPF_WD_RELEASE] = { "release from quarantine" },
};

const char *kwd_op_text(enum bpf_watchdog_op op)
{
	return op < ARRAY_SIZE(ops) && ops[op].text ? ops[op].text : "change";
}

/* What an errno of the command means, and what to do about it. */
static const struct refusal {
	int err;
	int exit;
	const char *why;
	const char *hint;
} refusals[] = {
	{ EPERM, EXIT_LACKS, "this needs CAP_SYS_ADMIN", "run it as root" },
	{ EOPNOTSUPP, EXIT_LACKS, "it cannot be terminated",
	  "bpfwd ps -e +terminable" },
	{ ENODEV, EXIT_FAILED, "the watchdog is off", "bpfwd enable" },
	{ EBUSY, EXIT_FAILED,
	  "its entry is taken by a trampoline (fentry, fexit or freplace)",
	  "detach what is attached to it, then try again" },
	{ ENOENT, EXIT_FAILED, "it is not in quarantine",
	  "bpfwd ps -e +state" },
	{ ERANGE, EXIT_USAGE, "a budget is at least 1ns and at most 2^63-1 ns",
	  NULL },
	{ EBADF, EXIT_NO_PROG, "the program has gone meanwhile", "bpfwd ps" },
};

static int kwd_explain(const struct kwd_step *step, int err, struct fault *f)
{
	const struct refusal *r = refusals, *end = r + ARRAY_SIZE(refusals);

	while (r < end && r->err != -err)
		r++;
	fault_set(f, r < end ? r->exit : EXIT_FAILED, err,
		  "cannot %s program %u %s", kwd_op_text(step->op),
		  step->prog_id, step->name);
	if (r == end)
		return f->exit;
	if (r->err == EOPNOTSUPP && step->op == BPF_WD_SET_VERDICT) {
		fault_why(f, "programs of its type cannot have this verdict");
		return fault_hint(f, "man bpfwd, or --verdict default");
	}
	if (r->err == EOPNOTSUPP && step->op == BPF_WD_QUARANTINE) {
		fault_why(f, "programs of its type cannot be skipped");
		return fault_hint(
			f, "quarantine the one that runs it, or detach it");
	}
	if (r->err == EOPNOTSUPP && step->terminable)
		fault_why(f, "%s: %s", r->why,
			  kwd_terminable_text(step->terminable));
	else
		fault_why(f, "%s", r->why);
	if (r->hint)
		fault_hint(f, "%s", r->hint);
	return f->exit;
}

int kwd_steps_run(const struct kwd_step *steps, size_t n, struct fault *f)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = prog_op(steps[i].prog_fd, steps[i].op, steps[i].value);
	if (!err)
		return 0;
	kwd_explain(&steps[--i], err, f);
	while (i--)
		if (steps[i].undo_op)
			prog_op(steps[i].prog_fd, steps[i].undo_op,
				steps[i].undo_value);
	return f->exit;
}

bool kwd_info_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >= offsetof(struct bpf_prog_info, quarantined) +
				   sizeof(info.quarantined);
}

bool kwd_samples_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >= offsetof(struct bpf_prog_info, p99_run_ns) +
				   sizeof(info.p99_run_ns);
}

bool kwd_tail_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >= offsetof(struct bpf_prog_info, estimate_tail_ns) +
				   sizeof(info.estimate_tail_ns);
}

bool kwd_run_times_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >= offsetof(struct bpf_prog_info, run_times) +
				   sizeof(info.run_times);
}

bool kwd_stops_known(u32 info_len)
{
	struct bpf_prog_info info;

	return info_len >= offsetof(struct bpf_prog_info, stop_bound_insn_off) +
				   sizeof(info.stop_bound_insn_off);
}

static const struct terminable {
	u32 value;
	const char *name;
	const char *text;
} terminables[] = {
	{ BPF_TERMINABLE_UNKNOWN, "unknown", "the kernel does not say" },
	{ BPF_TERMINABLE_YES, "yes", "an overrun is ended" },
	{ BPF_TERMINABLE_NOT_NEEDED, "not_needed",
	  "it cannot overrun: few calls, and few rounds of loops" },
	{ BPF_TERMINABLE_WHEN_ENABLED, "when_enabled",
	  "its fast-path image is built when the watchdog is switched on" },
	{ BPF_TERMINABLE_CONDITIONAL, "conditional",
	  "unless it runs in an NMI, or with interrupts off and no CPU left "
	  "to send one" },
	{ BPF_TERMINABLE_NO_CLASSIC, "no_classic",
	  "it is a classic BPF filter" },
	{ BPF_TERMINABLE_NO_JIT, "no_jit",
	  "it is not JIT-compiled, or not by a JIT that can" },
	{ BPF_TERMINABLE_NO_OFFLOAD, "no_offload",
	  "it is offloaded to a device" },
	{ BPF_TERMINABLE_NO_MEMORY, "no_memory",
	  "no memory was left for its fast-path image" },
	{ BPF_TERMINABLE_NO_CONGRUENCE, "no_congruence",
	  "its fast-path image came out with another layout" },
	{ BPF_TERMINABLE_NO_SYMBOL, "no_symbol",
	  "it was loaded without CAP_BPF, and is not found on a stack" },
	{ BPF_TERMINABLE_NO_ENDLESS, "no_endless",
	  "it has a loop without an exit: nothing can make it leave" },
	{ BPF_TERMINABLE_NO_PROOF, "no_proof",
	  "it is too complex to prove that each of its loops can be left" },
	/* BPF_TERMINABLE_NO_INDIRECT of newer kernels */
	{ 24, "no_indirect",
	  "it jumps through a table, which has addresses of its normal image" },
};

static const struct terminable *terminable_find(u32 value)
{
	for (size_t i = 0; i < ARRAY_SIZE(terminables); i++)
		if (terminables[i].value == value)
			return &terminables[i];
	return NULL;
}

bool kwd_terminable_never(u32 value)
{
	return value >= BPF_TERMINABLE_NO_CLASSIC;
}

const char *kwd_terminable_name(u32 value)
{
	const struct terminable *t = terminable_find(value);

	/* a newer kernel's reason: every value from 16 on means no */
	return t				  ? t->name :
	       value >= BPF_TERMINABLE_NO_CLASSIC ? "no" :
						    "unknown";
}

const char *kwd_verdict_name(u32 value)
{
	static const char *const names[] = {
		[BPF_WD_VERDICT_DEFAULT] = "default",
		[BPF_WD_VERDICT_OWN] = "own",
		[BPF_WD_VERDICT_PASS] = "pass",
		[BPF_WD_VERDICT_DENY] = "deny",
	};

	return value < ARRAY_SIZE(names) ? names[value] : "unknown";
}

const char *kwd_action_name(u32 value)
{
	static const char *const names[] = {
		[BPF_WD_ACTION_END] = "end",
		[BPF_WD_ACTION_WARN] = "warn",
		[BPF_WD_ACTION_DETACH] = "detach",
	};

	return value < ARRAY_SIZE(names) ? names[value] : "unknown";
}

const char *kwd_terminable_text(u32 value)
{
	const struct terminable *t = terminable_find(value);

	return t ? t->text : "for a reason that this bpfwd does not know";
}

int kwd_missing(struct fault *f, const char *what)
{
	struct utsname uts;

	uname(&uts);
	fault_set(f, EXIT_LACKS, ENOSYS, "%s: kernel %s has no BPF watchdog",
		  what, uts.release);
	fault_why(f, SYSCTL_DIR
		  "kernel/bpf_watchdog is missing: the kernel lacks the "
		  "patches or CONFIG_BPF_WATCHDOG");
	return fault_hint(f, "boot the patched kernel (`make kernel` builds "
			     "it), then bpfwd doctor");
}
