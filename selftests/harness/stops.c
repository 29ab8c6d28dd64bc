// SPDX-License-Identifier: GPL-2.0
/*
 * Each program says how long it takes at most from the redirect to the return, and the
 * kernel keeps the longest time that it has taken. Both are compared for each program of a
 * test, before it goes: the linker has libbpf's functions that close an object call
 * those of this file first.
 */
#include "harness/stops.h"
#include "harness/test_util.h"

bool time_is_exact(void)
{
	static int exact = -1;
	char line[4096];
	FILE *f;

	if (exact >= 0)
		return exact;
	exact = env_number("BPFWD_VM_ICOUNT", 0) != 0;
	f = fopen("/proc/cpuinfo", "re");
	while (!exact && f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "flags", 5)) {
			exact = !strstr(line, " hypervisor");
			break;
		}
	if (f)
		fclose(f);
	return exact;
}

void stops_look(int prog_fd)
{
	struct stops *s = &shared->stops;
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len) || !info.terminations)
		return;
	s->programs++;
	s->kills += info.terminations;
	if (info.longest_stop_ns <= info.stop_bound_ns)
		return;
	s->above++;
	diag("%s, program %u, took %llu ns to stop, and its bound is %llu ns",
	     info.name, info.id, info.longest_stop_ns, info.stop_bound_ns);
}

void stops_look_at_all(void)
{
	__u32 id = 0;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		stops_look(fd);
		close(fd);
	}
}

bool stops_report(void)
{
	const struct stops *s = &shared->stops;

	if (!s->kills)
		return true;
	printf("# stops: %llu kills of %u programs compared, %u programs above their bound%s\n",
	       s->kills, s->programs, s->above,
	       time_is_exact() ? "" : ", by the clock of an emulator");
	return !s->above || !time_is_exact();
}

static void look_at_object(const struct bpf_object *obj)
{
	struct bpf_program *p;

	if (!obj)
		return;
	bpf_object__for_each_program(p, obj)
		if (bpf_program__fd(p) >= 0)
			stops_look(bpf_program__fd(p));
}

void __real_bpf_object__close(struct bpf_object *obj);
void __wrap_bpf_object__close(struct bpf_object *obj);
void __real_bpf_object__destroy_skeleton(struct bpf_object_skeleton *s);
void __wrap_bpf_object__destroy_skeleton(struct bpf_object_skeleton *s);

void __wrap_bpf_object__close(struct bpf_object *obj)
{
	look_at_object(obj);
	__real_bpf_object__close(obj);
}

void __wrap_bpf_object__destroy_skeleton(struct bpf_object_skeleton *s)
{
	look_at_object(s && s->obj ? *s->obj : NULL);
	__real_bpf_object__destroy_skeleton(s);
}
