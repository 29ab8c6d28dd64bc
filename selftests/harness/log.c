// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include "harness/log.h"
#include "harness/patterns.h"
#include "harness/test_util.h"

#define PRINTK "/proc/sys/kernel/printk"

static struct patterns splat_deny, splat_allow;
static int kmsg = -1;

void log_open(void)
{
	patterns_read(&splat_deny, "SPLAT_DENY", true, false);
	patterns_read(&splat_allow, "SPLAT_ALLOW", true, true);
}

void log_name(const char *name)
{
	char line[300];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	/* KERN_CRIT: it is on the console even if that is quiet. */
	snprintf(line, sizeof(line), "<2>bpfwd-selftest: %s\n", name);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		fprintf(stderr, "/dev/kmsg: %m\n");
	if (fd >= 0)
		close(fd);
}

void log_mark(const char *name)
{
	log_name(name);
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(kmsg, 0, SEEK_END);
}

void log_quiet(bool quiet)
{
	static char before[64];

	if (quiet && !file_read(PRINTK, before, sizeof(before)))
		file_write(PRINTK, "3");
	else if (!quiet && before[0])
		file_write(PRINTK, before);
}

/* What a bad pointer makes the kernel say. */
static bool is_oops(const char *text)
{
	static const char *const starts[] = {
		"BUG: kernel NULL pointer dereference",
		"Oops: ",
		"KASAN: null-ptr-deref",
		/* The task dies with what it holds. */
		"BUG: sleeping function called from invalid context",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(text, starts[i], strlen(starts[i])))
			return true;
	return false;
}

int log_scan(void)
{
	char record[8192], *text;
	int bad = 0;
	ssize_t n;

	for (;;) {
		n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			printf("# FAIL log: messages were lost\n");
			bad++;
			continue;
		}
		if (n <= 0)
			break;
		record[n] = 0;
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		text[strcspn(text, "\n")] = 0;
		if (!patterns_match(&splat_deny, text) ||
		    patterns_match(&splat_allow, text) ||
		    (shared->oopses && is_oops(text)))
			continue;
		printf("# FAIL log: %s\n", text);
		bad++;
	}
	fflush(stdout);
	return bad;
}
