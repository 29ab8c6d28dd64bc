// SPDX-License-Identifier: GPL-2.0
/* The server itself, on a port of this machine, with pages that are made here. */
#include "unit.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include "service/http.h"

static int pages_made;

static char *made_metrics(void *arg, bool openmetrics, size_t *len)
{
	size_t *size = arg;
	char *text = malloc(*size + 1);

	pages_made++;
	memset(text, openmetrics ? 'o' : 'p', *size);
	*len = *size;
	return text;
}

static char *made_health(void *arg, bool *ok, size_t *len)
{
	char *text = strdup("{}\n");

	*ok = *(size_t *)arg != 0;
	*len = strlen(text);
	return text;
}

struct place {
	struct http *http;
	uint16_t port;
	size_t page_size;
};

static int http_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	int fd = http_listen("127.0.0.1:0");
	char at[80];

	assert_true(fd >= 0);
	assert_non_null(strchr(http_address(fd, at, sizeof(at)), ':'));
	p->port = atoi(strchr(at, ':') + 1);
	p->page_size = 100;
	pages_made = 0;
	p->http =
		http_start(fd, &(struct http_pages){ made_metrics, made_health,
						     &p->page_size });
	assert_non_null(p->http);
	*state = p;
	return 0;
}

static int http_teardown(void **state)
{
	struct place *p = *state;

	http_stop(p->http);
	free(p);
	return 0;
}

static int client(const struct place *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(p->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void say_to(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* As `bpfwd serve` runs it, until the client has something to read or turns are over. */
static bool until_readable(struct place *p, int fd, int turns)
{
	struct pollfd fds[] = { { http_fd(p->http), POLLIN, 0 },
				{ fd, POLLIN, 0 } };

	while (turns--) {
		poll(fds, 2, 10);
		http_run(p->http);
		if (fds[1].revents)
			return true;
	}
	return false;
}

/* All that comes until the server ends the connection; to be freed. */
static char *answer_of(struct place *p, int fd, size_t *size)
{
	static char buf[1 << 17];
	char *all = calloc(1, 1);
	size_t len = 0;
	ssize_t n;

	while (until_readable(p, fd, 500) &&
	       (n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		all = realloc(all, len + n + 1);
		memcpy(all + len, buf, n);
		len += n;
		all[len] = '\0';
	}
	if (size)
		*size = len;
	return all;
}

static char *asked(struct place *p, const char *request)
{
	int fd = client(p);
	char *text;

	say_to(fd, request, strlen(request));
	text = answer_of(p, fd, NULL);
	close(fd);
	return text;
}

static void answers_with(struct place *p, const char *request,
			 const char *start, const char *part)
{
	char *text = asked(p, request);

	if (strncmp(text, start, strlen(start)) || !strstr(text, part))
		fail_msg("%s", text);
	free(text);
}

static void http_has_pages(void **state)
{
	struct place *p = *state;

	answers_with(p,
		     "GET /metrics HTTP/1.1\r\nHost: x\r\n"
		     "Connection: close\r\n\r\n",
		     "HTTP/1.1 200 OK\r\n",
		     "\r\nContent-Type: text/plain; version=0.0.4");
	answers_with(p,
		     "GET /metrics HTTP/1.0\r\n"
		     "Accept: application/openmetrics-text\r\n\r\n",
		     "HTTP/1.1 200 OK\r\n",
		     "\r\nContent-Type: application/openmetrics-text");
	answers_with(p,
		     "GET /metrics HTTP/1.0\r\n"
		     "Accept: application/openmetrics-text\r\n\r\n",
		     "HTTP/1.1 200 OK\r\n", "\r\n\r\nooo");
	answers_with(p, "GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		     "\r\n\r\n{}\n");
	answers_with(p, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		     "/healthz");
	answers_with(p, "GET /etc/passwd HTTP/1.0\r\n\r\n",
		     "HTTP/1.1 404 Not Found\r\n", "no such page\n");
	answers_with(p, "POST / HTTP/1.0\r\n\r\n",
		     "HTTP/1.1 405 Method Not Allowed\r\n",
		     "\r\nAllow: GET, HEAD\r\n");
	p->page_size = 0;
	answers_with(p, "GET /healthz HTTP/1.0\r\n\r\n",
		     "HTTP/1.1 503 Service Unavailable\r\n", "{}\n");
}

static void http_head_has_no_body(void **state)
{
	char *text = asked(*state, "HEAD /metrics HTTP/1.0\r\n\r\n");

	assert_non_null(strstr(text, "\r\nContent-Length: 100\r\n"));
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	free(text);
}

static void http_makes_metrics_once_a_second(void **state)
{
	for (int i = 0; i < 5; i++)
		free(asked(*state, "GET /metrics HTTP/1.0\r\n\r\n"));
	/* a slow machine may take seconds for these */
	assert_in_range(pages_made, 1, 4);
	usleep(1100000);
	pages_made = 0;
	free(asked(*state, "GET /metrics HTTP/1.0\r\n\r\n"));
	assert_int_equal(pages_made, 1);
}

static void http_takes_one_byte_at_a_time(void **state)
{
	static const char text[] = "GET / HTTP/1.0\r\nHost: x\r\n\r\n";
	struct place *p = *state;
	int fd = client(p);
	char *got;

	for (size_t i = 0; i < strlen(text); i++) {
		say_to(fd, text + i, 1);
		if (i + 1 < strlen(text))
			assert_false(until_readable(p, fd, 1));
	}
	got = answer_of(p, fd, NULL);
	assert_non_null(strstr(got, "200 OK"));
	free(got);
	close(fd);
}

/* More than a socket holds. */
static void http_sends_much(void **state)
{
	struct place *p = *state;
	char *text;

	p->page_size = 8000000;
	text = asked(p, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_true(strlen(text) > p->page_size);
	assert_int_equal(text[strlen(text) - 1], 'p');
	free(text);
}

/* What a connection may make the server remember is little. */
static void http_refuses_a_long_head(void **state)
{
	struct place *p = *state;
	char *head = malloc(40000), *text;

	memset(head, 'a', 40000);
	memcpy(head, "GET / HTTP/1.0\r\n", 16);
	head[17] = ':';
	memcpy(head + 39995, "\r\n\r\n", 5);
	text = asked(p, head);
	assert_null(strstr(text, "200 OK"));
	free(text);
	free(head);
	answers_with(p, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "");
}

/* Who says nothing keeps a place, and only until his time is over. */
static void http_has_few_places(void **state)
{
	struct place *p = *state;
	int idle[16], late;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = client(p);
		until_readable(p, idle[i], 2);
	}
	late = client(p);
	say_to(late, "GET / HTTP/1.0\r\n\r\n", 18);
	assert_false(until_readable(p, late, 5));
	/* the server waits without spinning */
	assert_int_equal(
		poll(&(struct pollfd){ http_fd(p->http), POLLIN, 0 }, 1, 0), 0);
	assert_in_range(http_timeout_ms(p->http), 0, 10001);
	close(idle[3]);
	text = answer_of(p, late, NULL);
	assert_non_null(strstr(text, "200 OK"));
	free(text);
	close(late);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		if (i != 3)
			close(idle[i]);
}

static void http_outlives_who_leaves(void **state)
{
	struct place *p = *state;
	const struct linger reset = { 1, 0 };

	p->page_size = 8000000;
	for (int i = 0; i < 20; i++) {
		int fd = client(p);

		if (i % 2)
			say_to(fd, "GET /metrics HTTP/1.0\r\n\r\n", 25);
		until_readable(p, fd, 2);
		if (i % 3)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		close(fd);
		until_readable(p, -1, 2);
	}
	answers_with(p, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "");
	/* nobody is left */
	until_readable(p, -1, 5);
	assert_int_equal(http_timeout_ms(p->http), -1);
}

static void http_addresses(void **state)
{
	static const char *const bad[] = { "",	   "1234",	 ":1",
					   "a:1",  "1.2.3.4",	 "127.0.0.1:",
					   "[::1", "127.0.0.1:x" };
	char at[80];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(http_listen(bad[i]), -EINVAL);
	fd = http_listen("[::1]:0");
	if (fd >= 0) {
		http_address(fd, at, sizeof(at));
		assert_memory_equal(at, "[::1]:", 6);
		close(fd);
	}
	assert_string_equal(http_address(-1, at, sizeof(at)), "a socket");
}

#define WITH_SERVER(test) \
	cmocka_unit_test_setup_teardown(test, http_setup, http_teardown)

static const struct CMUnitTest http_tests[] = {
	WITH_SERVER(http_has_pages),
	WITH_SERVER(http_head_has_no_body),
	WITH_SERVER(http_makes_metrics_once_a_second),
	WITH_SERVER(http_takes_one_byte_at_a_time),
	WITH_SERVER(http_sends_much),
	WITH_SERVER(http_refuses_a_long_head),
	WITH_SERVER(http_has_few_places),
	WITH_SERVER(http_outlives_who_leaves),
	cmocka_unit_test(http_addresses),
};

RUN(http_tests)
