// SPDX-License-Identifier: GPL-2.0
/* Trace rings that hold the watchdog's tracepoints. A ring of our own is called
 * bpfwd-PID, and its directory is locked while we live: one that can be locked
 * was left behind by somebody who was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tracefs.h>
#include <unistd.h>
#include "kernel/ring.h"

#define SYSTEM "bpf_watchdog"
#define HISTORY "bpfwd"
#define HISTORY_KB "64"
#define FOLLOW_KB "256"

struct ring {
	struct tracefs_instance *instance;
	int lock, pipe;
	char buf[16384];
	size_t len;
};

/* What both kinds of ring need; in this order. */
static const struct {
	const char *file, *value;
} settings[] = {
	{ "trace_clock", "boot" },	     { "options/irq-info", "0" },
	{ "buffer_percent", "0" },	     { "tracing_on", "1" },
	{ "events/" SYSTEM "/enable", "1" },
};

static int ring_put(struct tracefs_instance *instance, const char *file,
		    const char *value)
{
	errno = 0;
	if (tracefs_instance_file_write(instance, file, value) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int set_up(struct tracefs_instance *instance, const char *kb)
{
	int err = ring_put(instance, "buffer_size_kb", kb);

	for (size_t i = 0; !err && i < ARRAY_SIZE(settings); i++)
		err = ring_put(instance, settings[i].file, settings[i].value);
	return err;
}

/* tracefs may be missing, or closed to us. */
static int reach(void)
{
	const char *dir = tracefs_tracing_dir();

	tracefs_set_loglevel(TEP_LOG_NONE);
	if (!dir)
		return geteuid() ? -EACCES : -ENODEV;
	if (access(dir, X_OK | R_OK))
		return -errno;
	return 0;
}

static int lock_dir(struct tracefs_instance *instance)
{
	char *dir = tracefs_instance_get_dir(instance);
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = fd < 0 ? -errno : 0;

	tracefs_put_tracing_file(dir);
	if (!err && flock(fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		close(fd);
	}
	return err ? err : fd;
}

/* Removes the rings of those who were killed. */
static void sweep(void)
{
	/* not by its regular expression, which libtracefs 1.6 never frees */
	char **names = tracefs_instances(NULL);

	for (size_t i = 0; names && names[i]; i++) {
		struct tracefs_instance *instance;
		int fd;

		if (strncmp(names[i], HISTORY "-", strlen(HISTORY "-")))
			continue;
		instance = tracefs_instance_alloc(NULL, names[i]);
		fd = instance ? lock_dir(instance) : -1;
		if (fd >= 0) {
			close(fd);
			tracefs_instance_destroy(instance);
		}
		tracefs_instance_free(instance);
	}
	tracefs_list_free(names);
}

int ring_history_start(void)
{
	struct tracefs_instance *instance;
	int err = reach();

	if (err)
		return err;
	sweep();
	instance = tracefs_instance_create(HISTORY);
	if (!instance)
		return errno ? -errno : -EIO;
	/* a new size would empty the ring */
	if (tracefs_instance_is_new(instance))
		err = set_up(instance, HISTORY_KB);
	else
		err = ring_put(instance, "events/" SYSTEM "/enable", "1");
	if (err && tracefs_instance_is_new(instance))
		tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
	return err;
}

int ring_history_stop(void)
{
	struct tracefs_instance *instance;
	int err = reach();

	if (err)
		return err;
	sweep();
	if (!tracefs_instance_exists(HISTORY))
		return 0;
	instance = tracefs_instance_alloc(NULL, HISTORY);
	if (!instance)
		return -ENOMEM;
	err = ring_put(instance, "events/" SYSTEM "/enable", "0");
	tracefs_instance_free(instance);
	return err;
}

int ring_history_open(FILE **trace)
{
	struct tracefs_instance *instance;
	int err = reach(), fd;

	if (err)
		return err;
	if (!tracefs_instance_exists(HISTORY))
		return -ENOENT;
	instance = tracefs_instance_alloc(NULL, HISTORY);
	if (!instance)
		return -ENOMEM;
	fd = tracefs_instance_file_open(instance, "trace", O_RDONLY);
	err = fd < 0 ? -errno : 0;
	tracefs_instance_free(instance);
	if (err)
		return err;
	*trace = fdopen(fd, "r");
	if (*trace)
		return 0;
	close(fd);
	return -ENOMEM;
}

int ring_follow(struct ring **out)
{
	struct ring *ring;
	char name[32];
	int err = reach();

	if (err)
		return err;
	sweep();
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->lock = ring->pipe = -1;
	snprintf(name, sizeof(name), HISTORY "-%d", getpid());
	ring->instance = tracefs_instance_create(name);
	err = ring->instance ? 0 : errno ? -errno : -EIO;
	if (!err)
		err = ring->lock = lock_dir(ring->instance);
	if (err >= 0)
		err = set_up(ring->instance, FOLLOW_KB);
	if (!err) {
		ring->pipe = tracefs_instance_file_open(
			ring->instance, "trace_pipe", O_RDONLY | O_NONBLOCK);
		err = ring->pipe < 0 ? -errno : 0;
	}
	if (err) {
		ring_close(ring);
		return err;
	}
	*out = ring;
	return 0;
}

int ring_fd(const struct ring *ring)
{
	return ring->pipe;
}

void ring_read(struct ring *ring, bool (*fn)(void *arg, char *line), void *arg)
{
	ssize_t n = read(ring->pipe, ring->buf + ring->len,
			 sizeof(ring->buf) - ring->len);
	char *line = ring->buf, *end;
	bool more = n > 0;

	if (!more)
		return;
	ring->len += n;
	while (more &&
	       (end = memchr(line, '\n', ring->buf + ring->len - line))) {
		*end = '\0';
		more = fn(arg, line);
		line = end + 1;
	}
	ring->len -= line - ring->buf;
	memmove(ring->buf, line, ring->len);
	/* a line that fills the buffer is none of the watchdog's */
	if (ring->len == sizeof(ring->buf))
		ring->len = 0;
}

bool ring_alive(const struct ring *ring)
{
	struct stat st;

	return !fstat(ring->lock, &st) && st.st_nlink &&
	       tracefs_instance_exists(
		       tracefs_instance_get_name(ring->instance));
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->pipe >= 0)
		close(ring->pipe);
	if (ring->instance)
		tracefs_instance_destroy(ring->instance);
	if (ring->lock >= 0)
		close(ring->lock);
	tracefs_instance_free(ring->instance);
	free(ring);
}

int ring_fault(struct fault *f, int err)
{
	bool denied = err == -EACCES || err == -EPERM;

	fault_set(f, denied || err == -ENODEV ? EXIT_LACKS : EXIT_FAILED, err,
		  "cannot use a trace ring");
	if (denied) {
		fault_why(f, "tracefs is closed to this user");
		return fault_hint(f, "run it as root");
	}
	if (err == -ENODEV)
		fault_why(f, "tracefs is neither mounted nor can be");
	return fault_hint(f, "bpfwd doctor");
}
