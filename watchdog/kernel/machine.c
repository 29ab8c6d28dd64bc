// SPDX-License-Identifier: GPL-2.0
/* Of which machine a cost model is.
 *
 * A file says it in words. The kernel keeps a label of 31 characters: the date, and
 * a hash each of what is said of kernel and processor. So anybody can see whether
 * the model that was loaded is of this machine, without the file.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "kernel/kwd_model.h"
#include "kernel/machine.h"

/* The first line of /proc/cpuinfo that starts with this. */
static void cpuinfo(const char *key, char *to, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[512], *value;

	snprintf(to, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		value = strchr(line, ':');
		if (value && value[1]) {
			value += 1 + strspn(value + 1, " \t");
			value[strcspn(value, "\n")] = '\0';
			snprintf(to, size, "%s", value);
			break;
		}
	}
	if (f)
		fclose(f);
}

/* The build id of the kernel, which two builds of one release do not share. */
static bool build_id(char *to, size_t size)
{
	FILE *f = fopen("/sys/kernel/notes", "re");
	char name[16], desc[64];
	bool found = false;
	Elf64_Nhdr note;

	while (f && !found && fread(&note, sizeof(note), 1, f) == 1) {
		size_t name_len = (note.n_namesz + 3) & ~3U,
		       desc_len = (note.n_descsz + 3) & ~3U;

		if (name_len > sizeof(name) || desc_len > sizeof(desc)) {
			if (fseek(f, name_len + desc_len, SEEK_CUR))
				break;
			continue;
		}
		if (fread(name, 1, name_len, f) != name_len ||
		    fread(desc, 1, desc_len, f) != desc_len)
			break;
		found = note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
			!memcmp(name, "GNU", 4) && note.n_descsz &&
			2 * note.n_descsz < size;
		for (u32 i = 0; found && i < note.n_descsz; i++)
			sprintf(to + 2 * i, "%02x", (unsigned char)desc[i]);
	}
	if (f)
		fclose(f);
	return found;
}

void machine_here(struct machine *m)
{
	struct utsname uts;

	uname(&uts);
	cpuinfo("model name", m->cpu, sizeof(m->cpu));
	cpuinfo("microcode", m->microcode, sizeof(m->microcode));
	snprintf(m->kernel, sizeof(m->kernel), "%s", uts.release);
	if (!build_id(m->build, sizeof(m->build)))
		snprintf(m->build, sizeof(m->build), "%s", uts.version);
}

bool machine_differs(const struct machine *m, char *how, size_t size)
{
	struct machine here;
	const struct {
		const char *name, *there, *here;
	} parts[] = {
		{ "kernel", m->kernel, here.kernel },
		{ "build", m->build, here.build },
		{ "cpu", m->cpu, here.cpu },
		{ "microcode", m->microcode, here.microcode },
	};
	bool differs = false;
	size_t len = 0;

	machine_here(&here);
	how[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!strcmp(parts[i].there, parts[i].here))
			continue;
		len += snprintf(how + len, size - len, "%s%s %s (here %s)",
				differs ? ", " : "", parts[i].name,
				parts[i].there, parts[i].here);
		len = len < size ? len : size - 1;
		differs = true;
	}
	return differs;
}

/* FNV-1a; the label has no room for more. */
static u32 hash_of(const char *a, const char *b)
{
	u32 hash = 2166136261U;

	for (; *a; a++)
		hash = (hash ^ (unsigned char)*a) * 16777619U;
	hash = (hash ^ '\n') * 16777619U;
	for (; *b; b++)
		hash = (hash ^ (unsigned char)*b) * 16777619U;
	return hash;
}

void machine_label(const struct machine *m, const char *date,
		   char label[BPF_COST_LABEL_LEN])
{
	snprintf(label, BPF_COST_LABEL_LEN, "%.10s k%08x c%08x", date,
		 hash_of(m->kernel, m->build), hash_of(m->cpu, m->microcode));
}

int model_in_use(struct model_use *use)
{
	char label[BPF_COST_LABEL_LEN + 1], date[11];
	struct machine here;
	unsigned int kernel, cpu;
	bool kernel_same, cpu_same;
	int err;

	*use = (struct model_use){};
	err = kwd_model_label(label, sizeof(label), &use->generation);
	if (err)
		return err;
	use->loaded = use->generation;
	if (!use->loaded) {
		snprintf(use->text, sizeof(use->text),
			 "built in, not calibrated");
		return 0;
	}
	if (sscanf(label, "%10s k%8x c%8x", date, &kernel, &cpu) != 3) {
		use->stale = true;
		snprintf(use->text, sizeof(use->text),
			 "stale: '%s' does not say of which kernel and CPU",
			 label);
		return 0;
	}
	machine_here(&here);
	kernel_same = kernel == hash_of(here.kernel, here.build);
	cpu_same = cpu == hash_of(here.cpu, here.microcode);
	use->stale = !kernel_same || !cpu_same;
	snprintf(use->text, sizeof(use->text), "%s%s%s%s%s%s",
		 use->stale ? "stale: of another " : "calibrated",
		 kernel_same ? "" : "kernel",
		 kernel_same || cpu_same ? "" : " and another ",
		 cpu_same ? "" : "CPU or microcode",
		 use->stale ? ", loaded by --force, of " : " ", date);
	return 0;
}

const char *model_source(const struct model_use *use)
{
	return !use->loaded ? "built-in" : use->stale ? "stale" : "calibrated";
}

/* Of a model that was replaced nobody knows any more of which machine it was. */
const char *estimate_source(const struct bpf_prog_info *info,
			    const struct model_use *use)
{
	if (info->estimate_flags & BPF_ESTIMATE_F_BUILTIN)
		return "built-in";
	return info->estimate_generation == use->generation ?
		       model_source(use) :
		       "calibrated";
}
