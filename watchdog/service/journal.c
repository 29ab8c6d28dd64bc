// SPDX-License-Identifier: GPL-2.0
/* Log lines with fields, by the journal's native protocol: one datagram an entry,
 * NAME, line feed, length (64 bits, little endian), value, line feed. So no value
 * can end its field.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "service/journal.h"

#define SOCKET "/run/systemd/journal/socket"

struct journal {
	int fd; /* -1: stderr */
	char entry[8192];
	size_t len;
	char message[1024];
};

/* Is stderr connected to the journal? Then entries can have fields. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev &&
	       st.st_ino == ino;
}

struct journal *journal_open(void)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fd = stderr_is_journal() ?
			socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) :
			-1;
	return j;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

void journal_field(struct journal *j, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);
	uint64_t le = htole64(v);
	char *p = j->entry + j->len;

	/* a field that does not fit is left out whole */
	if (j->len + n + 1 + sizeof(le) + v + 1 > sizeof(j->entry))
		return;
	p = mempcpy(p, name, n);
	*p++ = '\n';
	p = mempcpy(p, &le, sizeof(le));
	p = mempcpy(p, value, v);
	*p++ = '\n';
	j->len = p - j->entry;
}

void journal_number(struct journal *j, const char *name, u64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	journal_field(j, name, text);
}

void journal_begin(struct journal *j, int priority, const char *message)
{
	j->len = 0;
	snprintf(j->message, sizeof(j->message), "%s", message);
	journal_field(j, "MESSAGE", j->message);
	journal_number(j, "PRIORITY", priority);
	journal_field(j, "SYSLOG_IDENTIFIER", "bpfwd");
}

void journal_send(struct journal *j)
{
	static const struct sockaddr_un addr = { .sun_family = AF_UNIX,
						 .sun_path = SOCKET };

	/* journald may be restarting: then the line goes the plain way */
	if (j->fd >= 0 && sendto(j->fd, j->entry, j->len, MSG_NOSIGNAL,
				 (const struct sockaddr *)&addr,
				 sizeof(addr)) == (ssize_t)j->len)
		return;
	fprintf(stderr, "bpfwd: %s\n", j->message);
}
