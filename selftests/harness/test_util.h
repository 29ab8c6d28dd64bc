/* SPDX-License-Identifier: GPL-2.0 */
/* What tests share: the watchdog's interfaces, counters, events, waiting. */
#ifndef TEST_UTIL_H
#define TEST_UTIL_H

#include "test.h"

#define BUDGET_US 10000
#define PERIOD_US 1000

uint64_t now_ns(void);
uint64_t cpu_ns(void); /* of this thread */
int last_cpu(void);
/* The first one is left; the runner has them on again after the test. Skips if it cannot be. */
void other_cpus_off(void);
/* All of them, whatever a test has switched off. */
void cpus_on(void);
/* One of RCU. */
void grace_period(void);
void pin_to(int cpu);
/* In this network namespace. */
void loopback_up(void);
/* Polls until cond(arg); false if the deadline passes first. */
bool wait_until(bool (*cond)(void *arg), void *arg, uint64_t timeout_ns);
/* A field that a program counts up. */
bool wait_for(volatile __u64 *field, __u64 at_least, uint64_t timeout_ns);

/* 0 or -errno. */
int file_write(const char *path, const char *text);
int file_read(const char *path, char *buf, size_t size);
/* Output of a command, run by sh; its exit status. */
int run_command(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A number from the environment, or what it is without. */
unsigned long env_number(const char *name, unsigned long otherwise);
/*
 * Does text that is patched while another CPU runs it crash the emulator? QEMU before
 * 8.1 with a thread for each CPU may go on with an int3 that is no longer there.
 */
bool patching_is_fatal(void);
/* For programs that run all the time while they are patched: if it does, the last CPU is off. */
void patch_on_one_cpu(void);
/* The path of a file in the build folder, or what the variable of that name says. */
const char *built_file(const char *variable, const char *name);
/* A writable folder that survives the test. */
const char *scratch(void);

/* --- The watchdog ---------------------------------------------------------------------------- */

bool wd_present(void);
bool wd_has_test_trigger(void);
/* Has the kernel's BTF a type or function of this name? */
bool kernel_has(const char *name, __u32 kind);
/* Is what may_goto bounds a time, and not a number of rounds? */
bool timed_may_goto(void);
/* kernel.<name>; 0 or -errno. */
int wd_sysctl_set(const char *name, const char *value);
long long wd_sysctl_get(const char *name);
/* Switches it on with a period of 1 ms. */
void wd_enable(unsigned int budget_us);
void wd_set_period(unsigned int us);
void wd_disable(void);
/* All sysctls back to their defaults, no policy, the built-in cost model. */
void wd_reset(void);
/* bpf(BPF_PROG_WATCHDOG); 0 or -errno. */
int wd_command(int prog_fd, __u32 op, __u64 value);

/* With CONFIG_BPF_WATCHDOG_TEST, by debugfs; 0 or -errno. Each invocation is ended at this call,
 * from 1, 0: at none; also of programs that cannot overrun.
 */
int wd_end_at(int prog_fd, __u64 call);
int wd_end_any(bool any);

/* A program that is not to be ended whatever the host does: a budget of 1,000 s. */
void wd_spare(int prog_fd);
/* The same, and it gets its fast-path image even if it is estimated to be short. */
void wd_want_image(int prog_fd);

struct bpf_prog_info prog_info(int prog_fd);
int prog_run(int prog_fd, __s32 *ret);
/* A program of packets, so often in one call. Must succeed; ns of a run, the mean. */
uint64_t prog_run_packets(int prog_fd, int times);
/* A program of raw_tp; on another CPU than this by an IPI, with interrupts off. */
int prog_run_on(int prog_fd, int cpu);

/* --- Events ---------------------------------------------------------------------------------- */

struct wd_event {
	char kind[16], reason[16];
	long long prog_id, ran_ns, budget_ns, late_ns, stop_ns, commits,
		quarantined;
};

/* Where the kernel has its tracefs; mounted by trace_start(), and by the VM. */
#define TRACING "/sys/kernel/tracing"

/*
 * Starts a trace instance of our own, with all bpf_watchdog events. It stays until
 * the runner ends: each event that goes on or off has the kernel's text patched.
 */
void trace_start(void);
void perf_keep_on(void);
void trace_clear(void);
/* The number of events of this program; the last one in ev. */
int trace_find(__u32 prog_id, const char *kind, struct wd_event *ev);
/* Events of the instance as they come: a file descriptor that never blocks. */
int trace_pipe(void);
void trace_remove(void); /* by the runner, after the last test */

/* --- Does the kernel still work? ------------------------------------------------------------- */

struct health {
	__u32 preempt_count, rcu_nesting, task_refs;
};

/* Loads and runs a program. */
void canary(void);
/* Of this task and CPU, from a program that is loaded once. */
struct health health(void);
void check_health(const struct health *before, bool task_refs);

#endif
