// SPDX-License-Identifier: GPL-2.0
/* What a service and its manager say to each other. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "service/notify.h"
#include "show/duration.h"

#define FIRST_FD 3

static bool is_for_us(const char *variable)
{
	const char *pid = getenv(variable);
	u64 n;

	return pid && !number_parse(pid, INT32_MAX, &n) && (pid_t)n == getpid();
}

void notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	char text[512];
	va_list ap;
	int fd;

	/* an absolute path, or a name without file */
	if (!len || len >= sizeof(addr.sun_path) || !strchr("/@", path[0]))
		return;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* a manager that does not listen is no reason to stop */
	sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
	       (struct sockaddr *)&addr,
	       offsetof(struct sockaddr_un, sun_path) + len);
	close(fd);
}

u64 notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	u64 n;

	if (!usec || number_parse(usec, UINT64_MAX / 1000, &n))
		return 0;
	return !getenv("WATCHDOG_PID") || is_for_us("WATCHDOG_PID") ? n * 1000 :
								      0;
}

int notify_socket(void)
{
	const char *count = getenv("LISTEN_FDS");
	int on = 0, type = 0, flags;
	socklen_t len = sizeof(on);
	u64 n;

	if (!count || !is_for_us("LISTEN_PID"))
		return -ENOENT;
	if (number_parse(count, INT32_MAX, &n))
		return -EINVAL;
	if (n != 1)
		return n ? -E2BIG : -ENOENT;
	if (getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &on, &len))
		return -errno;
	len = sizeof(type);
	if (getsockopt(FIRST_FD, SOL_SOCKET, SO_TYPE, &type, &len))
		return -errno;
	if (!on || type != SOCK_STREAM)
		return -EPROTOTYPE;
	flags = fcntl(FIRST_FD, F_GETFL);
	if (flags < 0 || fcntl(FIRST_FD, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC))
		return -errno;
	return FIRST_FD;
}
