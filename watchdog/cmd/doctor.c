// SPDX-License-Identifier: GPL-2.0
/* bpfwd doctor: what this kernel supports, and what is missing. One row per
 * probe; a probe that is required and fails makes the exit status.
 */
#include <bpf/bpf.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <tracefs.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/machine.h"
#include "progs/prog.h"
#include "show/ctx.h"

#define TEXT_LEN 320
#define CPUID_HYPERVISOR (1U << 31) /* of leaf 1, ECX */
#define CPUID_VMM 0x40000000 /* leaf that names the hypervisor */
#define KVM_STEAL_TIME (1U << 5) /* of the leaf behind it, EAX */
#define MAX_LOOPS (8 * 1024 * 1024) /* the kernel's, of bpf_loop() */

struct finding {
	bool ok;
	char text[TEXT_LEN];
};

static void doctor_say(struct finding *f, bool ok, const char *text)
{
	f->ok = ok;
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static void say_err(struct finding *f, int err, const char *text)
{
	f->ok = !err;
	if (err)
		snprintf(f->text, sizeof(f->text), "%s: %s (%s)", text,
			 strerror(-err), errno_name(-err));
	else
		snprintf(f->text, sizeof(f->text), "yes");
}

static void probe_kernel(struct finding *f)
{
	struct utsname uts;

	uname(&uts);
	snprintf(f->text, sizeof(f->text), "%s %s", uts.release, uts.machine);
	f->ok = true;
}

static void probe_privilege(struct finding *f)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %llx", &caps);
	if (file)
		fclose(file);
	if (caps & (1ULL << 21))
		doctor_say(f, true, "CAP_SYS_ADMIN");
	else
		doctor_say(f, false, "no CAP_SYS_ADMIN: run it as root");
}

static void probe_watchdog(struct finding *f)
{
	struct kwd_state state;
	int err = kwd_state_read(&state);

	if (err == -ENOSYS)
		doctor_say(f, false,
			   "no: not in this kernel -> make kernel, or a "
			   "kernel with CONFIG_BPF_WATCHDOG");
	else if (err)
		say_err(f, err, "cannot read its sysctls");
	else
		doctor_say(f, true, state.val[KWD_ON] ? "yes, on" : "yes, off");
}

static void probe_command(struct finding *f)
{
	int err = kwd_command_probe();

	if (err == -ENOSYS)
		doctor_say(f, false,
			   "no: bpf(BPF_PROG_WATCHDOG) is unknown here");
	else
		say_err(f, err, "bpf(BPF_PROG_WATCHDOG)");
}

static void probe_events(struct finding *f)
{
	const char *dir = tracefs_tracing_dir();
	char path[512];

	tracefs_set_loglevel(TEP_LOG_NONE);
	snprintf(path, sizeof(path), "%s/events/bpf_watchdog", dir ? dir : "");
	if (!dir)
		doctor_say(f, false,
			   "no: tracefs is not mounted, or closed to this "
			   "user");
	else if (access(path, F_OK))
		say_err(f, -errno, "no tracepoints bpf_watchdog:*");
	else
		doctor_say(f, true, "yes");
}

static void probe_jit(struct finding *f)
{
	FILE *file = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
	int n = -1;

	if (file && fscanf(file, "%d", &n) != 1)
		n = -1;
	if (file)
		fclose(file);
	if (n > 0)
		doctor_say(f, true, "yes");
	else if (n == 0)
		doctor_say(f, false,
			   "off: sysctl net.core.bpf_jit_enable=1, for only "
			   "compiled programs can be ended");
	else
		doctor_say(f, false, "unknown: no net.core.bpf_jit_enable");
}

static void probe_btf(struct finding *f)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		doctor_say(f, false,
			   "no: names of hooks and source lines are missing");
	else
		doctor_say(f, true, "yes");
}

static void probe_stats(struct finding *f)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	say_err(f, fd < 0 ? fd : 0, "BPF_ENABLE_STATS");
	if (fd >= 0)
		close(fd);
}

static void probe_estimates(struct finding *f)
{
	struct model_use use;
	int err = model_in_use(&use);

	if (err == -EINVAL || err == -EOPNOTSUPP)
		doctor_say(f, false, "no: bpf(BPF_COST_MODEL) is unknown here");
	else if (err)
		say_err(f, err, "bpf(BPF_COST_MODEL)");
	else
		snprintf(f->text, sizeof(f->text), "yes, %s%s", use.text,
			 use.loaded && !use.stale ?
				 "" :
				 ": bpfwd calibrate run --load FILE");
	f->ok = !err && !use.stale;
}

static void probe_machine(struct finding *f)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool tcg = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		tcg |= !strncmp(line, "model name", 10) && strstr(line, "TCG");
	if (file)
		fclose(file);
	doctor_say(f, true,
		   tcg ? "emulated (TCG): timings are not representative" :
			 "timings are representative");
}

/* Does a hypervisor tell when it has taken the CPU? The kernel's steal clock: of KVM by a
 * bit of its CPUID, of Xen always; of others it shows in /proc/stat, if at all.
 */
static bool steal_clock(const char *hypervisor, u32 features)
{
	unsigned long long user, nice, sys, idle, iowait, irq, soft, steal = 0;
	FILE *file = fopen("/proc/stat", "re");

	if (file &&
	    fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
		   &nice, &sys, &idle, &iowait, &irq, &soft, &steal) != 8)
		steal = 0;
	if (file)
		fclose(file);
	return steal || !strncmp(hypervisor, "XenVMMXenVMM", 12) ||
	       (!strncmp(hypervisor, "KVMKVMKVM", 9) &&
		features & KVM_STEAL_TIME);
}

static void probe_steal(struct finding *f)
{
	u32 regs[4] = {}, features[4] = {};
	char hypervisor[13] = "";

#if defined(__x86_64__)
	__cpuid(1, regs[0], regs[1], regs[2], regs[3]);
	if (!(regs[2] & CPUID_HYPERVISOR)) {
		doctor_say(f, true, "not needed: no hypervisor takes the CPU");
		return;
	}
	__cpuid(CPUID_VMM, regs[0], regs[1], regs[2], regs[3]);
	__cpuid(CPUID_VMM + 1, features[0], features[1], features[2],
		features[3]);
#endif
	memcpy(hypervisor, &regs[1], 12);
	if (steal_clock(hypervisor, features[0]))
		doctor_say(f, true,
			   "yes: what the hypervisor takes is not charged");
	else
		doctor_say(
			f, false,
			"none: this machine is not told when the hypervisor takes "
			"its CPU. After a gap the watchdog looks twice before it "
			"ends a run, and times that it shows may hold such gaps: "
			"give budgets room, or switch steal time on in the hypervisor");
}

/* As the verifier inlines bpf_loop(): if r1 <= BPF_MAX_LOOPS skip `r0 = -E2BIG`. */
static bool has_inlined_loop(const struct bpf_insn *insns, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (insns[i].code == (BPF_JMP | BPF_JLE | BPF_K) &&
		    insns[i].dst_reg == BPF_REG_1 && insns[i].off == 2 &&
		    insns[i].imm == MAX_LOOPS &&
		    insns[i + 1].code == (BPF_ALU | BPF_MOV | BPF_K) &&
		    insns[i + 1].dst_reg == BPF_REG_0 &&
		    insns[i + 1].imm == -E2BIG)
			return true;
	return false;
}

static bool prog_has_inlined_loop(const struct prog *p)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info), size = p->info.xlated_prog_len;
	struct bpf_insn *insns = malloc(size ? size : 1);
	int fd = bpf_prog_get_fd_by_id(p->info.id);
	bool has = false;

	info.xlated_prog_insns = (uintptr_t)insns;
	info.xlated_prog_len = size;
	if (insns && fd >= 0 && !bpf_prog_get_info_by_fd(fd, &info, &len) &&
	    info.xlated_prog_insns)
		has = has_inlined_loop(insns, size / sizeof(*insns));
	if (fd >= 0)
		close(fd);
	free(insns);
	return has;
}

/* Where no timer comes, a loop looks at the time itself, unless it was inlined. */
static void probe_loops(struct finding *f)
{
	struct fault ignored = {};
	struct progs *progs;
	size_t n = 0;
	u32 first = 0;

	if (progs_load(&progs, NULL, 0, &ignored)) {
		doctor_say(f, false, "unknown: cannot list BPF programs");
		return;
	}
	for (size_t i = 0; i < progs_count(progs); i++) {
		const struct prog *p = progs_get(progs, i);

		if (!kwd_info_known(p->info_len) ||
		    p->info.terminable != BPF_TERMINABLE_CONDITIONAL ||
		    !prog_has_inlined_loop(p))
			continue;
		first = n++ ? first : p->info.id;
	}
	progs_free(progs);
	if (!n) {
		doctor_say(
			f, true,
			"no loop was inlined that may run with interrupts off");
		return;
	}
	f->ok = false;
	snprintf(
		f->text, sizeof(f->text),
		"%zu program%s, the first with id %u, loaded while the watchdog "
		"was off: inlined bpf_loop() does not look at the time. Load "
		"%s again while it is on",
		n, n == 1 ? "" : "s", first, n == 1 ? "it" : "them");
}

static const struct probe {
	const char *name;
	bool required;
	void (*run)(struct finding *f);
} probes[] = {
	{ "kernel", false, probe_kernel },
	{ "machine", false, probe_machine },
	{ "privilege", true, probe_privilege },
	{ "watchdog", true, probe_watchdog },
	{ "command", true, probe_command },
	{ "events", true, probe_events },
	{ "estimates", false, probe_estimates },
	{ "jit", true, probe_jit },
	{ "btf", false, probe_btf },
	{ "statistics", false, probe_stats },
	{ "steal clock", false, probe_steal },
	{ "loops", false, probe_loops },
};

/* The reason to go on, where the kernel only measures. */
static const char *const adds[] = {
	"runs that take too long are ended: enable, set, kill, events",
	"the longest run and p99, not only the average: ps, top, metrics",
	"how long a program can take, before it is attached: estimate, explain",
	"who may be attached where: policy, check",
};

static json_t *adds_json(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(adds); i++)
		json_array_append_new(all, json_string(adds[i]));
	return all;
}

int cmd_doctor(struct ctx *ctx, int argc, char **argv)
{
	json_t *rows = json_array();
	char missing[128] = "";
	const char *here;

	parse_plain(ctx, argc, argv,
		    "What this kernel supports, and what is missing. Exit "
		    "status 3 if the watchdog cannot be used as it is.");
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		struct finding f = {};

		probes[i].run(&f);
		if (!f.ok && probes[i].required) {
			if (missing[0])
				strcat(missing, ", ");
			strcat(missing, probes[i].name);
		}
		if (!out_is_json(&ctx->out))
			printf("%-11s %s\n", probes[i].name, f.text);
		json_array_append_new(
			rows, json_pack("{s:s, s:b, s:b, s:s}", "name",
					probes[i].name, "ok", f.ok, "required",
					probes[i].required, "text", f.text));
	}
	here = !missing[0]	       ? "every command" :
	       strstr(missing, "priv") ? "nothing" :
	       !kwd_here() ? "ps, top, metrics and serve (runs, average, share "
			     "of CPU), calibrate run" :
			     "what does not need the above";
	if (out_is_json(&ctx->out)) {
		json_t *doc = json_pack("{s:s, s:b, s:o}", "schema",
					"bpfwd.doctor/1", "ok", !missing[0],
					"probes", rows);

		if (!kwd_here())
			json_object_set_new(doc, "patches_add", adds_json());
		out_json(&ctx->out, doc);
		return missing[0] ? EXIT_LACKS : EXIT_OK;
	}
	json_decref(rows);
	printf("%-11s %s%s%s\n", "here", here, missing[0] ? "; missing: " : "",
	       missing);
	for (size_t i = 0; !kwd_here() && i < ARRAY_SIZE(adds); i++)
		printf("%-11s %s\n", i ? "" : "patches add", adds[i]);
	return missing[0] ? EXIT_LACKS : EXIT_OK;
}
