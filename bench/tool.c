// SPDX-License-Identifier: GPL-2.0
/* What a command takes: tool LABEL RUNS COMMAND [ARGUMENT...] prints a row of CSV: the label,
 * CPU time in us (the median of the runs) and the memory that it had at most. This
 * program is small, since a process begins with the memory of who started it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 100

static int by_us(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long us_of(struct timeval t)
{
	return t.tv_sec * 1000000 + t.tv_usec;
}

static int run_quietly(char **command, struct rusage *usage)
{
	int status, null;
	pid_t pid = vfork();

	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execv(command[0], command);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, usage) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	long us[RUNS_MAX], rss_kb = 0;
	int runs = argc > 3 ? atoi(argv[2]) : 0;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: tool LABEL RUNS COMMAND...\n");
		return 2;
	}
	for (int i = 0; i < runs; i++) {
		struct rusage usage;
		int status = run_quietly(argv + 3, &usage);

		if (status) {
			fprintf(stderr, "tool: %s ended with status %d\n",
				argv[3], status);
			return 1;
		}
		us[i] = us_of(usage.ru_utime) + us_of(usage.ru_stime);
		if (usage.ru_maxrss > rss_kb)
			rss_kb = usage.ru_maxrss;
	}
	qsort(us, runs, sizeof(*us), by_us);
	printf("%s,%ld,%ld\n", argv[1], us[runs / 2], rss_kb);
	return 0;
}
