// SPDX-License-Identifier: GPL-2.0
/* bpfwd doctor: what this kernel supports, and what is missing. One row per
 * probe; a probe that is required and fails makes the exit status.
 */
#include <bpf/bpf.h>
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
#include "kernel/kwd_model.h"
#include "show/ctx.h"

#define TEXT_LEN 256

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
	char label[64];
	u64 generation;
	int err = kwd_model_label(label, sizeof(label), &generation);

	if (err == -EINVAL || err == -EOPNOTSUPP)
		doctor_say(f, false, "no: bpf(BPF_COST_MODEL) is unknown here");
	else if (err)
		say_err(f, err, "bpf(BPF_COST_MODEL)");
	else
		doctor_say(
			f, true,
			generation ?
				"yes, calibrated" :
				"yes, not calibrated: bpfwd calibrate run --load");
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
};

int cmd_doctor(struct ctx *ctx, int argc, char **argv)
{
	json_t *rows = json_array();
	char missing[128] = "";
	struct kwd_state state;
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
	       kwd_state_read(&state)  ? "ps (measured columns only), "
					 "calibrate" :
					 "what does not need the above";
	if (out_is_json(&ctx->out))
		out_json(&ctx->out, json_pack("{s:s, s:b, s:o}", "schema",
					      "bpfwd.doctor/1", "ok",
					      !missing[0], "probes", rows));
	else
		json_decref(rows);
	if (!out_is_json(&ctx->out))
		printf("%-11s %s%s%s\n", "here", here,
		       missing[0] ? "; missing: " : "", missing);
	return missing[0] ? EXIT_LACKS : EXIT_OK;
}
