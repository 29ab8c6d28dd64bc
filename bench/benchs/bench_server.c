// SPDX-License-Identifier: GPL-2.0
/*
 * What a key-value server and its clients notice of a program at the entry of system calls:
 * without the watchdog, with it, and when the program is one that stalls and is ended. One CPU
 * that counts instructions gives instructions per request (server, client and kernel), two
 * give throughput.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "csv.h"
#include "server.skel.h"

#define PORT 7379
#define READY_NS 20000000000ULL
#define CLIENTS "4"
/* The stalls: each entry would take so many turns, and has this budget when it is watched. */
#define STALL_TURNS 1000
#define STALL_BUDGET_NS 1000000
/* Each request stalls several times: so many of them are enough. */
#define STALL_REQUESTS 40
#define QUARANTINE_AFTER 3

/*
 * Loaded while the watchdog is on, bpf_loop() is not inlined where interrupts may be off: so it
 * matters which was there first.
 */
enum watch { OFF, ON_LATER, ON, ENDED, QUARANTINED, NR_WATCH };

static const char *const watch_names[] = { "off", "on-later", "on", "ended",
					   "quarantined" };

static const struct load {
	const char *name;
	const char *what;
	const char *prog; /* NULL: none */
	__u32 turns;
	bool stalls;
} loads[] = {
	{ "none", "no program", NULL, 0, false },
	{ "27ns", "about 27 instructions", "short_prog", 0, false },
	{ "0.8us", "about 800 instructions, a loop", "loop_prog", 40, false },
	{ "7us", "about 7000 instructions, a loop", "loop_prog", 357, false },
	{ "stall",
	  "some 16 ms at each system call of the server, were it not ended",
	  "stall_prog", STALL_TURNS, true },
};

/* --- the server and its clients --- */

/* The package of the tools has the server, too: its name is what it goes by. */
static const char *server_path(void)
{
	static const char *const paths[] = { "/usr/bin/redis-server",
					     "/usr/bin/redis-check-rdb" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	return NULL;
}

static void pin_self(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int last_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static pid_t start_server(void)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	pin_self(0);
	execl(server_path(), "redis-server", "--port", "7379", "--bind",
	      "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp",
	      "--maxmemory", "64mb", NULL);
	_exit(127);
}

static bool answers(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[16] = "";
	bool yes;

	yes = fd >= 0 && !connect(fd, (void *)&addr, sizeof(addr)) &&
	      write(fd, "PING\r\n", 6) == 6 &&
	      read(fd, buf, sizeof(buf) - 1) > 0 && buf[0] == '+';
	close(fd);
	return yes;
}

/* `"GET","5000.00","0.5",...`: requests a second, 0 if there is no such line. */
static double ask(long requests)
{
	char nr[32], line[512];
	double rps = 0;
	int pipe_fd[2];
	pid_t pid;
	FILE *f;

	snprintf(nr, sizeof(nr), "%ld", requests);
	if (pipe(pipe_fd))
		return 0;
	pid = fork();
	if (!pid) {
		dup2(pipe_fd[1], 1);
		close(pipe_fd[0]);
		pin_self(last_cpu());
		execlp("redis-benchmark", "redis-benchmark", "-p", "7379", "-t",
		       "get", "-n", nr, "-c", CLIENTS, "--csv", NULL);
		_exit(127);
	}
	close(pipe_fd[1]);
	f = fdopen(pipe_fd[0], "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "\"GET\",\"", 7))
			rps = strtod(line + 7, NULL);
	if (f)
		fclose(f);
	waitpid(pid, NULL, 0);
	return rps;
}

/* --- the program --- */

struct hook {
	struct server_bpf *obj;
	struct bpf_link *link;
	int fd;
};

static void unhook(struct hook *h)
{
	bpf_link__destroy(h->link);
	server_bpf__destroy(h->obj);
	*h = (struct hook){};
}

static int hook(struct hook *h, const struct load *l, enum watch watch,
		pid_t server)
{
	struct bpf_program *prog, *mine;
	int err;

	*h = (struct hook){};
	if (!l->prog)
		return 0;
	h->obj = server_bpf__open();
	if (!h->obj)
		return -errno;
	mine = bpf_object__find_program_by_name(h->obj->obj, l->prog);
	bpf_object__for_each_program(prog, h->obj->obj)
		bpf_program__set_autoload(prog, prog == mine);
	h->obj->bss->turns = l->turns;
	h->obj->bss->turns_deep = l->turns;
	h->obj->bss->server_pid = server;
	err = server_bpf__load(h->obj);
	if (err)
		return err;
	h->fd = bpf_program__fd(mine);
	if (watch >= ENDED)
		err = wd_prog_op(h->fd, BPF_WD_SET_BUDGET, STALL_BUDGET_NS);
	if (err)
		return err;
	h->link = bpf_program__attach(mine);
	return h->link ? 0 : -errno;
}

/* What the program adds to a system call, the way to it included. */
static double per_call(long n)
{
	__u64 start = now_ns();
	long i;

	for (i = 0; i < n; i++)
		syscall(SYS_getppid);
	return (double)(now_ns() - start) / n;
}

static int measure(const struct run_opts *o, const struct load *l,
		   enum watch watch, pid_t server)
{
	long requests = l->stalls && watch != QUARANTINED ? STALL_REQUESTS :
			o->count			  ?:
							    10000;
	struct bpf_prog_info info = {};
	struct hook h = {};
	double rps, call;
	int err;

	err = wd_sysctl("bpf_watchdog_quarantine",
			watch == QUARANTINED ? QUARANTINE_AFTER : 0);
	if (!err && watch >= ON)
		err = wd_sysctl("bpf_watchdog", 1);
	err = err ?: hook(&h, l, watch, server);
	if (!err && watch == ON_LATER)
		err = wd_sysctl("bpf_watchdog", 1);
	if (err) {
		warn_f("%s, %s: %s", l->name, watch_names[watch],
		       strerror(-err));
		unhook(&h);
		goto out;
	}
	/* the first ones are others: caches, pages, and what leads to quarantine */
	if (!l->stalls || watch == QUARANTINED)
		ask(100);
	call = per_call(1000);
	rps = ask(requests);
	if (h.fd)
		err = wd_prog_info(h.fd, &info);
	if (!(rps > 0)) {
		warn_f("%s, %s: no answer of redis-benchmark", l->name,
		       watch_names[watch]);
		err = -EIO;
	}
	if (!err)
		fprintf(o->out, "%s,%s,%s,%d,%ld,%.2f,%.1f,%llu\n", o->label,
			l->name, watch_names[watch], o->round, requests, rps,
			call, (unsigned long long)info.terminations);
	fflush(o->out);
	fprintf(stderr, "  %-8s %-8s %-12s %10.1f requests/s, %llu ended\n",
		o->label, l->name, watch_names[watch], rps,
		(unsigned long long)info.terminations);
	unhook(&h);
out:
	wd_sysctl("bpf_watchdog", 0);
	return err;
}

static int server_validate(const struct run_opts *o)
{
	if (!server_path() || access("/usr/bin/redis-benchmark", X_OK)) {
		warn_f("redis-benchmark is not installed; scripts/deps.sh server");
		return -ENOENT;
	}
	if (!wd_present()) {
		warn_f("this kernel has no watchdog (/proc/sys/kernel/bpf_watchdog): boot the patched one, `make kernel`");
		return -ENODEV;
	}
	return o->count < 0 ? -EINVAL : 0;
}

static int server_run(const struct run_opts *o)
{
	__u64 until = now_ns() + READY_NS;
	pid_t server = start_server();
	int err = 0, failed = 0, w;
	size_t i;

	if (server < 0)
		return -errno;
	while (!answers()) {
		if (now_ns() > until || waitpid(server, NULL, WNOHANG)) {
			warn_f("%s does not answer on port %d", server_path(),
			       PORT);
			failed = -EIO;
			goto out;
		}
		usleep(20000);
	}
	pin_self(last_cpu());
	fputs("setup,program,watchdog,round,requests,rps,syscall_ns,terminations\n",
	      o->out);
	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		if (fnmatch(o->filter, loads[i].name, 0))
			continue;
		for (w = OFF; w < NR_WATCH; w++) {
			/* in time, whether on or off; ended is for what is not */
			if (loads[i].stalls ? w == ON || w == ON_LATER : w > ON)
				continue;
			if (w == ON_LATER && !loads[i].prog)
				continue;
			err = measure(o, &loads[i], w, server);
			failed = failed ?: err;
		}
	}
out:
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return failed;
}

/* --- table --- */

static const char *const server_setups[] = { "icount", "mt" };

struct server_sum {
	struct dist rps, call;
	double requests, terminations;
};

static struct server_sum server_fold(const struct csv *raw, const char *setup,
				     const char *load, const char *watch)
{
	size_t rows = csv__rows(raw), n = 0, i;
	double *v = calloc(rows, sizeof(*v)), *c = calloc(rows, sizeof(*c));
	struct server_sum s = {};

	for (i = 0; i < rows; i++) {
		if (strcmp(csv__str(raw, i, csv__col(raw, "setup")), setup) ||
		    strcmp(csv__str(raw, i, csv__col(raw, "program")), load) ||
		    strcmp(csv__str(raw, i, csv__col(raw, "watchdog")), watch))
			continue;
		csv__num(raw, i, csv__col(raw, "rps"), &v[n]);
		csv__num(raw, i, csv__col(raw, "syscall_ns"), &c[n]);
		csv__num(raw, i, csv__col(raw, "requests"), &s.requests);
		csv__num(raw, i, csv__col(raw, "terminations"),
			 &s.terminations);
		n++;
	}
	s.rps = dist_of(v, n);
	s.call = dist_of(c, n);
	free(v);
	free(c);
	return s;
}

static void print_load(const struct table_opts *o, const char *setup,
		       const struct load *l, const char *watch, bool *more)
{
	bool counts = !strcmp(setup, "icount");
	struct server_sum s = server_fold(o->raw, setup, l->name, watch),
			  base = server_fold(o->raw, setup, "none", "off");
	double insns;

	if (!s.rps.n)
		return;
	insns = 1e9 / s.rps.p50;
	printf("  %-8s %-12s %12.1f %11.1f %% ", l->name, watch, s.rps.p50,
	       base.rps.n ? s.rps.p50 / base.rps.p50 * 100 : 0);
	if (counts)
		printf("%16.0f", insns);
	else
		printf("%8.1f..%.1f", s.rps.min, s.rps.max);
	printf(" %14.0f %8.0f\n", s.call.p50, s.terminations);
	if (o->csv) {
		fprintf(o->csv, "%s,%s,%s,%zu,%.0f,%.2f,%.2f,%.2f,", setup,
			l->name, watch, s.rps.n, s.requests, s.rps.p50,
			s.rps.min, s.rps.max);
		if (counts)
			fprintf(o->csv, "%.0f", insns);
		fprintf(o->csv, ",%.1f,%.0f\n", s.call.p50, s.terminations);
	}
	if (!o->json)
		return;
	fprintf(o->json,
		"%s\n    {\"measured\": \"%s\", \"program\": \"%s\", \"watchdog\": \"%s\", \"requests_per_s\": ",
		*more ? "," : "", setup, l->name, watch);
	*more = true;
	json_num(o->json, true, s.rps.p50);
	fputs(", \"requests_per_s_min\": ", o->json);
	json_num(o->json, true, s.rps.min);
	fputs(", \"requests_per_s_max\": ", o->json);
	json_num(o->json, true, s.rps.max);
	fputs(", \"instructions_per_request\": ", o->json);
	json_num(o->json, counts, insns);
	fputs(", \"syscall_ns\": ", o->json);
	json_num(o->json, true, s.call.p50);
	fputs(", \"terminations\": ", o->json);
	json_num(o->json, true, s.terminations);
	fputc('}', o->json);
}

static int server_table(const struct table_opts *o)
{
	bool more = false;
	size_t i, k;
	int w;

	if (o->csv)
		fputs("setup,program,watchdog,rounds,requests,rps,rps_min,rps_max,insns_per_request,syscall_ns,terminations\n",
		      o->csv);
	if (o->json) {
		fputs("{\n  ", o->json);
		json_env(o->json, o->raw);
		fputs(",\n  \"rows\": [", o->json);
	}
	for (i = 0; i < ARRAY_SIZE(server_setups); i++) {
		printf("\nserver, %s: %s\n\n", server_setups[i],
		       i ? "2 CPUs that one thread of the emulator runs: time is the host's; median of all rounds, least and most" :
			   "1 CPU, deterministic: 1 ns is 1 guest instruction, of server, client and kernel");
		printf("  %-8s %-12s %12s %13s %16s %14s %8s\n", "program",
		       "watchdog", "requests/s", "of no program",
		       i ? "range" : "insns/request", "getppid ns", "ended");
		for (k = 0; k < ARRAY_SIZE(loads); k++)
			for (w = OFF; w < NR_WATCH; w++)
				print_load(o, server_setups[i], &loads[k],
					   watch_names[w], &more);
	}
	putchar('\n');
	for (k = 0; k < ARRAY_SIZE(loads); k++)
		printf("  %-8s %s\n", loads[k].name, loads[k].what);
	puts("\nenvironment");
	print_env(o->raw);
	if (o->json)
		fputs("\n  ]\n}\n", o->json);
	return 0;
}

const struct bench bench_server = {
	.name = "server",
	.desc = "a key-value server with a program at each of its system calls",
	.nr_keys = 3,
	.validate = server_validate,
	.run = server_run,
	.table = server_table,
};
