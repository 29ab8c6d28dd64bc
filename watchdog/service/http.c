// SPDX-License-Identifier: GPL-2.0
/* The two pages of `bpfwd serve`, by libmicrohttpd. Who asks is not trusted: few
 * connections, little memory and little time for each, and /metrics is made at
 * most once a second.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "service/http.h"
#include "show/duration.h"

#define CONNECTIONS 16
#define CONNECTION_SECONDS 10
#define CONNECTION_MEMORY 16384
#define CACHE_NS 1000000000ULL

struct cache {
	char *text;
	size_t len;
	u64 made_ns;
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_pages pages;
	struct cache metrics[2]; /* Prometheus, OpenMetrics */
	int epoll;
};

static const char *const metrics_types[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

int http_listen(const char *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST |
						    AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	struct addrinfo *info = NULL;
	char host[64];
	int fd, err = -EINVAL, one = 1;
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!len || len >= sizeof(host) || !colon[1])
		return -EINVAL;
	/* [::1]:19612 */
	if (address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)len, address);
	if (getaddrinfo(host, colon + 1, &hints, &info))
		return -EINVAL;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) ||
	    listen(fd, CONNECTIONS))
		err = -errno;
	else
		err = fd;
	freeaddrinfo(info);
	if (err < 0 && fd >= 0)
		close(fd);
	return err;
}

const char *http_address(int fd, char *buf, size_t size)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	char host[64], port[8];

	snprintf(buf, size, "a socket");
	if (getsockname(fd, (struct sockaddr *)&addr, &len) ||
	    getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return buf;
	snprintf(buf, size, addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
		 host, port);
	return buf;
}

static enum MHD_Result respond(struct MHD_Connection *c, unsigned int status,
			       const char *type, char *text, size_t len,
			       enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(len, text, mode);
	enum MHD_Result ret;

	if (!r) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result respond_text(struct MHD_Connection *c,
				    unsigned int status, const char *text)
{
	return respond(c, status, "text/plain; charset=utf-8", (char *)text,
		       strlen(text), MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result http_page_metrics(struct http *h,
					 struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(
		c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool open = accept && strstr(accept, "application/openmetrics-text");
	struct cache *cache = &h->metrics[open];
	u64 now = clock_ns(CLOCK_MONOTONIC);

	if (!cache->text || now - cache->made_ns >= CACHE_NS) {
		free(cache->text);
		cache->text = h->pages.metrics(h->pages.arg, open, &cache->len);
		cache->made_ns = now;
	}
	if (!cache->text)
		return respond_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
				    "cannot read the kernel's state; see "
				    "/healthz\n");
	return respond(c, MHD_HTTP_OK, metrics_types[open], cache->text,
		       cache->len, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result http_page_health(struct http *h,
					struct MHD_Connection *c)
{
	bool ok;
	size_t len;
	char *text = h->pages.health(h->pages.arg, &ok, &len);

	if (!text)
		return respond_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
				    "no memory\n");
	return respond(c, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		       "application/json", text, len, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result page_index(struct http *h, struct MHD_Connection *c)
{
	(void)h;
	return respond_text(c, MHD_HTTP_OK,
			    "bpfwd " BPFWD_VERSION
			    "\n/metrics  Prometheus or OpenMetrics text\n"
			    "/healthz  200, or 503 and what is wrong\n");
}

static const struct page {
	const char *url;
	enum MHD_Result (*make)(struct http *h, struct MHD_Connection *c);
} pages[] = {
	{ "/", page_index },
	{ "/metrics", http_page_metrics },
	{ "/healthz", http_page_health },
};

static enum MHD_Result answer(void *arg, struct MHD_Connection *c,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	static int begun;
	struct http *h = arg;

	(void)version;
	(void)upload;
	/* the first call is for the head only; what is uploaded is dropped */
	if (!*request) {
		*request = &begun;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return respond_text(c, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "only GET and HEAD\n");
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (!strcmp(url, pages[i].url))
			return pages[i].make(h, c);
	return respond_text(c, MHD_HTTP_NOT_FOUND, "no such page\n");
}

struct http *http_start(int fd, const struct http_pages *from)
{
	struct http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h) {
		close(fd);
		return NULL;
	}
	h->pages = *from;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, h,
				     MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned int)CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned int)CONNECTION_SECONDS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (!h->daemon) {
		close(fd);
		free(h);
		return NULL;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->epoll = info ? info->epoll_fd : -1;
	if (h->epoll >= 0)
		return h;
	http_stop(h);
	return NULL;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	for (size_t i = 0; i < ARRAY_SIZE(h->metrics); i++)
		free(h->metrics[i].text);
	free(h);
}

int http_fd(const struct http *h)
{
	return h->epoll;
}

int http_timeout_ms(const struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

void http_run(struct http *h)
{
	MHD_run(h->daemon);
}
