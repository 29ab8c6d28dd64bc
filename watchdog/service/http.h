/* SPDX-License-Identifier: GPL-2.0 */
/* The two pages of `bpfwd serve`, without a thread of their own. */
#ifndef BPFWD_HTTP_H
#define BPFWD_HTTP_H

#include "show/types.h"

struct http;

/* What a page is made by: text to be freed, NULL if there is none. */
struct http_pages {
	char *(*metrics)(void *arg, bool openmetrics, size_t *len);
	char *(*health)(void *arg, bool *ok, size_t *len);
	void *arg;
};

/* Opens "ADDRESS:PORT". A socket, or -errno. */
int http_listen(const char *address);
/* "127.0.0.1:19612", what it is bound to. */
const char *http_address(int fd, char *buf, size_t size);

/* Takes the socket. */
struct http *http_start(int fd, const struct http_pages *pages);
void http_stop(struct http *h);
/* To be polled for reading; http_run() when it is ready or time is over. */
int http_fd(const struct http *h);
/* -1: as long as you like */
int http_timeout_ms(const struct http *h);
void http_run(struct http *h);

#endif
